"""Reasons in the reader's language, with the words that were put in when they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.recommend.fit import forms
from app.recommend.fit.forms import Form

SAYINGS = {
    Form.PUSH: _l("市场推送：%(name)s"),
    Form.LATER: _l("您上次选择了“稍后”"),
    Form.BESIDE: _l("您在聊天侧边栏里选择"),
    Form.NEAR: _l("读过《%(title)s》的医生也常读这一篇"),
    Form.READ_ABOUT: _l("读过「%(tag)s」内容（%(when)s）"),
    Form.WECOM_TAG: _l("企微标签「%(tag)s」（%(when)s）"),
    Form.CUSTOMER_TAG: _l("客户标签「%(tag)s」（%(when)s）"),
    Form.MARKETING_TAG: _l("市场活动标签「%(tag)s」（%(when)s）"),
    Form.BEHAVED: _l("近期行为符合「%(tag)s」（%(when)s）"),
    Form.VERIFIED: _l("核实过的标签「%(tag)s」（%(when)s）"),
    Form.CRM: _l("CRM 记录关注「%(tag)s」"),
    Form.SCANNED: _l("扫码渠道关注「%(tag)s」（%(when)s）"),
    Form.MENTIONED: _l("主动提到「%(tag)s」（%(when)s）"),
    Form.COLLEAGUE: _l("同事标注「%(tag)s」（%(when)s）"),
    Form.REP_SAID: _l("代表反馈：关注「%(tag)s」"),
    Form.TAG: _l("标签「%(tag)s」"),
    Form.READ: _l("%(when)s读完《%(title)s》"),
    Form.READ_SOMETHING: _l("%(when)s读完一份资料"),
    Form.OPENED: _l("%(when)s打开过《%(title)s》"),
    Form.OPENED_SOMETHING: _l("%(when)s打开过一份资料"),
    Form.WROTE: _l("%(when)s给公众号留过言"),
    Form.USED_MENU: _l("%(when)s用过公众号菜单"),
    Form.FOLLOWED: _l("%(when)s关注了公众号"),
    Form.LAST_CONTACT: _l("上次互动 %(when)s"),
    Form.NO_CONTACT: _l("还没有互动记录"),
    Form.RULE: _l("%(days)s 天内联系不超过 %(times)s 次"),
}
TO_READERS = {  # without the day, which is true of the suggestion's only
    Form.READ_ABOUT: _l("您读过「%(tag)s」内容"),
    Form.MENTIONED: _l("您主动提到「%(tag)s」"),
    Form.NEAR: SAYINGS[Form.NEAR],
}


def init_app(app: Flask) -> None:
    """The filter `reasons_said` of templates."""
    app.add_template_filter(reasons_said)


def reasons_said(sentences: Sequence[str]) -> list[str]:
    """The same reasons; a sentence of no known form stays as it was written."""
    told = ((sentence, forms.read(sentence)) for sentence in sentences)
    return [_put(SAYINGS[said.form], said.words) if said else text for text, said in told]


def to_reader(sentences: Sequence[str]) -> list[str]:
    """Of a suggestion's reasons those that a physician may read about oneself: what the reader did,
    nothing that reps or CRM wrote."""
    told = filter(None, map(forms.read, sentences))
    return [_put(TO_READERS[said.form], said.words) for said in told if said.form in TO_READERS]


def _put(saying: object, words: Mapping[str, str]) -> str:
    return str(saying) % {
        name: _when(word) if name == "when" else word for name, word in words.items()
    }


def _when(text: str) -> str:
    known = {"今天": _("今天"), "昨天": _("昨天")}
    return str(known.get(text) or _("%(n)s 天前", n=text.partition(" ")[0]))
