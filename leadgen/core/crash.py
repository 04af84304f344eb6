"""Crash points: places where a test kills the process, to prove that nothing is lost or sent twice (reliability.md section 1).

Without LEADGEN_CRASH_AT or LEADGEN_CRASH_PLAN in the environment `crash_point` does nothing at all.
"""

import os
import signal
from pathlib import Path

_WANTED = os.environ.get("LEADGEN_CRASH_AT", "")  # "C7:3": at the third passing of C7
_NOTE = os.environ.get("LEADGEN_CRASH_NOTE", "")  # a file that gets the point's name when it was reached
# Or a file holding such a wish, read at each point, so that a running worker can be armed again and again. Whoever reaches
# the point renames it to <file>.hit, which one process alone can do, and dies.
_PLAN = os.environ.get("LEADGEN_CRASH_PLAN", "")
_passed: dict[str, int] = {}


def _planned_point(name: str) -> None:
    """Die where the plan file asks for it; nothing where there is no plan at the moment."""
    plan = Path(_PLAN)
    try:
        wanted = plan.read_text()
    except FileNotFoundError:
        _passed.clear()
        return
    point, _, nth = wanted.partition(":")
    if name != point:
        return
    _passed[wanted] = _passed.get(wanted, 0) + 1
    if _passed[wanted] < int(nth or 1):
        return
    try:
        plan.rename(f"{plan}.hit")
    except FileNotFoundError:  # another process was first: one plan, one death
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _armed_point(name: str) -> None:
    """Kill this process with SIGKILL at the wanted passing of the wanted point."""
    point, _, nth = _WANTED.partition(":")
    if name != point:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] != int(nth or 1):
        return
    if _NOTE:
        with Path(_NOTE).open("a") as note:
            note.write(f"{name}\n")
            note.flush()
            os.fsync(note.fileno())
    os.kill(os.getpid(), signal.SIGKILL)


def _unarmed_point(name: str) -> None:
    return


crash_point = _planned_point if _PLAN else _armed_point if _WANTED else _unarmed_point
