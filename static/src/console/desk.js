// The review desk: a key (console.js presses the button) decides, and the next pair, loaded ahead, is
// there at once. Answers travel in the background; one that was not taken down is said, with a way
// back to its pair.
"use strict";

const desk = document.querySelector("[data-desk]");
const told = desk.querySelector("[data-told]");
const sent = new Set(); // decided here: not to be shown again, though the answer may be on its way
let ahead = null; // the next pair, as text
let line = Promise.resolve(); // answers go one after another, so the last key is the last decision
let waiting = 0; // in that line
const LONGEST_MS = 15_000; // then it counts as lost, and the line goes on

const caseHere = () => desk.querySelector("#case");
const numberOf = (box) => box.dataset.case;

function addressOf(extra) {
  const address = new URL(desk.dataset.next, location.href);
  for (const [name, value] of extra) address.searchParams.append(name, value);
  return address;
}

async function load(extra) {
  const answer = await fetch(addressOf(extra), { headers: { "X-Requested-With": "desk" } });
  if (!answer.ok) throw new Error(answer.status);
  return answer.text();
}

function lookAhead() {
  const here = numberOf(caseHere());
  if (!here) return;
  ahead = load(besides(here)).catch(() => null);
}

const besides = (...more) => [...sent, ...more].slice(-50).map((number) => ["besides", number]);

// The pair here was loaded before an answer about the same person: it may look otherwise now.
async function anew() {
  const here = numberOf(caseHere());
  if (sent.has(here)) return;
  await show(load([["case", here], ...besides()]).catch(() => caseHere().outerHTML));
}

async function show(text) {
  const html = await text; // first: another pair may be shown while this one is on its way
  caseHere().outerHTML = html;
  lookAhead();
  openScrollers();
}

function say(text) {
  told.textContent = text;
}

// It stays until somebody goes back: later answers say something, too.
function sayLost(text, number) {
  const lost = document.createElement("p");
  lost.className = "told wrong";
  lost.setAttribute("role", "alert");
  lost.textContent = text;
  const back = document.createElement("button");
  back.type = "button";
  back.className = "btn small";
  back.textContent = desk.dataset.back;
  back.addEventListener("click", () => { sent.delete(number); show(load([["case", number]])); lost.remove(); });
  lost.append(" ", back);
  told.after(lost);
}

function inTurn(work) {
  waiting += 1;
  const mine = line.then(work).finally(() => { waiting -= 1; });
  line = mine.catch(() => null);
  return mine;
}

async function post(form, values) {
  const body = new FormData(form);
  for (const [name, value] of values) body.set(name, value);
  const answer = await fetch(form.action, {
    method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LONGEST_MS),
  });
  if (!answer.ok) throw new Error(answer.status);
  const said = await answer.json();
  for (const name of ["left", "hour", "today"]) {
    desk.querySelector(`[data-${name}]`).textContent = said[name].toLocaleString("en");
  }
  return said;
}

async function decide(form, verdict) {
  const number = numberOf(caseHere());
  if (sent.has(number)) return; // decided a moment ago, and the next one is still on its way
  sent.add(number);
  const who = caseHere().dataset.person;
  const answer = inTurn(() => post(form, [["verdict", verdict]])).catch(() => null);
  const next = (await ahead) ?? null;
  if (next !== null) await show(next);
  const said = await answer;
  if (who && who === caseHere().dataset.person) await anew();
  if (said === null) sayLost(desk.dataset.failed, number);
  else if (said.sound) say(said.text);
  else sayLost(said.text, number);
  if (next === null && said !== null) location.assign(desk.dataset.desk);
}

async function undo(form) {
  try {
    const said = await inTurn(() => post(form, []));
    say(said.text);
    if (!said.case) return;
    sent.delete(String(said.case));
    await show(load([["case", said.case]]));
  } catch {
    say(desk.dataset.failed);
  }
}

desk.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.name === "reason") event.preventDefault();
});

addEventListener("beforeunload", (event) => {
  if (!waiting) return;
  event.preventDefault();
  event.returnValue = true; // older browsers
});

desk.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  if ("undo" in form.dataset) undo(form);
  else decide(form, event.submitter.value);
});

lookAhead();
