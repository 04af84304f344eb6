"""The only allauth subclasses: system mail becomes a row, TOTP seeds are sealed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.template.loader import render_to_string

from accounts.actions.system_mail import plan_system_mail
from leadgen.core import clock, secrets


class AccountAdapter(DefaultAccountAdapter):
    """allauth would talk to the mail server inside the request; here its mail is a row, sent after the commit."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        context = {**context, "email": email}
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", context).split())
        plan_system_mail(
            kind=template_prefix.rsplit("/", 1)[-1],
            to=email,
            subject=subject,
            text=render_to_string(f"{template_prefix}_message.txt", context).strip() + "\n",
            now=clock.now(),
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        return request.META.get("REMOTE_ADDR") or "127.0.0.1"


class MfaAdapter(DefaultMFAAdapter):
    """allauth's own `encrypt` is a no-op: seeds would lie in clear."""

    def encrypt(self, text: str) -> str:
        return secrets.seal(text, purpose="mfa")

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal(encrypted_text, purpose="mfa")
