"""Change one's own profile."""

from accounts.models import Member, User
from leadgen.core.tenancy import workspace_scope


def update_profile(*, user: User, name: str, time_zone: str, shortcuts_enabled: bool) -> User:
    """Save name, zone ('' is the workspace's) and shortcuts. The new name shows in every workspace that showed the old."""
    old = user.name
    user.name, user.time_zone, user.shortcuts_enabled = name.strip(), time_zone, shortcuts_enabled
    user.save(update_fields=["name", "time_zone", "shortcuts_enabled"])
    if old == user.name:
        return user
    rows = Member.unscoped.filter(user=user, is_active=True, name=old).values_list("workspace_id", "pk")
    for workspace_id, member_id in list(rows):
        with workspace_scope(workspace_id, user.pk):
            Member.objects.filter(pk=member_id).update(name=user.name)
    return user
