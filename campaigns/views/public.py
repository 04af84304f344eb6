"""Public addresses: unsubscribe, clicks, inbound mail. Each enters the workspace its signed token names."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Workspace
from campaigns.actions.clicks import record_hit
from campaigns.actions.freshness import read_complete_to, vouch_read
from campaigns.actions.inbound import receive_mail, verify_signature
from campaigns.actions.unsubscribes import unsubscribe as do_unsubscribe
from campaigns.models import Mailbox, Message, TrackedLink
from campaigns.queries.hosts import workspace_of_host
from campaigns.rules.tokens import read_public_token
from leadgen.core import clock
from leadgen.core.api import error_body
from leadgen.core.client import client_address
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope

MAX_MAIL = 25 * 1024 * 1024


def by_token(kind: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Read the token, enter its workspace and hand the view the row's id; a broken or foreign token is a 404 without a trace."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, token: str) -> HttpResponse:
            found = read_public_token(kind, token)
            if found is None:
                raise Http404("This link is not complete. Copy it whole from the mail.")
            only = getattr(request, "tracking_workspace", None)  # set by TrackingHostMiddleware
            if only is not None and only != found[0]:
                raise Http404("This link belongs to another address.")
            with workspace_scope(found[0]):
                response = view(request, found[1])
                # Rendered here, while the workspace is set.
                rendered: Any = getattr(response, "render", None)
                return rendered() if callable(rendered) else response

        return guarded

    return decorate


# No cookie is read or needed (RFC 8058 section 3.1): the signed token is the authority, so CSRF has nothing to protect.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@by_token("unsubscribe")
def unsubscribe(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
    """GET shows a page and changes nothing, because scanners open links; POST unsubscribes, with one click or by the button."""
    message = Message.objects.select_related("person", "campaign").filter(pk=message_id).first()
    if message is None:
        raise Http404("This link has ended.")
    workspace = Workspace.objects.get(pk=message.workspace_id)
    # Nothing here needs a token against forgery, so none is made and no cookie is set.
    context = {"workspace_name": workspace.name, "address": message.to_address, "done": False, "csrf_token": ""}
    if request.method == "POST":
        one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        do_unsubscribe(message=message, how="one click" if one_click else "the link in the mail", now=clock.now())
        context["done"] = True
    return render(request, "campaigns/unsubscribe.html", context)


@require_http_methods(["GET", "HEAD"])
def click(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the raw hit and go to the stored address; nothing in the request can change where.

    What the hit means is decided by a worker: a GET changes no score, lead or sequence. The hidden link of a mail has the
    same kind of address and leads nowhere.
    """
    kind = "click" if read_public_token("click", token) else "hidden"
    return (_hidden if kind == "hidden" else _click)(request, token)


@by_token("click")
def _click(request: HttpRequest, link_id: uuid.UUID) -> HttpResponse:
    link = TrackedLink.objects.select_related("message").filter(pk=link_id).first()
    if link is None:
        raise Http404("This link has ended.")
    _keep_hit(request, link.message, link)
    response = HttpResponseRedirect(link.url)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


@by_token("hidden")
def _hidden(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
    message = Message.objects.filter(pk=message_id).first()
    if message is None:
        raise Http404("This link has ended.")
    _keep_hit(request, message, None)
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _keep_hit(request: HttpRequest, message: Message, link: TrackedLink | None) -> None:
    record_hit(
        message=message,
        link=link,
        method=request.method or "GET",
        user_agent=request.headers.get("User-Agent", ""),
        ip=client_address(request),
        headers=request.headers,
        now=clock.now(),
    )


@require_http_methods(["GET", "HEAD"])
def tls_ask(request: HttpRequest) -> HttpResponse:
    """A proxy asks before it gets a certificate (Caddy's on_demand_tls.ask): 200 for a verified tracking domain, else 404."""
    if not workspace_of_host(request.GET.get("domain", "")):
        raise Http404("Not a tracking domain of this installation.")
    return HttpResponse("yes\n", content_type="text/plain")


# Mail servers and scripts have no cookie; the signature over the body is the authority.
@csrf_exempt
@require_http_methods(["POST"])
def inbound(request: HttpRequest, token: str) -> JsonResponse:
    """Raw MIME of one mail that came to a mailbox, signed with its key: `X-Leadgen-Signature: t=<unix>,v1=<hmac>`.

    An empty body is a heartbeat. With `X-Leadgen-Complete-To: <unix>` the gateway vouches that every mail that had arrived
    by then was handed in; a heartbeat without it vouches for the time it was signed.
    """
    found = read_public_token("inbound", token)
    if found is None:
        return JsonResponse(error_body("not_found", "No such inbound address."), status=404)
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_MAIL:
        return JsonResponse(error_body("too_large", "The mail is larger than 25 MB."), status=413)
    raw, now = request.body, clock.now()
    with workspace_scope(found[0]):
        mailbox = Mailbox.objects.filter(pk=found[1]).first()
        if mailbox is None:
            return JsonResponse(error_body("not_found", "No such inbound address."), status=404)
        try:
            at = verify_signature(
                mailbox=mailbox, raw=raw, header=request.headers.get("X-Leadgen-Signature", ""), now=now
            )
            header = request.headers.get("X-Leadgen-Complete-To", "")
            complete_to = read_complete_to(header=header, signed_at=at, is_heartbeat=not raw)
            mail, is_new = receive_mail(mailbox=mailbox, raw=raw, now=now) if raw else (None, False)
            if complete_to is not None and mailbox.sync == Mailbox.Sync.PUSH:
                vouch_read(mailbox_id=mailbox.pk, complete_to=complete_to, now=now)
        except AppError as error:
            return JsonResponse(error_body(error.code, error.message, field=error.field), status=error.status)
        mailbox.refresh_from_db(fields=["synced_at"])
    if mail is None:
        return JsonResponse({"complete_to": mailbox.synced_at})
    return JsonResponse(
        {"id": str(mail.pk), "kind": mail.kind, "effect": mail.effect, "duplicate": not is_new},
        status=201 if is_new else 200,
    )
