"""Work done in forks of this process, a fresh one for each item, and the processor seconds each of them took."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any


def in_forks(work: Callable[[Any], Any], items: Iterable[Any], *, jobs: int) -> Iterator[tuple[Any, Any, float]]:
    """Gives each item with what ``work`` made of it (plain values) and the processor seconds that took, ``jobs`` at a time.

    >>> [(item, made) for item, made, _ in in_forks(lambda n: n * n, [2, 3], jobs=1)]
    [(2, 4), (3, 9)]
    """
    waiting, busy = deque(items), dict[int, tuple[Any, IO[str]]]()
    while waiting or busy:
        while waiting and len(busy) < jobs:
            item, answer = waiting.popleft(), tempfile.TemporaryFile("w+")  # noqa: SIM115
            busy[_fork(work, item, answer)] = item, answer
        pid, status, usage = os.wait4(-1, 0)
        item, answer = busy.pop(pid)
        with answer:
            answer.seek(0)
            said = answer.read()
        if status:
            raise RuntimeError(f"{item} failed:\n{said[-2000:]}")
        yield item, json.loads(said), usage.ru_utime + usage.ru_stime


def _fork(work: Callable[[Any], Any], item: Any, answer: IO[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        answer.write(json.dumps(work(item)))
        answer.flush()
        code = 0
    except BaseException:
        traceback.print_exc(file=answer)
        answer.flush()
        code = 1
    os._exit(code)
