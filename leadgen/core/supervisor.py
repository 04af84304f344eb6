"""Several programs as one: start, prefix their output, and stop all when one ends or we are told to.

honcho's manager is not used (its printer is): its children are two processes deep in sessions of their own and stay when
the manager is killed. Here each program runs under services/tether.py, which sees to that.
"""

import contextlib
import datetime
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any

from honcho.colour import get_colours
from honcho.printer import Message, Printer

TETHER = Path(__file__).parent / "services" / "tether.py"
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Programs by name. `wait()` returns when one of them ended or a stop signal came, `stop()` ends them all."""

    def __init__(
        self, *, env: Mapping[str, str], cwd: Path, grace: float = 10.0, output: IO[str] | None = None
    ) -> None:
        self.env, self.cwd, self.grace = dict(env), cwd, grace
        self.programs: dict[str, subprocess.Popen[str]] = {}
        self.once: set[str] = set()
        self.stop_requested = False
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._printer = Printer(output=output or sys.stdout, width=8)
        self._colours = get_colours()
        self._printing = threading.Lock()
        self._previous: dict[signal.Signals, Handler] = {}

    def watch_signals(self) -> None:
        """Ctrl-C and friends end `wait()` instead of this process."""
        for sign in STOP_SIGNALS:
            self._previous[sign] = signal.signal(sign, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True
        self._events.put("")

    def say(self, text: str, *, name: str = "leadgen", colour: str | None = None) -> None:
        """Print lines under a name; a reader that went away is no reason to fail, but one to stop."""
        now = datetime.datetime.now().astimezone()
        try:
            with self._printing:
                self._printer.write(Message(type="line", data=text, time=now, name=name, colour=colour))
        except (OSError, ValueError):
            self._on_signal(0, None)

    def start(self, name: str, command: Sequence[str | Path], *, once: bool = False) -> subprocess.Popen[str]:
        """Start a program; the end of one that is not `once` ends them all."""
        tether = [sys.executable, "-S", "-E", str(TETHER), str(os.getpid()), str(self.grace)]
        program = subprocess.Popen(
            [*tether, *map(str, command)],
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the others in order
        )
        self.programs[name] = program
        if once:
            self.once.add(name)
        threading.Thread(target=self._relay, args=(name, program, next(self._colours)), daemon=True).start()
        return program

    def _relay(self, name: str, program: subprocess.Popen[str], colour: str) -> None:
        assert program.stdout is not None
        with program.stdout as lines:
            for line in lines:
                if line.strip():
                    self.say(line.rstrip("\n"), name=name, colour=colour)
        program.wait()
        self._events.put(name)

    def wait(self) -> str | None:
        """Block until told to stop (None) or a lasting program ended (its name)."""
        while not self.stop_requested:
            name = self._events.get()
            if name and name not in self.once:
                return name
        return None

    def wait_for(self, name: str) -> int | None:
        """The status of a program started with `once`, or None if we were told to stop before it ended."""
        while not self.stop_requested:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.programs[name].wait(timeout=0.2)
        return None

    def until(self, ready: Callable[[], bool], *, name: str, seconds: float) -> bool:
        """Poll `ready` while program `name` lives; False when it ended, time is up, or we were told to stop."""
        deadline = time.monotonic() + seconds
        while not self.stop_requested and time.monotonic() < deadline and self.programs[name].poll() is None:
            if ready():
                return True
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """End all programs, and return when they and everything they started are gone. A second Ctrl-C hurries."""
        self.stop_requested = False
        for program in self.programs.values():
            with contextlib.suppress(ProcessLookupError):
                program.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace + 5
        for program in self.programs.values():
            while program.poll() is None:
                if self.stop_requested or time.monotonic() > deadline:
                    program.kill()  # the kernel ends what it tethers
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.wait(timeout=0.1)
        for sign, handler in self._previous.items():
            signal.signal(sign, handler)
