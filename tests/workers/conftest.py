"""The sending side alone: an outbox, the simulated platforms over HTTP, one clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app import delivery
from app.bootstrap import Parts, build
from app.connectors.wecom.cards import Button, interaction_card
from app.delivery import Dispatch, Way
from tests.company import CORP, hire
from tests.conftest import SetClock, make_settings
from tests.sandbox.fixtures import CONFIG, Sandbox, running

MEMBERS = [{"userid": f"rep{n:02d}", "name": f"代表{n}"} for n in range(1, 9)]
PERSONS = [{"key": "wang", "name": "王某某", "unionid": "oUwang"}]


@dataclass
class Sends:
    """An outbox, and what the platform got from it."""

    parts: Parts
    sandbox: Sandbox
    clock: SetClock
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    reps: dict[str, int] = field(default_factory=dict)

    def write(self, key: str, way: Way = Way.REP_TEXT, rep: str = "rep01", **more: Any) -> int:
        """A message to a rep, in the outbox."""
        payload: dict[str, Any] = {"corp_id": CORP, "userid": rep}
        if way is Way.REP_CARD:
            more["task_id"] = f"task-{key}"
            payload["card"] = interaction_card(
                task_id=f"task-{key}", source="医枢", title=key, description="", rows=[],
                buttons=[Button("采用", "adopt", 1)], url="https://example.test/rep/",
            )  # fmt: skip
        elif way is Way.GROUP_TASK:
            link = {"title": "标题", "url": "https://example.test/t/1"}
            payload |= {"external_userid": "wm1", "text": key, "link": link}
        else:
            payload["text"] = key
        now = self.clock()
        with self.parts.db.transaction() as session:
            if rep not in self.reps:
                self.reps[rep] = hire(session, rep, now).id
            values: dict[str, Any] = {
                "rep_id": self.reps[rep],
                "payload": payload,
                "now": now,
            } | more
            made = delivery.queue(session, way=way, dedupe_key=key, **values)
            assert made is not None
            return made

    def get(self, dispatch_id: int) -> Dispatch:
        """The message as it is stored."""
        with self.parts.db.reading() as session:
            return delivery.get(session, dispatch_id)

    def state(self, dispatch_id: int) -> str:
        """Its state."""
        return self.get(dispatch_id).state

    def phone(self, rep: str = "rep01") -> list[str]:
        """What the rep's WeCom shows of our app."""
        inbox = self.sandbox.world.members[rep].inbox
        return [str(m.get("text") or m.get("task_id")) for m in inbox]

    def dropped(self) -> int:
        """Messages that the platform dropped without a word."""
        return sum(1 for line in self.sandbox.world.journal if line.get("kind") == "dropped")

    def sent_bytes(self, api: str = "message/send") -> list[bytes]:
        """The bodies of every call of this API, as they came over the line."""
        return [body for path, body in self.bodies if path.endswith(api)]


@pytest.fixture
def sends(database_url: str, valkey_url: str, clock: SetClock) -> Iterator[Sends]:
    config = replace(CONFIG, corp_id=CORP)
    people = {"members": MEMBERS, "persons": PERSONS}
    with running(clock=clock, post=lambda *_: 200, people=people, config=config) as sandbox:
        settings = make_settings(
            database_url, valkey_url, wecom_api_base=sandbox.wecom_base,
            oa_api_base=sandbox.oa_base, wechat_open_base=sandbox.open_base,
            wecom_secret=config.secret, oa_secret=config.oa_secret, wecom_accounts=20,
        )  # fmt: skip
        made = Sends(build(settings, clock=clock), sandbox, clock)
        sandbox.app.wsgi_app = _listening(sandbox.app.wsgi_app, made.bodies)  # type: ignore[method-assign]
        made.parts.outside.wecom[CORP].get_member("rep01")  # has a token from now on
        made.bodies.clear()
        yield made
        made.parts.db.engine.dispose()


def _listening(app: Callable[..., Any], bodies: list[tuple[str, bytes]]) -> Callable[..., Any]:
    import io

    lock = threading.Lock()

    def listen(environ: dict[str, Any], start: Any) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        with lock:
            bodies.append((environ["PATH_INFO"], body))
        return app(environ, start)

    return listen
