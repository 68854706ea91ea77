"""Pages and API as the web process serves them: through the real server and its bridge."""

from __future__ import annotations

import re
import socket
import subprocess

import httpx
import pytest

from app import accounts
from app.accounts.models import Role
from app.infra.clock import utc_now
from app.infra.db import Database
from tests.workers.test_shutdown import database, web

__all__ = ["database", "web"]

PASSWORD = "a-long-password-of-the-tests"
BEARER = {"Authorization": "Bearer setup-token-of-the-tests"}

Web = tuple[subprocess.Popen[bytes], int]


@pytest.fixture
def client(web: Web) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{web[1]}", trust_env=False)


def test_a_form_is_posted_and_the_session_holds(client: httpx.Client, database: Database) -> None:
    with database.transaction() as session:
        accounts.create_user(
            session, "admin", name="管理员", password=PASSWORD, role=Role.ADMIN, now=utc_now()
        )
    page = client.get("/console/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = {"csrf_token": token.group(1), "login": "admin", "password": PASSWORD}
    answer = client.post("/console/login", data=form)
    assert answer.status_code in (302, 303)
    assert client.get("/console/").status_code == 200


def test_a_file_is_taken_whole_and_what_is_too_large_is_refused(client: httpx.Client) -> None:
    rows = "crm_id,name,hospital\n" + "".join(f"c{n},医生{n},示例市第一医院\n" for n in range(300))
    files = {"file": ("people.csv", rows.encode(), "text/csv")}
    answer = client.post("/api/v1/imports/physicians", files=files, headers=BEARER, timeout=120)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["accepted"] == 300
    answer = client.post("/api/v1/contents", json={"title": "x" * 5000}, headers=BEARER)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query", [b"q=%E5%BC%A0", "q=张".encode(), b"q=\xff\xfe", b"q=a%20b+c&x=%"]
)
def test_any_query_reaches_the_page(web: Web, query: bytes) -> None:
    with socket.create_connection(("127.0.0.1", web[1]), timeout=20) as line:
        line.sendall(
            b"GET /console/physicians/?"
            + query
            + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answer = line.recv(4096)
    assert answer.split(b" ")[1] in (b"302", b"400"), answer[:200]  # to the login
