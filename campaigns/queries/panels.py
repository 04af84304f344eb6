"""What campaigns has to say on pages of prospects; registered by apps.CampaignsConfig (see prospects.queries.panels)."""

from datetime import datetime

from campaigns.models import Enrolment, Message, Sequence
from campaigns.queries.enrolments import STOPPED_BY, TONES, current_of, next_actions
from campaigns.queries.messages import balance, balance_rows
from campaigns.queries.sequences import counts_of
from leadgen.core.visibility import everyone
from prospects.models import Campaign, Person
from prospects.queries.panels import Panel, register_panel

INSIDE = [Enrolment.State.ACTIVE, Enrolment.State.PAUSED]


def person_next_touch(person: Person, now: datetime) -> Panel:
    """The next planned touch with its reason, why the last sequence ended, or that nothing is planned."""
    enrolment = current_of(person)
    if enrolment is None:
        return Panel("campaigns/person_next_touch.html", {"enrolment": None, "person": person})
    return Panel(
        "campaigns/person_next_touch.html",
        {
            "enrolment": enrolment,
            "person": person,
            "next": next_actions([enrolment], now)[enrolment.pk],
            "is_inside": enrolment.state in INSIDE,
            "tone": TONES[enrolment.state],
            "ended_by": STOPPED_BY.get(enrolment.stopped_by_type, ""),
        },
    )


@everyone()  # numbers of the whole workspace, whoever looks
def campaign_page(campaign: Campaign, now: datetime) -> Panel:
    """Sequences of a campaign, and its messages in their five states, adding up."""
    sequences = list(Sequence.objects.filter(campaign=campaign).select_related("owner").order_by("-created_at", "-id"))
    counts = counts_of(sequences)
    messages = balance(campaign=campaign)
    return Panel(
        "campaigns/campaign_panel.html",
        {
            "campaign": campaign,
            "sequences": [{"sequence": sequence, "counts": counts[sequence.pk]} for sequence in sequences],
            "balance": balance_rows(messages),
            "all": messages["all"],
            "holds": messages["all"] == sum(messages[state] for state in Message.State.values),
        },
    )


@everyone()  # numbers of the whole workspace, whoever looks
def campaign_effects(campaign: Campaign, now: datetime) -> Panel:
    """What pausing or ending it does to the people inside, in words: {"pause": ..., "end": ...}."""
    inside = Enrolment.objects.filter(sequence__campaign=campaign, state__in=INSIDE).count()
    planned = Message.objects.filter(campaign=campaign, state=Message.State.PLANNED).count()
    if not inside and not planned:
        return Panel("", {"pause": "Nobody is inside now.", "end": "Nobody is inside now."})
    people = f"{inside:,} {'person is' if inside == 1 else 'people are'} inside, {planned:,} e-mails are planned."
    return Panel("", {"pause": f"{people} They wait.", "end": f"{people} They are stopped and blocked."})


def register() -> None:
    register_panel("person", "next_touch", person_next_touch)
    register_panel("campaign", "page", campaign_page)
    register_panel("campaign", "effects", campaign_effects)
