"""`manage.py classify_mail FILE...`: what each mail is and says, one JSON line a file; needs no services.

`--score TABLE.csv` counts instead how often a labelled corpus is read right: columns `file,recipients[,temporary]` (bounces,
files beside the table or in a folder of it) or `reply,label` (texts with an intent, or positive/neutral/negative).
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.rules.inbound import read_mail
from campaigns.rules.intent import understand
from leadgen.core import clock

# What coarser labels of other people's corpora stand for.
_COARSE = {
    "positive": {"positive", "meeting"},
    "neutral": {"question", "unsure"},
    "negative": {"not_interested", "not_now", "opt_out"},
}


class Command(BaseCommand):
    help = "Classify raw mails (.eml): bounce, automatic reply, complaint, opt-out, reply with its intent."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE")
        parser.add_argument("--score", metavar="TABLE.csv", help="count how often a labelled corpus is read right")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["score"]:
            self._score(Path(options["score"]))
        elif not options["files"]:
            raise CommandError("Name at least one file, or a table with --score.")
        now = clock.now()
        for name in options["files"]:
            line = {"file": name, **read_mail(_bytes(Path(name)), received=now).as_json()}
            self.stdout.write(json.dumps(line, ensure_ascii=False))

    def _score(self, table: Path) -> None:
        rows = list(csv.DictReader(_bytes(table).decode("utf-8", "replace").splitlines()))
        if rows and {"reply", "label"} <= rows[0].keys():
            self._score_replies(rows)
        elif rows and {"file", "recipients"} <= rows[0].keys():
            self._score_bounces(rows, table.parent)
        else:
            raise CommandError("The table needs the columns file,recipients or reply,label.")

    def _score_replies(self, rows: list[dict[str, str]]) -> None:
        total: Counter[str] = Counter()
        right: Counter[str] = Counter()
        for row in rows:
            label = row["label"]
            intent = understand(row["reply"])[0].intent
            total[label] += 1
            right[label] += intent in _COARSE.get(label, {label})
        self._table([(label, right[label], total[label]) for label in sorted(total)])

    def _score_bounces(self, rows: list[dict[str, str]], folder: Path) -> None:
        now = clock.now()
        paths = {path.name: path for path in folder.rglob("*") if path.is_file()}
        named = whole = bounces = kinds = 0
        for row in rows:
            wanted = set(row["recipients"].lower().split())
            if not wanted or row["file"] not in paths:
                continue
            found = read_mail(_bytes(paths[row["file"]]), received=now)
            got = {recipient.address for recipient in found.recipients}
            named += 1
            whole += wanted == got
            if row.get("temporary", "").lower() == "true":
                kinds += 1
                bounces += all(recipient.type == "soft" for recipient in found.recipients)
        self._table([("recipients", whole, named), ("temporary read as soft", bounces, kinds)])

    def _table(self, lines: list[tuple[str, int, int]]) -> None:
        for name, right, total in [*lines, ("all", sum(line[1] for line in lines), sum(line[2] for line in lines))]:
            share = f"{right / total:7.1%}" if total else "      -"
            self.stdout.write(f"{name:<26} {right:>6} of {total:>6} {share}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
