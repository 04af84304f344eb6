"""PostgreSQL and Valkey of the crash test's own, which it may stop in the rudest way."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from leadgen.core import database, services
from leadgen.core.services import servers
from leadgen.core.services.state import State
from leadgen.core.services.tether import PR_SET_PDEATHSIG, tell_kernel
from tests.crash.environment import IDLE_SECONDS, keep_template


def _die_with_parent() -> None:
    """However we end, they do."""
    tell_kernel(PR_SET_PDEATHSIG, signal.SIGQUIT)


class OwnServers:
    """A cluster and a broker under `folder`; `urls` go into the environment of everything that is started."""

    def __init__(self, folder: Path) -> None:
        self.state = State.locate(folder)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.specification: dict[str, Any] = {}

    @property
    def urls(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.state.database_url("app"),
            "DATABASE_OWNER_URL": self.state.database_url("owner"),
            "REDIS_URL": self.state.redis_url(),
        }

    def start(self) -> None:
        """Start both, with roles and tables: those of the kept cluster (environment.py), or made now and kept."""
        fresh = not (self.state.cluster / "PG_VERSION").exists()
        self.state.prepare()
        servers.initialise(self.state)
        self.specification = servers.specification(self.state)["services"]
        self.start_valkey()
        self.start_postgres()
        if fresh:
            services.bootstrap_embedded(self.state)
            call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
            connections.close_all()
            self._stop("postgres", signal.SIGINT)
            keep_template(Path(os.environ["LEADGEN_CRASH_TEMPLATE"]), self.state)
            self.start_postgres()
        with database.connect(self.state.database_url("superuser", "postgres")) as connection:
            connection.execute(f"ALTER ROLE leadgen_app SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")

    def _start(self, name: str) -> None:
        entry = self.specification[name]
        uid, gid = entry["user"] or (None, None)
        with Path(entry["log"]).open("ab") as log:
            self.running[name] = subprocess.Popen(
                entry["argv"],
                env=entry["env"],
                cwd="/",
                user=uid,
                group=gid,
                extra_groups=[] if uid is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def start_postgres(self) -> None:
        import psycopg

        self._start("postgres")
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.state.database_url("superuser", "postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.running["postgres"].poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def start_valkey(self) -> None:
        self._start("valkey")
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.state.valkey_socket))
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Valkey did not start; its log is {self.state.logs / 'valkey.log'}")
            time.sleep(0.03)

    def crash_postgres(self) -> None:
        """`pg_ctl stop -m immediate` and a start with crash recovery."""
        self._stop("postgres", signal.SIGQUIT)  # what pg_ctl's immediate mode sends
        self.start_postgres()

    def restore_postgres(self) -> None:
        """As after a restore to a point in time: recovery from an archive ends, and a new timeline begins."""
        self._stop("postgres", signal.SIGINT)
        marker = self.state.cluster / "recovery.signal"
        marker.touch()
        self.state.give(marker)
        argv = self.specification["postgres"]["argv"]
        self.specification["postgres"]["argv"] = [*argv, "-c", "restore_command=/bin/false", "-c", "hot_standby=off"]
        self.start_postgres()
        self.specification["postgres"]["argv"] = argv

    def crash_valkey(self) -> None:
        """Kill it and start it again, empty where it had not written its log yet."""
        self._stop("valkey", signal.SIGKILL)
        self.start_valkey()

    def flush_valkey(self) -> None:
        import redis

        with redis.Redis.from_url(self.state.redis_url()) as client:
            client.flushall()

    def _stop(self, name: str, sign: signal.Signals) -> None:
        process = self.running.pop(name, None)
        if process is None:
            return
        process.send_signal(sign)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        self._stop("valkey", signal.SIGKILL)
        self._stop("postgres", signal.SIGQUIT)
