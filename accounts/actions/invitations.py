"""Invite people by e-mail. The link names the workspace in clear and carries a secret of which only a hash is kept."""

import base64
import secrets
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.actions.audit import Actor, write_audit
from accounts.actions.members import acting_member, check_may_give, lock_membership
from accounts.actions.system_mail import plan_system_mail
from accounts.models import Invitation, Member, Role, User, Workspace
from accounts.queries.invitations import find_invitation, hash_secret, verified_addresses
from leadgen.core.errors import AppError, Conflict, Invalid, Refused
from leadgen.core.tenancy import current_workspace_id, workspace_scope

LIFETIME = timedelta(days=7)


class Gone(AppError):
    """The invitation was used, revoked, replaced or is too old."""

    status = 410
    default_code = "gone"


def new_secret() -> str:
    """160 random bits, lower-case base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()


def invite_member(*, by: Actor, email: str, role: str, now: datetime) -> Invitation:
    """Invite an address into the active workspace and mail the link. An expired invitation is replaced."""
    workspace = lock_membership()
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid("Enter an e-mail address such as ana@company.example.", field="email") from error
    check_may_give(acting_member(by), role)
    member = Member.objects.filter(email=email).first()
    if member is not None and member.is_active:
        raise Conflict(f"{email} is a member already, as {member.get_role_display()}.", field="email")
    if member is not None and member.user_id is not None:
        raise Conflict(
            f"{email} was a member before. Reactivate them in the list of members.", code="former_member", field="email"
        )
    open_one = Invitation.objects.filter(email=email, accepted_at__isnull=True, revoked_at__isnull=True).first()
    if open_one is not None:
        if open_one.expires_at > now:
            raise Conflict(
                f"{email} is invited already, until {open_one.expires_at:%d %b %Y}. Send that invitation again instead.",
                code="already_invited",
                field="email",
            )
        open_one.revoked_at = now
        open_one.save(update_fields=["revoked_at"])
    secret = new_secret()
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                email=email,
                role=role,
                secret_hash=hash_secret(secret),
                invited_by=by.member,
                created_at=now,
                expires_at=now + LIFETIME,
            )
    except IntegrityError as error:
        raise Conflict(
            f"{email} was invited just now by somebody else.", code="already_invited", field="email"
        ) from error
    _mail(invitation, workspace, secret, now)
    write_audit(by=by, action="invitation.sent", now=now, target=invitation, label=email, detail={"role": role})
    return invitation


def resend_invitation(*, by: Actor, invitation: Invitation, now: datetime) -> Invitation:
    """Mail a new link and start the seven days again; the old link ends, since its secret cannot be read back."""
    workspace = lock_membership()
    check_may_give(acting_member(by), invitation.role)
    invitation = Invitation.objects.get(pk=invitation.pk)
    _check_open(invitation)
    secret = new_secret()
    invitation.secret_hash, invitation.expires_at = hash_secret(secret), now + LIFETIME
    invitation.save(update_fields=["secret_hash", "expires_at"])
    _mail(invitation, workspace, secret, now)
    write_audit(by=by, action="invitation.resent", now=now, target=invitation, label=invitation.email)
    return invitation


def revoke_invitation(*, by: Actor, invitation: Invitation, now: datetime) -> Invitation:
    """End an invitation; its link says so from now on."""
    lock_membership()
    invitation = Invitation.objects.get(pk=invitation.pk)
    if invitation.revoked_at:
        return invitation
    _check_open(invitation)
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])
    write_audit(by=by, action="invitation.revoked", now=now, target=invitation, label=invitation.email)
    return invitation


def accept_invitation(
    *, user: User, workspace_id: uuid.UUID, secret: str, now: datetime, ip: str | None = None
) -> Member:
    """Join with the invited role. `user` must have verified the invited address.

    A name an import brought under this address becomes this user's membership, with all it owns.
    """
    with workspace_scope(workspace_id, user.pk):
        if find_invitation(secret) is None:
            raise Gone("This invitation is not valid: it was cut off, replaced by a newer one, or never existed.")
        lock_membership()
        invitation = find_invitation(
            secret
        )  # again, under the lock: a second click waits here and sees the first one's row
        if invitation is None:
            raise Gone("This invitation was replaced by a newer one. Use the link of the latest mail.")
        _check_open(invitation)
        if invitation.expires_at <= now:
            raise Gone(f"This invitation expired on {invitation.expires_at:%d %b %Y}. Ask for a new one.")
        if invitation.email not in verified_addresses(user):
            raise Refused(
                f"This invitation is for {invitation.email}. Log in with that address, or verify it for your account.",
                code="other_address",
            )
        member = Member.objects.filter(user=user).first()
        if member is not None and member.is_active:
            raise Conflict("You are a member of this workspace already.", code="already_member")
        if member is None:
            member = Member.objects.filter(email=invitation.email, user__isnull=True).first()
        if member is None:
            # The address may stand at the membership of somebody who used it before: then this one goes without.
            taken = Member.objects.filter(email=invitation.email).exists()
            member = Member(email="" if taken else invitation.email)
        member.user, member.name = user, user.name or member.name
        member.role, member.is_active, member.left_at = invitation.role, True, None
        member.save()
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
        by = Actor(member=member, source="user", ip=ip)
        write_audit(
            by=by, action="invitation.accepted", now=now, target=invitation, label=invitation.email,
            detail={"role": invitation.role},
        )  # fmt: skip
    return member


def _check_open(invitation: Invitation) -> None:
    if invitation.accepted_at:
        raise Gone(f"This invitation was accepted on {invitation.accepted_at:%d %b %Y}.", code="accepted")
    if invitation.revoked_at:
        raise Gone("This invitation was withdrawn.", code="revoked")


def _mail(invitation: Invitation, workspace: Workspace, secret: str, now: datetime) -> None:
    path = reverse("invitation", args=[current_workspace_id().hex, secret])
    context = {
        "workspace": workspace.name,
        "inviter": str(invitation.invited_by),
        "role": Role(invitation.role).label,
        "url": f"{settings.SITE_URL}{path}",
        "expires_at": invitation.expires_at,
    }
    plan_system_mail(
        kind="invitation",
        to=invitation.email,
        subject=" ".join(render_to_string("emails/invitation/subject.txt", context).split()),
        text=render_to_string("emails/invitation/body.txt", context).strip() + "\n",
        now=now,
    )
