// The builder of audiences. The text is what counts: the builder is drawn from what the server reads
// in it, and what somebody changes in the builder the server writes as text. So both always agree,
// and the grammar stands in one place only.
"use strict";

const box = document.querySelector("[data-builder]");
const text = document.getElementById("expression");
const root = box.querySelector("[data-root]");
const problem = box.querySelector("[data-problem]");
const words = document.querySelector("[data-words]");
const undo = box.querySelector("[data-undo]");
const redo = box.querySelector("[data-redo]");
const past = [], future = [];
let known = null; // the text that the builder shows
let written = null; // what the builder held when that text was written
let asked = 0; // the newest question; older answers are not shown any more

const one = (within, name) => within.querySelector(`:scope [data-${name}]`);
const own = (item, name) =>
  [...item.querySelectorAll(`[data-${name}]`)].find((e) => e.closest(".b-group, .b-leaf") === item);

function make(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

// drawing ---------------------------------------------------------------------------------------

function draw(model) {
  return "join" in model ? drawGroup(model) : drawLeaf(model);
}

function drawGroup(model) {
  const item = make("b-group");
  own(item, "not").checked = Boolean(model.not);
  own(item, "join").value = model.join;
  item.querySelector(".b-items").append(...model.items.map(draw));
  return item;
}

function drawLeaf(model) {
  const item = make("b-leaf");
  own(item, "not").checked = Boolean(model.not);
  const sort = { field: model.field, count: model.what, flag: model.channel }[model.leaf];
  own(item, "kind").value = sort ? `${model.leaf}:${sort}` : model.leaf;
  show(item);
  const part = shown(item);
  const name = part && one(part, "name");
  if (name) name.value = model.name ?? model.value ?? "";
  if (model.leaf === "tag") one(part, "weight").value = model.at_least ?? 0.2;
  if (model.leaf === "campaign") one(part, "step").value = model.step;
  if (model.leaf === "count") drawTimes(item, part, model);
  return item;
}

function drawTimes(item, part, { days, least, most }) {
  let bound = "range";
  if (most === null) bound = "least";
  else if (most === 0) bound = "never";
  else if (most === least) bound = "same";
  else if (least === 0) bound = "most";
  one(part, "days").value = days;
  one(part, "bound").value = bound;
  one(part, "low").value = bound === "most" ? most : least;
  if (most !== null) one(part, "high").value = most;
  show(item);
}

// Only what belongs to the chosen kind is seen.
function show(item) {
  const [kind, sort] = own(item, "kind").value.split(":");
  for (const part of item.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
  const part = shown(item);
  if (kind === "field") one(part, "name").dataset.sort = sort;
  if (kind === "count") {
    const bound = one(part, "bound").value;
    one(part, "low").hidden = bound === "never";
    one(part, "times").hidden = bound === "never";
    one(part, "high-part").hidden = bound !== "range";
  }
}

const shown = (item) =>
  [...item.querySelectorAll("[data-for]")].find((part) => !part.hidden) || null;

// reading ---------------------------------------------------------------------------------------

function read(item) {
  const not = own(item, "not").checked;
  if (item.matches(".b-group")) {
    const items = [...item.querySelector(".b-items").children].map(read);
    return { join: own(item, "join").value, not, items };
  }
  const [leaf, sort] = own(item, "kind").value.split(":");
  const part = shown(item);
  const name = part && one(part, "name") ? one(part, "name").value.trim() : "";
  const more = {
    tag: () => ({ name, at_least: Number(one(part, "weight").value) }),
    field: () => ({ field: sort, value: name }),
    count: () => ({ what: sort, ...readTimes(part) }),
    flag: () => ({ channel: sort }),
    campaign: () => ({ name, step: one(part, "step").value }),
  }[leaf];
  return { leaf, not, ...(more ? more() : { name }) };
}

function readTimes(part) {
  const [days, low, high] = ["days", "low", "high"].map((name) => Number(one(part, name).value));
  const [least, most] = {
    least: [low, null], most: [0, low], same: [low, low], range: [low, high], never: [0, 0],
  }[one(part, "bound").value];
  return { days, least, most };
}

// between the two -------------------------------------------------------------------------------

async function fromText() {
  const number = ++asked;
  const value = text.value;
  say("");
  if (!value.trim()) {
    known = value;
    root.replaceChildren(drawGroup({ join: "all", items: [] }));
    words.textContent = "";
    return;
  }
  const address = new URL(box.dataset.model, location.href);
  address.searchParams.set("expression", value);
  const answer = await ask(address);
  if (number !== asked || !answer) return;
  box.classList.toggle("stale", Boolean(answer.problem));
  words.textContent = answer.words || "";
  if (answer.problem) return; // the count beside it says what is wrong
  known = value;
  root.replaceChildren(draw(answer.model));
}

async function fromBuilder() {
  const body = JSON.stringify(read(root.firstElementChild));
  if (body === written && text.value === known) return; // leaving a field that counted already
  const number = ++asked;
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await ask(box.dataset.text, {
    method: "POST", body,
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
  });
  if (number !== asked || !answer) return;
  say(answer.problem || "");
  if (!answer.problem) written = body;
  if (answer.problem || answer.text === text.value) return;
  known = answer.text;
  box.classList.remove("stale");
  put(answer.text);
  settle(); // each change in the builder is a step of its own
}

async function ask(address, options) {
  try {
    const answer = await fetch(address, options);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the count says that nobody answers
  }
}

function put(value) {
  text.value = value;
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

function say(told) {
  problem.textContent = told;
}

// what somebody does ----------------------------------------------------------------------------

let settled = text.value;
let waits = 0;

text.addEventListener("input", () => {
  clearTimeout(waits);
  waits = setTimeout(() => {
    settle();
    if (text.value !== known) fromText();
  }, 250);
});

// What stands there now is a step to come back to.
function settle() {
  if (text.value !== settled) {
    past.push(settled);
    future.length = 0;
    settled = text.value;
  }
  steps();
}

function steps() {
  undo.disabled = !past.length;
  redo.disabled = !future.length;
}

function step(from, to) {
  settle();
  if (!from.length) return;
  to.push(settled);
  settled = from.pop();
  known = null;
  put(settled);
  steps();
}
undo.addEventListener("click", () => step(past, future));
redo.addEventListener("click", () => step(future, past));

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const item = button.closest(".b-group, .b-leaf");
  if ("addLeaf" in button.dataset) {
    item.querySelector(".b-items").append(drawLeaf({ leaf: "tag", name: "" }));
    item.querySelector(".b-items").lastElementChild.querySelector("[data-kind]").focus();
    return; // nothing is chosen yet
  }
  if ("addGroup" in button.dataset) {
    const fresh = { join: "any", items: [{ leaf: "tag", name: "" }] };
    item.querySelector(".b-items").append(drawGroup(fresh));
    return;
  }
  if (item === root.firstElementChild) item.querySelector(".b-items").replaceChildren();
  else item.remove();
  if (root.querySelector(".b-leaf")) fromBuilder();
  else put("");
});

root.addEventListener("change", (event) => {
  const item = event.target.closest(".b-leaf");
  if (item) show(item);
  fromBuilder();
});

// Names come while somebody types; several pickers of one sort share a list.
let names = 0;
root.addEventListener("input", offer);
root.addEventListener("focusin", offer);
function offer(event) {
  const field = event.target.closest("[data-name]");
  if (!field) return;
  clearTimeout(names);
  names = setTimeout(async () => {
    const address = new URL(box.dataset.names, location.href);
    address.searchParams.set("sort", field.dataset.sort);
    address.searchParams.set("q", field.value);
    const found = (await ask(address)) || [];
    const id = `names-${field.dataset.sort}`;
    const list = document.getElementById(id) || document.createElement("datalist");
    list.id = id;
    list.replaceChildren(...found.map((name) => new Option(name, name)));
    document.body.append(list);
    field.setAttribute("list", id);
    if (event.type === "input" && found.includes(field.value)) fromBuilder(); // a whole name
  }, 120);
}

// Numbers count while they are typed.
let typed = 0;
root.addEventListener("input", ({ target }) => {
  clearTimeout(typed);
  if (target.type === "number" && target.value) typed = setTimeout(fromBuilder, 250);
});

box.hidden = false;
fromText();
