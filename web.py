"""The web process: `python web.py [--host H] [--port N]`; PORT, WEB_HOST, WEB_CONCURRENCY also say.

An ASGI server on purpose: see `app/web/callbacks`.
"""

from __future__ import annotations

import argparse
import os
import threading
import time

from granian import Granian
from granian.constants import Interfaces

from app.bootstrap import build
from app.operations import Heart
from app.web import create_asgi
from app.web.callbacks.asgi import CallbacksFirst

LOGGING = {  # the server's own lines look like ours
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"generic": {"()": "app.infra.log.formatter", "process": "web"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "generic"}},
    "loggers": {"_granian": {"level": "INFO", "handlers": ["console"], "propagate": False}},
}
MASTER = "_YISHU_WEB_MASTER"  # the process that started the serving ones, for them to end with
GRACE_S = 4  # a platform that deploys waits a little longer than this


def main() -> None:
    """Serve until SIGTERM or SIGINT, then finish what has begun."""
    asked = _options()
    os.environ[MASTER] = str(os.getpid())
    Granian(
        "web:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=asked.host,
        port=asked.port,
        workers=int(os.environ.get("WEB_CONCURRENCY", "2")),
        workers_kill_timeout=GRACE_S,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        websockets=False,
        log_dictconfig=LOGGING,
        log_access=False,  # addresses carry link tokens; events are logged by the application
    ).serve()


def application() -> CallbacksFirst:
    """What each serving process runs. It ends with the process that started it."""
    master = int(os.environ.get(MASTER) or os.getppid())  # it may be dead by now
    threading.Thread(target=_leave_with, args=(master,), name="leave", daemon=True).start()
    parts = build(process="web")
    heart = Heart("web", parts.db, parts.clock).start()
    return create_asgi(parts, at_end=heart.stop)


def _leave_with(master: int) -> None:
    while os.getppid() == master:
        time.sleep(1)
    os._exit(1)  # the port must be free for whoever is started instead


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="web.py", description="Serve Yishu's callbacks and pages")
    parser.add_argument("--host", default=os.environ.get("WEB_HOST", "0.0.0.0"))  # noqa: S104
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    return parser.parse_args()


if __name__ == "__main__":
    main()
