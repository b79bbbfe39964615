"""Reps handed to the workers of a Dask cluster. On a worker each goes through the same process of its own as on one machine.

The workers need this package in the same version, and the same view of company, store and output: the same shared folder,
or addresses of an object store. Whatever a lost worker had begun is begun again on another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import socket
import tempfile
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbook_helpers.batch import workers
from workbook_helpers.batch.manifest import code_of
from workbook_helpers.batch.pdf import find_printer
from workbook_helpers.batch.places import ObjectStore, fetch_company
from workbook_helpers.batch.tasks import Failure, Task
from workbook_helpers.errors import RunError, WorkbookError

if TYPE_CHECKING:
    from distributed import Client, Future

#: How long the scheduler and its first worker may let us wait, in seconds.
PATIENCE = 30.0


@contextlib.contextmanager
def connect(address: str, notebooks: Sequence[Path]) -> Iterator[Cluster]:
    """The cluster behind a scheduler's address; what is still under way at the end is cancelled.

    notebooks: those that the run will use. Raises RunError where there is no scheduler, no worker, or a worker of another version.
    """
    try:
        import distributed
    except ImportError:
        raise RunError(
            "--cluster needs Dask, which is not installed.", do="Install it: pip install 'territory-planning-workbook[cluster]'."
        ) from None
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said in our own words
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"No Dask scheduler answers at {address} ({str(error).splitlines()[0][:120]}).", do="Start one, or mend the address."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise RunError(f"The scheduler at {address} has no workers.", do="Start some: dask worker ADDRESS.") from None
        code = code_of(notebooks)
        for worker, said in client.run(_get_ready, list(map(str, notebooks)), code, on_error="return").items():
            if isinstance(said, WorkbookError):
                raise said
            if isinstance(said, BaseException) and not isinstance(said, OSError):  # OSError: it has just gone
                raise RunError(
                    f"The worker {worker} cannot run this workbook ({type(said).__name__}).", do="Install it there in the same version."
                )
        yield Cluster(client, code)


class Cluster:
    """Dask workers that all run the same code as we do."""

    def __init__(self, client: Client, code: str) -> None:
        self._client, self._code = client, code

    def run_all(self, tasks: Iterable[Task], *, jobs: int | None, seconds: float) -> Iterator[tuple[Task, workers.Result]]:
        """As ``workers.run_all``, on all machines together. jobs: reps at a time; None for one per thread of the cluster.

        A rep whose worker was lost is begun again elsewhere. One that has lost so many that Dask gives it up is tried once more
        at the end and alone, so that nobody answers for a neighbour; if it loses its workers again, that is its failure.
        """
        suspects = []
        for task, result in self._hand_out(tasks, jobs, seconds):
            if result is None:
                suspects.append(task)
            else:
                yield task, result
        for suspect in suspects:
            for task, result in self._hand_out([suspect], 1, seconds):
                yield task, result or Failure("every machine that worked on it was lost")

    def _hand_out(self, tasks: Iterable[Task], jobs: int | None, seconds: float) -> Iterator[tuple[Task, workers.Result | None]]:
        from distributed import as_completed

        waiting, done = deque(tasks), as_completed(loop=self._client.loop)
        given: dict[str, tuple[Task, Future]] = {}
        try:
            while waiting or given:
                threads = self._threads()
                while waiting and len(given) < (jobs or max(1, sum(threads.values()))):
                    task, key = waiting.popleft(), f"report-{uuid.uuid4().hex}"
                    beside = max(threads.values(), default=1)
                    future = self._client.submit(make, task, seconds=seconds, beside=beside, code=self._code, key=key, pure=False)
                    given[key] = task, future
                    done.add(future)
                ended = next(done)
                task, _ = given.pop(ended.key)
                yield task, _read(ended)
        except OSError:  # Dask's own, of a connection that broke
            raise _lost() from None
        finally:
            with contextlib.suppress(OSError):
                self._client.cancel([future for _, future in given.values()])

    def _threads(self) -> Counter[str]:
        """Machine -> threads of its workers, together; those who come later take part as soon as they are there."""
        threads: Counter[str] = Counter()
        for worker, n in self._client.nthreads().items():
            threads[urlsplit(worker).hostname or worker] += n
        return threads


def _read(future: Future) -> workers.Result | None:
    """What became of a rep; None where Dask gave it up because too many of its workers were lost."""
    from distributed import KilledWorker

    if future.status == "finished":
        return future.result()
    error = None if future.cancelled() else future.exception()
    if isinstance(error, KilledWorker):
        return None
    if isinstance(error, WorkbookError):
        raise error
    if error is None:
        raise _lost()
    raise RunError(f"A worker could not take a report ({type(error).__name__}: {str(error)[:200]}).")


def _lost() -> RunError:
    return RunError("The scheduler of the cluster was lost.", do="Run again with --resume when it is back.")


# ---- from here on: on a worker ----


def make(task: Task, *, seconds: float, beside: int, code: str) -> workers.Result | None:
    """One rep's report, made in a process of its own on the machine of this worker; None once nobody waits for it any more."""
    from distributed import Status, get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        known = worker.state.tasks.get(key)
        gone = worker.status in (Status.closing, Status.closed, Status.failed)  # so it is without a scheduler
        return not gone and known is not None and known.state != "cancelled"

    notebooks = _find_notebooks(task.notebooks, code)
    printer = _find_printer() if task.printer else ""
    task = dataclasses.replace(task, notebooks=tuple(map(str, notebooks)), printer=printer)
    with _in_shared_folder(task) if task.addresses is None else _in_copy(task) as here:
        results = workers.run_all([here], jobs=1, seconds=seconds, beside=beside, wanted=wanted)
        return next((result for _, result in results), None)


@contextlib.contextmanager
def _in_shared_folder(task: Task) -> Iterator[Task]:
    """The task with a scratch folder of its own: a worker that only seemed lost may still be writing into another one."""
    for place in (task.company, task.store, task.scratch):
        if not Path(place).is_dir():
            raise RunError(
                f"{socket.gethostname()} does not see the folder {place}.",
                do="Mount it there under the same path, or give --store and --out in a shared folder.",
            )
    own = Path(task.scratch, uuid.uuid4().hex)
    own.mkdir(mode=0o700)
    try:
        yield dataclasses.replace(task, scratch=str(own))
    finally:
        shutil.rmtree(own, ignore_errors=True)


@contextlib.contextmanager
def _in_copy(task: Task) -> Iterator[Task]:
    """The task on this machine's copy of the company, with a temporary folder for the report."""
    company, reports = fetch_company(task.addresses, task.as_of), ObjectStore(task.addresses.out)
    there = reports.copy / task.as_of / Path(task.folder).name
    with tempfile.TemporaryDirectory(prefix="workbook-", ignore_cleanup_errors=True) as own:
        folder = Path(own, there.name)
        if task.made:
            reports.fetch_folder(there, folder)
        yield dataclasses.replace(task, company=str(company), store=str(company / ".workbook"), folder=str(folder), scratch=own)
        if folder.is_dir():
            reports.replace(there, folder)


def _get_ready(notebooks: Iterable[str], code: str) -> None:
    _find_notebooks(notebooks, code)
    workers.warm_up()  # it gets warm while the company is read


def _find_notebooks(wanted: Iterable[str], code: str) -> list[Path]:
    """The notebooks on this machine. Raises RunError when they, or this package, are not the same as on the machine that asks."""
    from workbook_helpers.batch.run import NOTEBOOKS

    found = [path if path.is_file() else NOTEBOOKS / path.name for path in map(Path, wanted)]
    if not all(path.is_file() for path in found) or code_of(found) != code:
        raise RunError(
            f"{socket.gethostname()} has another version of the workbook than the machine that runs it.",
            do="Install the same version there, and start its workers again.",
        )
    return found


_find_printer = cache(find_printer)
