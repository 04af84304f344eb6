"""Where a webhook of signals is called: no cookie, no log-in; the signature over the body is the authority."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leadgen.core import clock
from leadgen.core.api import error_body
from leadgen.core.errors import AppError
from leadgen.core.public_tokens import read_public_token
from leadgen.core.tenancy import workspace_scope
from prospects.actions.signals_sources import receive
from prospects.models import SignalSource

MAX_BODY = 1024 * 1024


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def signal_webhook(request: HttpRequest, token: str) -> JsonResponse:
    """One signal, a list of them or `{"signals": [...]}`, signed by the rules of Standard Webhooks. GET changes nothing."""
    found = read_public_token("signals", token)
    if found is None:
        return JsonResponse(error_body("not_found", "No such address."), status=404)
    if request.method != "POST":
        return JsonResponse({"ok": True})  # some senders look whether the address is there before they use it
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        return JsonResponse(error_body("too_large", "The request is larger than 1 MB."), status=413)
    body = request.body  # before anything parses it: the signature covers these bytes
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        with workspace_scope(found[0]):
            source = SignalSource.objects.filter(pk=found[1], kind=SignalSource.Kind.WEBHOOK).first()
            if source is None:
                return JsonResponse(error_body("not_found", "No such address."), status=404)
            done = receive(source=source, headers=headers, body=body, now=clock.now())
    except AppError as error:
        return JsonResponse(error_body(error.code, error.message, field=error.field), status=error.status)
    return JsonResponse({"received": done.received, "new": done.new, "unmatched": done.unmatched})
