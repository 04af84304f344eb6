"""Door bells of accounts."""

from celery import shared_task

from accounts.actions.system_mail import send_due_system_mail
from leadgen.core import clock


@shared_task(name="accounts.send_system_mail")
def send_system_mail(mail_id: str | None = None) -> None:
    """Send what is due; the id only says that something is."""
    while send_due_system_mail(now=clock.now()):
        pass
