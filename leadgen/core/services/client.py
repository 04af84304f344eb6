"""Use the embedded servers: start them if nobody has, share them, wait until they answer."""

import contextlib
import fcntl
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from leadgen.core.services import servers
from leadgen.core.services.state import ServiceError, State

START_SECONDS = 45.0
BOTH = ("postgres", "valkey")


class _Gone(Exception):
    """The keeper went away between our connection and its answer; ask again."""


@dataclass
class Lease:
    """Our claim on the servers: they run at least until `close()` or the end of this process."""

    connection: socket.socket

    def ask(self, line: str) -> str:
        try:
            self.connection.sendall(line.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = self.connection.recv(4096)
                if not part:
                    raise _Gone
                answer += part
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Gone from error
        return answer.decode().strip()

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(state: State) -> Lease | None:
    """A connection to the running keeper, or None if there is none. It counts as a user while open."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(state.keeper_socket))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    connection.settimeout(START_SECONDS)
    return Lease(connection)


def _spawn_keeper(state: State) -> None:
    with (state.logs / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-S", "-E", str(Path(__file__).with_name("keeper.py"))],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the commands; the servers stop after them
        )
    assert keeper.stdin is not None
    try:
        keeper.stdin.write(json.dumps(servers.specification(state)).encode())
        keeper.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once; the log says why and the caller tries again
    keeper.returncode = keeper.returncode or 0  # not ours to wait for: no warning when this object is collected


def acquire(state: State, needs: Sequence[str] = BOTH) -> Lease:
    """Start (or join) the servers named and wait until they answer.

    Raises ServiceError with the end of the server's log where one does not come up.
    """
    state.prepare()
    if "postgres" in needs and not (state.cluster / "PG_VERSION").exists():
        with state.locked("initdb"):
            servers.initialise(state)
    deadline = time.monotonic() + START_SECONDS
    spawned = 0.0
    while time.monotonic() < deadline:
        lease = connect(state)
        if lease is not None:
            try:
                answer = lease.ask(f"need {','.join(needs)}")
            except _Gone:
                lease.close()
            else:
                if answer != "ok":
                    raise ServiceError(answer)
                _wait(state, needs, lease, deadline)
                return lease
        elif time.monotonic() - spawned > 1.0:  # the one before us may still be stopping and hold the lock
            _spawn_keeper(state)
            spawned = time.monotonic()
        time.sleep(0.02)
    raise ServiceError(
        f"The embedded services did not start within {START_SECONDS:.0f} s. {servers.log_tail(state, 'keeper')} "
        f"Logs: {state.logs}"
    )


def _answers(state: State, name: str) -> bool:
    if name == "valkey":
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.settimeout(2)
                probe.connect(str(state.valkey_socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
            except OSError:
                return False
    import psycopg

    try:
        psycopg.connect(state.database_url("superuser", "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise ServiceError(
                f"{state.cluster} was made with other passwords than those in {state.root / 'secrets.json'}. "
                f"Restore that file, or remove {state.root} to start empty."
            ) from error
        return False
    return True


def _wait(state: State, needs: Sequence[str], lease: Lease, deadline: float) -> None:
    for name in needs:
        while not _answers(state, name):
            try:
                alive = name in json.loads(lease.ask("status"))["pids"]
            except _Gone:
                alive = False
            if not alive or time.monotonic() > deadline:
                lease.close()
                raise ServiceError(
                    f"The embedded {name} did not come up. The end of {state.logs / name}.log:\n"
                    f"{servers.log_tail(state, name)}"
                )
            time.sleep(0.03)


def status(state: State) -> dict[str, Any] | None:
    """{"keeper": pid, "pids": {name: pid}, "users": n, "hold": bool}, or None when nothing runs."""
    lease = connect(state)
    if lease is None:
        return None
    with lease:
        try:
            found: dict[str, Any] = json.loads(lease.ask("status"))
        except _Gone:
            return None
    return found


def hold(state: State) -> None:
    """Keep the servers running without users, until `stop`."""
    with acquire(state) as lease:
        lease.ask("hold")


def stop(state: State) -> bool:
    """Stop the servers now, whoever uses them, and wait for their end. False when nothing ran."""
    lease = connect(state)
    if lease is None:
        return False
    with lease, contextlib.suppress(_Gone, TimeoutError):
        lease.ask("stop")
        while lease.connection.recv(4096):  # its end, after that of the last server, closes the connection
            pass
    return True


def settle(state: State, seconds: float = 25.0) -> None:
    """After our lease was closed: return once the servers have ended, or at once if somebody else still uses them."""
    deadline = time.monotonic() + seconds
    lock = state.root / "keeper.lock"
    while time.monotonic() < deadline and lock.exists():
        found = status(state)
        if found is not None and (found["users"] or found["hold"]):
            return
        with lock.open("a") as handle, contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return  # the keeper held this lock until its last server had ended
        time.sleep(0.03)
