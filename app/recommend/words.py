"""Why physicians are left out of a plan or a campaign, in the words of the people who plan."""

from __future__ import annotations

LEFT_OUT = {
    "opted_out": "已退订",
    "no_consent": "没有这个渠道的联系同意",
    "content": "内容不可使用",
    "rep_left": "代表已停用",
    "not_connected": "与代表不是双向好友",
    "not_last_chat": "最近沟通的是另一位代表",
    "platform_quota": "本月群发已达平台上限",
    "not_following": "没有关注公众号",
    "window_closed": "48 小时内没有给公众号留言，且没有配置模板消息",
    "moments_used": "本月朋友圈已达上限",
    "cap": "已达联系频次上限",
    "quiet_hours": "免打扰时段",
    "no_rep": "没有可联系的代表",
    "daily_limit": "代表近期的建议已满",
    "suggested_lately": "刚建议过，等代表处理",
    "had_it_already": "已收到过这份内容",
    "no_content": "没有合适的内容",
    "too_late": "错过当天的时间",
    "other_rep": "今天由另一位代表联系",
    "saved": "本周联系名额留给更合适的内容",
    "scope": "内容不在代表负责的产品范围内",
    "licence": "内容只发给已核实执业证号的医生",
    "place": "内容不面向医生所在的地区",
    "specialty": "内容不面向医生的专科",
    "terms_unknown": "无法确认内容面向哪些医生",
    "not_mine": "代表说不是自己的客户",
    "rest_day": "当天是法定节假日或周末",
    "held": "在对照组，两周内不建议",
}
