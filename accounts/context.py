"""What every page's frame needs (docs/ui.md, "The shell"): navigation by permission, workspaces, theme, health."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from django.http import HttpRequest
from django.urls import get_resolver, reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import Member, User
from accounts.permissions import Can, allows
from accounts.queries.health import health_state
from accounts.queries.memberships import memberships_of
from accounts.rules.visibility import OWN, TEAM, level_of
from leadgen.core import clock

# key, label, icon (lucide), URL name, permission, letter after g. Shown in this order in the left rail; the last at its foot.
NAVIGATION = [
    ("work", "Work", "inbox", "work", "tasks.view", "w"),
    ("inbox", "Inbox", "mail", "inbox", "inbox.view", "i"),
    ("people", "People", "users", "person_list", "people.view", "p"),
    ("companies", "Companies", "building-2", "company_list", "companies.view", "c"),
    ("segments", "Segments", "list-filter", "segment_list", "segments.view", "m"),
    ("icps", "ICPs", "crosshair", "icp_list", "icps.view", "t"),
    ("sequences", "Sequences", "workflow", "sequence_list", "sequences.view", "s"),
    ("capture", "Capture", "magnet", "form_list", "forms.view", "f"),
    ("leads", "Leads", "filter", "lead_list", "leads.view", "l"),
    ("deals", "Deals", "handshake", "deal_list", "deals.view", "d"),
    ("analytics", "Analytics", "chart-column", "funnel", "funnel.view", "a"),
    ("settings", "Settings", "settings", "settings", "workspace.view", ","),
]

# Pages beside a list, by the first part of their address: where in the rail they belong.
BELONGS = {
    "quality": "people", "suppressions": "people", "merges": "people", "imports": "people", "duplicates": "people",
    "fields": "settings", "privacy": "settings", "tags": "settings", "bulk": "settings", "away": "settings", "territories": "settings", "views": "people", "columns": "people",
    "finding": "people", "signals": "people", "handoffs": "leads", "meetings": "leads", "agreement": "leads", "customers": "deals",
    "enrichment": "settings",
    "campaigns": "sequences", "offers": "sequences", "spend": "sequences", "enrol": "sequences", "enrolments": "sequences",
    "messages": "sequences", "health": "settings",
}  # fmt: skip

# Below the title of a list, for whom it is not all there is.
SEEN_WORDS = {
    TEAM: "Your team’s, those you work on, and what nobody owns.",
    OWN: "Your own, those you work on, and what nobody owns.",
}

# key -> a count beside that entry of the rail. Upper apps add theirs in AppConfig.ready() by `register_badge`: at most one
# cheap query, run only where a frame is shown.
Badge = Callable[[Member, datetime], int]
_badges: dict[str, Badge] = {}


def register_badge(key: str, count: Badge) -> None:
    """Let an entry of NAVIGATION carry a count; registering again replaces. Raises ValueError for an unknown entry."""
    if key not in {entry[0] for entry in NAVIGATION}:
        raise ValueError(f"no navigation entry {key!r}")
    _badges[key] = count


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html. What costs a query is lazy: fragments do not pay for a frame they do not show."""
    theme = request.COOKIES.get("leadgen_theme", "")
    context: dict[str, Any] = {"theme": theme if theme in {"light", "dark"} else "system", "nav": []}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        context |= {"user_name": str(user), "workspaces": SimpleLazyObject(lambda: memberships_of(user))}
    member: Member | None = getattr(request, "member", None)
    if member is None:
        return context
    workspace = request.workspace  # type: ignore[attr-defined]  # set by WorkspaceMiddleware
    nav = _navigation(workspace.slug, member)
    context |= {
        "workspace": workspace,
        "member": member,
        "can": Can(member.role),
        "seen_words": SEEN_WORDS.get(level_of(workspace.visibility, member.role), ""),
        "user_name": str(member),
        "nav": nav,
        "nav_active": _active(nav, request.path),
        "settings_url": reverse("settings", args=[workspace.slug]),
        "health_state": SimpleLazyObject(lambda: health_state(workspace)),
        "health_url": reverse("health", args=[workspace.slug]),
    }
    return context


def _navigation(slug: str, member: Member) -> list[dict[str, Any]]:
    now = clock.now()
    return [
        {
            "key": key,
            "label": label,
            "icon": icon,
            "url": reverse(name, args=[slug]),
            "shortcut": shortcut,
            "bottom": key == "settings",
            # Lazy: a fragment, which shows no rail, does not count. 0 shows nothing.
            "badge": SimpleLazyObject(partial(_badges[key], member, now)) if key in _badges else None,
        }
        for key, label, icon, name, permission, shortcut in NAVIGATION
        if allows(member.role, permission) and mounted(name)
    ]


def _active(nav: list[dict[str, Any]], path: str) -> str:
    """The entry whose address the path begins with, the longest first, else where it belongs; a view may pass its own
    `nav_active`."""
    found = [item for item in nav if path.startswith(item["url"])]
    if found:
        return str(max(found, key=lambda item: len(item["url"]))["key"])
    _, _, part, *rest = [*path.strip("/").split("/"), "", ""]
    key = "companies" if part == "duplicates" and rest[0] == "companies" else BELONGS.get(part, "")
    return key if any(item["key"] == key for item in nav) else ""


@lru_cache(maxsize=256)
def mounted(name: str) -> bool:
    """Whether the URL name exists: a page whose app is absent is left out of menus."""
    return name in get_resolver().reverse_dict
