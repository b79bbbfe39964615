"""What is known of each rep's report: a record each, kept through interruptions; all together in ``manifest.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbook_helpers.batch.files import digest, to_json, write_file

NAME = "manifest.json"
PDF = "report.pdf"


@dataclass(frozen=True)
class Record:
    """One rep's report.

    status: done, failed, not_asked (there is no report) or stale (the report is older than its inputs).
    reason: why there is no report, or no PDF of it.
    fingerprint: of everything that the report was made from; parts: the same by its parts, so that it can be said what changed.
    files: name -> sha256. said: what the index repeats of it.
    """

    rep_id: str
    folder: str
    status: str = "not_asked"
    reason: str | None = None
    fingerprint: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_pdf(self) -> bool:
        return PDF in self.files

    def is_whole(self, out: Path) -> bool:
        """Whether every file is still as it was written."""
        return all(digest(out / self.folder / name) == sha for name, sha in self.files.items())


class Records:
    """The records of one run folder, one small file per rep, each written as soon as the rep's report is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, rep_id: str, name: str) -> Record:
        """The rep's record; without any, one that says that nothing was asked for yet."""
        kept = read_json(self._folder / f"{name}.json") or {}
        return Record(**kept) if kept.get("rep_id") == rep_id else Record(rep_id, name)

    def save(self, record: Record) -> Path:
        """Writes the record, and says where."""
        path = self._folder / f"{record.folder}.json"
        write_file(path, to_json(vars(record)))
        return path


def write_manifest(out: Path, records: Iterable[Record], *, company: str, as_of: str, pages: Iterable[str]) -> None:
    """``manifest.json``: written last, whole, and without any time. pages: names of the files that stand beside it."""
    reps = [{k: v for k, v in vars(record).items() if k not in ("said", "parts")} for record in records]
    whole = {
        "format": 1,
        "company": company,
        "as_of": as_of,
        "reps": reps,
        "files": {name: digest(out / name) for name in pages},
    }
    write_file(out / NAME, to_json(whole))


def code_of(notebooks: Sequence[Path]) -> str:
    """Fingerprint of what turns data into a report: this package's source and the notebooks."""
    from workbook_helpers.data import code_fingerprint

    return fingerprint(code_fingerprint(), *(fingerprint(path.name, path.read_bytes()) for path in notebooks))


def read_json(path: Path) -> Any:
    """What a JSON file holds; None when there is none, or when it is not whole."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def fingerprint(*parts: Any) -> str:
    """One sha256 of plain values and bytes, in order.

    >>> fingerprint("a", {"b": 1}) == fingerprint("a", {"b": 2})
    False
    """
    whole = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()
