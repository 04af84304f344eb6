"""`manage.py learn_titles`: learn anew what job titles mean from rules/titles_examples.py (for developers)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prospects.rules.titles_model import STORED, learn


class Command(BaseCommand):
    help = "Learn ranks and departments from the titles of this project and store the weights beside them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = learn()
        except RuntimeError as error:
            raise CommandError(f"Nothing learned: {error}.") from error
        STORED.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
        for name, part in data.items():
            self.stdout.write(f"Stored. {name}: right on titles left out: {part['left_out_right']:.1%}.")
