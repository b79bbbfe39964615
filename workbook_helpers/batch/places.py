"""Where company and reports stand: in a folder that every machine of a run sees, or in an object store, with copies here.

An object store renames nothing: the files of a rep are put one by one, what no longer belongs to the report is removed after
them, and ``manifest.json``, taken away first and written last, says which reports are whole.

    ~/.cache/workbook/<hash of the address>/<name>/     the copy of what is needed here; XDG_CACHE_HOME moves it
    ~/.cache/workbook/<hash of the address>/.fetched    what the object store said of each file when it was fetched
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import filelock

from workbook_helpers.batch.files import make_folder, to_json, write_file
from workbook_helpers.batch.manifest import NAME, Record, fingerprint, read_json
from workbook_helpers.batch.tasks import Addresses
from workbook_helpers.errors import RunError

if TYPE_CHECKING:
    from workbook_helpers.data import Prepared

#: The names that are there -> those that are needed here.
Choose = Callable[[Collection[str]], Iterable[str]]

_STORE, _COPIES = ".workbook", "notebooks"


def is_address(place: object) -> bool:
    """
    >>> is_address("s3://bucket/company"), is_address("data/samples/field_sales")
    (True, False)
    """
    return "://" in str(place)


class Folder:
    """A folder of this disk, or of one that all machines share. Nothing has to be brought or put anywhere."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy

    def fetch(self, choose: Choose) -> None:
        """Brings the chosen files that have changed since they were last fetched."""

    def publish(self, paths: Iterable[Path]) -> None:
        """Puts files of the copy there."""

    def replace(self, folder: Path, source: Path) -> None:
        """Puts the files of ``source`` there as those of a folder of the copy, in place of any that are there."""

    def holds(self, folder: Path, record: Record) -> bool:
        """Whether the report is there as it was written."""
        return record.is_whole(folder)

    def remove(self, path: Path) -> None:
        """Removes a file."""
        path.unlink(missing_ok=True)


class ObjectStore(Folder):
    """A folder of an object store, by its fsspec address, with a copy on this machine."""

    def __init__(self, address: str) -> None:
        self.home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "workbook", fingerprint(address)[:16])
        super().__init__(self.home / PurePosixPath(address.rstrip("/")).name)
        self.address, self._there = address, dict[str, str]()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_folder(self.copy)
        with self._reached():
            from fsspec.core import url_to_fs

            self._system, self._root = url_to_fs(address)

    def fetch(self, choose: Choose) -> None:
        with self._reached():
            self._there, known = self._list(), self._known()
            for name in known.keys() - self._there.keys():
                (self.copy / name).unlink(missing_ok=True)
            known = {name: mark for name, mark in known.items() if self._there.get(name) == mark and (self.copy / name).is_file()}
            missing = [name for name in choose(self._there) if name not in known]
            self._get(missing, self.copy)
            self._note(known | {name: self._there[name] for name in missing})

    def fetch_folder(self, folder: Path, target: Path) -> None:
        """Brings one folder as a whole into another place than the copy."""
        with self._reached():
            names = [PurePosixPath(name).relative_to(self._name(folder)).as_posix() for name in self._list(self._name(folder))]
            self._get(names, target, self._name(folder))

    def publish(self, paths: Iterable[Path]) -> None:
        with self._reached():
            self._put(list(paths), list(map(self._name, paths)))

    def replace(self, folder: Path, source: Path) -> None:
        files = _files(source)
        names = [self._name(folder / path.relative_to(source)) for path in files]
        with self._reached():
            self._put(files, names)
            for name in self._list(self._name(folder)).keys() - set(names):
                self._system.rm_file(f"{self._root}/{name}")

    def publish_store(self) -> None:
        """Makes the company's store there what it is here by now: its files never change under their name, its imports do."""
        with self._reached():
            here = {self._name(path): path for path in _files(self.copy / _STORE)}
            there, known = self._list(_STORE), self._known()
            fresh = [name for name in here if name not in there or name.startswith(f"{_STORE}/imports/")]
            self._put([here[name] for name in fresh], fresh)
            for name in (there.keys() & known.keys()) - here.keys():
                self._system.rm_file(f"{self._root}/{name}")
            now = self._list(_STORE)
            self._note(known | {name: now[name] for name in here.keys() & now.keys()})

    def holds(self, folder: Path, record: Record) -> bool:
        """By the names that are there: the files are not read again."""
        return all(self._name(folder / record.folder / name) in self._there for name in record.files)

    def remove(self, path: Path) -> None:
        super().remove(path)
        with self._reached(), contextlib.suppress(FileNotFoundError):
            self._system.rm_file(f"{self._root}/{self._name(path)}")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else on this machine changes the copy meanwhile."""
        with filelock.FileLock(self.home / "lock"):
            yield

    def _name(self, path: Path) -> str:
        return path.relative_to(self.copy).as_posix()

    def _known(self) -> dict[str, str]:
        return read_json(self.home / ".fetched") or {}

    def _note(self, known: dict[str, str]) -> None:
        write_file(self.home / ".fetched", to_json(known))

    def _list(self, folder: str = "") -> dict[str, str]:
        """Name -> what tells one content from another, for every file there or in one folder."""
        self._system.invalidate_cache()
        found = self._system.find(f"{self._root}/{folder}".rstrip("/"), detail=True)
        names = {path: path.removeprefix(self._root).lstrip("/") for path in found}
        return {name: _mark(found[path]) for path, name in names.items() if ".." not in PurePosixPath(name).parts}

    def _get(self, names: list[str], target: Path, folder: str = "") -> None:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
        if names:
            root = f"{self._root}/{folder}".rstrip("/")
            self._system.get([f"{root}/{name}" for name in names], [str(target / name) for name in names])

    def _put(self, files: list[Path], names: list[str]) -> None:
        paths = [f"{self._root}/{name}" for name in names]
        for parent in sorted({path.rpartition("/")[0] for path in paths}):
            self._system.makedirs(parent, exist_ok=True)
        if names:
            self._system.put(list(map(str, files)), paths)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except RunError:
            raise
        except Exception as error:  # each object store has kinds of its own
            why = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise RunError(f"{self.address}: {why}.", do="See that the address is right and that you may write there.") from error


def prepare_company(place: ObjectStore, prepare: Callable[..., Prepared], as_of: date | None) -> Prepared:
    """Fetches a company, prepares it here, and publishes what was prepared, so that no other machine has to."""
    with place.locked():
        place.fetch(lambda names: [name for name in names if not name.startswith(f"{_COPIES}/")])
        prepared = prepare(place.copy, as_of=as_of, store=place.copy / _STORE)
        place.publish_store()
    return prepared


@lru_cache(maxsize=1)
def fetch_company(addresses: Addresses, as_of: str) -> Path:
    """The copy of a company on this machine, with its prepared view. The first worker of a run that needs it fetches it.

    Raises RunError where the company there is no longer the one that the run began with.
    """
    from workbook_helpers.data import prepare

    place = ObjectStore(addresses.company)
    with place.locked():
        if read_json(place.home / "run") != addresses.run:
            place.fetch(lambda names: [name for name in names if _is_needed(name, f"{_STORE}/{addresses.view}/")])
            prepared = prepare(place.copy, as_of=date.fromisoformat(as_of), store=place.copy / _STORE)
            if prepared.fingerprint != addresses.fingerprint:
                raise RunError(f"{addresses.company} has changed since this run began.", do="Run again.")
            write_file(place.home / "run", to_json(addresses.run))
    return place.copy


def choose_reports(day: str) -> Choose:
    """What a run for a day wants to know of earlier ones: its own records and facts, and the facts of the day before it."""

    def choose(names: Collection[str]) -> list[str]:
        earlier = max((name.split("/")[0] for name in names if name.endswith(f"/{NAME}") and name < day), default=day)
        return [
            name
            for name in names
            if name.endswith((f"/{NAME}", "/.run/state.json"))
            or name.startswith(f"{day}/.run/records/")
            or name.endswith("/facts.json") and name.split("/")[0] in (day, earlier)
        ]

    return choose


def choose_facts(day: str) -> Choose:
    """The facts of a day's reports."""
    return lambda names: [name for name in names if name.startswith(f"{day}/") and name.endswith("/facts.json")]


def _is_needed(name: str, view: str) -> bool:
    """Exports, settings, plans and one view; of the rest of the store what is small, for the typed tables only served to make views."""
    if name.startswith(f"{_COPIES}/"):
        return False
    return not name.startswith(f"{_STORE}/") or name.startswith(view) or not name.endswith(".parquet") or name.endswith("/problems.parquet")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _mark(info: dict[str, Any]) -> str:
    """What an object store says of a file, without what changes although the content does not."""
    return fingerprint(sorted(f"{key}={value}" for key, value in info.items() if key not in ("created", "atime", "nlink")))
