// The physician's phone: WeChat as people know it.

import { h, icon } from "./dom.js";
import { ACCOUNT, CORP, avatar, badge, bar, bubble, linkCard, linked, row, t, tabs, whenOf, withTimes, writer } from "./shared.js";
import { unread } from "./seen.js";

/** The screen that `screen` names, for what `view` says. */
export function physicianScreen(view, screen) {
  const person = view.person;
  if (!person) return h("p", { class: "nobody" }, t("还没有医生。先载入示例公司，或等测试放入人物。"));
  const draw = SCREENS[screen.name] || SCREENS.home;
  return draw(view, person, screen);
}

const SCREENS = { home, oa, account, chat, rep, scan, moments };
const living = (person) => person.reps.filter((one) => one.removed_by !== "physician");

function home(view, person, screen) {
  const tab = screen.tab || "chats";
  const fresh = oaUnread(person) + living(person).reduce((sum, one) => sum + repUnread(person, one), 0);
  const titles = { chats: t("微信"), contacts: t("通讯录"), discover: t("发现"), me: t("我") };
  const body = { chats, contacts, discover, me }[tab](view, person);
  const scanner = h("button", { class: "bar-button", type: "button", act: "go", arg: { name: "scan" }, "aria-label": t("扫一扫") }, icon("scan"));
  return [
    bar(titles[tab], { back: false, right: scanner }),
    h("div", { class: "scroll", key: `home-${tab}` }, body),
    tabs([["chats", "chat", t("微信"), fresh], ["contacts", "people", t("通讯录"), 0], ["discover", "compass", t("发现"), 0], ["me", "person", t("我"), 0]], tab),
  ];
}

const oaUnread = (person) => unread("person", person.key, "oa", person.oa_chat.filter((m) => m.from === "oa"));
const repUnread = (person, one) => unread("person", person.key, one.userid, one.chat.filter((m) => m.from === "rep"));
const accountMark = () => badge("heart", "account-icon");

function chats(view, person) {
  const reps = living(person).map((one) => ({ at: one.last_at, node: repRow(view, person, one) }));
  const last = person.oa_chat.at(-1);
  if (person.follows_oa || last) {
    reps.push({
      at: last?.at || 0,
      node: row({
        key: "oa", act: "go", arg: { name: "oa" }, picture: accountMark(), title: ACCOUNT, text: last ? preview(last) : t("已关注"),
        time: last && whenOf(last.at, view.now), count: oaUnread(person),
      }),
    });
  }
  if (!reps.length) {
    return h("div", { class: "empty" }, icon("scan"), h("b", {}, t("还没有聊天")), h("p", {}, t("扫一扫代表的名片，或关注公众号，从这里开始。")),
      h("button", { class: "primary", type: "button", act: "go", arg: { name: "scan" } }, t("扫一扫")));
  }
  return reps.sort((a, b) => b.at - a.at).map((one) => one.node);
}

function preview(message) {
  if (message.article) return message.article.title;
  if (message.template) return `[${t("服务通知")}]`;
  if (message.link) return `[${t("链接")}] ${message.link.title}`;
  return message.text;
}

function repRow(view, person, one) {
  const last = one.chat.at(-1);
  return row({
    key: one.userid, act: "go", arg: { name: "chat", id: one.userid }, picture: avatar(one.name), title: one.name,
    mark: h("i", { class: "at corp" }, `@${CORP}`), text: last ? preview(last) : t("我们已经是联系人了"), time: whenOf(one.last_at, view.now), count: repUnread(person, one),
  });
}

function moments(view, person) {
  const post = (one) => h("article", { class: "task sent", key: one.id },
    h("header", {}, h("b", {}, one.from), h("i", { class: "at corp" }, `@${CORP}`)),
    h("p", { class: "task-text" }, one.text), linkCard(one.link), h("p", { class: "task-to" }, whenOf(one.at, view.now)));
  return [bar(t("朋友圈")), h("div", { class: "scroll padded", key: "moments" },
    person.moments.length ? person.moments.map(post) : h("p", { class: "quiet" }, t("还没有朋友圈。代表发表后，选中的医生会在这里看到。")))];
}

function contacts(view, person) {
  const line = (drawing, kind, text, arg) => row({ key: text, act: "go", arg, picture: badge(drawing, kind), title: text, chevron: true });
  return [
    line("heart", "account-icon", t("公众号"), { name: person.follows_oa ? "oa" : "account" }),
    h("p", { class: "list-note" }, t("企业微信联系人 {0}", living(person).length)),
    living(person).map((one) => row({ key: one.userid, act: "go", arg: { name: "rep", id: one.userid }, picture: avatar(one.name), title: one.name, mark: h("i", { class: "at corp" }, `@${CORP}`), text: one.title })),
  ];
}

function discover(view, person) {
  return [
    row({ key: "moments", act: "go", arg: { name: "moments" }, picture: badge("people", "plain blue"), title: t("朋友圈"), text: person.moments[0]?.text, chevron: true }),
    row({ key: "scan", act: "go", arg: { name: "scan" }, picture: badge("scan", "plain blue"), title: t("扫一扫"), chevron: true }),
    row({ key: "find", act: "go", arg: { name: "account" }, picture: badge("search", "plain red"), title: t("搜一搜：{0}", ACCOUNT), chevron: true }),
  ];
}

function me(view, person) {
  return [
    h("div", { class: "who me" }, avatar(person.name, "large"), h("div", {}, h("b", {}, person.name), h("p", {}, [person.title, person.hospital].filter(Boolean).join(" · ")))),
    h("div", { class: "cells" },
      h("p", { class: "cell" }, h("span", {}, t("公众号")), h("em", {}, person.follows_oa ? t("已关注") : t("未关注"))),
      h("p", { class: "cell" }, h("span", {}, t("添加的代表")), h("em", {}, living(person).map((one) => one.name).join("、") || t("没有")))),
    h("p", { class: "quiet" }, t("人物、医院和内容都是虚构的。")),
  ];
}

function oa(view, person, screen) {
  const menu = view.menu || [];
  const typing = screen.typing || !menu.length;
  const messages = withTimes(person.oa_chat, view.now, (message) => oaMessage(person, message));
  return [
    bar(ACCOUNT, { right: h("button", { class: "bar-button", type: "button", act: "go", arg: { name: "account" }, "aria-label": t("公众号资料") }, icon("person")) }),
    h("div", { class: "scroll chat", key: "oa", "data-bottom": person.oa_chat.length },
      !person.follows_oa && h("p", { class: "chat-note" }, t("您已不再关注，公众号不能给您发消息")),
      messages),
    !person.follows_oa ? h("div", { class: "writer", key: "follow" }, h("button", { class: "primary", type: "button", act: "do", arg: { verb: "follow", with: { person: person.key } } }, t("关注公众号")))
      : typing ? writer({ key: "oa", act: "oa-says", arg: { person: person.key }, hint: t("发消息给公众号"), left: menu.length ? h("button", { class: "swap", type: "button", act: "typing", arg: { typing: false }, "aria-label": t("菜单") }, icon("menu")) : null })
        : menuBar(person, menu),
  ];
}

function menuBar(person, menu) {
  const use = (item) => (item.type === "view" ? { act: "browse", arg: { url: item.url } } : { act: "do", arg: { verb: "menu", with: { person: person.key, key: item.key } } });
  return h("div", { class: "oa-menu", key: "menu" },
    h("button", { class: "swap", type: "button", act: "typing", arg: { typing: true }, "aria-label": t("键盘") }, icon("keyboard")),
    menu.map((item) => (item.sub_button?.length
      ? h("details", { class: "oa-sub", key: item.name }, h("summary", {}, icon("menu"), item.name), h("div", {}, item.sub_button.map((sub) => h("button", { type: "button", ...use(sub) }, sub.name))))
      : h("button", { class: "oa-item", type: "button", ...use(item) }, item.name))));
}

function oaMessage(person, message) {
  if (message.from !== "oa") return bubble(true, person.name, h("p", { class: "bubble" }, message.text));
  if (message.article) {
    const article = message.article;
    return h("div", { class: "message whole" }, h("button", { class: "article", type: "button", act: "browse", arg: { url: article.url, title: article.title } },
      h("b", {}, article.title), h("span", {}, article.description), h("i", {}, t("阅读全文"), icon("back"))));
  }
  if (message.template) {
    return h("div", { class: "message whole" }, h("button", { class: "article notice", type: "button", act: "browse", arg: { url: message.url } },
      h("b", {}, t("服务通知")), h("dl", { class: "card-rows" }, Object.entries(message.template).map(([name, item]) => [h("dt", {}, name), h("dd", {}, item.value ?? String(item))]))));
  }
  return bubble(false, ACCOUNT, h("p", { class: "bubble" }, linked(message.text)), null, accountMark());
}

function account(view, person) {
  const on = person.follows_oa;
  return [bar(""), h("div", { class: "scroll", key: "account" },
    h("div", { class: "who me" }, badge("heart", "account-icon large"), h("div", {}, h("b", {}, ACCOUNT), h("p", {}, t("服务号 · {0}（虚构）", CORP)))),
    h("p", { class: "about" }, t("为医疗卫生专业人士推送经过审批的学术内容。")),
    h("div", { class: "cells" },
      on ? h("button", { class: "cell-button", type: "button", act: "go", arg: { name: "oa" } }, t("进入公众号"))
        : h("button", { class: "cell-button strong", type: "button", act: "do", arg: { verb: "follow", with: { person: person.key }, go: { name: "oa" } } }, t("关注")),
      on && h("button", { class: "cell-button danger", type: "button", act: "do", arg: { verb: "unfollow", with: { person: person.key } } }, t("不再关注")),
      on && h("button", { class: "cell-button danger", type: "button", act: "do", arg: { verb: "revoke", with: { person: person.key } } }, t("撤回对公众号的授权"))))];
}

function chat(view, person, screen) {
  const one = person.reps.find((side) => side.userid === screen.id);
  if (!one) return [bar(t("聊天")), h("p", { class: "quiet", key: "gone" }, t("这段聊天已不在。"))];
  return [
    bar(one.name, { note: `@${CORP}`, right: h("button", { class: "bar-button", type: "button", act: "go", arg: { name: "rep", id: one.userid }, "aria-label": t("资料") }, icon("more")) }),
    h("div", { class: "scroll chat", key: `chat-${one.userid}`, "data-bottom": one.chat.length },
      h("p", { class: "chat-note" }, one.removed_by === "rep" ? t("对方已不是您的联系人") : t("你已添加了{0}，现在可以开始聊天了。", one.name)),
      withTimes(one.chat, view.now, (message) => {
        const mine = message.from === "physician";
        return bubble(mine, mine ? person.name : one.name, message.text && h("p", { class: "bubble" }, linked(message.text)), message.link && linkCard(message.link));
      })),
    writer({ key: one.userid, act: "chat", arg: { by: "physician", person: person.key, userid: one.userid }, hint: t("发消息"), off: one.removed_by ? t("不能发送：已不是联系人") : one.one_sided ? t("等待对方通过") : "" }),
  ];
}

function rep(view, person, screen) {
  const one = person.reps.find((side) => side.userid === screen.id);
  if (!one) return [bar("")];
  const both = { userid: one.userid, person: person.key };
  return [bar(""), h("div", { class: "scroll", key: `rep-${one.userid}` },
    h("div", { class: "who me" }, avatar(one.name, "large"), h("div", {}, h("b", {}, one.name), h("i", { class: "at corp" }, `@${CORP}`), h("p", {}, one.title))),
    h("div", { class: "cells" },
      h("button", { class: "cell-button", type: "button", act: "go", arg: { name: "chat", id: one.userid } }, t("发消息")),
      h("button", { class: "cell-button", type: "button", act: "do", arg: { verb: "agree_archive", with: both } }, t("同意会话存档")),
      h("button", { class: "cell-button danger", type: "button", act: "do", arg: { verb: "delete_contact", with: { ...both, by: "physician" }, home: true } }, t("删除联系人"))))];
}

function scan(view, person) {
  const known = new Set(living(person).filter((one) => !one.removed_by).map((one) => one.userid.toLowerCase()));
  const square = (text) => h("img", { src: `/phones/code.svg?text=${encodeURIComponent(text)}`, alt: "", width: 44, height: 44, loading: "lazy" });
  const add = (user, state, key, text) => row({
    key, act: "do", arg: { verb: "add_contact", with: { userid: user.userid, person: person.key, state }, go: { name: "chat", id: user.userid } },
    picture: square(key), title: text || user.name, text: state ? t("渠道码 {0}", state) : t("{0}的企业微信名片", user.name),
    mark: known.has(user.userid.toLowerCase()) ? h("i", { class: "mark" }, t("已添加")) : null,
  });
  const reps = [...view.codes.reps].sort((a, b) => (b.userid === view.rep?.userid) - (a.userid === view.rep?.userid));
  const scenes = view.codes.scenes.map((scene) => row({ key: `scene-${scene}`, act: "do", arg: { verb: "follow", with: { person: person.key, scene }, go: { name: "oa" } }, picture: square(scene), title: ACCOUNT, text: t("场景码 {0}", scene) }));
  const follow = row({ key: "follow", act: "do", arg: { verb: "follow", with: { person: person.key }, go: { name: "oa" } }, picture: square(ACCOUNT), title: ACCOUNT, text: t("公众号二维码"), mark: person.follows_oa ? h("i", { class: "mark" }, t("已关注")) : null });
  const ways = view.codes.ways.flatMap((way) => way.users.slice(0, 1).map((user) => add(user, way.state, `way-${way.config_id}`, way.remark || user.name)));
  return [bar(t("扫一扫")), h("div", { class: "scroll scanner", key: "scan" },
    h("div", { class: "viewfinder", "aria-hidden": "true" }, h("i", {})),
    h("p", { class: "list-note" }, t("选一张码，就像用相机扫它")),
    follow, scenes, ways, reps.slice(0, 1).map((user) => add(user, "", `card-${user.userid}`)),
    reps.length > 1 && h("details", { class: "other-codes", key: "others" }, h("summary", {}, t("其他代表的名片")), reps.slice(1).map((user) => add(user, "", `card-${user.userid}`))))];
}
