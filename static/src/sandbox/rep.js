// The rep's phone: WeCom as people know it.

import { h, icon } from "./dom.js";
import { card, summary } from "./card.js";
import { APP, CORP, avatar, badge, bar, bubble, hourOf, linkCard, linked, row, t, tabs, whenOf, withTimes, writer } from "./shared.js";
import { unread } from "./seen.js";

// The app's home page. This browser plays many reps, a real phone has one: ask who it is again.
const REP_HOME = "/rep/?login=again";

/** The screen that `screen` names, for what `view` says. */
export function repScreen(view, screen) {
  const rep = view.rep;
  if (!rep) return h("p", { class: "nobody" }, t("还没有代表。先载入示例公司，或等测试放入人物。"));
  const draw = SCREENS[screen.name] || SCREENS.home;
  return draw(view, rep, screen);
}

const SCREENS = { home, app, tasks, chat, profile, forward, code };

function home(view, rep, screen) {
  const tab = screen.tab || "chats";
  const waiting = [...rep.tasks, ...rep.moments].filter(isWaiting).length;
  const fresh = unread("rep", rep.userid, "app", fromApp(rep)) + waiting;
  const titles = { chats: CORP, contacts: t("客户"), work: t("工作台") };
  const body = { chats: chats, contacts: contacts, work: work }[tab](view, rep, waiting);
  return [
    bar(titles[tab], { back: false, right: h("button", { class: "bar-button", type: "button", act: "go", arg: { name: "code" }, "aria-label": t("我的二维码") }, icon("qr")) }),
    h("div", { class: "scroll", key: `home-${tab}` }, body),
    tabs([["chats", "chat", t("消息"), fresh], ["contacts", "people", t("客户"), 0], ["work", "grid", t("工作台"), 0]], tab),
  ];
}

const isWaiting = (task) => task.state === "waiting" && !task.hidden;
const fromApp = (rep) => rep.app.filter((message) => message.kind !== "own");

function chats(view, rep, waiting) {
  const last = rep.app.at(-1);
  const app = row({
    key: "app", act: "go", arg: { name: "app" }, picture: badge("heart", "app-icon"), title: APP,
    mark: h("i", { class: "mark" }, t("应用")), text: last ? summary(last) : t("建议会出现在这里"),
    time: last && whenOf(last.at, view.now), count: unread("rep", rep.userid, "app", fromApp(rep)),
  });
  const newest = [...rep.tasks, ...rep.moments].sort((a, b) => a.at - b.at).at(-1);
  const tasksRow = newest && row({
    key: "tasks", act: "go", arg: { name: "tasks" }, picture: badge("megaphone", "task-icon"), title: t("群发助手"),
    text: newest.text, time: whenOf(newest.at, view.now), count: waiting,
  });
  const people = rep.contacts.filter((one) => one.chat.length || one.key === view.person?.key)
    .map((one) => contactRow(view, rep, one, true));
  return [app, tasksRow, people, people.length ? null : h("p", { class: "quiet" }, t("还没有客户聊天。让医生扫一扫您的二维码。"))];
}

function contactRow(view, rep, one, withChat) {
  const last = one.chat.at(-1);
  return row({
    key: one.external_userid, act: "go", arg: { name: withChat ? "chat" : "profile", id: one.external_userid },
    picture: avatar(one.name), title: one.remark || one.name, mark: h("i", { class: "at" }, t("@微信")),
    text: withChat ? (last ? preview(last) : state(one)) : [one.title, one.hospital].filter(Boolean).join(" · ") || state(one),
    time: withChat ? whenOf(one.last_at, view.now) : undefined,
    count: withChat ? unread("rep", rep.userid, one.external_userid, one.chat.filter((m) => m.from === "physician")) : 0,
  });
}

const preview = (message) => (message.link ? `[${t("链接")}] ${message.link.title}` : message.text);

function state(one) {
  if (one.removed_by) return t("对方已将您删除");
  return one.one_sided ? t("对方添加了您，等待您通过") : t("我们已经是联系人了");
}

function contacts(view, rep) {
  if (!rep.contacts.length) return h("p", { class: "quiet" }, t("还没有客户。"));
  return [h("p", { class: "list-note" }, t("我的客户 {0}", rep.contacts.length)), rep.contacts.map((one) => contactRow(view, rep, one, false))];
}

function work(view, rep, waiting) {
  const tile = (act, arg, drawing, kind, text, count) => h("button", { class: "tile", type: "button", act, arg },
    badge(drawing, kind), h("span", {}, text), count ? h("b", { class: "count" }, count) : null);
  return [
    h("p", { class: "list-note" }, t("客户联系")),
    h("div", { class: "tiles" },
      tile("home", { path: REP_HOME }, "heart", "app-icon", t("今日建议")),
      tile("go", { name: "tasks" }, "megaphone", "task-icon", t("群发助手"), waiting),
      tile("go", { name: "code" }, "qr", "code-icon", t("我的二维码")),
      tile("tab", { tab: "contacts" }, "people", "people-icon", t("我的客户"))),
  ];
}

function app(view, rep) {
  const messages = withTimes(rep.app, view.now, (message, at) => appMessage(rep, message, at));
  return [
    bar(APP, { note: t("应用 · {0}", CORP) }),
    h("div", { class: "scroll chat", key: "app", "data-bottom": rep.app.length },
      messages.length ? messages : h("p", { class: "quiet middle" }, t("今天的建议、提醒和可转发的内容会出现在这里。"))),
    writer({
      key: "app", act: "rep-says", hint: t("发消息给应用"),
      left: h("button", { class: "menu-button", type: "button", act: "home", arg: { path: REP_HOME } }, icon("list"), t("今日建议")),
    }),
  ];
}

function appMessage(rep, message, at) {
  const picture = badge("heart", "app-icon");
  if (message.kind === "own") return bubble(true, rep.name, h("p", { class: "bubble" }, message.text));
  if (message.kind === "card") return h("div", { class: "message wide", key: `card-${message.task_id}-${at}` }, picture, h("div", { class: "said" }, card(message)));
  const canForward = /https?:\/\/\S+\/t\//.test(message.text); // a content, not the own list
  const tools = canForward && h("button", { class: "under", type: "button", act: "go", arg: { name: "forward", text: message.text } }, icon("forward"), t("转发给客户"));
  return bubble(false, APP, h("p", { class: "bubble" }, linked(message.text)), tools, picture);
}

function tasks(view, rep) {
  const words = { waiting: t("待确认"), sent: t("已发送"), cancelled: t("已取消") };
  const one = (task) => {
    const results = Object.values(task.to);
    const link = task.attachments.find((item) => item.msgtype === "link")?.link;
    return h("article", { class: `task ${task.state}${task.hidden ? " hidden" : ""}`, key: task.id },
      h("header", {}, h("b", {}, t("企业给 {0} 位客户的群发", results.length)), h("i", { class: "mark" }, task.hidden && task.state === "waiting" ? t("已忽略") : words[task.state])),
      h("p", { class: "task-to" }, task.names.join("、") + (results.length > task.names.length ? ` ${t("等 {0} 位", results.length)}` : "")),
      h("p", { class: "task-text" }, task.text), link && linkCard(link),
      isWaiting(task) && h("div", { class: "task-buttons" },
        h("button", { class: "primary", type: "button", act: "do", arg: { verb: "confirm_task", with: { task_id: task.id } } }, t("确认发送")),
        h("button", { class: "quiet-button", type: "button", act: "do", arg: { verb: "ignore_task", with: { task_id: task.id } } }, t("忽略"))),
      task.state === "sent" && h("p", { class: "task-to" }, t("送达 {0}，未送达 {1} · {2}", results.filter((r) => r === 1).length, results.filter((r) => r !== 1).length, hourOf(task.sent_at))));
  };
  const moment = (post) => h("article", { class: `task ${post.state}`, key: post.id },
    h("header", {}, h("b", {}, t("企业请您发表到客户朋友圈")), h("i", { class: "mark" }, post.state === "sent" ? t("已发表") : words[post.state])),
    h("p", { class: "task-text" }, post.text), linkCard(post.link),
    isWaiting(post) && h("div", { class: "task-buttons" },
      h("button", { class: "primary", type: "button", act: "do", arg: { verb: "publish_moment", with: { moment_id: post.id, userid: rep.userid } } }, t("发表"))),
    post.state === "sent" && h("p", { class: "task-to" }, t("{0} 位客户可见", post.seen)));
  const all = [...rep.tasks.map((task) => [task.at, one(task)]), ...rep.moments.map((post) => [post.at, moment(post)])];
  return [bar(t("群发助手"), { note: t("企业建好，由您确认后才会发出") }),
    h("div", { class: "scroll padded", key: "tasks" }, all.length ? all.sort((a, b) => b[0] - a[0]).map((item) => item[1]) : h("p", { class: "quiet" }, t("没有群发任务。")))];
}

function chat(view, rep, screen) {
  const one = rep.contacts.find((contact) => contact.external_userid === screen.id);
  if (!one) return gone();
  const name = one.remark || one.name;
  const off = one.removed_by ? t("对方已将您删除，不能发送") : one.one_sided ? t("通过后才能聊天") : "";
  const beside = `/rep/sidebar?login=again&external_userid=${encodeURIComponent(one.external_userid)}`;
  const tools = h("span", { class: "bar-tools" },
    h("button", { class: "bar-button", type: "button", act: "home", arg: { path: beside }, "aria-label": t("侧边栏"), title: t("侧边栏") }, icon("side")),
    h("button", { class: "bar-button", type: "button", act: "go", arg: { name: "profile", id: one.external_userid }, "aria-label": t("客户资料") }, icon("more")));
  return [
    bar(name, { note: t("@微信"), right: tools }),
    h("div", { class: "scroll chat", key: `chat-${one.external_userid}`, "data-bottom": one.chat.length },
      h("p", { class: "chat-note" }, state(one)),
      withTimes(one.chat, view.now, (message) => {
        const mine = message.from === "rep";
        return bubble(mine, mine ? rep.name : one.name, message.text && h("p", { class: "bubble" }, linked(message.text)), message.link && linkCard(message.link));
      })),
    one.one_sided ? h("div", { class: "writer", key: "add" }, h("button", { class: "primary", type: "button", act: "do", arg: { verb: "add_back", with: { userid: rep.userid, person: one.key } } }, t("通过验证")))
      : writer({ key: one.external_userid, act: "chat", arg: { by: "rep", person: one.key, userid: rep.userid }, hint: t("发消息"), off }),
  ];
}

function profile(view, rep, screen) {
  const one = rep.contacts.find((contact) => contact.external_userid === screen.id);
  if (!one) return gone();
  const edit = { userid: rep.userid, person: one.key };
  const field = (label, name, value, hint) => h("label", { class: "cell" }, h("span", {}, label),
    h("input", { name, value, placeholder: hint, autocomplete: "off", key: `${name}-${one.external_userid}-${value}` }));
  const groups = Map.groupBy ? Map.groupBy(view.corp_tags, (tag) => tag.group) : new Map([[t("企业标签"), view.corp_tags]]);
  const chip = (tag) => {
    const on = one.tag_ids.includes(tag.id);
    const next = on ? one.tag_ids.filter((id) => id !== tag.id) : [...one.tag_ids, tag.id];
    return h("button", { class: on ? "chip on" : "chip", type: "button", "aria-pressed": String(on), act: "do", arg: { verb: "edit_contact", with: { ...edit, tag_ids: next } } }, tag.name);
  };
  return [
    bar(t("客户资料")),
    h("div", { class: "scroll", key: `profile-${one.external_userid}` },
      h("div", { class: "who" }, avatar(one.name, "large"), h("div", {}, h("b", {}, one.name), h("i", { class: "at" }, t("@微信")),
        h("p", {}, [one.title, one.hospital].filter(Boolean).join(" · ")), one.removed_by && h("p", { class: "warn" }, t("对方已将您删除")))),
      h("form", { class: "cells", act: "edit-contact", arg: edit, key: `edit-${one.external_userid}` },
        field(t("备注"), "remark", one.remark, t("添加备注名")), field(t("电话"), "phones", one.phones.join(" "), t("添加电话")),
        h("button", { class: "cell-button", type: "submit" }, t("保存备注与电话"))),
      h("div", { class: "cells tags" }, h("p", { class: "list-note" }, t("企业标签，点一下打上或取下")),
        [...groups].map(([group, tags]) => h("div", { class: "tag-group", key: group }, h("span", {}, group), h("div", {}, tags.map(chip))))),
      h("div", { class: "cells" }, h("p", { class: "cell" }, h("span", {}, t("来源")), h("em", {}, one.state ? t("渠道码 {0}", one.state) : t("扫描名片二维码"))),
        h("p", { class: "cell" }, h("span", {}, t("添加时间")), h("em", {}, whenOf(one.createtime, view.now)))),
      h("div", { class: "cells" },
        h("button", { class: "cell-button", type: "button", act: "go", arg: { name: "chat", id: one.external_userid } }, t("发消息")),
        h("button", { class: "cell-button danger", type: "button", act: "do", arg: { verb: "delete_contact", with: { ...edit, by: "rep" }, back: true } }, t("删除客户")))),
  ];
}

function forward(view, rep, screen) {
  const able = rep.contacts.filter((one) => !one.removed_by && !one.one_sided);
  const named = able.filter((one) => screen.text.includes(one.name));
  const others = able.filter((one) => !named.includes(one));
  const draw = (one) => row({
    key: one.external_userid, act: "forward", arg: { person: one.key, id: one.external_userid, text: screen.text },
    picture: avatar(one.name), title: one.remark || one.name, mark: h("i", { class: "at" }, t("@微信")), text: [one.title, one.hospital].filter(Boolean).join(" · "),
  });
  return [bar(t("转发给")), h("div", { class: "scroll", key: "forward" },
    named.length ? [h("p", { class: "list-note" }, t("这条内容写给")), named.map(draw), h("p", { class: "list-note" }, t("其他客户"))] : null, others.map(draw))];
}

function code(view, rep) {
  const text = `https://work.weixin.qq.com/u/${rep.userid}`;
  return [bar(t("我的二维码")), h("div", { class: "scroll code-page", key: "code" },
    h("div", { class: "code-card" }, h("div", { class: "who" }, avatar(rep.name, "large"), h("div", {}, h("b", {}, rep.name), h("p", {}, `${rep.title} · ${CORP}`))),
      h("img", { src: `/phones/code.svg?text=${encodeURIComponent(text)}`, alt: t("二维码"), width: 200, height: 200 }),
      h("p", {}, t("医生扫一扫，添加我的企业微信")),
      view.person && h("button", { class: "primary", type: "button", act: "do", arg: { verb: "add_contact", with: { userid: rep.userid, person: view.person.key } } }, t("让{0}扫一扫", view.person.name))))];
}

const gone = () => [bar(t("客户")), h("p", { class: "quiet", key: "gone" }, t("这位客户已不在列表里。"))];

/** The text that a rep would really forward: without the note to the rep in its first line. */
export const forwardable = (text) => text.replace(/^【[^】]*】\s*/, "");
