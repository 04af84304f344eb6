"""Forms of mailboxes: the page with every connection setting, and holding one."""

from typing import Any

from django import forms

from accounts.queries.zones import zone_choices
from campaigns.actions.mailboxes import ESP_SETTINGS, FIELDS, SECRETS
from campaigns.models import Mailbox
from campaigns.rules import providers
from campaigns.transports import services
from prospects.forms.fields import OwnerField

WEEKDAYS = [(day, name) for day, name in enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])]
# Needed where their part of the form is shown at all; the actions say which one is missing.
ASKED_FOR = (
    "route", "auth", "host", "port", "security", "esp", "sync", "imap_host", "imap_port", "imap_security",
    "gap_jitter_seconds", "weight",
)  # fmt: skip
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


def _time(label: str, words: str = "") -> forms.TimeField:
    return forms.TimeField(
        required=False, label=label, help_text=words, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


class MailboxForm(forms.Form):
    """Secrets go in and never come out: on an existing mailbox, empty keeps the stored one. What another route or way to
    log in would need is hidden by the style sheet and ignored here."""

    address = forms.EmailField(max_length=254, label="E-mail address")
    from_name = forms.CharField(
        max_length=120, label="Sender's name", help_text="What people see, such as Ana Ferreira."
    )
    member = OwnerField(required=False, label="Whose it is")
    provider = forms.ChoiceField(
        choices=providers.CHOICES, required=False, label="Provider", help_text="Fills in its servers below."
    )
    route = forms.ChoiceField(choices=Mailbox.Route.choices, required=False, label="Mail goes out over")
    auth = forms.ChoiceField(
        choices=Mailbox.Auth.choices, required=False, label="Log in with",
        help_text="Google and Microsoft ask you to agree after saving; no password is stored.",
    )  # fmt: skip
    host = _host("SMTP server", "smtp.provider.example")
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=587, required=False)
    security = forms.ChoiceField(choices=Mailbox.Security.choices, initial=Mailbox.Security.STARTTLS, required=False)
    username = forms.CharField(max_length=254, required=False, label="User name", help_text="Often the address itself.")
    password = _secret(
        "Password", "Stored encrypted and never shown again. An app password, where the provider has such."
    )
    esp = forms.ChoiceField(choices=services.CHOICES, required=False, label="Sending service")
    esp_key = _secret("API key", "Stored encrypted and never shown again. Postmark calls it server token.")
    esp_secret = _secret("Secret key", "Mailjet only.")
    esp_domain = _host("Sending domain", "mg.acme.example")
    esp_region = forms.ChoiceField(choices=services.REGIONS, required=False, label="Its servers stand in")
    webhook_key = _secret(
        "Key its webhooks are signed with",
        "Mailgun and Resend show one; without it our own secret in the address proves them.",
    )
    sync = forms.ChoiceField(
        choices=Mailbox.Sync.choices, required=False, label="Answers are read by", initial=Mailbox.Sync.IMAP,
        help_text="Follow-ups wait unless answers were read within 15 minutes.",
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
    daily_cap = forms.IntegerField(
        min_value=1, max_value=10_000, initial=30, label="Most e-mails in 24 hours",
        help_text="Of any 24 hours, not of a calendar day.",
    )  # fmt: skip
    min_gap_seconds = forms.IntegerField(
        min_value=0, max_value=86_400, initial=60, label="Seconds between two",
        help_text="0: as fast as the server takes them.",
    )  # fmt: skip
    gap_jitter_seconds = forms.IntegerField(
        min_value=0, max_value=86_400, initial=0, required=False, label="Up to so many seconds more",
        help_text="Each gap is longer by a random part of it.",
    )  # fmt: skip
    domain_cap = forms.IntegerField(
        min_value=1, max_value=10_000, required=False, label="Most to one company in 24 hours",
        help_text="To one recipient domain. Empty: no limit of its own.",
    )  # fmt: skip
    weight = forms.IntegerField(
        min_value=1, max_value=100, initial=1, required=False, label="Share of a pool",
        help_text="A mailbox with 2 gets twice as many people as one with 1.",
    )  # fmt: skip
    warmed_up = forms.CharField(
        max_length=250, required=False, label="Warmed up already?",
        help_text="A new mailbox starts with 5 e-mails a day and earns more by evidence. If this one needs no ramp, say how "
        "you know; it stands in the audit log.",
        widget=forms.TextInput(attrs={"placeholder": "such as “in daily use for two years”"}),
    )  # fmt: skip
    window_start = _time("Sends from", "Empty: whenever the sequence may.")
    window_end = _time("Sends until", "00:00 is midnight.")
    window_weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple, initial=[0, 1, 2, 3, 4], label="On",
        required=False,
    )  # fmt: skip
    time_zone = forms.ChoiceField(required=False, label="Time zone of its window")
    signature = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Plain text below every e-mail of this mailbox.",
    )  # fmt: skip

    def __init__(self, *args: Any, mailbox: Mailbox | None = None, esp: dict[str, str] | None = None, **kwargs: Any):
        self.mailbox = mailbox
        if mailbox is not None:
            kwargs["initial"] = {name: getattr(mailbox, name) for name in FIELDS} | {
                "member": str(mailbox.member_id or ""),
                "provider": _provider(mailbox),
                **{name: (esp or {}).get(name.removeprefix("esp_"), "") for name in ESP_SETTINGS},
            }
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = [("", "The workspace’s"), *zone_choices()]
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
        for name in (*FIELDS, *ESP_SETTINGS):
            sent = name in self.data or name in {"member", "copy_to_sent"}
            value = self.cleaned_data.get(name)
            if name == "copy_to_sent" and "sync" not in self.data:
                continue
            if sent and not (value in (None, "") and name in {"port", "imap_port", "route", "auth", "sync", "weight"}):
                found[name] = value
        if "window_start" in self.data and "window_weekdays" not in self.data:
            found["window_weekdays"] = []
        for name in ("security", "imap_security"):
            if found.get(name) == "":
                found.pop(name)
        if "gap_jitter_seconds" in found:
            found["gap_jitter_seconds"] = found["gap_jitter_seconds"] or 0
        return found | {name: self.cleaned_data[name] for name in SECRETS if self.cleaned_data.get(name)}


def _provider(mailbox: Mailbox) -> str:
    found = providers.provider_of_host(mailbox.host or mailbox.imap_host)
    return found.key if found else providers.OWN


class HoldForm(forms.Form):
    """Why nothing may be sent from it for now."""

    reason = forms.CharField(
        max_length=300, widget=forms.TextInput(attrs={"placeholder": "such as “3 % bounces, list is being cleaned”"}),
        help_text="Everybody who waits for this mailbox reads it.",
    )  # fmt: skip
