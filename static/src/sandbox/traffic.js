// The column between the phones: what travels, what can be made to happen, what can go wrong.

import { h, icon } from "./dom.js";
import { ACCOUNT, linked, secondOf, t } from "./shared.js";

const NAMES = {
  "change_external_contact/add_external_contact": "新增客户",
  "change_external_contact/add_half_external_contact": "客户单向添加",
  "change_external_contact/edit_external_contact": "客户资料有改动",
  "change_external_contact/del_external_contact": "代表删除客户",
  "change_external_contact/del_follow_user": "客户删除代表",
  "change_external_contact/msg_audit_approved": "客户同意存档",
  template_card_event: "点了卡片按钮", template_card_menu_event: "用了卡片菜单", "message/text": "收到文字消息", "message/image": "收到图片", click: "用了应用菜单",
  subscribe: "关注", unsubscribe: "取消关注", SCAN: "再次扫码", CLICK: "点了菜单", VIEW: "打开菜单网页", TEMPLATESENDJOBFINISH: "模板消息结果", user_authorization_revoke: "撤回授权",
  gettoken: "取令牌", stable_token: "取令牌", "externalcontact/get": "读客户详情", "externalcontact/list": "读客户列表", "externalcontact/batch/get_by_user": "批量读客户",
  "externalcontact/remark": "改备注", "externalcontact/mark_tag": "打标签", "externalcontact/get_corp_tag_list": "读企业标签", "externalcontact/add_corp_tag": "建企业标签",
  "externalcontact/send_welcome_msg": "发欢迎语", "externalcontact/add_contact_way": "建渠道码", "externalcontact/add_msg_template": "建群发任务",
  "externalcontact/get_groupmsg_send_result": "读群发结果", "externalcontact/get_groupmsg_task": "读群发任务", "externalcontact/get_follow_user_list": "读代表名单",
  "message/send": "发应用消息", "message/update_template_card": "更新卡片", "message/recall": "撤回消息", "auth/getuserinfo": "认出代表", "sns/oauth2/access_token": "认出粉丝",
  "user/get": "读成员", "user/info": "读粉丝", "message/custom/send": "发客服消息", "message/template/send": "发模板消息", "menu/create": "建菜单", "qrcode/create": "建场景码",
  get_jsapi_ticket: "取票据", "ticket/get": "取票据",
};

/** The whole column. `ui` holds which part is chosen and which lines are open. */
export function traffic(view, ui, details) {
  const part = { lines, happen, trouble }[ui.part](view, ui, details);
  const broken = Object.values(view.trouble).some((value) => (typeof value === "object" ? Object.values(value || {}).some((one) => one.times > 0) : value));
  const choice = [["lines", t("往来")], ["happen", t("让事情发生")], ["trouble", t("平台故障")]];
  return [
    h("div", { class: "switch", key: "switch", role: "tablist" }, choice.map(([name, text]) =>
      h("button", { type: "button", role: "tab", "aria-selected": String(ui.part === name), class: ui.part === name ? "chosen" : "", act: "part", arg: { part: name } },
        text, name === "trouble" && broken ? h("b", { class: "alarm", title: t("正在模拟故障") }) : null))),
    part,
  ];
}

function lines(view, ui, details) {
  const chosen = view.journal.filter(FILTERS[ui.filter]);
  const failed = view.journal.filter(FILTERS.failed).length;
  const filters = [["all", t("全部")], ["callback", t("回调")], ["call", t("调用")], ["failed", failed ? t("有问题 {0}", failed) : t("有问题")]];
  return h("div", { class: "pane", key: "lines" },
    h("div", { class: "wires", key: "wires", "aria-hidden": "true" },
      h("span", { class: "node wecom" }, icon("chat"), t("企业微信")), h("span", { class: "wire", "data-wire": "wecom" }),
      h("span", { class: "node yishu" }, icon("heart"), t("医枢")), h("span", { class: "wire", "data-wire": "oa" }),
      h("span", { class: "node oa" }, icon("chat"), t("公众号"))),
    h("div", { class: "filters", key: "filters" }, filters.map(([name, text]) => h("button", { type: "button", class: ui.filter === name ? "chosen" : "", act: "filter", arg: { filter: name }, "aria-pressed": String(ui.filter === name) }, text))),
    h("ol", { class: "lines", key: "list" }, folded([...chosen].reverse()).map((line) => one(line, ui, details))),
    chosen.length ? null : h("div", { class: "empty", key: "none" }, icon("bolt"), h("b", {}, t("还没有往来")), h("p", {}, t("在任意一部手机上做点什么，平台发出的回调和医枢的调用会一行行出现在这里。")),
      h("button", { class: "primary", type: "button", act: "part", arg: { part: "happen" } }, t("让事情发生"))));
}

export const FILTERS = {
  all: () => true,
  callback: (line) => line.kind === "callback",
  call: (line) => line.kind === "call",
  failed: (line) => grade(line) === "bad",
};

function grade(line) {
  const status = String(line.status ?? "");
  if (status === "pending") return "waits";
  if (line.kind === "callback") return status === "200" ? "good" : "bad";
  return line.kind === "call" && status === "0" ? "good" : "bad";
}

const PULLS = new Set(["externalcontact/batch/get_by_user", "externalcontact/list", "user/info/batchget"]);

/** Page after page of a comparison that went well is one line with its number. */
function folded(newestFirst) {
  const shown = [];
  for (const line of newestFirst) {
    const last = shown.at(-1);
    const alike = last && last.name === line.name && PULLS.has(line.name) && grade(last) === "good" && grade(line) === "good";
    if (alike) last.times += 1;
    else shown.push({ ...line, times: 1 });
  }
  return shown;
}

function one(line, ui, details) {
  const out = line.kind === "callback";
  const name = NAMES[line.name];
  const isOpen = ui.open.has(line.id);
  const status = line.status === "pending" ? "…" : line.kind === "call" && line.status === 0 ? "ok" : line.status ?? "";
  return h("li", { key: `line-${line.id}`, class: `line ${line.platform || "wecom"} ${out ? "callback" : "call"} ${grade(line)}${isOpen ? " open" : ""}` },
    h("button", { type: "button", act: "line", arg: { id: line.id }, "aria-expanded": String(isOpen) },
      h("time", {}, secondOf(line.at)),
      h("span", { class: "way", title: out ? t("平台回调医枢") : t("医枢调用平台") }, icon(out ? "in" : "out")),
      h("span", { class: "what" }, h("b", {}, name ? t(name) : line.name), h("code", {}, [line.who, line.name.replace("change_external_contact/", "")].filter(Boolean).join(" · "))),
      h("span", { class: "status" }, String(status), line.tries > 1 ? ` ×${line.tries}` : "", line.times > 1 ? ` ×${line.times}` : ""),
      h("span", { class: "ms" }, line.ms === undefined ? "" : `${line.ms} ms`)),
    isOpen && detail(line, details.get(line.id)));
}

function detail(line, full) {
  if (!full) return h("div", { class: "detail" }, t("载入中…"));
  if (line.kind === "callback") {
    return h("div", { class: "detail" },
      h("h4", {}, t("解密后的内容")), h("pre", {}, pretty(full.body || "")),
      full.envelope && [h("h4", {}, t("路上是密文，已签名")), h("pre", { class: "cipher" }, full.envelope)],
      h("h4", {}, t("医枢的回答")), h("pre", {}, full.status === "200" ? `HTTP 200 · ${line.ms} ms` : `${full.status}`),
      full.attempts?.length > 1 && h("pre", {}, full.attempts.join("\n")));
  }
  return h("div", { class: "detail" },
    h("h4", {}, t("医枢的请求")), h("pre", {}, JSON.stringify(full.request ?? {}, null, 2)),
    h("h4", {}, t("平台的回答")), h("pre", {}, JSON.stringify(full.answer ?? {}, null, 2)));
}

function pretty(xml) {
  let depth = 0;
  return xml.replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, (_, text) => text.replace(/</g, "‹")).replace(/></g, ">\n<").split("\n").map((text) => {
    if (/^<\//.test(text)) depth -= 1;
    const line = "  ".repeat(Math.max(depth, 0)) + text;
    if (/^<[^/!][^>]*>$/.test(text)) depth += 1;
    return line;
  }).join("\n");
}

function happen(view) {
  const { rep, person } = view;
  if (!rep || !person) return h("div", { class: "pane", key: "happen" });
  const both = { userid: rep.userid, person: person.key };
  const side = person.reps.find((one) => one.userid.toLowerCase() === rep.userid.toLowerCase() && !one.removed_by);
  const ask = (text, verb, args, note, off = false) => !off && h("button", { class: "happening", type: "button", act: "do", arg: { verb, with: args } }, h("b", {}, text), h("code", {}, note));
  const way = view.codes.ways.find((item) => item.users.some((user) => user.userid.toLowerCase() === rep.userid.toLowerCase()));
  const scene = view.codes.scenes[0];
  const group = (title, note, ...items) => h("section", { class: "happenings" }, h("h3", {}, title, h("small", {}, note)), h("div", {}, items));
  const waiting = rep.tasks.find((task) => task.state === "waiting" && !task.hidden);
  return h("div", { class: "pane scrolls", key: "happen" },
    h("p", { class: "hint" }, t("每个按钮都像真人动手：平台随之发出签名加密的回调。")),
    group(t("新的人"), t("一位还不认识的医生"),
      h("button", { class: "happening", type: "button", act: "newcomer" }, h("b", {}, t("来一位新医生")), h("code", {}, t("拿起右边的手机")))),
    group(person.name, t("医生"),
      ask(t("扫{0}的码，加好友", rep.name), "add_contact", both, "add_external_contact", Boolean(side)),
      way && ask(t("扫渠道码“{0}”", way.state || way.remark), "add_contact", { ...both, state: way.state }, "add_external_contact + State", Boolean(side)),
      ask(t("单向添加，等代表通过"), "add_contact", { ...both, half: true }, "add_half_external_contact", Boolean(side)),
      ask(t("关注公众号"), "follow", { person: person.key }, "subscribe", person.follows_oa),
      scene && ask(t("扫场景码“{0}”", scene), "follow", { person: person.key, scene }, person.follows_oa ? "SCAN" : "subscribe + qrscene"),
      ask(t("问公众号：抗凝"), "oa_says", { person: person.key, text: "抗凝" }, "text", !person.follows_oa),
      ask(t("留言：请代表联系我"), "oa_says", { person: person.key, text: "请代表联系我" }, "text", !person.follows_oa),
      ask(t("发送“我的信息”"), "oa_says", { person: person.key, text: "我的信息" }, "text", !person.follows_oa),
      ask(t("发送“退订”"), "oa_says", { person: person.key, text: "退订" }, "text", !person.follows_oa),
      ask(t("发送“恢复”"), "oa_says", { person: person.key, text: "恢复" }, "text", !person.follows_oa),
      ask(t("同意会话存档"), "agree_archive", both, "msg_audit_approved", !side),
      ask(t("删除{0}", rep.name), "delete_contact", { ...both, by: "physician" }, "del_follow_user", !side),
      ask(t("取消关注"), "unfollow", { person: person.key }, "unsubscribe", !person.follows_oa),
      ask(t("撤回授权"), "revoke", { person: person.key }, "user_authorization_revoke", !person.follows_oa)),
    group(rep.name, t("代表"),
      side?.one_sided && ask(t("通过{0}的添加", person.name), "add_back", both, "add_external_contact"),
      waiting && ask(t("确认群发"), "confirm_task", { task_id: waiting.id }, "get_groupmsg_send_result"),
      ask(t("给{0}打上前两个标签", person.name), "edit_contact", { ...both, tag_ids: view.corp_tags.slice(0, 2).map((tag) => tag.id) }, "edit_external_contact", !side || !view.corp_tags.length),
      ask(t("补上{0}的电话", person.name), "edit_contact", { ...both, phones: [person.phone] }, "edit_external_contact", !side || !person.phone),
      ask(t("跟应用说：今天有什么"), "rep_says", { userid: rep.userid, text: "今天有什么" }, "text"),
      ask(t("删除{0}", person.name), "delete_contact", { ...both, by: "rep" }, "del_external_contact", !side)),
    h("p", { class: "hint" }, t("两人聊天、转发、打开链接不产生回调，和真的平台一样。")));
}

function trouble(view) {
  const now = view.trouble;
  const option = (name, value, text) => h("button", { type: "button", class: (now[name] ?? "") === value || (!now[name] && !value) ? "chosen" : "", act: "trouble", arg: { [name]: value }, "aria-pressed": String((now[name] || 0) === value) }, text);
  const row = (title, note, ...options) => h("section", { class: "trouble" }, h("h3", {}, title), h("p", {}, note), h("div", { class: "segment" }, options));
  const planned = Object.entries(now.errcodes || {}).filter(([, plan]) => plan.times > 0);
  const code = (text, api, errcode, times) => h("button", { type: "button", act: "trouble", arg: { errcodes: { [api]: { errcode, times } } } }, text);
  return h("div", { class: "pane scrolls", key: "trouble" },
    h("p", { class: "hint" }, t("平台会这样出错。看医枢如何不丢、不重、不乱。")),
    row(t("回调重复"), t("同一事件另外再送几次"), option("duplicates", 0, t("不")), option("duplicates", 1, "×1"), option("duplicates", 3, "×3")),
    row(t("回调延迟"), t("晚到几秒；欢迎语只等 20 秒"), option("delay_s", 0, t("不")), option("delay_s", 2, t("2 秒")), option("delay_s", 25, t("25 秒"))),
    row(t("回调乱序"), t("后发生的先送到"), option("reorder", false, t("不")), option("reorder", true, t("乱序"))),
    row(t("回调丢失"), t("平台不保证送达，只能靠对账补上"), option("drop", false, t("不")), option("drop", true, t("全部丢失"))),
    row(t("接口"), t("医枢调用平台时遇到的情况"), option("outage", "", t("正常")), option("outage", "5xx", "503"), option("outage", "reset", t("断开")), option("outage", "hang", t("没有回应"))),
    row(t("做完才断"), t("平台已经办了，回答却没有回来：下一次调用"), option("cut_after_effect", false, t("不")), option("cut_after_effect", true, t("下一次"))),
    row(t("错误码"), planned.length ? t("还会返回 {0}", planned.map(([api, plan]) => `${api} → ${plan.errcode} ×${plan.times}`).join("，")) : t("接下来几次调用返回错误"),
      code(t("发消息 -1 ×3"), "message/send", -1, 3), code(t("频率 45009 ×2"), "message/send", 45009, 2), code(t("客户 84061 ×1"), "externalcontact/get", 84061, 1)),
    row(t("令牌"), t("所有令牌马上过期，医枢应只换一次"), h("button", { type: "button", act: "trouble", arg: { expire_tokens: true } }, t("立即过期"))),
    h("button", { class: "primary calm", type: "button", act: "trouble", arg: { reset: true } }, t("恢复正常")));
}
