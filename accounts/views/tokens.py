"""API tokens: list, make (shown once), revoke."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.actions.tokens import create_token, revoke_token
from accounts.forms.tokens import TokenForm
from accounts.models import ApiToken
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, render_page
from leadgen.core.pagination import Order, keyset


@member_view("tokens.view")
def token_list(request: MemberRequest) -> HttpResponse:
    """Tokens of the workspace, newest first; never their secrets."""
    rows = ApiToken.objects.select_related("member")
    page = keyset(rows, order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    now = clock.now()
    for token in page.rows:
        token.state = (
            "revoked" if token.revoked_at else "expired" if token.expires_at and token.expires_at <= now else ""
        )
        if not token.state and not token.member.is_active:
            token.state = "member left"
    context = {
        "tokens": page.rows,
        "next_url": f"?cursor={page.next}" if page.next else "",
        "previous_url": f"?cursor={page.previous}" if page.previous else "",
    }
    return render_page(request, "accounts/token_list.html", context, partial="results")


@never_cache
@sensitive_variables("text")
@member_view("tokens.edit")
def token_create(request: MemberRequest) -> HttpResponse:
    """Make a token. Its text stands in this one answer and nowhere else, not even in the session."""
    form = TokenForm(request.POST or None, by=request.member)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        data = form.cleaned_data
        try:
            token, text = create_token(
                by=actor_of(request),
                name=data["name"],
                scopes=data["scopes"],
                expires_at=form.expires_at(now),
                now=now,
            )
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            rows = [
                ("Acts as", str(token.member)),
                ("Scopes", ", ".join(token.scopes)),
                ("Ends", date_format(token.expires_at, "j F Y") if token.expires_at else "never"),
            ]
            return render(request, "accounts/token_created.html", {"token": token, "text": text, "rows": rows})
    return render(request, "accounts/token_create.html", {"form": form}, status=422 if form.errors else 200)


@member_view("tokens.edit")
@require_POST
def token_revoke(request: MemberRequest, token_id: UUID) -> HttpResponse:
    """End a token at once."""
    token = get_object_or_404(ApiToken.objects.all(), pk=token_id)
    revoke_token(by=actor_of(request), token=token, now=clock.now())
    url = reverse("token_list", args=[request.workspace.slug])
    return hx_redirect(request, url, toast=f"{token.name} is revoked. Programs that use it are refused from now on.")
