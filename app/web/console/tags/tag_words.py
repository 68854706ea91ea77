"""How pages say what changed in the vocabulary; as template filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.tagging.differences import Change
from app.tagging.document import ANY, Document
from app.web.console import bp
from app.web.console.words import owner_name, source_name

FIELDS = {
    "name": _l("名称"), "category": _l("分类"), "owner": _l("负责"), "meaning": _l("说明"),
    "parent": _l("上级"), "half_life_days": _l("半衰期（天）"), "sensitivity": _l("可见范围"),
    "may_assert": _l("允许的来源"), "mirrored": _l("同步到企微"), "active": _l("使用中"),
    "merged_into": _l("并入"), "names": _l("同义词"), "exclusive": _l("只取其一"),
    "key": _l("编号"),
}  # fmt: skip
OF = {
    "tag": _l("标签"),
    "category": _l("分类"),
    "opposite": _l("相反标签"),
    "forbidden": _l("禁用词"),
}
KINDS = {
    "start": _l("开始"), "edit": _l("修改"), "import": _l("导入"), "merge": _l("合并"),
    "split": _l("拆分"), "retire": _l("停用"), "revive": _l("恢复"), "undo": _l("撤销"),
    "rollback": _l("回到旧版"),
}  # fmt: skip
SENSITIVITIES = {"normal": _l("代表可见"), "staff": _l("仅内部，代表看不到")}


@bp.app_template_filter("sensitivity_name")
def sensitivity_name(key: str) -> str:
    """Who may see a tag."""
    return str(SENSITIVITIES.get(key, key))


@bp.app_template_filter("version_kind")
def version_kind(kind: str) -> str:
    """What made a version."""
    return str(KINDS.get(kind, kind))


@bp.app_template_filter("field_name")
def field_name(field: str) -> str:
    """A field of a tag or category; "" is all of it."""
    return str(FIELDS.get(field, field)) if field else str(_("新增"))


@bp.app_template_filter("change_of")
def change_of(change: Change) -> str:
    """What kind of thing changed."""
    return str(OF.get(change.of, change.of))


@bp.app_template_filter("change_side")
def change_side(change: Change, after: bool, called: Mapping[str, str]) -> str:
    """How it was before, or is after. `called`: names of tags and categories by key."""
    value = change.after if after else change.before
    if not change.field:
        if isinstance(value, dict):
            value = value.get("meaning") or value.get("name")
        return "—" if value is None else str(value)
    if change.field in ("parent", "merged_into", "category"):
        return called.get(value, value) or "—"
    return _said(change.field, value)


def called(document: Document) -> dict[str, str]:
    """Names of tags and categories by key, for `change_side`."""
    categories = {one.key: one.name for one in document.categories}
    return categories | {one.key: one.name for one in document.tags}


def names_said(names: Sequence[Sequence[str]]) -> str:
    """Names, with their source where it is not any."""
    told = (
        raw if source == ANY else raw + _("（%(n)s）", n=source_name(source))
        for source, raw in names
    )
    return _("、").join(told) or "—"


bp.add_app_template_filter(names_said, "names_said")


def _said(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(_("是") if value else _("否"))
    if field == "names":
        return names_said(value or ())
    if field == "may_assert":
        return _("、").join(map(source_name, value or ())) or str(_("所有来源"))
    if field == "half_life_days":
        return str(value or _("不衰减"))
    if field == "owner":
        return owner_name(value)
    if field == "sensitivity":
        return sensitivity_name(value)
    return str(value) if value not in (None, "") else "—"
