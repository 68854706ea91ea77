"""The other end of the simulated platforms: makes things happen, sets knobs, reads the ledger."""

from __future__ import annotations

import http.client
import socket
from typing import Any

import httpx

from faults.workload import Event, read

PATIENCE_S = 120


class Control:
    """Talks to `faults.platform` at a port; from any thread."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, trust_env=False
        )

    def more_events(self, count: int) -> list[Event]:
        """The next events of the workload."""
        return [read(one) for one in self._get("/faults/events", count=count)]

    def knobs(self, **values: Any) -> None:
        """Set the platform's faults; without arguments there are none."""
        self._http.post("/faults/knobs", json=values).raise_for_status()

    def deliveries(self) -> list[dict[str, Any]]:
        """Every message that reached somebody."""
        found: list[dict[str, Any]] = self._get("/faults/ledger")
        return found

    def world(self) -> dict[str, Any]:
        """The platform's state."""
        found: dict[str, Any] = self._get("/sandbox/world")
        return found

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _get(self, path: str, **query: Any) -> Any:
        return self._http.get(path, params=query).raise_for_status().json()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def answers(port: int, path: str, within_s: float = 2.0) -> bool:
    """True when a GET of `path` is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
