"""Forms of the work queue: what the URL says about the list, and the one form of an open item."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict

from accounts.models import Member
from accounts.permissions import owners
from campaigns.actions.queue import CALL_OUTCOMES
from campaigns.queries.queue import EVERYBODY, LANE_LABELS, MINE, PAGE, UNOWNED, State
from campaigns.queries.queue_item import Item
from prospects.models import Person, Task

MOST_SHOWN = 500
CALL = "call_"
SNOOZES = {"snooze_hour": "1 hour", "snooze_tomorrow": "Tomorrow 9:00", "snooze_monday": "Monday 9:00"}
# What the submit button of the item's form may say.
DOES = (
    "next", "done", "send", "sent", "could_not", "skip", "snooze_pick", "accept", *SNOOZES,
    *(f"{CALL}{outcome}" for outcome in CALL_OUTCOMES),
)  # fmt: skip


def state_of(data: QueryDict, *, default_who: str = "") -> State:
    """The list the URL asks for; what cannot be read is left out, so that an old link still opens."""
    lane = data.get("lane", "")
    shown = data.get("shown", "")
    return State(
        lane=lane if lane in LANE_LABELS else "all",
        sort="due" if data.get("sort") == "due" else "",
        q=" ".join(data.get("q", "").split())[:80],
        who=data.get("who", default_who)[:36],
        campaign=data.get("campaign", "")[:36],
        shown=min(max(int(shown), PAGE), MOST_SHOWN) if shown.isdigit() and len(shown) < 5 else PAGE,
    )


def who_choices(member: Member) -> list[tuple[str, str]]:
    """Whose tasks the list can show."""
    others = Member.objects.filter(is_active=True).exclude(pk=member.pk).order_by("name", "email")
    return [
        ("", "Mine and nobody’s"), (MINE, "Mine only"), (UNOWNED, "Nobody’s"), (EVERYBODY, "Everybody’s"),
        *((str(row.pk), str(row)) for row in others),
    ]  # fmt: skip


class ItemForm(forms.Form):
    """Everything the pane of an item can send; which part counts is said by `do`."""

    do = forms.ChoiceField(choices=[(word, word) for word in DOES])
    note = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}), label="Note",
    )  # fmt: skip
    skip_note = forms.CharField(required=False, max_length=300, label="Why, if you want to say")
    callback_at = forms.DateTimeField(required=False, label="Call back at")
    until = forms.DateTimeField(required=False, label="Until")
    mailbox = forms.ChoiceField(required=False, label="From")
    subject = forms.CharField(required=False, max_length=250)
    text = forms.CharField(required=False, max_length=50_000, widget=forms.Textarea(attrs={"rows": 11}), label="Text")
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, item: Item, **kwargs: Any) -> None:
        mail = item.mail
        chosen = mail.get("chosen")
        initial = {
            "subject": mail.get("subject", ""), "text": mail.get("text", ""), "key": uuid4().hex,
            "mailbox": str(chosen.pk) if chosen else "", "note": "" if item.is_open else item.task.note,
        }  # fmt: skip
        super().__init__(data, initial=initial, **kwargs)
        self.boxes = {str(box.pk): box for box in mail.get("boxes", ())}
        self.fields["mailbox"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (key, f"{box.from_name} <{box.address}>") for key, box in self.boxes.items()
        ]


class TaskForm(forms.Form):
    """A task made by hand."""

    title = forms.CharField(max_length=200, label="What is to be done")
    kind = forms.ChoiceField(choices=[], initial="todo")
    person = forms.CharField(
        required=False, max_length=520, label="With", help_text="Their e-mail address or name; may stay empty."
    )
    due_at = forms.DateTimeField(label="Due", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    reason = forms.CharField(required=False, max_length=300, label="Why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_hand = (
            Task.Kind.TODO, Task.Kind.CALL, Task.Kind.MANUAL_EMAIL, Task.Kind.LINKEDIN_MESSAGE,
            Task.Kind.LINKEDIN_REQUEST,
        )  # fmt: skip
        self.fields["kind"].choices = [(kind, kind.label) for kind in by_hand]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_person(self) -> Person | None:
        said = self.cleaned_data["person"].strip()
        if not said:
            return None
        found = list(
            Person.objects.filter(email=said.lower())[:1]
            if "@" in said
            else Person.objects.filter(full_name__iexact=said)[:2]
        )
        if len(found) != 1:
            words = (
                "Several people have this name: give the e-mail address."
                if found
                else "Nobody here has this name or address."
            )
            raise forms.ValidationError(words)
        return found[0]


class GiveForm(forms.Form):
    """Give an open task to somebody else."""

    owner = forms.ChoiceField(required=False, label="To")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = owners().order_by("name", "email")
        self.fields["owner"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", "Nobody: whoever takes it"), *((str(row.pk), str(row)) for row in people)
        ]  # fmt: skip

    def clean_owner(self) -> Member | None:
        text = self.cleaned_data["owner"]
        return Member.objects.get(pk=UUID(text)) if text else None
