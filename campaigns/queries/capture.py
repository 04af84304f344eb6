"""Forms with what came through them, their public address, and the markup that embeds them elsewhere."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.utils.html import escape

from campaigns.models import Form, Submission
from campaigns.queries.mail import public_url
from campaigns.rules import capture as rules
from campaigns.rules.tokens import public_token
from leadgen.core.visibility import everyone

State = Submission.State
TONES = {State.ACCEPTED: "success", State.SUSPECT: "neutral", State.INCOMPLETE: "neutral"}
LATELY = timedelta(days=30)


def hosted_url(form: Form) -> str:
    """The public page of a form; a plain POST goes to the same address."""
    return public_url("hosted_form", public_token("form", workspace_id=form.workspace_id, row=form.pk))


@everyone()  # numbers of the whole workspace, whoever looks
def counts_of(forms: Iterable[Form], now: datetime) -> dict[UUID, dict[str, Any]]:
    """{form id: {accepted, suspect, incomplete, last}} of the last 30 days; `last` is of all time. One query."""
    recent = Q(at__gt=now - LATELY)
    rows = (
        Submission.objects.filter(form__in=[form.pk for form in forms])
        .order_by()
        .values("form")
        .annotate(
            accepted=Count("pk", filter=recent & Q(state=State.ACCEPTED)),
            suspect=Count("pk", filter=recent & Q(state=State.SUSPECT)),
            incomplete=Count("pk", filter=recent & Q(state=State.INCOMPLETE)),
            last=Max("at"),
        )
    )
    found = {row["form"]: row for row in rows}
    none = {"accepted": 0, "suspect": 0, "incomplete": 0, "last": None}
    return {form.pk: found.get(form.pk, none) for form in forms}


def with_related(queryset: "QuerySet[Submission]") -> "QuerySet[Submission]":
    """What a row of the list and the page of a submission show."""
    return queryset.select_related("form", "person", "company", "lead", "lead__owner", "accepted_by")


def answers_of(submission: Submission) -> list[tuple[str, Any]]:
    """(label, value) as the form asks; what it no longer asks stands under its own name."""
    labels = {item["name"]: item["label"] for item in submission.form.fields}
    order = [*labels, *(name for name in submission.data if name not in labels)]
    return [(labels.get(name, name), submission.data.get(name) or None) for name in order if name in submission.data]


def embed_html(form: Form) -> str:
    """Plain markup for another site: no script, no style of ours. Fields, consent, the hidden trap."""
    lines = [f'<form action="{escape(hosted_url(form))}" method="post">']
    for item in form.fields:
        required = " required" if item.get("required") else ""
        name, label = escape(item["name"]), escape(item["label"])
        match item["type"]:
            case "textarea":
                control = f'<textarea name="{name}" rows="4"{required}></textarea>'
            case "select":
                options = "".join(f"<option>{escape(option)}</option>" for option in item["options"])
                control = f'<select name="{name}"{required}><option value=""></option>{options}</select>'
            case kind:
                control = f'<input type="{"text" if kind == "url" else kind}" name="{name}"{required}>'
        lines.append(f"  <p><label>{label}<br>{control}</label></p>")
    lines.append(
        f'  <p style="position:absolute;left:-9999px" aria-hidden="true"><label>Fax <input name="{rules.HONEYPOT}" tabindex="-1" autocomplete="off"></label></p>'
    )
    required = " required" if form.consent_required else ""
    lines.append(
        f'  <p><label><input type="checkbox" name="consent" value="yes"{required}> {escape(form.consent_text)}</label></p>'
    )
    lines += [f"  <button>{escape(form.button)}</button>", "</form>"]
    return "\n".join(lines)
