"""Which mail of ours an incoming mail is about, and how surely: by our Message-ID or token, or only probably.

Anybody can write a mail that looks like a bounce, a report or a reply. Only what carries something that we alone could
have made, and that went out from this very mailbox, is proof.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from campaigns.models import Enrolment, Mailbox, Message, TrackedLink
from campaigns.rules.inbound import InboundMessage
from campaigns.rules.proof import tokens_in
from leadgen.core.tenancy import current_workspace_id

type MessageQuery = QuerySet[Message]

# How long an id a sending service gave our mail is looked for.
PROVIDER_IDS = timedelta(days=120)
RELATED = (
    "person",
    "person__company",
    "person__owner",
    "enrolment",
    "enrolment__sequence",
    "enrolment__owner",
    "campaign",
)


@dataclass(frozen=True, slots=True)
class Match:
    """`how`: id or token are proof, probable is the sender alone, '' is nothing. `reason` says it in words."""

    message: Message | None
    how: Literal["id", "token", "probable", ""]
    reason: str

    @property
    def proven(self) -> bool:
        return self.how in ("id", "token")


def match_mail(*, mailbox: Mailbox, mail: InboundMessage, raw: bytes, now: datetime) -> Match:
    """Our message that `mail` answers or returns. Ids first, then tokens, then (never for a bounce or report) the sender."""
    found = _by_ids(mailbox, mail, now)
    if found is not None:
        return Match(found, "id", "It names the Message-ID of our mail.")
    found = _by_tokens(mailbox, raw)
    if found is not None:
        return Match(found, "token", "It contains a link that only our mail had.")
    if mail.kind in {"bounce", "complaint"} or not mail.from_address:
        return Match(None, "", "It names no Message-ID of ours.")
    latest = (
        _messages(mailbox)
        .filter(
            Q(state__in=[Message.State.SENT, Message.State.UNKNOWN]) | Q(first_submitted_at__isnull=False),
            to_address=mail.from_address.lower(),
            person__email=mail.from_address.lower(),
            enrolment__state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED],
        )
        .order_by(Coalesce("submitted_at", "first_submitted_at").desc())
        .first()
    )
    if latest is not None:
        return Match(latest, "probable", "Probable: the address we wrote to, in a running sequence.")
    return Match(None, "", "No mail of ours.")


def _messages(mailbox: Mailbox) -> MessageQuery:
    rows: MessageQuery = Message.objects.select_related(*RELATED).filter(mailbox=mailbox)
    return rows


def _by_ids(mailbox: Mailbox, mail: InboundMessage, now: datetime) -> Message | None:
    ids = [found for found in dict.fromkeys([mail.in_reply_to, *mail.references, *mail.original_ids]) if found]
    if not ids:
        return None
    ours = {message.message_id: message for message in _messages(mailbox).filter(message_id__in=ids)}
    if not ours:
        # A sending service may have written an id of its own: as a whole, or as the part before its host.
        given = {name: pk for pk in ids for name in (pk, pk.partition("@")[0]) if len(name) >= 16}
        recent = Q(submitted_at__gte=now - PROVIDER_IDS) | Q(first_submitted_at__gte=now - PROVIDER_IDS)
        rows = _messages(mailbox).filter(recent, provider_id__in=list(given))
        ours = {given[message.provider_id]: message for message in rows}
    return next((ours[found] for found in ids if found in ours), None)


def _by_tokens(mailbox: Mailbox, raw: bytes) -> Message | None:
    tokens = tokens_in(raw, workspace_id=current_workspace_id())
    ids: list[uuid.UUID] = list(tokens.messages)
    if tokens.links:
        ids += TrackedLink.objects.filter(pk__in=tokens.links).values_list("message_id", flat=True)
    rows = {message.pk: message for message in _messages(mailbox).filter(pk__in=ids)} if ids else {}
    return next((rows[pk] for pk in ids if pk in rows), None)
