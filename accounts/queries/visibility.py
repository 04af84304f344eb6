"""Who a member is to the seam of leadgen.core.visibility."""

from accounts.models import Member, Workspace
from accounts.rules.visibility import ALL, TEAM, level_of
from leadgen.core.visibility import Viewer


def viewer_of(member: Member | None, workspace: Workspace) -> Viewer | None:
    """Whose records this member sees; None: everybody's. One query where it is their team's, none else.

    A team is what its members' `team` says; those who left are still of it, so that what they had is not lost from sight.
    Without a team one sees one's own.
    """
    if member is None:
        return None
    level = level_of(workspace.visibility, member.role)
    if level == ALL:
        return None
    owners = [member.pk]
    if level == TEAM and member.team:
        owners += (
            Member.objects.filter(team=member.team).exclude(pk=member.pk).order_by("pk").values_list("pk", flat=True)
        )
    return Viewer(member=member.pk, owners=tuple(owners), workspace=workspace.pk)


def teams() -> list[tuple[str, list[str]]]:
    """(team, names of its active members), those without a team last, under ""."""
    found: dict[str, list[str]] = {}
    for member in Member.objects.filter(is_active=True).order_by("team", "name", "email", "pk"):
        found.setdefault(member.team, []).append(str(member))
    return sorted(found.items(), key=lambda pair: (not pair[0], pair[0].casefold()))
