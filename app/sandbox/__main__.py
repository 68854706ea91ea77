"""`python -m app.sandbox --port 8100`: the simulated platforms on this machine."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from werkzeug.serving import make_server

from app.infra import settings as settings_module
from app.infra.settings import Settings
from app.sandbox.callbacks import http_post
from app.sandbox.server import Config, build
from app.sandbox.world import World

LANES = 4  # contacts whose callbacks travel at the same time


def main() -> None:
    """Serve until interrupted."""
    options = argparse.ArgumentParser(prog="app.sandbox", description=__doc__)
    options.add_argument("--port", type=int, default=8100)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--state", type=Path, help="file that keeps the world between starts")
    asked = options.parse_args()
    settings = settings_module.load()
    world = World(path=asked.state)
    app = build(config_of(settings), world, http_post(settings.yishu_base_url), lanes=LANES)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        make_server(asked.host, asked.port, app, threaded=True).serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        world.save()


def config_of(settings: Settings) -> Config:
    """The same ids and secrets that the product uses."""
    return Config(
        settings.wecom_corp_id, settings.wecom_agent_id, settings.wecom_secret,
        settings.wecom_token, settings.wecom_aes_key, settings.oa_app_id, settings.oa_secret,
        settings.oa_token, settings.oa_aes_key, settings.yishu_base_url,
    )  # fmt: skip


if __name__ == "__main__":
    main()
