"""A run looked at from outside while it goes on: how far it is, what it has used, and what it holds open."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds between two looks.
_PAUSE = 0.25


@dataclass(frozen=True)
class Look:
    """One moment of a run. done: reports that are there. processor: seconds of all processes so far.

    run, server, largest: resident bytes of the run itself, of the server that reps' processes are forked from, and of the largest of these.
    open_files: of the run and the server. processes, temporary: how many there are besides the reps' own.
    """

    at: float
    done: int
    processor: float
    run: int
    server: int
    largest: int
    open_files: int
    processes: int
    temporary: int


@contextlib.contextmanager
def watch(records: Path, *temporary: Path) -> Iterator[list[Look]]:
    """Looks at the one run that is started inside the ``with``, until it ends; gives the looks in order.

    records: a folder of the run with one file per report that is there. temporary: folders for temporary files.
    """
    looks, over, before = list[Look](), threading.Event(), set(psutil.Process().children())

    def look_on() -> None:
        while not over.wait(_PAUSE):
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):  # too early, too late, or gone while looked at
                looks.extend(_look(before, records, temporary))

    watcher = threading.Thread(target=look_on)
    watcher.start()
    try:
        yield looks
    finally:
        over.set()
        watcher.join()


def per_report(looks: Sequence[Look], first: int, last: int, *, blocks: int = 5) -> tuple[list[float], list[float]]:
    """Seconds by the clock and processor seconds per report, in equal blocks of the reports ``first`` to ``last``.

    >>> looks = [Look(2.0 * n, n, 3.0 * n, *[0] * 6) for n in range(101)]
    >>> per_report(looks, 0, 50)
    ([2.0, 2.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0, 3.0])
    """
    edges = [first + (last - first) * n // blocks for n in range(blocks + 1)]
    marks = [next(look for look in looks if look.done >= edge) for edge in edges]
    pairs = [(a, b) for a, b in zip(marks, marks[1:], strict=False) if b.done > a.done]
    return [(b.at - a.at) / (b.done - a.done) for a, b in pairs], [(b.processor - a.processor) / (b.done - a.done) for a, b in pairs]


def most_around(looks: Sequence[Look], done: int, name: str, *, width: int) -> float:
    """The most of one value over the looks at which about so many reports were there."""
    return max(getattr(look, name) for look in looks if abs(look.done - done) <= width)


def _look(before: set[psutil.Process], records: Path, temporary: Sequence[Path]) -> list[Look]:
    """The run is this process's child, of those that were not there before; its server is the run's own child."""
    runs = [child for child in psutil.Process().children() if child not in before]
    servers = [child for run in runs for child in run.children()]
    workers = [child for server in servers for child in server.children()]
    if not servers:
        return []
    return [
        Look(
            at=time.monotonic(),
            done=sum(path.suffix == ".json" and not path.name.startswith(".") for path in records.iterdir()),
            processor=sum(sum(process.cpu_times()[:4]) for process in [*runs, *servers, *workers]),
            run=max(process.memory_info().rss for process in runs),
            server=max(process.memory_info().rss for process in servers),
            largest=max((process.memory_info().rss for process in workers), default=0),
            open_files=sum(process.num_fds() for process in [*runs, *servers]),
            processes=len(runs) + len(servers),
            temporary=sum(1 for folder in temporary for _ in folder.rglob("*")),
        )
    ]
