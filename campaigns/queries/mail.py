"""What a message says and carries: template data, the frozen texts of a step, and the MIME of an attempt."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.models import Member, Workspace
from campaigns.models import Mailbox, Message, Sequence, Step, TrackedLink
from campaigns.queries.domains import tracking_base
from campaigns.rules import footer, links, liquid, mail_style, mime, schedule, tokens
from prospects.models import Person


def public_url(name: str, token: str, *, base: str = "") -> str:
    """An absolute public address whose token carries its workspace; `base` is the scheme and host, else the site's."""
    before, after = _around(name)
    return f"{base or settings.SITE_URL}{before}{token}{after}"


@lru_cache(maxsize=16)
def _around(name: str) -> tuple[str, str]:
    """What stands before and after the token in a public path: resolving it for each mail costs more than signing it."""
    before, _, after = reverse(name, args=["TOKEN"]).partition("TOKEN")
    return before, after


def unsubscribe_url(message: Message) -> str:
    token = tokens.public_token("unsubscribe", workspace_id=message.workspace_id, row=message.pk)
    return public_url("unsubscribe", token, base=tracking_base(message.workspace_id))


def click_url(link: TrackedLink) -> str:
    token = tokens.public_token("click", workspace_id=link.workspace_id, row=link.pk)
    return public_url("click", token, base=tracking_base(link.workspace_id))


def hidden_url(message: Message) -> str:
    """An address that looks like a tracked link and that no person ever sees: whoever opens it reads mail by program."""
    token = tokens.public_token("hidden", workspace_id=message.workspace_id, row=message.pk)
    return public_url("click", token, base=tracking_base(message.workspace_id))


# Every variable a template may use; shown in the editor beside a real person's values.
VARIABLES = (
    "person.first_name", "person.last_name", "person.full_name", "person.title", "person.department", "person.city",
    "person.country", "company.name", "company.domain", "company.industry", "company.city", "company.country",
    "company.employees", "sender.name", "sender.first_name", "sender.email", "sender.signature", "workspace.name",
)  # fmt: skip


def template_data(
    *, person: Person, workspace: Workspace, mailbox: Mailbox | None, member: Member | None
) -> dict[str, Any]:
    """Plain nested data for Liquid; empty values are missing, so that a template must say its fallback."""
    company = person.company
    sender_name = mailbox.from_name if mailbox else (str(member) if member else "")
    return {
        "person": {
            key: getattr(person, key)
            for key in ("first_name", "last_name", "full_name", "title", "department", "city", "country")
        },
        "company": {
            key: getattr(company, key) for key in ("name", "domain", "industry", "city", "country", "employees")
        }
        if company
        else {},
        "sender": {
            "name": sender_name,
            "first_name": sender_name.split(" ")[0],
            "email": mailbox.address if mailbox else (member.email if member else ""),
            "signature": mailbox.signature if mailbox else "",
        },
        "workspace": {"name": workspace.name},
    }


@dataclass(frozen=True, slots=True)
class Rendered:
    """A step's texts for one person, before footer and tracked links."""

    subject: str
    text: str


def render_step(step: Step, data: dict[str, Any]) -> Rendered:
    """Raises liquid.MissingVariables or Invalid."""
    subject = liquid.render_line(step.subject, data) if step.subject else ""
    text = liquid.render(step.body, data, field="body").strip()
    signature = data.get("sender", {}).get("signature", "")
    if signature and step.kind == Step.Kind.EMAIL and signature not in text:
        text = f"{text}\n\n{signature}"
    return Rendered(subject, text)


def freeze_message(message: Message, *, workspace: Workspace, now: datetime) -> list[TrackedLink]:
    """Turn `message.text` into the two parts that will be sent: tracked links, footer, unsubscribe.

    Sets text and html of the unsaved or just saved message (its id must be known); returns the links to insert.
    """
    # The HTML part is made from the text, so both parts have the same links by construction.
    urls = links.trackable(links.find_links(message.text))
    rows = [
        TrackedLink(
            id=uuid.uuid5(message.pk, f"link:{position}"),
            workspace_id=message.workspace_id,
            message_id=message.pk,
            position=position,
            url=url,
        )
        for position, url in enumerate(urls, start=1)
    ]
    leads_to = {row.url: click_url(row) for row in rows}
    text, html = links.replace_in_text(message.text, leads_to), links.text_to_html(message.text, leads_to)
    if rows:
        # Where a click can be told at all. A person's part has the same links as ever: this is no link to anybody.
        html += links.hidden_link(hidden_url(message))
    small = ""
    if message.kind == Message.Kind.STEP:
        above = html.rstrip() + "\n"
        text, html = footer.append_footer(
            text,
            html,
            company=workspace.name,
            postal_address=workspace.postal_address,
            unsubscribe_url=unsubscribe_url(message),
        )
        small = html[len(above) :]
    html = mail_style.dress(html, small)
    message.text, message.html = text, html
    return rows


def mime_of(message: Message, *, now: datetime) -> bytes:
    """The bytes of one attempt. Raises Invalid naming the field that cannot be sent."""
    mailbox = message.mailbox
    is_step = message.kind == Message.Kind.STEP
    return mime.build(
        mime.OutgoingMail(
            from_name=mailbox.from_name,
            from_address=mailbox.address,
            to_name=message.to_name,
            to_address=message.to_address,
            subject=message.subject,
            text=message.text,
            html=message.html,
            message_id=message.message_id,
            in_reply_to=message.in_reply_to,
            references=tuple(message.references.split()),
            list_unsubscribe_url=unsubscribe_url(message) if is_step else "",
            date=now,
        )
    )


def threads_of(enrolments: list[uuid.UUID]) -> dict[uuid.UUID, list[Message]]:
    """The e-mails of enrolments that were or may have been delivered, oldest first: a follow-up threads onto them."""
    found: dict[uuid.UUID, list[Message]] = {}
    rows = Message.objects.filter(
        enrolment__any=enrolments, state__in=[Message.State.SENT, Message.State.UNKNOWN]
    ).only("id", "enrolment_id", "subject", "message_id", "workspace_id")
    for message in rows.order_by("submitted_at"):
        assert message.enrolment_id is not None
        found.setdefault(message.enrolment_id, []).append(message)
    return found


def window_of(sequence: Sequence) -> schedule.Window:
    """The sequence's sending window as the schedule rules take it."""
    return schedule.Window(sequence.window_start, sequence.window_end, frozenset(sequence.weekdays))


def zone_for(person: Person, workspace: Workspace) -> str:
    """The person's zone, else their company's, else the workspace's."""
    if person.time_zone:
        return person.time_zone
    if person.company and person.company.time_zone:
        return person.company.time_zone
    return workspace.time_zone
