"""The one permission table: read by views, templates, API and tests.

A permission is `<noun>.<verb>`. The same words are the API's scopes: a token may do what both its scopes and its
member's role allow.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Member, Role
from leadgen.core.errors import Invalid

ALL = frozenset(Role.values)
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
OPS = ADMINS | {Role.OPS}
MARKETING = OPS | {Role.MARKETER}
SALES = OPS | {Role.SDR, Role.AE, Role.LEADER}
SELLERS = SALES | {Role.MARKETER}
WRITERS = ALL - {Role.VIEWER}

PERMISSIONS: dict[str, frozenset[str]] = {
    # accounts
    "workspace.view": ALL,
    "workspace.edit": ADMINS,
    "workspace.transfer": frozenset({Role.OWNER}),
    "members.view": ALL,
    "members.edit": ADMINS,
    "audit.view": ADMINS,
    "tokens.view": OPS,
    "tokens.edit": OPS,
    # prospects
    "companies.view": ALL,
    "companies.edit": WRITERS,
    "companies.delete": OPS | {Role.LEADER},
    "companies.export": MARKETING | {Role.LEADER},
    "people.view": ALL,
    "people.edit": WRITERS,
    "people.delete": OPS | {Role.LEADER},
    "people.erase": OPS,
    "privacy.view": OPS,
    "privacy.edit": OPS,
    "people.export": MARKETING | {Role.LEADER},
    "segments.view": ALL,
    "segments.edit": WRITERS,
    "segments.delete": MARKETING | {Role.LEADER},
    "duplicates.view": ALL,
    "duplicates.edit": WRITERS,
    "duplicates.merge": SELLERS,
    "duplicates.bulk": OPS | {Role.LEADER},
    "absences.view": ALL,
    "absences.edit": OPS | {Role.LEADER},
    "territories.view": ALL,
    "territories.manage": OPS | {Role.LEADER},
    "tags.view": ALL,
    "tags.manage": WRITERS,
    # Rename and delete what others' records carry; a writer may where nobody else's does (prospects.actions.tags).
    "tags.edit": MARKETING | {Role.LEADER},
    "views.view": ALL,
    "views.edit": ALL,
    "views.share": WRITERS,
    "bulk.view": ALL,
    "bulk.run": WRITERS,
    "fields.view": ALL,
    "fields.edit": MARKETING | {Role.LEADER},
    "signals.view": ALL,
    "signals.edit": WRITERS,
    "signals.manage": MARKETING | {Role.LEADER},
    "enrichment.view": ALL,
    "enrichment.run": SELLERS,
    "enrichment.manage": MARKETING | {Role.LEADER},
    "finding.view": ALL,
    "finding.run": SELLERS,
    "finding.manage": MARKETING | {Role.LEADER},
    "icps.view": ALL,
    "icps.edit": MARKETING | {Role.LEADER},
    "imports.view": MARKETING | {Role.LEADER},
    "imports.run": MARKETING | {Role.LEADER},
    "agreements.view": ALL,
    "agreements.edit": OPS | {Role.MARKETER, Role.LEADER},
    "agreements.sign_marketing": ADMINS | {Role.MARKETER},
    "agreements.sign_sales": ADMINS | {Role.LEADER},
    "leads.view": ALL,
    "leads.edit": WRITERS,
    "leads.assign": OPS | {Role.LEADER},
    "handoffs.view": ALL,
    "handoffs.decide": SALES,
    "meetings.view": ALL,
    "meetings.edit": SELLERS,
    "deals.view": ALL,
    "deals.edit": OPS | {Role.AE, Role.LEADER},
    "customers.view": ALL,
    "customers.edit": OPS | {Role.AE, Role.LEADER},
    "tasks.view": ALL,
    "tasks.work": WRITERS,
    "tasks.assign": OPS | {Role.LEADER},
    "suppressions.view": ALL,
    "suppressions.edit": MARKETING | {Role.LEADER},
    "activities.view": ALL,
    "activities.create": WRITERS,
    # campaigns
    "campaigns.view": ALL,
    "campaigns.edit": MARKETING | {Role.LEADER},
    "offers.view": ALL,
    "offers.edit": MARKETING | {Role.LEADER},
    "spend.view": MARKETING | {Role.LEADER, Role.VIEWER},
    "spend.edit": MARKETING | {Role.LEADER},
    "sequences.view": ALL,
    "sequences.edit": MARKETING | {Role.SDR, Role.LEADER},
    "sequences.publish": MARKETING | {Role.LEADER},
    "enrolments.view": ALL,
    "enrolments.create": MARKETING | {Role.SDR, Role.AE, Role.LEADER},
    "enrolments.stop": WRITERS,
    "mailboxes.view": ALL,
    "mailboxes.edit": OPS | {Role.MARKETER},
    "domains.view": ALL,
    "domains.edit": OPS,
    "tracking.view": ALL,
    "tracking.edit": OPS,
    "messages.view": ALL,
    "messages.send": WRITERS,
    "messages.settle": OPS | {Role.LEADER},
    "inbox.view": ALL,
    "inbox.edit": WRITERS,
    "forms.view": ALL,
    "forms.edit": MARKETING,
    # analytics
    "funnel.view": ALL,
}


def allows(role: str, permission: str) -> bool:
    """Whether a role holds a permission; a permission that is not in the table is a programming error (KeyError)."""
    return role in PERMISSIONS[permission]


def member_allows(member: Member | None, permission: str) -> bool:
    return member is not None and member.is_active and allows(member.role, permission)


# Who may have records of their own: whoever may write. A viewer could neither work nor hand on what is theirs.
OWNERS = WRITERS


def may_own(member: Member | None) -> bool:
    """Whether records may be given to a member. What they have already stays theirs."""
    return member is not None and member.is_active and member.role in OWNERS


def owners() -> QuerySet[Member]:
    """Members of the workspace to whom records may be given."""
    return Member.objects.filter(is_active=True, role__in=OWNERS)


def refuse_owner(member: Member | None, *, had: UUID | None = None, field: str = "owner") -> None:
    """Raises Invalid, saying why, for a member who may own nothing; None and who has it already (`had`) are fine."""
    if member is None or member.pk == had or may_own(member):
        return
    if not member.is_active:
        raise Invalid(f"{member} is not active in this workspace. Choose somebody else.", field=field)
    raise Invalid(
        f"{member} is a viewer, who reads and owns nothing. Choose somebody else, or give them another role first.",
        field=field,
    )


@dataclass(frozen=True, slots=True)
class Can:
    """For templates: `{% if can.people_edit %}`; an unknown permission is an error, not False."""

    role: str

    def __getitem__(self, name: str) -> bool:
        noun, _, verb = name.rpartition("_")
        if f"{noun}.{verb}" in PERMISSIONS:
            return allows(self.role, f"{noun}.{verb}")
        noun, _, verb = name.partition("_")
        return allows(self.role, f"{noun}.{verb}")
