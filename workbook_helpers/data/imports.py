"""A folder of CRM exports into tables of text, each row with its file and the row number that a person would count.

A table is named by its file's stem (``stem__sheet`` for the sheets of a spreadsheet). Values stay as the file holds
them; only column names are cleaned. What cannot be read with certainty is refused, with the row and what to do; single
rows that do not fit are set aside and reported. Text files are taken apart here, other formats in ``readers``.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import itertools
import os
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbook_helpers.data.readers import (
    EXPORT_AGAIN,
    Export,
    FileOptions,
    Part,
    UnreadableError,
    check_width,
    clean_name,
    load_parquet,
    load_spreadsheet,
    make_table,
    note_footer,
    shorten,
)
from workbook_helpers.errors import InputDataError, Problem

__all__ = ["ExportFile", "FileOptions", "Imported", "load_export", "load_exports"]

READABLE = (".csv", ".tsv", ".xlsx", ".xlsm", ".parquet")
DELIMITERS = (",", ";", "\t", "|")

_OTHER_SPREADSHEETS = (".xls", ".xlsb", ".ods", ".numbers")
_BLOCK = 1 << 24  # bytes read at a time; no record of a CSV file can be longer
_EXPECTED = f"Exports end in {', '.join(READABLE)} and stand in the exports folder itself."


class ExportFile(NamedTuple):
    """A file that was read. rows: its records, set-aside ones included; blank ones and headers are none."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Imported:
    """What the exports hold: tables of text by name, what was wrong with the rest, and the files read."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: list[ExportFile] = field(default_factory=list)


def load_exports(
    folder: Path,
    *,
    options: Mapping[str, FileOptions] | None = None,
    company_wide: FileOptions = FileOptions(),  # noqa: B008 (frozen)
    only: AbstractSet[str] | None = None,
) -> Imported:
    """Every export in a folder as tables of text; the folder's own folders are not entered.

    options: by file name or stem, what workbook.yml says of single files; company_wide: of all others.
    only: names of the files' stems or tables that are needed; others are then neither read nor spoken of.
    Columns are text, plus ``_file`` and ``_row`` (int64; the header is row 1, a record is one row, blank rows count).
    A file that cannot be read with certainty is an unusable problem and no table.
    Raises InputDataError only when the folder is missing or holds no file of a readable kind.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "reps.csv").write_text("Id,Name\\n007,Ana\\n008,Ben,Cho\\n")
    >>> imported = load_exports(folder)
    >>> imported.tables["reps"].to_pylist()
    [{'Id': '007', 'Name': 'Ana', '_file': 'reps.csv', '_row': 2}]
    >>> imported.problems[0].row, imported.problems[0].what
    (3, 'has 3 fields where the header has 2')
    """
    imported, parts = Imported(), []
    for path in _list_files(folder):
        name = _said(path.stem)
        if only is not None and not _is_needed(path, only):
            continue
        own = (options or {}).get(_said(path.name)) or (options or {}).get(name) or FileOptions()
        export = Export(path, _said(path.name), name, own.over(company_wide), imported.problems)
        if path.resolve().is_relative_to(folder.resolve()):
            _load(export, only, parts, imported.files)
        else:
            fix = "Put the file itself into the folder."
            export.note("unusable", "is a link that leads out of the exports folder", fix)
    return _put_together(imported, parts)


def load_export(path: Path, options: FileOptions = FileOptions()) -> Imported:  # noqa: B008 (frozen)
    """One export file as tables of text, as in :func:`load_exports`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "reps.csv"
    >>> _ = path.write_text("Id;Name\\n007;Ana\\n")
    >>> load_export(path, FileOptions(delimiter=";")).tables["reps"].column_names
    ['Id', 'Name', '_file', '_row']
    """
    imported, parts = Imported(), []
    _load(Export(path, _said(path.name), _said(path.stem), options, imported.problems), None, parts, imported.files)
    return _put_together(imported, parts)


def _list_files(folder: Path) -> list[Path]:
    """What stands in the folder, in the order of names; hidden and temporary files do not count."""
    if not folder.is_dir():
        raise InputDataError(f"There is no folder {folder}.", allowed=_EXPECTED, do="Put the exports there.")
    paths = sorted(p for p in folder.iterdir() if not p.name.startswith((".", "~$")))
    if not any(p.suffix.lower() in (*READABLE, *_OTHER_SPREADSHEETS) for p in paths):
        raise InputDataError(f"The folder {folder} holds no export.", allowed=_EXPECTED, do="Put the exports there.")
    return paths


def _said(name: str) -> str:
    """A file's name as people write it: some systems take accents apart, or hold bytes that are no text."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def _is_needed(path: Path, only: AbstractSet[str]) -> bool:
    stems = {path.stem, _said(path.stem)}
    sheet_of = tuple(f"{stem}__" for stem in stems)
    known = path.suffix.lower() in (*READABLE, *_OTHER_SPREADSHEETS)
    return known and (not stems.isdisjoint(only) or any(name.startswith(sheet_of) for name in only))


def _load(export: Export, only: AbstractSet[str] | None, parts: list[Part], files: list[ExportFile]) -> None:
    """Reads one file into ``parts`` and ``files``, or notes why not."""
    ending = export.path.suffix.lower()
    if export.path.is_dir() or ending not in (*READABLE, *_OTHER_SPREADSHEETS):
        export.note("finding", "is not read", _EXPECTED)
        return
    try:
        if ending in _OTHER_SPREADSHEETS:
            fix = "Open it in Excel or LibreOffice and save it as .xlsx."
            raise UnreadableError(f"is a spreadsheet of a kind that is not read ({ending})", fix)
        with export.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if ending == ".parquet":
            found = load_parquet(export)
        elif ending in (".xlsx", ".xlsm"):
            found = load_spreadsheet(export, only)
        else:
            found = load_csv(export)
    except UnreadableError as error:
        export.note("unusable", error.what, error.fix, row=error.row)
    except UnicodeEncodeError:
        export.note("unusable", "has a name with bytes that are no letters", "Rename the file.")
    except OSError as error:
        fix = "See that it is there and that you may read it."
        export.note("unusable", f"cannot be opened ({error.strerror or error})", fix)
    else:
        rows = {id(part.table): part.rows for part in found}  # the only sheet has two names
        files.append(ExportFile(export.file, digest, sum(rows.values())))
        parts.extend(found)


def _put_together(imported: Imported, parts: list[Part]) -> Imported:
    """Names the tables; two of one name (capitals do not count) are both refused, for either could be meant."""
    times = Counter(part.name.casefold() for part in parts)
    for part in parts:
        if times[part.name.casefold()] == 1:
            imported.tables[part.name] = part.table
        else:
            what, fix = f"shares the table name {part.name!r} with another file", "Remove or rename one of them."
            imported.problems.append(Problem("unusable", part.name, part.file, None, None, None, what, fix))
    return imported


# ---------------------------------------------------------------------------------------------------------------- CSV

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins in the same way
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_SAVE_UTF8 = "Save or export the file again as UTF-8, or name its encoding with `encoding:` in workbook.yml."


@dataclass(frozen=True)
class _Text:
    """A text file and how to take it apart. skip: lines before row 1 (``sep=;``, which Excel does not count either)."""

    path: Path
    encoding: str
    delimiter: str = ","
    skip: int = 0

    def records(self, *, errors: str = "strict", strict: bool = False) -> Iterator[list[str]]:
        with self.path.open(encoding=self.encoding, errors=errors, newline="") as file:
            for _ in range(self.skip):
                file.readline()
            yield from csv.reader(file, delimiter=self.delimiter, strict=strict)

    def find_row(self, test: Callable[[str], bool]) -> int | None:
        """The first row in which a text passes the test; None when there is none, or when it cannot be told."""
        try:
            records = enumerate(self.records(errors="replace"), 1)
            return next((number for number, record in records if test("".join(record))), None)
        except (csv.Error, UnicodeError):
            return None

    def first_records(self, limit: int = 200) -> list[list[str]]:
        """The first records, up to one that cannot be taken apart."""
        found: list[list[str]] = []
        with contextlib.suppress(csv.Error):
            found.extend(itertools.islice(self.records(), limit))
        return found


class _Scan(NamedTuple):
    """What a text file holds, read to its end."""

    plain: bool  # only ASCII
    zeros: bool
    quotes: bool


def _scan(path: Path, encoding: str, errors: str = "strict") -> _Scan | None:
    """None when the file does not decode."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    plain, zeros, quotes = True, False, False
    with path.open("rb") as file:
        block = b"start"
        while block:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError:
                return None
            plain, zeros, quotes = plain and text.isascii(), zeros or "\0" in text, quotes or '"' in text
    return _Scan(plain, zeros, quotes)


def _find_encoding(path: Path, asked: str | None) -> tuple[str, _Scan]:
    """A byte order mark decides, then the settings; else UTF-8, or cp1252 if nothing in the file speaks for UTF-8."""
    with path.open("rb") as file:
        start = file.read(4)
    certain = next((name for mark, name in _BOMS if start.startswith(mark)), asked)
    try:
        "".encode(certain or "utf-8")
    except LookupError:
        fix = "Write for example `encoding: cp1252` or `encoding: utf-8` in workbook.yml."
        raise UnreadableError(f"{asked!r} is no encoding", fix) from None
    encoding = certain or "utf-8"
    scan = _scan(path, encoding)
    if scan is None:
        row = _Text(path, encoding).find_row(lambda text: "\ufffd" in text)
        if certain:
            raise UnreadableError(f"is not the {certain} text that it is said to be", _SAVE_UTF8, row)
        if not _scan(path, "utf-8", "ignore").plain:
            raise UnreadableError("mixes UTF-8 with another encoding, so letters would be misread", _SAVE_UTF8, row)
        encoding, scan = "cp1252", _scan(path, "cp1252")
        if scan is None:
            raise UnreadableError("is neither UTF-8 nor Windows text (cp1252)", _SAVE_UTF8, row)
    if scan.zeros:
        row = _Text(path, encoding).find_row(lambda text: "\0" in text)
        raise UnreadableError(
            "holds zero bytes, so it is damaged, no text file, or text in UTF-16 without its mark",
            "Export it again as UTF-8; if it is UTF-16, write `encoding: utf-16-le` in workbook.yml.",
            row,
        )
    return encoding, scan


def _fits(record: list[str], width: int) -> bool:
    return len(record) == width or (len(record) == width + 1 and record[-1] == "")


def _find_delimiter(text: _Text, asked: str | None) -> _Text:
    """The delimiter that the settings name or that the header and most of the first records agree on."""
    first = text.first_records(1)
    stated = re.fullmatch("sep=(.)", text.delimiter.join(first[0]), re.IGNORECASE) if first else None
    if stated:
        text, asked = replace(text, skip=1), asked or stated[1]
    if asked:
        asked = {"tab": "\t", "\\t": "\t"}.get(asked, asked)
        if len(asked) != 1 or not asked.isascii() or asked.isalnum() or asked in '"\r\n\0':
            fix = "Write one character, for example `delimiter: ';'` or `delimiter: tab`, in workbook.yml."
            raise UnreadableError(f"{asked!r} is no delimiter", fix)
        return replace(text, delimiter=asked)
    agreeing, widths = {}, {}
    for delimiter in DELIMITERS:
        header, *records = replace(text, delimiter=delimiter).first_records() or [[]]
        if len(header) > 1:
            wide = [r for r in records if len(r) > 1]  # lines of one field, like footers, agree with every delimiter
            widths[delimiter] = len(header)
            agreeing[delimiter] = sum(_fits(r, len(header)) for r in wide) if any(records) else 1
    best = [d for d in agreeing if agreeing[d] == max(agreeing.values())]
    if len(best) > 1 and agreeing[best[0]] > 0:
        names = " or ".join("tab" if d == "\t" else repr(d) for d in best)
        fix = "Say which with `delimiter:` in workbook.yml."
        raise UnreadableError(f"its columns could be separated by {names}", fix)
    return replace(text, delimiter=max(best, key=widths.get, default=","))


def _check_quotes(text: _Text) -> int:
    """The number of records; refuses a quotation mark that is never closed, or that closes a text in its middle."""
    number = 0
    try:
        for _ in text.records(strict=True):
            number += 1
    except csv.Error:
        what = "a quotation mark opens a text that does not end as it should (marks inside a text must be doubled)"
        raise UnreadableError(what, EXPORT_AGAIN, number + 1) from None
    return number


class _Wrong(NamedTuple):
    """A row with the wrong number of fields."""

    row: int
    fields: int
    text: str


def _parse(text: _Text, width: int) -> tuple[pa.Table, list[_Wrong]]:
    """All records of that width, the header included, and the others."""
    from pyarrow import csv as arrow_csv

    wrong: list[_Wrong] = []

    def set_aside(row: Any) -> str:
        wrong.append(_Wrong(row.number - text.skip, row.actual_columns, row.text[:200]))
        return "skip"

    names = [f"c{i}" for i in range(width)]
    try:
        table = arrow_csv.read_csv(
            text.path,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,  # else rows have no numbers
                block_size=_BLOCK,
                column_names=names,
                skip_rows=text.skip,
                encoding="utf8" if text.encoding == "utf-8-sig" else text.encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=text.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=set_aside,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # _scan has decoded every byte
            ),
        )
    except pa.ArrowInvalid as error:
        raise UnreadableError(f"cannot be taken apart into rows ({shorten(str(error))})", EXPORT_AGAIN) from None
    return table, wrong


def load_csv(export: Export) -> list[Part]:
    """A CSV file as one table of text.

    One record in, one row out, except blank records and those with a wrong number of fields (set aside).
    Raises UnreadableError where encoding, delimiter, quotation marks or header leave doubt.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "reps.csv"
    >>> _ = path.write_text('Id;Name\\n007;"Ana; Ruiz"\\n\\n008;NA\\n')
    >>> load_csv(Export(path, "reps.csv", "reps"))[0].table.to_pylist()[1]
    {'Id': '008', 'Name': 'NA', '_file': 'reps.csv', '_row': 4}
    """
    encoding, scan = _find_encoding(export.path, export.options.encoding)
    text = _find_delimiter(_Text(export.path, encoding), export.options.delimiter)
    header, *records = text.first_records() or [[]]
    records_n = _check_quotes(text) if scan.quotes else None
    if not any(clean_name(name) for name in header):
        empty = not any(any(record) for record in records)
        what = "is empty" if empty else "row 1 is blank, where the column names should stand"
        raise UnreadableError(what, "Export the file again, with the column names in row 1.")
    check_width(len(header))
    wide = [record for record in records if len(record) > 1]
    trailing = bool(wide) and all(_fits(r, len(header)) and len(r) > len(header) for r in wide)
    table, wrong = _parse(text, len(header) + trailing)
    if records_n not in (None, table.num_rows + len(wrong)):
        raise UnreadableError("its quotation marks can be read in two ways", EXPORT_AGAIN)
    numbers = np.delete(np.arange(1, table.num_rows + len(wrong) + 1), [w.row - 1 for w in wrong])
    if numbers.size and numbers[0] == 1:  # the header; it is among the wrong ones when only the rows end in a delimiter
        table, numbers = table.slice(1), numbers[1:]
    wrong = [w for w in wrong if w.row > 1 and w.text.strip()]
    if trailing:
        table, numbers = _drop_trailing(export, table, numbers, wrong)
    below = [w for w in wrong if w.fields == 1 and w.row > numbers.max(initial=1)]
    if note_footer(export, [(w.row, w.text) for w in below]):
        wrong = [w for w in wrong if w not in below]
    _check_end(text, len(header), wrong, numbers.max(initial=1))
    _report_wrong(export, len(header), wrong, table.num_rows)
    if encoding == "cp1252" and not export.options.encoding and not scan.plain:
        what = "is not UTF-8, so from this row on its letters are read as Windows text (cp1252)"
        fix = "Look whether names with accents are right; if not, export it as UTF-8, or name its `encoding:`."
        export.note("finding", what, fix, row=text.find_row(lambda t: not t.isascii()))
    made = make_table(export, header, table.columns, numbers)
    return [Part(export.file, export.name, made, made.num_rows + len(wrong))]


def _drop_trailing(
    export: Export, table: pa.Table, numbers: np.ndarray, wrong: list[_Wrong]
) -> tuple[pa.Table, np.ndarray]:
    """Without the empty field after the last delimiter of every row; rows with something in it become wrong ones."""
    what = "every row ends in a delimiter that the header does not have; it is not read as a column"
    export.note("finding", what, "Nothing is lost; an export without it would be cleaner.")
    odd = table.column(table.num_columns - 1).is_valid()
    for row in np.flatnonzero(odd.to_numpy()):
        cells = [cell.as_py() or "" for cell in (column[int(row)] for column in table.columns)]
        wrong.append(_Wrong(int(numbers[row]), len(cells), " ".join(cells)[:200]))
    wrong.sort()
    keep = pc.invert(odd)
    return table.drop_columns([table.column_names[-1]]).filter(keep), numbers[keep.to_numpy()]


def _check_end(text: _Text, width: int, wrong: list[_Wrong], last_right: int) -> None:
    """Refuses a file that breaks off within its last row: a copy that is not finished lacks all the rows that would follow."""
    if not wrong or wrong[-1].row < last_right or not 1 < wrong[-1].fields < width:
        return
    with text.path.open(encoding=text.encoding, newline="") as file:
        ended = deque(file, maxlen=1)[0].endswith(("\n", "\r"))
    if not ended:
        what = f"breaks off in its last row, which has {wrong[-1].fields} fields where the header has {width}"
        raise UnreadableError(what, "Wait until the export is whole, or export it again.", wrong[-1].row)


def _report_wrong(export: Export, width: int, wrong: list[_Wrong], right_n: int) -> None:
    """Sets rows aside; refuses a file most of whose rows do not fit (footers, having one field, do not count here)."""
    torn = [w for w in wrong if w.fields > 1]
    if len(torn) > right_n:
        what = f"{len(torn):,} rows do not fit the header (the first has {torn[0].fields} fields where it has {width})"
        fix = "See that row 1 holds the column names; if another character separates them, name it with `delimiter:`."
        raise UnreadableError(what, fix, torn[0].row)
    for w in wrong:
        fields = "1 field" if w.fields == 1 else f"{w.fields} fields"
        usual = f"the header has {width}" if w.fields != width else f"every other row has {width + 1}"
        fix = "If it is a footer, ignore this; else put texts that hold the delimiter into quotation marks."
        export.note("set_aside", f"has {fields} where {usual}", fix, row=w.row, value=shorten(w.text))
