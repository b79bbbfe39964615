"""One company on one as-of date, as the store holds it, and how its tables are read."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from workbook_helpers.data.settings import Company
from workbook_helpers.errors import Problem

#: At the size of a book, texts as plain Python objects are handled faster than Arrow's.
pd.set_option("mode.string_storage", "python")


class OfRep(NamedTuple):
    """One rep in the store. card: plain values; rows: fingerprint of the known rows; counts: their number by table.

    set_aside: table, rows, amount and why; findings_n: their number; problems: the first ones in full.
    """

    card: dict[str, Any]
    rows: str
    counts: dict[str, int]
    set_aside: list[list[Any]]
    findings_n: int
    problems: list[list[str]]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One company on one as-of date, ready to be read.

    settings: as workbook.yml has them. folder: its view in the store. fingerprint: of inputs and settings; the view itself holds known
    rows only.
    """

    settings: Company
    as_of: date
    folder: Path
    fingerprint: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prepared) and (self.folder, self.fingerprint) == (other.folder, other.fingerprint)

    def __hash__(self) -> int:
        return hash((self.folder, self.fingerprint))

    @cached_property
    def _head(self) -> dict[str, Any]:
        return json.loads((self.folder / "view.json").read_text(encoding="utf-8"))

    @cached_property
    def view(self) -> dict[str, Any]:
        """What the store says of the company and of all its reps; grows with their number."""
        shelves = [self._open_shelf(number) for number in range(len(self._head["shelves"]))]
        view = {key: value for key, value in self._head.items() if key != "shelves"}
        for key, first in shelves[0].items():
            entries = [entry for shelf in shelves for entry in (shelf[key].items() if isinstance(first, dict) else shelf[key])]
            view[key] = dict(entries) if isinstance(first, dict) else entries
        return view

    def _open_shelf(self, number: int) -> dict[str, Any]:
        return json.loads((shelf_folder(self.folder, number) / "reps.json").read_text(encoding="utf-8"))

    def of_rep(self, rep_id: str) -> OfRep | None:
        """What the store says of one rep; None where nobody of that id is known. Costs the same in a company of any size."""
        shelf = self._open_shelf(find_shelf(self._head["shelves"], rep_id))
        card = next((card for card in shelf["reps"] if card["rep_id"] == rep_id), None)
        return card and OfRep(
            card,
            shelf["rows"][rep_id],
            shelf["counts"].get(rep_id, {}),
            [row[1:] for row in shelf["set_aside"] if row[0] == rep_id],
            shelf["findings"].get(rep_id, 0),
            shelf["problems"].get(rep_id, []),
        )

    @cached_property
    def company(self) -> Company:
        """The company with the tables that there are on the as-of date, those made from its imports among them."""
        return self.settings.with_tables(self._head["tables"])

    @property
    def reps(self) -> list[dict[str, Any]]:
        """The reps known on the as-of date, as plain values, by rep_id."""
        return self.view["reps"]

    @property
    def rep_fingerprints(self) -> dict[str, str]:
        """Of each rep's known rows."""
        return self.view["rows"]

    def team_fingerprint(self, role: str | None) -> str:
        """Of the figures and tables that the team of a role teaches."""
        return self._team_marks.get(role or "", "")

    @cached_property
    def _team_marks(self) -> dict[str, str]:
        roles = self.team["roles"].items()
        return {role: hashlib.sha256(json.dumps(taught, sort_keys=True).encode()).hexdigest() for role, taught in roles}

    @cached_property
    def team(self) -> dict[str, Any]:
        return json.loads((self.folder / "team.json").read_text(encoding="utf-8"))

    @property
    def remarks(self) -> list[str]:
        """What every page must say of these data."""
        return self._head["remarks"]

    @property
    def problems(self) -> list[Problem]:
        """Everything that was set aside or found, in the order of the tables and rows."""
        return read_problems(self.folder)

    def read(self, table: str, rep_ids: Iterable[str] | None = None) -> pd.DataFrame:
        """Rows of one table of the books, by rep_id; money as float, dates as datetime64.

        rep_ids: only the rows of these reps, from the shelves that hold their books; None for all rows.
        """
        import pyarrow as pa

        rows = pa.concat_tables(self._read_rows(table, None if rep_ids is None else sorted(rep_ids)))
        for i, field in enumerate(rows.schema):
            if pa.types.is_decimal(field.type):
                rows = rows.set_column(i, field.name, _nearest_float(rows.column(i)))
            elif pa.types.is_date(field.type):
                rows = rows.set_column(i, field.name, rows.column(i).cast(pa.timestamp("ns")))
        return rows.to_pandas(use_threads=False)

    def _read_rows(self, table: str, rep_ids: Sequence[str] | None) -> Iterator[Any]:
        """rep_ids: sorted; None: all rows."""
        of_all, shelves = self.folder / f"{table}.parquet", self._head["shelves"]
        if of_all.is_file():
            yield _read_file(of_all, None)
            return
        numbers = range(len(shelves)) if rep_ids is None else sorted({find_shelf(shelves, rep_id) for rep_id in rep_ids} or {0})
        for number in numbers:
            yield _read_file(shelf_folder(self.folder, number) / f"{table}.parquet", rep_ids)


def find_shelf(shelves: Sequence[str], rep_id: str) -> int:
    """Which shelf holds a rep's book. shelves: the rep_id from which each of them holds the books, up to the next one's.

    >>> find_shelf(["", "R051", "R101"], "R051")
    1
    """
    return bisect_right(shelves, rep_id) - 1


def shelf_folder(view: Path, number: int) -> Path:
    return view / f"shelf-{number}"


def _read_file(path: Path, rep_ids: Sequence[str] | None) -> Any:
    """The rows of these reps (sorted) in a file of the books, which begins with rep_id and is ordered by it; None: all rows.

    Starts no threads, so that a forked process can use it. Reads only the groups of rows in which one of the reps can stand.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        if rep_ids is None:
            return file.read(use_threads=False)
        groups = [i for i in range(file.num_row_groups) if _may_hold(file.metadata.row_group(i).column(0).statistics, rep_ids)]
        rows = file.read_row_groups(groups, use_threads=False)
    return rows.filter(pc.is_in(rows["rep_id"], pa.array(rep_ids, pa.string())))


def _may_hold(reach: Any, rep_ids: Sequence[str]) -> bool:
    """Whether one of these reps (sorted) lies between the first and the last of a group; without rows, or with very long ids, unknown."""
    return not (reach and reach.has_min_max) or bisect_left(rep_ids, reach.min) < bisect_right(rep_ids, reach.max)


def read_problems(folder: Path) -> list[Problem]:
    """The problems that were written into a folder of the store."""
    frame = pd.read_parquet(folder / "problems.parquet")
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    return [
        Problem(r.severity, r.tbl, r.file or "", None if r.line is None else int(r.line), r.col, r.val, r.what, r.fix, r.key) for r in rows
    ]


def _nearest_float(money: Any) -> Any:
    """The float nearest to each amount (Arrow's own cast is off by a hair: 1234567.8900000001)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.cast(pc.multiply(money, pa.scalar(Decimal(10_000), pa.decimal128(5, 0))), pa.int64())
    return pc.divide(pc.cast(parts, pa.float64(), safe=False), 10_000.0)
