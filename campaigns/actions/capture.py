"""Inbound forms: change them, take in what is submitted, and carry it from capture to somebody's queue in one transaction.

Nothing is discarded. What is incomplete or suspect is stored with its reason and waits for a person; what is accepted
finds or makes person and company, records the fact, opens or feeds the lead, is routed, and stands in the queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.permissions import may_own, refuse_owner
from campaigns.models import Form, Submission
from campaigns.rules import capture as rules
from campaigns.rules.receipts import Trail, routing_of
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.companies import find_or_create_company
from prospects.actions.leads import note_interest
from prospects.actions.people import create_person, update_person
from prospects.actions.routing import hours_of_workspace, route_lead
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Campaign, Channel, Company, Consent, Lead, Person, PersonFit, Task
from prospects.queries.duplicates import COMPANIES, PEOPLE
from prospects.queries.leads import open_lead_of
from prospects.queries.merges import record_by
from prospects.rules import normalise
from prospects.rules.sla import add_working_minutes

FIELDS = (
    "name", "title", "intro", "button", "fields", "kind", "consent_text", "consent_required", "thank_you", "campaign",
    "channel", "default_owner", "is_active",
)  # fmt: skip
# Without a nonce the same words from the same address are one submission for this long.
SAME = timedelta(minutes=10)
VERBS = {
    Form.Kind.DEMO: "Answer demo request",
    Form.Kind.CONTACT: "Answer question",
    Form.Kind.DOWNLOAD: "Follow up download",
    Form.Kind.WEBINAR: "Follow up webinar sign-up",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One POST to a form. `data` as sent; `opened` from its nonce; `ip` and addresses of where it came from."""

    data: Mapping[str, Any]
    nonce: str = ""
    opened: datetime | None = None
    ip: str | None = None
    user_agent: str = ""
    referrer: str = ""
    url: str = ""
    given_key: str = ""


# --- forms --------------------------------------------------------------------------------------------------------------
def create_form(*, by: Actor, now: datetime, **values: Any) -> Form:
    """A new form; FIELDS as given, the rest as rules.capture has them. Raises Invalid and Conflict (field named)."""
    defaults = {"fields": rules.DEFAULT_FIELDS, "consent_text": rules.DEFAULT_CONSENT}
    form = Form(created_at=now, **_clean_form(defaults | values))
    _save_form(form)
    write_audit(by=by, action="form.created", now=now, target=form)
    return form


def update_form(*, form: Form, changes: Mapping[str, Any], by: Actor, now: datetime) -> list[str]:
    """Change FIELDS. Another consent text is its next version; submissions keep the words they saw. Returns what changed."""
    cleaned = _clean_form({name: getattr(form, name) for name in FIELDS} | dict(changes), had=form.default_owner_id)
    changed = [name for name, value in cleaned.items() if getattr(form, name) != value]
    for name in changed:
        setattr(form, name, cleaned[name])
    if "consent_text" in changed:
        form.consent_version += 1
    if changed:
        _save_form(form)
        write_audit(by=by, action="form.changed", now=now, target=form, detail={"fields": changed})
    return changed


def _clean_form(values: Mapping[str, Any], *, had: UUID | None = None) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    for name, words in (("name", "Give the form a name."), ("title", "Give the page a title.")):
        cleaned[name] = " ".join(str(values.get(name, "")).split())
        if not cleaned[name]:
            raise Invalid(words, field=name)
    cleaned["consent_text"] = str(values.get("consent_text", "")).strip()
    if not cleaned["consent_text"]:
        raise Invalid("Say what people agree to; the words are kept with each submission.", field="consent_text")
    for name, choices in (("kind", Form.Kind.values), ("channel", Channel.values)):
        if name in cleaned and cleaned[name] not in choices:
            raise Invalid(f"Choose one of: {', '.join(choices)}.", field=name)
    refuse_owner(cleaned.get("default_owner"), had=had, field="default_owner")
    cleaned["fields"] = rules.clean_fields(values.get("fields") or [])
    return cleaned


def _save_form(form: Form) -> None:
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError as error:
        if "form_name" not in str(error):
            raise
        raise Conflict(f"There is a form named {form.name} already.", code="duplicate", field="name") from error


# --- submissions --------------------------------------------------------------------------------------------------------
def submit(*, form: Form, sent: Sent, now: datetime) -> tuple[Submission | None, rules.Reading, bool]:
    """Take in one POST. Returns (row, what was read, is new); the row is None only where nothing at all was typed.

    An incomplete one is kept; its correction with the same nonce becomes the same row. Twice with one key is once.
    """
    reading = rules.read_submission(
        form.fields, sent.data, consent_required=form.consent_required, opened=sent.opened, now=now
    )
    if reading.is_empty:
        return None, reading, False
    key = rules.submission_key(
        nonce=sent.nonce if sent.opened else "", values=reading.values, ip=sent.ip or "", given=sent.given_key
    )
    stable = bool(sent.given_key or (sent.nonce and sent.opened))
    known = _known(form, key, stable, now)
    if known is not None and (known.state != Submission.State.INCOMPLETE or reading.errors):
        if known.state == Submission.State.INCOMPLETE:
            _fill(known, form, sent, reading, now)
            known.save()
        return known, reading, False
    row = known or Submission(form=form, at=now, key=key if stable else "", state=Submission.State.INCOMPLETE)
    _fill(row, form, sent, reading, now)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "submission_key" not in str(error):
            raise
        # The other half of a double click was faster.
        return Submission.objects.get(form=form, key=key), reading, False
    if row.state == Submission.State.ACCEPTED:
        _carry(row, form, now=now, by=SYSTEM)
    return row, reading, True


def accept_submission(*, submission: Submission, by: Actor, now: datetime, email: str | None = None) -> Submission:
    """A person takes in what was suspect or incomplete; `email` corrects the address. Accepting twice is once.

    The clock runs from when it was sent: that is when they showed interest. Raises Invalid where nobody can be made of it.
    """
    row = Submission.objects.select_for_update(of=("self",)).select_related("form").get(pk=submission.pk)
    if row.state == Submission.State.ACCEPTED:
        return row
    if email is not None:
        row.data = {**row.data, "email": email.strip()}
    address = str(row.data.get("email", ""))
    if address:
        try:
            normalise.email(address)
        except normalise.Unusable as error:
            raise Invalid(f"{error.message}. {error.remedy}".strip(), field="email") from error
    elif not any(row.data.get(name) for name in ("first_name", "last_name", "full_name")):
        raise Invalid("There is no name and no e-mail address: type the address to make a person of it.", field="email")
    was = row.get_state_display().lower()
    row.state, row.accepted_by, row.accepted_at = Submission.State.ACCEPTED, by.member, now
    row.reason = f"{row.reason} Accepted by {by.label}."[:300].strip()
    row.save()
    _carry(row, row.form, now=now, by=by)
    write_audit(
        by=by, action="submission.accepted", now=now, target=row, target_type="submission", label=row.form.name,
        detail={"was": was},
    )  # fmt: skip
    return row


def _known(form: Form, key: str, stable: bool, now: datetime) -> Submission | None:
    if stable:
        return Submission.objects.select_for_update(of=("self",)).filter(form=form, key=key).first()
    # The same words again within minutes: a reload, not a second wish.
    for row in Submission.objects.filter(form=form, at__gt=now - SAME, key="").order_by("-at", "-id")[:50]:
        if rules.submission_key(nonce="", values=row.data, ip=row.ip or "") == key:
            return Submission.objects.select_for_update(of=("self",)).get(pk=row.pk)
    return None


def _fill(row: Submission, form: Form, sent: Sent, reading: rules.Reading, now: datetime) -> None:
    row.at, row.data = now, reading.values
    row.utm = reading.utm or rules.read_utm({}, sent.url, sent.referrer)
    row.referrer, row.url = sent.referrer[:500], sent.url[:500]
    row.ip, row.user_agent = sent.ip, sent.user_agent[:300]
    row.consent_given, row.consent_text, row.consent_version = reading.consent, form.consent_text, form.consent_version
    if reading.errors:
        row.state, row.reason = Submission.State.INCOMPLETE, " ".join(reading.errors.values())[:300]
    elif reading.suspect:
        row.state, row.reason = Submission.State.SUSPECT, reading.suspect
    else:
        row.state, row.reason = Submission.State.ACCEPTED, ""


def _carry(row: Submission, form: Form, *, now: datetime, by: Actor) -> None:
    """From a stored submission to the queue: person, company, consent, fact, lead, owner, task; the receipt kept with it."""
    trail = Trail()
    channel, second, why = rules.channel_of(row.utm, default=form.channel)
    trail.add("captured", f"{form.name}, channel {Channel(channel).label} by {why}", row.at)
    known: Person | None = record_by(PEOPLE, "email", _facts(row.data).get("email", ""), "company", "owner")
    company, company_words = _company(row, known, by, now)
    person, person_words = _person(row, form, known, company, by, now)
    trail.add("matched", f"{person_words}; {company_words}", now)
    _consent(row, form, person)
    campaign, campaign_words = _campaign(row, form)
    before = open_lead_of(person.pk)
    activity = record_activity(
        kind=ActivityKind.FORM, at=row.at, now=now, person=person, company=person.company, campaign=campaign,
        channel=channel, summary=_summary(row, form), about=("submission", row.pk), key=f"form:{row.pk}",
        detail={
            "form": form.name, "form_kind": form.kind, "demo_requested": form.kind == Form.Kind.DEMO,
            "submission": str(row.pk), "subchannel": second, "utm": row.utm, "url": row.url, "referrer": row.referrer,
            "text": str(row.data.get("message", ""))[:1000],
        },
    )  # fmt: skip
    form_owner = form.default_owner if may_own(form.default_owner) else None
    lead = note_interest(activity=activity, now=now, source=form.name, owner=form_owner)
    fit = PersonFit.objects.filter(person=person, icp__is_primary=True).first()
    scored = (
        f"Fit {fit.grade} ({fit.score})" if fit is not None and fit.grade else "Fit not known: no profile is published"
    )
    trail.add("scored", f"{scored}{f'; {lead.get_stage_display()}' if lead else ''}{campaign_words}", now)
    if lead is not None and lead.owner_id is None and before is not None:
        route_lead(lead=lead, now=now)
    owner = lead.owner if lead is not None else person.owner
    trail.routing = routing_of(
        receipt=getattr(lead, "receipt", None), form_owner=str(form_owner or ""), owner=str(owner or ""),
        was_open=before is not None, kept=lead.route_reason if lead is not None else "",
    )  # fmt: skip
    trail.add("routed", trail.routing["words"], now)
    task = _queue(row, form, person, lead, before, fit, now)
    queue = f"{task.owner}’s queue" if task.owner_id else "everybody’s queue"
    trail.add("queued", f"{queue}, answer due {task.sla_due_at:%a %H:%M} UTC" if task.sla_due_at else queue, now)
    row.person, row.company, row.lead, row.routing = person, person.company, lead, trail.as_json()
    row.save(update_fields=["person", "company", "lead", "routing"])


def _company(row: Submission, person: Person | None, by: Actor, now: datetime) -> tuple[Company | None, str]:
    """The company of the address's domain, else of a web address typed; never by its name alone, never a mailbox provider's.
    Where nobody has that domain and `person` has a company, it is theirs: an old address makes no second one."""
    data = row.data
    address, website, name = str(data.get("email", "")), str(data.get("website", "")), str(data.get("company", ""))
    domain = ""
    try:
        domain = normalise.company_domain(normalise.email(address).address) if address else ""
        domain = domain or (normalise.domain(website) if website else "")
    except normalise.Unusable:
        domain = ""
    if not domain or domain in normalise.FREE_MAIL:
        named = f" (“{name}” was typed)" if name else ""
        return None, f"no company: the address is a mailbox provider’s{named}" if address else f"no company{named}"
    known: Company | None = record_by(COMPANIES, "domain", domain)
    if known is not None:
        return known, f"company {known.name} by its domain {domain}"
    if person is not None and person.company is not None:
        return person.company, f"company {person.company.name}, where {person} works"
    made = find_or_create_company(by=by, now=now, domain=domain, name=name, source=f"Form {row.form.name}"[:120])
    return made, f"new company {made.name} by its domain {domain}"


def _person(
    row: Submission, form: Form, known: Person | None, company: Company | None, by: Actor, now: datetime
) -> tuple[Person, str]:
    """The person who has this address, with what was unknown filled in and nothing overwritten; else a new one."""
    facts = _facts(row.data)
    if known is None:
        basis = f"Consent, {form.name} v{row.consent_version}"[:200] if row.consent_given else ""
        values = {**facts, "source": f"Form {form.name}"[:120], "lawful_basis": basis}
        full = values.pop("full_name", "")
        try:
            made = _lenient(lambda more: create_person(by=by, now=now, name=full, company=company, **more), values)
        except Conflict:
            # Somebody with this address was made between the look and the write.
            known = Person.objects.select_related("company", "owner").get(email=facts["email"])
        else:
            return made, f"new person {made}"
    person = known
    blanks: dict[str, Any] = {
        name: value for name, value in facts.items() if name != "full_name" and not getattr(person, name)
    }
    if company is not None and person.company_id is None:
        blanks["company"] = company
    if blanks:
        _lenient(lambda more: update_person(by=by, now=now, person=person, changes=more), blanks)
    return person, f"known person {person} by the e-mail address"


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    found = {name: str(data.get(name, "")).strip() for name in rules.PERSON_FACTS}
    if found["email"]:
        found["email"] = normalise.email(found["email"]).address
    return {name: value for name, value in found.items() if value}


def _lenient(write: Any, values: dict[str, Any]) -> Any:
    """Write facts a visitor typed; one that cannot be read ("Atlantis" as a country) is left out, not the whole submission."""
    values = dict(values)
    while True:
        try:
            with transaction.atomic():
                return write(values)
        except Invalid as error:
            if error.field not in values or error.field == "email":
                raise
            values.pop(error.field)


def _consent(row: Submission, form: Form, person: Person) -> None:
    if row.consent_given:
        Consent.objects.create(
            person=person, text=row.consent_text, version=f"{form.name[:30]} v{row.consent_version}", given=True,
            at=row.at, url=row.url, ip=row.ip, source=f"Form {form.name}"[:120],
        )  # fmt: skip


def _campaign(row: Submission, form: Form) -> tuple[Campaign | None, str]:
    """The campaign utm_campaign names, by external id or name; else the form's."""
    word = row.utm.get("utm_campaign", "")
    if word:
        named = Campaign.objects.filter(Q(external_id=word) | Q(name__iexact=word)).order_by("-created_at").first()
        if named is not None:
            return named, f"; campaign {named} by utm_campaign"
    return form.campaign, f"; campaign {form.campaign}, the form’s" if form.campaign_id else ""


def _summary(row: Submission, form: Form) -> str:
    said = " ".join(str(row.data.get("message", "")).split())
    return f"Form: {form.name}{f', “{said[:180]}”' if said else ''}"


def _queue(
    row: Submission, form: Form, person: Person, lead: Lead | None, before: Lead | None, fit: Any, now: datetime
) -> Task:
    """The inbound task, with the clock: a new lead's own, else the agreement's minutes from now."""
    version = ensure_first_agreement(now)
    if lead is not None and lead.first_touch_at is None and lead.touch_due_at is not None:
        due = lead.touch_due_at
    else:
        due = add_working_minutes(row.at, version.first_touch_minutes, hours_of_workspace())
    owner = lead.owner if lead is not None else person.owner
    grade = f"fit {fit.grade}" if fit is not None and fit.grade else "fit not known"
    again = ", wrote again" if before is not None else ""
    said = " ".join(str(row.data.get("message", "")).split())
    return create_task(
        by=SYSTEM, now=now, kind=Task.Kind.INBOUND, title=f"{VERBS[Form.Kind(form.kind)]}: {person}"[:200],
        reason=f"{form.name}, {grade}{again}{f': “{said[:160]}”' if said else ''}", due_at=row.at, sla_due_at=due,
        person=person, company=person.company, lead=lead, campaign=lead.campaign if lead else None,
        owner=owner if may_own(owner) else None, about=("submission", row.pk),
    )  # fmt: skip


def refuse_inactive(form: Form) -> None:
    """Raises Refused where a form takes no more submissions."""
    if not form.is_active:
        raise Refused("This form is closed.", code="closed")
