"""Style sheets and scripts under content-hashed names, cached for ever."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory

from app.web.policy import public

YEAR_S = 31_536_000


def init_app(app: Flask) -> None:
    """Serve /static/ and give templates `asset(name)`."""
    root = Path(app.root_path) / "static"
    manifest = root / "dist" / "manifest.json"
    names: dict[str, str] = json.loads(manifest.read_text()) if manifest.exists() else {}

    def asset(name: str) -> str:
        """The address of an own or vendor file; an empty file when it could not be installed."""
        if name in names:
            return f"/static/dist/{names[name]}"
        return f"/static/src/{name}" if (root / "src" / name).exists() else "data:,"

    @public("files of the installation, nothing personal")
    def static_file(path: str) -> Response:
        if not path.startswith(("dist/", "src/")):
            abort(404)
        if path.startswith("src/"):
            return send_from_directory(root, path, max_age=0)
        return _send_built(root, path)

    app.jinja_env.globals["asset"] = asset
    app.add_url_rule("/static/<path:path>", "static", static_file)


def _send_built(root: Path, path: str) -> Response:
    """A file whose name is its content, compressed where the browser takes that."""
    packed = f"{path}.gz"
    wanted = request.accept_encodings.quality("gzip") > 0 and (root / "dist" / packed[5:]).is_file()
    response = send_from_directory(
        root,
        packed if wanted else path,
        mimetype=mimetypes.guess_type(path)[0] or "application/octet-stream",
    )
    if wanted:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response
