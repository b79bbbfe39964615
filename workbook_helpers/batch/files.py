"""How the batch writes: whole or not at all, for the owner's eyes only, the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbook_helpers.errors import RunError

#: What a spreadsheet may run: a sign (or its wide or small form) at the start, also behind blanks and marks that nobody sees.
_LIVE = re.compile("[\t\r]|[\\s\0-\x1f\u200b-\u200f\u2060\ufeff]*[=+@＝＋－＠﹦﹢﹣﹫-]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")


def write_file(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all. Raises RunError when the disk is full or the folder may not be written."""
    fresh = path.with_name(f".{path.name}.new")
    with _disk(path):
        try:
            _write(fresh, content)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


def write_folder(folder: Path, files: Mapping[str, bytes], *, scratch: Path) -> dict[str, str]:
    """Writes a folder whole or not at all, in place of the folder that stood there. Returns the sha256 of each file.

    files: name inside the folder -> content. scratch: a folder on the same disk, which a later run may empty.
    """
    fresh, old = scratch / f"{folder.name}.new", scratch / f"{folder.name}.old"
    with _disk(folder):
        try:
            for name, content in files.items():
                if not _NAME.fullmatch(name):
                    raise ValueError(f"{name!r} cannot be the name of a published file")
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                _write(fresh / name, content)
            if folder.exists():
                os.replace(folder, old)
            os.replace(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing."""
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def empty_folder(folder: Path) -> Path:
    """The folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    return make_folder(folder)


def digest(path: Path) -> str | None:
    """sha256 of a file's bytes; None when there is no such file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def to_json(value: Any) -> bytes:
    """
    >>> to_json({"a": 1.5, "b": "é"}).decode()
    '{\\n "a": 1.5,\\n "b": "é"\\n}\\n'
    """
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def to_csv(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """A table that a spreadsheet opens without running anything: text that would be a formula gets an apostrophe.

    >>> to_csv(["who", "amount"], [["=1+1", -12.5], ["-5", None]]).decode()
    "who,amount\\r\\n'=1+1,-12.5\\r\\n'-5,\\r\\n"
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_guard(column) for column in columns])
    writer.writerows([_guard(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


@contextmanager
def private_files() -> Iterator[None]:
    """What is written inside is readable by its owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _guard(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _LIVE.match(cell) else cell


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{error.filename or path} cannot be written: {error.strerror or error}.",
            do="Free some space, or name another folder with --out.",
        ) from None
