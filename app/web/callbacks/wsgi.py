"""The front door before a WSGI application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.connectors.callback_crypto import MAX_BODY_BYTES
from app.web.callbacks import (
    HEADERS,
    PREFIX,
    STATUS,
    Answer,
    FrontDoor,
    Refusal,
    Request,
    check_length,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class CallbacksFirst:
    """GET and POST /callbacks/<source>/<key>; everything else goes on to the application."""

    def __init__(self, inside: WSGIApplication, door: FrontDoor) -> None:
        self._inside = inside
        self._door = door

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """See WSGI."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._inside(environ, start)
        answer = self._answer(path.removeprefix(PREFIX), environ)
        start(STATUS[answer.status], [*HEADERS, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def _answer(self, address: str, environ: WSGIEnvironment) -> Answer:
        try:
            body = _body(environ)
        except Refusal as refusal:
            return self._door.refused(refusal)
        query = environ.get("QUERY_STRING", "")
        answer = self._door.look_at(Request(address, environ["REQUEST_METHOD"], query, body))
        if answer.arrival is None:
            return answer
        try:
            self._door.intake.write(answer.arrival)
        except Exception as problem:
            return self._door.failed(problem)
        return self._door.written(answer)


def _body(environ: WSGIEnvironment) -> bytes:
    length = check_length(environ.get("CONTENT_LENGTH") or "")
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(MAX_BODY_BYTES + 1 if length is None else length)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal("size", 413)
    return body
