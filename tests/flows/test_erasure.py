"""Who leaves is erased: also from messages that are on their way at that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import delivery, identity, tagging
from app.connectors.errors import OutcomeUnknown
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered
from app.facts import Followed, Unfollowed
from app.flows import Received
from app.flows.followers import followed, unfollowed
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.infra.errors import Refused
from app.recommend import State as Answered
from app.recommend import Suggestion
from app.recommend.policy import policies
from app.recommend.policy.policy_models import Decision
from app.segments import lists, saved, suppression
from app.segments.models import SegmentListMember
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.flows.seen import follower
from tests.flows.test_followers import GONE, HERE, WHO
from tests.scenarios.conftest import Line
from tests.scenarios.conftest import publish as publish_on
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_suggestion_line import card_of
from tests.segments.test_index import ONE_DATABASE
from workers.sweeping import keep_lists, mend

SECRET = "您的就诊资料"
PAYLOAD = {"app_id": WHO["app_id"], "openid": WHO["openid"], "text": SECRET}


def write(session: Session, row: Identifier, way: Way, key: str = "m") -> Dispatch:
    made = delivery.queue(
        session, way=way, dedupe_key=key, payload=PAYLOAD, identifier_id=row.id, now=NOON
    )
    assert made is not None
    return delivery.get(session, made)


def arrives(session: Session) -> Identifier:
    followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
    row = identity.find(session, Id(Kind.OPENID, WHO["app_id"], WHO["openid"]))
    assert row is not None
    return row


def leaves(session: Session) -> None:
    unfollowed.apply(session, Unfollowed(at=NOON, **WHO), GONE, Received(9, NOON), NOON)


@pytest.mark.parametrize(
    ("answer", "ending"),
    [(Delivered("msg1"), State.SENT), (OutcomeUnknown("cut"), State.UNKNOWN)],
)
def test_a_message_in_the_air_is_erased_when_its_outcome_is_known(
    database: Database, answer: Delivered | Exception, ending: State
) -> None:
    with database.transaction() as session:
        message = write(session, arrives(session), Way.OA_TEXT)
        assert delivery.claim(session, [message.id], NOON) == {message.id: 1}
        leaves(session)
        session.refresh(message)
        assert message.payload["text"] == SECRET  # its worker died? then somebody still needs it
        delivery.erase_marked(session)
        session.refresh(message)
        assert (message.payload["text"], message.erase) == (SECRET, True)
        delivery.record(message, answer, NOON)
        session.flush()
        delivery.erase_marked(session)
        session.refresh(message)
        assert (message.state, message.payload, message.erase) == (ending, {}, False)
        if ending is State.UNKNOWN:
            with pytest.raises(Refused, match="已按要求删除"):
                delivery.settle(session, message.id, "resend", NOON)
            assert delivery.settle(session, message.id, "failed", NOON).state == State.FAILED


def test_what_waits_to_be_tried_again_is_given_up_and_erased_at_once(database: Database) -> None:
    with database.transaction() as session:
        message = write(session, arrives(session), Way.OA_TEMPLATE)
        message.maybe_sent = True
        leaves(session)
        session.refresh(message)
        assert (message.state, message.payload) == (State.UNKNOWN, {})


def test_a_notice_to_a_rep_still_goes_out_and_is_erased_then(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.world.trouble = {"errcodes": {"message/send": {"errcode": -1, "times": 1}}}
    line.do("oa_says", person="wang", text="请代表联系我，" + SECRET)
    line.do("unfollow", person="wang")
    line.clock.tick(minutes=1)
    line.work()
    assert SECRET in str(line.inbox("rep01"))
    mend(line.parts)
    with line.parts.db.reading() as session:
        assert SECRET not in str([row.payload for row in delivery.listing(session)])


def test_what_was_never_tried_is_cancelled_and_erased_at_once(database: Database) -> None:
    with database.transaction() as session:
        message = write(session, arrives(session), Way.OA_TEXT)
        leaves(session)
        session.refresh(message)
        assert (message.state, message.payload) == (State.CANCELLED, {})


def test_a_rep_hears_that_what_waits_for_who_leaves_does_not_come(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        row, rep = arrives(session), hire(session, "rep01", NOON)
        version = publish(session, "房颤", ("af",), NOON)
        adopted = Suggestion(
            plan_key="test", rep_id=rep.id, identifier_id=meet(session, rep, "wang", NOON).id,
            content_id=version.content_id, content_version_id=version.id, day=NOON.date(),
            state=Answered.ADOPTED, created_at=NOON,
        )  # fmt: skip
        session.add(adopted)
        session.flush()
        message = write(session, row, Way.OA_TEXT)
        message.suggestion_id, message.counts_as_contact = adopted.id, True
        leaves(session)
        assert adopted.state == Answered.CANCELLED
        told = session.scalars(select(Dispatch).where(Dispatch.way == Way.REP_TEXT)).one()
        assert "没有发出：医生已取消关注" in told.payload["text"]


def test_decisions_about_who_leaves_count_without_what_their_tags_said(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        row, rep = arrives(session), hire(session, "rep01", NOON)
        version = publish(session, "房颤", ("af",), NOON)
        about = {
            "rep_id": rep.id, "identifier_id": row.id, "content_id": version.content_id,
            "content_version_id": version.id, "day": NOON.date(),
            "created_at": NOON - timedelta(days=1),
        }  # fmt: skip
        made = Decision(key="k", policy_id=policies.ensure(session, NOON).id, kind="exact",
                        options=[[version.content_id, 1.0, 0.7]], deviations=b"x",
                        eligible=1, **about)  # fmt: skip
        old = Suggestion(plan_key="k", refusal_note="旧版留下的话", **about)
        session.add_all([made, old])
        session.flush()
        leaves(session)
        session.expire_all()
        assert (made.options, made.deviations, made.eligible) == ([], None, 1)
        assert old.refusal_note is None


@ONE_DATABASE
def test_what_was_done_in_the_account_is_no_reason_any_more(line: Line) -> None:
    publish_on(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="您好，在吗")
    suggest(line)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="why")
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        kept = session.scalars(select(Suggestion)).one()
        assert kept.reasons[0].startswith("企微标签「房颤」"), "what WeCom has told stays"
        assert len(kept.reasons) == 2, kept.reasons
        told = [one.payload for one in session.scalars(select(Dispatch)) if one.rep_id]
        assert "公众号" not in str([kept.reasons, told])


def test_who_leaves_is_on_no_list_any_more_but_on_those_that_spare(line: Line) -> None:
    def listed(session: Session, name: str, row: Identifier) -> int:
        made = lists.draft(
            session, name=name, purpose="示例", filename="a.csv", members=[row.id], figures={},
            report=[], expires_at=None, author="u", now=line.clock(),
        )  # fmt: skip
        return lists.confirm(session, made.id).id

    line.do("follow", person="wang")
    with line.parts.db.transaction() as session:
        row = follower(line, session)
        assert row is not None
        numbers = {name: listed(session, name, row) for name in ("签到", "不打扰", "投诉")}
        saved.save(session, name="内", expression="名单:投诉", author="u", now=line.clock())
        outer = saved.save(session, name="外", expression="人群:内", author="u", now=line.clock())
        suppression.add(session, list_id=numbers["不打扰"], author="u", now=line.clock())
        suppression.add(session, segment_id=outer.id, author="u", now=line.clock())
        lists.draft(
            session, name="草稿", purpose="示例", filename="a.csv", members=[], figures={},
            report=[{"value": SECRET}], expires_at=None, author="u", now=line.clock(),
        )  # fmt: skip
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        left = set(session.scalars(select(SegmentListMember.list_id)))
        assert left == {numbers["不打扰"], numbers["投诉"]}
    assert keep_lists(line.parts) == 0
    line.clock.tick(days=8)
    assert (keep_lists(line.parts), keep_lists(line.parts)) == (1, 0)


def test_the_mending_process_erases_and_nothing_is_sent_to_who_has_left(line: Line) -> None:
    line.do("follow", person="wang")
    with line.parts.db.transaction() as session:
        row = follower(line, session)
        assert row is not None
        waiting = write(session, row, Way.OA_TEMPLATE)
        waiting.maybe_sent = True
        number = waiting.id
    line.do("unfollow", person="wang")
    mend(line.parts)
    with line.parts.db.reading() as session:
        message = session.get_one(Dispatch, number)
        assert (message.state, message.payload) == (State.UNKNOWN, {})
