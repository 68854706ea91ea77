"""The phones page: a rep's WeCom and a physician's WeChat side by side, and what travels between.

The page is drawn by its own script from `/phones/view`; making things happen goes through the
control API like every test does.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import segno
from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.sandbox import phone_view
from app.sandbox.world import World

ROOT = Path(__file__).parents[2]
FILES = ROOT / "static" / "src" / "sandbox"
YEAR_S = 31_536_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
    "frame-src 'self' {product}"
)
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def build(world: World, product_url: str) -> Blueprint:
    """The page and what it asks for; `product_url` may be shown inside the phones."""
    bp = Blueprint("phones", __name__)
    split = urlsplit(product_url)
    policy = POLICY.format(product=f"{split.scheme}://{split.netloc}" if split.netloc else "")

    @bp.get("/")
    def home() -> ResponseReturnValue:
        return redirect("/phones/")

    @bp.get("/phones/")
    def page() -> ResponseReturnValue:
        language = "en" if request.args.get("lang") == "en" else "zh-CN"
        text = render_template(
            "sandbox/phones.html", language=language, product=product_url, version=_version()
        )
        return Response(text, headers={"Content-Security-Policy": policy} | _SAFE)

    @bp.get("/phones/static/<version>/<name>")
    def file(version: str, name: str) -> ResponseReturnValue:
        path = FILES / name
        if path.parent != FILES or path.suffix not in KINDS or not path.is_file():
            abort(404)
        lasting = f"public, max-age={YEAR_S}, immutable" if version == _version() else "no-store"
        headers = {"Cache-Control": lasting} | _SAFE
        return Response(path.read_bytes(), mimetype=KINDS[path.suffix], headers=headers)

    @bp.get("/phones/view")
    def view() -> ResponseReturnValue:
        userid, key = request.args.get("rep", ""), request.args.get("person", "")
        with world.lock:
            if userid.lower() not in world.members or key not in world.persons:
                first_userid, first_key = phone_view.default_pair(world)
                userid = userid if userid.lower() in world.members else first_userid
                key = key if key in world.persons else first_key
            etag = hashlib.sha256(f"{world.birth} {world.revision} {userid} {key}".encode())
            response = Response(headers=_SAFE | {"Cache-Control": "no-cache"})
            response.set_etag(etag.hexdigest()[:20])
            if request.if_none_match.contains(etag.hexdigest()[:20]):
                response.status_code = 304
                return response
            answer = jsonify(phone_view.view(world, userid, key))
        answer.headers.update(response.headers)
        # The simulated WeCom and WeChat know who holds the phone by these.
        answer.set_cookie("sandbox_rep", userid, samesite="Lax", httponly=True)
        answer.set_cookie("sandbox_person", key, samesite="Lax", httponly=True)
        answer.headers["Content-Type"] = "application/json"
        return answer

    @bp.get("/phones/people")
    def people() -> ResponseReturnValue:
        asked = request.args
        with world.lock:
            found = phone_view.people(
                world, asked.get("kind", "person"), asked.get("q", ""), asked.get("rep", "")
            )
        return jsonify(found)

    @bp.get("/phones/journal/<int:number>")
    def line(number: int) -> ResponseReturnValue:
        with world.lock:
            found = next((one for one in world.journal if one["id"] == number), None)
            return jsonify(found) if found else abort(404)

    @bp.get("/phones/code.svg")
    def code() -> ResponseReturnValue:
        drawn = BytesIO()
        segno.make(request.args.get("text", "-")[:200], error="m").save(
            drawn, kind="svg", border=1, dark="#111", light="#fff"
        )
        return Response(drawn.getvalue(), mimetype="image/svg+xml", headers=_SAFE)

    return bp


_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


@lru_cache(maxsize=1)
def _seen(_newest: float) -> str:
    digest = hashlib.sha256()
    for path in sorted(FILES.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _version() -> str:
    return _seen(max((path.stat().st_mtime for path in FILES.iterdir()), default=0.0))
