"""A person's own profile."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actions.profile import update_profile
from accounts.forms.profile import ProfileForm
from accounts.models import User
from leadgen.core.htmx import hx_redirect


@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Name, time zone and shortcuts; password, two-factor, sessions and e-mail are allauth's pages beside it."""
    user = request.user
    assert isinstance(user, User)
    shortcuts = user.shortcuts_enabled and request.COOKIES.get("leadgen_shortcuts") != "off"
    initial = {"name": user.name, "time_zone": user.time_zone, "shortcuts_enabled": shortcuts}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        update_profile(user=user, **form.cleaned_data)
        response = hx_redirect(request, reverse("profile"), toast="Saved.")
        # The browser reads the switch from this cookie: single keys must rest before any page script ran.
        if user.shortcuts_enabled:
            response.delete_cookie("leadgen_shortcuts")
        else:
            response.set_cookie("leadgen_shortcuts", "off", max_age=31_536_000, samesite="Lax")
        return response
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)
