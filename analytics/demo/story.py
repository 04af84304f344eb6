"""The demo, told through the same actions people and machines use, on a clock. No row is written any other way."""

import json
import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.actions.audit import Actor
from accounts.actions.invitations import accept_invitation, invite_member
from accounts.actions.workspaces import create_workspace, update_workspace
from accounts.models import Member, SystemMail, User, Workspace
from analytics.demo.cast import MEMBERS, NAME, PASSWORD, SLUG, Cast
from analytics.demo.lists import keep_lists
from analytics.demo.market import draw_territories, find_more
from analytics.demo.news import give_tags, tell_news
from campaigns.actions.drafts import save_steps
from campaigns.actions.enrolments import enrol_people
from campaigns.actions.inbound import inbound_key
from campaigns.actions.mailboxes import create_mailbox, inbound_address
from campaigns.actions.sequences import create_sequence, publish_sequence
from campaigns.models import Mailbox, Sequence
from leadgen.core.tenancy import user_scope, workspace_scope
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.campaigns import create_campaign
from prospects.actions.deals import win_deal
from prospects.actions.handoffs import accept_handoff, create_handoff
from prospects.actions.icps import create_icp, publish_version
from prospects.actions.imports import create_import, run_import, start_import
from prospects.actions.leads import qualify_lead
from prospects.actions.meetings import book_meeting, settle_meeting
from prospects.actions.offers import create_offer
from prospects.models import Campaign, Handoff, Icp, Import, Lead, Person, PersonFit

type Say = Callable[[str], None]

ICP = {
    "criteria": [
        {"key": "industry", "label": "Makes or moves things", "weight": 25,
         "rule": {"field": "company.industry", "op": "in", "value": ["Industrial machinery", "Metals", "Energy", "Food", "Logistics"]}},
        {"key": "size", "label": "200 to 3,000 employees", "weight": 20,
         "rule": {"field": "company.employees", "op": "between", "value": [200, 3000]}},
        {"key": "region", "label": "Iberia, DACH, France", "weight": 15,
         "rule": {"field": "company.country", "op": "in", "value": ["DE", "PT", "ES", "FR"]}},
        {"key": "sap", "label": "Uses SAP", "weight": 15,
         "rule": {"field": "company.technologies", "op": "has_any", "value": ["SAP"]}},
    ],
    "must": {}, "exclude": {"field": "company.industry", "op": "is", "value": "Financial services"},
    "personas": [
        {"name": "Operations leader", "weight": 25, "pains": ["unplanned stops", "slow changeovers"],
         "rule": {"field": "person.title", "op": "contains_any", "value": ["operations", "plant", "maintenance", "COO", "operating"]}},
    ],
    "grades": {"A": 75, "B": 55, "C": 35},
}  # fmt: skip
ALWAYS = {"window_start": time(0), "window_end": time(0), "weekdays": [0, 1, 2, 3, 4, 5, 6]}
PLANTS: list[dict[str, Any]] = [
    {"kind": "email", "subject": "Changeovers at {{ company.name | default: 'your plant' }}",
     "body": "Hi {{ person.first_name | default: 'there' }},\n\nplants like {{ company.name | default: 'yours' }} lose about an hour a shift to "
             "changeovers. This is how two sites got half of it back: https://northwind.example/changeovers\n\nWorth a look?"},
    {"kind": "linkedin_request", "delay_days": 1, "body": "Hello {{ person.first_name | default: 'there' }}, I wrote to you about changeovers."},
    {"kind": "email", "delay_days": 2, "body": "Hi {{ person.first_name | default: 'there' }},\n\ndid my note on changeovers reach you?"},
    {"kind": "linkedin_message", "delay_days": 2, "body": "Thank you for connecting. The changeover study: https://northwind.example/changeovers"},
]  # fmt: skip
CALLS: list[dict[str, Any]] = [
    {"kind": "call", "body": "Ask {{ person.first_name | default: 'them' }} how {{ company.name | default: 'the plant' }} plans changeovers today."},
    {"kind": "linkedin_request", "delay_days": 1, "body": "Hello {{ person.first_name | default: 'there' }}, good to have spoken."},
]  # fmt: skip


def tell(*, now: datetime, say: Say) -> Workspace:
    """Fill the demo workspace; what exists already is left as it is, so it may be run again after a break."""
    users = {role: _user(email, name) for role, email, name in MEMBERS}
    workspace = _workspace(users, now)
    with workspace_scope(workspace.pk):
        actors = {role: Actor(member=Member.objects.get(user=user), source="user") for role, user in users.items()}
        ensure_first_agreement(now - timedelta(days=300))
    cast = Cast(today=now.date()).fill()
    for kind, name, content in (
        ("companies", "companies.csv", cast.companies_csv()),
        ("leads", "history.csv", cast.leads_csv()),
        ("people", "people.csv", cast.people_csv()),  # after the history: who is to be written to heads the list
        ("people", "fair.csv", cast.scans_csv()),
        ("spend", "spend.csv", cast.spend_csv()),
    ):
        _import(workspace, actors["ops"], kind, name, content, now, say)
    with workspace_scope(workspace.pk):
        icp = _icp(actors["marketer"], now - timedelta(days=30))
        say("ICP Plants v1 scores everybody.")
        campaign = _campaign(actors["marketer"], icp, now - timedelta(days=28))
        mailbox = _mailbox(actors["ops"], now)
        best = _best(60)
        told = tell_news(people=best, actors=actors, now=now)
        tagged = give_tags(people=best[9:], by=actors["sdr"], now=now)
        if told:
            say(f"{told} signals about their companies, {tagged} people tagged.")
        if kept := keep_lists(people=best[:20], by=actors["marketer"], now=now):
            say(f"{kept} segments and lists.")
        _deals(actors, campaign, now, say)
        _sequences(actors, campaign, mailbox, now, say)
    for words in (
        find_more(workspace_id=workspace.pk, known=cast.companies, by=actors["marketer"], now=now),
        draw_territories(workspace_id=workspace.pk, actors=actors, now=now),
    ):
        if words:
            say(words)
    return workspace


def _user(email: str, name: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        with transaction.atomic():
            user = User.objects.create_user(email, PASSWORD, name=name)
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _workspace(users: dict[str, User], now: datetime) -> Workspace:
    owner = users["owner"]
    with user_scope(owner.pk):
        workspace = Workspace.objects.filter(slug=SLUG).first()
    if workspace is None:
        workspace = create_workspace(
            user=owner, slug=SLUG, name=NAME, time_zone="Europe/Berlin", currency="EUR", gross_margin=Decimal("0.78"), now=now,
            source="command",
        )  # fmt: skip
    with workspace_scope(workspace.pk, owner.pk):
        by = Actor(member=Member.objects.get(user=owner), source="command")
        update_workspace(by=by, workspace=workspace, now=now, postal_address="4 Harbour Street, 20457 Hamburg")
    for role, user in users.items():
        _join(workspace, by, role, user, now)
    return workspace


def _join(workspace: Workspace, by: Actor, role: str, user: User, now: datetime) -> None:
    """Invited by the owner, accepted by the link in the mail: the way every member comes in."""
    with workspace_scope(workspace.pk, by.member.user_id if by.member else None):
        if Member.objects.filter(user=user, is_active=True).exists():
            return
        invite_member(by=by, email=user.email, role=role, now=now)
    mail = SystemMail.objects.filter(to=user.email, kind__contains="invit").latest("created_at")
    link = re.search(r"/invitations/([0-9a-f]{32})\.([a-z0-9]+)/", mail.text)
    assert link is not None, "the invitation mail carries its link"
    accept_invitation(user=user, workspace_id=workspace.pk, secret=link.group(2), now=now)


def _import(workspace: Workspace, by: Actor, kind: str, name: str, content: bytes, now: datetime, say: Say) -> None:
    with workspace_scope(workspace.pk):
        if Import.objects.filter(kind=kind, file_name=name, state=Import.State.DONE).exists():
            return
        run = create_import(by=by, now=now, kind=kind, file_name=name, source=content)
        start_import(run=run, by=by, now=now, ring_workers=False)
    run_import(workspace_id=workspace.pk, run_id=run.pk, now=now)
    with workspace_scope(workspace.pk):
        run = Import.objects.get(pk=run.pk)
        say(f"{run.get_kind_display()}: {run.created_count:,} rows imported, {run.invalid_count:,} refused.")


def _icp(by: Actor, now: datetime) -> Icp:
    found: Icp | None = Icp.objects.filter(name="Plants").first()
    if found is not None:
        return found
    version = create_icp(by=by, now=now, name="Plants", content=ICP)
    publish_version(version=version, by=by, now=now, note="First definition, agreed with sales")
    return Icp.objects.get(pk=version.icp_id)


def _campaign(by: Actor, icp: Icp, now: datetime) -> Campaign:
    found: Campaign | None = Campaign.objects.filter(name="Plants, autumn").first()
    if found is not None:
        return found
    offer = create_offer(
        by=by, now=now, name="Line monitoring", audience="Operations leaders of plants with 200 to 3,000 people",
        description="Sensors and a screen that shows where a line stands still.", deal_min=Decimal(15000),
        deal_max=Decimal(80000), cycle_days=60, channels=["email", "linkedin", "phone", "webinar"],
    )  # fmt: skip
    return create_campaign(
        by=by, now=now, start=True, name="Plants, autumn", motion="outbound", goal="20 qualified conversations", offer=offer,
        icp=icp, channel="email", budget=Decimal(12000), starts_on=now.date(), ends_on=now.date() + timedelta(days=90),
    )  # fmt: skip


def _mailbox(by: Actor, now: datetime) -> Mailbox:
    """Sends into the sandbox on loopback; the sandbox is told where its answers go, and nothing else."""
    address = "sam@northwind.example"
    found: Mailbox | None = Mailbox.objects.filter(address=address).first()
    if found is None:
        found = create_mailbox(
            by=by, now=now, warmed_up="the story of the demo begins long ago", address=address, from_name="Sam Okoro",
            member=Member.objects.get(email=MEMBERS[4][1]),
            host="127.0.0.1", port=settings.SANDBOX_SMTP_PORT, security="none", daily_cap=200, min_gap_seconds=1,
            signature="Sam Okoro\nNorthwind Instruments",
        )  # fmt: skip
    folder = Path(settings.DATA_DIR) / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    endpoints = {address: {"url": inbound_address(found), "key": inbound_key(found)}}
    (folder / "endpoints.json").write_text(json.dumps(endpoints))
    return found


def _best(count: int, skip: int = 0) -> list[Person]:
    """People with the best fit, one a company, who are in no lead yet."""
    taken = set(Lead.objects.exclude(person=None).values_list("person_id", flat=True))
    seen: set[object] = set()
    found: list[Person] = []
    for fit in PersonFit.objects.select_related("person", "person__company").order_by("-score", "person__email"):
        person = fit.person
        if person.pk in taken or person.company_id in seen or not person.email.endswith(".example"):
            continue
        seen.add(person.company_id)
        found.append(person)
    return found[skip : skip + count]


def _deals(actors: dict[str, Actor], campaign: Campaign, now: datetime, say: Say) -> None:
    """Nine people on their way through the agreement in the last three weeks, as SDR and AE would have worked them."""
    if Lead.objects.filter(origin__in=["outbound", "manual", "inbound"]).exists():
        return
    sdr, ae = actors["sdr"], actors["ae"]
    assert sdr.member is not None
    assert ae.member is not None
    for number, person in enumerate(_best(9)):
        at = now - timedelta(days=21 - number * 2)
        meeting = book_meeting(
            by=sdr,
            now=at,
            person=person,
            starts_at=at + timedelta(days=2),
            title="Line monitoring, first talk",
            channel="phone",
        )
        lead = Lead.objects.filter(person=person).first()
        if lead is None or number >= 8:
            continue
        waiting = Handoff.objects.filter(lead=lead, kind="marketing_to_sdr", state="pending").first()
        if waiting is not None and number < 7:
            accept_handoff(handoff=waiting, by=sdr, now=at + timedelta(hours=3))
        if number >= 6:
            continue
        held = at + timedelta(days=2)
        settle_meeting(
            meeting=meeting,
            state="no_show" if number == 5 else "held",
            by=sdr,
            now=held,
            notes="Two lines, changeovers hurt.",
        )
        if number >= 5:
            continue
        said = {
            "fit": "three lines, SAP", "need": "changeovers take an hour", "budget": "25,000 in this year's plan",
            "authority": "decides with the plant manager", "timeline": "before January",
        }  # fmt: skip
        lead.refresh_from_db()
        qualify_lead(lead=lead, confirmed=said, by=sdr, now=held + timedelta(hours=2))
        handoff = create_handoff(lead=lead, kind="sdr_to_ae", by=sdr, now=held + timedelta(hours=3), to=ae.member)
        if number >= 4:
            continue
        value = Decimal(18000 + number * 6000)
        _, deal = accept_handoff(
            handoff=handoff,
            by=ae,
            now=held + timedelta(hours=20),
            deal={"value": value, "mrr": value / 24, "term_months": 24},
        )
        if deal is not None and number == 0:
            win_deal(deal=deal, by=ae, now=held + timedelta(days=9))
    say("Nine talks of the last three weeks, one of them a customer.")


def _sequences(actors: dict[str, Actor], campaign: Campaign, mailbox: Mailbox, now: datetime, say: Say) -> None:
    marketer, sdr = actors["marketer"], actors["sdr"]
    for name, steps, count, skip in (("Plants, operations leaders", PLANTS, 40, 9), ("Calls, best fit", CALLS, 12, 49)):
        if Sequence.objects.filter(name=name).exists():
            continue
        people = _best(count, skip)
        sequence = create_sequence(
            by=marketer, now=now, name=name, campaign=campaign, owner=sdr.member, mailboxes=[mailbox], **ALWAYS
        )
        save_steps(sequence=sequence, steps=steps, by=marketer, now=now)
        publish_sequence(sequence=sequence, by=marketer, now=now)
        sequence.refresh_from_db()
        made = enrol_people(sequence=sequence, people=[p.pk for p in people], by=marketer, now=now, owner=sdr.member)
        say(f"{len(made)} people enrolled in {name}.")


def logins() -> list[tuple[str, str, str]]:
    """(role, e-mail, password) of the demo's members."""
    return [(role, email, PASSWORD) for role, email, _ in MEMBERS]
