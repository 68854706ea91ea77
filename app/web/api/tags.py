"""GET|POST /tags, GET|PATCH /tags/{key}, GET …/uses, POST …/merge and …/split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from flask import Response, jsonify
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from app import accounts, tagging
from app.flows.tagging import vocabulary
from app.flows.tagging.tag_uses import Carriers, Uses, uses
from app.infra.errors import NotFound
from app.tagging import Owner, Sensitivity, Source, editing, stored, versions
from app.tagging.document import ANY, Document, TagDef
from app.tagging.models import VocabularyVersion
from app.tagging.naming import fold
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, answers, body, query
from app.web.context import parts
from app.web.policy import MIRRORERS

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]


class SourcedName(Asked):
    """Another name, for every source (`any`) or for one."""

    name: str = Field(min_length=1, max_length=80)
    source: str = ANY


class TagsQuery(Asked):
    """Text in name, key, meaning or another name; a category with those below; retired ones too."""

    q: str = ""
    category: str = ""
    retired: bool = False


class TagChange(Asked):
    """The fields to change; what is not named stays. `base`: the version that was read, to refuse
    what somebody else has changed since."""

    name: str | None = Field(None, min_length=1, max_length=40)
    meaning: str | None = Field(None, max_length=300)
    category: str | None = None
    parent: str | None = None
    owner: Owner | None = None
    half_life_days: int | None = Field(None, ge=0, le=3650, description="0: it does not fade")
    sensitivity: Sensitivity | None = None
    may_assert: list[Source] | None = None
    mirrored: bool | None = None
    opposites: list[str] | None = None
    names: list[SourcedName] | None = None
    active: bool | None = None
    base: int | None = Field(None, ge=0)
    note: str = Field("", max_length=300)


class NewTag(Asked):
    """A tag. `category` and `parent` are keys."""

    key: Key
    name: str = Field(min_length=1, max_length=40)
    category: str
    owner: Owner
    meaning: str = Field("", max_length=300)
    parent: str = ""
    half_life_days: int | None = Field(None, ge=1, le=3650)
    sensitivity: Sensitivity = Sensitivity.NORMAL
    may_assert: list[Source] = Field(default_factory=list)
    mirrored: bool = False
    opposites: list[str] = Field(default_factory=list)
    names: list[SourcedName] = Field(default_factory=list)
    note: str = Field("", max_length=300)


class Merge(Asked):
    """Which tag it becomes; `dry_run` only says what that would do."""

    into: str
    dry_run: bool = False
    note: str = Field("", max_length=300)


class SplitPart(Asked):
    """What goes to `to`: from this source, or with one of these words in its evidence."""

    to: str
    source: Source | None = None
    words: list[str] = Field(default_factory=list)


class Split(Asked):
    """Parts in their order; the rest stays, or goes to `rest`, which the tag then stands for."""

    parts: list[SplitPart] = Field(min_length=1)
    rest: str = ""
    dry_run: bool = False
    note: str = Field("", max_length=300)


@bp.get("/tags")
def list_tags() -> Response:
    """The vocabulary: items[], and the version that says so."""
    asked = query(TagsQuery)
    with parts().db.reading() as session:
        document = stored.read(session)
        found = [tag for tag in document.tags if _fits(document, tag, asked)]
        items = [as_json(document, tag) for tag in found]
        return jsonify(items=items, version=versions.newest_number(session))


@bp.post("/tags")
@answers(201)
def create_tag() -> tuple[Response, int]:
    """A new tag."""
    asked = body(NewTag)
    tag = TagDef(
        asked.key, asked.name, asked.category, asked.owner, asked.meaning, asked.parent,
        asked.half_life_days, asked.sensitivity, tuple(asked.may_assert), asked.mirrored,
        names=_names(asked.names),
    )  # fmt: skip
    note = asked.note or f"新增标签“{asked.name}”"
    with parts().db.transaction() as session:
        made = _edit(
            session, lambda document: editing.added(document, tag, asked.opposites),
            "tag.created", asked.key, note,
        )  # fmt: skip
        return _answer(session, asked.key, made), 201


@bp.get("/tags/<key>")
def get_tag(key: str) -> Response:
    """One tag, also a retired one."""
    with parts().db.reading() as session:
        return _answer(session, key, None)


@bp.patch("/tags/<key>")
def change_tag(key: str) -> Response:
    """Change some fields of a tag; also takes it out of use and back."""
    asked = body(TagChange)
    values = asked.model_dump(exclude_unset=True, exclude={"base", "note", "active"})
    if "half_life_days" in values:
        values["half_life_days"] = values["half_life_days"] or None
    if "names" in values:
        values["names"] = _names(asked.names or [])
    if "may_assert" in values:
        values["may_assert"] = tuple(values["may_assert"] or ())

    def change(document: Document) -> Document:
        document = editing.revised(document, key, values)
        if asked.active is None or document.by_key[key].active == asked.active:
            return document
        return (editing.revived if asked.active else editing.retired)(document, key)

    with parts().db.transaction() as session:
        vocabulary.refuse_stale(session, key, asked.base)
        return _answer(session, key, _edit(session, change, "tag.changed", key, asked.note))


@bp.get("/tags/<key>/uses")
def tag_uses(key: str) -> Response:
    """Who and what a change of the tag reaches."""
    with parts().db.reading() as session:
        tag = tagging.by_key(session, key)
        if tag is None:
            raise NotFound("没有这个标签。")
        return jsonify(uses_json(uses(session, tag.id, key)))


@bp.post("/tags/<key>/merge")
def merge_tag(key: str) -> Response:
    """Let one tag become another; with `dry_run` what that would do."""
    asked = body(Merge)
    here, who = parts(), auth.actor()
    if asked.dry_run:
        with here.db.reading() as session:
            return jsonify(preview_json(vocabulary.preview(session, key, [], asked.into)))
    with here.db.transaction() as session:
        version = vocabulary.merge(
            session, key, asked.into, actor=who.key, note=asked.note, now=here.clock()
        )
        accounts.audit(session, who.key, "tag.merged", "tag", key, now=here.clock(),
                       into=asked.into, version=version.number)  # fmt: skip
        return _answer(session, key, version)


@bp.post("/tags/<key>/split")
def split_tag(key: str) -> Response:
    """Let parts of what is asserted about a tag go to others; with `dry_run` what that would do."""
    asked = body(Split)
    here, who = parts(), auth.actor()
    shares = [vocabulary.Share(p.to, p.source or "", tuple(p.words)) for p in asked.parts]
    if asked.dry_run:
        with here.db.reading() as session:
            return jsonify(preview_json(vocabulary.preview(session, key, shares, asked.rest)))
    with here.db.transaction() as session:
        version = vocabulary.split(
            session, key, shares, rest=asked.rest, actor=who.key, note=asked.note, now=here.clock()
        )
        accounts.audit(session, who.key, "tag.split", "tag", key, now=here.clock(),
                       version=version.number)  # fmt: skip
        return _answer(session, key, version)


def as_json(document: Document, tag: TagDef) -> dict[str, Any]:
    """A tag as the API gives it."""
    told = asdict(tag)
    names = [{"source": source, "name": raw} for source, raw in tag.names]
    opposites = sorted(document.opposites_of(tag.key))
    return told | {"names": names, "opposites": opposites, "may_assert": list(tag.may_assert)}


def uses_json(found: Uses) -> dict[str, Any]:
    """Counts with examples."""
    return {
        "physicians": _people(found.people), "assertions_by_source": found.sources,
        "contents": [{"id": i, "title": t, "stage": s} for i, t, s in found.contents],
        "segments": [{"name": n, "expression": e} for n, e in found.segments],
        "campaigns": [{"id": i, "name": n} for i, n in found.campaigns],
        "tag_rules": [{"id": i, "name": n} for i, n in found.rules],
        "channel_codes": found.channels, "queued_messages": found.queued,
        "refused_assertions": found.refused,
    }  # fmt: skip


def preview_json(found: vocabulary.Preview) -> dict[str, Any]:
    """What a migration would do."""
    moves: list[Mapping[str, Any]] = [{"to": to, **_people(people)} for to, people in found.to]
    return {"uses": uses_json(found.uses), "moves": moves, "stay": _people(found.stay)}


def _people(found: Carriers) -> dict[str, Any]:
    return {"count": found.size, "sample": list(found.sample)}


def _fits(document: Document, tag: TagDef, asked: TagsQuery) -> bool:
    if not (tag.active or asked.retired):
        return False
    if asked.category and asked.category not in document.branch_of(tag.category):
        return False
    words = fold(asked.q)
    return not words or any(
        words in fold(text) for text in (tag.name, tag.key, tag.meaning, *(n for _, n in tag.names))
    )


def _names(names: list[SourcedName]) -> tuple[tuple[str, str], ...]:
    return tuple((one.source, fold(one.name)) for one in names)


def _edit(
    session: Session, change: versions.Edit, action: str, key: str, note: str
) -> VocabularyVersion | None:
    now, who = parts().clock(), auth.actor()
    version = vocabulary.edit(
        session, change, actor=who.key, note=note, may_mirror=who.role in MIRRORERS, now=now
    )
    if version is not None:
        accounts.audit(session, who.key, action, "tag", key, now=now, version=version.number)
    return version


def _answer(session: Session, key: str, version: VocabularyVersion | None) -> Response:
    document = stored.read(session)
    if key not in document.by_key:
        raise NotFound("没有这个标签。")
    number = version.number if version else versions.newest_number(session)
    return jsonify(as_json(document, document.by_key[key]) | {"version": number})
