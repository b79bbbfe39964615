"""One company on one as-of date, as the store holds it, and how its tables are read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workbook_helpers.data.settings import Company
from workbook_helpers.errors import Problem

#: At the size of a book, texts as plain Python objects are handled faster than Arrow's.
pd.set_option("mode.string_storage", "python")


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
    def view(self) -> dict[str, Any]:
        return json.loads((self.folder / "view.json").read_text(encoding="utf-8"))

    @cached_property
    def company(self) -> Company:
        """The company with the tables that there are on the as-of date, those made from its imports among them."""
        return self.settings.with_tables(self.view["tables"])

    @cached_property
    def reps(self) -> list[dict[str, Any]]:
        """The reps known on the as-of date, as plain values, by rep_id."""
        return self.view["reps"]

    @property
    def rep_fingerprints(self) -> dict[str, str]:
        """Of each rep's known rows."""
        return self.view["rows"]

    def team_fingerprint(self, role: str | None) -> str:
        """Of the figures and tables that the team of a role teaches."""
        taught = json.dumps(self.team["roles"].get(role or ""), sort_keys=True)
        return hashlib.sha256(taught.encode()).hexdigest()

    @cached_property
    def team(self) -> dict[str, Any]:
        return json.loads((self.folder / "team.json").read_text(encoding="utf-8"))

    @property
    def remarks(self) -> list[str]:
        """What every page must say of these data."""
        return self.view["remarks"]

    @property
    def problems(self) -> list[Problem]:
        """Everything that was set aside or found, in the order of the tables and rows."""
        return read_problems(self.folder)

    def read(self, table: str, filters: list | None = None) -> pd.DataFrame:
        """Rows of one table of the books; money as float, dates as datetime64."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        # A file handle, and not the dataset reader: it starts no threads, so a forked process can use it.
        rows = pq.read_table(self.folder / f"{table}.parquet", filters=filters, use_threads=False)
        for i, field in enumerate(rows.schema):
            if pa.types.is_decimal(field.type):
                rows = rows.set_column(i, field.name, _nearest_float(rows.column(i)))
            elif pa.types.is_date(field.type):
                rows = rows.set_column(i, field.name, rows.column(i).cast(pa.timestamp("ns")))
        return rows.to_pandas(use_threads=False)


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
