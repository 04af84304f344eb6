"""The only allauth subclasses: system mail becomes a row, TOTP seeds are sealed."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.actions.keys import MFA_PURPOSE
from accounts.actions.system_mail import plan_system_mail
from leadgen.core import clock, secrets
from leadgen.core.client import client_address


def on_our_site(url: str) -> str:
    """The same address at SITE_URL: a link in a mail must not follow the Host header of whoever caused it."""
    parts = urlsplit(url)
    return settings.SITE_URL + parts.path + (f"?{parts.query}" if parts.query else "")


class AccountAdapter(DefaultAccountAdapter):
    """allauth would talk to the mail server inside the request; here its mail is a row, sent after the commit."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        kind = template_prefix.rsplit("/", 1)[-1]
        links = {key: on_our_site(value) for key, value in context.items() if key.endswith("_url")}
        links["sessions_url"] = settings.SITE_URL + reverse("usersessions_list")
        words = {**context, **links, "email": email}
        subject = " ".join(render_to_string(f"emails/{kind}/subject.txt", words).split())
        text = render_to_string(f"emails/{kind}/body.txt", words).strip() + "\n"
        plan_system_mail(kind=kind, to=email, subject=subject, text=text, now=clock.now())

    def get_client_ip(self, request: HttpRequest) -> str:
        """What log-in limits and the list of sessions go by."""
        return client_address(request) or "127.0.0.1"


class MfaAdapter(DefaultMFAAdapter):
    """allauth's own `encrypt` is a no-op: seeds would lie in clear."""

    def encrypt(self, text: str) -> str:
        return secrets.seal(text, purpose=MFA_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text, purpose=MFA_PURPOSE)
