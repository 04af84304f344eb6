"""`manage.py services`: the embedded PostgreSQL and Valkey alone."""

import json
import os
import shlex
import shutil
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from leadgen.core import database, services
from leadgen.core.services import client


class Command(BaseCommand):
    help = "Start, stop or show the embedded PostgreSQL and Valkey, or (re)make the roles of a database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        words.add_parser("start", help="Start both and leave them running, until `services stop`.")
        words.add_parser("stop", help="Stop both now, whoever uses them.")
        status = words.add_parser("status", help="What runs, and for how many users.")
        env = words.add_parser("env", help="The URLs, as lines for a shell: eval $(manage.py services env).")
        for parser_with_json in (status, env):
            parser_with_json.add_argument("--json", action="store_true")
        words.add_parser(
            "bootstrap",
            help="Make or repair roles, grants, extensions and LEAKPROOF marks; repeat after a restore. "
            "For a server of your own set DATABASE_SUPERUSER_URL.",
        )
        destroy = words.add_parser("destroy", help="Stop both and delete their data.")
        destroy.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['word']}")(**options)
        except services.ServiceError as error:
            raise CommandError(str(error)) from error

    def _start(self, **options: Any) -> None:
        state = services.State.locate()
        lease = services.ensure_services(state)
        if lease is None:
            raise CommandError("DATABASE_URL and REDIS_URL are set: nothing embedded is used, so nothing was started.")
        with lease:
            lease.ask("hold")
        self.stdout.write(f"Running, with data in {state.root}. `manage.py services stop` ends them.")

    def _stop(self, **options: Any) -> None:
        stopped = client.stop(services.State.locate())
        self.stdout.write("Stopped." if stopped else "Nothing was running.")

    def _status(self, **options: Any) -> None:
        found = client.status(services.State.locate())
        if options["json"]:
            self.stdout.write(json.dumps(found))
        elif found is None:
            self.stdout.write("Not running.")
        else:
            pids = ", ".join(f"{name} (process {pid})" for name, pid in found["pids"].items()) or "none yet"
            until = "until `services stop`" if found["hold"] else "until the last user ends"
            self.stdout.write(f"Running: {pids}; {found['users']} users; {until}.")

    def _env(self, **options: Any) -> None:
        urls = services.resolve_urls()
        values = {
            "DATABASE_URL": urls.database,
            "DATABASE_OWNER_URL": urls.database_owner,
            "REDIS_URL": urls.redis,
        }
        if options["json"]:
            self.stdout.write(json.dumps(values))
            return
        for name, value in values.items():
            self.stdout.write(f"export {name}={shlex.quote(value)}")

    def _bootstrap(self, **options: Any) -> None:
        urls = services.resolve_urls()
        if "postgres" in services.embedded():
            state = services.State.locate()
            with client.acquire(state, ("postgres",)):
                services.bootstrap_embedded(state)
        else:
            superuser = os.environ.get("DATABASE_SUPERUSER_URL")
            if not superuser:
                raise CommandError("Set DATABASE_SUPERUSER_URL to a superuser's URL of the server DATABASE_URL names.")
            if urls.database_owner == urls.database:
                raise CommandError("Set DATABASE_OWNER_URL to the URL (name, password, database) the owner shall have.")
            database.bootstrap(superuser, app_url=urls.database, owner_url=urls.database_owner)
        self.stdout.write("Roles, grants, extensions and LEAKPROOF marks are in place.")

    def _destroy(self, **options: Any) -> None:
        state = services.State.locate()
        if not options["yes"] and input(f"Delete all data in {state.root}? Type yes: ") != "yes":
            raise CommandError("Nothing was deleted.")
        for each in (state, services.State.locate(test=True)):
            client.stop(each)
        for folder in {state.root, state.sockets, services.State.locate(test=True).sockets}:
            shutil.rmtree(folder, ignore_errors=True)
        self.stdout.write(f"{state.root} is gone.")
