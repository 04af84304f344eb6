"""Forms of members, invitations and the transfer of ownership."""

from typing import Any

from django import forms

from accounts.models import Member, Role

ROLE_WORDS = {
    Role.OWNER: "everything, and the ownership itself",
    Role.ADMIN: "everything but the ownership",
    Role.OPS: "data, imports, agreements, mailboxes, API tokens",
    Role.MARKETER: "ICPs, campaigns, forms, sequences, spend",
    Role.SDR: "people, sequences, tasks, first talks",
    Role.AE: "hand-offs, meetings, deals, customers",
    Role.LEADER: "targets, the sales side of the agreement, reassigning",
    Role.VIEWER: "looks at everything, changes nothing",
}


def role_choices(by: Member) -> list[tuple[str, str]]:
    """Roles `by` may give: only an owner makes owners."""
    return [
        (role.value, f"{role.label}: {ROLE_WORDS[role]}")
        for role in Role
        if role != Role.OWNER or by.role == Role.OWNER
    ]


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label="Role", widget=forms.RadioSelect, initial=Role.SDR)

    def __init__(self, *args: Any, by: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(by)  # type: ignore[attr-defined]  # a ChoiceField


class MemberForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", required=False)
    role = forms.ChoiceField(label="Role", widget=forms.RadioSelect)
    team = forms.CharField(max_length=80, label="Team", required=False, help_text="For example DACH or Mid-market.")
    capacity = forms.IntegerField(
        label="Capacity",
        min_value=0,
        max_value=10_000,
        help_text="Open inbound leads at most; routing then passes on to the next member.",
    )

    def __init__(self, *args: Any, member: Member, by: Member, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {key: getattr(member, key) for key in ("name", "role", "team", "capacity")})
        super().__init__(*args, **kwargs)
        choices = role_choices(by)
        if member.role not in dict(choices):
            choices = [(member.role, member.get_role_display())]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]


class TransferForm(forms.Form):
    to = forms.ChoiceField(label="New owner")
    confirm = forms.CharField(label="Type the workspace's address to confirm")

    def __init__(self, *args: Any, members: list[Member], slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.slug = slug
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (str(member.pk), f"{member} ({member.get_role_display()})") for member in members
        ]

    def clean_confirm(self) -> str:
        text = self.cleaned_data["confirm"].strip()
        if text != self.slug:
            raise forms.ValidationError(f"Type “{self.slug}” exactly.")
        return text


class MemberFilterForm(forms.Form):
    q = forms.CharField(required=False, label="Search members")
    role = forms.ChoiceField(required=False, label="Role", choices=[("", "Any role"), *Role.choices])
    state = forms.ChoiceField(
        required=False, label="State", choices=[("", "Active"), ("inactive", "Inactive"), ("all", "Everybody")]
    )
