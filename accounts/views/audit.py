"""The audit log's page."""

from django.http import HttpResponse

from accounts.access import MemberRequest, member_view
from accounts.forms.audit import AuditFilterForm
from accounts.models import Member
from accounts.queries.audit import audit_entries, names_in, recent_actions
from accounts.rules.audit_words import action_label, describe, details
from leadgen.core.htmx import render_page
from leadgen.core.pagination import Order, keyset

SOURCES = {"api": "through the API", "command": "from the command line"}


@member_view("audit.view")
def audit_list(request: MemberRequest) -> HttpResponse:
    """Who did what to which row, newest first; each entry in words."""
    members = list(Member.objects.filter(user__isnull=False).order_by("name", "id")[:500])
    actions = [(action, action_label(action)) for action in recent_actions()]
    form = AuditFilterForm(request.GET, members=members, actions=actions)
    filters = form.cleaned_data if form.is_valid() else {}
    rows = audit_entries(zone=request.workspace.time_zone, **filters)
    page = keyset(rows, order=Order("at", descending=True), cursor=request.GET.get("cursor", ""))
    names = names_in(page.rows)
    for entry in page.rows:
        entry.words = describe(entry.action, entry.target_label)
        entry.lines = details(entry.detail, names)
        entry.who = str(entry.member) if entry.member else "Leadgen"
        entry.through = f"through the API token {entry.token.name}" if entry.token else SOURCES.get(entry.source, "")
    query = request.GET.copy()

    def link(cursor: str) -> str:
        query["cursor"] = cursor
        return f"?{query.urlencode()}" if cursor else ""

    context = {
        "form": form,
        "entries": page.rows,
        "next_url": link(page.next),
        "previous_url": link(page.previous),
        "filtered": any(filters.values()),
    }
    words = f"{len(page)} entries on this page"
    return render_page(request, "accounts/audit_list.html", context, partial="results", announce=words)
