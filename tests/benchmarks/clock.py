"""What a command costs: seconds by the clock on the wall, and the processor seconds of everything that it started.

Works on Linux alone. A process whose parent ends first becomes a child of the process that measures, which waits for it
and so counts it; a kernel, or the server that a batch forks from, cannot slip out of the sum.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BECOME_REAPER = 36  # PR_SET_CHILD_SUBREAPER


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, processor seconds of all processes together, and the largest process's memory in bytes."""

    wall: float
    processor: float
    peak: int = 0


@dataclass(frozen=True)
class Done:
    """What a command cost and what it printed."""

    cost: Cost
    out: str
    err: str


def run(*command: str, **environment: str) -> Done:
    """Runs ``python -m`` with these arguments in the checkout, waits for all that it started, and says what it cost.

    Raises RuntimeError with the last lines it printed when it fails: a run that went wrong gives no figure. When the caller is
    interrupted, the command is stopped first.
    """
    ctypes.CDLL(None).prctl(_BECOME_REAPER, 1)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        before, began = _children(), time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            cost = _wait_for_all(process, began, before)
        except BaseException:
            process.terminate()
            _wait_for_all(process, began, before)
            raise
        said, errors = (file.read() for file in (out, err) if not file.seek(0))
    if process.returncode:
        raise RuntimeError(f"python -m {' '.join(command)} ended with {process.returncode}:\n{(said + errors)[-2000:]}")
    return Done(cost, said, errors)


def _wait_for_all(process: subprocess.Popen, began: float, before: set[int]) -> Cost:
    """The clock stops when the process ends; what it left behind is waited for and counted too. before: children that are not its own."""
    wall, processor, peak = 0.0, 0.0, 0
    waiting = {process.pid}
    while waiting:
        for pid in waiting:
            _, status, usage = os.wait4(pid, 0)
            processor += usage.ru_utime + usage.ru_stime
            peak = max(peak, usage.ru_maxrss * 1024)
            if pid == process.pid:
                wall, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
        waiting = _children() - before
    return Cost(wall, processor, peak)


def _children() -> set[int]:
    """Of this process; whoever lost a parent below us has become one of them."""
    return {int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}
