"""The dot in the top bar, asked for again each minute."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access import MemberRequest, member_view
from accounts.queries.health import health_state


@member_view("workspace.view")
def health(request: MemberRequest) -> HttpResponse:
    """A fragment: the dot, its words and where to look."""
    return render(request, "components/health.html", {"state": health_state(request.workspace)})
