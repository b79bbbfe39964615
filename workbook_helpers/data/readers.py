"""Spreadsheets and Parquet files into tables of text, and what the readers of all formats share.

Nothing is interpreted here: ``00123``, ``NA`` and ``1.234`` stay the text that the file holds.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbook_helpers.errors import Problem

MAX_COLUMNS = 2_000
MAX_CELLS = 20_000_000  # of one sheet, empty ones between its corners included
MAX_UNPACKED = 1_000_000_000  # bytes of one spreadsheet file

EXPORT_AGAIN = "Export the file again, or mend it there."
_SAVE_XLSX = "Open it in Excel or LibreOffice and save it as .xlsx."


@dataclass(frozen=True)
class FileOptions:
    """What ``workbook.yml`` says about a text file; None is detected where that is certain.

    >>> FileOptions(delimiter=";").over(FileOptions(encoding="cp1252", delimiter=","))
    FileOptions(encoding='cp1252', delimiter=';')
    """

    encoding: str | None = None
    delimiter: str | None = None

    def over(self, general: FileOptions) -> FileOptions:
        """These options, and the general ones where these say nothing."""
        return FileOptions(self.encoding or general.encoding, self.delimiter or general.delimiter)


class UnreadableError(Exception):
    """A file cannot be read with certainty: what was seen, what to do, in which row. Becomes an unusable Problem."""

    def __init__(self, what: str, fix: str, row: int | None = None) -> None:
        super().__init__(what)
        self.what, self.fix, self.row = what, fix, row


class Part(NamedTuple):
    """One table of a file. rows: its records, set-aside ones included, blank ones not."""

    file: str
    name: str
    table: pa.Table
    rows: int


@dataclass(frozen=True)
class Export:
    """One file while it is read, and the problems met in it. file: its name for people; name: the table it becomes.

    >>> Export(Path("Owners.csv"), "Owners.csv", "Owners").name
    'Owners'
    """

    path: Path
    file: str
    name: str
    options: FileOptions = FileOptions()
    problems: list[Problem] = field(default_factory=list)

    def note(self, severity: str, what: str, fix: str, **place: Any) -> None:
        """Adds a problem of this file. place: row, column and value, where they are known."""
        where = {"row": None, "column": None, "value": None, **place}
        self.problems.append(Problem(severity, self.name, self.file, **where, what=what, fix=fix))


# ---------------------------------------------------------------------------------------------- what all formats share


def clean_name(name: str | None) -> str:
    """A column or table name in one Unicode form, without invisible characters, line breaks and outer blanks.

    >>> clean_name("\\ufeff Deal\\n  amount\\u200b ")
    'Deal amount'
    """
    visible = "".join(c for c in name or "" if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def _name_columns(export: Export, header: Sequence[str | None], filled: Sequence[bool]) -> list[str | None]:
    """The name of every column; None for a column without name and content."""
    names: list[str | None] = [clean_name(name) or None for name in header]
    unnamed = [i for i, name in enumerate(names) if name is None and filled[i]]
    if len(unnamed) > len(names) / 2 or not any(names):
        raise UnreadableError(
            f"row 1 names {sum(map(bool, names))} of {len(names)} columns, so it does not look like the column names",
            "Remove what stands above the column names, so that they are row 1.",
            row=1,
        )
    for i in unnamed:
        names[i] = f"column_{i + 1}"
        what = f"column {i + 1} has no name and is read as {names[i]!r}"
        export.note("finding", what, "Name it in the export.", row=1)
    seen = Counter(name.casefold() for name in names if name)
    seen.update(("_file", "_row"))  # ours
    for i, name in enumerate(names):
        if name and seen[name.casefold()] > 1:
            names[i] = f"{name} (column {i + 1})"
            why = "is taken" if name.casefold() in ("_file", "_row") else "stands more than once"
            what = f"the column name {name!r} {why}; column {i + 1} is read as {names[i]!r}"
            export.note("finding", what, "Use that name in workbook.yml, or rename it in the export.", row=1)
    if len({name.casefold() for name in names if name}) < sum(map(bool, names)):
        raise UnreadableError("several columns have the same name", "Give every column a name of its own.", row=1)
    return names


def make_table(
    export: Export, header: Sequence[str | None], columns: Sequence[pa.ChunkedArray], numbers: np.ndarray
) -> pa.Table:
    """The columns under their names, with ``_file`` and ``_row``; one row in, one row out, blank ones excepted.

    numbers: the rows' numbers as a person counts them. Raises UnreadableError when row 1 does not hold column names.

    >>> columns = [pa.chunked_array([["007", None]]), pa.chunked_array([["Ana", None]])]
    >>> make_table(Export(Path("r.csv"), "r.csv", "r"), ["Id", " Name"], columns, np.array([2, 3])).to_pylist()
    [{'Id': '007', 'Name': 'Ana', '_file': 'r.csv', '_row': 2}]
    """
    names = _name_columns(export, header, [column.null_count < len(column) for column in columns])
    kept = {name: column for name, column in zip(names, columns, strict=True) if name}
    table = pa.table({**kept, "_row": pa.array(numbers, pa.int64())})
    blank = reduce(pc.and_, [column.is_null() for column in kept.values()])
    if pc.any(blank).as_py():
        table = table.filter(pc.invert(blank))
    file = pa.chunked_array([pa.repeat(export.file, len(batch)) for batch in table.to_batches()], pa.string())
    return table.add_column(len(kept), "_file", file)


def check_width(columns_n: int) -> None:
    """Refuses more columns than any table needs.

    >>> check_width(12)
    """
    if columns_n > MAX_COLUMNS:
        what = f"has {columns_n:,} columns, more than the {MAX_COLUMNS:,} allowed"
        raise UnreadableError(what, "Export only the columns that are needed.")


def shorten(text: str, limit: int = 80) -> str:
    """A text on one line, cut where it is longer than the limit (characters).

    >>> shorten("Total of\\n all rows", 12)
    'Total of al…'
    """
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


# ------------------------------------------------------------------------------------------------------- spreadsheets

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError, ValueError)
_DAMAGED += (expat.ExpatError, ElementTree.ParseError)


def check_spreadsheet(path: Path) -> None:
    """Refuses, before anything is unpacked, what is no XLSX file, is protected, damaged or far too large.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.xlsx"
    >>> _ = path.write_text("Id,Name")
    >>> check_spreadsheet(path)
    Traceback (most recent call last):
    ...
    workbook_helpers.data.readers.UnreadableError: is named like a spreadsheet but is none
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start == bytes.fromhex("D0CF11E0A1B11AE1"):  # OLE: what both old and encrypted files are kept in
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise UnreadableError("is protected by a password", "Save a copy without the password.")
        raise UnreadableError("is a spreadsheet in the old Excel format (.xls)", _SAVE_XLSX)
    if not start.startswith(b"PK"):
        fix = "If it is a CSV file, end its name in .csv; else export it again."
        raise UnreadableError("is named like a spreadsheet but is none", fix)
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MAX_UNPACKED:
            what = f"unpacks to {unpacked / 1e9:.1f} GB, more than the {MAX_UNPACKED / 1e9:.0f} GB allowed"
            raise UnreadableError(what, "Export it as CSV, or in several files.")
        if "xl/workbook.xml" not in archive.namelist():
            raise UnreadableError("is a packed file but no Excel workbook", _SAVE_XLSX)
        if archive.testzip():  # reads every part, so a part cannot be larger than it says
            raise UnreadableError("is damaged", "Download or export it again.")


class _SheetScan:
    """What the XML of a sheet says and its values do not: its reach, errors, formulas without result, hidden rows.

    faults: {(row, column): the error as Excel shows it, "" for a formula without result}; both count from 1.
    """

    def __init__(self, file: Any) -> None:
        self.rows = self.columns = self.hidden_n = 0
        self.faults: dict[tuple[int, int], str] = {}
        self._row = self._column = 0
        self._kind, self._formula, self._text = "", False, []
        self._numbers: dict[str, int] = {}
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.ParseFile(file)
        self._close()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self._close()
            self._kind = attributes.get("t", "")
            self._place(attributes.get("r"))
        elif tag in ("v", "is"):
            self._grow()
            if self._formula or self._kind == "e":
                self._parser.CharacterDataHandler = self._text.append
        elif tag == "f":
            self._formula = True
            self._grow()
        elif tag == "row":
            self._close()
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
            self.hidden_n += attributes.get("hidden") in ("1", "true")

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        letters = reference.rstrip("0123456789")
        self._row = int(reference[len(letters) :])
        if letters not in self._numbers:
            self._numbers[letters] = reduce(lambda n, letter: 26 * n + int(letter, 36) - 9, letters, 0)
        self._column = self._numbers[letters]

    def _grow(self) -> None:
        """Takes the cell into the sheet's reach; only cells that hold something count."""
        if self._row > self.rows or self._column > self.columns:
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
            if self.rows * self.columns > MAX_CELLS or self.columns > MAX_COLUMNS:
                what = f"a sheet reaches to row {self.rows:,} and column {self.columns:,}, more than can be read"
                fix = "Delete stray cells far from the table and save it, or export it as CSV."
                raise UnreadableError(what, fix, self._row)

    def _close(self) -> None:
        """Judges the cell that has just ended."""
        text = "".join(self._text).strip()
        if self._kind == "e":
            self.faults[self._row, self._column] = text or "#ERROR"
        elif self._formula and not text and self._kind != "str":  # an empty text is a result
            self.faults[self._row, self._column] = ""
        self._kind, self._formula = "", False
        self._text.clear()
        self._parser.CharacterDataHandler = None


def _scan_sheets(path: Path) -> dict[str, _SheetScan]:
    """Every worksheet by its name."""
    with zipfile.ZipFile(path) as archive:
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {r.get("Id"): r.get("Target", "") for r in relations if r.get("Type", "").endswith("/worksheet")}
        scans = {}
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():
            relation = next((value for key, value in sheet.items() if key.endswith("}id")), None)
            if sheet.tag.endswith("}sheet") and relation in targets:
                target = targets[relation]
                part = target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
                with archive.open(part) as file:
                    scans[sheet.get("name")] = _SheetScan(file)
        return scans


def number_text(value: float) -> str:
    """A spreadsheet's number as text: 15 digits, all that Excel keeps, and no exponent.

    >>> [number_text(x) for x in (123.0, 0.1 + 0.2, 1e-7, 123456789012345.0)]
    ['123', '0.3', '0.0000001', '123456789012345']
    """
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else format(Decimal(f"{value:.15g}"), "f")


def _cell_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, dt.timedelta):  # [h]:mm
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else number_text(float(value))


def load_spreadsheet(export: Export, wanted: AbstractSet[str] | None = None) -> list[Part]:
    """Every sheet that holds something as a table ``<name>__<sheet>``; the only one also as ``<name>``.

    One sheet row in, one row out, except blank rows and those with an error or a formula without result (set aside).
    wanted: names of the tables to read; None or the file's own name is all.
    Raises UnreadableError when the file is protected, damaged, no XLSX, or too large.
    A sheet among several that does not begin with column names (a cover page, notes) is left out with a finding.

    >>> import tempfile, xlsxwriter
    >>> path = Path(tempfile.mkdtemp()) / "reps.xlsx"
    >>> with xlsxwriter.Workbook(path) as book:
    ...     _ = book.add_worksheet("2026").write_column("A1", ["Id", "007", 12.0])
    >>> [(part.name, part.table["Id"].to_pylist()) for part in load_spreadsheet(Export(path, "reps.xlsx", "reps"))]
    [('reps__2026', ['007', '12']), ('reps', ['007', '12'])]
    """
    from python_calamine import CalamineError, CalamineWorkbook

    parts = []
    try:
        check_spreadsheet(export.path)
        scans = {sheet: scan for sheet, scan in _scan_sheets(export.path).items() if scan.rows}
        if not scans:
            raise UnreadableError("is empty", "Export the file again, with the column names in row 1.")
        with CalamineWorkbook.from_path(export.path) as book:
            for sheet, scan in scans.items():
                name, single = f"{export.name}__{clean_name(sheet)}", len(scans) == 1
                if wanted is None or export.name in wanted or name in wanted:
                    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
                    inner = replace(export, name=export.name if single else name)
                    try:
                        parts.append(_read_sheet(inner, name, rows, scan))
                    except UnreadableError as error:
                        if single:
                            raise
                        inner.note("finding", f"sheet {sheet!r} is not read: {error.what}", error.fix, row=error.row)
    except (CalamineError, *_DAMAGED) as error:
        what = f"cannot be read as a spreadsheet ({shorten(str(error)) or type(error).__name__})"
        raise UnreadableError(what, "Open it in Excel, save it again as .xlsx, or export it as CSV.") from None
    return parts + [part._replace(name=export.name) for part in parts if len(scans) == 1]


def _read_sheet(export: Export, name: str, rows: list[list[Any]], scan: _SheetScan) -> Part:
    if not rows:
        raise UnreadableError("its sheets cannot be read", "Open it in Excel and save it again as .xlsx.")
    header = [_cell_text(value) for value in rows[0]]
    cells = zip(*rows[1:], strict=True) if rows[1:] else ((),) * len(header)
    columns = [pa.chunked_array([[_cell_text(value) for value in column]], pa.string()) for column in cells]
    faults = {row: (column, text) for (row, column), text in sorted(scan.faults.items(), reverse=True) if row > 1}
    for row, (column, text) in sorted(faults.items()):
        what = f"holds the error {text}" if text else "holds a formula whose result was never saved"
        fix = "Mend the cell in Excel." if text else "Open the file in Excel, save it, and take it again."
        title = clean_name(header[column - 1]) if column <= len(header) else ""
        export.note("set_aside", what, fix, row=row, column=title or f"column_{column}", value=text or None)
    _note_long_numbers(export, header, rows)
    if scan.hidden_n:
        what = f"{scan.hidden_n:,} hidden or filtered rows are read like all others"
        export.note("finding", what, "Delete them if they should not count.")
    numbers = np.arange(2, len(rows) + 1)
    keep = ~np.isin(numbers, list(faults))
    made = make_table(export, header, [column.filter(pa.array(keep)) for column in columns], numbers[keep])
    return Part(export.file, name, made, made.num_rows + len(faults))


def _note_long_numbers(export: Export, header: list[str | None], rows: list[list[Any]]) -> None:
    for i, title in enumerate(header):
        long = [n for n, row in enumerate(rows[1:], 2) if isinstance(row[i], (float, int)) and abs(row[i]) >= 1e15]
        if long:
            what = f"{len(long):,} numbers have more than the 15 digits that Excel keeps, so their last digits are lost"
            export.note("finding", what, "If they are ids, export them as text.", row=long[0], column=clean_name(title))


# ------------------------------------------------------------------------------------------------------------ Parquet


def _column_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A plain column as text: dates and times in ISO form, numbers without exponent; empty and not-a-number missing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column_text(column.cast(kind.value_type))
    text = column.cast(pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        text = pc.replace_substring_regex(text, r"\.0+($|[Z+-])", r"\1")
        text = pc.replace_substring_regex(text, " 00:00:00$", "")
    elif pa.types.is_boolean(kind):
        text = pc.utf8_upper(text)
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        text = pc.if_else(pc.equal(text, "nan"), None, text)
        if pc.any(pc.match_substring_regex(text, "[eE]")).as_py():
            plain = [t if t is None else format(Decimal(t), "f") for t in text.to_pylist()]
            text = pa.chunked_array([plain], pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def load_parquet(export: Export) -> list[Part]:
    """A Parquet file as one table of text. One row in, one row out, blank ones excepted; the first one is row 2.

    Raises UnreadableError when it is no Parquet file; a column of lists or records is left out with a finding.

    >>> import tempfile, pyarrow.parquet
    >>> path = Path(tempfile.mkdtemp()) / "deals.parquet"
    >>> deals = pa.table({"Id": [7], "Amount": [Decimal("1.10")], "Day": [dt.date(2026, 1, 31)]})
    >>> pyarrow.parquet.write_table(deals, path)
    >>> load_parquet(Export(path, "deals.parquet", "deals"))[0].table.to_pylist()
    [{'Id': '7', 'Amount': '1.10', 'Day': '2026-01-31', '_file': 'deals.parquet', '_row': 2}]
    """
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(export.path) as file:
            check_width(file.metadata.num_columns)
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        what = f"cannot be read as Parquet ({shorten(str(error))})"
        raise UnreadableError(what, "Write it again, or export it as CSV.") from None
    header, columns = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns.append(_column_text(column))
            header.append(name)
        except pa.ArrowException:
            what = f"a column of type {column.type} is not read"
            export.note("finding", what, "Export it as plain text or numbers if it is needed.", column=name)
    if not columns:
        raise UnreadableError("has no column that can be read", "Write it with plain columns, or export it as CSV.")
    made = make_table(export, header, columns, np.arange(2, table.num_rows + 2))
    return [Part(export.file, export.name, made, made.num_rows)]
