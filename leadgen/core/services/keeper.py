"""Keeps the embedded servers running for as long as somebody uses them.

Run by its path, with the standard library only, in a session of its own: `python keeper.py < spec.json`. Each user (a
command, a test run, `manage.py up`) holds a connection to the keeper's socket. The kernel closes the connection of a
process that dies, however it dies, so when the last one goes the keeper stops the servers and ends. The servers are its
direct children and are signalled by the kernel if the keeper itself is killed.

Lines from a user: `need NAME[,NAME]` (answer `ok`, once the processes exist), `hold` (stay without users), `stop`,
`status` (answer: JSON `{"pids": {name: pid}, "users": n, "hold": bool}`).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
FIRST_USER_SECONDS = 15.0
STOP_SECONDS = 20.0
ALREADY_KEPT = 3  # exit status: another keeper holds the lock


def die_with_parent(sign: signal.Signals) -> Callable[[], None] | None:
    """A preexec_fn that has the kernel send `sign` to the child when we die; None where the system has no such call."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and the call
            os._exit(1)

    return ask


def stop_stale(pidfile: Path, marker: str, sign: signal.Signals) -> None:
    """End the server an earlier keeper left behind (possible only where the kernel does not do it for us)."""
    try:
        pid = int(pidfile.read_text())
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        if marker not in shown.stdout:  # gone, or the number now belongs to something else
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        time.sleep(0.1)
    pidfile.unlink(missing_ok=True)


class Keeper:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.users: dict[socket.socket, bytes] = {}
        self.hold = False
        self.stopping = False
        self.selector = selectors.DefaultSelector()

    def run(self) -> int:
        lock = Path(self.spec["lock"]).open("w")  # noqa: SIM115  held, by being open, until this process has ended
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ALREADY_KEPT
        path = Path(self.spec["socket"])
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(128)
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, self.accept)
        self.watch_signals()
        started = time.monotonic()
        had_user = False
        while not self.stopping:
            for key, _ in self.selector.select(timeout=1.0):
                key.data(key.fileobj)
            had_user = had_user or bool(self.users)
            idle = not self.users and not self.hold
            if idle and (had_user or time.monotonic() - started > FIRST_USER_SECONDS):
                break
        path.unlink(missing_ok=True)  # first: whoever comes now starts a new keeper and waits for our lock
        listener.close()
        self.stop_children()
        return 0

    def watch_signals(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(sign, lambda number, frame: None)
        self.selector.register(reader, selectors.EVENT_READ, self.on_signal)

    def on_signal(self, reader: int) -> None:
        received = os.read(reader, 512)
        if set(received) - {signal.SIGCHLD}:
            self.stopping = True
        for name, child in self.children.items():
            if child.poll() is not None:
                print(f"{name} ended by itself with status {child.returncode}; stopping", flush=True)
                self.stopping = True

    def accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            self.users[connection] = b""
            self.selector.register(connection, selectors.EVENT_READ, self.read)

    def read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.selector.unregister(connection)
            del self.users[connection]
            connection.close()
            return
        *lines, self.users[connection] = (self.users[connection] + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ConnectionError):
                connection.sendall(self.answer(line.decode()).encode() + b"\n")

    def answer(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        if word == "need":
            for name in filter(None, rest.split(",")):
                try:
                    self.start(name)
                except (OSError, subprocess.SubprocessError) as error:
                    return f"error {name} could not be started: {error}"
        elif word == "hold":
            self.hold = True
        elif word == "stop":
            self.stopping = True
        elif word == "status":
            pids = {name: child.pid for name, child in self.children.items()}
            return json.dumps({"keeper": os.getpid(), "pids": pids, "users": len(self.users) - 1, "hold": self.hold})
        else:
            return f"error no such word: {word}"
        return "ok"

    def start(self, name: str) -> None:
        if name in self.children:
            return
        service = self.spec["services"][name]
        sign = signal.Signals[service["stop"]]
        pidfile = Path(service["pidfile"])
        stop_stale(pidfile, service["marker"], sign)
        log = Path(service["log"])
        if log.exists() and log.stat().st_size > 10_000_000:
            log.replace(log.with_suffix(".old"))
        uid, gid = service["user"] or (None, None)
        with log.open("ab") as output:
            child = subprocess.Popen(
                service["argv"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=service["cwd"],
                env=service["env"],
                user=uid,
                group=gid,
                extra_groups=[] if uid is not None else None,
                preexec_fn=die_with_parent(
                    sign
                ),  # single-threaded here; runs after the change of user, which clears it
            )
        self.children[name] = child
        pidfile.write_text(str(child.pid))

    def stop_children(self) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for name, child in self.children.items():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.Signals[self.spec["services"][name]["stop"]])
        deadline = time.monotonic() + STOP_SECONDS
        for name, child in self.children.items():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            Path(self.spec["services"][name]["pidfile"]).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(Keeper(json.load(sys.stdin)).run())
