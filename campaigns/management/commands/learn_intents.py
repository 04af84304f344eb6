"""`manage.py learn_intents`: learn anew what replies want from the sentences in rules/intent_sentences.py (for developers)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.rules.intent_model import STORED, learn


class Command(BaseCommand):
    help = "Learn the intents of replies from the sentences of this project and store the weights beside them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = learn()
        except RuntimeError as error:
            raise CommandError(f"Nothing learned: {error}.") from error
        STORED.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
        self.stdout.write(f"Stored. Right on sentences left out: {data['left_out_right']:.1%}.")
