"""`manage.py crashtest --kills N --seed S --json`: kill everything that can be killed, then count what was doubled or lost."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadgen.core.services.state import State
from leadgen.core.supervisor import TETHER


class Command(BaseCommand):
    help = (
        "Kill worker, child, beat and web at the crash points and at random, on a database, sink and Dovecot of its own; "
        "then compare what was accepted with what is recorded. Exit code 1 at any double or loss."
    )
    requires_system_checks = []  # no database runs yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kills", type=int, default=12, help="how many kills that count (default 12)")
        parser.add_argument("--seed", type=int, default=1, help="who is killed where and when, and how people react")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")
        parser.add_argument("--points", default="", help="only these points, such as C7,C9 (default: all there are)")
        parser.add_argument("--no-imap", action="store_true", help="without Dovecot: C12 to C14 are left out")
        parser.add_argument("--keep", action="store_true", help="keep the folder with logs, journal and database")
        parser.add_argument("--folder", help="where to work (default: a new folder under /tmp)")
        parser.add_argument("--inside", action="store_true", help="set by this command itself")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (Path(settings.BASE_DIR) / "tests" / "crash").is_dir():
            raise CommandError("The crash test lives in tests/: run it from a checkout, not from the image.")
        if options["inside"]:
            self._inside(**options)
            return
        folder = Path(options["folder"] or tempfile.mkdtemp(prefix="leadgen-crash-", dir="/tmp"))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # as root the servers run as another user
        from tests.crash.environment import environment

        again = [
            sys.executable,
            "-S",
            "-E",
            str(TETHER),
            str(os.getpid()),
            "15",
            sys.executable,
            sys.argv[0],
            "crashtest",
        ]
        again += ["--inside", "--folder", str(folder), "--kills", str(options["kills"]), "--seed", str(options["seed"])]
        again += [f"--{name.replace('_', '-')}" for name in ("json", "no_imap", "keep") if options[name]]
        again += ["--points", options["points"]] if options["points"] else []
        try:
            # The tether ends what the test leaves behind, also where it is killed itself.
            done = subprocess.run(again, env=environment(folder), check=False)
        finally:
            if not options["keep"]:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.rmtree(State.locate(folder).sockets, ignore_errors=True)
        if done.returncode:
            sys.exit(done.returncode)

    def _inside(self, **options: Any) -> None:
        from tests.crash.harness import CrashTest

        test = CrashTest(
            folder=Path(options["folder"]),
            kills=options["kills"],
            seed=options["seed"],
            points=tuple(point for point in options["points"].split(",") if point),
            imap=not options["no_imap"],
            say=self.stderr.write,
        )
        figures, problems = test.run()
        if options["json"]:
            self.stdout.write(json.dumps(figures | {"problems": problems}, indent=1))
        else:
            self.stdout.write(
                f"{figures['kills']} kills at {len(figures['points'])} points: {figures['doubles']} doubles, "
                f"{figures['lost']} lost, {figures['unknown']} unknown, {figures['settled']} settled."
            )
            for problem in problems[:50]:
                self.stdout.write(f"  {problem}")
        if problems:
            sys.exit(1)
