"""Pages of ICPs: list, page with versions, editor of the draft with its live preview."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import changed, hx_redirect, refusal, render_page
from prospects.actions import icps as actions
from prospects.actions.fit import ScoreRun
from prospects.forms.icps import Editor, NewIcpForm
from prospects.forms.icps_rows import fresh_row
from prospects.models import Icp, IcpVersion
from prospects.queries import icps as queries
from prospects.queries.fit import current_version
from prospects.rules import icps as rules
from prospects.views.listing import add_app_error, sheet_or_page


@member_view("icps.view")
def icp_list(request: MemberRequest) -> HttpResponse:
    """Every profile, the primary first; `?archived=1` those out of use."""
    archived = request.GET.get("archived") == "1"
    rows = queries.icp_rows(archived=archived)
    context = {"rows": rows, "archived": archived, "has_archived": Icp.objects.filter(is_archived=True).exists()}
    return render(request, "prospects/icp_list.html", context)


@member_view("icps.edit")
def icp_create(request: MemberRequest) -> HttpResponse:
    """A new profile: a name, then the editor."""
    form = NewIcpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = actions.create_icp(by=actor_of(request), now=clock.now(), name=form.cleaned_data["name"])
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, reverse("icp_edit", args=[request.workspace.slug, version.icp_id]))
    return sheet_or_page(request, "prospects/icp_form.html", {"form": form}, status=422 if form.errors else 200)


@member_view("icps.view")
def icp_detail(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """A profile: a version in words, how it fares on what the workspace has, and what each version changed."""
    icp = get_object_or_404(Icp.objects.select_related("created_by"), pk=icp_id)
    rows = queries.version_rows(icp)
    current = next((row.version for row in rows if row.version.published_at), None)
    wanted = request.GET.get("version", "")
    shown = next((row.version for row in rows if str(row.version.number) == wanted), None)
    if wanted and shown is None:
        raise Http404("No such version.")
    shown = shown or current or rows[0].version
    content = rules.content_of(shown)
    now = clock.now()
    context = {
        "icp": icp,
        "version": shown,
        "current": current,
        "draft": next((row.version for row in rows if not row.version.published_at), None),
        "versions": rows,
        "criteria": [{**item, "words": rules.describe_rule(item["rule"])} for item in content["criteria"]],
        "rules": _rules_in_words(content),
        "personas": [{**item, "words": rules.describe_rule(item["rule"], person=True)} for item in content["personas"]],
        "restore_fields": {"restore": "1"},
        "total_weight": sum(item["weight"] for item in content["criteria"]),
        "previews": _previews(content, now),
    }
    return render(request, "prospects/icp_detail.html", context)


@member_view("icps.edit")
def icp_edit(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """The editor of the draft. POST `action`: save, publish, more-<part> (a row without JavaScript)."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    slug, now, by = request.workspace.slug, clock.now(), actor_of(request)
    draft = IcpVersion.objects.select_related("icp").filter(icp=icp, published_at__isnull=True).first()
    if draft is None:
        # Nothing to edit: the page of the profile has the button that makes a draft.
        return hx_redirect(request, reverse("icp_detail", args=[slug, icp.pk]))
    if request.method != "POST":
        return render(
            request, "prospects/icp_edit.html", _editor(request, Editor(draft, more=request.GET.get("more", "")))
        )
    editor = Editor(draft, request.POST)
    if editor.is_valid():
        action, note = request.POST.get("action", "save"), editor.head.cleaned_data["note"]
        try:
            actions.rename_icp(icp=draft.icp, name=editor.head.cleaned_data["name"], by=by, now=now)
            actions.edit_draft(version=draft, content=editor.content, note=note, by=by, now=now)
            if action == "publish":
                return _published(request, draft, actions.publish_version(version=draft, by=by, now=now))
            more = f"?more={action[5:]}" if action.startswith("more-") else ""
            return hx_redirect(request, reverse("icp_edit", args=[slug, icp.pk]) + more, toast="Draft saved.")
        except AppError as error:
            # The transaction of the request is undone by a refusal shown with status 422 (accounts.middleware).
            editor.add_error(error)
    return render(request, "prospects/icp_edit.html", _editor(request, editor), status=422)


@member_view("icps.edit")
@require_POST
def icp_row(request: MemberRequest) -> HttpResponse:
    """A condition's row after its fact or operator was changed."""
    prefix = request.GET.get("prefix", "")
    form = fresh_row(prefix, request.POST, field_changed=request.GET.get("changed") == "field")
    if form is None:
        raise Http404("No such row.")
    context = {"form": form, "part": prefix.partition("-")[0], "row_url": request.path}
    return changed(render(request, "prospects/icp_row.html", context), "icp-row")


@member_view("icps.edit")
@require_POST
def icp_preview(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """The draft as it stands on the screen, tried on the companies and people there are."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    draft = IcpVersion.objects.select_related("icp").filter(icp=icp, published_at__isnull=True).first()
    if draft is None:
        # The last preview of a page whose own "Publish" was faster: nothing to say, the next page is on its way.
        return HttpResponse(status=204)
    editor = Editor(draft, request.POST)
    try:
        content, broken = editor.usable()
    except AppError as error:
        return refusal(request, error)
    previews = _previews(content, clock.now())
    context = {"previews": previews, "broken": broken}
    hint = previews[0].hint
    return render_page(request, "prospects/icp_preview.html", context, partial="preview", announce=hint)


@member_view("icps.edit")
@require_POST
def icp_draft(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """Make a new draft from the version in force (or find the one under way), and edit it."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    try:
        actions.draft_of(icp=icp, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, reverse("icp_edit", args=[request.workspace.slug, icp.pk]))


@member_view("icps.edit")
@require_POST
def icp_discard(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """Throw the draft away."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    draft = get_object_or_404(IcpVersion.objects.select_related("icp"), icp=icp, published_at__isnull=True)
    try:
        actions.discard_draft(version=draft, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    left = Icp.objects.filter(pk=icp.pk).exists()
    url = (
        reverse("icp_detail", args=[request.workspace.slug, icp.pk])
        if left
        else reverse("icp_list", args=[request.workspace.slug])
    )
    return hx_redirect(request, url, toast="The draft is gone.")


@member_view("icps.edit")
@require_POST
def icp_primary(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """Make this the profile whose fit is shown everywhere."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    return _act(request, icp, actions.set_primary_icp, f"{icp.name} is the primary ICP now.")


@member_view("icps.edit")
@require_POST
def icp_archive(request: MemberRequest, icp_id: UUID) -> HttpResponse:
    """Take a profile out of use, or (POST `restore`) back into it."""
    icp = get_object_or_404(Icp.objects.all(), pk=icp_id)
    if request.POST.get("restore"):
        return _act(request, icp, actions.restore_icp, f"{icp.name} is in use again.")
    return _act(request, icp, actions.archive_icp, f"{icp.name} is archived.")


def _act(request: MemberRequest, icp: Icp, action: Any, words: str) -> HttpResponse:
    try:
        action(icp=icp, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, reverse("icp_detail", args=[request.workspace.slug, icp.pk]), toast=words)


def _previews(content: dict[str, Any], now: Any) -> list[queries.Preview]:
    """Companies, and people too where personas say who they should be."""
    found = [queries.preview(content, now=now)]
    if content["personas"]:
        found.append(queries.preview(content, now=now, people=True))
    return found


def _rules_in_words(content: dict[str, Any]) -> list[tuple[Any, ...]]:
    grades = content["grades"]
    return [
        ("Must have", rules.describe_rule(content["must"]) or "nothing"),
        ("Exclude", rules.describe_rule(content["exclude"]) or "nobody"),
        ("Grades", f"A from {grades['A']}, B from {grades['B']}, C from {grades['C']}"),
    ]


def _editor(request: MemberRequest, editor: Editor) -> dict[str, Any]:
    icp = editor.version.icp
    label = f"version {editor.version.number}"
    return {
        "draft_label": f"draft of {label}",
        "publish_question": f"Publish {label}? It cannot be changed afterwards, and everybody is scored by it.",
        "editor": editor,
        "icp": icp,
        "version": editor.version,
        "current": current_version(icp),
        "row_url": reverse("icp_row", args=[request.workspace.slug]),
    }


def _published(request: MemberRequest, version: IcpVersion, run: ScoreRun | None) -> HttpResponse:
    url = reverse("icp_detail", args=[request.workspace.slug, version.icp_id])
    done = "Everybody is being scored." if run is None else f"{run.looked_at:,} companies and people are scored."
    return hx_redirect(request, url, toast=f"Version {version.number} is in force. {done}")
