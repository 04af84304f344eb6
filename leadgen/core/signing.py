"""Signed webhooks that come in, by the rules of Standard Webhooks (standardwebhooks.com, version 1).

Twenty lines here: the published library brings an HTTP client of its own along for them.
"""

import base64
import binascii
import hmac
import secrets as random
from collections.abc import Mapping
from datetime import datetime

from leadgen.core.errors import AppError

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300


class BadSignature(AppError):
    """Not signed by whoever has the secret, or not lately."""

    status = 401
    default_code = "bad_signature"


def new_secret() -> str:
    """A secret of 256 bits, as senders expect it."""
    return PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """What stands in `webhook-signature` for these bytes."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def verify(secret: str, *, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The message's id, which stays the same when it is sent again. Raises BadSignature in words."""
    message_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not sent or not headers.get("webhook-signature"):
        raise BadSignature("The headers webhook-id, webhook-timestamp and webhook-signature are needed.")
    if len(message_id) > 120 or not message_id.isprintable():
        raise BadSignature("webhook-id has at most 120 printable characters.")
    if not sent.isascii() or not sent.isdecimal() or abs(int(sent[:18]) - now.timestamp()) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is not within five minutes of now. Set the sender's clock.")
    try:
        expected = signature(secret, message_id=message_id, timestamp=int(sent), body=body)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("The stored secret cannot be used. Make a new one.") from error
    given = headers["webhook-signature"].split()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given[:10]):
        raise BadSignature("The signature does not fit the body.")
    return message_id
