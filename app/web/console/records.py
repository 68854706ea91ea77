"""How the console says what was done, sent, allowed and planned; registered as template filters."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.web import language
from app.web.console import bp

WAYS = {
    "rep_card": _l("给代表的建议卡片"),
    "rep_text": _l("给代表的文字"),
    "card_update": _l("更新卡片"),
    "welcome": _l("欢迎语"),
    "group_task": _l("企业群发任务"),
    "moment_view": _l("朋友圈可见"),
    "moment": _l("客户朋友圈"),
    "oa_text": _l("公众号消息"),
    "oa_template": _l("公众号模板消息"),
}
ACTIONS = {
    "campaign.created": _l("新建推送"), "campaign.start": _l("开始推送"),
    "campaign.started": _l("开始推送"), "campaign.pause": _l("暂停推送"),
    "campaign.paused": _l("暂停推送"), "campaign.finish": _l("结束推送"),
    "campaign.run": _l("立即执行推送"), "channel.created": _l("新建渠道"),
    "content.approved": _l("批准内容"), "content.created": _l("新建内容"),
    "content.submitted": _l("提交审批"), "content.withdrawn": _l("撤回内容"),
    "content.written": _l("修改内容"), "content.rejected": _l("退回内容"),
    "inbox.read": _l("查看收件原文"),
    "inbox.replayed": _l("重新处理收件"), "inbox.dropped": _l("放弃收件"),
    "limits.changed": _l("修改联系规则"),
    "menu.set": _l("更新公众号菜单"), "physicians.imported": _l("导入医生"),
    "rep.changed": _l("修改代表设置"), "tag.created": _l("添加标签"),
    "tag.changed": _l("修改标签"), "tag.retired": _l("停用标签"),
    "tag.revived": _l("恢复使用标签"), "tag.merged": _l("合并标签"), "tag.split": _l("拆分标签"),
    "tag.mirrored": _l("开始同步标签到企微"), "tag.unmirrored": _l("停止同步标签到企微"),
    "tag.mirror_repaired": _l("修复企微同步"), "tag.names_folded": _l("归并标签名"),
    "tag.names_made": _l("把标签名新建为标签"), "tag.names_ignored": _l("忽略标签名"),
    "tag.names_undone": _l("撤销归并"), "tags.imported": _l("导入医生的标签"),
    "tags.import_undo_begun": _l("开始撤销导入医生的标签"),
    "tags.import_undone": _l("撤销导入医生的标签"),
    "category.changed": _l("修改标签分类"), "word.changed": _l("修改禁用词"),
    "vocabulary.imported": _l("导入词表"), "vocabulary.undone": _l("撤销词表版本"),
    "vocabulary.rolled_back": _l("词表回到旧版本"),
    "vocabulary.changed_back": _l("撤销词表改动"),
    "tag.folded": _l("归并标签名"), "token.created": _l("新建令牌"),
    "rule.created": _l("新建自动标签规则"), "rule.written": _l("修改自动标签规则"),
    "rule.tested": _l("回测自动标签规则"), "rule.live": _l("启用自动标签规则"),
    "rule.pause": _l("暂停自动标签规则"), "rule.resume": _l("恢复自动标签规则"),
    "rule.retire": _l("停用自动标签规则"), "rule.revive": _l("撤销停用自动标签规则"),
    "token.revoked": _l("停用令牌"), "user.created": _l("添加账号"),
    "user.disabled": _l("停用账号"), "user.enabled": _l("启用账号"),
    "user.logged_in": _l("登录"), "user.password_changed": _l("修改密码"),
    "user.password_reset": _l("重设密码"), "pull.hourly": _l("开始核对"),
    "pull.full": _l("开始完整核对"),
    "send.sent": _l("判定为已送达"), "send.failed": _l("判定为未送达"),
    "send.resend": _l("重新发送"), "identity.must": _l("合并为同一人"),
    "identity.cannot": _l("拆分：不是同一人"), "identity.block": _l("不再用这个值关联"),
    "identity.undone": _l("撤销身份判断"),
    "linkage.same": _l("复核：同一人"), "linkage.different": _l("复核：不是同一人"),
    "linkage.unsure": _l("复核：看不出"), "linkage.undone": _l("撤销复核"),
    "hospitals.imported": _l("导入医院名单"),
    "hospital.named": _l("添加医院名称"), "hospital.unnamed": _l("删除医院名称"),
    "hospital.is": _l("确认医院名称"), "hospital.new": _l("新增医院"),
    "hospital.ignore": _l("忽略医院名称"), "hospital.undo": _l("撤销医院名称的决定"),
    "segment.saved": _l("新建人群"), "segment.changed": _l("修改人群"),
    "segment.back": _l("恢复人群版本"), "segment.duplicate": _l("复制人群"),
    "segment.delete": _l("删除人群"), "segment.spare": _l("排除人群"),
    "list.uploaded": _l("上传了名单"), "list.confirm": _l("确认名单"),
    "list.prolong": _l("更新名单有效期"), "list.spare": _l("排除名单"),
    "list.delete": _l("删除名单"), "suppression.removed": _l("取消排除"),
    "campaign.spare": _l("推送中排除"), "segment.members": _l("人群成员已导出"),
    "court.decided": _l("裁定标签分歧"), "court.undone": _l("撤销标签裁定"),
    "court.appealed": _l("对标签裁定申诉"), "court.settle_at": _l("修改自动裁定"),
    "court.fixed": _l("固定来源可信度"), "court.released": _l("恢复学到的可信度"),
    "claim.decided": _l("处理归属反馈"), "stop_rule.approve": _l("采纳反馈规则"),
    "stop_rule.reject": _l("驳回反馈规则"), "stop_rule.withdraw": _l("撤回反馈规则"),
    "content.terms": _l("修改内容面向的医生"), "rep.brands": _l("修改代表的产品范围"),
    "policy.created": _l("新建推荐策略"), "policy.asked": _l("评估推荐策略"),
    "policy.gated": _l("推荐策略通过评估"), "policy.failed": _l("推荐策略未通过评估"),
    "policy.tried": _l("试行推荐策略"), "policy.live": _l("全面启用推荐策略"),
    "policy.rolled_back": _l("退回推荐策略"), "policy.discarded": _l("放弃推荐策略"),
    "policy.holdout": _l("修改对照组"), "policy.begun_anew": _l("试行从头开始"),
    "own.tag_deleted": _l("医生删除标签"), "own.tag_restored": _l("医生撤销删除标签"),
    "own.topic_off": _l("医生关闭主题"), "own.topic_on": _l("医生恢复主题"),
    "own.rep_off": _l("医生不让代表联系"), "own.rep_on": _l("医生让代表联系"),
    "own.pace": _l("医生选择联系频率"), "own.paused": _l("医生停止推送"),
    "own.erasure_asked": _l("医生请求删除资料"),
    "own.erasure_taken_back": _l("医生撤回删除请求"),
    "own.erasure_done": _l("删除资料的请求已处理"),
    "court.retired": _l("停用标签"), "court.kept": _l("保留建议停用的标签"),
}  # fmt: skip
OBJECTS = {
    "user": _l("账号"), "campaign": _l("推送"), "content": _l("内容"), "inbox": _l("收件"),
    "rep": _l("代表"), "tag": _l("标签"), "token": _l("令牌"), "policy": _l("联系规则"),
    "channel": _l("渠道"), "dispatch": _l("发送"), "physicians": _l("医生"), "menu": _l("菜单"),
    "import": _l("导入"), "identity": _l("身份判断"), "candidate": _l("复核"),
    "hospital": _l("医院"), "segment": _l("人群"), "list": _l("名单"),
    "suppression": _l("排除规则"), "tag_rule": _l("自动标签规则"),
    "plan_policy": _l("推荐策略"), "tag_case": _l("标签分歧"), "reliability": _l("来源可信度"),
    "relation_claim": _l("归属"), "stop_rule": _l("反馈规则"),
    "physician": _l("医生"), "hospital_name": _l("医院名称"), "hospital_import": _l("医院名单"),
    "pull": _l("核对"), "account": _l("公众号"), "vocabulary": _l("词表"),
    "tag_names": _l("标签名"), "tag_import": _l("标签文件"),
}  # fmt: skip
CONSENT = {
    "added_rep": _l("添加代表为好友"), "followed": _l("关注公众号"),
    "content_page": _l("在内容页选择"), "own_page": _l("在本人页面选择"),
    "keyword": _l("发送关键词"),
    "msg_audit_approved": _l("同意会话存档"), "subscribe_message": _l("订阅消息"),
    "kept_on_erasure": _l("删除资料后仍保留的意愿"),
}  # fmt: skip
CHANNELS = {
    "wecom": _l("企业微信"), "oa": _l("公众号"), "page": _l("内容页"), "any": _l("所有渠道"),
    "oa_subscribe": _l("订阅消息"),
}  # fmt: skip
ACTORS = {"system": _l("系统"), "token": _l("接口令牌"), "physician": _l("医生"),
          "cli": _l("命令行")}  # fmt: skip
DAYS = {
    "*": _l("每天"), "workday": _l("每个工作日"), "mon-fri": _l("周一至周五"), "mon": _l("每周一"),
    "tue": _l("每周二"), "wed": _l("每周三"), "thu": _l("每周四"), "fri": _l("每周五"),
    "sat": _l("每周六"), "sun": _l("每周日"),
}  # fmt: skip
_PLAIN = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[a-z-]+)")


@bp.app_template_filter("way_name")
def way_name(way: str) -> str:
    """How a message reaches somebody."""
    return str(WAYS.get(way, way))


@bp.app_template_filter("action_name")
def action_name(action: str) -> str:
    """What somebody did."""
    return str(ACTIONS.get(action, action))


@bp.app_template_filter("object_name")
def object_name(kind: str) -> str:
    """With what somebody did it."""
    return str(OBJECTS.get(kind, kind))


@bp.app_template_filter("consent_source")
def consent_source(source: str) -> str:
    """Where a permission comes from."""
    return str(CONSENT.get(source, source))


@bp.app_template_filter("channel_name")
def channel_name(channel: str) -> str:
    """Through which channel."""
    return str(CHANNELS.get(channel, channel))


@bp.app_template_filter("actor_name")
def actor_name(actor: str, users: dict[str, str]) -> str:
    """Who did it: `users` maps `user:<id>` to a name."""
    kind, _colon, name = actor.partition(":")
    return users.get(actor) or " ".join(filter(None, (str(ACTORS.get(kind, kind)), name)))


@bp.app_template_filter("schedule_words")
def schedule_words(cron: str) -> str:
    """`每周一 10:05` for the usual cron lines; others as they were written."""
    found = _PLAIN.fullmatch(cron.strip().lower())
    if found is None:
        return cron
    minute, hour, date, weekday = found.groups()
    at = f"{int(hour):02d}:{int(minute):02d}"
    if date != "*":
        return str(_("每月 %(day)s 日 %(at)s", day=int(date), at=at)) if weekday == "*" else cron
    if weekday not in DAYS:
        return cron
    if language.choose() == language.ENGLISH:
        return f"{DAYS[weekday]}, {at}"
    return f"{DAYS[weekday]} {at}"
