"""Style sheets and scripts under content-hashed names, cached for ever."""

from __future__ import annotations

import json
from pathlib import Path

from flask import Flask, Response, abort, send_from_directory

from app.web.policy import public

YEAR_S = 31_536_000


def init_app(app: Flask) -> None:
    """Serve /static/ and give templates `asset(name)`."""
    root = Path(app.root_path) / "static"
    manifest = root / "dist" / "manifest.json"
    names: dict[str, str] = json.loads(manifest.read_text()) if manifest.exists() else {}

    def asset(name: str) -> str:
        """The address of a source file or vendor file; "#" when it could not be installed."""
        if name in names:
            return f"/static/dist/{names[name]}"
        return f"/static/src/{name}" if (root / "src" / name).exists() else "data:,"

    @public("files of the installation, nothing personal")
    def static_file(path: str) -> Response:
        if not path.startswith(("dist/", "src/")):
            abort(404)
        hashed = path.startswith("dist/")
        response = send_from_directory(root, path, max_age=YEAR_S if hashed else 0)
        if hashed:
            response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        return response

    app.jinja_env.globals["asset"] = asset
    app.add_url_rule("/static/<path:path>", "static", static_file)
