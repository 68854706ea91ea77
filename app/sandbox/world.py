"""Who exists on the simulated platforms and what happened there. One lock guards all of it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SAVE_EVERY_S = 0.5
JOURNAL_LINES = 400


@dataclass
class Member:
    """An employee with a WeCom account."""

    userid: str
    name: str
    title: str = "医药代表"
    inbox: list[Json] = field(default_factory=list)  # what our app sent, newest last
    outgoing: list[float] = field(default_factory=list)  # send times, for the drop limits


@dataclass
class Person:
    """Somebody with WeChat: a physician, in our stories."""

    key: str
    name: str
    title: str = ""
    hospital: str = ""
    unionid: str = ""
    phone: str = ""
    external_userid: str = ""
    openid: str = ""
    follows_oa: bool = False
    oa_chat: list[Json] = field(default_factory=list)
    subscribed_at: float = 0.0
    scene: str = ""  # of the code that brought the follower
    last_message_at: float = 0.0  # opens 48 hours for `custom_left` messages
    custom_left: int = 0
    touched_at: float = 0.0  # followed, scanned, used the menu: a minute for `quick_left`
    quick_left: int = 0
    mass_sent: dict[str, int] = field(default_factory=dict)  # month → group messages


@dataclass
class Relation:
    """A member's side of a contact."""

    userid: str
    external_userid: str
    createtime: int
    remark: str = ""
    description: str = ""
    remark_mobiles: list[str] = field(default_factory=list)
    tag_ids: list[str] = field(default_factory=list)
    personal_tags: list[str] = field(default_factory=list)  # names; only this member's
    state: str = ""
    add_way: int = 1
    one_sided: bool = False
    removed_by: str = ""  # "", rep, physician
    last_chat_at: float = 0.0
    chat: list[Json] = field(default_factory=list)


@dataclass
class CorpTagGroup:
    """A group of corp tags."""

    group_id: str
    group_name: str
    tags: list[Json] = field(default_factory=list)


@dataclass
class World:
    """Everything. Times are seconds since 1970; `clock` is injected."""

    clock: Callable[[], float] = time.time
    path: Path | None = None
    members: dict[str, Member] = field(default_factory=dict)
    persons: dict[str, Person] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    tag_groups: list[CorpTagGroup] = field(default_factory=list)
    contact_ways: dict[str, Json] = field(default_factory=dict)
    scenes: dict[str, Json] = field(default_factory=dict)
    menu: list[Json] = field(default_factory=list)
    tasks: dict[str, Json] = field(default_factory=dict)  # group-message tasks
    moments: dict[str, Json] = field(default_factory=dict)  # by moment id
    media: dict[str, float] = field(default_factory=dict)  # uploaded pictures
    cards: dict[str, Json] = field(default_factory=dict)  # task_id → card state
    groups: dict[str, Json] = field(default_factory=dict)  # customer groups
    journal: list[Json] = field(default_factory=list)
    revision: int = 0
    counter: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens: dict[str, float] = {}
        self.codes: dict[str, Json] = {}  # OAuth and welcome codes
        self.sent_requests: dict[str, float] = {}  # duplicate check
        self.trouble: Json = {}
        self.in_work: set[str] = set()  # records that a call is changing just now
        self.birth = secrets.token_hex(4)  # revisions of another start mean nothing
        self._unsaved = threading.Event()
        if self.path is not None:
            self._read(self.path)
            threading.Thread(target=self._keep, name="keeper", daemon=True).start()

    def now(self) -> float:
        """The simulated platforms' time."""
        return self.clock()

    def next_id(self, prefix: str) -> str:
        """A new opaque id."""
        self.counter += 1
        return f"{prefix}{self.counter:06d}{int(self.now() * 1000) % 10**9:09d}"

    def changed(self) -> None:
        """Something visible changed: pages reload, the state will be saved."""
        self.revision += 1
        self._unsaved.set()

    def save(self) -> None:
        """Write the state to its file, if it has one."""
        if self.path is None:
            return
        with self.lock:
            self._unsaved.clear()
            text = json.dumps(self.dump(), ensure_ascii=False)
        temporary = self.path.with_suffix(".part")
        temporary.write_text(text)
        temporary.replace(self.path)

    def person(self, *, external: str = "", openid: str = "", key: str = "") -> Person | None:
        """The person with this external userid, openid or key."""
        if key:
            return self.persons.get(key)
        return next(
            (
                p
                for p in self.persons.values()
                if (external and p.external_userid == external) or (openid and p.openid == openid)
            ),
            None,
        )

    def relation(self, userid: str, external: str) -> Relation | None:
        """One member's side of a contact, whatever its state."""
        return next(
            (
                r
                for r in self.relations
                if r.userid.lower() == userid.lower() and r.external_userid == external
            ),
            None,
        )

    def sides(self, external: str) -> list[Relation]:
        """Every member's living side of a contact."""
        return [
            r for r in self.relations if r.external_userid == external and r.removed_by != "rep"
        ]

    def tag(self, tag_id: str) -> tuple[CorpTagGroup, Json] | None:
        """A corp tag with its group."""
        for group in self.tag_groups:
            for tag in group.tags:
                if tag["id"] == tag_id:
                    return group, tag
        return None

    def note(self, kind: str, name: str, **detail: Any) -> Json:
        """A line of the journal: what travelled between platform and product."""
        self.counter += 1
        line = {"id": self.counter, "at": self.now(), "kind": kind, "name": name, **detail}
        self.journal.append(line)
        del self.journal[:-JOURNAL_LINES]
        self.revision += 1
        return line

    def dump(self) -> Json:
        """The state as JSON."""
        return {
            "members": [asdict(m) for m in self.members.values()],
            "persons": [asdict(p) for p in self.persons.values()],
            "relations": [asdict(r) for r in self.relations],
            "corp_tags": [asdict(g) for g in self.tag_groups],
            "contact_ways": self.contact_ways,
            "scenes": self.scenes,
            "menu": self.menu,
            "tasks": self.tasks,
            "moments": self.moments,
            "media": self.media,
            "cards": self.cards,
            "groups": self.groups,
            "codes": {k: c for k, c in self.codes.items() if c["until"] > self.now()},
            "counter": self.counter,
        }

    def seed(self, data: Json) -> None:
        """Replace everybody with `data`, silently: no callbacks."""
        with self.lock:
            self._load(data)
            self.journal.clear()
            self.changed()

    def _load(self, data: Json) -> None:
        self.members = {m["userid"].lower(): make(Member, m) for m in data.get("members", ())}
        self.persons = {p["key"]: make(Person, p) for p in data.get("persons", ())}
        self.relations = [make(Relation, r) for r in data.get("relations", ())]
        self.tag_groups = [make(CorpTagGroup, g) for g in data.get("corp_tags", ())]
        for name in (
            "contact_ways", "scenes", "tasks", "moments", "media", "cards", "groups", "codes"
        ):  # fmt: skip
            setattr(self, name, dict(data.get(name, {})))
        self.menu = list(data.get("menu", ()))
        self.counter = max(self.counter, int(data.get("counter", 0)))

    def _read(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return
        try:
            self._load(json.loads(path.read_text()))
        except (ValueError, TypeError, KeyError):
            path.replace(path.with_suffix(".unreadable"))  # begin empty, keep it for a look

    def _keep(self) -> None:
        while True:
            self._unsaved.wait()
            self.save()
            time.sleep(SAVE_EVERY_S)


def make(kind: type[Any], data: Json) -> Any:
    """A dataclass from JSON; unknown names are ignored."""
    known = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in data.items() if name in known})
