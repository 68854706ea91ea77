"""Requests to a callback address that are wrong in one way each, made from a seed."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.connectors.callback_crypto import MAX_BODY_BYTES, Secrets, seal, sign

Pairs = list[tuple[str, str]]
EVENT = (
    "<xml><ToUserName>wwtestcorp</ToUserName><FromUserName>sys</FromUserName>"
    "<CreateTime>{n}</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event>"
    "<ChangeType>edit_external_contact</ChangeType><UserID>rep{n}</UserID>"
    "<ExternalUserID>wm{n}</ExternalUserID></xml>"
)


@dataclass
class Knock:
    """One request. `query` is text as it travels; `length` None: none is told."""

    query: Pairs
    body: bytes
    path: str = "/callbacks/wecom/main"
    method: str = "POST"
    content_type: str = "text/xml"
    raw_query: str | None = None
    length: str | None = ""
    chunked: bool = False
    status: int = 403
    extra: dict[str, Any] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        """As a WSGI server would say it."""
        told = str(len(self.body)) if self.length == "" else self.length
        made: dict[str, Any] = {
            "REQUEST_METHOD": self.method, "PATH_INFO": self.path, "SCRIPT_NAME": "",
            "QUERY_STRING": urlencode(self.query) if self.raw_query is None else self.raw_query,
            "CONTENT_TYPE": self.content_type, "SERVER_NAME": "x", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False,
            "wsgi.run_once": False, **self.extra,
        }  # fmt: skip
        if told is not None:
            made["CONTENT_LENGTH"] = told
        if self.chunked:
            made["HTTP_TRANSFER_ENCODING"] = "chunked"
            made["wsgi.input_terminated"] = True
        return made


@dataclass
class Mutator:
    """Makes wrong requests. `now` is the receiver's time in whole seconds."""

    random: random.Random
    secrets: Secrets
    now: int

    def make(self) -> tuple[str, Knock]:
        """A wrong request and the name of what is wrong."""
        name = self.random.choice(NAMES)
        return name, MUTATIONS[name](self)

    def valid(self, secrets: Secrets | None = None, at: int | None = None) -> tuple[Pairs, str]:
        """Query and ciphertext of an authentic event."""
        plain = EVENT.format(n=self.random.randrange(10**9)).encode()
        nonce = str(self.random.randrange(10**9))
        made = seal(secrets or self.secrets, plain, timestamp=at or self.now, nonce=nonce)
        return _query(made.timestamp, made.nonce, made.signature), made.encrypt

    def signed(self, text: str) -> Pairs:
        """A query whose signature fits `text`."""
        stamp, nonce = str(self.now), str(self.random.randrange(10**9))
        return _query(stamp, nonce, sign(self.secrets.token, stamp, nonce, text))

    def boxed(self, plain: bytes) -> Knock:
        """`plain`, a whole number of blocks, encrypted and signed as the platform would."""
        key = self.secrets.key
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        text = base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()
        return Knock(self.signed(text), envelope(text))


def envelope(text: str) -> bytes:
    """The outer XML."""
    return f"<xml><ToUserName>x</ToUserName><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode()


def _query(stamp: str, nonce: str, signature: str) -> Pairs:
    return [("timestamp", stamp), ("nonce", nonce), ("msg_signature", signature)]


def _set(query: Pairs, name: str, value: str) -> Pairs:
    return [(key, value if key == name else old) for key, old in query]


def _get(query: Pairs, name: str) -> str:
    return dict(query)[name]


def flipped_cipher(m: Mutator) -> Knock:
    query, text = m.valid()
    raw = bytearray(text.encode())
    raw[m.random.randrange(len(raw))] ^= 1 << m.random.randrange(8)
    return Knock(query, b"<xml><Encrypt>" + bytes(raw) + b"</Encrypt></xml>")


def truncated_body(m: Mutator) -> Knock:
    query, text = m.valid()
    body = envelope(text)
    return Knock(query, body[: m.random.randrange(body.index(b"</Encrypt>"))])


def truncated_cipher(m: Mutator) -> Knock:
    query, text = m.valid()
    return Knock(query, envelope(text[: m.random.randrange(len(text))]))


def signed_fragment(m: Mutator) -> Knock:
    _, text = m.valid()
    part = text[: m.random.randrange(len(text) - 1)]
    return Knock(m.signed(part), envelope(part))


def flipped_signature(m: Mutator) -> Knock:
    query, text = m.valid()
    old = _get(query, "msg_signature")
    place = m.random.randrange(40)
    new = old[:place] + chr(ord(old[place]) ^ (1 << m.random.randrange(7))) + old[place + 1 :]
    return Knock(_set(query, "msg_signature", new), envelope(text))


def odd_signature(m: Mutator) -> Knock:
    query, text = m.valid()
    old = _get(query, "msg_signature")
    new = m.random.choice(
        (old.upper() + "A", old[:-1], old + "0", "", "签名" * 20, old + "\n", "é" * 40, "0" * 40,
         old[:39] + "\uff10", "\x00" * 40)
    )  # fmt: skip
    return Knock(_set(query, "msg_signature", new), envelope(text))


def shifted_split(m: Mutator) -> Knock:
    """The same signature, since its parts are not separated: all of these must be refused."""
    secrets = m.secrets
    stamp, nonce = str(m.now), str(m.random.randrange(10**8, 10**9))
    made = seal(secrets, EVENT.format(n=m.random.random()).encode(), timestamp=m.now, nonce=nonce)
    cut = m.random.randrange(1, 6)
    pair = m.random.choice(
        (
            (stamp + nonce[:cut], nonce[cut:]), (stamp[:-cut], stamp[-cut:] + nonce),
            (f"0{stamp}", nonce), (f"+{stamp}", nonce), (f" {stamp}", nonce), (stamp + "\n", nonce),
            (f"{stamp[:5]}_{stamp[5:]}", nonce), (f"{stamp}.0", nonce), ("", stamp + nonce),
            (stamp.translate({48 + n: 0xFF10 + n for n in range(10)}), nonce),
            (stamp, ""), (stamp, nonce * 20), (stamp, nonce + "号"), (nonce, stamp),
        )
    )  # fmt: skip
    return Knock(_query(*pair, made.signature), envelope(made.encrypt))


def stale(m: Mutator) -> Knock:
    away = m.random.choice((301, 3600, 86400, 3 * 86400, 10**8)) * m.random.choice((1, -1))
    query, text = m.valid(at=m.now + away)
    return Knock(query, envelope(text))


def swapped_envelope(m: Mutator) -> Knock:
    (query, _), (_, text) = m.valid(), m.valid()
    return Knock(query, envelope(text))


def other_corp(m: Mutator) -> Knock:
    other = m.random.choice(
        ("wwothercorp", "wwtestcor", "wwtestcorp1", "", "WWTESTCORP", "wx" * 200)
    )
    query, text = m.valid(Secrets(m.secrets.token, m.secrets.aes_key, other))
    return Knock(query, envelope(text))


def other_keys(m: Mutator) -> Knock:
    key = base64.b64encode(m.random.randbytes(32)).decode()[:43]
    foreign = m.random.choice(
        (Secrets("othertoken", m.secrets.aes_key, m.secrets.receive_id),
         Secrets(m.secrets.token, key, m.secrets.receive_id))
    )  # fmt: skip
    query, text = m.valid(foreign)
    return Knock(query, envelope(text))


def other_door(m: Mutator) -> Knock:
    query, text = m.valid()
    path = m.random.choice(
        ("/callbacks/oa/main", "/callbacks/wecom/second", "/callbacks/wecom/", "/callbacks/",
         "/callbacks/wecom/main/", "/callbacks/wecom//main", "/callbacks/WECOM/main",
         "/callbacks/wecom/main\x00", "/callbacks/企业/main", "/callbacks/wecom/../wecom/main")
    )  # fmt: skip
    return Knock(query, envelope(text), path=path)


def wrong_padding(m: Mutator) -> Knock:
    tail = m.secrets.receive_id.encode()
    message = EVENT.format(n=1).encode()
    plain = m.random.randbytes(16) + struct.pack(">I", len(message)) + message + tail
    pad = 32 - len(plain) % 32
    wrong = m.random.choice(
        (bytes(pad), bytes([33]) * pad, bytes([255]) * pad, bytes([(pad + 1) % 256 or 1]) * pad,
         m.random.randbytes(pad - 1) + bytes([0]))
    )  # fmt: skip
    return m.boxed(plain + wrong)


def wrong_length(m: Mutator) -> Knock:
    message = EVENT.format(n=1).encode()
    told = m.random.choice((0, 1, len(message) - 1, len(message) + 1, 2**31, 2**32 - 1))
    plain = m.random.randbytes(16) + struct.pack(">I", told) + message
    plain += m.secrets.receive_id.encode()
    pad = 32 - len(plain) % 32
    return m.boxed(plain + bytes([pad]) * pad)


def random_cipher(m: Mutator) -> Knock:
    return m.boxed(m.random.randbytes(16 * m.random.randrange(1, 40)))


def not_base64(m: Mutator) -> Knock:
    text = m.random.choice(
        ("", "=", "A", "AAAA", "A" * 63 + "!", "🙂", "A" * 60_000, "AAAA AAAA", "=" * 500)
    )
    return Knock(m.signed(text), envelope(text))


def nested(m: Mutator) -> Knock:
    query, text = m.valid()
    deep = m.random.randrange(10, 9000)
    body = m.random.choice(
        (
            b"<a>" * deep + b"</a>" * deep,
            b"<xml>" * deep + b"<Encrypt>" + text.encode(),
            b"[" * (deep * 5), b'{"encrypt":' * deep, b'{"a":' * deep + b"1" + b"}" * deep,
            b"<Encrypt>" * deep, b"<Encrypt>" * deep + b"</Encrypt>" * min(deep, 3000),
            b'{"encrypt":"a","Encrypt":"b"}', b'{"encrypt":["' + text.encode() + b'"]}',
            b'{"encrypt":{"encrypt":"' + text.encode() + b'"}}',
        )
    )  # fmt: skip
    return Knock(query, body[:MAX_BODY_BYTES])


def odd_envelope(m: Mutator) -> Knock:
    query, text = m.valid()
    one = f"<Encrypt>{text}</Encrypt>"
    body = m.random.choice(
        (
            f"<xml>{one}{one}</xml>", f'<!DOCTYPE x [<!ENTITY e "{text}">]><xml><Encrypt>&e;</Encrypt></xml>',
            f"<!DOCTYPE x><xml>{one}</xml>", f"<xml><encrypt>{text}</encrypt></xml>",
            f"<xml><Encrypt><b>{text}</b></Encrypt></xml>", f"<xml><Encrypt a='1'>{text}</Encrypt></xml>",
            f"</Encrypt>{text}<Encrypt>", f"<xml><Encrypt><![CDATA[{text}</Encrypt></xml>",
            f"<xml><Encrypt>{text[:20]}<!-- -->{text[20:]}</Encrypt></xml>", "", "null", "{}", "[]", '"x"',
            f"<xml><Encrypt>{text}é</Encrypt></xml>", f"Encrypt={text}",
        )
    )  # fmt: skip
    return Knock(query, body.encode())


def odd_encoding(m: Mutator) -> Knock:
    query, text = m.valid()
    body = m.random.choice(
        (envelope(text).decode().encode("utf-16"), envelope(text).decode().encode("utf-32"),
         b"\x1f\x8b" + envelope(text)[:40], m.random.randbytes(m.random.randrange(3000)),
         json.dumps({"encrypt": text}).encode("utf-16"), b"\xff" * 100)
    )  # fmt: skip
    return Knock(query, body)


def odd_content_type(m: Mutator) -> Knock:
    knock = flipped_cipher(m)
    knock.content_type = m.random.choice(
        ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/xml; charset=latin-1",
         "application/json", "非", "application/octet-stream\r\nX: y")
    )  # fmt: skip
    return knock


def odd_length(m: Mutator) -> Knock:
    query, text = m.valid()
    body = envelope(text)
    knock = Knock(query, body)
    knock.length = m.random.choice(
        (None, "-1", "1e3", "٣", "abc", "0", str(len(text) // 2), "0x10", "+5", " 5", "1,1")
    )
    return knock


def chunked(m: Mutator) -> Knock:
    knock = m.random.choice((flipped_cipher, truncated_body, nested, swapped_envelope))(m)
    knock.length, knock.chunked = None, True
    return knock


def too_big(m: Mutator) -> Knock:
    query, text = m.valid()
    more = m.random.choice((1, 100, 200_000))
    body = envelope(text).ljust(MAX_BODY_BYTES + more, b" ")
    knock = Knock(query, body, status=413)
    if m.random.random() < 0.5:
        knock.length, knock.chunked = None, True
    elif m.random.random() < 0.3:
        knock.length = "9" * 30
    return knock


def doubled_parameters(m: Mutator) -> Knock:
    query, text = m.valid()
    name = m.random.choice(("timestamp", "nonce", "msg_signature"))
    wrong = m.random.choice(("", "0", "x" * 40, str(m.now + 1), "0" * 40))
    return Knock([(name, wrong), *query], envelope(text))


def missing_parameter(m: Mutator) -> Knock:
    query, text = m.valid()
    name = m.random.choice(("timestamp", "nonce", "msg_signature"))
    rest = [pair for pair in query if pair[0] != name]
    if m.random.random() < 0.5:
        rest.append(
            (
                m.random.choice((name.upper(), f"{name}[]", f" {name}", "signature")),
                _get(query, name),
            )
        )
    return Knock(rest, envelope(text))


def plain_mode(m: Mutator) -> Knock:
    """Without encryption the signature would cover no body: never accepted."""
    stamp, nonce = str(m.now), "n"
    query = [
        ("timestamp", stamp),
        ("nonce", nonce),
        ("signature", sign(m.secrets.token, stamp, nonce)),
    ]
    body = EVENT.format(n=m.random.randrange(99)).encode()
    return Knock(query, body, path=m.random.choice(("/callbacks/oa/main", "/callbacks/wecom/main")))


def raw_query(m: Mutator) -> Knock:
    query, text = m.valid()
    good = urlencode(query)
    raw = m.random.choice(
        (good.replace("=", "%3D"), good.replace("&", "%26"), good.replace("&", ";"), "%ff%fe=%00&%",
         "&" * 500, good.replace("nonce", "n%6Fnce%00"), "a=1&" * 30 + good, "?" + good,
         good + "%" , "=" * 1000, os.fsdecode(b"\xff\xfe") if False else "\xe4\xb8\xad", "x" * 9000)
    )  # fmt: skip
    if raw == good + "%":  # the end belongs to the signature, which then has another form
        raw = good + "%25"
    return Knock(query, envelope(text), raw_query=raw)


def odd_method(m: Mutator) -> Knock:
    query, text = m.valid()
    method = m.random.choice(
        ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "post", "BREW", "")
    )
    return Knock(query, envelope(text), method=method)


def url_check(m: Mutator) -> Knock:
    query, text = m.valid()
    echo = m.random.choice((text[:-4], text[::-1], "", "1234567890", text + "A", "🙂"))
    return Knock([*query, ("echostr", echo)], b"", method="GET")


MUTATIONS: dict[str, Callable[[Mutator], Knock]] = {
    made.__name__: made
    for made in (
        flipped_cipher, truncated_body, truncated_cipher, signed_fragment, flipped_signature,
        odd_signature, shifted_split, stale, swapped_envelope, other_corp, other_keys, other_door,
        wrong_padding, wrong_length, random_cipher, not_base64, nested, odd_envelope,
        odd_encoding, odd_content_type, odd_length, chunked, too_big, doubled_parameters,
        missing_parameter, plain_mode, raw_query, odd_method, url_check,
    )
}  # fmt: skip
NAMES = tuple(MUTATIONS)
