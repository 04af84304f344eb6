"""How much a mailbox may send now: caps over rolling 24 hours, gaps, its state."""

from datetime import datetime, timedelta

from django.db.models import F

from campaigns.models import Mailbox, Message

DAY = timedelta(hours=24)


class Room:
    """How many mails a mailbox may still send, counted once a batch and again whenever somebody else sent from it."""

    def __init__(self, mailbox: Mailbox, now: datetime) -> None:
        self.now = now
        self._count(mailbox)

    def _count(self, mailbox: Mailbox) -> None:
        self.seen = mailbox.submissions
        self.used = Message.objects.filter(mailbox=mailbox, submitted_at__gt=self.now - DAY).count()

    def left(self, mailbox: Mailbox) -> tuple[int, datetime | None]:
        """(mails that may go now, when there is room again). `mailbox` is locked and fresh; counts what passed the point of
        no return in the 24 hours before `now`."""
        if mailbox.state != Mailbox.State.ACTIVE:
            return 0, None
        if mailbox.submissions != self.seen:
            self._count(mailbox)
        if self.used >= mailbox.daily_cap:
            recent = Message.objects.filter(mailbox=mailbox, submitted_at__gt=self.now - DAY).order_by("submitted_at")
            oldest = recent.values_list("submitted_at", flat=True)[self.used - mailbox.daily_cap]
            return 0, oldest + DAY
        if mailbox.min_gap_seconds and mailbox.last_submitted_at:
            free = mailbox.last_submitted_at + timedelta(seconds=mailbox.min_gap_seconds)
            if free > self.now:
                return 0, free
        return (1 if mailbox.min_gap_seconds else mailbox.daily_cap - self.used), None

    def noted(self, mailbox: Mailbox) -> None:
        """One mail passed the point of no return by a statement that counted it on the mailbox itself (actions.no_return):
        no gap, jitter or domain cap is set there. Touches no database; `mailbox` is brought up to date too."""
        self.used += 1
        mailbox.submissions += 1
        mailbox.last_submitted_at = self.now
        self.seen = mailbox.submissions

    def take(self, mailbox: Mailbox) -> None:
        """One mail passed the point of no return, in this transaction."""
        self.used += 1
        self.seen = mailbox.submissions + 1
        Mailbox.objects.filter(pk=mailbox.pk).update(last_submitted_at=self.now, submissions=F("submissions") + 1)
