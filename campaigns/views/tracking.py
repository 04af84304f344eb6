"""Click tracking in the settings: what was a person's, by which classifier, and classing history again."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from campaigns.forms.hits import HitFilter
from campaigns.models import LinkHit
from campaigns.queries.domains import tracking_base
from campaigns.queries.hits import CLASSES, ICONS, TONES, hit_rows, tracking_facts, with_related
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.tasks import enqueue
from prospects.views.listing import build_listing


@member_view("tracking.view")
def tracking(request: MemberRequest) -> HttpResponse:
    """Counts of the last 30 days by class, the classifier's version, the host of new links."""
    facts = tracking_facts(now=clock.now())
    total = sum(facts["counts"].values())
    rows_url = reverse("tracking_hits", args=[request.workspace.slug])
    context = facts | {
        "rows_url": f"{rows_url}?days={facts['days']}",
        "classes": [
            {"name": name, "tone": TONES[name], "icon": ICONS[name], "count": facts["counts"][name],
             "share": facts["counts"][name] / total if total else None}
            for name in CLASSES
        ],
        "base": tracking_base(request.workspace.pk),
    }  # fmt: skip
    return render(request, "campaigns/tracking.html", context)


@member_view("tracking.view")
def tracking_hits(request: MemberRequest) -> HttpResponse:
    """The hits behind a figure, newest first: class, reason, what stood out, user agent, mail."""
    try:
        listing = build_listing(
            request, HitFilter, LinkHit.objects.all(), orders=("at",), nullable=(), default="-at", show=with_related
        )
    except AppError as error:
        return refusal(request, error)
    context = listing.context("hits") | {
        "hits": hit_rows(listing.page.rows),
        "hidden_filters": {name: request.GET[name] for name in ("message", "older") if request.GET.get(name)},
    }
    words = f"{listing.count} clicks match"
    return render_page(request, "campaigns/tracking_hits.html", context, partial="results", announce=words)


@member_view("tracking.edit")
@require_POST
def tracking_reclassify(request: MemberRequest) -> HttpResponse:
    """Let a worker class all history by the current classifier; scores follow."""
    enqueue("campaigns.reclassify_hits", request.member.pk)
    words = "A worker classes every click again. Facts, scores and leads follow; the audit log has the outcome."
    return hx_redirect(request, reverse("tracking", args=[request.workspace.slug]), toast=words)
