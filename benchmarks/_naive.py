"""The peer: the callback app one would write today. Flask, wechatpy, one `rq.enqueue` per event.

It verifies and decrypts with the library, parses the message and hands it to a queue.
"""

from __future__ import annotations

import os

import redis
from flask import Flask, abort, request
from rq import Queue
from wechatpy.enterprise import parse_message
from wechatpy.enterprise.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException

app = Flask(__name__)
crypto = WeChatCrypto(
    os.environ["WECOM_TOKEN"], os.environ["WECOM_AES_KEY"], os.environ["WECOM_CORP_ID"]
)
queue = Queue("events", connection=redis.Redis.from_url(os.environ["REDIS_URL"]))


@app.post("/callbacks/wecom/main")
def callback() -> str:
    """Decrypt, parse, enqueue, answer."""
    try:
        plain = crypto.decrypt_message(
            request.data,
            request.args["msg_signature"],
            request.args["timestamp"],
            request.args["nonce"],
        )
    except InvalidSignatureException:
        abort(403)
    queue.enqueue("tasks.handle", parse_message(plain)._data)
    return ""


@app.get("/healthz")
def healthz() -> str:
    """Up."""
    return "ok"
