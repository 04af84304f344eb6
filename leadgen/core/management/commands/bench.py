"""`manage.py bench [NAME] [--full]`: the benchmark table, one JSON line a figure, on a database of its own.

Reference and value run in one process, on the same table, role and indexes; compare ratios, not absolutes.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

BENCHES = ("fit", "import", "duplicates", "dispatch", "replies", "segments", "search", "lists", "verification")
MODULES = {"import": "imports"}  # where the name is no module's
INSIDE = "LEADGEN_BENCH_DIR"


class Command(BaseCommand):
    help = "Print the benchmarks as JSON lines {name, value, unit, reference, ratio, target, met}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=BENCHES, help="one benchmark; default: all")
        parser.add_argument("--full", action="store_true", help="large tables (minutes); default: under a minute")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get(INSIDE):
            for name in [options["name"]] if options["name"] else BENCHES:
                self._run(name, full=options["full"])
            return
        folder = tempfile.mkdtemp(prefix="leadgen-bench-")
        Path(folder).chmod(0o711)  # as root the server runs as another user and must pass through
        kept_out = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
        environment = {key: value for key, value in os.environ.items() if key not in kept_out}
        environment |= {INSIDE: folder, "LEADGEN_DATA_DIR": folder}
        try:
            done = subprocess.run([sys.executable, *sys.argv], env=environment, check=False)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            raise CommandError("A benchmark failed; its error is above.")

    def _run(self, name: str, *, full: bool) -> None:
        sys.path.insert(0, str(Path.cwd()))
        try:
            module = importlib.import_module(f"tests.bench.{MODULES.get(name, name)}")
        except ModuleNotFoundError as error:
            raise CommandError(f"The benchmarks are not part of this installation ({error}).") from error
        for figure in module.run(full=full):
            self.stdout.write(json.dumps(figure.as_dict()))
            self.stdout.flush()
