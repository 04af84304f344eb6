"""What every page's frame needs: navigation by permission, the member's workspaces, theme, health."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Member
from accounts.permissions import Can, allows

# key, label, icon (lucide), URL name, permission. Shown in this order in the left rail.
NAVIGATION = [
    ("work", "Work", "inbox", "work", "tasks.view"),
    ("inbox", "Inbox", "mail", "inbox", "inbox.view"),
    ("people", "People", "users", "person_list", "people.view"),
    ("companies", "Companies", "building-2", "company_list", "companies.view"),
    ("icps", "ICPs", "crosshair", "icp_list", "icps.view"),
    ("sequences", "Sequences", "workflow", "sequence_list", "sequences.view"),
    ("capture", "Capture", "magnet", "form_list", "forms.view"),
    ("leads", "Leads", "filter", "lead_list", "leads.view"),
    ("deals", "Deals", "handshake", "deal_list", "deals.view"),
    ("analytics", "Analytics", "chart-column", "funnel", "funnel.view"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of templates/base.html. Cheap: the member is loaded already; one query lists their workspaces."""
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in {"leadgen", "leadgen-dark"} else "", "nav": []}
    member: Member | None = getattr(request, "member", None)
    if member is None:
        return context
    workspace = request.workspace  # type: ignore[attr-defined]  # set by WorkspaceMiddleware
    context |= {
        "workspace": workspace,
        "member": member,
        "can": Can(member.role),
        "nav": [
            {"key": key, "label": label, "icon": icon, "url": reverse(name, args=[workspace.slug])}
            for key, label, icon, name, permission in NAVIGATION
            if allows(member.role, permission) and _exists(name)
        ],
        "settings_url": reverse("settings", args=[workspace.slug]) if _exists("settings") else "",
    }
    return context


def _exists(name: str) -> bool:
    """Whether the URL name is mounted: a page whose app is absent is left out of the rail."""
    from django.urls import get_resolver

    return name in get_resolver().reverse_dict
