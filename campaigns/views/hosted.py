"""A form's public page, and the plain POST from elsewhere: one address, without cookies, with or without JavaScript."""

import ipaddress
import json
import secrets as random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from accounts.models import Workspace
from campaigns.actions.capture import Sent, refuse_inactive, submit
from campaigns.models import Form
from campaigns.rules import capture as rules
from campaigns.rules.tokens import read_public_token
from leadgen.core import clock, secrets
from leadgen.core.api import error_body
from leadgen.core.client import client_address
from leadgen.core.errors import AppError, Invalid
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope

MAX_BODY = 200_000
# Submissions of one form from one address (IPv6: one /64) in one window.
LIMIT = 20
WINDOW = 600
AUTOCOMPLETE = {
    "email": "email", "first_name": "given-name", "last_name": "family-name", "full_name": "name", "phone": "tel",
    "company": "organization", "title": "organization-title", "country": "country-name", "city": "address-level2",
    "website": "url",
}  # fmt: skip


# No cookie is read: the token names the form, and anybody may submit it from any site.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def hosted_form(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the form; POST takes it in, as form data or JSON, and answers a page or (if asked) JSON."""
    found = read_public_token("form", token)
    if found is None:
        raise Http404("There is no form at this address.")
    if request.method == "OPTIONS":
        return _open_to_all(HttpResponse(status=204))
    with workspace_scope(found[0]):
        form = (
            Form.objects.select_related("campaign", "default_owner", "default_owner__user").filter(pk=found[1]).first()
        )
        if form is None:
            raise Http404("There is no form at this address.")
        workspace = Workspace.objects.get(pk=form.workspace_id)
        if request.method != "POST":
            return _page(request, form, workspace, hidden=_hidden_of(request, form))
        return _open_to_all(_take(request, form, workspace))


def _take(request: HttpRequest, form: Form, workspace: Workspace) -> HttpResponse:
    now, as_json = clock.now(), _wants_json(request)
    try:
        data = _data(request)
        refuse_inactive(form)
    except AppError as error:
        if as_json:
            return JsonResponse(
                error_body(error.code, error.message), status=410 if error.code == "closed" else error.status
            )
        return _page(
            request, form, workspace, problem=error.message, status=410 if error.code == "closed" else error.status
        )
    ip = client_address(request)
    wait = _seconds_to_wait(form, ip, now)
    hidden = {name: str(data.get(name, ""))[:500] for name in ("nonce", "referrer", "page_url", *rules.UTM)}
    if wait:
        words = (
            f"Too many were sent from your network. Try again in {-(-wait // 60)} min; what you typed is still here."
        )
        response: HttpResponse
        if as_json:
            response = JsonResponse(error_body("rate_limited", words), status=429)
        else:
            response = _page(request, form, workspace, data=data, hidden=hidden, problem=words, status=429)
        response["Retry-After"] = str(wait)
        return response
    row, reading, is_new = submit(form=form, sent=_sent(request, form, data, ip, now), now=now)
    if row is None or row.state == row.State.INCOMPLETE:
        errors = reading.errors or {"": "Nothing was filled in."}
        if as_json:
            field, message = next(iter(errors.items()))
            body = error_body("invalid", message, field=field, detail={"fields": errors})
            response = JsonResponse(body, status=422)
        else:
            response = _page(request, form, workspace, data=data, hidden=hidden, errors=errors, status=422)
        # Refused, and kept all the same: a person can take it in by hand.
        kept: Any = response
        kept.keeps_writes = True
        return response
    # A suspect one gets the same answer: a program learns nothing from it.
    if as_json:
        return JsonResponse({"id": str(row.pk), "message": form.thank_you}, status=201 if is_new else 200)
    context = {"form": form, "workspace_name": workspace.name, "done": True}
    return render(request, "campaigns/hosted_form.html", context)


def _sent(request: HttpRequest, form: Form, data: Mapping[str, Any], ip: str | None, now: datetime) -> Sent:
    nonce = str(data.get("nonce", ""))[:200]
    came_from = request.headers.get("Referer", "")
    return Sent(
        data=data,
        nonce=nonce,
        opened=rules.read_nonce(nonce, form=form.pk.hex, key=secrets.derive("form-nonce"), now=now) if nonce else None,
        ip=ip,
        user_agent=request.headers.get("User-Agent", ""),
        referrer=str(data.get("referrer", "")),
        url=str(data.get("page_url", "")) or came_from,
        given_key=request.headers.get("Idempotency-Key", "")[:200],
    )


def _data(request: HttpRequest) -> Mapping[str, Any]:
    """The POSTed values, from the query string where the body has none (UTM). Raises Invalid."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise Invalid("This is too much for a form.", code="too_large")
    data: dict[str, Any] = {name: request.GET.get(name, "") for name in rules.UTM}
    if request.content_type == "application/json":
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise Invalid("The body is not JSON.", code="not_json") from error
        if not isinstance(body, dict):
            raise Invalid("Send one JSON object.", code="not_json")
        return data | body
    return data | request.POST.dict()


def _wants_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json" or "application/json" in request.headers.get("Accept", "")


def _hidden_of(request: HttpRequest, form: Form) -> dict[str, str]:
    """What the page carries along: its nonce, the UTM values of its address, where the visitor came from."""
    now = clock.now()
    nonce = rules.make_nonce(form=form.pk.hex, at=now, random=random.token_hex(8), key=secrets.derive("form-nonce"))
    utm = rules.read_utm(request.GET, request.headers.get("Referer", ""))
    return {
        "nonce": nonce,
        "referrer": request.headers.get("Referer", "")[:500],
        "page_url": request.build_absolute_uri()[:500],
        **{name: utm.get(name, "") for name in rules.UTM},
    }


def _seconds_to_wait(form: Form, ip: str | None, now: datetime) -> int:
    """0, or how long until this address may submit again. A cache that is away lets everybody through."""
    slot, passed = divmod(int(now.timestamp()), WINDOW)
    key = f"ws:{form.workspace_id}:form:{form.pk}:{_network(ip)}:{slot}"
    try:
        cache.add(key, 0, timeout=WINDOW + 60)
        count = cache.incr(key)
    except (RedisError, ValueError) as error:
        log.warning("form_limit_unavailable", form=str(form.pk), error=str(error))
        return 0
    return WINDOW - passed if count > LIMIT else 0


def _network(ip: str | None) -> str:
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _open_to_all(response: HttpResponse) -> HttpResponse:
    """Scripts of other sites may post and read the answer; no cookie is involved."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Accept, Idempotency-Key"
    return response


def _page(
    request: HttpRequest,
    form: Form,
    workspace: Workspace,
    *,
    data: Mapping[str, Any] | None = None,
    hidden: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form with what was typed and what is wrong with it."""
    typed, wrong = data or {}, errors or {}
    fields = [
        item
        | {
            "value": str(typed.get(item["name"], "") or "")[: rules.MAX_VALUE],
            "error": wrong.get(item["name"], ""),
            "id": f"field-{item['name']}",
            "autocomplete": AUTOCOMPLETE.get(item["name"], "on"),
            "input_type": "text" if item["type"] in {"url", "number"} else item["type"],
        }
        for item in form.fields
    ]
    context = {
        "form": form,
        "workspace_name": workspace.name,
        "fields": fields,
        "hidden": dict(hidden or {}),
        "honeypot": rules.HONEYPOT,
        "consent_error": wrong.get("consent", ""),
        "consent_given": bool(typed.get("consent")),
        "problem": problem or wrong.get("", ""),
        "wrong": len([name for name in wrong if name]),
        "done": False,
    }
    response = render(request, "campaigns/hosted_form.html", context, status=status if form.is_active else 410)
    response["Cache-Control"] = "no-store"
    return response
