"""`manage.py restore_guard status|hold|reconcile|release`: sending after the database came out of a backup."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.audit import Actor
from campaigns.actions.dispatch import sweep_lanes
from campaigns.actions.restored import Compared, audit_everywhere, compare_all, release_sending
from leadgen.core import clock, restore
from leadgen.core.models import Installation

BY = Actor(source="command")


class Command(BaseCommand):
    help = "Show, set or lift the hold on all sending after a restore; compare the Sent folders with the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["status", "hold", "reconcile", "release"])
        parser.add_argument("--reason", default="by hand", help="with hold: why, in words everybody reads")
        parser.add_argument("--since", help="compare mail sent since this instant (default: a day before the backup)")
        parser.add_argument("--by", default="the operator", help="who releases, for the audit log")
        parser.add_argument(
            "--without-comparison", action="store_true",
            help="with release: also where a Sent folder cannot be read; what was sent from there may be sent again",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        restore.check(now=clock.now())
        getattr(self, options["act"])(**options)

    def status(self, **options: Any) -> None:
        signs, row = restore.read_signs(), Installation.objects.get(pk=1)
        if options["json"]:
            found = asdict(signs) | {"differs": signs.differs, "held": bool(row.held_at)}
            self.stdout.write(json.dumps(found, default=str))
            return
        self.stdout.write(f"Cluster {signs.system_identifier}, timeline {signs.timeline}.")
        if row.held_at is None:
            self.stdout.write("Sending is not held.")
            return
        self.stdout.write(f"{row.held_reason}. Held since {row.held_at:%d %b %Y %H:%M} UTC.")
        if signs.differs:
            self.stdout.write(
                f"The data was written in cluster {signs.known_identifier}, timeline {signs.known_timeline}."
            )
        self.stdout.write("Compare: manage.py restore_guard reconcile. Then: manage.py restore_guard release.")

    def hold(self, **options: Any) -> None:
        if not restore.hold(reason=options["reason"], now=clock.now()):
            raise CommandError(f"Sending is held already. {restore.sending_held()}.")
        audit_everywhere(action="sending.held", by=BY, label=options["reason"], now=clock.now())
        self.stdout.write("All sending is held until: manage.py restore_guard release")

    def reconcile(self, **options: Any) -> None:
        self._need_hold()
        self._print(self._compare(options), as_json=options["json"])

    def release(self, **options: Any) -> None:
        self._need_hold()
        compared = self._compare(options)
        self._print(compared, as_json=options["json"])
        left = [entry for entry in compared if entry.problem]
        if left and not options["without_comparison"]:
            raise CommandError(
                f"{len(left)} of {len(compared)} mailboxes could not be compared; the reasons are above. Mend them, or add "
                "--without-comparison and accept that what was sent from them since the backup may be sent again."
            )
        release_sending(compared=compared, by=BY, label=options["by"], now=clock.now())
        sweep_lanes(now=clock.now())
        if not options["json"]:
            self.stdout.write("Sending goes on.")

    def _need_hold(self) -> None:
        if not restore.sending_held():
            raise CommandError("Sending is not held: there is nothing to compare or to release.")

    def _compare(self, options: dict[str, Any]) -> list[Compared]:
        since = None
        if options["since"]:
            try:
                since = datetime.fromisoformat(options["since"])
            except ValueError as error:
                raise CommandError(f"--since {options['since']!r} is not an ISO 8601 instant.") from error
            if since.tzinfo is None:
                raise CommandError("--since needs a zone, such as 2026-11-21T09:00:00+00:00.")
        return compare_all(now=clock.now(), since=since)

    def _print(self, compared: list[Compared], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps([asdict(entry) for entry in compared], default=str))
            return
        if not compared:
            self.stdout.write("No mailbox: nothing to compare.")
        for entry in compared:
            said = entry.problem or (
                f"{entry.seen} mails in Sent; {entry.known} recorded, {entry.proven} proven sent, {entry.rebuilt} written "
                f"back, {entry.unplaced} without a place"
            )
            self.stdout.write(f"{entry.mailbox}: {said}")
