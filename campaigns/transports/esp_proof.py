"""How a sending service proves that a request is its own: its signature over the bytes, or our secret in the address.

A signature covers the whole request, so nothing of it is parsed before. Only Resend's names an instant that says how long it
is worth; the others may be told again for ever, and count once all the same (actions.esp).
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpRequest

from campaigns.transports.services import Service
from leadgen.core import secrets
from leadgen.core.errors import Invalid

USER = "leadgen"  # of the address the service calls: https://leadgen:<secret>@...
SVIX_AGE = 300
SENDGRID = "X-Twilio-Email-Event-Webhook-"


def signs(service: Service, *, inbound: bool) -> bool:
    """Whether this service's key covers such a request; else our secret stands in the address."""
    return bool(service.signs) and (service.signs_mail or not inbound)


def is_proven(
    service: Service, request: HttpRequest, body: bytes, *, key: str, secret: str, inbound: bool, now: datetime
) -> bool:
    """Signed with `key` where one is stored and the service signs this kind of request; else carrying our `secret`."""
    if not key or not signs(service, inbound=inbound):
        return bool(secret) and secrets.same(_basic_auth(request), f"{USER}:{secret}")
    if service.key == "mailgun":
        return _mailgun(request, body, key)
    if service.key == "resend":
        return _svix(request, body, key, now)
    return _sendgrid(request, body, key)


def check_key(service: Service, key: str) -> None:
    """Raises Invalid (field webhook_key) for a key this service's signatures cannot be read with."""
    if not service.signs:
        raise Invalid(
            f"{service.label} signs nothing; the secret in the address proves it. Leave this empty.",
            field="webhook_key",
        )
    try:
        if service.key == "resend":
            base64.b64decode(key.removeprefix("whsec_"), validate=True)
        elif service.key == "sendgrid":
            _public_key(key)
    except ValueError as error:
        raise Invalid(f"This is no {service.signs} of {service.label}. Copy all of it.", field="webhook_key") from error


def _basic_auth(request: HttpRequest) -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _mailgun(request: HttpRequest, body: bytes, key: str) -> bool:
    try:
        block = json.loads(body)["signature"] if request.content_type == "application/json" else request.POST
        signed = f"{block['timestamp']}{block['token']}".encode()
        given = str(block["signature"])
    except (KeyError, ValueError, TypeError):
        return False
    return secrets.same(hmac.new(key.encode(), signed, hashlib.sha256).hexdigest(), given)


def _svix(request: HttpRequest, body: bytes, key: str, now: datetime) -> bool:
    event, at = request.headers.get("svix-id", ""), request.headers.get("svix-timestamp", "")
    if not event or not at.isdecimal() or abs(now.timestamp() - int(at)) > SVIX_AGE:
        return False
    try:
        raw = base64.b64decode(key.removeprefix("whsec_"))
    except binascii.Error:
        return False
    expected = base64.b64encode(hmac.new(raw, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    given = [part.partition(",")[2] for part in request.headers.get("svix-signature", "").split()]
    return any(secrets.same(expected, one) for one in given)


def _sendgrid(request: HttpRequest, body: bytes, key: str) -> bool:
    """ECDSA over "<timestamp><body>" with the account's private key; we hold the public one."""
    at, given = request.headers.get(f"{SENDGRID}Timestamp", ""), request.headers.get(f"{SENDGRID}Signature", "")
    if not at or not given:
        return False
    try:
        signature = base64.b64decode(given, validate=True)
        _public_key(key).verify(signature, at.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def _public_key(key: str) -> ec.EllipticCurvePublicKey:
    """The key as SendGrid shows it, base64 of its DER form, with or without the lines of PEM. Raises ValueError."""
    bare = "".join(line for line in key.split("\n") if not line.strip().startswith("-----"))
    found = serialization.load_der_public_key(base64.b64decode("".join(bare.split()), validate=True))
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise ValueError("no elliptic curve")
    return found
