"""Door bells of accounts."""

from celery import shared_task

from accounts.actions.idempotency import forget_old_answers
from accounts.actions.system_mail import send_due_system_mail
from leadgen.core import clock, lanes
from leadgen.core.idempotency import LANE
from leadgen.core.tenancy import workspace_scope


@shared_task(name="accounts.send_system_mail")
def send_system_mail(mail_id: str | None = None) -> None:
    """Send what is due; the id only says that something is."""
    while send_due_system_mail(now=clock.now()):
        pass


@shared_task(name="accounts.forget_old_answers")
def forget_old_api_answers() -> None:
    """Delete expired answers of POSTs with an Idempotency-Key, workspace by workspace."""
    now = clock.now()
    while lane := lanes.take(kind=LANE, now=now):
        with workspace_scope(lane.workspace_id):
            again = forget_old_answers(now=now)
        lanes.move_on(lane, next_due=again)
