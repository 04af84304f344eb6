"""Names for what leaves the house: Message-IDs and public links. Deterministic, unguessable, and they carry their workspace."""

import uuid

from leadgen.core import secrets
from leadgen.core.public_tokens import public_token, read_public_token

__all__ = ["message_id", "public_token", "read_public_token"]


def message_id(*, workspace_id: uuid.UUID, message: uuid.UUID, domain: str) -> str:
    """Message-ID without angle brackets: the same on each attempt (RFC 5322 section 3.6.4), and nobody else can make one."""
    return f"{secrets.short_signature(f'{workspace_id}:{message}', purpose='message-id')}@{domain}"
