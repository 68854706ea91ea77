"""The tables of error codes agree with the platforms' lists and with each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.connectors import errors as e
from app.connectors.official_account.errors import raise_for as raise_for_account
from app.connectors.wecom.errors import raise_for
from app.infra.errors import Permanent, Transient

REACTIONS: dict[str, set[type[Exception]]] = {
    "transient": {e.Busy},
    "credential": {e.BadCredential},
    "person": {e.PersonGone, e.OutOfReach},
    "token": {e.TokenExpired},
    "oauth": {e.LoginCodeSpent},
    "config": {e.NotAllowed},
    "corp": {e.NotAllowed},
    "relation": {e.NotAFriend, e.OutOfReach},
    "welcome": {e.WelcomeOver},
    "welcome-retry": {e.WelcomeInProgress},
    "rate": {e.RateLimited},
    "concurrency": {e.RateLimited},
    "serialise": {e.RecordBusy},
    "card": {e.CardDuplicate, e.BadRequest},
    "recipients": {e.OutOfReach, e.BadRequest},
}


def kind_of(code: int, api: str = "externalcontact/get") -> Exception:
    with pytest.raises((Transient, Permanent)) as problem:
        raise_for({"errcode": code, "errmsg": "text that must not decide"}, api)
    return problem.value


def test_every_listed_code_gets_the_reaction_of_its_class(shared: Path) -> None:
    listed = json.loads((shared / "fixtures/errcodes.json").read_text())["codes"]
    assert len(listed) > 90
    for entry in listed:
        allowed = REACTIONS.get(entry["reaction_class"], {e.BadRequest})
        assert type(kind_of(entry["errcode"])) in allowed, entry


def test_success_raises_nothing() -> None:
    for answer in ({}, {"errcode": 0}, {"errcode": "0"}, {"errcode": None}):
        raise_for(answer, "api")
        raise_for_account(answer, "api")


def test_an_error_carries_code_and_api_and_nothing_else() -> None:
    problem = kind_of(84061)
    assert isinstance(problem, e.NotAFriend)
    assert (problem.code, problem.api) == (84061, "externalcontact/get")
    assert str(problem) == "externalcontact/get: errcode 84061"


@pytest.mark.parametrize(
    ("code", "api", "pause_s"),
    [(45009, "externalcontact/get", 60), (45009, "ticket/get", 3600), (45009, "message/send", 3600),
     (45033, "externalcontact/list", 5), (45036, "user/get", 300)],
)  # fmt: skip
def test_a_rate_limit_says_how_long_to_pause(code: int, api: str, pause_s: float) -> None:
    problem = kind_of(code, api)
    assert isinstance(problem, e.RateLimited)
    assert problem.retry_after_s == pause_s


def test_40001_means_the_secret_in_wecom_and_the_token_in_the_official_account() -> None:
    with pytest.raises(e.BadCredential):
        raise_for({"errcode": 40001}, "user/get")
    with pytest.raises(e.TokenExpired):
        raise_for_account({"errcode": 40001}, "user/info")
    with pytest.raises(e.BadCredential):
        raise_for_account({"errcode": 40001}, "stable_token", with_secret=True)


def test_too_many_calls_at_once_are_asked_again_on_both_platforms() -> None:
    for refuse in (raise_for_account, raise_for):
        with pytest.raises(e.RateLimited) as caught:
            refuse({"errcode": 45033, "errmsg": "api concurrent out of limit"}, "user/info")
        assert caught.value.retry_after_s == 5.0
