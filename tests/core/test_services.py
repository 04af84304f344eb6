"""The embedded services: shared by their users, gone with the last of them, closed to everyone else."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import DjangoDbBlocker

from leadgen.core import database, services
from leadgen.core.services import client
from tests.database import TestServices

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel's word about dead parents is Linux's"
)
URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LEADGEN_PRODUCTION", "LEADGEN_DATA_DIR")


def eventually(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture(scope="module")
def state() -> Iterator[services.State]:
    folder = Path(tempfile.mkdtemp(prefix="leadgen-services-", dir="/tmp"))
    folder.chmod(0o755)  # as root the servers' user must pass
    made = services.State(root=folder / "data", test=True)
    yield made
    client.stop(made)
    shutil.rmtree(folder)


@pytest.fixture
def no_urls(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in URLS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_servers_run_while_somebody_uses_them(state: services.State) -> None:
    first = services.ensure_services(state, client.BOTH)
    second = services.ensure_services(state, client.BOTH)
    assert first is not None
    assert second is not None
    running = client.status(state)
    assert running is not None
    assert running["users"] == 2
    pids = [running["keeper"], *running["pids"].values()]
    assert len(pids) == 3

    first.close()
    eventually(lambda: (client.status(state) or {})["users"] == 1, "the first user is still counted")
    with database.connect(state.database_url("app")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("leadgen_app",)

    second.close()
    client.settle(state)
    assert client.status(state) is None
    eventually(lambda: all(map(gone, pids)), "servers outlive their last user")


def test_a_killed_user_counts_no_longer(state: services.State) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib; from leadgen.core import services\n"
            "state = services.State(root=pathlib.Path(sys.argv[1]), test=True)\n"
            "lease = services.ensure_services(state, ('postgres', 'valkey')); print('up', flush=True); time.sleep(600)",
            str(state.root),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    pids = [*(client.status(state) or {})["pids"].values()]
    holder.kill()
    holder.wait()
    holder.stdout.close()
    eventually(lambda: all(map(gone, pids)), "servers outlive a killed user")


@LINUX
def test_servers_end_with_a_killed_keeper_and_keep_what_was_committed(state: services.State) -> None:
    lease = services.ensure_services(state, client.BOTH)
    assert lease is not None
    with database.connect(state.database_url("owner")) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")
    running = client.status(state)
    assert running is not None
    os.kill(running["keeper"], signal.SIGKILL)
    eventually(lambda: all(map(gone, running["pids"].values())), "servers outlive a killed keeper")
    lease.close()

    again = services.ensure_services(state, client.BOTH)
    assert again is not None
    with again, database.connect(state.database_url("app")) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("still here",)
    client.settle(state)


def test_only_we_can_reach_the_servers(state: services.State) -> None:
    lease = services.ensure_services(state, client.BOTH)
    assert lease is not None
    with lease, database.connect(state.database_url("superuser", "postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW password_encryption").fetchone() == ("scram-sha-256",)
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert methods == [("scram-sha-256",)]
        wrong = state.database_url("app").replace(state.secrets["app"], "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            database.connect(wrong)
    for private in (state.sockets, state.cluster, state.valkey_data, state.logs, state.root / "secrets.json"):
        assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0, private


def test_roles_are_what_row_level_security_needs(state: services.State) -> None:
    lease = services.ensure_services(state, client.BOTH)
    assert lease is not None
    with lease:
        with database.connect(state.database_url("superuser", "postgres")) as connection:
            roles = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles "
                "WHERE rolname LIKE 'leadgen%' ORDER BY 1"
            ).fetchall()
        assert roles == [
            ("leadgen_app", False, False, False, False),
            ("leadgen_bypass", False, True, False, False),  # made in test clusters only
            ("leadgen_owner", False, False, False, False),
        ]
        with database.connect(state.database_url("app")) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id int)")
            connection.execute("CREATE TEMPORARY TABLE loading (id int)")  # imports COPY into one
        services.bootstrap_embedded(state)  # safe to repeat


def test_a_folder_somebody_else_prepared_is_refused(tmp_path: Path) -> None:
    state = services.State(root=tmp_path / "data", test=True)
    state.root.mkdir()
    state.sockets.mkdir(mode=0o777)
    state.sockets.chmod(0o777)
    with pytest.raises(services.ServiceError, match="closed to others"):
        state.prepare()


def test_socket_paths_fit_however_deep_the_checkout_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    deep = services.State(root=tmp_path.joinpath(*["a-long-folder-name"] * 8))
    assert deep.sockets.parent == Path("/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run")
    again = services.State(root=deep.root)
    assert again.sockets.parent == Path("/run")
    assert len(f"{again.sockets}/.s.PGSQL.5432") < 107


def test_urls_of_the_environment_win_and_start_nothing(no_urls: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_urls.setenv("LEADGEN_DATA_DIR", str(tmp_path))
    no_urls.setenv("DATABASE_URL", "postgresql://app@db/leadgen")
    no_urls.setenv("REDIS_URL", "redis://cache")
    assert services.embedded() == ()
    assert services.ensure_services() is None
    assert services.resolve_urls() == services.Urls(
        "postgresql://app@db/leadgen", "postgresql://app@db/leadgen", "redis://cache"
    )
    no_urls.setenv("DATABASE_OWNER_URL", "postgresql://owner@db/leadgen")
    assert services.resolve_urls().database_owner == "postgresql://owner@db/leadgen"
    no_urls.delenv("REDIS_URL")
    assert services.embedded() == ("valkey",)


def test_production_embeds_nothing_and_names_what_is_missing(no_urls: pytest.MonkeyPatch) -> None:
    no_urls.setenv("LEADGEN_PRODUCTION", "true")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not set"):
        services.resolve_urls()
    no_urls.setenv("DATABASE_URL", "postgresql://app@db/leadgen")
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL is not set"):
        services.resolve_urls()
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS is not set"):
        services.local_secret("field_key", allowed=False)


@pytest.mark.parametrize(
    ("redis_url", "expected"),
    [
        ("unix:///a/valkey?db=3", "redis+socket:///a/valkey?virtual_host=3"),
        ("unix:///a/valkey", "redis+socket:///a/valkey?virtual_host=0"),
        ("redis://cache:6379/1", "redis://cache:6379/1"),
        ("rediss://cache:6379/1", "rediss://cache:6379/1"),
    ],
)
def test_celery_url(redis_url: str, expected: str) -> None:
    assert services.celery_url(redis_url) == expected


@pytest.mark.django_db
def test_checks_pass_for_the_app_role_and_name_what_is_wrong_with_others(services: TestServices) -> None:
    from django.db import connections

    assert database.check_app_role() == []
    assert database.check_leakproof() == []
    original = connections["default"]
    for role, words in (("superuser", "is a superuser"), ("bypass", "may bypass"), ("owner", "owns tables")):
        other = original.copy()
        target = database.Target.of(getattr(services, role))
        other.settings_dict |= {"USER": target.user, "PASSWORD": target.password}
        try:
            found = database.check_app_role(other)
        finally:
            other.close()
        assert any(words in problem for problem in found), (role, found)


def test_a_web_process_refuses_to_start_as_the_owner(services: TestServices) -> None:
    env = os.environ | {"DATABASE_URL": services.owner, "DJANGO_SETTINGS_MODULE": "leadgen.settings"}
    started = subprocess.run([sys.executable, "-c", "import leadgen.wsgi"], env=env, capture_output=True, text=True)
    assert started.returncode == 1
    assert "leadgen_owner owns tables" in started.stderr
    env["DATABASE_URL"] = services.app
    assert subprocess.run([sys.executable, "-c", "import leadgen.wsgi"], env=env).returncode == 0


def test_a_lost_leakproof_mark_is_named(services: TestServices, django_db_blocker: DjangoDbBlocker) -> None:
    """As after a restore: a dump carries no marks."""
    from django.db import connections

    superuser = services.superuser
    with database.connect(superuser) as connection:
        connection.execute("ALTER FUNCTION pg_catalog.textlike(text, text) NOT LEAKPROOF")
    try:
        with django_db_blocker.unblock():
            (found,) = database.check_leakproof()
        assert "textlike(text, text)" in found
        assert "manage.py services bootstrap" in found
        database.prepare_database(superuser, app="leadgen_app", owner="leadgen_owner")
        with django_db_blocker.unblock():
            assert database.check_leakproof() == []
            connections["default"].close()
    finally:
        database.prepare_database(superuser, app="leadgen_app", owner="leadgen_owner")


def test_services_command_prints_the_urls(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in URLS} | {
        "LEADGEN_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "leadgen.settings",
    }
    command = [sys.executable, str(services.state.BASE_DIR / "manage.py"), "services"]
    shown = subprocess.run([*command, "env", "--json"], env=env, capture_output=True, text=True, check=True)
    urls = json.loads(shown.stdout)
    assert urls["DATABASE_URL"].startswith("postgresql://leadgen_app:")
    assert urls["DATABASE_OWNER_URL"].startswith("postgresql://leadgen_owner:")
    assert urls["REDIS_URL"].startswith("unix://")
    status = subprocess.run([*command, "status"], env=env, capture_output=True, text=True, check=True)
    assert status.stdout == "Not running.\n"
    subprocess.run([*command, "destroy", "--yes"], env=env, capture_output=True, check=True)
