"""The tags themselves in WeCom: the corp's list is read, then what is missing is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from app import delivery, tagging
from app.connectors import errors
from app.connectors.wecom.client import WeCom
from app.delivery import Gate, Limits
from app.delivery.channels import Delivered
from app.flows import Outside
from app.flows.tagging.mirror_marks import words_of
from app.infra import log
from app.infra.clock import Clock
from app.infra.db import Database
from app.infra.errors import Permanent, YishuError
from app.tagging import Steps, TagMirror, mirror_list

LIST, ADD = "externalcontact/get_corp_tag_list", "externalcontact/add_corp_tag"
EDIT, DELETE = "externalcontact/edit_corp_tag", "externalcontact/del_corp_tag"
_log = log.get(__name__)
T = TypeVar("T")


def keep_tags(db: Database, outside: Outside, clock: Clock, limits: Limits) -> int:
    """Read the lists that are due and do what follows; returns how many calls were made."""
    with db.reading() as session:
        if not tagging.is_mirror_used(session) or not mirror_list.is_list_due(session, clock()):
            return 0
    corps = [corp_id for corp_id in outside.wecom if corp_id and outside.settings.wecom_secret]
    return sum(_Caller(db, outside.wecom[corp_id], clock, limits).work() for corp_id in corps)


class _Caller:
    """Calls of one corp, each through the account's gate."""

    def __init__(self, db: Database, wecom: WeCom, clock: Clock, limits: Limits) -> None:
        self._db, self._wecom, self._clock, self._limits = db, wecom, clock, limits
        self.made = 0

    def work(self) -> int:
        """List, compare, do."""
        asked_at = self._clock()
        listed = self._try(LIST, self._wecom.list_corp_tags)
        if listed is None:
            return self.made
        rows = [(tag.tag_id, tag.name, tag.group) for tag in listed]
        with self._db.transaction() as session:
            steps = mirror_list.compare_list(session, self._wecom.corp_id, rows, self._clock())
            tagging.marks.settle_missing(session, self._wecom.corp_id, asked_at, self._clock())
        self._do(steps)
        return self.made

    def _do(self, steps: Steps) -> None:
        for group, names in steps.make.items():
            self._make(group, names)
        for row in steps.rename:
            self._rename(row)
        for row in steps.delete:
            self._delete(row)

    def _make(self, group: str, names: dict[int, str]) -> None:
        found = self._try(
            ADD, lambda: self._wecom.add_corp_tag(group, list(names.values())), names=names
        )
        ids = {tag.name: tag.tag_id for tag in found or ()}
        with self._db.transaction() as session:
            for tag_id, name in names.items():
                if name in ids:
                    row = tagging.mirror_of(session, self._wecom.corp_id, tag_id)
                    mirror_list.made(session, row, ids[name], self._clock())
                    tagging.note_corp_tag(
                        session, self._wecom.corp_id, ids[name], self._clock(), name, group
                    )

    def _rename(self, row: TagMirror) -> None:
        with self._db.reading() as session:
            name = session.get_one(tagging.Tag, row.tag_id).name

        def edit() -> bool:
            self._wecom.edit_corp_tag(row.wecom_tag_id, name)
            return True

        edited = self._try(EDIT, edit, names={row.tag_id: name})
        if edited:
            with self._db.transaction() as session:
                kept = tagging.mirror_of(session, row.corp_id, row.tag_id)
                kept.name = name
                tagging.note_corp_tag(
                    session, row.corp_id, row.wecom_tag_id, self._clock(), name, row.group_name
                )

    def _delete(self, row: TagMirror) -> None:
        def delete() -> bool:
            self._wecom.delete_corp_tags([row.wecom_tag_id])
            return True

        gone = self._try(DELETE, delete, names={row.tag_id: row.name})
        if gone:
            with self._db.transaction() as session:
                mirror_list.ended(session, tagging.mirror_of(session, row.corp_id, row.tag_id))
                tagging.note_corp_tag(session, row.corp_id, row.wecom_tag_id, self._clock())

    def _try(
        self, api: str, call: Callable[[], T], names: dict[int, str] | None = None
    ) -> T | None:
        """The answer; None when the call was not made, or not answered as it should be."""
        began, answer = self._clock(), None
        problem: YishuError | None = None
        with self._db.transaction() as session:
            if not Gate(session, self._wecom.corp_id, began, self._limits).enter_call(api):
                return None
        try:
            answer = call()
        except YishuError as error:
            problem = error
        self.made += 1
        with self._db.transaction() as session:
            delivery.note_call(
                session, self._wecom.corp_id, api, problem or Delivered(), began=began,
                now=self._clock(), limits=self._limits,
            )  # fmt: skip
            if problem is not None:
                self._tell(session, api, problem, names or {})
        return answer

    def _tell(self, session: Session, api: str, problem: YishuError, names: dict[int, str]) -> None:
        """Show what the platform said beside the tags that it was about."""
        now, final = self._clock(), isinstance(problem, Permanent)
        _log.warning("corp tags", api=api, error=type(problem).__name__)
        if api == LIST:
            mirror_list.list_failed(session, now)
        for tag_id in names:
            row = tagging.mirror_of(session, self._wecom.corp_id, tag_id)
            if api == DELETE and final:  # it stays: who else may delete it knows why
                mirror_list.ended(session, row)
                continue
            if isinstance(problem, errors.NotAllowed) and api == EDIT:
                row.made = False
            mirror_list.refused(session, row, words_of(problem), now, final=final)
