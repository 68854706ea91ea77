// A WeCom template card: how it looks, what can be tapped, and what it turns into.

import { h, icon } from "./dom.js";
import { t } from "./shared.js";

/** The card of an app message. */
export function card(message) {
  const face = message.card;
  const args = { task_id: message.task_id };
  const done = Boolean(message.replaced);
  return h("article", { class: done ? "card done" : "card" },
    head(face, args), title(face), rows(face), done ? null : choice(face, args), buttons(face, message, args));
}

function head(face, args) {
  const menu = face.action_menu;
  return h("header", { class: "card-source" }, icon("heart"), h("span", {}, face.source?.desc || ""),
    menu && h("details", { class: "corner", key: `menu-${args.task_id}` },
      h("summary", { "aria-label": menu.desc || t("更多") }, icon("more")),
      h("div", { class: "corner-list" }, menu.action_list.map((item) =>
        h("button", { type: "button", act: "tap-card", arg: { ...args, key: item.key, menu: true } }, item.text)))));
}

function title(face) {
  const text = [h("b", {}, face.main_title?.title), face.main_title?.desc && h("span", {}, face.main_title.desc),
    face.emphasis_content && h("strong", { class: "card-big" }, face.emphasis_content.title),
    face.sub_title_text && h("p", {}, face.sub_title_text)];
  const url = face.card_action?.url;
  return url ? h("button", { class: "card-title", type: "button", act: "browse", arg: { url } }, text) : h("div", { class: "card-title" }, text);
}

function rows(face) {
  const list = face.horizontal_content_list || [];
  return list.length > 0 && h("dl", { class: "card-rows" }, list.map((item) => [h("dt", {}, item.keyname), h("dd", {}, item.value || "")]));
}

function choice(face, args) {
  const ask = face.button_selection;
  if (!ask) return null;
  const name = `choice-${args.task_id}`;
  return h("fieldset", { class: "card-choice", key: `${name}-${ask.question_key}` }, h("legend", {}, ask.title),
    ask.option_list.map((option) => h("label", {},
      h("input", { type: "radio", name, value: option.id, checked: option.id === ask.selected_id, "data-question": ask.question_key }), h("span", {}, option.text))));
}

function buttons(face, message, args) {
  if (message.replaced) return h("p", { class: "card-done" }, icon("check"), message.replaced);
  return h("div", { class: "card-buttons" }, (face.button_list || []).map((button) =>
    h("button", {
      type: "button", class: `style-${button.style || 1}${message.answered === button.key ? " tapped" : ""}`, disabled: message.answered === button.key,
      act: "tap-card", arg: { ...args, key: button.key, ask: Boolean(face.button_selection) },
    }, button.text)));
}

/** One line for the list of chats. */
export function summary(message) {
  if (message.kind === "card") return `[${t("卡片")}] ${message.card.main_title?.title || ""}`;
  return message.text.split("\n")[0];
}
