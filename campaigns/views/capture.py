"""Forms and what came through them: list, editor, page with the markup to embed, submissions with their receipt."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions import capture as actions
from campaigns.forms.capture import FACTS, AcceptForm, FormForm, SubmissionFilter, field_formset
from campaigns.models import Form, Submission
from campaigns.queries import capture as queries
from campaigns.rules.capture import DEFAULT_FIELDS
from campaigns.rules.receipts import steps_in_words
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset

ORDER = Order("at", descending=True)


@member_view("forms.view")
def form_list(request: MemberRequest) -> HttpResponse:
    """Every form with what it brought in 30 days."""
    rows = list(Form.objects.select_related("campaign", "default_owner").order_by("-is_active", "name")[:300])
    counts = queries.counts_of(rows, clock.now())
    for row in rows:
        row.counts = counts[row.pk]
    waiting = Submission.objects.exclude(state=Submission.State.ACCEPTED).filter(at__gt=clock.now() - queries.LATELY)
    return render(request, "campaigns/form_list.html", {"forms": rows, "waiting": waiting.count()})


@member_view("forms.edit")
def form_create(request: MemberRequest) -> HttpResponse:
    """A new form, begun with the five fields most need."""
    return _edit(request, None)


@member_view("forms.edit")
def form_edit(request: MemberRequest, form_id: UUID) -> HttpResponse:
    """Change a form; its address stays."""
    return _edit(request, get_object_or_404(Form.objects.select_related("campaign", "default_owner"), pk=form_id))


def _edit(request: MemberRequest, row: Form | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    sheet = FormForm(data, form=row)
    fields = field_formset(row.fields if row is not None else DEFAULT_FIELDS, data)
    if request.method == "POST" and sheet.is_valid() and fields.is_valid():
        by, now, values = actor_of(request), clock.now(), sheet.cleaned_data | {"fields": fields.fields()}
        try:
            if row is None:
                row, words = (
                    actions.create_form(by=by, now=now, **values),
                    "The form is made. Open its page and try it.",
                )
            else:
                words = (
                    "Saved." if actions.update_form(form=row, changes=values, by=by, now=now) else "Nothing changed."
                )
        except AppError as error:
            sheet.add_error(error.field if error.field in sheet.fields else None, error.message)
            if row is not None:
                row.refresh_from_db()
        else:
            return hx_redirect(request, reverse("form_detail", args=[request.workspace.slug, row.pk]), toast=words)
    bad = bool(sheet.errors or (data is not None and not fields.is_valid()))
    context = {"sheet": sheet, "fields": fields, "row": row, "facts": FACTS}
    return render(request, "campaigns/form_edit.html", context, status=422 if bad else 200)


@member_view("forms.view")
def form_detail(request: MemberRequest, form_id: UUID) -> HttpResponse:
    """A form: its address, the markup to embed, its words and its latest submissions."""
    row = get_object_or_404(Form.objects.select_related("campaign", "default_owner"), pk=form_id)
    latest = queries.with_related(Submission.objects.filter(form=row)).order_by("-at", "-id")
    facts = [
        ("Kind", row.get_kind_display()),
        ("Channel", row.get_channel_display(), "unless UTM values say more"),
        ("Campaign", str(row.campaign) if row.campaign else "none", "unless utm_campaign names another"),
        (
            "Gives its leads to",
            str(row.default_owner) if row.default_owner else "the company’s owner, else the rotation",
        ),
        ("Consent", f"version {row.consent_version}, {'must' if row.consent_required else 'may'} be ticked"),
        ("State", "open" if row.is_active else "closed"),
    ]
    context = {
        "row": row,
        "facts": facts,
        "url": queries.hosted_url(row),
        "form_key": str(row.pk),
        "consent_note": f"version {row.consent_version}",
        "embed": queries.embed_html(row),
        "counts": queries.counts_of([row], clock.now())[row.pk],
        "submissions": _shown(list(latest[:10])),
    }
    return render(request, "campaigns/form_detail.html", context)


@member_view("forms.edit")
@require_POST
def form_switch(request: MemberRequest, form_id: UUID) -> HttpResponse:
    """Open or close a form."""
    row = get_object_or_404(Form.objects.all(), pk=form_id)
    try:
        actions.update_form(form=row, changes={"is_active": not row.is_active}, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{row.name} is open." if row.is_active else f"{row.name} is closed: visitors read so."
    return hx_redirect(request, reverse("form_detail", args=[request.workspace.slug, row.pk]), toast=words)


@member_view("forms.view")
def submission_list(request: MemberRequest) -> HttpResponse:
    """Everything that was submitted, the newest first; `?state=suspect` is what waits for a look."""
    filters = SubmissionFilter(request.GET, queryset=Submission.objects.all(), request=request)
    rows = filters.qs
    try:
        page = keyset(queries.with_related(rows), order=ORDER, cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    count = count_up_to(rows)
    form = Form.objects.filter(pk=filters.form.cleaned_data.get("form")).first() if filters.form.is_valid() else None
    context = {
        "filters": filters.form,
        "form": form,
        "submissions": _shown(page.rows),
        "page": page,
        "count": count,
        "filtered": bool(request.GET.get("state") or form),
    }
    return render_page(
        request, "campaigns/submission_list.html", context, partial="results", announce=f"{count} submissions"
    )


@member_view("forms.view", post="leads.edit")
def submission_detail(request: MemberRequest, submission_id: UUID) -> HttpResponse:
    """What was sent, where from, and the receipt of what followed; POST takes in what is suspect or incomplete."""
    row = get_object_or_404(queries.with_related(Submission.objects.all()), pk=submission_id)
    accept = AcceptForm(request.POST or None, initial={"email": row.data.get("email", "")})
    if request.method == "POST" and accept.is_valid():
        try:
            row = actions.accept_submission(
                submission=row, by=actor_of(request), now=clock.now(), email=accept.cleaned_data["email"] or None
            )
        except AppError as error:
            accept.add_error(error.field if error.field in accept.fields else None, error.message)
        else:
            url = reverse("submission_detail", args=[request.workspace.slug, row.pk])
            return hx_redirect(request, url, toast="Taken in: it stands in the queue.")
    came = [
        ("Page", row.url or None),
        ("Came from", row.referrer or None),
        *[(name.replace("utm_", "UTM "), value) for name, value in row.utm.items()],
        ("Network address", row.ip),
        ("Browser", row.user_agent or None),
    ]
    steps = [step | {"at": parse_datetime(step["at"])} for step in steps_in_words(row.routing)]
    context: dict[str, Any] = {
        "row": row,
        "title": _shown([row])[0].who,
        "consent_note": f"version {row.consent_version}",
        "tone": queries.TONES[Submission.State(row.state)],
        "answers": queries.answers_of(row),
        "came": came,
        "steps": steps,
        "routing": row.routing,
        "accept": accept,
    }
    return render(request, "campaigns/submission_detail.html", context, status=422 if accept.errors else 200)


def _shown(rows: list[Any]) -> list[Any]:
    """Rows with their tone and what to call whoever sent them."""
    for row in rows:
        name = " ".join(str(row.data.get(part, "")) for part in ("first_name", "last_name")).strip()
        row.tone = queries.TONES[row.state]
        row.who = str(row.person or name or row.data.get("full_name") or row.data.get("email") or "no name")
    return rows
