"""What people did on LinkedIn, as somebody saw there or LinkedIn's own mail says: accepted, answered, or nothing yet."""

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.db.models import Q

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Member
from campaigns.actions.answers import INSIDE, first_active, stop_for_answer
from campaigns.actions.steps import mark_enrolments
from campaigns.actions.unsubscribes import object_to_mail
from campaigns.models import Enrolment, InboundMail, StepRun
from campaigns.queries.linkedin import HORIZON, TASKS, open_touches
from campaigns.rules.intent import classify_reply
from campaigns.rules.linkedin_mail import LinkedInNews
from leadgen.core.errors import Invalid
from leadgen.core.visibility import as_asked
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Channel, Person, Suppression, Task
from prospects.queries.leads import open_lead_of

# result -> (fact, the person's LinkedIn status, words, intent of the answer)
RESULTS: dict[str, tuple[str, str, str, str]] = {
    "accepted": (ActivityKind.LINKEDIN_ACCEPTED, "connected", "Accepted the LinkedIn request", ""),
    "answered": (ActivityKind.LINKEDIN_REPLIED, "connected", "Answered on LinkedIn", "unsure"),
    "interested": (ActivityKind.LINKEDIN_REPLIED, "connected", "Answered on LinkedIn: interested", "positive"),
    "declined": (ActivityKind.LINKEDIN_REPLIED, "declined", "Answered on LinkedIn: not interested", "not_interested"),
}
# What the page of checks and the API take: "not_yet" says that somebody looked and there was nothing.
CHECKS = ("accepted", "answered", "declined", "not_yet")
_PROFILE = re.compile(r"^/(?:[a-z]{2}/)?in/([^/?#]+)", re.IGNORECASE)
_OPAQUE = re.compile(r"aco[a-z0-9_-]{20,}", re.IGNORECASE)  # LinkedIn's inner id, which no page shows


def record_news(
    *, person: Person, result: str, by: Actor, now: datetime, text: str = "", key: str = "", intent: str = ""
) -> list[str]:
    """They accepted or answered: written to the timeline and to their open touches; an answer ends the sequence as an
    e-mail would, an acceptance lets it go on. Told twice it is one fact. Returns the effects in words.

    Raises Invalid for a result that is none of RESULTS.
    """
    if result not in RESULTS:
        raise Invalid(f"Choose one of: {', '.join(RESULTS)}.", field="news")
    kind, status, words, read_as = RESULTS[result]
    answered = kind == ActivityKind.LINKEDIN_REPLIED
    runs = list(open_touches([person.pk]).select_related("step"))
    _mark(runs, now, accepted=True, answered=answered)
    if result == "accepted" and person.linkedin_status == "connected":
        reexamine([person.pk], now)
        return []
    said = " ".join(text.split())
    detail = {"intent": intent or read_as, "text": text[:2000]} if answered else {}
    fact = record_activity(
        kind=kind, at=now, now=now, by=by, person=person, lead=open_lead_of(person.pk), channel=Channel.LINKEDIN,
        summary=f"{words}: “{said[:200]}”" if said else words, detail=detail, key=key,
        about=("step_run", runs[-1].pk) if runs else None,
    )  # fmt: skip
    Person.objects.filter(pk=person.pk).update(linkedin_status=status)
    person.linkedin_status = status
    effect = [words[0].lower() + words[1:]]
    if answered:
        stopped, enrolment = stop_for_answer(
            person=person, now=now, by=by, reason="They answered on LinkedIn.", words="sequence stopped"
        )
        effect += stopped
        owner = first_active(person.owner, enrolment.owner if enrolment else None, by.member)
        if note_interest(activity=fact, now=now, by=by, owner=owner) is not None:
            effect.append("lead open")
    else:
        note_interest(activity=fact, now=now, by=by)
        if reexamine([person.pk], now):
            effect.append("the sequence goes on")
    return effect


def check_touches(*, touches: Iterable[UUID], result: str, by: Actor, now: datetime) -> int:
    """Somebody looked on LinkedIn: `result` (CHECKS) holds for these step runs; returns how many touches were open still.

    Looking at one touch of somebody is looking at all of theirs. Raises Invalid.
    """
    if result not in CHECKS:
        raise Invalid(f"Choose one of: {', '.join(CHECKS)}.", field="result")
    ids = list(touches)
    runs = as_asked(StepRun.objects.filter(pk__in=ids)).values_list("enrolment__person_id", flat=True)
    people = list(dict.fromkeys(runs))
    if not ids or not people:
        return 0
    found = open_touches(people)
    count = found.filter(pk__in=ids).count()
    if not count:
        return 0
    if result == "not_yet":
        found.update(checked_at=now)
        reexamine(people, now)
        return count
    for person in Person.objects.select_related("company", "owner").filter(pk__in=people).order_by("pk"):
        record_news(person=person, result=result, by=by, now=now)
    return count


def reexamine(people: Iterable[UUID], now: datetime) -> int:
    """Look again at enrolments that were held because nobody had looked on LinkedIn, or waited for an acceptance."""
    held = Enrolment.objects.filter(
        person__in=list(people), state__in=INSIDE, next_at__isnull=False, wait_reason__startswith="Held:",
        wait_reason__contains="LinkedIn",
    )  # fmt: skip
    changed = held.update(next_at=now, wait_reason="")
    if changed:
        mark_enrolments(now)
    return int(changed)


def record_linkedin_news(*, row: InboundMail, news: LinkedInNews, now: datetime) -> str:
    """LinkedIn's own mail says that somebody accepted or answered. Whom it means must be clear, else a person decides.

    Meant is who has an open LinkedIn touch by the mailbox's member: by the address of their profile, else by exactly their
    name. Returns the effect in words.
    """
    people = _meant(row.mailbox.member, news, now)
    what = "accepted a request" if news.event == "accepted" else "answered"
    if not people:
        return f"Nothing changed: {news.name or 'somebody'} {what}, and nobody of that name has an open LinkedIn touch."
    if len(people) > 1:
        create_task(
            by=SYSTEM, now=now, kind=Task.Kind.TODO, title=f"Who {what} on LinkedIn: {news.name}"[:200], due_at=now,
            reason=f"{len(people)} people have this name: {', '.join(str(one.company or one.email) for one in people)}",
            owner=first_active(row.mailbox.member), about=("inbound_mail", row.pk),
        )  # fmt: skip
        return f"Nothing changed: {len(people)} people are called {news.name}; a person decides which of them {what}."
    person = people[0]
    row.person = person
    row.enrolment = Enrolment.objects.filter(person=person, state__in=INSIDE).first()
    row.save(update_fields=["person", "enrolment"])
    if news.event == "accepted":
        done = record_news(person=person, result="accepted", by=SYSTEM, now=now, key=f"linkedin:{row.pk}")
        return _said(done or ["was connected already"], person)
    read = classify_reply(news.text) if news.text.strip() else None
    intent = read.intent if read else "unsure"
    result = "declined" if intent in {"not_interested", "opt_out"} else "answered"
    owner = first_active(person.owner, row.enrolment.owner if row.enrolment else None, row.mailbox.member)
    done = record_news(
        person=person, result=result, by=SYSTEM, now=now, text=news.text, key=f"linkedin:{row.pk}", intent=intent
    )
    if intent == "opt_out" and person.email:
        object_to_mail(
            person=person, address=person.email, reason=Suppression.Reason.OBJECTED,
            words="Asked on LinkedIn not to be written to.", now=now,
        )  # fmt: skip
        return _said([*done, "address suppressed: they asked for it"], person)
    said = " ".join(news.text.split())
    create_task(
        by=SYSTEM, now=now, kind=Task.Kind.LINKEDIN_MESSAGE, title=f"Answer {person} on LinkedIn", due_at=now,
        reason=f"They answered: “{said[:160]}”" if said else "They answered on LinkedIn", person=person,
        lead=open_lead_of(person.pk), owner=owner, about=("inbound_mail", row.pk),
        campaign=row.enrolment.sequence.campaign if row.enrolment else None,
    )  # fmt: skip
    return _said(done, person)


def _said(effect: list[str], person: Person) -> str:
    return f"{person}: {', '.join(effect)}."


def _meant(member: Member | None, news: LinkedInNews, now: datetime) -> list[Person]:
    """People with an open touch by `member` (a shared mailbox: by anybody) whom the mail names."""
    touches = Task.objects.filter(kind__in=TASKS, person__isnull=False).filter(
        Q(state=Task.State.OPEN) | Q(state=Task.State.DONE, outcome="sent", closed_at__gte=now - HORIZON)
    )
    if member is not None:
        touches = touches.filter(Q(owner=member) | Q(closed_by=member))
    slug = profile_slug(news.profile_url)
    rows = Person.objects.select_related("company", "owner").filter(pk__in=touches.values("person_id"))
    name = _plain(news.name)
    if slug:
        by_url = [one for one in rows.filter(linkedin_url__icontains=slug) if profile_slug(one.linkedin_url) == slug]
        if by_url:
            return by_url
    if not name:
        return []
    named = [one for one in rows.filter(full_name__iexact=" ".join(news.name.split())) if _plain(one.full_name) == name]
    # Somebody of that name whose page is known to be another one is somebody else.
    return [one for one in named if not slug or not profile_slug(one.linkedin_url)]


def profile_slug(url: str) -> str:
    """What names a LinkedIn profile: "ana-ferreira" of "https://pt.linkedin.com/in/Ana-Ferreira/?trk=x"; '' where none."""
    parts = urlsplit(url.strip() if "//" in url else f"https://{url.strip()}")
    host = (parts.hostname or "").lower()
    found = _PROFILE.match(parts.path) if host == "linkedin.com" or host.endswith(".linkedin.com") else None
    slug = unquote(found.group(1)).lower() if found else ""
    return "" if _OPAQUE.fullmatch(slug) else slug


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _mark(runs: list[StepRun], now: datetime, *, accepted: bool, answered: bool) -> None:
    ids = [run.pk for run in runs]
    StepRun.objects.filter(pk__in=ids).update(checked_at=now)
    if accepted:
        requests = [run.pk for run in runs if run.step.kind == "linkedin_request"]
        StepRun.objects.filter(pk__in=requests, accepted_at__isnull=True).update(accepted_at=now)
    if answered:
        StepRun.objects.filter(pk__in=ids, answered_at__isnull=True).update(answered_at=now)
