"""`manage.py sandbox`: the mail sandbox for development and demo."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.sandbox.personas import Crowd
from campaigns.sandbox.server import Sandbox, read_endpoints

# Seconds between two; follow-ups wait when none came for a quarter of an hour.
HEARTBEAT = 30.0


class Command(BaseCommand):
    help = "Run the mail sandbox: SMTP on loopback, people at .example who answer, click, bounce, are away or silent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.SANDBOX_SMTP_PORT)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--seed", type=int, default=7, help="decides who does what")
        parser.add_argument("--fastest", type=float, default=20.0, help="seconds until the first may react")
        parser.add_argument("--slowest", type=float, default=90.0, help="seconds until the last has reacted")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.DATA_DIR) / "sandbox"
        sandbox = Sandbox(
            crowd=Crowd(seed=options["seed"]),
            journal=folder / "journal.jsonl",
            endpoints=read_endpoints(folder / "endpoints.json"),
            fastest=options["fastest"],
            slowest=options["slowest"],
        )
        try:
            controller = sandbox.controller(port=options["port"], host=options["host"])
            controller.start()
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used ({error}). Choose another with SANDBOX_SMTP_PORT."
            ) from error
        self.stdout.write(f"Sandbox listens on {options['host']}:{options['port']}, journal {sandbox.journal}")
        stop = threading.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: stop.set())
        next_heartbeat = 0.0
        while not stop.wait(1.0):
            sandbox.react(until=time.monotonic())
            if time.monotonic() >= next_heartbeat:
                sandbox.heartbeat()
                next_heartbeat = time.monotonic() + HEARTBEAT
        controller.stop()
