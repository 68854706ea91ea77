"""What people do on the platforms, one event at a time, and the effect that each must have.

The verbs are the sandbox's own, so the platforms' state changes with every event and the product,
which reads contacts again, must converge to it. Seeded: the same seed does the same things.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.flows.planning.suggestion_card import task_id
from app.sandbox.callbacks import Callbacks, xml
from app.sandbox.happenings import Happenings
from app.sandbox.world import Json, Relation, World
from faults.company import AGENT, CORP, MARK, TAG_NAMES, Size, contact_id, rep_id

APART_S = 3.0  # between an addition and a removal of the same pair: events carry whole seconds
HOT_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event must leave behind, exactly once. `{ref}` is `inbox:<id>`."""

    touchpoint: bool = False
    consent: bool = False
    dispatch: str = ""  # its dedupe key
    answer: bool = False  # a row of what reps answered
    read_again: bool = False
    link: bool = False
    state: str = "done"


EFFECTS = {
    "contact_added": Effect(touchpoint=True, consent=True, dispatch="welcome:{code}",
                            read_again=True),
    "contact_edited": Effect(),
    "contact_removed": Effect(touchpoint=True),
    "archive_agreed": Effect(touchpoint=True, consent=True),
    "card_why": Effect(dispatch="tell:{ref}:why"),
    "card_later": Effect(answer=True, dispatch="card:{code}"),
    "card_adopted": Effect(answer=True, dispatch="card:{code}", link=True),
    "rep_said": Effect(dispatch="reply:{ref}"),
    "rep_entered": Effect(),
    "followed": Effect(touchpoint=True, consent=True, dispatch="answer:{ref}"),
    "scanned": Effect(touchpoint=True),
    "messaged": Effect(touchpoint=True, dispatch="answer:{ref}"),
    "menu_viewed": Effect(touchpoint=True),
    "menu_asked": Effect(touchpoint=True, dispatch="answer:{ref}"),
    "left": Effect(),
    "came": Effect(),
    "unknown": Effect(state="unknown"),
}  # fmt: skip
WEIGHTS = {
    "edit": 40, "add": 8, "remove": 6, "archive": 3, "card": 4, "say": 1.5, "enter": 6,
    "message": 5, "view": 10, "ask": 1, "scan": 9, "follow": 2, "come_or_go": 2.5, "strange": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it leaves the platform. `about` groups what must be handled in order."""

    number: int
    kind: str
    platform: str
    body: str
    about: str
    code: str = ""

    def as_json(self) -> Json:
        """For the way to the sender."""
        return {name: getattr(self, name) for name in self.__slots__}


class Letters(Callbacks):
    """Instead of sending: keeps what the platform would send."""

    def __init__(self) -> None:  # no threads, so not our parent's
        self.written: list[tuple[str, str, str]] = []

    def send(self, platform: str, name: str, fields: Json) -> None:
        """See Callbacks."""
        about = str(fields.get("ExternalUserID") or fields.get("FromUserName") or "")
        self.written.append((platform, xml(fields), about))


@dataclass
class Workload:
    """Call `next` under the world's lock."""

    world: World
    size: Size
    seed: int
    made: int = 0
    changed: dict[tuple[str, str], float] = field(default_factory=dict)
    talked: int = 0
    followed: int = 0
    tapped: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # repeatable on purpose
        self.letters = Letters()
        self.people = Happenings(self.world, self.letters, CORP, AGENT)
        self._sides: dict[tuple[str, str], Relation] = {
            (side.userid, side.external_userid): side for side in self.world.relations
        }

    def next(self) -> Event:
        """The next event."""
        while True:
            (verb,) = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
            do: Callable[[], tuple[str, str] | None] = getattr(self, f"_{verb}")
            done = do()
            if done is None:
                continue  # nobody can do that now
            kind, code = done
            ((platform, body, about),) = self.letters.written
            self.letters.written.clear()
            self.made += 1
            return Event(self.made, kind, platform, body, about, code)

    # contacts -----------------------------------------------------------------------------------

    def _edit(self) -> tuple[str, str] | None:
        side = self._side(alive=True)
        if side is None:
            return None
        number = int(side.external_userid[-6:])
        tags = self.rng.sample([f"et{n}" for n in range(len(TAG_NAMES))], self.rng.randrange(4))
        phones = [f"1990000{number:04d}"] if self.rng.random() < 0.3 else side.remark_mobiles
        self.people.edit_contact(side.userid, f"c{number}", f"{MARK}{self.made}", phones, tags)
        self._serial()
        return "contact_edited", ""

    def _add(self) -> tuple[str, str] | None:
        number, userid = self._somebody()
        side = self._sides.get((userid, contact_id(number)))
        if side is not None and (not side.removed_by or self._just(side)):
            return None
        made = self.people.add_contact(userid, f"c{number}")
        side = self.world.relation(userid, contact_id(number))
        assert side is not None
        self._sides[userid, contact_id(number)] = side
        self._note(side)
        return "contact_added", str(made["welcome_code"])

    def _remove(self) -> tuple[str, str] | None:
        side = self._side(alive=True)
        if side is None or self._just(side):
            return None
        by = self.rng.choice(("physician", "rep"))
        self.people.delete_contact(side.userid, f"c{int(side.external_userid[-6:])}", by)
        self._note(side)
        return "contact_removed", ""

    def _archive(self) -> tuple[str, str] | None:
        side = self._side(alive=True)
        if side is None:
            return None
        self.people.agree_archive(side.userid, f"c{int(side.external_userid[-6:])}")
        self._serial()
        return "archive_agreed", ""

    # reps ---------------------------------------------------------------------------------------

    def _card(self) -> tuple[str, str] | None:
        if self.tapped >= self.size.cards:
            return None
        self.tapped += 1
        key, kind = self.rng.choice(
            (("why", "card_why"), ("later", "card_later"), ("adopt", "card_adopted"))
        )
        made = self.people.tap_card(task_id(self.tapped), key, menu=key == "why")
        return kind, str(made["response_code"])

    def _say(self) -> tuple[str, str] | None:
        if self.talked >= self.size.talkers:
            return None
        self.talked += 1
        self.people.rep_says(rep_id(self.size.reps + self.talked - 1), f"{MARK} {self.made}")
        return "rep_said", ""

    def _enter(self) -> tuple[str, str] | None:
        self.people.rep_enters(rep_id(self.rng.randrange(self.size.reps)))
        self._serial()
        return "rep_entered", ""

    # followers ----------------------------------------------------------------------------------

    def _message(self) -> tuple[str, str] | None:
        # No follower writes more often than the platform lets us answer.
        self.people.oa_says(self._follower(), f"{MARK} 请教一个问题 {self.made}")
        return "messaged", ""

    def _view(self) -> tuple[str, str] | None:
        self.people.menu(self._follower(), f"https://example.com/{self.made}", "VIEW")
        return "menu_viewed", ""

    def _ask(self) -> tuple[str, str] | None:
        self.people.menu(self._follower(), "help")
        self._serial()
        return "menu_asked", ""

    def _scan(self) -> tuple[str, str] | None:
        self.people.follow(self._follower(), scene=f"scene{self.made}")
        return "scanned", ""

    def _follow(self) -> tuple[str, str] | None:
        if self.followed >= self.size.newcomers:
            return None
        known = self.size.followers + self.size.leavers + self.size.readers
        self.people.follow(f"f{known + self.followed}")
        self.followed += 1
        return "followed", ""

    def _come_or_go(self) -> tuple[str, str] | None:
        key = f"f{self.size.followers + self.rng.randrange(self.size.leavers)}"
        if self.world.now() - self.changed.get(("", key), 0.0) < APART_S:
            return None
        self.changed["", key] = self.world.now()
        if self.world.persons[key].follows_oa:
            self.people.unfollow(key)
            return "left", ""
        self.people.follow(key)
        return "came", ""

    def _strange(self) -> tuple[str, str] | None:
        self.letters.send("wecom", "new_event", {
            "ToUserName": CORP, "FromUserName": "sys", "CreateTime": int(self.world.now()),
            "MsgType": "event", "Event": "something_new", "Serial": self.made,
        })  # fmt: skip
        return "unknown", ""

    # pieces -------------------------------------------------------------------------------------

    def _serial(self) -> None:
        """Two equal events of one second would be one; ours are told apart to be counted."""
        self.letters.written = [
            (platform, body.replace("</xml>", f"<Serial>{self.made}</Serial></xml>"), about)
            for platform, body, about in self.letters.written
        ]

    def _somebody(self) -> tuple[int, str]:
        hot = self.rng.random() < HOT_SHARE
        number = self.rng.randrange(self.size.hot if hot else self.size.contacts)
        return number, rep_id((number + self.rng.choice((0, 1))) % self.size.reps)

    def _side(self, *, alive: bool) -> Relation | None:
        number, userid = self._somebody()
        side = self._sides.get((userid, contact_id(number)))
        return side if side is not None and alive is (not side.removed_by) else None

    def _follower(self) -> str:
        return f"f{self.rng.randrange(self.size.followers)}"

    def _just(self, side: Relation) -> bool:
        before = self.changed.get((side.userid, side.external_userid), 0.0)
        return self.world.now() - before < APART_S

    def _note(self, side: Relation) -> None:
        self.changed[side.userid, side.external_userid] = self.world.now()


def read(found: Any) -> Event:
    """An event from JSON."""
    return Event(**found)
