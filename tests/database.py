"""The test database: one embedded cluster, a migrated template, a copy of it for each pytest-xdist worker.

A pytest plugin (tests/conftest.py names it). Tests connect as the app role, so row-level security is on for them as it
is for users; a role with CREATEDB would own what it creates, and every isolation test would be green whatever the code
does. Runs at the same time share the cluster: each takes a slot, which names its databases and its numbers in Valkey.

`enter()` is called by tests/settings.py, before Django knows any address. DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL
are in the environment from then on, so that a process a test starts sees the same database. The template is kept between
runs and remade when a migration, a requirement or leadgen/ changes; LEADGEN_TEST_FRESH=1 remakes it anyway.
"""

import atexit
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from leadgen.core import database, services

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

ROOT = Path(__file__).resolve().parents[1]
SLOTS = 64
WORKERS_PER_SLOT = services.servers.TEST_DATABASES // SLOTS
KEPT_TEMPLATES = 3
ROLES = ("superuser", "owner", "app", "bypass")

_held: list[IO[str] | services.Lease] = []  # slot lock and claim on the services, until this process ends


def _give_back() -> None:
    while _held:
        _held.pop().close()


atexit.register(_give_back)


@dataclass(frozen=True)
class TestServices:
    """Addresses of this worker's own database, by role, and of its number in Valkey."""

    __test__ = False

    app: str
    owner: str
    superuser: str
    bypass: str
    redis: str


def _state() -> services.State:
    return services.State.locate(test=True)


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _database_name() -> str:
    return f"leadgen_test_{os.environ['LEADGEN_TEST_SLOT']}_{_worker()}"


def _redis_number() -> int:
    worker = _worker()
    place = 0 if worker == "main" else 1 + int(worker.removeprefix("gw"))
    if place >= WORKERS_PER_SLOT:
        raise pytest.UsageError(f"At most {WORKERS_PER_SLOT - 1} xdist workers; {worker} is one too many.")
    return int(os.environ["LEADGEN_TEST_SLOT"]) * WORKERS_PER_SLOT + place


def urls() -> TestServices:
    state = _state()
    by_role = {role: state.database_url(role, _database_name()) for role in ROLES}
    return TestServices(redis=state.redis_url(_redis_number()), **by_role)


def enter() -> None:
    """Start or join the test services and put their addresses into the environment. Only pytest's own processes do."""
    if os.environ.get("LEADGEN_TEST_WORKER") == _worker():
        return  # again, or in a process that a test started: the addresses are in the environment
    state = _state()
    lease = services.ensure_services(state, ("postgres", "valkey"))
    assert lease is not None
    _held.append(lease)
    if "LEADGEN_TEST_WORKER" not in os.environ:  # xdist's workers inherit the slot of the process that started them
        os.environ["LEADGEN_TEST_SLOT"] = str(_take_slot(state))
    found = urls()
    os.environ["LEADGEN_TEST_WORKER"] = _worker()
    os.environ |= {"DATABASE_URL": found.app, "DATABASE_OWNER_URL": found.owner, "REDIS_URL": found.redis}


def _take_slot(state: services.State) -> int:
    for slot in range(SLOTS):
        handle = (state.root / f"slot-{slot}.lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            continue
        _held.append(handle)
        return slot
    raise pytest.UsageError(f"{SLOTS} test runs already use {state.root}; wait for one to end.")


def _template_digest() -> str:
    """What the content of the template depends on."""
    made = hashlib.sha256(services.schema_digest().encode() + Path(__file__).read_bytes())
    return made.hexdigest()[:12]


def _template(state: services.State) -> str:
    """The name of the migrated template for this code, made if need be."""
    name = f"leadgen_template_{_template_digest()}"
    with state.locked("template"), database.connect(state.database_url("superuser", "postgres")) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        # The workers of one run must not each remake it: the first notes that it did.
        fresh = os.environ.get("LEADGEN_TEST_FRESH") and _worker() in {"main", "gw0"}
        if exists and not fresh:
            return name
        building = f"leadgen_building_{os.getpid()}"
        _drop(connection, name)
        _drop(connection, building)
        database.create_database(connection, building, owner="leadgen_owner")
        database.prepare_database(state.database_url("superuser", building), app="leadgen_app", owner="leadgen_owner")
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "migrate", "--no-input", "-v", "0"],
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "leadgen.settings",
                "DATABASE_URL": state.database_url("app", building),
                "DATABASE_OWNER_URL": state.database_url("owner", building),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            _drop(connection, building)
            pytest.exit(f"The test database could not be migrated:\n{done.stdout}{done.stderr}", returncode=1)
        connection.execute(f'ALTER DATABASE "{building}" RENAME TO "{name}"')
        connection.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE true')
        old = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'leadgen\\_template\\_%%' ORDER BY oid DESC OFFSET %s",
            [KEPT_TEMPLATES],
        ).fetchall()
        for (outdated,) in old:
            _drop(connection, outdated)
    return name


def _drop(connection: Any, name: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        connection.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class _Cleaner:
    """Empties the tables after a test that committed (transactional_db, live_server), which the app role may not.

    Only tables that have rows are truncated; those the migrations filled (content types, permissions) stay as they are.
    """

    def __init__(self, superuser_url: str) -> None:
        self.connection = database.connect(superuser_url)
        self.connection.execute("SET lock_timeout = '15s'")  # a test that left a transaction open is told so
        rows = self.connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        self.tables = [name for (name,) in rows]
        self.tables = [name for name in self.tables if name not in self._filled()]

    def _filled(self) -> list[str]:
        if not self.tables:
            return []
        query = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in self.tables)
        return [name for (name,) in self.connection.execute(query).fetchall()]

    def clean(self) -> None:
        filled = self._filled()
        if filled:
            self.connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: "DjangoDbBlocker"
) -> Iterator[None]:
    """In place of pytest-django's: this worker's copy of the template, used as the app role."""
    from django.db import connections
    from django.test import TransactionTestCase

    state = _state()
    found, name = urls(), _database_name()
    template = _template(state)
    with database.connect(state.database_url("superuser", "postgres")) as connection:
        _drop(connection, name)
        database.create_database(connection, name, owner="leadgen_owner", template=template)
    cleaner = _Cleaner(found.superuser)
    # The one seam for it: Django's own clean-up runs TRUNCATE on the connection under test.
    patched = pytest.MonkeyPatch()
    patched.setattr(TransactionTestCase, "_fixture_teardown", lambda case: cleaner.clean())
    yield
    patched.undo()
    cleaner.connection.close()
    with django_db_blocker.unblock():
        connections.close_all()
    with database.connect(state.database_url("superuser", "postgres")) as connection:
        _drop(connection, name)
