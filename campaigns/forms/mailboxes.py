"""Forms of mailboxes: the page with every connection setting, and holding one."""

from typing import Any

from django import forms

from campaigns.actions.mailboxes import ESP_SETTINGS, FIELDS, PACE_FIELDS, SECRETS
from campaigns.models import Mailbox
from campaigns.rules import providers
from campaigns.transports import services
from prospects.forms.fields import OwnerField

# Needed where their part of the form is shown at all; the actions say which one is missing.
ASKED_FOR = (
    "route", "auth", "host", "port", "security", "esp", "sync", "imap_host", "imap_port", "imap_security",
)  # fmt: skip
# What this page asks for. Caps, gap and window stand on the mailbox's pace page alone.
CONNECTION_FIELDS = tuple(name for name in FIELDS if name not in PACE_FIELDS)
STORED = "One is stored. Leave empty to keep it; it is never shown."


def _secret(label: str, words: str = "", **kwargs: Any) -> forms.CharField:
    """A field that goes in and never comes out."""
    return forms.CharField(
        max_length=500, required=False, strip=False, label=label, help_text=words,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}), **kwargs,
    )  # fmt: skip


def _host(label: str, example: str) -> forms.CharField:
    return forms.CharField(
        max_length=253, required=False, label=label,
        widget=forms.TextInput(attrs={"placeholder": example, "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip


class MailboxForm(forms.Form):
    """Secrets go in and never come out: on an existing mailbox, empty keeps the stored one. What another route or way to
    log in would need is hidden by the style sheet and ignored here."""

    address = forms.EmailField(max_length=254, label="E-mail address")
    from_name = forms.CharField(
        max_length=120, label="Sender's name", help_text="What people see, such as Ana Ferreira."
    )
    member = OwnerField(required=False, label="Owner")
    provider = forms.ChoiceField(
        choices=providers.CHOICES,
        required=False,
        label="Provider",
        help_text="Fills in its servers below. Most are found by the address.",
    )
    route = forms.ChoiceField(choices=Mailbox.Route.choices, required=False, label="Send with")
    auth = forms.ChoiceField(
        choices=Mailbox.Auth.choices, required=False, label="Log in with",
        help_text="Google and Microsoft ask you to agree after saving; no password is stored.",
    )  # fmt: skip
    host = _host("SMTP server", "smtp.provider.example")
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=587, required=False)
    security = forms.ChoiceField(choices=Mailbox.Security.choices, initial=Mailbox.Security.STARTTLS, required=False)
    username = forms.CharField(max_length=254, required=False, label="User name", help_text="Often the address itself.")
    password = _secret(
        "Password", "Stored encrypted and never shown again. Use an app password where the provider offers one."
    )
    esp = forms.ChoiceField(choices=services.CHOICES, required=False, label="Sending service")
    esp_key = _secret("API key", "Stored encrypted and never shown again. Postmark calls it server token.")
    esp_secret = _secret("Secret key", "Mailjet only.")
    esp_domain = _host("Sending domain", "mg.acme.example")
    esp_region = forms.ChoiceField(choices=services.REGIONS, required=False, label="Its servers stand in")
    webhook_key = _secret(
        "Key its webhooks are signed with",
        "Mailgun, Resend and SendGrid show one; without it our own secret in the address proves them.",
    )
    sync = forms.ChoiceField(
        choices=Mailbox.Sync.choices, required=False, label="Read replies by", initial=Mailbox.Sync.IMAP,
        help_text="Follow-ups wait unless replies were read in the last 15 minutes.",
    )  # fmt: skip
    imap_host = _host("IMAP server", "imap.provider.example")
    imap_port = forms.IntegerField(min_value=1, max_value=65_535, initial=993, required=False, label="Port")
    imap_security = forms.ChoiceField(
        choices=Mailbox.Security.choices, initial=Mailbox.Security.TLS, required=False, label="Security"
    )
    imap_username = forms.CharField(
        max_length=254, required=False, label="User name", help_text="Empty: the same as for SMTP."
    )
    imap_password = _secret("Password", "Empty: the same as for SMTP.")
    copy_to_sent = forms.BooleanField(
        required=False, label="Put a copy of each e-mail into the Sent folder",
        help_text="For providers that do not do so themselves. Gmail, Microsoft 365 and Yahoo do.",
    )  # fmt: skip
    signature = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Plain text below every e-mail of this mailbox.",
    )  # fmt: skip

    def __init__(self, *args: Any, mailbox: Mailbox | None = None, esp: dict[str, str] | None = None, **kwargs: Any):
        self.mailbox = mailbox
        if mailbox is not None:
            kwargs["initial"] = {name: getattr(mailbox, name) for name in CONNECTION_FIELDS} | {
                "member": str(mailbox.member_id or ""),
                "provider": _provider(mailbox),
                **{name: (esp or {}).get(name.removeprefix("esp_"), "") for name in ESP_SETTINGS},
            }
        super().__init__(*args, **kwargs)
        if mailbox is not None:
            stored = {
                "password": mailbox.password_sealed, "imap_password": mailbox.imap_password_sealed,
                "esp_key": mailbox.esp_sealed, "esp_secret": (esp or {}).get("secret"), "webhook_key": mailbox.webhook_sealed,
            }  # fmt: skip
            for name, value in stored.items():
                if value:
                    self.fields[name].help_text = STORED
        for name in ASKED_FOR:
            # Not called optional, and yet a browser must not ask for a field that the style sheet hides.
            self.fields[name].required = True
            self.fields[name].widget.use_required_attribute = lambda initial: False
        member = self.fields["member"]
        assert isinstance(member, OwnerField)
        member.load(mailbox.member if mailbox else None)

    def full_clean(self) -> None:
        """Fields of a part that is not shown may be empty or missing."""
        for name in ASKED_FOR:
            self.fields[name].required = False
        super().full_clean()
        for name in ASKED_FOR:
            self.fields[name].required = True

    def values(self) -> dict[str, Any]:
        """What the actions take: only what was sent, without empty secrets. An older form that knows fewer fields changes
        nothing of the others."""
        found: dict[str, Any] = {}
        for name in (*CONNECTION_FIELDS, *ESP_SETTINGS):
            sent = name in self.data or name in {"member", "copy_to_sent"}
            value = self.cleaned_data.get(name)
            if name == "copy_to_sent" and "sync" not in self.data:
                continue
            if sent and not (value in (None, "") and name in {"port", "imap_port", "route", "auth", "sync"}):
                found[name] = value
        for name in ("security", "imap_security"):
            if found.get(name) == "":
                found.pop(name)
        given = {name: self.cleaned_data[name] for name in SECRETS if self.cleaned_data.get(name)}
        service = services.SERVICES.get(found.get("esp") or (self.mailbox.esp if self.mailbox else ""))
        if service is None or not service.signs:
            given.pop("webhook_key", None)  # its field is hidden then; what was typed before is no key of this service
        return found | given


def _provider(mailbox: Mailbox) -> str:
    found = providers.provider_of_host(mailbox.host or mailbox.imap_host)
    return found.key if found else providers.OWN


class HoldForm(forms.Form):
    """Why nothing may be sent from it for now."""

    reason = forms.CharField(
        max_length=300, widget=forms.TextInput(attrs={"placeholder": "such as “3 % bounces, list is being cleaned”"}),
        help_text="Everybody who waits for this mailbox reads it.",
    )  # fmt: skip
