// The phones page: asks for what changed, draws both phones and the column between, and turns
// every tap into what the person would do.

import { h, icon, show } from "./dom.js";
import { forwardable, repScreen } from "./rep.js";
import { physicianScreen } from "./physician.js";
import { begin, look } from "./seen.js";
import { avatar, hourOf, isEnglish, product, t } from "./shared.js";
import { traffic } from "./traffic.js";

const POLL_MS = 700;
const asked = new URLSearchParams(location.search);
const part = (id) => document.getElementById(id);

const state = {
  view: null,
  etag: "",
  rep: asked.get("rep") || "",
  person: asked.get("person") || "",
  stacks: { rep: [{ name: "home" }], person: [{ name: "home" }] },
  browser: { rep: null, person: null },
  picker: null,
  column: { part: "lines", filter: "all", open: new Set() },
  details: new Map(),
  newest: null,
  offline: false,
};

// --- asking -------------------------------------------------------------------------------------

async function refresh() {
  const query = new URLSearchParams({ rep: state.rep, person: state.person });
  try {
    const answer = await fetch(`/phones/view?${query}`, { headers: state.etag ? { "If-None-Match": state.etag } : {}, cache: "no-store" });
    setOffline(false);
    if (answer.status !== 200) return;
    state.etag = answer.headers.get("ETag");
    state.view = await answer.json();
    begin(state.view.now);
  } catch {
    setOffline(true);
    return;
  }
  state.rep = state.view.rep?.userid || "";
  state.person = state.view.person?.key || "";
  remember();
  pulse();
  draw();
}

function setOffline(now) {
  if (state.offline === now) return;
  state.offline = now;
  document.body.classList.toggle("offline", now);
  if (now) say(t("模拟平台没有回应，正在重试…"), true);
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

function remember() {
  const query = new URLSearchParams(location.search);
  if (state.rep) query.set("rep", state.rep);
  if (state.person) query.set("person", state.person);
  const address = `${location.pathname}?${query}`;
  if (address !== location.pathname + location.search) history.replaceState(null, "", address);
}

async function tell(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    say(t("平台拒绝了：{0}", said.errcode ? `${said.errcode} ${said.error}` : said.error || answer.status), true);
    return null;
  }
  await refresh();
  return said;
}

const doIt = (verb, args) => tell(`/sandbox/do/${verb}`, args);

// --- drawing ------------------------------------------------------------------------------------

const top = (side) => state.stacks[side].at(-1);

function draw() {
  const { view } = state;
  if (!view) return;
  drawPhone("rep", repScreen(view, top("rep")));
  drawPhone("person", physicianScreen(view, top("person")));
  show(part("column"), traffic(view, state.column, state.details));
  show(part("top-right"), topRight());
  noteSeen();
}

function drawPhone(side, screen) {
  const { view } = state;
  const who = view[side];
  show(part(`${side}-head`), who && seat(side, who));
  const element = part(`${side}-screen`);
  const before = scrollOf(element);
  show(element, h("div", { class: "status", key: "status" }, h("time", {}, hourOf(view.now)), h("span", { class: "signal", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {}), h("i", {}), h("b", {}))), screen);
  keepAtEnd(element, before);
}

function seat(side, who) {
  const note = side === "rep" ? t("代表 · 企业微信") : t("医生 · 微信");
  const more = side === "rep" ? who.title : [who.title, who.hospital].filter(Boolean).join(" · ");
  const isOpen = state.picker === side;
  return [
    h("button", { class: "seat-name", type: "button", key: "name", act: "pick", arg: { side }, "aria-expanded": String(isOpen), "aria-haspopup": "listbox" },
      avatar(who.name), h("span", {}, h("small", {}, note), h("b", {}, who.name, h("i", {}, more))), icon("down")),
    isOpen && h("div", { class: "picker", key: "picker" },
      h("input", { type: "search", placeholder: side === "rep" ? t("找代表") : t("找医生、医院"), "aria-label": side === "rep" ? t("找代表") : t("找医生、医院"), id: "picker-text", autocomplete: "off" }),
      h("div", { class: "picker-list", id: "picker-list" }, (state.found || []).map(choice(side)))),
  ];
}

const choice = (side) => (one) => h("button", { type: "button", act: "sit", arg: { side, key: one.key }, key: one.key },
  avatar(one.name), h("span", {}, h("b", {}, one.name), h("small", {}, [one.title, one.hospital].filter(Boolean).join(" · "))),
  one.is_contact === false && h("i", { class: "mark" }, t("还不是联系人")), one.follows_oa && h("i", { class: "mark green" }, t("已关注")));

function topRight() {
  const other = new URLSearchParams(location.search);
  if (isEnglish) other.delete("lang");
  else other.set("lang", "en");
  return [
    h("a", { href: `${product}/console/`, target: "_blank", rel: "noopener", key: "console" }, t("打开控制台"), icon("out")),
    h("a", { href: `?${other}`, key: "lang", lang: isEnglish ? "zh-CN" : "en" }, isEnglish ? "中文" : "English"),
  ];
}

function scrollOf(element) {
  const box = element.querySelector(".scroll.chat");
  return box && { key: box.dataset.key, count: box.dataset.bottom, isAtEnd: box.scrollHeight - box.scrollTop - box.clientHeight < 80 };
}

function keepAtEnd(element, before) {
  const box = element.querySelector(".scroll.chat");
  if (!box) return;
  const isNew = !before || before.key !== box.dataset.key;
  if (isNew || (before.isAtEnd && before.count !== box.dataset.bottom)) box.scrollTop = box.scrollHeight;
}

function noteSeen() {
  const { rep, person } = state.view;
  const mine = top("rep");
  const theirs = top("person");
  if (rep && mine.name === "app") look("rep", rep.userid, "app", rep.app.at(-1));
  if (rep && mine.name === "chat") look("rep", rep.userid, mine.id, rep.contacts.find((one) => one.external_userid === mine.id)?.chat.at(-1));
  if (person && theirs.name === "oa") look("person", person.key, "oa", person.oa_chat.at(-1));
  if (person && theirs.name === "chat") look("person", person.key, theirs.id, person.reps.find((one) => one.userid === theirs.id)?.chat.at(-1));
}

/** A light runs along the wire for each new line. */
function pulse() {
  const newest = state.view.journal.at(-1)?.id ?? 0;
  const fresh = state.newest === null ? [] : state.view.journal.filter((line) => line.id > state.newest);
  state.newest = newest;
  for (const line of fresh.slice(-4)) {
    const wire = document.querySelector(`[data-wire="${line.platform === "oa" ? "oa" : "wecom"}"]`);
    if (!wire) continue;
    const light = document.createElement("i");
    const toYishu = (line.kind === "callback") === (line.platform !== "oa");
    light.className = toYishu ? "light right" : "light left";
    light.addEventListener("animationend", () => light.remove());
    part("column").querySelector(".wires").dataset.live = "1";
    wire.append(light);
  }
}

// --- the browser inside a phone -----------------------------------------------------------------

function openBrowser(side, url, title = "") {
  const box = part(`${side}-browser`);
  state.browser[side] = url;
  let host = "";
  try {
    host = new URL(url).host;
  } catch {
    say(t("这个链接打不开：{0}", url), true);
    return;
  }
  const frame = h("iframe", { src: side === "rep" ? asRep(url) : url, title: title || t("手机里的网页"), referrerpolicy: "no-referrer" });
  box.replaceChildren(
    h("div", { class: "status" }, h("time", {}, hourOf(state.view.now)), h("span", { class: "signal", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {}), h("i", {}), h("b", {}))),
    h("div", { class: "bar" }, h("button", { class: "bar-button", type: "button", act: "close-browser", "aria-label": t("关闭") }, icon("close")),
      h("h2", { class: "bar-title" }, title || host, h("small", {}, title ? host : "")),
      h("span", { class: "bar-tools" }, h("button", { class: "bar-button", type: "button", act: "reload", "aria-label": t("刷新") }, icon("refresh")),
        h("button", { class: "bar-button", type: "button", act: "outside", "aria-label": t("在新窗口打开") }, icon("out")))),
    h("div", { class: "progress" }), frame);
  box.hidden = false;
  box.classList.add("loading");
  frame.addEventListener("load", () => box.classList.remove("loading"));
}

/** A rep who looks at a link is no reader: WeCom says so by its user agent, a frame cannot. */
function asRep(url) {
  if (!url.startsWith(`${product}/t/`)) return url;
  const address = new URL(url);
  address.searchParams.set("preview", "rep");
  return address.href;
}

function closeBrowser(side) {
  const box = part(`${side}-browser`);
  box.hidden = true;
  box.replaceChildren();
  state.browser[side] = null;
}

// --- what taps do -------------------------------------------------------------------------------

const go = (side, screen) => state.stacks[side].push(screen);
const goHome = (side, tab = "chats") => { state.stacks[side] = [{ name: "home", tab }]; };

const QUIET = new Set(["agree_archive", "revoke"]); // nothing on the phones shows these

const acts = {
  go: (side, screen) => go(side, screen),
  back: (side) => { if (state.stacks[side].length > 1) state.stacks[side].pop(); },
  tab: (side, { tab }) => goHome(side, tab),
  typing: (side, { typing }) => { top(side).typing = typing; },
  browse: (side, { url, title }) => openBrowser(side, url, title),
  home: (side, { path }) => openBrowser(side, product + path, t("医枢")),
  "close-browser": (side) => closeBrowser(side),
  reload: (side) => openBrowser(side, state.browser[side]),
  outside: (side) => window.open(state.browser[side], "_blank", "noopener"),
  part: (_side, arg) => Object.assign(state.column, arg),
  filter: (_side, arg) => Object.assign(state.column, arg),
  pick: (_side, { side }) => openPicker(state.picker === side ? null : side),
  sit: (_side, { side, key }) => sit(side, key),
  seat: (_side, { seat: name }) => { document.body.dataset.seat = name; },

  async do(side, { verb, with: args, go: next, back, home }) {
    const done = await doIt(verb, args);
    if (!done) return;
    if (next) go(side, next);
    if (back) acts.back(side);
    if (home) goHome(side);
    if (QUIET.has(verb)) say(t("平台已通知医枢"));
  },
  async "tap-card"(_side, { ask, ...args }, element) {
    const chosen = ask && element.closest(".card").querySelector("input:checked");
    if (chosen) args.selected = { [chosen.dataset.question]: [chosen.value] };
    element.closest("details")?.removeAttribute("open");
    await doIt("tap_card", args);
  },
  async forward(side, { person, id, text }) {
    const done = await doIt("chat", { userid: state.rep, person, text: forwardable(text), by: "rep" });
    if (!done) return;
    state.stacks[side] = [{ name: "home", tab: "chats" }, { name: "chat", id }];
    if (person !== state.person) await sit("person", person);
    state.stacks.person = [{ name: "home" }, { name: "chat", id: state.rep }];
    say(t("已转发"));
  },
  async newcomer() {
    const made = await doIt("invent_person", {});
    if (made) await sit("person", made.key);
  },
  async trouble(_side, change) {
    const next = change.reset ? {} : { ...state.view.trouble, ...change };
    if (change.errcodes) next.errcodes = { ...state.view.trouble.errcodes, ...change.errcodes };
    await tell("/sandbox/trouble", next);
  },
  async line(_side, { id }) {
    const { open } = state.column;
    if (open.delete(id)) return;
    open.add(id);
    draw();
    state.details.set(id, await (await fetch(`/phones/journal/${id}`)).json());
  },
};

const submits = {
  chat: (_side, text, arg) => doIt("chat", { ...arg, text }),
  "rep-says": (_side, text) => doIt("rep_says", { userid: state.rep, text }),
  "oa-says": (_side, text, arg) => doIt("oa_says", { ...arg, text }),
};

document.addEventListener("click", async (event) => {
  const element = event.target.closest("[data-act]");
  closeMenus(event.target);
  if (!element || element.tagName === "FORM") return;
  const side = element.closest("[data-side]")?.dataset.side || "";
  const arg = element.dataset.arg === undefined ? {} : JSON.parse(element.dataset.arg);
  await acts[element.dataset.act]?.(side, arg, element);
  draw();
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const side = form.closest("[data-side]").dataset.side;
  const arg = form.dataset.arg ? JSON.parse(form.dataset.arg) : {};
  if (form.dataset.act === "edit-contact") {
    const phones = form.elements.phones.value.split(/[\s,，、]+/).filter(Boolean);
    if (await doIt("edit_contact", { ...arg, remark: form.elements.remark.value, phones })) say(t("已保存"));
    return;
  }
  const box = form.elements.text;
  const text = box.value.trim();
  if (!text) return;
  box.value = "";
  if (!(await submits[form.dataset.act](side, text, arg))) box.value = text;
  const chat = part(`${side}-screen`).querySelector(".scroll.chat");
  if (chat) chat.scrollTop = chat.scrollHeight;
});

document.addEventListener("input", (event) => {
  if (event.target.id === "picker-text") find(event.target.value);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (state.picker) openPicker(null).then(draw);
  closeMenus(document.body);
});

function closeMenus(target) {
  for (const open of document.querySelectorAll("details.corner[open], details.oa-sub[open]")) if (!open.contains(target)) open.removeAttribute("open");
  if (state.picker && !target.closest(".picker, .seat-name")) openPicker(null);
}

// --- who holds the phones -----------------------------------------------------------------------

async function openPicker(side) {
  state.picker = side;
  state.found = [];
  if (!side) return;
  draw();
  part("picker-text").focus();
  await find("");
}

async function find(text) {
  const side = state.picker;
  if (!side) return;
  const query = new URLSearchParams({ kind: side === "rep" ? "rep" : "person", q: text, rep: state.rep });
  const found = await (await fetch(`/phones/people?${query}`)).json();
  if (state.picker !== side) return;
  state.found = found;
  draw();
}

async function sit(side, key) {
  state[side] = key;
  state.picker = null;
  state.stacks[side] = [{ name: "home" }];
  closeBrowser(side);
  await refresh();
}

// --- telling ------------------------------------------------------------------------------------

let quiet = 0;
function say(text, bad = false) {
  const box = part("toast");
  box.textContent = text;
  box.className = bad ? "bad" : "good";
  clearTimeout(quiet);
  quiet = setTimeout(() => { box.className = ""; box.textContent = ""; }, bad ? 6000 : 1800);
}

poll();
