"""The sandbox as a process: fault knobs before it, a ledger of what it really delivered behind it.

python -m faults.platform --port N --events N --seed N

POST /faults/knobs     replace the knobs (see `faults.knobs`)
GET  /faults/events    `count` more events of the workload
GET  /faults/ledger    every message that reached somebody, and what was dropped on the way
GET  /faults/ready
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from dataclasses import asdict, fields

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from app.sandbox.server import Config, build
from faults import company
from faults.knobs import Knobs, Troubled
from faults.watched import Watched
from faults.workload import Workload


def main() -> None:
    """Serve until SIGTERM."""
    options = argparse.ArgumentParser(prog="faults.platform")
    for name in ("--port", "--events", "--seed"):
        options.add_argument(name, type=int, required=True)
    asked = options.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    application = application_of(company.Size(asked.events), asked.seed)
    make_server(
        "127.0.0.1", asked.port, application, threaded=True, request_handler=Kept
    ).serve_forever()


class Kept(WSGIRequestHandler):
    """Connections live on, as those of the platforms do."""

    protocol_version = "HTTP/1.1"


def application_of(size: company.Size, seed: int) -> Flask:
    """The sandbox with people, knobs and workload."""
    world = Watched()
    app = build(
        Config(
            company.CORP, company.AGENT, company.WECOM_SECRET, company.WECOM.token,
            company.AES_KEY, company.APP, company.OA_SECRET, company.ACCOUNT.token,
            company.AES_KEY,
        ),
        world, lambda _path, _query, _body: 200,
    )  # fmt: skip
    world.seed(company.world(size, time.time()))
    world.learn()
    troubled = Troubled(app.wsgi_app, world, seed)
    app.wsgi_app = troubled  # type: ignore[method-assign, assignment]
    _control(app, troubled, world, Workload(world, size, seed))
    return app


def _control(app: Flask, troubled: Troubled, world: Watched, workload: Workload) -> None:
    @app.get("/faults/ready")
    def ready() -> Response:
        return jsonify(ok=True)

    @app.get("/faults/events")
    def events() -> Response:
        with world.lock:
            made = [workload.next().as_json() for _ in range(int(request.args["count"]))]
        return jsonify(made)

    @app.post("/faults/knobs")
    def knobs() -> Response:
        known = {f.name for f in fields(Knobs)}
        given = {k: v for k, v in request.get_json(force=True).items() if k in known}
        troubled.knobs = Knobs(**given)
        return jsonify(asdict(troubled.knobs))

    @app.get("/faults/ledger")
    def ledger() -> Response:
        return jsonify(list(troubled.ledger))


if __name__ == "__main__":
    main()
