"""Invented events of a usual day, in fixed shares: who writes, who taps, whose contact changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.inbox import Arrival

CORP, ACCOUNT = "wwbenchmark", "wxbenchmark"
CONTACT = (
    "<xml><ToUserName>{corp}</ToUserName><FromUserName>sys</FromUserName>"
    "<CreateTime>{at}</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event>"
    "<ChangeType>edit_external_contact</ChangeType><UserID>rep{rep:02d}</UserID>"
    "<ExternalUserID>{person}</ExternalUserID><State></State><Number>{number}</Number></xml>"
)
TEXT = (
    "<xml><ToUserName>gh_bench</ToUserName><FromUserName>{person}</FromUserName>"
    "<CreateTime>{at}</CreateTime><MsgType>text</MsgType><Content>{said}</Content>"
    "<MsgId>{number}</MsgId></xml>"
)
SCAN = (
    "<xml><ToUserName>gh_bench</ToUserName><FromUserName>{person}</FromUserName>"
    "<CreateTime>{at}</CreateTime><MsgType>event</MsgType><Event>SCAN</Event>"
    "<EventKey>{number}</EventKey><Ticket>t</Ticket></xml>"
)
SAID = ("有没有房颤的资料", "谢谢", "抗凝指南", "明天有会议吗", "心衰")


def arrivals(number: int, persons: int, now: datetime, start: int = 0) -> Iterator[Arrival]:
    """`number` arrivals about `persons` physicians: 3 of 10 contacts edited, 5 texts, 2 scans."""
    for n in range(start, start + number):
        key, at = n * 7919 % persons, int((now - timedelta(seconds=60)).timestamp())
        values = {"at": at, "number": n, "rep": key % 12, "said": SAID[n % 5], "corp": CORP}
        if n % 10 < 3:
            person, shape, source, kind = f"wm{key:08d}", CONTACT, "wecom", "edit_external_contact"
        else:
            person, source = f"op{key:08d}", "oa"
            shape, kind = (TEXT, "text") if n % 10 < 8 else (SCAN, "SCAN")
        body = shape.format(person=person, **values).encode()
        receiver = CORP if source == "wecom" else ACCOUNT
        yield Arrival(source, receiver, body, kind, f"contact:{person}", None, False, now)
