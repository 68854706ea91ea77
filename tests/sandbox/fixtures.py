"""The simulated platforms on a free port, and a tiny receiver that opens what they send.

with running(clock=clock, post=my_post) as sandbox:      # or post=http_post(base_url)
    sandbox.add_contact(userid="rep01", person="wang")    # every verb is a method
    sandbox.settle()
    sandbox.wecom("externalcontact/get", external_userid="wm1")
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
from flask import Flask
from werkzeug.serving import make_server

from app.connectors.callback_crypto import Secrets, open_body
from app.sandbox.callbacks import Post
from app.sandbox.happenings import HAPPEN
from app.sandbox.server import Config, build
from app.sandbox.world import World
from tests.conftest import AES_KEY, SetClock

CONFIG = Config(
    corp_id="wwtestcorp", agent_id="1000002", secret="wecom-secret", token="wecomtoken",
    aes_key=AES_KEY, oa_app_id="wxtestaccount", oa_secret="oa-secret", oa_token="oatoken",
    oa_aes_key=AES_KEY, product_url="http://localhost:8000",
)  # fmt: skip
PEOPLE: dict[str, Any] = {
    "members": [{"userid": "Rep01", "name": "陈晓彤"}, {"userid": "rep02", "name": "林致远"}],
    "persons": [
        {"key": "wang", "name": "王某某", "title": "主任医师", "hospital": "示例市第一医院",
         "unionid": "oUwang", "phone": "19912345678"},
        {"key": "li", "name": "李某某", "unionid": "oUli"},
    ],
    "corp_tags": [
        {"group_id": "g1", "group_name": "专科",
         "tags": [{"id": "et1", "name": "房颤"}, {"id": "et2", "name": "心衰"}]},
    ],
}  # fmt: skip


@dataclass
class Receiver:
    """Takes callbacks like the product would: opens, keeps, answers `status`."""

    clock: SetClock
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __call__(self, path: str, query: dict[str, str], body: bytes) -> int:
        of_wecom = path.startswith("/callbacks/wecom/")
        secrets = (
            Secrets(CONFIG.token, CONFIG.aes_key, CONFIG.corp_id)
            if of_wecom
            else Secrets(CONFIG.oa_token, CONFIG.oa_aes_key, CONFIG.oa_app_id)
        )
        self.bodies.append(open_body(secrets, query, body, self.clock(), 300))
        self.paths.append(path)
        return self.status

    def events(self) -> list[dict[str, str]]:
        """The flat fields of every body, in the order they came."""
        return [
            {node.tag: node.text or "" for node in ElementTree.fromstring(body)}
            for body in self.bodies
        ]


@dataclass
class Sandbox:
    """A running sandbox. Every verb of the control API is a method."""

    world: World
    base: str
    app: Flask
    http: httpx.Client

    @property
    def wecom_base(self) -> str:
        """For the setting WECOM_API_BASE."""
        return f"{self.base}/wecom"

    @property
    def oa_base(self) -> str:
        """For the setting OA_API_BASE."""
        return f"{self.base}/oa"

    @property
    def open_base(self) -> str:
        """For the setting WECHAT_OPEN_BASE."""
        return f"{self.base}/open"

    def __getattr__(self, verb: str) -> Callable[..., dict[str, Any]]:
        if verb not in HAPPEN:
            raise AttributeError(verb)
        return partial(self.do, verb)

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Make something happen and wait until its callbacks were delivered."""
        answer = self.http.post(f"{self.base}/sandbox/do/{verb}", json=arguments)
        assert answer.status_code == 200, answer.text
        self.settle()
        done: dict[str, Any] = answer.json()
        return done

    def settle(self) -> None:
        """Wait until every callback was delivered or given up."""
        self.http.post(f"{self.base}/sandbox/settle", timeout=30)

    def trouble(self, **switches: Any) -> None:
        """Replace the trouble switches."""
        self.http.post(f"{self.base}/sandbox/trouble", json=switches).raise_for_status()

    def wecom(self, api: str, body: object = None, **query: Any) -> dict[str, Any]:
        """One call of WeCom with a fresh token."""
        params = {"corpid": CONFIG.corp_id, "corpsecret": CONFIG.secret}
        token = self._ask(f"{self.wecom_base}/cgi-bin/gettoken", None, params)["access_token"]
        return self._ask(f"{self.wecom_base}/cgi-bin/{api}", body, {**query, "access_token": token})

    def oa(self, api: str, body: object = None, **query: Any) -> dict[str, Any]:
        """One call of the Official Account with a fresh token."""
        params = {"appid": CONFIG.oa_app_id, "secret": CONFIG.oa_secret}
        token = self._ask(f"{self.oa_base}/cgi-bin/stable_token", params, {})["access_token"]
        return self._ask(f"{self.oa_base}/cgi-bin/{api}", body, {**query, "access_token": token})

    def _ask(self, url: str, body: object, params: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.request("GET" if body is None else "POST", url, json=body, params=params)
        said: dict[str, Any] = answer.raise_for_status().json()
        return said


@contextmanager
def running(
    *,
    clock: SetClock,
    post: Post,
    people: dict[str, Any] | None = None,
    path: Path | None = None,
    config: Config = CONFIG,
) -> Iterator[Sandbox]:
    """A sandbox on a free port whose callbacks go through `post`."""
    world = World(clock=lambda: clock().timestamp(), path=path)
    if people is not None:
        world.seed(people)
    app = build(config, world, post)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with httpx.Client(verify=False) as http:  # no certificates to load each time
        yield Sandbox(world, f"http://127.0.0.1:{server.server_port}", app, http)
    server.shutdown()
    server.server_close()
