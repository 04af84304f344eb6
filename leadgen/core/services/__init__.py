"""The services Leadgen stands on: addresses of PostgreSQL and Valkey, embedded ones where the environment names none.

Settings import this module, so it imports nothing heavy. Where DATABASE_URL (or REDIS_URL) is set nothing is started.
"""

import atexit
import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from leadgen import env
from leadgen.core.services import servers
from leadgen.core.services.client import Lease
from leadgen.core.services.state import BASE_DIR, ServiceError, State

__all__ = [
    "Lease",
    "ServiceError",
    "State",
    "Urls",
    "auto_start",
    "celery_url",
    "embedded",
    "ensure_migrated",
    "ensure_services",
    "local_secret",
    "resolve_urls",
    "schema_digest",
    "servers",
]

# Commands that touch neither database nor broker, or (up, services) look after the servers themselves.
WITHOUT_SERVICES = {
    *("up", "services", "help", "version", "collectstatic", "findstatic", "makemessages", "compilemessages"),
    *("diffsettings", "startapp", "check", "sandbox", "classify_mail", "spectacular", "crashtest"),
}
WITHOUT_MIGRATION = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "flush", "dbshell", "shell"}

_leases: list[Lease] = []  # held until this process ends; the kernel gives them back however it ends


@dataclass(frozen=True)
class Urls:
    """Addresses as settings use them; `database_owner` is the role that migrates."""

    database: str
    database_owner: str
    redis: str


def _production() -> bool:
    return env.boolean("LEADGEN_PRODUCTION", False)


def _refuse(name: str) -> None:
    from django.core.exceptions import ImproperlyConfigured

    raise ImproperlyConfigured(
        f"{name} is not set. With LEADGEN_PRODUCTION=true nothing embedded is started: set {name} (or {name}_FILE)."
    )


def embedded() -> tuple[str, ...]:
    """The services no URL is set for, which run embedded: () or some of ("postgres", "valkey")."""
    missing = [("DATABASE_URL", "postgres"), ("REDIS_URL", "valkey")]
    return tuple(service for name, service in missing if not env.text(name))


def resolve_urls() -> Urls:
    """The URLs of the environment, else those the embedded services have once they run. Starts nothing."""
    state = State.locate()
    missing = embedded()
    if _production():
        for service, name in (("postgres", "DATABASE_URL"), ("valkey", "REDIS_URL")):
            if service in missing:
                _refuse(name)
    if "postgres" in missing:
        database, owner = state.database_url("app"), state.database_url("owner")
    else:
        database = env.text("DATABASE_URL")
        owner = env.text("DATABASE_OWNER_URL") or database  # web and workers are not given the owner's
    return Urls(database, owner, state.redis_url() if "valkey" in missing else env.text("REDIS_URL"))


def celery_url(redis_url: str) -> str:
    """The same address in Celery's spelling: unix:///path?db=2 becomes redis+socket:///path?virtual_host=2."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


def local_secret(name: str, *, allowed: bool) -> str:
    """A secret made once for this checkout (`secret_key`, `field_key`); in production it must come from outside."""
    if not allowed:
        _refuse({"secret_key": "SECRET_KEY", "field_key": "FIELD_KEYS"}[name])
    return State.locate().secrets[name]


def pinned_secret(name: str, first: str) -> str:
    """A secret that stays what it was at the first start (`first`), kept beside the local ones. Never in production."""
    path = State.locate().root / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(first)
    except FileExistsError:
        return path.read_text().strip() or first
    except OSError:  # a disk that cannot be written to: nothing can be rotated there either
        return first
    return first


def ensure_services(state: State | None = None, needs: Sequence[str] | None = None) -> Lease | None:
    """Start or join the embedded services that are needed, with roles and database made.

    None when both URLs are set. The lease may be closed early (it is a context manager); at the latest the end of this
    process gives it back, and the last one to do so stops the servers.
    """
    from leadgen.core.services import client

    state = state or State.locate()
    needs = embedded() if needs is None else needs
    if not needs:
        return None
    lease = client.acquire(state, needs)
    if "postgres" in needs:
        try:
            _bootstrap_once(state)
        except BaseException:
            lease.close()
            raise
    return lease


def _bootstrap_once(state: State) -> None:
    """Roles, database, extensions: at the first start, and again when their definition or a password changed."""
    from leadgen.core import database

    wanted = hashlib.sha256(Path(database.__file__).read_bytes() + "".join(state.secrets.values()).encode()).hexdigest()
    marker = state.cluster / "leadgen-bootstrapped"  # inside: it must not outlive the cluster
    if marker.exists() and marker.read_text() == wanted:
        return
    with state.locked("bootstrap"):
        if not (marker.exists() and marker.read_text() == wanted):
            bootstrap_embedded(state)
            marker.write_text(wanted)


def bootstrap_embedded(state: State) -> None:
    """Make (or repair) roles, grants, extensions and LEAKPROOF marks of the embedded cluster. Idempotent."""
    from leadgen.core import database

    database.bootstrap(
        state.database_url("superuser", "postgres"),
        app_url=state.database_url("app"),
        owner_url=state.database_url("owner"),
        bypass_url=state.database_url("bypass") if state.test else None,
    )


def schema_digest() -> str:
    """Changes with whatever `migrate` would lay down: migrations, and the policies made from models and core."""
    digest = hashlib.sha256((BASE_DIR / "requirements.txt").read_bytes())
    found: set[Path] = set()
    for pattern in (
        "*/migrations/*.py",
        "leadgen/*/migrations/*.py",
        "*/models/*.py",
        "*/apps.py",
        "leadgen/core/*.py",
    ):
        found.update(BASE_DIR.glob(pattern))
    for path in sorted(found):
        digest.update(str(path.relative_to(BASE_DIR)).encode() + path.read_bytes())
    return digest.hexdigest()


def ensure_migrated(state: State | None = None) -> bool:
    """Bring the embedded database to this code's tables; True if it had to. A server of your own is never touched."""
    state = state or State.locate()
    if "postgres" not in embedded():
        return False
    marker, wanted = state.cluster / "leadgen-migrated", schema_digest()
    if marker.exists() and marker.read_text() == wanted:
        return False
    with state.locked("migrate"):
        if marker.exists() and marker.read_text() == wanted:
            return False
        done = subprocess.run(
            [sys.executable, str(BASE_DIR / "manage.py"), "migrate", "--no-input", "-v", "0"],
            stdout=sys.stderr,  # the command that needs the tables may print JSON on stdout
            check=False,
        )
        if done.returncode:
            raise ServiceError("The database could not be migrated; the reason is above.")
        marker.write_text(wanted)
    return True


def auto_start(argv: Sequence[str]) -> None:
    """For manage.py: have the embedded services run while this command does, with an up-to-date database.

    Ends the process with the cause and the remedy where they cannot start.
    """
    command = argv[1] if len(argv) > 1 else "help"
    if command.startswith("-") or {"-h", "--help"} & set(argv) or not embedded():
        return
    if command in WITHOUT_SERVICES and not (command == "check" and "--database" in argv):
        return
    try:
        lease = ensure_services()
        if lease is not None:
            _leases.append(lease)
        if command not in WITHOUT_MIGRATION:
            ensure_migrated()
    except (ServiceError, OSError) as error:
        raise SystemExit(f"{error}") from error


@atexit.register
def release() -> None:
    """Give back what auto_start holds (the end of the process does the same, with a ResourceWarning)."""
    while _leases:
        with contextlib.suppress(OSError):
            _leases.pop().close()
