"""One process per rep, forked from a warm server; a clock for each of its notebooks; and no survivors.

Where forking is unsafe (Windows, macOS) each process starts afresh: the same work, only slower.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import types
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from multiprocessing import connection
from pathlib import Path
from typing import Any

from workbook_helpers.batch.tasks import Delivered, Failure, Task
from workbook_helpers.errors import RunError

Result = Delivered | Failure

#: Numeric libraries would start a thread per core in every process; the cores are busy with other reps.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

_LEAST_MEMORY = 2 * 2**30

#: What a process is said to have ended with when the warm server that kept count of it is gone.
_SERVER_GONE = 255
#: How often a rep is begun again for that reason.
_STARTS = 3
#: A server that was killed takes a moment to be gone: so often it is asked again, so many seconds later.
_TRIES, _PAUSE = 10, 0.1

#: On a cluster several threads start processes, each with the environment of ``_as_parent``.
_starting = threading.Lock()

_ENDINGS = {
    signal.SIGKILL: "its process was killed from outside, most often because memory ran out",
    signal.SIGSEGV: "its process crashed in a library (segmentation fault)",
    signal.SIGABRT: "its process crashed in a library (abort)",
}


def warm_up() -> None:
    """Starts the warm server, if this system has one, while the caller goes on."""
    context = _context()
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        with _as_parent():
            forkserver.ensure_running()


def run_all(
    tasks: Iterable[Task], *, jobs: int | None, seconds: float, beside: int = 0, wanted: Callable[[], bool] | None = None
) -> Iterator[tuple[Task, Result]]:
    """Makes the reports, ``jobs`` at a time (None: one per core), and gives each result as soon as it is there.

    seconds: how long one notebook may take by the clock on the wall. Whatever becomes of a process is the result of its
    own rep alone. When the caller stops early, or is interrupted, every process is killed with all that it started.
    beside: how many reps this machine makes at a time, where others than the caller's are among them.
    wanted: asked every second; when it says no, everything is stopped and no result comes any more.
    Raises RunError when the disk or the system is at fault.
    """
    jobs = jobs or os.cpu_count() or 1
    waiting, busy, begun = deque(tasks), list[_Worker](), Counter[str]()
    memory = _memory_share(beside or jobs)
    try:
        while (waiting or busy) and (wanted is None or wanted()):
            while waiting and len(busy) < jobs:
                busy.append(_Worker(waiting.popleft(), seconds, memory))
            patience = _until(busy) if wanted is None else min(1.0, _until(busy))
            connection.wait([handle for worker in busy for handle in worker.handles], timeout=patience)
            for worker in list(busy):
                result = worker.look()
                if result is not None:
                    busy.remove(worker)
                    worker.end()
                    begun[worker.task.rep_id] += 1
                    if worker.is_orphan and begun[worker.task.rep_id] < _STARTS:
                        waiting.append(worker.task)
                    else:
                        yield worker.task, result
    finally:
        for worker in busy:
            worker.end()


class _Worker:
    """One rep's process as its parent sees it. is_orphan: whether it seems to have lost the warm server, and not failed by itself."""

    is_orphan = False

    def __init__(self, task: Task, seconds: float, memory: int) -> None:
        self.task, self.seconds, self.stage = task, seconds, "start"
        self.log = Path(task.scratch, f"{Path(task.folder).name}.log")
        self._pipe, theirs = _context().Pipe(duplex=False)
        self._process = _context().Process(target=_work, args=(task, theirs, str(self.log), memory), daemon=False)
        try:
            with _as_parent():
                _start_process(self._process)
        except OSError as error:
            raise RunError(
                f"No process could be started: {error.strerror}.", do="Try again with fewer --jobs."
            ) from None
        theirs.close()
        self.deadline = time.monotonic() + seconds

    @property
    def handles(self) -> list[Any]:
        return [self._pipe, self._process.sentinel]

    def look(self) -> Result | None:
        """The result, if there is one by now."""
        ended = not self._process.is_alive()  # asked first: whatever it still said is in the pipe
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                said = self._pipe.recv()
                if isinstance(said, RunError):
                    raise said
                if not isinstance(said, str):
                    return said
                self.stage, self.deadline = said, time.monotonic() + self.seconds
        if ended:
            self.is_orphan = self._process.exitcode == _SERVER_GONE
            return self._fail(_say_ending(self._process.exitcode))
        if time.monotonic() >= self.deadline:
            return self._fail(f"it was not done within {self.seconds:g} seconds, and was stopped")
        return None

    def end(self) -> None:
        """Kills the process and all that it started, and waits until it is gone."""
        pid = self._process.pid
        if pid is not None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()
        shutil.rmtree(_private(self.task), ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def _fail(self, reason: str) -> Failure:
        details = self.log.read_text("utf-8", "replace") if self.log.is_file() else ""
        return Failure(reason, "" if self.stage == "start" else self.stage, details=details)


def _start_process(process: Any) -> None:
    """Starts it; where the warm server has just been killed, from another one."""
    for _ in range(_TRIES):
        with contextlib.suppress(EOFError, ConnectionError):
            return process.start()
        time.sleep(_PAUSE)
    process.start()


def _until(busy: list[_Worker]) -> float:
    return max(0.0, min((worker.deadline for worker in busy), default=math.inf) - time.monotonic())


def _say_ending(code: int | None) -> str:
    if code is not None and code < 0:
        return _ENDINGS.get(signal.Signals(-code), f"its process was ended by {signal.Signals(-code).name}")
    return f"its process ended before the report was done (exit code {code})"


def _memory_share(jobs: int) -> int:
    """Bytes that one process may take, so that a greedy one fails before the machine does."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    return max(_LEAST_MEMORY, int(0.8 * whole / jobs))


@cache
def _context() -> Any:
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workbook_helpers.batch.warm"])
    return context


@contextlib.contextmanager
def _as_parent() -> Iterator[None]:
    """A new process inherits one thread per library, and must not run the caller's own script again.

    A worker of a cluster counts as a daemon, which may start no process; ours end with it all the same.
    """
    settings = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    with _starting:
        kept = {name: os.environ.get(name) for name in _ONE_THREAD}
        main, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        daemon, settings["daemon"] = settings.get("daemon"), False
        try:
            yield
        finally:
            settings["daemon"] = daemon
            sys.modules["__main__"] = main
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


# ---- from here on: inside the rep's process ----


def _work(task: Task, pipe: Any, log: str, memory: int) -> None:
    _settle(task, log, memory)
    try:
        from workbook_helpers.batch.rep import RepFailed, deliver

        try:
            result: Any = deliver(task, pipe.send)
        except RepFailed as failed:
            result = failed.failure
    except RunError as error:
        result = error
    except MemoryError:
        result = Failure("it needs more memory than a report may take", details=traceback.format_exc())
    except BaseException as error:  # whatever it is, it is this rep's failure alone
        result = Failure(f"the report could not be made ({type(error).__name__})", details=traceback.format_exc())
    pipe.send(result)


def _settle(task: Task, log: str, memory: int) -> None:
    """A process group of its own that dies with its parent, private files, a limit of memory, output into the log."""
    os.umask(0o077)
    if hasattr(os, "setsid"):
        os.setsid()
    _die_with_parent()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    faulthandler.enable()
    if memory and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    private = _private(task)
    private.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(private)
    os.environ.update(TMPDIR=str(private), WORKBOOK_STORE=task.store, **dict.fromkeys(_ONE_THREAD, "1"))


def _die_with_parent() -> None:
    """When the parent is gone, so is this process with all that it started, even in the middle of a computation."""
    gone = multiprocessing.parent_process().sentinel  # type: ignore[union-attr]
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(gone, fcntl.F_SETOWN, -os.getpid())  # minus: the whole group
        fcntl.fcntl(gone, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(gone, fcntl.F_SETFL, fcntl.fcntl(gone, fcntl.F_GETFL) | os.O_ASYNC)
        if not connection.wait([gone], timeout=0):
            return

    def watch() -> None:
        connection.wait([gone])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _private(task: Task) -> Path:
    """The rep's folder for temporary files."""
    return Path(task.scratch, f"{Path(task.folder).name}.tmp")
