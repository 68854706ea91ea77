"""Passwords are sealed with full work, and nobody learns from the time which logins exist."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from app.accounts import passwords

GOOD = "correct horse battery"


def test_a_seal_fits_its_password_only() -> None:
    stored = passwords.seal(GOOD)
    assert passwords.matches(stored, GOOD)
    assert not passwords.matches(stored, GOOD + " ")
    assert not passwords.matches("no hash at all", GOOD)
    assert not passwords.matches(None, GOOD)


def test_an_unknown_login_takes_the_work_of_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real = PasswordHasher()
    monkeypatch.setattr(passwords, "_hasher", real)
    stored = passwords.seal(GOOD)
    asked = extract_parameters(passwords._decoy(real))
    assert asked == extract_parameters(stored)
    assert (asked.memory_cost, asked.time_cost, asked.parallelism) >= (65536, 3, 4)
    assert not passwords.is_outdated(stored)
    assert not passwords.matches(None, GOOD)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=4))
    assert passwords.is_outdated(stored)


def test_the_product_seals_with_the_library_s_present_cost() -> None:
    from importlib.util import find_spec, module_from_spec

    spec = find_spec("app.accounts.passwords")
    assert spec is not None
    assert spec.loader is not None
    fresh = module_from_spec(spec)  # as a process has it that no test has touched
    spec.loader.exec_module(fresh)
    assert extract_parameters(fresh.seal(GOOD)) == extract_parameters(PasswordHasher().hash(GOOD))
