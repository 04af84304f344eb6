"""Where a sending service tells what became of mail, and hands in what came."""

from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.actions import esp as actions
from campaigns.models import Mailbox
from campaigns.rules.tokens import read_public_token
from leadgen.core import clock
from leadgen.core.api import error_body
from leadgen.core.errors import AppError, NotFound
from leadgen.core.tenancy import workspace_scope

MAX_EVENTS = 5 * 1024 * 1024
MAX_MAIL = 30 * 1024 * 1024


# A service has no cookie; its signature, or our secret in the address it calls, is the authority.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def events(request: HttpRequest, token: str) -> JsonResponse:
    """Bounces, complaints, opt-outs and deliveries; opens and clicks are not counted. GET and HEAD change nothing."""
    return _receive(request, token, inbound=False, limit=MAX_EVENTS)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def inbound(request: HttpRequest, token: str) -> JsonResponse:
    """One mail that came to the mailbox, in the service's own form."""
    return _receive(request, token, inbound=True, limit=MAX_MAIL)


def _receive(request: HttpRequest, token: str, *, inbound: bool, limit: int) -> JsonResponse:
    found = read_public_token("esp", token)
    if found is None:
        return JsonResponse(error_body("not_found", "No such address."), status=404)
    if request.method != "POST":
        return JsonResponse({"ok": True})  # some services look whether the address is there before they use it
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > limit:
        return JsonResponse(error_body("too_large", "The request is too large."), status=413)
    body = request.body  # before anything parses the form: a signature covers these bytes
    try:
        done = _handle(*found, request=request, body=body, inbound=inbound)
    except AppError as error:
        return JsonResponse(error_body(error.code, error.message, field=error.field), status=error.status)
    return JsonResponse({"received": done.received, "changed": done.changed})


def _handle(workspace_id: UUID, mailbox_id: UUID, *, request: HttpRequest, body: bytes, inbound: bool) -> actions.Done:
    """Between the two transactions a mail may be fetched from the service: no lock and no connection waits for it."""
    now = clock.now()
    with workspace_scope(workspace_id):
        read = actions.admit(mailbox=_mailbox(mailbox_id), request=request, body=body, inbound=inbound, now=now)
    try:
        told = read()
    except actions.Unfetched as error:
        with workspace_scope(workspace_id):
            actions.note_unfetched(mailbox=_mailbox(mailbox_id), error=error, now=now)
        raise
    with workspace_scope(workspace_id):
        return actions.carry_out(mailbox=_mailbox(mailbox_id), found=told, now=now)


def _mailbox(mailbox_id: UUID) -> Mailbox:
    mailbox = Mailbox.objects.filter(pk=mailbox_id, route=Mailbox.Route.ESP).first()
    if mailbox is None:
        raise NotFound("No such address.")
    return mailbox
