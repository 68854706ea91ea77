"""The simulated platforms as one Flask application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, redirect, render_template, request

from app.connectors.callback_crypto import Secrets
from app.sandbox import oa_api, phones, wecom_api
from app.sandbox.answers import Code
from app.sandbox.callbacks import Address, Callbacks, Post
from app.sandbox.happenings import HAPPEN, Happenings
from app.sandbox.world import World

CODE_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class Config:
    """Ids and secrets of the simulated corp and account."""

    corp_id: str
    agent_id: str
    secret: str
    token: str
    aes_key: str
    oa_app_id: str
    oa_secret: str
    oa_token: str
    oa_aes_key: str
    product_url: str = ""


def build(config: Config, world: World, post: Post, *, lanes: int = 1) -> Flask:
    """The application; callbacks go out through `post`, `lanes` contacts at a time."""
    app = Flask("yishu-sandbox", static_folder=None, template_folder=str(phones.ROOT / "templates"))
    wecom = Address("/callbacks/wecom/main", Secrets(config.token, config.aes_key, config.corp_id))
    account = Address(
        "/callbacks/oa/main", Secrets(config.oa_token, config.oa_aes_key, config.oa_app_id)
    )
    callbacks = Callbacks(world, post, wecom, account, lanes=lanes)
    app.extensions["world"], app.extensions["callbacks"] = world, callbacks
    app.extensions["happenings"] = Happenings(world, callbacks, config.corp_id, config.agent_id)
    app.register_blueprint(wecom_api.build(world, config.corp_id, config.agent_id, config.secret))
    app.register_blueprint(oa_api.build(world, callbacks, config.oa_app_id, config.oa_secret))
    app.register_blueprint(_oauth(world, config))
    app.register_blueprint(_control(app.extensions["happenings"]))
    app.register_blueprint(phones.build(world, config.product_url))
    return app


def _oauth(world: World, config: Config) -> Blueprint:
    bp = Blueprint("oauth", __name__, url_prefix="/open")

    @bp.get("/connect/oauth2/authorize")
    def authorize() -> Any:
        """Whoever holds the phone agrees at once: `as` in tests, else the phones page's cookie."""
        app_id, back = request.args.get("appid", ""), request.args.get("redirect_uri", "")
        if app_id not in (config.corp_id, config.oa_app_id) or not back:
            return Response("appid 或 redirect_uri 不对", 400)
        with world.lock:
            holder = _member(world) if app_id == config.corp_id else None
            holder = holder or _person(world)
            if holder is None:
                return Response(render_template("sandbox/whose.html"), 400)
            code = world.next_id("code")
            world.codes[code] = {**holder, "until": world.now() + CODE_LIFE_S}
            world.changed()
        joint = "&" if "?" in back else "?"
        return redirect(f"{back}{joint}code={code}&state={request.args.get('state', '')}")

    return bp


def _member(world: World) -> dict[str, str] | None:
    userid = request.args.get("as") or request.cookies.get("sandbox_rep", "")
    member = world.members.get(userid.lower())
    return {"userid": member.userid} if member else None


def _person(world: World) -> dict[str, str] | None:
    key = request.args.get("as") or request.cookies.get("sandbox_person", "")
    person = world.persons.get(key)
    if person is None:
        return None
    person.openid = person.openid or world.next_id("oA")
    return {
        "openid": person.openid,
        "unionid": person.unionid,
        "external_userid": person.external_userid,
    }


def _control(happenings: Happenings) -> Blueprint:
    bp = Blueprint("control", __name__, url_prefix="/sandbox")
    world = happenings.world

    @bp.put("/world")
    def seed() -> Response:
        world.seed(request.get_json(force=True))
        return jsonify(ok=True)

    @bp.get("/world")
    def show() -> Response:
        with world.lock:
            return jsonify(world.dump() | {"revision": world.revision})

    @bp.post("/reset")
    def reset() -> Response:
        """Nobody, nothing, no trouble; tokens die."""
        with world.lock:
            world.trouble, world.tokens, world.sent_requests = {}, {}, {}
            world.seed({})
        return jsonify(ok=True)

    @bp.get("/journal")
    def journal() -> Response:
        with world.lock:
            return jsonify(world.journal)

    @bp.post("/do/<verb>")
    def do(verb: str) -> tuple[Response, int]:
        if verb not in HAPPEN:
            return jsonify(error=f"unknown: {verb}", verbs=sorted(HAPPEN)), 404
        try:
            with world.lock:
                done = HAPPEN[verb](happenings, **(request.get_json(silent=True) or {}))
        except Code as code:
            return jsonify(error=code.text, errcode=code.code), 409
        except (KeyError, TypeError) as problem:
            return jsonify(error=f"bad arguments: {problem}"), 400
        return jsonify(done), 200

    @bp.post("/trouble")
    def trouble() -> Response:
        """Replace the trouble switches; `expire_tokens` happens at once."""
        with world.lock:
            world.trouble = request.get_json(force=True)
            if world.trouble.pop("expire_tokens", None):
                world.tokens = dict.fromkeys(world.tokens, 0.0)
            world.revision += 1
            return jsonify(world.trouble)

    @bp.post("/release")
    def release() -> Response:
        """The callbacks that `drop` kept back arrive now: late."""
        with world.lock:
            return jsonify(released=happenings.callbacks.release())

    @bp.post("/settle")
    def settle() -> Response:
        """Wait until every callback so far was delivered or given up."""
        happenings.callbacks.wait()
        return jsonify(ok=True)

    return bp
