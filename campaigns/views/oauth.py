"""Connecting a mailbox at Google or Microsoft: ask, come back, agree, take back.

The provider sends the browser back by GET, and a GET changes nothing here: the page it lands on asks for one more click.
"""

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions import oauth as actions
from campaigns.actions.mailbox_checks import ask_check
from campaigns.models import Mailbox
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal

REMEMBERED = "mailbox_oauth"  # in the session: {nonce, verifier, mailbox} of the last request
ERRORS = {
    "access_denied": "Nobody agreed: the page of the provider was left or refused.",
    "consent_required": "An administrator has to agree first. Ask the one of your Google Workspace or Microsoft 365.",
    "admin_policy_enforced": "Your administrator does not allow this app. Ask for it to be trusted.",
}


@member_view("mailboxes.edit")
@require_POST
def mailbox_connect(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Go to the provider's consent page. A form may not be redirected there by the page's own rules (CSP form-action), so
    htmx goes by its header and everybody else by a link."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    try:
        begun = actions.begin_connect(mailbox=mailbox, slug=request.workspace.slug)
    except AppError as error:
        return refusal(request, error)
    request.session[REMEMBERED] = begun.remembered
    if request.htmx:
        response = HttpResponse(status=200)
        response["HX-Redirect"] = begun.url
        return response
    context = {"mailbox": mailbox, "url": begun.url, "provider": mailbox.auth.title(), "back": _url(request, mailbox)}
    return render(request, "campaigns/mailbox_connect.html", context)


@require_http_methods(["GET"])
def oauth_return(request: HttpRequest) -> HttpResponse:
    """The one address that is registered with the providers: on to the page of the mailbox that asked."""
    found = actions.read_state(request.GET.get("state", ""))
    if found is None:
        raise Http404(
            "This answer is older than a quarter of an hour, or belongs to no request. Connect the mailbox again."
        )
    target = reverse("mailbox_connected", args=[found["slug"], UUID(hex=found["mailbox"])])
    passed = {name: request.GET[name] for name in ("state", "code", "error") if name in request.GET}
    response = HttpResponseRedirect(f"{target}?{urlencode(passed)}")
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@sensitive_post_parameters("code")
@member_view("mailboxes.edit")
def mailbox_connected(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Back from the provider: say what comes next, and on POST keep the consent and test the mailbox."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    problem = ""
    if request.method == "POST":
        now, by = clock.now(), actor_of(request)
        remembered = request.session.pop(REMEMBERED, {})  # one try each
        try:
            actions.accept_consent(
                mailbox=mailbox, state=request.POST.get("state", ""), code=request.POST.get("code", "")[:2000],
                remembered=remembered, by=by, now=now,
            )  # fmt: skip
        except AppError as error:
            problem = error.message
        else:
            ask_check(mailbox=mailbox, by=by, now=now)
            return hx_redirect(request, _url(request, mailbox), toast=f"{mailbox.address} is connected. The test runs.")
    elif "error" in request.GET:
        said = request.GET["error"][:100]
        problem = ERRORS.get(said, f"The provider answered “{said}”.")
    elif not request.GET.get("code") or actions.read_state(request.GET.get("state", "")) is None:
        problem = "There is no consent to finish. Connect the mailbox again."
    context = {
        "mailbox": mailbox, "provider": mailbox.auth.title(), "problem": problem, "back": _url(request, mailbox),
        "state": request.GET.get("state", ""), "code": request.GET.get("code", ""),
    }  # fmt: skip
    return render(request, "campaigns/mailbox_connected.html", context, status=403 if request.method == "POST" else 200)


@member_view("mailboxes.edit")
@require_POST
def mailbox_disconnect(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Forget the consent."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    try:
        actions.disconnect(mailbox=mailbox, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = (
        f"{mailbox.address} is disconnected. Take the access back at {mailbox.auth.title()} too, in its list of apps."
    )
    return hx_redirect(request, _url(request, mailbox), toast=words)


def _url(request: MemberRequest, mailbox: Mailbox) -> str:
    return reverse("mailbox_detail", args=[request.workspace.slug, mailbox.pk])
