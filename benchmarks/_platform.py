"""A stand-in for both platforms that answers at once: what is measured is the product.

    python -m benchmarks._platform PORT

It knows any contact and any follower: their answers are made from their ids. One thread, HTTP/1.1
with connections that stay open.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

TOKEN = {"errcode": 0, "access_token": "bench", "expires_in": 7200}


def answer(target: str) -> dict[str, object]:
    """What the platform says about `target`."""
    address = urlsplit(target)
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    if address.path.endswith("/externalcontact/get"):
        return _contact(asked.get("external_userid", ""))
    if address.path.endswith("/user/info"):
        return _follower(asked.get("openid", ""))
    return TOKEN


def _contact(contact: str) -> dict[str, object]:
    return {
        "errcode": 0,
        "external_contact": {
            "external_userid": contact, "name": f"医生{contact[-4:]}", "type": 1,
            "unionid": f"u{contact[2:]}", "gender": 0,
        },
        "follow_user": [
            {"userid": f"rep{int(contact[-3:]) % 12:02d}", "remark": "", "description": "",
             "createtime": 1700000000, "add_way": 1, "state": "",
             "remark_mobiles": [f"139{int(contact[-6:]):08d}"],
             "tags": [{"group_name": "专科", "tag_name": "心血管", "type": 1, "tag_id": "et1"}]}
        ],
    }  # fmt: skip


def _follower(openid: str) -> dict[str, object]:
    return {"subscribe": 1, "openid": openid, "unionid": f"u{openid[2:]}", "language": "zh_CN",
            "subscribe_time": 1700000000, "remark": "", "groupid": 0, "tagid_list": []}  # fmt: skip


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    while head := await _head(reader):
        line, *fields = head.decode("latin-1").split("\r\n")
        for field in fields:
            name, _, value = field.partition(":")
            if name.lower() == "content-length":
                await reader.readexactly(int(value))
        body = json.dumps(answer(line.split(" ")[1])).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def main(port: int) -> None:
    """Serve until ended."""
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
