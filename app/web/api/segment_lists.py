"""GET|POST /segments/lists, GET /segments/lists/{id}, …/confirm: static lists from files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify
from pydantic import Field

from app import accounts, segments
from app.accounts.models import Role
from app.flows.segments import audiences, list_file
from app.infra.errors import Refused
from app.segments import SegmentList
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, RowId, answers, body, query
from app.web.api.imports import uploaded
from app.web.context import parts
from app.web.policy import allow

MAKERS = (Role.ADMIN, Role.MARKETER)


class ListQuery(Asked):
    """What a file is to be called, what it is for and until when it is good. `columns`: which
    column is which, by name or number from 1 (`phone=手机,crm_id=3`); without it they are as in
    the last file with the same header, or known by their names (one_id, crm_id, licence_no,
    unionid, external_userid, phone)."""

    name: str = Field(min_length=1, max_length=80)
    purpose: str = Field(min_length=1, max_length=200)
    expires_at: datetime | None = None
    columns: str = Field("", max_length=500)
    confirm: bool = False


class NewSuppression(Asked):
    """A list or a segment whose members are spared: in one campaign, or everywhere."""

    list_id: RowId | None = None
    segment_id: RowId | None = None
    campaign_id: RowId | None = None


@bp.get("/segments/lists")
def list_lists() -> Response:
    """All static lists, newest first, with the number of physicians on each."""
    with parts().db.reading() as session:
        rows = segments.lists.listing(session)
        return jsonify(items=[_told(row) | {"physicians": number} for row, number in rows])


@bp.post("/segments/lists")
@answers(201, file=True)
@allow(*MAKERS, token=True)
def upload_segment_list() -> tuple[Response, int]:
    """A CSV or XLSX file as multipart field `file`, or as the body. Without `confirm` a draft;
    `report` has the lines that name nobody, or not one physician alone."""
    asked, here, who = query(ListQuery), parts(), auth.actor()
    filename, data = uploaded()
    sheet = list_file.read(filename, data)
    with here.db.transaction() as session:
        row = list_file.keep(
            session, sheet, asked.columns, name=asked.name, purpose=asked.purpose,
            filename=filename, expires_at=_aware(asked.expires_at), author=who.key,
            corp_id=here.settings.wecom_corp_id, now=here.clock(),
        )  # fmt: skip
        if not row.columns:
            raise Refused("没有认出的列，请用 columns 写明，例如 columns=phone=手机。")
        report = row.report
        if asked.confirm:
            segments.lists.confirm(session, row.id)
        accounts.audit(session, who.key, "list.uploaded", "list", row.id, now=here.clock())
        return jsonify(_told(row) | {"report": report}), 201


@bp.post("/segments/lists/<int:list_id>/confirm")
@allow(*MAKERS, token=True)
def confirm_list(list_id: int) -> Response:
    """Use it from now on."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        row = segments.lists.confirm(session, list_id)
        accounts.audit(session, who.key, "list.confirm", "list", list_id, now=here.clock())
        return jsonify(_told(row))


@bp.delete("/segments/lists/<int:list_id>")
@allow(*MAKERS, token=True)
def delete_list(list_id: int) -> Response:
    """Delete it; refused while campaigns or segments use it."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        name = audiences.delete_list(session, list_id)
        accounts.audit(session, who.key, "list.delete", "list", list_id, now=here.clock())
    return jsonify(deleted=name)


@bp.post("/segments/suppressions")
@answers(201)
@allow(*MAKERS, token=True)
def spare() -> tuple[Response, int]:
    """Leave the members of a list or segment out of one campaign, or of everything."""
    asked, here, who = body(NewSuppression), parts(), auth.actor()
    with here.db.transaction() as session:
        row = audiences.spare(
            session, list_id=asked.list_id, segment_id=asked.segment_id,
            campaign_id=asked.campaign_id, author=who.key, now=here.clock(),
        )  # fmt: skip
        accounts.audit(
            session, who.key, "list.spare" if asked.list_id else "segment.spare", "suppression",
            row.id, now=here.clock(),
        )  # fmt: skip
        return jsonify(id=row.id), 201


@bp.delete("/segments/suppressions/<int:rule_id>")
@allow(*MAKERS, token=True)
def spare_no_longer(rule_id: int) -> Response:
    """Write to them again."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        segments.suppression.remove(session, rule_id)
        accounts.audit(
            session, who.key, "suppression.removed", "suppression", rule_id, now=here.clock()
        )
    return jsonify(removed=rule_id)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _told(row: SegmentList) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "purpose": row.purpose, "state": row.state,
        "figures": row.figures, "columns": row.columns, "created_by": row.created_by,
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }  # fmt: skip
