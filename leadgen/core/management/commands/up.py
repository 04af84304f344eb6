"""`manage.py up`: everything Leadgen is, on this machine, until Ctrl-C."""

import fcntl
import hashlib
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command, get_commands

from leadgen.core import services
from leadgen.core.services import client
from leadgen.core.services.tether import PR_SET_PDEATHSIG, tell_kernel
from leadgen.core.supervisor import Supervisor

BIN = Path(sys.executable).parent


class Command(BaseCommand):
    help = "Start embedded services where no URL is set, migrate, then web, worker, beat, mail reader and mail sandbox, until Ctrl-C."
    requires_system_checks = []  # the programs started run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: this machine only).")
        parser.add_argument("--no-demo", action="store_true", help="Do not fill the demo workspace.")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get("LEADGEN_TETHERED"):  # make run: if make is killed, so are we
            tell_kernel(PR_SET_PDEATHSIG, signal.SIGTERM)
        started = time.monotonic()
        host, port = options["host"], options["port"]
        state = services.State.locate()
        state.root.mkdir(parents=True, exist_ok=True)
        with (state.root / "up.lock").open("a+") as lock:
            _refuse_second(lock, state.root)
            _refuse_taken_ports(host, port)
            lock.truncate(0)
            lock.write(f"http://localhost:{port}")
            lock.flush()
            try:
                lease = services.ensure_services(state)
            except services.ServiceError as error:
                raise CommandError(str(error)) from error
            try:
                self._serve(host=host, port=port, demo=not options["no_demo"], started=started)
            except services.ServiceError as error:
                raise CommandError(str(error)) from error
            finally:
                if lease is not None:
                    lease.close()
                    client.settle(state)  # return only when the servers are gone too

    def _serve(self, *, host: str, port: int, demo: bool, started: float) -> None:
        url = f"http://localhost:{port}"
        urls = services.resolve_urls()
        env = os.environ | {
            "DATABASE_URL": urls.database,
            "DATABASE_OWNER_URL": urls.database_owner,
            "REDIS_URL": urls.redis,
            "SITE_URL": os.environ.get("SITE_URL", url),
            "PYTHONUNBUFFERED": "1",
            # In a container or on a test machine we are root, and Celery says so at length.
            "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "ignore:::celery.platforms"),
        }
        env.pop("LEADGEN_TETHERED", None)
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        supervisor = Supervisor(env=env, cwd=settings.BASE_DIR)
        supervisor.watch_signals()
        try:
            self._prepare(supervisor, manage)
            if supervisor.stop_requested:
                return
            web = [str(BIN / "granian"), "--interface", "wsgi", "leadgen.wsgi:application"]
            web += ["--host", host, "--port", str(port), "--workers", "1", "--blocking-threads", "4"]
            supervisor.start("web", [*web, "--log-level", "warning"])
            celery = [str(BIN / "celery"), "--quiet", "-A", "leadgen"]
            quiet = ["--loglevel", "warning"]
            supervisor.start(
                "worker",
                [*celery, "worker", *quiet, "--concurrency", "2", "--without-gossip", "--without-mingle"],
            )
            supervisor.start("beat", [*celery, "beat", *quiet, "--schedule", str(settings.DATA_DIR / "beat")])
            commands = get_commands()
            if "sync_mail" in commands:
                supervisor.start("mail", [*manage, "sync_mail"])
            if "sandbox" in commands:
                supervisor.start("sandbox", [*manage, "sandbox"])
            if not supervisor.until(lambda: _answers(port), name="web", seconds=60):
                if not supervisor.stop_requested:
                    raise CommandError("The web server did not come up; its messages are above.")
                return
            supervisor.say(f"Leadgen is at {url} after {time.monotonic() - started:.1f} s. Ctrl-C stops everything.")
            if demo and "demo" in commands:
                self._demo(supervisor, manage, url)
            ended = supervisor.wait()
            if ended is not None:
                status = supervisor.programs[ended].returncode
                raise CommandError(
                    f"{ended} ended with status {status}, so everything was stopped; its messages are above."
                )
        finally:
            supervisor.say("Stopping.")
            supervisor.stop()

    def _prepare(self, supervisor: Supervisor, manage: list[str]) -> None:
        """Migrations and collected static files, at the same time; nothing where nothing changed."""
        stamp, wanted = settings.STATIC_ROOT / ".made-from", _static_digest()
        collect = not settings.DEBUG and not (stamp.exists() and stamp.read_text() == wanted)
        if collect:
            supervisor.start("static", [*manage, "collectstatic", "--no-input", "-v", "0"], once=True)
        if services.embedded()[:1] == ("postgres",):
            services.ensure_migrated()
        else:
            call_command("migrate", interactive=False, verbosity=0)
        if collect:
            status = supervisor.wait_for("static")
            if status:
                raise CommandError("The static files could not be collected; the reason is above.")
            if status == 0:
                stamp.write_text(wanted)

    def _demo(self, supervisor: Supervisor, manage: list[str], url: str) -> None:
        """Fill the demo beside the running server, then print who may sign in."""
        supervisor.start("demo", [*manage, "demo"], once=True)
        status = supervisor.wait_for("demo")
        if status:
            supervisor.say(f"The demo could not be filled (status {status}); its messages are above.")
        elif status == 0:
            supervisor.say(f"Sign in at {url} as one of:")
            supervisor.start("logins", [*manage, "demo", "--logins"], once=True)


def _refuse_second(lock: Any, root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        where = lock.read() or "another address"
        raise CommandError(
            f"Leadgen already runs from this folder, at {where}. Stop it first (Ctrl-C in its terminal)."
        ) from error


def _refuse_taken_ports(host: str, port: int) -> None:
    """Raise CommandError naming a port that is taken and how to use another."""
    if not _free(host, port):
        other = next((near for near in range(port + 1, port + 100) if _free(host, near)), port + 1)
        raise CommandError(
            f"Port {port} is taken by another program. Stop that one, or use another port: make run PORT={other} "
            f"(manage.py up --port {other})."
        )
    mail = settings.SANDBOX_SMTP_PORT
    if "sandbox" in get_commands() and not _free("127.0.0.1", mail):
        raise CommandError(
            f"Port {mail}, where the mail sandbox listens, is taken by another program. Stop that one, or use another "
            f"port: SANDBOX_SMTP_PORT={mail + 1} SYSTEM_SMTP_PORT={mail + 1} make run."
        )


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # it speaks HTTP; what it says is the page's matter
    except OSError:
        return False


def _static_digest() -> str:
    """Changes whenever a file that collectstatic would copy does."""
    digest = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for path in sorted((settings.BASE_DIR / "static").rglob("*")):
        found = path.stat()
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
