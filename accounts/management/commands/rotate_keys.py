"""`manage.py rotate_keys [--check]`: seal every stored secret with the first of FIELD_KEYS, so that the others can go."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts.actions.keys import move_to_newest_key

PIN = (
    "DERIVE_KEY is not set: the last of FIELD_KEYS signs links and Message-IDs too. Set DERIVE_KEY to that same last key,\n"
    "restart, and only then remove it from FIELD_KEYS."
)


class Command(BaseCommand):
    help = "Seal every stored secret with the newest field key. May be run at any time, and again after a break."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing, say what the newest key opens already"
        )
        parser.add_argument("--batch", type=int, default=200, help="rows in one transaction (default 200)")

    def handle(self, *args: Any, **options: Any) -> None:
        left = failed = 0
        for label, count in move_to_newest_key(batch=max(options["batch"], 1), write=not options["check"]):
            done = "would be moved" if options["check"] else "moved"
            self.stdout.write(
                f"{label}: {count.kept} on the newest key, {count.moved} {done}, {count.failed} not opened"
            )
            failed += count.failed
            left += count.moved if options["check"] else 0
        if failed:
            self.stderr.write(
                f"{failed} secrets are not opened by any of FIELD_KEYS, or changed meanwhile. Run it again, and"
            )
            self.stderr.write("keep every key until it prints 0: what is not opened has to be typed again.")
            sys.exit(1)
        if left:
            self.stdout.write(f"{left} secrets still need an older key. Run it without --check.")
            sys.exit(1)
        older = len(settings.FIELD_KEYS) - 1
        if older and not settings.DERIVE_KEY_IS_SET:
            self.stdout.write(PIN)
        elif older:
            self.stdout.write(f"Nothing needs the {older} older of FIELD_KEYS any more: remove them and restart.")
