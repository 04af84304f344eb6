"""Which team an owner belongs to, from a small table beside an imported history."""

from collections.abc import Mapping
from datetime import datetime

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member, Role
from leadgen.core.errors import Invalid
from prospects.actions.imports_setup import Source, read_table
from prospects.rules.imports import guess_mapping
from prospects.rules.imports_columns import Column

_TEAM_NAMES = (
    "team",
    "salesteam",
    "regionaloffice",
    "office",
    "region",
    "group",
    "territory",
    "abteilung",
    "equipe",
    "department",
)


def assign_teams(*, source: Source, columns: Mapping[str, str], by: Actor, now: datetime) -> dict[str, int]:
    """Set Member.team by owner. `columns` may name "owner" and "team"; otherwise both are found by their names. An owner
    nobody knows becomes an inactive member. Returns {"set", "unchanged", "made"}. Raises Invalid."""
    table = read_table(source)
    owner = columns.get("owner") or guess_mapping("leads", table.header, table.sample(100)).columns.get("owner", "")
    forms = {form: name for name in table.header for form in Column(name, []).forms}
    team = columns.get("team") or next((forms[name] for name in _TEAM_NAMES if name in forms), "")
    for option, name in (("owner", owner), ("team", team)):
        if name not in table.header:
            raise Invalid(
                f"The file of teams has no column for the {option}{f' called {name}' if name else ''}. Its columns are "
                f"{', '.join(table.header)}. Say which with --team-map {option}=COLUMN.",
                code="no_column", field="teams",
            )  # fmt: skip
    members: dict[str, Member] = {}
    for member in Member.objects.order_by("-is_active", "created_at", "pk"):
        for name in (member.email, member.name):
            if name:
                members.setdefault(name.casefold(), member)
    counts = {"set": 0, "unchanged": 0, "made": 0}
    at, to = table.header.index(owner), table.header.index(team)
    for row in table.rows():
        name, team_name = (" ".join(row.cells[i].split()) for i in (at, to)) if not row.problem else ("", "")
        if not name or not team_name:
            continue
        known = members.get(name.casefold())
        if known is None:
            known = Member(
                name="" if "@" in name else name[:120],
                email=name.lower() if "@" in name else "",
                role=Role.VIEWER,
                is_active=False,
            )
            counts["made"] += 1
        elif known.team == team_name[:80]:
            counts["unchanged"] += 1
            continue
        else:
            counts["set"] += 1
        known.team = team_name[:80]
        known.save()
        members[name.casefold()] = known
    if counts["set"] or counts["made"]:
        write_audit(
            by=by,
            action="members.teams_imported",
            now=now,
            target_type="member",
            label=f"{len(members)} members",
            detail=counts,
        )
    return counts
