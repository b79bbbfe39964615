"""The store: each import converted once, and one view of the company per as-of date, written whole or not at all.

    <store>/inputs.json                      what the files looked like when they were last read
    <store>/<fingerprint>/checked/           typed tables and problems of one import (inputs, settings)
    <store>/<fingerprint>/<as-of>-<mark>/    one day: view.json, the team's figures, tables of the whole company; mark: of the imports used
                                   shelf-<n>/    the books of some fifty reps, and reps.json, what is said of each of them
    <store>/imports/<day>                    fingerprint of the import whose last day that is: what later runs know of the past

An import stays as long as a day names it; a view, and an import that no day names any more, until it has not been used for a week.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from workbook_helpers.data.build import import_tables, write_team, write_view
from workbook_helpers.data.days import check_day
from workbook_helpers.data.history import Import
from workbook_helpers.data.prepared import Prepared, read_problems
from workbook_helpers.data.readers import shorten
from workbook_helpers.data.settings import FILE_NAME, Company, load_company
from workbook_helpers.errors import InputDataError, Problem, RunError, SettingsError

#: Where ``open_book`` finds the store, when it is not ``<company>/.workbook``.
STORE = "WORKBOOK_STORE"


#: What no day names is kept for so long after its last use: longer than any run.
KEPT_DAYS = 7

_DAY = 24 * 60 * 60  # seconds

#: What stands in the folder of a fingerprint: views, the import, and what is not finished.
_OURS = re.compile(r"checked|\d{4}-\d\d-\d\d-[0-9a-f]{8}|\..+")


class UnusableError(InputDataError):
    """Some tables cannot be used; ``problems`` holds everything that was found in all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems if p.severity == "unusable"))


def prepare(
    folder: Path | str, *, as_of: date | None = None, store: Path | str | None = None, teach: bool = True
) -> Prepared:
    """Reads what has changed, checks it, and writes the view of the as-of date (default: the last day the exports know).

    folder: the company's folder. store: default ``<folder>/.workbook``, or what the environment variable WORKBOOK_STORE names.
    teach: False leaves out what the team teaches, which a check does not need.
    Nothing is done twice: unchanged inputs are not read again, an existing view is not rebuilt.
    Raises SettingsError or InputDataError, with everything that keeps a table from being used.
    """
    company = load_company(Path(folder))
    home = Path(store or os.environ.get(STORE) or company.folder / ".workbook").resolve()
    with _room_in(home):
        return _prepare(company, home, as_of, teach)


@contextmanager
def _room_in(home: Path) -> Iterator[None]:
    """What the disk refuses is said in one line."""
    try:
        yield
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        why = getattr(error, "strerror", None) or shorten(str(error))
        raise RunError(
            f"{getattr(error, 'filename', None) or home}: {why}.",
            do="Free some space, see that you may write there, or name another folder with --store.",
        ) from error


def _prepare(company: Company, home: Path, as_of: date | None, teach: bool) -> Prepared:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    fingerprint = _fingerprint(company, home)
    snapshot = home / fingerprint[:16]
    if not (snapshot / "checked").is_dir():
        files = [path.name for path in _export_files(company)]
        _write_whole(snapshot / "checked", lambda place: import_tables(company, files, place))
    if _said(snapshot / "checked")["unusable_n"]:
        raise UnusableError(read_problems(snapshot / "checked"))
    newest = Import(_days(snapshot / "checked").last, snapshot / "checked")
    _keep(home, newest)
    day = as_of or newest.day
    imports = [kept for kept in _kept(home) if kept.day <= day]
    base = imports[-1] if newest.day <= day or (imports and imports[-1].day == day) else newest
    days = _days(base.folder)
    check_day(day, days.first, days.last)
    company = company.with_periods(days.periods)
    mark = hashlib.sha256("|".join(kept.folder.parent.name for kept in imports).encode()).hexdigest()[:8]
    view = snapshot / f"{day.isoformat()}-{mark}"
    known = view.is_dir()
    if not known:
        _write_whole(view, lambda place: write_view(company, day, base, imports, place))
    prepared = Prepared(company, day, view, fingerprint)
    if teach and not (view / "team.json").is_file():
        write_team(prepared)
    _mark_used(snapshot / "checked", view)
    if not known:
        _prune(home)
    return prepared


def _mark_used(*folders: Path) -> None:
    """Notes in the file system, to the day, that they were used."""
    for folder in folders:
        if time.time() - folder.stat().st_mtime > _DAY:
            with suppress(OSError):  # a store that may only be read
                os.utime(folder)


def _prune(home: Path) -> None:
    """Deletes what nobody has used for a week, and what a run left half written that was killed.

    Each folder is moved aside first, so that no other run finds half of it.
    """
    kept = {one.folder for one in _kept(home)}
    for folder in home.glob("[0-9a-f]" * 16 + "/*"):
        with suppress(OSError):  # another run was first, or something is left beside it
            old = _OURS.fullmatch(folder.name) and folder.is_dir() and time.time() - folder.stat().st_mtime > KEPT_DAYS * _DAY
            if old and folder not in kept:
                aside = folder.with_name(f".old-{os.getpid()}")
                os.rename(folder, aside)
                shutil.rmtree(aside, ignore_errors=True)
                folder.parent.rmdir()


class _Days(NamedTuple):
    """The first and the last day on which something happened in an import, and where its fiscal periods begin."""

    first: date
    last: date
    periods: list[date]


def _days(checked: Path) -> _Days:
    days = _said(checked)
    return _Days(*map(date.fromisoformat, days["events"]), [date.fromisoformat(day) for day in days["periods"]])


def _said(checked: Path) -> dict[str, Any]:
    """What an import says of itself."""
    return json.loads((checked / "days.json").read_text(encoding="utf-8"))


def _keep(home: Path, newest: Import) -> None:
    """Remembers the import under its own day; a later import of the same day takes its place."""
    entry, name = home / "imports" / newest.day.isoformat(), newest.folder.parent.name
    if not entry.is_file() or entry.read_text(encoding="utf-8") != name:
        entry.parent.mkdir(exist_ok=True)
        place = entry.with_name(f".{entry.name}-{os.getpid()}")
        place.write_text(name, encoding="utf-8")
        os.replace(place, entry)


def _kept(home: Path) -> list[Import]:
    """The imports on record, oldest first; one whose folder was deleted by hand is none."""
    entries = sorted(path for path in (home / "imports").iterdir() if not path.name.startswith("."))
    kept = [Import(date.fromisoformat(path.name), home / path.read_text(encoding="utf-8") / "checked") for path in entries]
    return [one for one in kept if one.folder.is_dir()]


@cache
def code_fingerprint(*rooms: str) -> str:
    """Of the product's own source: a new version redoes what an old one wrote. rooms: only these, and what all rooms share."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(p for p in package.rglob("*") if p.suffix in (".py", ".html", ".css"))
    if rooms:
        files = [p for p in files if p.parent == package or p.relative_to(package).parts[0] in rooms]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _write_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Fills a folder beside the target and moves it there in one step; a failure leaves nothing behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write(place)
        try:
            os.replace(place, target)
        except OSError:
            if not target.is_dir():  # else another run wrote the same view first
                raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _fingerprint(company: Company, home: Path) -> str:
    """Of the exports' bytes and the settings; a file whose size and time are as before is not read again."""
    cache_file, seen = home / "inputs.json", {}
    if cache_file.is_file():
        try:
            seen = json.loads(cache_file.read_text(encoding="utf-8"))
        except ValueError:
            seen = {}
    digest, now = hashlib.sha256(), {}
    for path in _export_files(company):
        name, stat = path.relative_to(company.folder / company.exports).as_posix(), path.stat()
        mark = [stat.st_size, stat.st_mtime_ns]
        known = seen.get(name)
        now[name] = known if known and known[:2] == mark else [*mark, _sha256(path)]
        digest.update(f"{name}\0{now[name][2]}\0".encode())
    if now != seen:
        place = cache_file.with_suffix(".new")
        place.write_text(json.dumps(now, sort_keys=True), encoding="utf-8")
        os.replace(place, cache_file)
    digest.update(company.model_dump_json().encode() + code_fingerprint("data", "steps").encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _export_files(company: Company) -> list[Path]:
    """The files that the tables of ``workbook.yml`` come from."""
    folder = company.folder / company.exports
    if not folder.is_dir():
        raise SettingsError(
            f"{company.folder / FILE_NAME}: the exports folder {company.exports!r} is not there.",
            do="Put the CRM exports there, or name their folder under `exports:`.",
        )
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~$")))
    wanted = _wanted_stems(company, [p.name for p in files])
    return [p for p in files if p.stem in wanted or any(w.startswith(f"{p.stem}__") for w in wanted)]


def _wanted_stems(company: Company, found: list[str]) -> set[str]:
    """Names of exported tables that the settings speak of. found: the names of the files that are there."""
    wanted = {stem for source in company.tables.values() for stem in source.stems(found)}
    for source in company.tables.values():
        wanted |= set(re.findall(r"[^\s\"'(),;.]+", source.select or "")) | set(re.findall(r'"([^"]+)"', source.select or ""))
    return wanted
