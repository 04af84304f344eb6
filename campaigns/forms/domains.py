"""Forms of domains: a new one, its settings, and pasted seed evidence."""

from typing import Any

from django import forms

from campaigns.models import MailDomain

ROLE_HELP = (
    "Primary: what the company lives by, its own e-mail and website. Sending: for cold mail. Tracking: the host of the "
    "links in your mails."
)


class DomainForm(forms.Form):
    """A domain's settings; with `domain`, of one that exists."""

    name = forms.CharField(
        max_length=253, label="Domain", widget=forms.TextInput(attrs={"placeholder": "acme.example", "autofocus": True})
    )
    role = forms.ChoiceField(choices=MailDomain.Role.choices, initial=MailDomain.Role.SENDING, help_text=ROLE_HELP)
    hold_cold = forms.BooleanField(
        required=False,
        label="Hold cold mail from it",
        help_text="Of a primary domain: sequence e-mails from its mailboxes wait instead of going out. Answers still go.",
    )
    dkim_selectors = forms.CharField(
        required=False,
        max_length=1000,
        label="DKIM selectors",
        help_text="The word before ._domainkey, as your provider shows it; several by commas. A seed mail finds them, too.",
    )

    def __init__(self, *args: Any, domain: MailDomain | None = None, **kwargs: Any) -> None:
        if domain is not None:
            kwargs.setdefault("initial", {}).update(
                role=domain.role, hold_cold=domain.hold_cold, dkim_selectors=", ".join(domain.dkim_selectors)
            )
        super().__init__(*args, **kwargs)
        if domain is not None:
            del self.fields["name"]

    def clean_dkim_selectors(self) -> list[str]:
        return [
            part for part in self.cleaned_data["dkim_selectors"].replace(";", ",").replace(" ", ",").split(",") if part
        ]


class SeedForm(forms.Form):
    """The source of a mail as it arrived."""

    raw = forms.CharField(
        max_length=2_000_000,
        label="Source of a mail",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="A mail from this domain, as it arrived elsewhere: “Show original” in Gmail, “View message source” in "
        "others. The headers alone will do.",
    )
