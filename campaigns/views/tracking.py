"""Click tracking in the settings: what was a person's, by which classifier, and classing history again."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from campaigns.queries.domains import tracking_base
from campaigns.queries.hits import CLASSES, TONES, tracking_facts
from leadgen.core import clock
from leadgen.core.htmx import hx_redirect
from leadgen.core.tasks import enqueue


@member_view("tracking.view")
def tracking(request: MemberRequest) -> HttpResponse:
    """Counts of the last 30 days by class, the classifier's version, the host of new links."""
    facts = tracking_facts(now=clock.now())
    total = sum(facts["counts"].values())
    context = facts | {
        "classes": [
            {"name": name, "tone": TONES[name], "count": facts["counts"][name],
             "share": facts["counts"][name] / total if total else None}
            for name in CLASSES
        ],
        "base": tracking_base(request.workspace.pk),
    }  # fmt: skip
    return render(request, "campaigns/tracking.html", context)


@member_view("tracking.edit")
@require_POST
def tracking_reclassify(request: MemberRequest) -> HttpResponse:
    """Let a worker class all history by the current classifier; scores follow."""
    enqueue("campaigns.reclassify_hits", request.member.pk)
    words = "A worker classes every click again. Facts and scores follow; the audit log has the outcome."
    return hx_redirect(request, reverse("tracking", args=[request.workspace.slug]), toast=words)
