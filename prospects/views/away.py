"""Pages of absences: who is away, what went to whom, back again."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.away import end_absence, holdings, start_absence
from prospects.forms.away import AbsenceForm
from prospects.models import Absence
from prospects.views.listing import add_app_error


@member_view("absences.view")
def absence_list(request: MemberRequest) -> HttpResponse:
    """Who is away, and the absences before."""
    rows = Absence.objects.select_related("member", "cover", "by")
    try:
        page = keyset(rows, order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    for absence in page.rows:
        absence.x_moved = _words(absence.moved)
        absence.x_returned = _words(absence.returned)
    context = {"page": page, "back": reverse("settings", args=[request.workspace.slug])}
    return render_page(request, "prospects/absence_list.html", context, partial="results")


@member_view("absences.edit")
def absence_create(request: MemberRequest) -> HttpResponse:
    """Hand over in one act: counted first, done with `confirmed`."""
    form = AbsenceForm(request.POST or None)
    held = None
    if request.method == "POST" and form.is_valid():
        values = form.values()
        try:
            if request.POST.get("confirmed"):
                absence = start_absence(by=actor_of(request), now=clock.now(), **values)
                words = f"{absence.cover} has {_words(absence.moved)} now."
                return hx_redirect(request, _list(request), toast=words)
            held = {kind: n for kind, n in holdings(values["member"]).items() if kind in values["kinds"]}
        except AppError as error:
            add_app_error(form, error)
    context = {
        "form": form, "held": held and [(kind.capitalize(), f"{n:,}") for kind, n in held.items()], "back": _list(request),
        "button": f"Hand over {sum(held.values()):,}" if held else "",
    }  # fmt: skip
    return render(request, "prospects/absence_form.html", context, status=422 if form.errors else 200)


@member_view("absences.edit")
@require_POST
def absence_end(request: MemberRequest, absence_id: UUID) -> HttpResponse:
    """They are back, or it was a mistake: what is still with the cover goes back."""
    absence = get_object_or_404(Absence.objects.select_related("member", "cover"), pk=absence_id)
    try:
        end_absence(by=actor_of(request), now=clock.now(), absence=absence)
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _list(request), toast=f"{absence.member} has {_words(absence.returned)} again.")


def _words(counts: dict[str, int]) -> str:
    """ "3 leads, 120 people"; "nothing" where nothing moved."""
    singular = {"people": "person", "companies": "company"}
    parts = [
        f"{n:,} {singular.get(kind, kind[:-1]) if n == 1 else kind}" for kind, n in counts.items() if n
    ]  # fmt: skip
    return ", ".join(parts) or "nothing"


def _list(request: MemberRequest) -> str:
    return reverse("absence_list", args=[request.workspace.slug])
