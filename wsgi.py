"""The web process: `gunicorn wsgi:app`."""

from app.bootstrap import build, build_web
from app.operations import Heart

parts = build(process="web")
app = build_web(parts)
Heart("web", parts.db, parts.clock).start()
