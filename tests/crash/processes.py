"""Worker, beat and web as they run in production, under the crash test's hand."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from leadgen.core.services.state import BASE_DIR

BIN = Path(sys.executable).parent


class Crew:
    """Programs by name. Each has a session of its own, so that it can be killed with or without its children."""

    def __init__(self, *, env: Mapping[str, str], folder: Path, port: int) -> None:
        self.env, self.folder, self.port = dict(env), folder, port
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.frozen: dict[str, float] = {}
        self.starts = 0

    def command(self, name: str) -> list[str]:
        celery = [str(BIN / "celery"), "--quiet", "-A", "leadgen"]
        if name.startswith("worker"):
            return [
                *celery, "worker", "--loglevel", "warning", "--concurrency", "2", "--without-gossip", "--without-mingle",
                "-n", f"{name}@crash",
            ]  # fmt: skip
        if name.startswith("beat"):
            return [*celery, "beat", "--loglevel", "warning", "--schedule", str(self.folder / name), "--pidfile="]
        if name == "web":
            return [
                str(BIN / "granian"), "--interface", "wsgi", "leadgen.wsgi:application", "--host", "127.0.0.1", "--port",
                str(self.port), "--workers", "1", "--blocking-threads", "2", "--log-level", "warning", "--respawn-failed-workers",
            ]  # fmt: skip
        return [sys.executable, str(BASE_DIR / "manage.py"), name]  # a command that runs for ever, such as sync_mail

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.command(name),
                env=self.env,
                cwd=BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def alive(self, name: str) -> bool:
        process = self.running.get(name)
        return process is not None and process.poll() is None

    def revive(self) -> None:
        """Start again whatever died."""
        for name in list(self.running):
            if not self.alive(name):
                self.kill_group(name)
                self.start(name)

    def children(self, name: str) -> list[int]:
        """Process ids of the direct children, oldest first."""
        process = self.running[name]
        with contextlib.suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        return []

    def kill_parent(self, name: str) -> bool:
        """SIGKILL the main process only; children that are in the middle of something may go on for a while."""
        if not self.alive(name):
            return False
        self.running[name].kill()
        self.running[name].wait()
        return True

    def kill_child(self, name: str, index: int) -> bool:
        found = self.children(name)
        if not found:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(found[index % len(found)], signal.SIGKILL)
            return True
        return False

    def kill_group(self, name: str) -> bool:
        """SIGKILL the program and everything it started."""
        process = self.running.get(name)
        if process is None:
            return False
        was_alive = process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return was_alive

    def freeze(self, name: str, seconds: float) -> bool:
        """SIGSTOP the program with its children, and wake it after `seconds`, whatever we wait for at that time."""
        if not self.alive(name) or name in self.frozen:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, signal.SIGSTOP)
            self.frozen[name] = time.monotonic() + seconds
            waker = threading.Timer(seconds, self.thaw, [name])
            waker.daemon = True
            waker.start()
            return True
        return False

    def thaw(self, name: str) -> None:
        self.frozen.pop(name, None)
        process = self.running.get(name)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)

    def stop(self) -> None:
        for name in list(self.running):
            self.thaw(name)
            self.kill_group(name)


def until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll. Raises TimeoutError, naming `what`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come up within {seconds:.0f} s")
        time.sleep(0.05)
