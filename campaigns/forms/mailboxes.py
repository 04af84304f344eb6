"""Forms of mailboxes: the sheet, and holding one."""

from typing import Any

from django import forms

from campaigns.models import Mailbox
from prospects.forms.fields import OwnerField


class MailboxForm(forms.Form):
    """The sheet. The password goes in and never comes out: on an existing mailbox, empty keeps the stored one."""

    address = forms.EmailField(max_length=254, label="E-mail address")
    from_name = forms.CharField(
        max_length=120, label="Sender's name", help_text="What people see, such as Ana Ferreira."
    )
    member = OwnerField(required=False, label="Whose it is")
    host = forms.CharField(
        max_length=253, label="SMTP server", widget=forms.TextInput(attrs={"placeholder": "smtp.provider.example"})
    )
    port = forms.IntegerField(min_value=1, max_value=65_535, initial=587)
    security = forms.ChoiceField(choices=Mailbox.Security.choices, initial=Mailbox.Security.STARTTLS)
    username = forms.CharField(max_length=254, required=False, label="User name", help_text="Often the address itself.")
    password = forms.CharField(
        max_length=500, required=False, strip=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown again. An app password, where the provider has such.",
    )  # fmt: skip
    daily_cap = forms.IntegerField(
        min_value=1,
        max_value=10_000,
        initial=30,
        label="Most e-mails in 24 hours",
        help_text="Of any 24 hours, not of a calendar day.",
    )
    min_gap_seconds = forms.IntegerField(
        min_value=0,
        max_value=86_400,
        initial=60,
        label="Seconds between two",
        help_text="0: as fast as the server takes them.",
    )
    signature = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Plain text below every e-mail of this mailbox.",
    )

    def __init__(self, *args: Any, mailbox: Mailbox | None = None, **kwargs: Any) -> None:
        self.mailbox = mailbox
        if mailbox is not None:
            names = [name for name in self.base_fields if name != "password"]
            kwargs["initial"] = {name: getattr(mailbox, name) for name in names} | {
                "member": str(mailbox.member_id or "")
            }
        super().__init__(*args, **kwargs)
        if mailbox is not None and mailbox.password_sealed:
            self.fields["password"].help_text = "One is stored. Leave empty to keep it; it is never shown."
        member = self.fields["member"]
        assert isinstance(member, OwnerField)
        member.load(mailbox.member if mailbox else None)

    def values(self) -> dict[str, Any]:
        """What the actions take, without the password."""
        return {name: value for name, value in self.cleaned_data.items() if name != "password"}

    def password_given(self) -> str | None:
        """The typed password, None where the field was left empty."""
        return self.cleaned_data["password"] or None


class HoldForm(forms.Form):
    """Why nothing may be sent from it for now."""

    reason = forms.CharField(
        max_length=300, widget=forms.TextInput(attrs={"placeholder": "such as “3 % bounces, list is being cleaned”"}),
        help_text="Everybody who waits for this mailbox reads it.",
    )  # fmt: skip
