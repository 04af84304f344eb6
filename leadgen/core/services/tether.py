"""Run one program so that neither it nor anything it starts outlives us, and we do not outlive our parent.

`python tether.py PARENT_PID GRACE_SECONDS COMMAND...`, standard library only. SIGTERM, SIGINT, SIGHUP or the death of
the parent (also by SIGKILL) end the program's process group with SIGTERM, and after the grace with SIGKILL; what left
the group is found because orphans are handed to us. Exits with the program's status.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform.startswith("linux")


def tell_kernel(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def signal_group(group: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, sign)


def end_orphans() -> None:
    """Kill what the program left behind outside its group; only Linux hands us these."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(250):
        try:
            left = children.read_text().split()
        except OSError:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            # Never blocking: the children of one that we kill become ours only now, and are alive.
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def main(parent: int, grace: float, command: list[str]) -> int:
    stopping_at: float | None = None
    killed = False
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(sign, lambda number, frame: None)
    tell_kernel(PR_SET_PDEATHSIG, signal.SIGTERM)
    tell_kernel(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:
        return 1
    child = subprocess.Popen(
        command,
        process_group=0,
        preexec_fn=lambda: tell_kernel(PR_SET_PDEATHSIG, signal.SIGKILL),  # single-threaded: safe
    )
    while child.poll() is None:
        select.select([reader], [], [], 0.5)
        received: set[int] = set()
        with contextlib.suppress(BlockingIOError):
            received = set(os.read(reader, 256))
        asked = received - {signal.SIGCHLD}
        if (asked or os.getppid() != parent) and stopping_at is None:
            stopping_at = time.monotonic()
            signal_group(child.pid, signal.SIGTERM)
        if stopping_at is not None and time.monotonic() - stopping_at > grace and not killed:
            killed = True
            signal_group(child.pid, signal.SIGKILL)
    signal_group(child.pid, signal.SIGKILL)  # workers of a program that died without taking them along
    end_orphans()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
