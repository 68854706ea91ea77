"""The folder of embedded defaults: secrets, precedence, one owner at a time."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from app.infra.crypto import KeyRing
from launcher import embedded, valkey
from launcher.embedded import Folder, Ports
from launcher.tell import Trouble


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "var")
    made.make()
    return made


def test_secrets_are_made_once_and_read_by_their_owner_only(folder: Folder) -> None:
    assert embedded.ensure_secrets(folder)
    before = folder.secrets.read_text()
    assert not embedded.ensure_secrets(folder)
    assert folder.secrets.read_text() == before
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600


def test_the_invented_keys_are_ones_that_the_product_and_the_platforms_accept(
    folder: Folder,
) -> None:
    embedded.ensure_secrets(folder)
    made = embedded.environment(folder, Ports(), {})
    ring = KeyRing.parse(made["YISHU_ENCRYPTION_KEYS"])
    assert ring.decrypt(ring.encrypt(b"x", "a.b"), "a.b") == b"x"
    for name in ("WECOM_AES_KEY", "OA_AES_KEY"):
        assert len(made[name]) == 43
        assert len(base64.b64decode(made[name] + "=", validate=True)) == 32


def test_what_the_environment_says_wins_over_every_default(folder: Folder) -> None:
    embedded.ensure_secrets(folder)
    given = {"DATABASE_URL": "postgresql://elsewhere/x", "WECOM_CORP_ID": "wwmine", "OA_TOKEN": ""}
    made = embedded.environment(folder, Ports(9000, 9100), given)
    assert made["DATABASE_URL"] == "postgresql://elsewhere/x"
    assert made["WECOM_CORP_ID"] == "wwmine"
    assert made["OA_TOKEN"]
    assert made["YISHU_BASE_URL"] == "http://localhost:9000"
    assert made["WECOM_API_BASE"] == "http://localhost:9100/wecom"


def test_data_whose_keys_are_gone_are_not_touched(folder: Folder) -> None:
    folder.database.write_bytes(b"something")
    with pytest.raises(Trouble, match="Bring that file back"):
        embedded.ensure_secrets(folder)
    assert not folder.secrets.exists()


def test_a_second_owner_is_refused_by_name(folder: Folder) -> None:
    held = embedded.lock(folder, Ports())
    try:
        with pytest.raises(Trouble, match=f"process {os.getpid()}"):
            embedded.lock(folder, Ports())
    finally:
        os.close(held)


def test_a_stale_process_id_means_nothing(folder: Folder) -> None:
    folder.running.write_text('{"pid": 1, "web": 8123, "sandbox": 8124}')
    assert embedded.ports_in_use(folder) == Ports(8123, 8124)
    held = embedded.lock(folder, Ports())
    os.close(held)


def test_starting_over_keeps_what_is_not_ours(folder: Folder) -> None:
    embedded.ensure_secrets(folder)
    folder.database.touch()
    mine = folder.path / "notes.txt"
    mine.touch()
    embedded.start_over(folder)
    assert not folder.database.exists()
    assert not folder.secrets.exists()
    assert mine.exists()


def test_the_socket_of_a_long_path_lives_in_a_short_private_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    path = valkey.socket_path(deep)
    assert len(str(path)) < valkey.SOCKET_PATH_LIMIT
    assert path == valkey.socket_path(deep)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.rmdir()


def test_a_broken_file_of_secrets_is_named(folder: Folder) -> None:
    folder.secrets.write_bytes(b"\xff\xfe not text \x80")
    with pytest.raises(Trouble, match="is broken: it is not text"):
        embedded.environment(folder, Ports(), {})


def test_lost_secrets_are_named_unless_the_caller_gives_them(folder: Folder) -> None:
    embedded.ensure_secrets(folder)
    embedded.require_whole(folder, {})
    folder.secrets.write_text("YISHU_SECRET_KEY=0123456789abcdef\n")
    with pytest.raises(Trouble, match="YISHU_ENCRYPTION_KEYS"):
        embedded.require_whole(folder, {})
    embedded.require_whole(folder, {"YISHU_ENCRYPTION_KEYS": "k1:x,index:y"})
