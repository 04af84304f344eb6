"""`manage.py up` as a person runs it: it comes up, names what is in its way, and leaves no process however it ends."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadgen.core import services
from leadgen.core.services import client

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc"),
    pytest.mark.xdist_group("up"),
    pytest.mark.timeout(480),
]
MANAGE = services.state.BASE_DIR / "manage.py"
READY_SECONDS = 120  # a loaded CI machine; the promise of ten seconds is the benchmark's


def eventually(true: Callable[[], bool], what: Callable[[], str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """One `up` with data of its own, found again by the folder's name in commands and environments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "up.log"
        taken = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PYTEST_XDIST_WORKER"}
        mail = str(free_port())
        self.env = {name: value for name, value in os.environ.items() if name not in taken} | {
            "LEADGEN_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "leadgen.settings",
            "PYTHONDONTWRITEBYTECODE": "",  # a dozen starts of the same programs
            "SANDBOX_SMTP_PORT": mail,
            "SYSTEM_SMTP_PORT": mail,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *more: str) -> list[str]:
        return [sys.executable, str(MANAGE), "up", "--no-demo", "--port", str(self.port), *more]

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command(), env=self.env, stdout=log, stderr=log)
        eventually(
            lambda: "Leadgen is at" in self.log.read_text() or self.process is None or self.process.poll() is not None,
            self.log.read_text,
            READY_SECONDS,
        )
        assert self.process.poll() is None, self.log.read_text()
        return self.process

    def page(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return int(answer.status)

    def processes(self) -> dict[int, str]:
        """What runs for this `up`: its folder is in the environment of our programs and in the servers' commands."""
        marks = (os.fsencode(self.folder), os.fsencode(services.State.locate(self.folder).root))
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                text = command + (entry / "environ").read_bytes()
                if command and any(mark in text for mark in marks):
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def names(self) -> str:
        return "\n".join(self.processes().values())

    def assert_gone(self, seconds: float) -> None:
        eventually(lambda: not self.processes(), lambda: f"still there:\n{self.names()}", seconds)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.process is not None:
        running.process.kill()
        running.process.wait()
    for folder in (tmp_path, tmp_path / "other"):  # as root their services may lie outside them
        state = services.State.locate(folder)
        client.stop(state)
        shutil.rmtree(state.root, ignore_errors=True)


def test_it_comes_up_names_its_obstacles_and_leaves_nothing_however_it_ends(up: Running) -> None:
    # One test, because each first start makes a database; the parts build on each other.
    process = up.start()
    assert up.page("/livez") == 200
    assert up.page("/accounts/login/") == 200
    for part in ("granian", "worker", "beat", "sync_mail", "/postgres", "valkey", "keeper.py"):
        assert part in up.names(), part

    second = subprocess.run(up.command(), env=up.env, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"already runs from this folder, at http://localhost:{up.port}" in second.stderr
    assert "Traceback" not in second.stderr

    elsewhere = up.env | {"LEADGEN_DATA_DIR": str(up.folder / "other")}
    third = subprocess.run(up.command(), env=elsewhere, capture_output=True, text=True, check=False)
    assert third.returncode == 1
    assert f"Port {up.port} is taken by another program." in third.stderr
    assert "make run PORT=" in third.stderr

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=40) == 0
    assert up.processes() == {}  # at once: it returns last

    process = up.start()  # the same data again
    assert up.page("/livez") == 200
    process.kill()
    process.wait()
    up.assert_gone(seconds=40)


def test_one_program_that_ends_ends_all_and_is_named(tmp_path: Path) -> None:
    script = tmp_path / "supervise.py"
    script.write_text(
        "import os, pathlib, sys\n"
        "from leadgen.core.supervisor import Supervisor\n"
        "s = Supervisor(env=os.environ, cwd=pathlib.Path.cwd(), grace=5)\n"
        "s.watch_signals()\n"
        "lasting = s.start('lasting', [sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "s.start('once', [sys.executable, '-c', 'print(1 + 1)'], once=True)\n"
        "s.wait_for('once')\n"
        "s.start('failing', [sys.executable, '-c', 'import sys; sys.exit(3)'])\n"
        "name = s.wait()\n"
        "print(name, s.programs[name].returncode, flush=True)\n"
        "s.stop()\n"
        "print(all(p.poll() is not None for p in s.programs.values()))\n"
    )
    env = os.environ | {"PYTHONPATH": str(services.state.BASE_DIR)}
    done = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert "once     | 2" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["failing 3", "True"]


def test_a_tethered_program_takes_its_orphans_along(tmp_path: Path) -> None:
    """Also one that left the process group, and although its own parent is dead."""
    tether = Path(services.__file__).with_name("tether.py")
    script = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True); print(child.pid, flush=True); "
        "sys.exit(7)"
    )
    done = subprocess.run(
        [sys.executable, str(tether), str(os.getpid()), "5", sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 7
    assert not Path(f"/proc/{int(done.stdout)}").exists()
