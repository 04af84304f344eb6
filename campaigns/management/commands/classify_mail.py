"""`manage.py classify_mail FILE...`: what each mail is and says, one JSON line a file; needs no services."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.rules.inbound import read_mail
from leadgen.core import clock


class Command(BaseCommand):
    help = "Classify raw mails (.eml): bounce, automatic reply, complaint, opt-out, reply with its intent."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        for name in options["files"]:
            try:
                raw = Path(name).read_bytes()
            except OSError as error:
                raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
            line = {"file": name, **read_mail(raw, received=now).as_json()}
            self.stdout.write(json.dumps(line, ensure_ascii=False))
