// Small comforts of the console. Every page works without this file.
"use strict";

// "/" focuses the search field.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
  const field = document.querySelector("[data-search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
});

// A key presses the button that shows it, on pages with a card that is answered by keys.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if (!document.querySelector("[data-keys], [data-key=u]") || !/^[a-z0-9]$/.test(key)) return;
  const card = document.activeElement.closest(".card:has([data-key])");
  const own = (card || document).querySelector(`[data-key="${key}"]`);
  const button = own || document.querySelector(`[data-key="${key}"]`);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
});

// htmx sends the CSRF token with every request that changes something.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]");
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
});

// What somebody is writing in is not renewed under the pen.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.querySelector("details.give-up[open]")) event.preventDefault();
});

// What renews itself says so when it cannot: old figures must not look like new ones.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 503) event.detail.shouldSwap = true;
});
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, (event) => {
    const note = event.target.querySelector("[data-unreachable]");
    if (!note || event.detail.xhr.status === 503) return;
    if (event.detail.xhr.status === 401) location.reload(); // to log in again
    note.hidden = false;
  });
}

// A form that has been sent once is not sent again by an impatient click.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button[type=submit], button:not([type])")) {
    setTimeout(() => { button.disabled = true; }, 0);
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[disabled]:not([data-off])")) {
    button.disabled = false;
  }
});

// What scrolls sideways can be reached and scrolled with the keyboard.
function openScrollers() {
  for (const box of document.querySelectorAll(".scroll")) {
    const scrolls = box.scrollWidth > box.clientWidth;
    box.toggleAttribute("tabindex", scrolls);
    if (scrolls) box.tabIndex = 0;
  }
}
addEventListener("resize", openScrollers);
document.addEventListener("htmx:afterSettle", openScrollers);
openScrollers();
