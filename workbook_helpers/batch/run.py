"""One command, every rep's report: what is still current is kept, workers make the rest, then index and manifest.

<out>/<as-of>/.run/    lock, state.json, records/ (one per rep), scratch/ (what is half done): survives an interruption
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import shutil
import sys
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
from tqdm import tqdm

from workbook_helpers.batch import workers
from workbook_helpers.batch.files import empty_folder, make_folder, private_files, to_json, write_file, write_folder
from workbook_helpers.batch.manifest import NAME, Record, Records, code_of, fingerprint, read_json, write_manifest
from workbook_helpers.batch.parameters import OF_A_REP, check_parameters
from workbook_helpers.batch.pdf import find_printer
from workbook_helpers.batch.places import Folder, ObjectStore, choose_facts, choose_reports, is_address, prepare_company
from workbook_helpers.batch.tasks import Addresses, Delivered, Failure, Task
from workbook_helpers.errors import ParameterError, RunError, WorkbookError, printable
from workbook_helpers.names import safe_name

if TYPE_CHECKING:
    from workbook_helpers.data import Prepared

#: How long one notebook may take, in seconds by the clock on the wall.
NOTEBOOK_SECONDS = 300.0

#: The notebooks that make a rep's report: 01 to 09, in order.
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

#: Part of what a report is made from -> what is said when it is another one than before; the first that holds is said.
_CHANGED = {
    "settings": "settings or program changed", "rows": "own rows changed", "plan": "plan changed", "team": "team figures changed"
}  # fmt: skip
_UNPRINTED = "only the PDF missing"

#: So many records go to an object store at a time.
_BATCH = 100

_log = logging.getLogger("workbook.run")


@dataclass(frozen=True)
class Outcome:
    """What became of a run: the reps asked for, those whose report was kept as it was, those who lack a report or its PDF, the
    number of rows set aside by table, whoever's they are, and why how many reports were made."""

    index: Path
    asked: tuple[str, ...]
    kept: tuple[str, ...]
    failed: tuple[Record, ...]
    set_aside: dict[str, int]
    reasons: dict[str, int]

    @property
    def exit_code(self) -> int:
        return 3 if self.failed else 0


def run_company(
    company: Path | str,
    *,
    reps: Sequence[str] = (),
    as_of: date | None = None,
    out: Path | str | None = None,
    jobs: int | None = None,
    resume: bool = False,
    pdf: bool = False,
    cluster: str | None = None,
    store: Path | str | None = None,
    notebooks: Path | None = None,
    seconds: float = NOTEBOOK_SECONDS,
    prepare: Callable[..., Prepared] | None = None,
) -> Outcome:
    """Makes the report of every rep, or of those named, and the team's index.

    company: the company's folder. reps: ids as the exports write them. as_of: default the last day the exports know.
    out: default ``reports/<company folder name>``. jobs: reps at a time, default one per core (of all workers of a cluster).
    resume: go on with an interrupted run, and refuse when inputs or settings have changed since.
    pdf: also print each report; a report that lacks only its PDF is not made again.
    cluster: the address of a Dask scheduler whose workers make the reports. store: default ``<company>/.workbook``.
    notebooks, seconds, prepare: other notebooks, another limit per notebook, another way to read the company.
    Reports whose inputs have not changed are kept. Raises WorkbookError for what concerns the whole run; the failure of
    one rep is in the Outcome.
    """
    if prepare is None:
        from workbook_helpers.data import prepare
    far = _check_places(company, out, store, cluster)
    chapters = _find_notebooks(notebooks or NOTEBOOKS)
    with private_files(), _executor(cluster, chapters, soon=bool(reps)) as run_all:
        if far:
            place: Folder = ObjectStore(str(out))
            prepared = prepare_company(ObjectStore(str(company)), prepare, as_of)
            addresses = _say_addresses(str(company), str(out), prepared)
        else:
            company, addresses = Path(company).resolve(), None
            place = Folder(Path(out) if out is not None else Path("reports", company.name))
            prepared = prepare(company, as_of=as_of, store=store)
        asked, day = _choose_reps(prepared, reps), prepared.as_of.isoformat()
        folder = make_folder(place.copy / day)
        with _locked(folder), _logged(folder):
            place.fetch(choose_reports(day))
            run = _Run(prepared, place, asked, chapters, pdf=pdf, addresses=addresses)
            run.begin(resume=resume, named_day=as_of is not None)
            run.make_reports(run_all, jobs=jobs, seconds=seconds)
            return run.finish()


class _Run:
    """One run over one company on one day, in its folder, under its lock."""

    def __init__(
        self, prepared: Prepared, place: Folder, asked: Sequence[str], notebooks: Sequence[Path], *, pdf: bool, addresses: Addresses | None
    ) -> None:
        self.prepared, self.place, self.asked, self.notebooks = prepared, place, tuple(asked), tuple(notebooks)
        self.pdf, self.addresses = pdf, addresses
        self.folder = place.copy / self.day
        self.own = make_folder(self.folder / ".run")
        self.store = Records(make_folder(self.own / "records"))
        self.cards = {card["rep_id"]: card for card in prepared.reps}
        self.records = {rep_id: self.store.load(rep_id, safe_name(rep_id)) for rep_id in self.cards}
        self.kept: list[str] = []
        self.unpublished: list[Path] = []

    def begin(self, *, resume: bool, named_day: bool) -> None:
        """Refuses what cannot run, and finds the reports that are still current and what prints the others."""
        self._check_notebooks()
        if resume:
            self._check_unchanged(named_day)
        why = {rep_id: self._why(rep_id) for rep_id in self.asked}
        self.current = {rep_id for rep_id in self.asked if why[rep_id] in ("", _UNPRINTED)}
        self.kept = [rep_id for rep_id in self.asked if not why[rep_id]]
        self.reasons = dict(Counter(filter(None, why.values())))
        self.printer = find_printer() if self.pdf and len(self.kept) < len(self.asked) else ""
        write_file(self.own / "state.json", to_json({"inputs": self.inputs, "finished": False}))
        self.scratch = empty_folder(self.own / "scratch")
        said = _say_reasons(self.reasons, len(self.asked))
        _log.info("%s on %s. %s", self.company, self.day, said)
        print(said, file=sys.stderr)

    def make_reports(self, run_all: Callable[..., Iterator], *, jobs: int | None, seconds: float) -> None:
        """Every report that was asked for and is not current; each is on record as soon as it is there."""
        kept = set(self.kept)
        left = [rep_id for rep_id in self.asked if rep_id not in kept]
        if left:
            self.place.remove(self.folder / NAME)  # it tells of a finished run, and this one is not
        began = time.monotonic()
        results = run_all([self._task(rep_id) for rep_id in left], jobs=jobs, seconds=seconds)
        with _progress(len(self.asked), len(self.kept)) as tell, contextlib.closing(results):
            try:
                for task, result in results:
                    self._record(task.rep_id, result)
                    tell(task.rep_id, result)
            finally:
                self._publish_records()
        _log.info("%d reports in %.1f seconds", len(left), time.monotonic() - began)

    def finish(self) -> Outcome:
        """Team figures, index and, last of all, the manifest."""
        from workbook_helpers.batch.pages import write_pages

        asked = set(self.asked)
        for rep_id in self.cards.keys() - asked:
            record = self.records[rep_id]
            if record.status == "done" and self._why(rep_id) not in ("", _UNPRINTED):
                reason = "its inputs have changed since, and it was not asked for in this run"
                self.records[rep_id] = dataclasses.replace(record, status="stale", reason=reason)
        records = [self.records[rep_id] for rep_id in self.cards]
        self.place.fetch(choose_facts(self.day))
        pages = write_pages(self.folder, self.prepared, records)
        shutil.rmtree(self.scratch, ignore_errors=True)
        write_file(self.own / "state.json", to_json({"inputs": self.inputs, "finished": True}))
        self.place.publish([self.folder / name for name in (*pages, ".run/state.json", "run.log")])
        write_manifest(self.folder, records, company=self.company, as_of=self.day, pages=pages)
        self.place.publish([self.folder / NAME])
        failed = tuple(record for record in records if record.rep_id in asked and not self._is_delivered(record))
        _log.info("done: %d of %d reports delivered", len(self.asked) - len(failed), len(self.asked))
        set_aside: dict[str, int] = {}
        for _, table, n, *_ in self.prepared.view["set_aside"]:
            set_aside[table] = set_aside.get(table, 0) + n
        return Outcome(self.folder / "index.html", self.asked, tuple(self.kept), failed, set_aside, self.reasons)

    def _is_delivered(self, record: Record) -> bool:
        return record.status == "done" and (record.has_pdf or not self.pdf)

    @property
    def company(self) -> str:
        return self.prepared.company.name

    @property
    def day(self) -> str:
        return self.prepared.as_of.isoformat()

    @cached_property
    def inputs(self) -> str:
        """Fingerprint of all that an interrupted run must find again."""
        return fingerprint(self.prepared.fingerprint, self._code)

    @cached_property
    def parts(self) -> dict[str, dict[str, str]]:
        """Of each rep's report, the fingerprints of what it is made from, by the part that each is of."""
        from workbook_helpers.plan import plan_fingerprint

        settings, view = self.prepared.company, self.prepared.view
        year = settings.plan_year(self.prepared.as_of)
        shared = fingerprint(self.day, settings.folder.name, settings.model_dump_json(), self._code)
        teams = {
            role: fingerprint(view["remarks"], self.prepared.team_fingerprint(role))
            for role in {card.get("role") for card in self.cards.values()}
        }
        set_aside: dict[str, list] = {}
        for row in view["set_aside"]:
            set_aside.setdefault(row[0], []).append(row)
        return {
            rep_id: {
                "settings": shared,
                "rows": fingerprint(
                    card,
                    self.prepared.rep_fingerprints[rep_id],
                    set_aside.get(rep_id, []),
                    view["findings"].get(rep_id, 0),
                    view["problems"].get(rep_id, []),
                ),
                "plan": plan_fingerprint(settings.folder, rep_id, year),
                "team": teams[card.get("role")],
            }
            for rep_id, card in self.cards.items()
        }

    @cached_property
    def _code(self) -> str:
        return code_of(self.notebooks)

    def _why(self, rep_id: str) -> str:
        """Why the rep's report has to be made; nothing where the one that is there is current."""
        record, parts = self.records[rep_id], self.parts[rep_id]
        if record.status != "done":
            return "failed before" if record.status == "failed" else "new"
        changed = [say for part, say in _CHANGED.items() if record.parts.get(part) != parts[part]]
        if changed:
            return changed[0]
        if not self.place.holds(self.folder, record):
            return "files of it changed or lost"
        return "" if record.has_pdf or not self.pdf else _UNPRINTED

    def _task(self, rep_id: str) -> Task:
        record = self.records[rep_id]
        return Task(
            rep_id=rep_id,
            as_of=self.day,
            company=str(self.prepared.company.folder.resolve()),
            notebooks=tuple(str(path.resolve()) for path in self.notebooks),
            folder=str((self.folder / record.folder).resolve()),
            scratch=str(self.scratch.resolve()),
            store=str(self.prepared.folder.resolve().parents[1]),
            printer=self.printer,
            made=Delivered(record.files, record.said) if rep_id in self.current else None,
            addresses=self.addresses,
        )

    def _record(self, rep_id: str, result: workers.Result) -> None:
        parts = self.parts[rep_id]
        record = Record(rep_id, self.records[rep_id].folder, fingerprint=fingerprint(parts), parts=parts)
        if isinstance(result, Delivered):
            record = dataclasses.replace(record, status="done", reason=result.lacks, files=result.files, said=result.said)
            _log.info("%s: done%s", rep_id, f", but {result.lacks}" if result.lacks else "")
        else:
            record = dataclasses.replace(
                record, status="failed", reason=str(result), files=self._write_failed(rep_id, result)
            )
            _log.error("%s: failed: %s\n%s", rep_id, result, result.details)
        self.unpublished.append(self.store.save(record))
        self.records[rep_id] = record
        if len(self.unpublished) >= _BATCH:
            self._publish_records()

    def _publish_records(self) -> None:
        self.place.publish(self.unpublished)
        self.unpublished = []

    def _write_failed(self, rep_id: str, failure: Failure) -> dict[str, str]:
        """``failed.html`` alone in the rep's folder: an older report beside it would be taken for this one."""
        from workbook_helpers.batch.report import render_failed

        header = {
            "rep_id": rep_id,
            "rep_name": self.cards[rep_id]["rep_name"],
            "company": self.company,
            "as_of": self.day,
        }
        command = f"workbook run {self.prepared.company.folder.name} --rep {rep_id}"
        do = f"Run `{command}` again. If it fails again, run.log says more."
        page = render_failed(
            header=header, notebook=failure.notebook, question=failure.question, reason=failure.reason, do=do
        )
        folder = self.folder / self.records[rep_id].folder
        written = write_folder(folder, {"failed.html": page.encode()}, scratch=self.scratch)
        self.place.replace(folder, folder)
        return written

    def _check_notebooks(self) -> None:
        """The parameters of every notebook, before the first process starts."""
        given = dict.fromkeys(OF_A_REP, "x")
        for path in self.notebooks:
            try:
                check_parameters(json.loads(path.read_bytes()), given, filled=OF_A_REP)
            except (ValueError, KeyError):
                raise ParameterError(f"{path.name} is not a notebook.", do="Restore it from the repository.") from None
            except ParameterError as error:
                raise ParameterError(f"{path.name}: {error.seen}", allowed=error.allowed, do=error.do) from None

    def _check_unchanged(self, named_day: bool) -> None:
        """Whether the run that was interrupted can be gone on with."""
        state = read_json(self.own / "state.json")
        other = None if state or named_day else _interrupted_day(self.folder)
        if other:
            raise WorkbookError(
                f"The interrupted run spoke from {other}, and the exports now reach {self.day}.",
                do=f"Give --as-of {other}, or run without --resume.",
            )
        if state and not state["finished"] and state["inputs"] != self.inputs:
            raise WorkbookError(
                "Exports, settings or notebooks have changed since the run was interrupted.",
                do="Run without --resume: reports that are still current are kept anyway.",
            )


@contextlib.contextmanager
def _executor(cluster: str | None, notebooks: Sequence[Path], *, soon: bool) -> Iterator[Callable[..., Iterator]]:
    """What makes reports, here or on the machines of a cluster: ``run_all(tasks, jobs=, seconds=)``.

    soon: whether somebody waits for a few reps; a run over all of them may find that there is nothing to do.
    """
    if cluster is None:
        if soon:
            workers.warm_up()  # it gets warm while the company is read
        yield workers.run_all
        return
    from workbook_helpers.batch.cluster import connect

    with connect(cluster, notebooks) as workers_elsewhere:
        yield workers_elsewhere.run_all


def _check_places(company: Path | str, out: Path | str | None, store: Path | str | None, cluster: str | None) -> bool:
    """Whether company and reports stand in an object store."""
    far = is_address(company)
    if far != is_address(out or ""):
        raise WorkbookError("Only one of COMPANY and --out is an address.", do="Give addresses for both, or folders for both.")
    if far and (store or not cluster):
        raise WorkbookError("An address as COMPANY needs --cluster and no --store.", do="Name a folder, or mend the command.")
    return far


def _say_addresses(company: str, out: str, prepared: Prepared) -> Addresses:
    view = prepared.folder.relative_to(prepared.folder.parents[1]).as_posix()
    return Addresses(company, out, view, prepared.fingerprint, run=uuid.uuid4().hex)


def _say_reasons(reasons: Mapping[str, int], asked: int) -> str:
    """
    >>> _say_reasons({"own rows changed": 1, "team figures changed": 11}, 29)
    'To make: 12 of 29 reports (own rows changed: 1, team figures changed: 11). Unchanged: 17.'
    >>> _say_reasons({}, 29)
    'All 29 reports are unchanged.'
    """
    left = sum(reasons.values())
    if not left:
        return f"All {asked:,} reports are unchanged."
    why = ", ".join(f"{reason}: {n:,}" for reason, n in reasons.items())
    return f"To make: {left:,} of {asked:,} reports ({why}). Unchanged: {asked - left:,}."


def _choose_reps(prepared: Prepared, reps: Sequence[str]) -> list[str]:
    """The reps asked for, in the order of the company; all of them when none is named."""
    from workbook_helpers.data import find_rep

    wanted = {find_rep(prepared, rep_id)["rep_id"] for rep_id in reps}
    return [card["rep_id"] for card in prepared.reps if card["rep_id"] in wanted or not reps]


def _find_notebooks(folder: Path) -> list[Path]:
    found = sorted(folder.glob("0[1-9]*.ipynb"))
    if not found:
        raise RunError(
            f"There are no notebooks 01 to 09 in {folder}.",
            do="Install the workbook from its repository, as README says.",
        )
    return found


def _interrupted_day(folder: Path) -> str | None:
    """Another as-of day beside this one whose run did not finish."""
    states = {path.parts[-3]: read_json(path) for path in sorted(folder.parent.glob("*/.run/state.json"))}
    return next((day for day, state in reversed(states.items()) if state and not state["finished"]), None)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else runs into the folder meanwhile."""
    lock = filelock.FileLock(make_folder(folder / ".run") / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RunError(
            f"Another run is writing into {folder}.",
            do="Wait until it has finished, or name another folder with --out.",
        ) from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}.", do="Name another folder with --out.") from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """``run.log`` has the times and the details; what nobody expected ends there too."""
    try:
        handler = logging.FileHandler(folder / "run.log", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise RunError(
            f"{folder / 'run.log'} cannot be written: {error.strerror}.", do="Name another folder with --out."
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    try:
        yield
    except WorkbookError as error:
        _log.error("stopped: %s", error)
        raise
    except Exception as error:
        _log.error("stopped: %s", traceback.format_exc())
        raise RunError(
            f"The run stopped: {type(error).__name__}, which nobody expected.",
            do=f"Details are in {folder / 'run.log'}.",
        ) from error
    except BaseException as error:
        _log.error("stopped by %s", type(error).__name__)
        raise
    finally:
        _log.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def _progress(whole: int, kept: int) -> Iterator[Callable[[str, workers.Result], None]]:
    """A bar with the time left on a terminal; elsewhere a line per report."""
    on_screen = sys.stderr.isatty()
    tqdm.monitor_interval = 0  # no thread only to redraw the bar
    with tqdm(total=whole, initial=kept, unit="report", disable=not on_screen, file=sys.stderr) as bar:
        done = kept

        def tell(rep_id: str, result: workers.Result) -> None:
            nonlocal done
            done += 1
            bar.update()
            if not on_screen or isinstance(result, Failure) or result.lacks:
                said = f"failed: {result}" if isinstance(result, Failure) else f"done, but {result.lacks}" if result.lacks else "done"
                bar.write(printable(f"{done} of {whole}: {rep_id!r} {said}"), file=sys.stderr)

        yield tell
