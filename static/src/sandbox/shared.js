// What both phones and the traffic column share: words, times, people, links.

import { h, icon } from "./dom.js";
import { ENGLISH } from "./english.js";

export const isEnglish = document.documentElement.lang === "en";
export const product = document.body.dataset.product;
export const CORP = "示例医药";
export const APP = "医枢";
export const ACCOUNT = "示例医讯";

/** The text in the page's language; `{0}` … are filled in. */
export function t(chinese, ...values) {
  const text = isEnglish ? ENGLISH[chinese] || chinese : chinese;
  return values.reduce((done, value, at) => done.replace(`{${at}}`, value), text);
}

const zone = { timeZone: "Asia/Shanghai" };
const clock = new Intl.DateTimeFormat("zh-CN", { ...zone, hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat("zh-CN", { ...zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("zh-CN", { ...zone, year: "numeric", month: "2-digit", day: "2-digit" });
const short = new Intl.DateTimeFormat(isEnglish ? "en-GB" : "zh-CN", { ...zone, month: "short", day: "numeric" });

export const hourOf = (at) => clock.format(new Date(at * 1000));
export const secondOf = (at) => exact.format(new Date(at * 1000));

/** Today's hour, or the day. */
export function whenOf(at, now) {
  const then = new Date(at * 1000);
  return day.format(then) === day.format(new Date(now * 1000)) ? clock.format(then) : short.format(then);
}

/** A square with the end of a name, as Chinese offices do without a photo. */
export function avatar(name, kind = "") {
  const sum = [...name].reduce((total, sign) => total + sign.codePointAt(0), 0);
  const text = /^[\x20-\x7e]+$/.test(name) ? name.slice(0, 2) : [...name].slice(-2).join("");
  return h("span", { class: `avatar tint-${sum % 8} ${kind}`, "aria-hidden": "true" }, text);
}

/** A square with a drawing: for the app, the account, a list. */
export function badge(drawing, kind) {
  return h("span", { class: `avatar ${kind}`, "aria-hidden": "true" }, icon(drawing));
}

const ADDRESS = /https?:\/\/[^\s，。；）》<>"']+/g;

/** Text with tappable addresses. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(ADDRESS)) {
    parts.push(text.slice(end, found.index));
    parts.push(h("button", { class: "address", type: "button", act: "browse", arg: { url: found[0] } }, found[0]));
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

/** Grey time between bubbles when more than five minutes passed. */
export function withTimes(messages, now, draw) {
  let last = 0;
  return messages.flatMap((message, at) => {
    const gap = message.at - last > 300;
    last = message.at;
    const node = draw(message, at);
    return gap ? [h("p", { class: "chat-time" }, whenOf(message.at, now)), node] : [node];
  });
}

/** The bar on top of a screen. */
export function bar(title, { back = true, right = null, note = "" } = {}) {
  return h("div", { class: "bar", key: "bar" },
    back ? h("button", { class: "bar-button", type: "button", act: "back", "aria-label": t("返回") }, icon("back")) : h("span", { class: "bar-button" }),
    h("h2", { class: "bar-title" }, title, note && h("small", {}, note)),
    right || h("span", { class: "bar-button" }));
}

/** A line of a list: picture, two lines of text, time and count. */
export function row({ key, act, arg, picture, title, mark, text, time, count, chevron }) {
  return h("button", { class: "row", type: "button", key, act, arg },
    h("span", { class: "row-picture" }, picture, count ? h("b", { class: "count" }, count > 99 ? "99+" : count) : null),
    h("span", { class: "row-text" },
      h("span", { class: "row-title" }, h("span", { class: "row-name" }, title), mark, time && h("time", {}, time)),
      text !== undefined && h("span", { class: "row-more" }, text)),
    chevron && h("span", { class: "chevron" }, icon("back")));
}

/** The tabs at the bottom of a phone. */
export function tabs(items, chosen) {
  return h("nav", { class: "tabs", key: "tabs" }, items.map(([name, drawing, text, count]) =>
    h("button", { class: name === chosen ? "tab chosen" : "tab", type: "button", act: "tab", arg: { tab: name } },
      icon(drawing), h("span", {}, text), count ? h("b", { class: "count" }, count) : null)));
}

/** The box for writing. */
export function writer({ key, act, arg, hint, left = null, off = "" }) {
  return h("form", { class: "writer", key: `writer-${key}`, act, arg },
    left,
    h("input", { name: "text", "aria-label": hint, placeholder: off || hint, autocomplete: "off", disabled: Boolean(off), maxlength: 600 }),
    h("button", { class: "send", type: "submit", disabled: Boolean(off) }, t("发送")));
}

/** A chat bubble with its picture. */
export function bubble(mine, name, inside, extra = null, picture = null) {
  return h("div", { class: mine ? "message mine" : "message" }, picture || avatar(name), h("div", { class: "said" }, inside, extra));
}

/** A shared link as both apps draw it. */
export function linkCard(link) {
  return h("button", { class: "link-card", type: "button", act: "browse", arg: { url: link.url, title: link.title } },
    h("b", {}, link.title),
    h("span", { class: "link-text" }, h("span", {}, link.desc || link.description || ""), h("i", { class: "thumb" }, icon("heart"))),
    h("small", {}, t("链接")));
}
