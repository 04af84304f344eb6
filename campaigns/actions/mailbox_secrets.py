"""The secrets of a mailbox: each sealed for its row and column, so that none can be swapped into another."""

import json
from uuid import UUID

from campaigns.models import Mailbox
from leadgen.core import rotation, secrets

# Column -> what it holds. Key rotation re-seals every one of them.
COLUMNS = ("password", "imap_password", "oauth", "esp", "webhook", "inbound")


def mailbox_purpose(workspace_id: UUID, mailbox_id: UUID, what: str = "password") -> str:
    """What a mailbox's secret is sealed for."""
    return f"mailbox:{workspace_id}:{mailbox_id}:{what}"


def opened(mailbox: Mailbox, column: str) -> str:
    """The secret in `<column>_sealed`, in clear. Raises SealedElsewhere."""
    sealed: str = getattr(mailbox, f"{column}_sealed")
    return secrets.unseal(sealed, purpose=mailbox_purpose(mailbox.workspace_id, mailbox.pk, column))


def sealed_for(mailbox: Mailbox, column: str, value: str) -> str:
    """`value` sealed for this mailbox's column; '' stays ''."""
    return secrets.seal(value, purpose=mailbox_purpose(mailbox.workspace_id, mailbox.pk, column))


def opened_dict(mailbox: Mailbox, column: str) -> dict[str, str]:
    """The secret where it is a set of named values; {} where none is stored."""
    return {str(key): str(value) for key, value in json.loads(opened(mailbox, column) or "{}").items()}


def register_sealed() -> None:
    """Tell key rotation where a mailbox's secrets lie."""

    def purpose_for(column: str) -> rotation.PurposeOf:
        return lambda row: mailbox_purpose(row.workspace_id, row.pk, column)

    rotation.register(rotation.SealedColumns(Mailbox, {f"{column}_sealed": purpose_for(column) for column in COLUMNS}))
