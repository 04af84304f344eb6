"""Secrets at rest: MultiFernet, keys outside the database; a ciphertext opens only for the row it was sealed for."""

import hashlib
import hmac
import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


class SealedElsewhere(ValueError):
    """The ciphertext belongs to another row or purpose, or none of the keys opens it."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def key_problem() -> str:
    """Why the configured keys cannot be used, or ''."""
    try:
        _fernet(tuple(settings.FIELD_KEYS)).encrypt(b"canary")
    except (ValueError, TypeError, IndexError) as error:
        return f"FIELD_KEYS cannot be used: {error}"
    return ""


def seal(value: str, *, purpose: str) -> str:
    """Encrypt `value`; `purpose` names workspace, row and column, so ciphertexts cannot be swapped between rows."""
    if not value:
        return ""
    payload = json.dumps([purpose, value]).encode()
    return _fernet(tuple(settings.FIELD_KEYS)).encrypt(payload).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Decrypt; raises SealedElsewhere where purpose or keys do not fit."""
    if not sealed:
        return ""
    try:
        found, value = json.loads(_fernet(tuple(settings.FIELD_KEYS)).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise SealedElsewhere("none of FIELD_KEYS opens this secret") from error
    if found != purpose:
        raise SealedElsewhere("this secret was sealed for another row")
    return str(value)


def is_newest(sealed: str) -> bool:
    """Whether the first of FIELD_KEYS opens it, so that the others are not needed for it."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def derive(purpose: str) -> bytes:
    """A 32-byte key for one purpose (HMAC addresses, Message-IDs, public links), from a root that never rotates.

    Its own root, because these must stay the same when FIELD_KEYS are replaced: they are in mails that are out.
    """
    return _derived(purpose, settings.DERIVE_KEY)


@lru_cache(maxsize=4096)
def _derived(purpose: str, key: str) -> bytes:
    return hashlib.blake2b(purpose.encode(), key=key.encode()[:64], digest_size=32).digest()


def digest(value: str, *, purpose: str) -> str:
    """Keyed hash of `value`, 64 hex digits: a plain hash of an address would be guessable."""
    return hmac.digest(derive(purpose), value.encode(), "sha256").hex()


def short_signature(value: str, *, purpose: str, length: int = 26) -> str:
    """Lower-case base32 HMAC for ids in mail and URLs; 26 characters are 130 bits."""
    number = int.from_bytes(hmac.digest(derive(purpose), value.encode(), "sha256"))
    # Five bits a character from the front, as base64.b32encode has it; that one takes longer than the HMAC.
    return "".join([_BASE32[number >> shift & 31] for shift in range(251, 251 - 5 * length, -5)])


def same(left: str, right: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
