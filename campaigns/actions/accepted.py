"""What a 250 changes, in one statement: message, step, enrolment, person and ledger move together or not at all.

It is `outcomes.record_sent` for what nearly all mail is, a sequence step that nobody wrote by hand. One transaction for what
was accepted within some milliseconds: with a server that answers slowly, as real ones do, each mail has its own, at once;
with a fast one up to RECORD_AT_ONCE share it, because starting such a statement costs more than a mail in it. Where the
server then falls silent, what is left goes at once too (SmtpConversation.on_wait). Committed without
waiting for the disk: a crash of the database may lose it and the messages then are `unknown`, as they truly are to whoever
looks at the rows; a kill of the sender loses only what it had not written yet, and that is `unknown` too. Because the whole
bookkeeping is in it, there is nothing that a sweep would have to find and finish later.
"""

from typing import Any

from django.db import OperationalError

from campaigns.actions import outcomes
from campaigns.actions.no_return import Batch, Taken
from campaigns.actions.steps import ALL_DONE
from campaigns.models import Enrolment, Message
from campaigns.queries.looks import Look, zone_of
from leadgen.core.crash import crash_point
from leadgen.core.logging import log
from leadgen.core.prepared import Statement, send
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, ActivityKind, Channel

RECORD_AT_ONCE = 8
FAST_SECONDS = 0.03  # a mail handed over in less is followed by the next before anybody could look

# Enrolments are locked before anything else and in the order of their keys, as everybody does who locks several.
LOCK = Statement(
    "accepted_lock",
    """
SELECT 1 FROM campaigns_enrolment WHERE workspace_id = %(workspace)s AND id = ANY(%(enrolments)s::uuid[]) ORDER BY id
FOR UPDATE
""",
)
RECORD = Statement(
    "accepted",
    f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %(messages)s::uuid[], %(enrolments)s::uuid[], %(runs)s::uuid[], %(people)s::uuid[], %(companies)s::uuid[],
        %(leads)s::uuid[], %(campaigns)s::uuid[], %(responses)s::text[], %(provider_ids)s::text[],
        %(next_ats)s::timestamptz[], %(waits)s::text[], %(lasts)s::boolean[], %(summaries)s::text[]
    ) AS g (message, enrolment, run, person, company, lead, campaign, response, provider_id, next_at, wait, last, summary)
), moved AS (
    UPDATE campaigns_message m
    SET state = 'sent', reason = '', reason_code = '', response = g.response, provider_id = g.provider_id,
        settled_by = 'server', settled_at = %(now)s, sent_at = coalesce(submitted_at, %(now)s), lease_until = NULL
    FROM given g
    WHERE m.workspace_id = %(workspace)s AND m.id = g.message AND m.state = 'unknown'
    RETURNING m.id
), run AS (
    UPDATE campaigns_steprun r SET done_at = %(now)s, outcome = 'sent'
    FROM given g JOIN moved ON moved.id = g.message
    WHERE r.workspace_id = %(workspace)s AND r.id = g.run AND r.done_at IS NULL
    RETURNING r.id
), advanced AS (
    UPDATE campaigns_enrolment e
    SET next_at = g.next_at, wait_reason = g.wait,
        state = CASE WHEN g.last THEN '{Enrolment.State.FINISHED}' ELSE e.state END,
        reason = CASE WHEN g.last THEN '{ALL_DONE}' ELSE e.reason END,
        ended_at = CASE WHEN g.last THEN %(now)s ELSE e.ended_at END
    FROM given g JOIN run ON run.id = g.run
    WHERE e.workspace_id = %(workspace)s AND e.id = g.enrolment
      AND e.state IN ('{Enrolment.State.ACTIVE}', '{Enrolment.State.PAUSED}')
), touched AS (
    UPDATE prospects_person p SET last_touch_at = %(now)s
    FROM given g JOIN moved ON moved.id = g.message
    WHERE p.workspace_id = %(workspace)s AND p.id = g.person AND (p.last_touch_at IS NULL OR p.last_touch_at < %(now)s)
), told AS (
    INSERT INTO prospects_activity (workspace_id, at, recorded_at, kind, hit_class, channel, person_id, company_id, lead_id,
        campaign_id, summary, detail, about_type, about_id, key)
    SELECT %(workspace)s, %(now)s, %(now)s, '{ActivityKind.SENT}', '{Activity.HitClass.HUMAN}', '{Channel.EMAIL}',
        g.person, g.company, g.lead, g.campaign, g.summary, '{{}}', 'message', g.message, 'sent:' || g.message
    FROM given g JOIN moved ON moved.id = g.message
    ON CONFLICT (workspace_id, key) WHERE key <> '' DO NOTHING
)
SELECT id FROM moved
""",  # noqa: S608  constants of ours
)


def record_accepted(batch: Batch, look: Look, response: str, *, provider_id: str = "", seconds: float) -> None:
    """The server took it, `seconds` after it was asked for the recipient. `settle_records` says what became of the record.

    Unless the server is fast, the whole transaction is with the database when this returns, so a kill loses nothing;
    meanwhile the next RCPT is asked.
    """
    message, enrolment = look.message, look.enrolment
    if enrolment is None or not look.run or message.kind != Message.Kind.STEP or message.member_id:
        settle_records(batch)
        _record_by_models(batch, look, response, provider_id)
        return
    following, next_at, wait = look.following, None, ""
    if following is not None:
        person = enrolment.person
        slot = batch.clock.after(following, zone=zone_of(look), sequence=enrolment.sequence, name=person.first_name)
        next_at, wait = slot.at, f"Waits: {slot.reason}" if slot.reason else ""
    if next_at is not None:
        batch.touched.append(next_at)
    values = {
        "messages": message.pk, "enrolments": enrolment.pk, "runs": look.run, "people": enrolment.person_id,
        "companies": enrolment.person.company_id, "leads": enrolment.lead_id, "campaigns": message.campaign_id,
        "responses": response[:500], "provider_ids": provider_id, "next_ats": next_at, "waits": wait,
        "lasts": following is None, "summaries": f"E-mail sent: {message.subject}"[:300],
    }  # fmt: skip
    batch.accepted.append(Taken(look, response, provider_id, values))
    if seconds > FAST_SECONDS or len(batch.accepted) >= RECORD_AT_ONCE:
        send_records(batch)


def send_records(batch: Batch) -> None:
    """Put the record of everything accepted on its way."""
    wait_for_records(batch)
    taken, batch.accepted = batch.accepted, []
    if not taken:
        return
    values: dict[str, Any] = {name: [one.values[name] for one in taken] for name in taken[0].values}
    values |= {"workspace": batch.workspace_id, "now": batch.now}
    batch.flying = (taken, send(batch.workspace_id, (LOCK, values), (RECORD, values)))


def wait_for_records(batch: Batch) -> None:
    """Wait for the record that is on its way, if one is. Before anything else is asked of the database."""
    if batch.flying is None:
        return
    (taken, sent), batch.flying = batch.flying, None
    try:
        done = {row[0] for row in sent.result()}
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "40P01":
            raise
        done = set()  # a deadlock: somebody else had some of these rows; nothing was written
        log.warning("record_again", mailbox=str(batch.mailbox.pk), count=len(taken))
    for one in taken:
        if str(one.look.message.pk) in done:
            batch.report.sent += 1
            crash_point("C11")
        else:
            # Somebody settled it: look at it by its key.
            _record_by_models(batch, one.look, one.response, one.provider_id)


def settle_records(batch: Batch) -> None:
    """Everything accepted is recorded when this returns."""
    send_records(batch)
    wait_for_records(batch)


def _record_by_models(batch: Batch, look: Look, response: str, provider_id: str) -> None:
    with workspace_scope(batch.workspace_id):
        if outcomes.record_sent(
            message=look.message, response=response, by="server", now=batch.now, provider_id=provider_id
        ):
            batch.report.sent += 1
    crash_point("C11")
