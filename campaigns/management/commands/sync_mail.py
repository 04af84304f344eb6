"""`manage.py sync_mail`: read mailboxes over IMAP and wait for mail in them, until told to stop."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.actions.mailwatch import MailWatch, read_all_once


class Command(BaseCommand):
    help = (
        "Watch every mailbox that is read over IMAP: a reply takes effect within seconds. --once reads each one time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="read every mailbox one time and end")
        parser.add_argument(
            "--poll", type=float, default=settings.MAIL_POLL_SECONDS, help="seconds between two looks at all folders"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self._once()
            return
        watch = MailWatch(poll_seconds=options["poll"], say=self.stdout.write)
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: watch.stop())
        watch.run()

    def _once(self) -> None:
        reports = read_all_once()
        for (_, mailbox_id), report in reports.items():
            if report.busy:
                said = "read by somebody else at this moment"
            elif report.problem:
                said = report.problem
            else:
                said = f"{report.new} new, {report.folders} folders, {report.settled} settled, {report.copied} copied"
            self.stdout.write(f"{mailbox_id}: {said}")
        failed = sum(bool(report.problem) for report in reports.values())
        if failed:
            raise CommandError(f"{failed} of {len(reports)} mailboxes could not be read.")
        self.stdout.write(f"{len(reports)} mailboxes read.")
