"""Invitations by their secret, and who may accept them."""

import hashlib

from allauth.account.models import EmailAddress

from accounts.models import Invitation, User


def hash_secret(secret: str) -> str:
    """SHA-256: enough for 160 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_invitation(secret: str) -> Invitation | None:
    """The invitation of the active workspace with this secret, in whatever state."""
    found: Invitation | None = (
        Invitation.objects.select_related("invited_by").filter(secret_hash=hash_secret(secret)).first()
    )
    return found


def verified_addresses(user: User) -> set[str]:
    """Addresses this user proved to read, lower case."""
    rows = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return {email.lower() for email in rows}
