"""Writing, approving and finding content."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app import content, tagging
from app.content import ContentVersion, Purpose, Stage
from app.infra.db import Database
from app.infra.errors import Refused
from tests.company import publish, renew
from tests.conftest import NOON


def tag_ids(session: Session, *keys: str) -> dict[int, float]:
    found = [tagging.by_key(session, key) for key in keys]
    return {tag.id: 1.0 for tag in found if tag}


def approve(session: Session, version: ContentVersion, approver: str) -> ContentVersion:
    return content.approve(
        session, version.id, approver=approver, approval_no="示例 1", valid_from=NOON,
        valid_until=NOON + timedelta(days=9), now=NOON,
    )  # fmt: skip


def found_by(session: Session, words: str) -> list[str]:
    return [version.title for version in content.search_usable(session, words, NOON)]


def test_the_next_draft_leaves_what_is_approved_in_force(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        old = publish(session, "房颤抗凝新进展", ("af",), NOON)
        new = content.edit(
            session, old.id, author="user:1", fields={"title": "房颤抗凝新进展（修订）"},
            tags=tag_ids(session, "hypertension"), now=NOON,
        )  # fmt: skip
        assert content.problem(session, old, NOON) == ""
        assert content.tags_of(session, old.id) == tag_ids(session, "af")
        assert [usable.tags for usable in content.usable(session, NOON)] == [tag_ids(session, "af")]
        content.submit(session, new.id, now=NOON)
        approve(session, new, "user:2")
        assert old.stage == Stage.WITHDRAWN
        assert [usable.tags for usable in content.usable(session, NOON)] == [
            tag_ids(session, "hypertension")
        ]


def test_a_version_for_later_leaves_the_old_one_in_force_until_then(database: Database) -> None:
    later = NOON + timedelta(days=3)
    before, after = later - timedelta(seconds=1), later + timedelta(seconds=1)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        old = publish(session, "房颤抗凝新进展", ("af",), NOON)
        new = renew(session, old, NOON, begins=later)
        for at, sent in ((NOON, old), (before, old), (later, new), (after, new)):
            assert content.usable_version(session, old.content_id, at) is sent
            assert [one.version for one in content.usable(session, at)] == [sent]
            assert [one.version_id for one in content.shelf(session, at)] == [sent.id]
            assert content.search_usable(session, "正", at, tag_ids=[*tag_ids(session, "af")]) == [
                sent
            ]
        assert content.problem(session, old, later) == "由第 2 版替换"
        assert content.problem(session, new, NOON) == "内容尚未生效"
        assert not content.replaced(session, before)
        assert content.replaced(session, later) == {old.id}
        content.withdraw(session, new.id, reason="又有错", now=NOON)
        assert content.usable_version(session, old.content_id, after) is old
        again = renew(session, old, NOON, begins=later)
        content.withdraw(session, again.id, reason="有错", now=later)
        assert content.usable_version(session, old.content_id, after) is None, "no scheduler yet"
        assert (old.stage, old.withdraw_reason) == (Stage.WITHDRAWN, "由第 3 版替换")


def test_what_would_never_begin_is_withdrawn_by_the_version_approved_last(
    database: Database,
) -> None:
    day = timedelta(days=1)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        first = publish(session, "房颤抗凝新进展", ("af",), NOON)
        second = renew(session, first, NOON, begins=NOON + 9 * day)
        third = renew(session, first, NOON, begins=NOON + 5 * day)
        stages = [version.stage for version in (first, second, third)]
        assert stages == [Stage.APPROVED, Stage.WITHDRAWN, Stage.APPROVED]
        fourth = renew(session, first, NOON)
        stages = [version.stage for version in (first, third, fourth)]
        assert stages == [Stage.WITHDRAWN, Stage.WITHDRAWN, Stage.APPROVED]


def test_what_a_content_is_for_is_approved_with_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        usual = publish(session, "房颤", ("af",), NOON)
        notice = publish(session, "召回通知", ("af",), NOON, purpose=Purpose.SAFETY)
        assert content.safety_notices(session, NOON) == {notice.content_id}
        for old, purpose in ((usual, Purpose.SAFETY), (notice, Purpose.USUAL)):
            renew(session, old, NOON, begins=(then := NOON + timedelta(days=1)), purpose=purpose)
        assert content.safety_notices(session, NOON) == {notice.content_id}, "are in force"
        assert content.safety_notices(session, then) == {usual.content_id}, "whoever has seen it"
        for version, other in ((usual, Purpose.SAFETY), (notice, Purpose.USUAL)):
            was, version.purpose = version.purpose, other
            assert content.problem(session, version, NOON) == "内容在批准后被改动"
            version.purpose = was
            assert content.problem(session, version, NOON) == ""
        draft = content.edit(
            session, notice.id, author="user:1", fields={"title": "召回通知（更新）"},
            tags=tag_ids(session, "af"), now=NOON,
        )  # fmt: skip
        assert draft.purpose == Purpose.SAFETY, "the next version begins as this one"
        with pytest.raises(Refused, match="用途"):
            content.edit(session, draft.id, author="user:1", fields={"purpose": "urgent"},
                         tags={}, now=NOON)  # fmt: skip


@pytest.mark.parametrize("submitted", [False, True])
def test_nobody_who_had_a_hand_in_a_text_approves_it(database: Database, submitted: bool) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        tags = tag_ids(session, "af")
        fields = {"title": "房颤", "body": "正文"}
        version = content.draft(session, author="user:1", fields=fields, tags=tags, now=NOON)
        if submitted:
            content.submit(session, version.id, now=NOON)
        touched = content.edit(
            session, version.id, author="user:2", fields={"title": "房颤管理"}, tags=tags, now=NOON
        )
        content.submit(session, touched.id, now=NOON)
        for writer in ("user:1", "user:2"):
            with pytest.raises(Refused):
                approve(session, touched, writer)
        assert approve(session, touched, "user:3").stage == Stage.APPROVED


def test_a_search_does_not_mind_letters_and_takes_signs_as_they_are(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        publish(session, "NCCN 指南要点", ("nsclc",), NOON)
        publish(session, "达标率 50% 的背后", ("hypertension",), NOON)
        assert found_by(session, "nccn") == ["NCCN 指南要点"]
        assert found_by(session, "50%") == ["达标率 50% 的背后"]
        assert found_by(session, "5_%") == []
        assert found_by(session, "的") == []
        assert [v.title for v in content.listing(session, text="nccn")] == ["NCCN 指南要点"]


def test_what_was_changed_behind_the_approval_is_offered_to_nobody(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        version = publish(session, "房颤抗凝新进展", ("af",), NOON)
        other = publish(session, "房颤抗凝随访", ("af",), NOON)
        session.execute(
            update(ContentVersion)
            .where(ContentVersion.id == version.id)
            .values(summary="没有批准过的话")
        )
    with database.reading() as session:
        assert [usable.version.id for usable in content.usable(session, NOON)] == [other.id]
        assert found_by(session, "抗凝") == ["房颤抗凝随访"]


def test_two_decisions_at_once_do_not_overrule_each_other(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        version = publish(session, "房颤抗凝新进展", ("af",), NOON)
    if database.engine.dialect.name == "sqlite":
        pytest.skip("writing transactions are alone on SQLite anyway")
    looked, told = threading.Event(), []

    def late() -> None:
        try:
            with database.transaction() as session:
                content.get_version(session, version.id)  # as it was before the other decision
                looked.set()
                content.withdraw(session, version.id, reason="又一次", now=NOON)
        except Refused as refusal:
            told.append(str(refusal))

    with database.transaction() as session:
        content.withdraw(session, version.id, reason="更新说明书", now=NOON)
        thread = threading.Thread(target=late)
        thread.start()
        assert looked.wait(10)
    thread.join(10)
    assert len(told) == 1
    with database.reading() as session:
        assert content.get_version(session, version.id).withdraw_reason == "更新说明书"
