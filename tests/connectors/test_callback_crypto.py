"""The callback envelope: vectors of the platforms, and everything that must be refused."""

from __future__ import annotations

import base64
import json
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from app.connectors.callback_crypto import Rejected, Secrets, encrypt, seal, sign
from app.connectors.official_account.crypto import Receiver as OfficialAccountReceiver
from app.connectors.wecom.crypto import Receiver

WINDOW = 300
AT = datetime.fromtimestamp(1_700_000_000, UTC)
OURS = Secrets("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")


def vectors(shared: Path, group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "fixtures/crypto_vectors.json").read_text())[
        group
    ]
    return found


def secrets_of(vector: dict[str, Any]) -> Secrets:
    return Secrets(vector["token"], vector["encoding_aes_key"], vector["receive_id"])


def query(vector: dict[str, Any]) -> dict[str, str]:
    return {
        name: vector[name] for name in ("timestamp", "nonce", "msg_signature") if name in vector
    }


def test_every_published_vector_opens(shared: Path) -> None:
    opened = 0
    for vector in vectors(shared, "encrypted"):
        if vector["kind"] == "encrypt_reply":
            box = encrypt(
                secrets_of(vector).key,
                vector["plaintext"].encode(),
                vector["receive_id"],
                vector["random_prefix"].encode(),
            )
            assert box == vector["encrypt"]
            opened += 1
            continue
        now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
        receiver, args = Receiver(secrets_of(vector)), query(vector)
        if vector["kind"] == "verify_url":
            plain = receiver.check_url(args | {"echostr": vector["encrypt"]}, now, WINDOW)
        else:
            body = vector.get("http_body") or json.dumps({"encrypt": vector["encrypt"]})
            plain = receiver.open(args, body.encode(), now, WINDOW)
        assert plain.decode() == vector["plaintext"]
        opened += 1
    assert opened >= 7


def test_every_negative_vector_is_rejected(shared: Path) -> None:
    for vector in vectors(shared, "negative"):
        now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
        body = f"<xml><Encrypt><![CDATA[{vector['encrypt']}]]></Encrypt></xml>".encode()
        with pytest.raises(Rejected):
            Receiver(secrets_of(vector)).open(query(vector), body, now, WINDOW)


def test_the_official_account_echoes_on_a_plain_signature(shared: Path) -> None:
    vector = vectors(shared, "plain_signature")[0]
    now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    receiver = OfficialAccountReceiver(Secrets(vector["token"], OURS.aes_key, "wx"))
    args = {name: vector[name] for name in ("timestamp", "nonce", "signature", "echostr")}
    assert receiver.check_url(args, now, WINDOW).decode() == vector["echostr"]
    with pytest.raises(Rejected):
        receiver.check_url(args | {"signature": "0" * 40}, now, WINDOW)


def test_a_plain_official_account_body_is_rejected(shared: Path) -> None:
    vector = vectors(shared, "plain_signature")[1]
    now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    receiver = OfficialAccountReceiver(Secrets(vector["token"], OURS.aes_key, "wx"))
    args = {name: vector[name] for name in ("timestamp", "nonce", "signature")}
    with pytest.raises(Rejected):
        receiver.open(args, vector["body"].encode(), now, WINDOW)


@pytest.mark.parametrize("age", [-301, 301, 86400])
def test_a_callback_outside_the_window_is_rejected(age: int) -> None:
    args, body = sealed(b"<xml/>", timestamp=int(AT.timestamp()) - age)
    with pytest.raises(Rejected):
        Receiver(OURS).open(args, body, AT, WINDOW)


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_a_callback_inside_the_window_opens(age: int) -> None:
    args, body = sealed(b"<xml/>", timestamp=int(AT.timestamp()) - age)
    assert Receiver(OURS).open(args, body, AT, WINDOW) == b"<xml/>"


def test_a_shifted_split_of_timestamp_and_nonce_is_rejected() -> None:
    # The signature does not separate its parts: 1700000000 + 0123… signs like 01700000000 + 123…
    args, body = sealed(b"<xml/>", nonce="0123456789")
    shifted = args | {"timestamp": "0" + args["timestamp"], "nonce": args["nonce"][1:]}
    with pytest.raises(Rejected):
        Receiver(OURS).open(shifted, body, AT, WINDOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"encrypt": 1}',
        b'{"encrypt": "a", "Encrypt": "a"}',
        b'{"encrypt": "a", "encrypt": "a"}',
        '{"encrypt": "密文"}'.encode(),
        b'{"encrypt": "\\ud800"}',
        "<xml><Encrypt>密文</Encrypt></xml>".encode(),
        b"<xml></Encrypt>QQ==<Encrypt></xml>",
        b"<xml><Encrypt>QQ==</Encrypt></Encrypt></xml>",
        b'<xml><Encrypt a="1">QQ==</Encrypt></xml>',
        b"<xml></xml>",
        b"<xml><Encrypt></Encrypt></xml>",
        b"<xml><Encrypt>QQ==</Encrypt><Encrypt>QQ==</Encrypt></xml>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml><Encrypt>QQ==</Encrypt></xml>",
        b"\xff\xfe",
        b"[" * 60_000,
        b"<xml>" * 13_000,
    ],
)
def test_a_malformed_envelope_is_rejected(body: bytes) -> None:
    args, _ = sealed(b"<xml/>")
    with pytest.raises(Rejected):
        Receiver(OURS).open(args, body, AT, WINDOW)


@pytest.mark.parametrize(
    "body",
    [
        b"<xml><Encrypt>" + b" " * 65_000,
        b"<xml><Encrypt><![CDATA[" + b"A" * 65_000,
        b"<Encrypt>" * 7_000,
        b"<xml><Encrypt>" + b"A " * 32_000 + b"</Encrypt>",
        b'{"a":' * 13_000,
        b'{"encrypt":"","a":[' + b"1," * 32_000,
    ],
    ids=["blanks", "open section", "many", "spaced", "nested", "long list"],
)
def test_the_worst_body_that_fits_is_refused_at_once(body: bytes) -> None:
    args, _ = sealed(b"<xml/>")
    started = time.process_time()
    with pytest.raises(Rejected):
        Receiver(OURS).open(args, body, AT, WINDOW)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize("field", ["msg_signature", "signature", "timestamp", "nonce", "echostr"])
@pytest.mark.parametrize(
    "value", ["", "é", "\ud800", "１７００００００００", "0" * 40, "a" * 70_000]
)
def test_no_query_raises_anything_but_rejected(field: str, value: str) -> None:
    args, _ = sealed(b"echo")
    for receiver in (Receiver(OURS), OfficialAccountReceiver(OURS)):
        with pytest.raises(Rejected):
            receiver.check_url(args | {field: value}, AT, WINDOW)


def test_a_message_for_another_receiver_is_rejected() -> None:
    theirs = Secrets(OURS.token, OURS.aes_key, "wx0000000000000000")
    made = seal(theirs, b"<xml/>", timestamp=int(AT.timestamp()), nonce="n")
    args = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    with pytest.raises(Rejected) as refused:
        Receiver(OURS).open(args, made.xml(OURS.receive_id), AT, WINDOW)
    assert str(refused.value) == "rejected", "the caller must not learn why"


def test_compatible_mode_reads_only_what_is_encrypted() -> None:
    args, body = sealed(b"<xml><Content>ours</Content></xml>")
    forged = body.replace(b"<xml>", b"<xml><Content>forged</Content>", 1)
    opened = OfficialAccountReceiver(OURS).open(args, forged, AT, WINDOW)
    assert opened == b"<xml><Content>ours</Content></xml>"


def test_secrets_stay_out_of_the_text_form() -> None:
    assert OURS.token not in repr(Receiver(OURS))
    assert OURS.aes_key not in repr(Receiver(OURS))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_raises_anything_but_rejected(data: st.DataObject) -> None:
    args, body = sealed("<xml>正文</xml>".encode())
    spoiled = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    field = data.draw(st.sampled_from(["timestamp", "nonce", "msg_signature", "none"]))
    if field != "none":
        args[field] = data.draw(st.text(max_size=50))
    if bytes(spoiled) == body and field == "none":
        return
    try:
        assert Receiver(OURS).open(args, bytes(spoiled), AT, WINDOW) == "<xml>正文</xml>".encode()
    except Rejected:
        pass


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=0, max_size=200))
def test_signed_rubbish_is_rejected(box: bytes) -> None:
    text = base64.b64encode(box).decode()
    stamp = str(int(AT.timestamp()))
    args = {"timestamp": stamp, "nonce": "n", "msg_signature": sign(OURS.token, stamp, "n", text)}
    with pytest.raises(Rejected):
        Receiver(OURS).open(args, json.dumps({"encrypt": text}).encode(), AT, WINDOW)


def inner(message: bytes = b"<xml/>", length: int | None = None, receiver: str = "") -> bytes:
    size = len(message) if length is None else length
    return b"r" * 16 + struct.pack(">I", size) + message + (receiver or OURS.receive_id).encode()


def padded(plain: bytes, block: int = 32) -> bytes:
    pad = block - len(plain) % block
    return plain + bytes([pad]) * pad


GOOD = padded(inner())


@pytest.mark.parametrize(
    "plain",
    [
        GOOD[:-1] + b"\0",
        GOOD[:-1] + b"\x21",
        GOOD[:-1] + b"\xff",
        GOOD[:-2] + b"\0" + GOOD[-1:],
        b"\x10" * 16,
        b"\x20" * 32,
        b"r" * 16 + b"\x10" * 16,
        padded(inner(length=0)),
        padded(inner(length=5)),
        padded(inner(length=7)),
        padded(inner(length=24)),
        padded(inner(length=2**32 - 1)),
        padded(inner(receiver="wx5823bf96d3bd56c8")),
        padded(inner(receiver=OURS.receive_id + "\0")),
        padded(inner(receiver="企业")),
    ],
)
def test_a_signed_box_with_a_wrong_inside_is_rejected(plain: bytes) -> None:
    with pytest.raises(Rejected):
        open_raw(plain)


def test_a_box_that_is_padded_to_the_full_block_opens() -> None:
    assert open_raw(GOOD) == b"<xml/>"
    whole = inner(b"x" * (64 - 20 - len(OURS.receive_id)))
    assert len(whole) % 32 == 0
    assert open_raw(padded(whole)).startswith(b"x")


def open_raw(plain: bytes) -> bytes:
    """What the receiver makes of these bytes, encrypted and signed as they are."""
    encryptor = Cipher(algorithms.AES(OURS.key), modes.CBC(OURS.key[:16])).encryptor()
    text = base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()
    stamp = str(int(AT.timestamp()))
    args = {"timestamp": stamp, "nonce": "n", "msg_signature": sign(OURS.token, stamp, "n", text)}
    return Receiver(OURS).open(args, json.dumps({"encrypt": text}).encode(), AT, WINDOW)


def sealed(
    plain: bytes, *, timestamp: int | None = None, nonce: str = "nonce"
) -> tuple[dict[str, str], bytes]:
    made = seal(OURS, plain, timestamp=timestamp or int(AT.timestamp()), nonce=nonce)
    args = {"timestamp": made.timestamp, "nonce": made.nonce, "msg_signature": made.signature}
    return args, made.xml(OURS.receive_id)
