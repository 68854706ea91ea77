"""One process fetches a token, all others use it, and nobody asks in a loop."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.connectors.errors import BadCredential, Busy, NotAllowed, NotSent, OutcomeUnknown
from app.connectors.models import PlatformToken
from app.connectors.tokens import EARLY, TokenProvider, token_key
from app.infra.db import Database
from tests.conftest import KEYS, SetClock
from tests.connectors.conftest import Platforms

THREADS = 16
OTHER_PROCESS = """
import sys
from app.connectors.http import Http
from app.connectors.tokens import TokenProvider
from app.connectors.wecom.client import WeCom
from app.infra import crypto
from app.infra.db import Database, build_engine
from datetime import datetime

crypto.install(crypto.KeyRing.parse(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[4])
tokens = TokenProvider(Database(build_engine(sys.argv[2])), lambda: now)
wecom = WeCom(Http(sys.argv[3]), tokens, corp_id="wwtestcorp", agent_id="1000002",
              secret="wecom-secret-of-the-tests", open_base="")
print("ready", flush=True)
sys.stdin.readline()
print(wecom.list_customers("rep01"), flush=True)
"""


def together(work: Callable[[], object], times: int = THREADS) -> list[object]:
    """What `work` gave in each of many threads that start at once."""
    gate = threading.Barrier(times)

    def one(_number: int) -> object:
        gate.wait()
        try:
            return work()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_many_threads_and_a_second_process_fetch_one_token(platforms: Platforms) -> None:
    arguments = [
        KEYS, platforms.settings.database_url, platforms.settings.wecom_api_base,
        platforms.clock().isoformat(),
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("go\n")
        other.stdin.flush()
        found = together(lambda: platforms.wecom().list_customers("rep01"))
        assert other.stdout.readline() == "['wmWang']\n"
    assert found == [["wmWang"]] * THREADS
    assert platforms.calls()["gettoken"] == 1


def test_a_token_is_refreshed_before_its_end_and_only_once(platforms: Platforms) -> None:
    platforms.wecom().list_follow_users()
    platforms.clock.tick(seconds=7200 - EARLY.total_seconds() - 1)
    platforms.wecom().list_follow_users()
    assert platforms.calls()["gettoken"] == 1
    platforms.clock.tick(seconds=2)
    assert not any(isinstance(x, Exception) for x in together(platforms.wecom().list_follow_users))
    assert platforms.calls()["gettoken"] == 2


def test_a_storm_of_refused_tokens_ends_in_one_refresh(platforms: Platforms) -> None:
    wecom = platforms.wecom()
    wecom.list_follow_users()
    platforms.expire_tokens()
    found = together(wecom.list_follow_users)
    assert found == [["Rep01", "rep02"]] * THREADS
    assert platforms.calls()["gettoken"] == 2


def test_a_token_that_stays_refused_is_tried_twice_and_not_for_ever(platforms: Platforms) -> None:
    platforms.fails("externalcontact/get_follow_user_list", 40014, times=100)
    with pytest.raises(Exception, match="errcode 40014"):
        platforms.wecom().list_follow_users()
    assert platforms.calls()["gettoken"] == 2
    assert platforms.world.trouble["errcodes"]["externalcontact/get_follow_user_list"]["times"] == (
        98
    )


def test_a_wrong_secret_is_shown_once_and_remembered(platforms: Platforms) -> None:
    wrong = platforms.wecom(secret="not the secret")
    found = together(wrong.list_follow_users)
    assert {type(x) for x in found} == {BadCredential}
    assert platforms.calls()["gettoken"] == 1
    platforms.clock.tick(minutes=9)
    with pytest.raises(BadCredential):
        wrong.list_follow_users()
    assert platforms.calls()["gettoken"] == 1
    platforms.clock.tick(minutes=2)
    with pytest.raises(BadCredential):
        wrong.list_follow_users()
    assert platforms.calls()["gettoken"] == 2


def test_a_corrected_secret_works_at_once(platforms: Platforms) -> None:
    with pytest.raises(BadCredential):
        platforms.wecom(secret="not the secret").list_follow_users()
    assert platforms.wecom().list_follow_users()
    with pytest.raises(BadCredential):
        platforms.account(secret="not the secret").user_info("oAwang")
    assert platforms.account().user_info("oAwang").subscribed


def test_a_blocked_address_is_tried_again_after_a_minute(platforms: Platforms) -> None:
    platforms.fails("gettoken", 60020)
    with pytest.raises(NotAllowed):
        platforms.wecom().list_follow_users()
    with pytest.raises(BadCredential):
        platforms.wecom().list_follow_users()
    platforms.clock.tick(seconds=61)
    assert platforms.wecom().list_follow_users()


def test_the_old_token_serves_while_a_refresh_fails(platforms: Platforms) -> None:
    platforms.wecom().list_follow_users()
    platforms.clock.tick(seconds=7000)
    platforms.fails("gettoken", -1, times=9)
    assert platforms.wecom().list_follow_users()
    platforms.fails("gettoken", 40001, times=9)
    assert platforms.wecom().list_follow_users()


def test_no_answer_for_a_token_means_that_nothing_was_sent(platforms: Platforms) -> None:
    platforms.trouble(outage=True)
    text = {"msgtype": "text", "text": {"content": "x"}}
    with pytest.raises(NotSent):
        platforms.wecom().send_app_message("rep01", text)
    with pytest.raises(NotSent):
        platforms.account().send_text("oAwang", "x")


@pytest.fixture
def provider(database: Database, clock: SetClock) -> TokenProvider:
    return TokenProvider(database, clock, pause=lambda _s: None)


def test_a_dead_holder_of_the_lock_is_waited_for_and_then_replaced(
    database: Database, clock: SetClock, provider: TokenProvider
) -> None:
    with database.transaction() as session:
        session.add(
            PlatformToken(
                key="k", generation=0, lock_holder="dead", lock_until=clock() + timedelta(seconds=3)
            )
        )
    with pytest.raises(Busy):
        provider.get("k", lambda: ("new", 7200))
    clock.tick(seconds=4)
    assert provider.get("k", lambda: ("new", 7200)).value == "new"


def test_a_holder_who_was_killed_costs_those_who_wait_no_attempt(
    database: Database, clock: SetClock
) -> None:
    provider = TokenProvider(database, clock, pause=lambda seconds: clock.tick(seconds=seconds))

    holder = provider._lock("k", None)  # and then its process is killed
    assert holder
    assert provider.get("k", lambda: ("new", 7200)).value == "new"


def test_what_a_wrong_clock_wrote_bars_nobody(
    database: Database, clock: SetClock, provider: TokenProvider
) -> None:
    later = clock() + timedelta(days=3)
    with database.transaction() as session:
        session.add(
            PlatformToken(
                key="k", generation=0, lock_holder="x", lock_until=later, refused_until=later
            )
        )
    assert provider.get("k", lambda: ("new", 7200)).value == "new"


def test_slow_fetches_that_overtake_each_other_end_in_one_token(
    clock: SetClock, provider: TokenProvider
) -> None:
    fetched: list[str] = []

    def slow() -> tuple[str, int]:
        clock.tick(seconds=8)
        fetched.append("t")
        return f"t{len(fetched)}", 7200

    assert provider.get("k", slow).value == "t1"
    assert provider.get("k", slow).value == "t1"


def test_a_fetch_that_took_too_long_does_not_undo_a_newer_one(
    database: Database, clock: SetClock, provider: TokenProvider
) -> None:
    def slow() -> tuple[str, int]:
        clock.tick(seconds=60)
        assert provider.get("k", lambda: ("newer", 7200)).value == "newer"
        return "older", 7200

    assert provider.get("k", slow).value == "older"
    assert provider.get("k", slow).value == "newer"


def test_no_transaction_is_open_while_the_platform_is_asked(
    database: Database, provider: TokenProvider
) -> None:
    def fetch() -> tuple[str, int]:
        with database.transaction() as session:  # would wait for the provider's own lock
            session.add(PlatformToken(key="other", generation=0))
        return "t", 7200

    assert provider.get("k", fetch).value == "t"


def test_an_unexpected_error_gives_the_lock_back(provider: TokenProvider) -> None:
    def broken() -> tuple[str, int]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        provider.get("k", broken)
    assert provider.get("k", lambda: ("t", 7200)).value == "t"


def test_an_unknown_outcome_of_a_token_call_is_not_one_of_the_message(
    provider: TokenProvider,
) -> None:
    def silent() -> tuple[str, int]:
        raise OutcomeUnknown("gettoken: ReadTimeout")

    with pytest.raises(NotSent):
        provider.get("k", silent)


def test_the_value_is_encrypted_and_the_name_holds_no_secret(
    database: Database, provider: TokenProvider
) -> None:
    key = token_key("wecom", "ww1", "2", "the-secret")
    provider.get(key, lambda: ("the-token", 7200))
    with database.reading() as session:
        raw = session.connection().exec_driver_sql("SELECT * FROM platform_token").one()
    assert "the-secret" not in str(raw)
    assert b"the-token" not in b"".join(bytes(x) for x in raw if isinstance(x, bytes | memoryview))
