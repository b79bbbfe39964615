"""What the values of the exports say, asked by ``propose``: are they dates, amounts, ids that occur elsewhere?

Every question is answered from all rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from workbook_helpers.data.convert import DATE_FORMATS, SHORT_ID, Reading, id_ending, quote, read_as
from workbook_helpers.data.schemas import Column

#: Formats that are tried beyond those that an import detects by itself.
FORMATS = (*DATE_FORMATS, "%Y%m%d", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y")

#: So much of a column must fit for its name to be believed.
ENOUGH = 0.9


@dataclass(frozen=True)
class Sheet:
    """One table of the exports, or several files of the same columns. file: as workbook.yml names it; stems: as a SELECT does."""

    file: str | tuple[str, ...]
    stems: tuple[str, ...]
    columns: tuple[str, ...]
    rows_n: int
    sheet: str | None = None

    @property
    def said(self) -> str:
        name = self.file if isinstance(self.file, str) else ", ".join(self.file)
        return f"{name} (sheet {self.sheet})" if self.sheet else name

    @property
    def relation(self) -> str:
        """What stands behind FROM in a SELECT over the exports."""
        if len(self.stems) == 1:
            return quote(self.stems[0])
        return "(" + " UNION ALL BY NAME ".join(f"SELECT * FROM {quote(stem)}" for stem in self.stems) + ")"

    @property
    def is_typed(self) -> bool:
        """Whether its numbers come out of a file that holds numbers."""
        name = self.file if isinstance(self.file, str) else self.file[0]
        return Path(name).suffix.lower() not in (".csv", ".tsv")


def find_sheets(tables: Mapping[str, Any]) -> list[Sheet]:
    """The exports as sheets: files of the same columns whose names differ only in digits are one.

    tables: as :func:`load_exports` gives them. Tables without rows are left out.

    >>> import pyarrow as pa
    >>> part = lambda year: pa.table({"Id": ["1"], "_file": [f"deals_{year}.csv"], "_row": [2]})
    >>> find_sheets({"deals_2025": part(2025), "deals_2026": part(2026)})[0].file
    'deals_*.csv'
    """
    alike: dict[tuple, list[tuple[str, str]]] = defaultdict(list)
    for stem, rows in tables.items():
        if rows.num_rows and not any(stem.startswith(f"{other}__") for other in tables if other != stem):
            file = rows["_file"][0].as_py()
            columns = tuple(c for c in rows.column_names if c not in ("_file", "_row"))
            same = re.sub(r"\d+", "0", stem) if "__" not in stem else stem
            alike[same, Path(file).suffix, frozenset(columns)].append((stem, file))
    files = [rows["_file"][0].as_py() for rows in tables.values() if rows.num_rows]
    found = []
    for parts in alike.values():
        stems, names = zip(*sorted(parts), strict=True)
        columns = tuple(c for c in tables[stems[0]].column_names if c not in ("_file", "_row"))
        inner = stems[0].removeprefix(Path(names[0]).stem).removeprefix("__") or None
        rows_n = sum(tables[stem].num_rows for stem in stems)
        found.append(Sheet(_as_one(names, files), stems, columns, rows_n, inner))
    return sorted(found, key=lambda sheet: sheet.said)


def _as_one(names: tuple[str, ...], files: Iterable[str]) -> str | tuple[str, ...]:
    """A name, a pattern that fits these files and no other, or else the list of them."""
    if len(names) == 1:
        return names[0]
    start = _shared(names).rstrip("0123456789")
    end = _shared([name[::-1] for name in names])[::-1].lstrip("0123456789")
    pattern = re.compile(re.escape(start) + ".*" + re.escape(end))
    is_exact = start and not any(pattern.fullmatch(f) for f in files if f not in names)
    return f"{start}*{end}" if is_exact else names


def _shared(names: Iterable[str]) -> str:
    letters = []
    for column in zip(*names, strict=False):
        if len(set(column)) > 1:
            break
        letters.append(column[0])
    return "".join(letters)


class Evidence:
    """The values of the sheets, each as trimmed text.

    >>> import pyarrow as pa
    >>> tables = {"deals": pa.table({"Id": ["1", "2"], "Day": ["31/12/2026", ""], "_file": ["deals.csv"] * 2, "_row": [2, 3]})}
    >>> sheets = find_sheets(tables)
    >>> with duckdb.connect() as con:
    ...     evidence = Evidence(con, tables, sheets)
    ...     evidence.is_key(sheets[0], "Id"), evidence.formats(sheets[0], "Day")["%d/%m/%Y"], evidence.example(sheets[0], "Day")
    (True, 1, '31/12/2026')
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, tables: Mapping[str, Any], sheets: Iterable[Sheet]) -> None:
        self._con = con
        self._names: dict[Sheet, str] = {}
        self._known: dict[str, tuple] = {}
        for stem, rows in tables.items():
            con.register(stem, rows)
        for i, sheet in enumerate(sheets):
            self._names[sheet] = f"sheet_{i}"
            columns = ", ".join(f"nullif(trim({quote(c)}), '') AS {quote(c)}" for c in sheet.columns)
            con.execute(f"CREATE TEMP TABLE sheet_{i} AS SELECT {columns} FROM {sheet.relation}")

    def _ask(self, what: str, sheet: Sheet, where: str = "true") -> tuple:
        sql = f"SELECT {what} FROM {self._names[sheet]} WHERE {where}"
        if sql not in self._known:
            self._known[sql] = self._con.execute(sql).fetchone()
        return self._known[sql]

    def filled(self, sheet: Sheet, column: str) -> int:
        return self._ask(f"count({quote(column)})", sheet)[0]

    def distinct(self, sheet: Sheet, column: str) -> int:
        return self._ask(f"count(DISTINCT {quote(column)})", sheet)[0]

    def example(self, sheet: Sheet, column: str) -> str:
        return self._ask(f"min({quote(column)})", sheet)[0] or ""

    def values(self, sheet: Sheet, column: str, limit: int = 100) -> list[str]:
        """Its distinct values, the commonest first; no more than limit."""
        name = quote(column)
        sql = f"SELECT {name} FROM {self._names[sheet]} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {limit}"
        return [value for (value,) in self._con.execute(sql).fetchall()]

    def is_key(self, sheet: Sheet, column: str) -> bool:
        """Whether it names each row; a few rows may stand there twice."""
        return self.filled(sheet, column) >= ENOUGH * sheet.rows_n and self.distinct(sheet, column) >= 0.97 * self.filled(sheet, column)

    def reads(self, sheet: Sheet, name: str, column: Column) -> bool:
        """Whether its values are what our column holds, in any way of writing."""
        if not self.filled(sheet, name):
            return False
        if column.kind == "date":
            tests = [read_as(Column(name, "date"), Reading(".", f)) for f in FORMATS]
        elif column.kind in ("money", "number", "count", "share"):
            tests = [read_as(Column(name, "share"), Reading(sign, "")) for sign in ".,"]  # 12.5, and 12.5%
        elif column.kind == "flag":
            tests = [read_as(Column(name, "flag"), Reading(".", ""))]
        else:
            return True
        return self._ask(f"count(coalesce({', '.join(tests)}))", sheet)[0] >= ENOUGH * self.filled(sheet, name)

    def is_percent(self, sheet: Sheet, name: str) -> bool:
        """Whether a share is written as 40 and not as 0.4 or 40%."""
        number = read_as(Column(name, "number"), Reading(".", ""))
        return self._ask(f"coalesce(max({number}) > 1, false)", sheet)[0]

    def inside(self, sheet: Sheet, column: str, other: Sheet, key: str) -> float:
        """The share of its distinct values that occur in the other column. The two lengths of a Salesforce id are one id here."""
        sql = f"""SELECT avg((v IN (SELECT {_short(key)} FROM {self._names[other]} WHERE {quote(key)} IS NOT NULL))::INT)
                  FROM (SELECT DISTINCT {_short(column)} AS v FROM {self._names[sheet]} WHERE {quote(column)} IS NOT NULL)"""
        if sql not in self._known:
            self._known[sql] = self._con.execute(sql).fetchone()
        return self._known[sql][0] or 0.0

    def ids(self, sheet: Sheet, column: str) -> set[tuple[str, int]]:
        """Kind (its first three characters) and length of the Salesforce ids in it; an id of 18 must end as its checksum says."""
        name = quote(column)
        pattern = f"({_is_whole(name)}) OR (regexp_full_match({name}, '{SHORT_ID}') AND regexp_matches({name}, '[A-Za-z]'))"
        found = self._ask(f"list(DISTINCT left({name}, 3) || ' ' || length({name})) FILTER ({pattern})", sheet)[0]
        return {(kind[:3], int(kind[4:])) for kind in found or []}

    def ranked(self, sheet: Sheet, column: str, by: str) -> list[str]:
        """Its values, in the order of the mean of a number that stands beside them."""
        number = read_as(Column(by, "share"), Reading(".", ""))
        name = quote(column)
        sql = f"SELECT {name} FROM {self._names[sheet]} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY avg({number}), 1"
        return [value for (value,) in self._con.execute(sql).fetchall()]

    def same(self, sheet: Sheet, one: str, two: str) -> bool:
        return not self._ask("count(*)", sheet, f"{one} IS DISTINCT FROM {two}")[0]

    def formats(self, sheet: Sheet, column: str) -> dict[str, int]:
        """How many of its values each date format reads; a day as 2026-09-30 is read by all."""
        return self._count(sheet, {f: read_as(Column(column, "date"), Reading(".", f)) for f in FORMATS})

    def decimals(self, sheet: Sheet, column: str) -> dict[str, int]:
        """How many of its values are numbers with a decimal point, and with a decimal comma."""
        return self._count(sheet, {sign: read_as(Column(column, "share"), Reading(sign, "")) for sign in ".,"})

    def _count(self, sheet: Sheet, ways: Mapping[str, str]) -> dict[str, int]:
        return dict(zip(ways, self._ask(", ".join(f"count({sql})" for sql in ways.values()), sheet), strict=True))

    def marked(self, sheet: Sheet, column: str) -> str | None:
        """A number with one point or comma, if there is one."""
        return self._ask(f"min({quote(column)})", sheet, f"regexp_matches({quote(column)}, '^[^.,]*[.,][^.,]*$')")[0]


def _short(column: str) -> str:
    return f"CASE WHEN {_is_whole(quote(column))} THEN left({quote(column)}, 15) ELSE {quote(column)} END"


def _is_whole(name: str) -> str:
    return f"regexp_full_match({name}, '{SHORT_ID}[A-Z0-5]{{3}}') AND substr({name}, 16) = {id_ending(name)}"
