"""The reading side of the ledger: timelines, newest first, by kind, in keyset pages."""

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from leadgen.core.pagination import Order, keyset
from prospects.models import Activity, ActivityKind, Company, Deal, Lead, Person

K = ActivityKind
# Filter chips of every timeline: key -> (label, kinds). What is in none of them is shown under "all" only.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "email": (
        "E-mail",
        (K.SENT, K.DELIVERED, K.OPENED, K.CLICKED, K.REPLIED, K.AUTO_REPLIED, K.BOUNCED, K.UNSUBSCRIBED, K.COMPLAINED),
    ),
    "call": ("Calls", (K.CALLED, K.MEETING_BOOKED, K.MEETING_HELD, K.MEETING_MISSED)),
    "linkedin": ("LinkedIn", (K.LINKEDIN_REQUESTED, K.LINKEDIN_ACCEPTED, K.LINKEDIN_SENT, K.LINKEDIN_REPLIED)),
    "web": ("Web and forms", (K.FORM, K.PAGE, K.TOUCH)),
    "stage": ("Stages and deals", (K.STAGE, K.HANDED_OFF, K.HANDOFF_DECIDED, K.DEAL)),
    "note": ("Notes", (K.NOTE,)),
    "system": ("Changes", (K.EDITED, K.IMPORTED, K.ASSIGNED, K.ENROLLED, K.STOPPED, K.TASK)),
}
ICONS: dict[str, str] = {
    K.SENT: "send", K.DELIVERED: "mail-check", K.OPENED: "mail-open", K.CLICKED: "mouse-pointer-click",
    K.REPLIED: "reply", K.AUTO_REPLIED: "bot", K.BOUNCED: "mail-x", K.UNSUBSCRIBED: "bell-off",
    K.COMPLAINED: "flag", K.FORM: "file-text", K.PAGE: "globe", K.CALLED: "phone", K.LINKEDIN_REQUESTED: "user-plus",
    K.LINKEDIN_ACCEPTED: "user-check", K.LINKEDIN_SENT: "message-square", K.LINKEDIN_REPLIED: "messages-square",
    K.MEETING_BOOKED: "calendar", K.MEETING_HELD: "calendar-check", K.MEETING_MISSED: "calendar-clock",
    K.ENROLLED: "workflow", K.STOPPED: "pause", K.STAGE: "milestone", K.HANDED_OFF: "arrow-up-right",
    K.HANDOFF_DECIDED: "handshake", K.DEAL: "banknote", K.ASSIGNED: "user", K.TASK: "circle-check",
    K.TOUCH: "activity", K.EDITED: "pencil", K.IMPORTED: "file-down", K.NOTE: "message-square",
}  # fmt: skip
PAGE = 20
ORDER = Order("at", descending=True)


@dataclass(frozen=True, slots=True)
class Timeline:
    """`items` for `{% timeline %}` (at, text, icon, actor, actor_class, detail, subject) and the cursor of what is older."""

    items: list[dict[str, Any]]
    older: str


def timeline(
    *,
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
    group: str = "",
    cursor: str = "",
    size: int = PAGE,
) -> Timeline:
    """One page of the facts about a subject. A company's timeline holds those of its people.

    `group` is a key of GROUPS or ''. Raises Invalid for a broken cursor. Two queries, however many rows.
    """
    about = {"person": person, "company": company, "lead": lead, "deal": deal}
    rows = Activity.objects.filter(**{name: value for name, value in about.items() if value is not None})
    if group in GROUPS:
        rows = rows.filter(kind__in=GROUPS[group][1])
    # A company's page says whose fact it is; elsewhere the person is the page.
    related = ("member", "campaign", "person") if person is None else ("member", "campaign")
    # A corrected fact is in the ledger for good; the timeline shows what took its place.
    rows = uncorrected(rows)
    page = keyset(rows.select_related(*related), order=ORDER, cursor=cursor, size=size)
    return Timeline([item(row, with_person=person is None) for row in page.rows], page.next)


def item(row: Activity, *, with_person: bool = False) -> dict[str, Any]:
    """One fact as the timeline component takes it; load `member`, `campaign` (and `person`) with the row."""
    text = row.detail.get("text") if row.kind == K.NOTE else ""
    actor = str(row.member) if row.member_id else ""
    subject = row.person if with_person and row.person_id else None
    return {
        "id": row.pk,
        "at": row.at,
        "text": text or row.summary,
        "icon": ICONS.get(row.kind, "circle-dot"),
        "kind": row.get_kind_display(),
        "actor": f"by {actor}" if actor else "",
        "actor_class": row.hit_class,
        "detail": _detail(row),
        "subject": subject,
        "is_note": row.kind == K.NOTE,
    }


def uncorrected(rows: QuerySet[Activity]) -> QuerySet[Activity]:
    """`rows` without those a later fact corrected (a click that was classed again): its key is `correct:<id>`."""
    key = Concat(Value("correct:"), Cast(OuterRef("pk"), CharField()), output_field=CharField())
    # `key <> ''` lets PostgreSQL see that the partial unique index of keys will do.
    return rows.filter(~Exists(Activity.objects.filter(~Q(key=""), key=key)))


def group_chips(active: str) -> list[dict[str, Any]]:
    """The filter chips: "" (all) first; `on` marks the active one."""
    chips = [{"key": "", "label": "All", "on": active not in GROUPS}]
    return chips + [{"key": key, "label": label, "on": key == active} for key, (label, _) in GROUPS.items()]


def first_touch(person: Person) -> Activity | None:
    """The oldest fact we have of a person: where they came from. What we did to the record says nothing of that."""
    rows = Activity.objects.filter(person=person).exclude(kind__in=(K.ASSIGNED, K.EDITED))
    return rows.select_related("campaign").order_by("at", "id").first()


def _detail(row: Activity) -> str:
    parts = []
    if row.campaign_id and row.campaign is not None:
        parts.append(row.campaign.name)
    if row.kind != K.NOTE and isinstance(row.detail.get("text"), str) and row.detail["text"]:
        parts.append(row.detail["text"])
    why = row.detail.get("why") or row.detail.get("reason")
    if isinstance(why, str) and why:
        parts.append(why)
    return " · ".join(parts)
