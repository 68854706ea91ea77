"""The web process: `gunicorn wsgi:app`."""

from app.bootstrap import build_web

app = build_web()
