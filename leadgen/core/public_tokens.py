"""Tokens of public addresses: they carry their workspace and row, and nobody can make one."""

import uuid

from leadgen.core import secrets


def public_token(kind: str, *, workspace_id: uuid.UUID, row: uuid.UUID) -> str:
    """`<workspace>.<row>.<signature>` for a public link of one kind (unsubscribe, click, form)."""
    signature = secrets.short_signature(f"{workspace_id}:{row}", purpose=f"link:{kind}")
    return f"{workspace_id.hex}.{row.hex}.{signature}"


def read_public_token(kind: str, token: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """(workspace id, row id) of a genuine token, else None: scanners scramble links, and a guess must find nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        workspace_id, row = uuid.UUID(hex=parts[0]), uuid.UUID(hex=parts[1])
    except ValueError:
        return None
    expected = public_token(kind, workspace_id=workspace_id, row=row)
    return (workspace_id, row) if secrets.same(expected, token) else None
