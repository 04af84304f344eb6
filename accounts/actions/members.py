"""Change who belongs to a workspace and what they may do. A workspace always keeps an active owner.

Each change locks the workspace row first: two owners who demote each other at the same moment must not both succeed.
"""

from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from accounts.models import ApiToken, Member, Role, Workspace
from leadgen.core.errors import Conflict, Invalid, NotFound, Refused
from leadgen.core.tenancy import current_workspace_id


def lock_membership() -> Workspace:
    """One change of membership at a time in a workspace; held to the end of the transaction."""
    return Workspace.objects.select_for_update().get(pk=current_workspace_id())


def acting_member(by: Actor) -> Member:
    """The actor's member as it is now, under the lock: the role may have changed since the request began."""
    member = Member.objects.filter(pk=by.member.pk, is_active=True).first() if by.member else None
    if member is None:
        raise Refused("You are no longer a member of this workspace.")
    return member


def check_may_give(actor: Member, role: str) -> None:
    """Only an owner makes or unmakes owners."""
    if role not in Role.values:
        raise Invalid(f"“{role}” is no role. Use one of: {', '.join(Role.values)}.", field="role")
    if role == Role.OWNER and actor.role != Role.OWNER:
        raise Refused("Only an owner can make somebody an owner.", field="role")


def _check_may_touch(actor: Member, member: Member) -> None:
    if member.role == Role.OWNER and actor.role != Role.OWNER:
        raise Refused(f"{member} is an owner. Only another owner can change that.")


def _check_not_last_owner(member: Member, *, verb: str) -> None:
    others = Member.objects.filter(role=Role.OWNER, is_active=True, user__isnull=False).exclude(pk=member.pk)
    if member.role == Role.OWNER and member.is_active and not others.exists():
        raise Refused(
            f"{member} is the only owner, and a workspace needs one. Transfer the ownership before you {verb}.",
            code="last_owner",
        )


def _fresh(member: Member) -> Member:
    found = Member.objects.filter(pk=member.pk).first()
    if found is None:
        raise NotFound("No such member in this workspace.")
    return found


def change_role(*, by: Actor, member: Member, role: str, now: datetime) -> Member:
    """Give a member another role. Refused for the last owner, and for owners by anybody but an owner."""
    lock_membership()
    actor, member = acting_member(by), _fresh(member)
    check_may_give(actor, role)
    _check_may_touch(actor, member)
    if member.role == role:
        return member
    if role != Role.OWNER:
        _check_not_last_owner(member, verb="change this role")
    old, member.role = member.role, role
    member.save(update_fields=["role"])
    write_audit(by=by, action="member.role_changed", now=now, target=member, detail={"changes": {"role": [old, role]}})
    return member


def update_member(*, by: Actor, member: Member, name: str, team: str, capacity: int, now: datetime) -> Member:
    """Change how a member is shown and routed to: name, team, and the open inbound leads they take at most."""
    lock_membership()
    actor, member = acting_member(by), _fresh(member)
    _check_may_touch(actor, member)
    new = {"name": name.strip(), "team": team.strip(), "capacity": capacity}
    changes = {key: [getattr(member, key), value] for key, value in new.items() if getattr(member, key) != value}
    if not changes:
        return member
    for key, (_, value) in changes.items():
        setattr(member, key, value)
    member.save(update_fields=list(changes))
    write_audit(by=by, action="member.updated", now=now, target=member, detail={"changes": changes})
    return member


def _end(member: Member, now: datetime) -> int:
    """Close a membership; its tokens stop with it. Returns how many tokens were revoked."""
    member.is_active, member.left_at = False, now
    member.save(update_fields=["is_active", "left_at"])
    return ApiToken.objects.filter(member=member, revoked_at__isnull=True).update(revoked_at=now)


def deactivate_member(*, by: Actor, member: Member, now: datetime) -> Member:
    """Take a member's access away; what they did and own stays, under their name."""
    lock_membership()
    actor, member = acting_member(by), _fresh(member)
    if not member.is_active:
        return member
    if actor.pk == member.pk:
        raise Refused("You cannot deactivate yourself. Leave the workspace instead.")
    _check_may_touch(actor, member)
    _check_not_last_owner(member, verb="deactivate them")
    tokens = _end(member, now)
    write_audit(by=by, action="member.deactivated", now=now, target=member, detail={"tokens_revoked": tokens})
    return member


def reactivate_member(*, by: Actor, member: Member, now: datetime) -> Member:
    """Let a former member in again with the role they had. A name that an import brought must be invited instead."""
    lock_membership()
    actor, member = acting_member(by), _fresh(member)
    if member.is_active:
        return member
    if member.user_id is None:
        raise Conflict(f"{member} has no account yet. Invite them by e-mail instead.", code="no_account")
    _check_may_touch(actor, member)
    member.is_active, member.left_at = True, None
    member.save(update_fields=["is_active", "left_at"])
    write_audit(by=by, action="member.reactivated", now=now, target=member)
    return member


def leave_workspace(*, by: Actor, now: datetime) -> Member:
    """End one's own membership. Refused for the last owner."""
    lock_membership()
    member = acting_member(by)
    _check_not_last_owner(member, verb="leave")
    tokens = _end(member, now)
    write_audit(by=by, action="member.left", now=now, target=member, detail={"tokens_revoked": tokens})
    return member


def transfer_ownership(*, by: Actor, to: Member, now: datetime) -> Member:
    """Make `to` an owner and oneself an admin."""
    lock_membership()
    actor, to = acting_member(by), _fresh(to)
    if actor.role != Role.OWNER:
        raise Refused("Only an owner can transfer the ownership.")
    if to.pk == actor.pk:
        raise Invalid("Choose another member: you own the workspace already.", field="to")
    if not to.is_active or to.user_id is None:
        raise Invalid(f"{to} cannot log in. Choose an active member.", field="to")
    to.role, actor.role = Role.OWNER, Role.ADMIN
    to.save(update_fields=["role"])
    actor.save(update_fields=["role"])
    write_audit(by=by, action="workspace.transferred", now=now, target=to, detail={"from": str(actor), "to": str(to)})
    return to
