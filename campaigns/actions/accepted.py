"""What a 250 changes, in one statement: message, step, enrolment, person and ledger move together or not at all.

It is `outcomes.record_sent` for what nearly all mail is, a sequence step that nobody wrote by hand. One transaction a mail,
right after the server's answer, committed without waiting for the disk: a crash of the database may lose it and the message
then is `unknown`, as it truly is to whoever looks at the rows; a kill of the sender loses nothing. Because the whole
bookkeeping is in it, there is nothing that a sweep would have to find and finish later.
"""

from campaigns.actions import outcomes
from campaigns.actions.no_return import Batch
from campaigns.actions.steps import ALL_DONE
from campaigns.models import Enrolment, Message
from campaigns.queries.looks import Look, zone_of
from leadgen.core.crash import crash_point
from leadgen.core.prepared import Statement, send
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, ActivityKind, Channel

RECORD = Statement(
    "accepted",
    f"""
WITH moved AS (
    UPDATE campaigns_message
    SET state = 'sent', reason = '', reason_code = '', response = %(response)s, provider_id = %(provider_id)s,
        settled_by = 'server', settled_at = %(now)s, sent_at = coalesce(submitted_at, %(now)s), lease_until = NULL
    WHERE workspace_id = %(workspace)s AND ctid = %(tid)s::tid AND id = %(message)s AND state = 'unknown'
    RETURNING 1
), run AS (
    UPDATE campaigns_steprun SET done_at = %(now)s, outcome = 'sent'
    WHERE workspace_id = %(workspace)s AND enrolment_id = %(enrolment)s AND step_id = %(step)s AND done_at IS NULL
      AND EXISTS (SELECT 1 FROM moved)
    RETURNING 1
), advanced AS (
    UPDATE campaigns_enrolment
    SET next_at = %(next_at)s::timestamptz, wait_reason = %(wait)s,
        state = CASE WHEN %(last)s::boolean THEN '{Enrolment.State.FINISHED}' ELSE state END,
        reason = CASE WHEN %(last)s::boolean THEN '{ALL_DONE}' ELSE reason END,
        ended_at = CASE WHEN %(last)s::boolean THEN %(now)s ELSE ended_at END
    WHERE workspace_id = %(workspace)s AND id = %(enrolment)s AND EXISTS (SELECT 1 FROM run)
      AND state IN ('{Enrolment.State.ACTIVE}', '{Enrolment.State.PAUSED}')
), touched AS (
    UPDATE prospects_person SET last_touch_at = %(now)s
    WHERE workspace_id = %(workspace)s AND id = %(person)s AND (last_touch_at IS NULL OR last_touch_at < %(now)s)
      AND EXISTS (SELECT 1 FROM moved)
), told AS (
    INSERT INTO prospects_activity (workspace_id, at, recorded_at, kind, hit_class, channel, person_id, company_id, lead_id,
        campaign_id, summary, detail, about_type, about_id, key)
    SELECT %(workspace)s, %(now)s, %(now)s, '{ActivityKind.SENT}', '{Activity.HitClass.HUMAN}', '{Channel.EMAIL}',
        %(person)s, %(company)s::uuid, %(lead)s::uuid, %(campaign)s::uuid, %(summary)s::text, '{{}}', 'message', %(message)s,
        %(key)s::text
    FROM moved
    ON CONFLICT (workspace_id, key) WHERE key <> '' DO NOTHING
)
SELECT count(*) FROM moved
""",  # noqa: S608  constants of ours
)


def record_accepted(batch: Batch, look: Look, response: str, *, provider_id: str = "") -> None:
    """The server took it: send the record on its way. `settle_record` says what became of it.

    The server has the whole transaction when this returns, so a kill loses nothing; meanwhile the next RCPT is asked.
    """
    message, enrolment, now = look.message, look.enrolment, batch.now
    usual = look.tid and message.step_id and message.kind == Message.Kind.STEP and not message.member_id
    if not usual or enrolment is None:
        _record_by_models(batch, look, response, provider_id)
        return
    following, next_at, wait = look.following, None, ""
    if following is not None:
        person = enrolment.person
        slot = batch.clock.after(following, zone=zone_of(look), sequence=enrolment.sequence, name=person.first_name)
        next_at, wait = slot.at, f"Waits: {slot.reason}" if slot.reason else ""
    values = {
        "workspace": batch.workspace_id, "message": message.pk, "enrolment": enrolment.pk, "step": message.step_id, "tid": look.tid,
        "person": enrolment.person_id, "company": enrolment.person.company_id, "lead": enrolment.lead_id,
        "campaign": message.campaign_id, "response": response[:500], "provider_id": provider_id, "now": now,
        "next_at": next_at, "wait": wait, "last": following is None, "summary": f"E-mail sent: {message.subject}"[:300], "key": f"sent:{message.pk}",
    }  # fmt: skip
    if next_at is not None:
        batch.touched.append(next_at)
    batch.pending = (look, response, provider_id, send(batch.workspace_id, (RECORD, values)))


def settle_record(batch: Batch) -> None:
    """Wait for the record that is on its way, if one is. Before anything else is asked of the database."""
    if batch.pending is None:
        return
    (look, response, provider_id, sent), batch.pending = batch.pending, None
    rows = sent.result()
    if rows and rows[0][0] == "1":
        batch.report.sent += 1
        crash_point("C11")
        return
    # The row moved since, or somebody settled it: look at it by its key.
    _record_by_models(batch, look, response, provider_id)


def _record_by_models(batch: Batch, look: Look, response: str, provider_id: str) -> None:
    with workspace_scope(batch.workspace_id):
        if outcomes.record_sent(
            message=look.message, response=response, by="server", now=batch.now, provider_id=provider_id
        ):
            batch.report.sent += 1
    crash_point("C11")
