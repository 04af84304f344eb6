"""`manage.py dispatch --once [--now T] [--json]`: one dispatcher turn, on a clock given to it."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.actions.clicks import classify_due_hits
from campaigns.actions.dispatch import dispatch_once, sweep_lanes
from leadgen.core import clock


class Command(BaseCommand):
    help = "Begin due steps and send due mail, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one turn (the workers take turns by themselves)")
        parser.add_argument("--now", help="the instant to act at, ISO 8601 with zone; default: now")
        parser.add_argument("--json", action="store_true", help="print the turn as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["once"]:
            raise CommandError("Say --once. The dispatcher runs by itself inside the workers (manage.py up).")
        now = clock.now()
        if options["now"]:
            try:
                now = datetime.fromisoformat(options["now"])
            except ValueError as error:
                raise CommandError(f"--now {options['now']!r} is not an ISO 8601 instant.") from error
            if now.tzinfo is None:
                raise CommandError("--now needs a zone, such as 2026-11-21T09:00:00+00:00.")
        sweep_lanes(now=now)
        turn = dispatch_once(now=now)
        classify_due_hits(now=now)
        if options["json"]:
            self.stdout.write(json.dumps(turn.as_dict()))
            return
        self.stdout.write(
            f"{turn.begun} steps begun; e-mails: {turn.sent} sent, {turn.blocked} blocked, {turn.failed} failed, "
            f"{turn.unknown} unknown, {turn.held} held."
        )
        for reason in turn.reasons:
            self.stdout.write(f"  {reason}")
