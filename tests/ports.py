"""Ports on loopback that nobody else takes before they are used."""

from __future__ import annotations

import contextlib
import random
import socket

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

QUIET = range(20_000, 32_000)
"""Below the ports that Linux hands out by itself (32768 to 60999), so that no connection gets one."""


def listening() -> socket.socket:
    """A socket that listens, so that its port can be named before the server is made with it."""
    return socket.create_server(("127.0.0.1", 0))


def port_of(listener: socket.socket) -> int:
    """Where it listens."""
    port: int = listener.getsockname()[1]
    return port


def serving(listener: socket.socket, app: Flask) -> BaseWSGIServer:
    """A server for `app` that answers there once it is told to, a thread for each request."""
    with listener:  # the server listens through a copy of it
        fd = listener.fileno()
        return make_server("127.0.0.1", port_of(listener), app, threaded=True, fd=fd)


def free_port() -> int:
    """A port for another process, or one where nobody answers."""
    for port in random.sample(QUIET, 50):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("No port is free on this machine")
