"""A small company that every test can make, bend and break."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

Rows = Iterable[Mapping[str, object]]


def write_company(folder: Path, tables: Mapping[str, Rows], **settings: object) -> Path:
    """A company folder with one CSV per table; columns are those of its first rows together."""
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows = list(rows)
        columns = list(dict.fromkeys(c for row in rows for c in row))
        with (exports / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    values = {
        "format": 1,
        "company": "Harbor Supply",
        "stages": ["Qualify", "Develop", "Propose", "Close"],
        "tables": {name: f"{name}.csv" for name in tables},
        **settings,
    }
    with (folder / "workbook.yml").open("w", encoding="utf-8") as file:
        YAML().dump(values, file)
    return folder


def deal(number: int, rep_id: str = "R1", **more: object) -> dict[str, object]:
    """A won deal of 100, created on 1 March 2026 and closed on 1 April."""
    row = {
        "opportunity_id": f"D{number:03}",
        "rep_id": rep_id,
        "stage": "Close",
        "outcome": "Won",
        "amount": "100.00",
        "created_date": "2026-03-01",
        "close_date": "2026-04-01",
        "account_id": "A1",
    }
    return row | more


def open_deal(number: int, rep_id: str = "R1", **more: object) -> dict[str, object]:
    return deal(number, rep_id, **{"outcome": "Open", "stage": "Propose", "close_date": "2026-08-01"} | more)


def order(number: int, rep_id: str = "R1", **more: object) -> dict[str, object]:
    """An order line of 50 in account A1 on 1 May 2026."""
    row = {"order_id": f"O{number:03}", "account_id": "A1", "order_date": "2026-05-01", "amount": "50.00", "rep_id": rep_id}
    return row | more


def small_tables() -> dict[str, list[dict[str, object]]]:
    """Two reps, three accounts, deals and orders; the last day is 30 June 2026."""
    return {
        "reps": [{"rep_id": "R1", "rep_name": "Ana Ruiz"}, {"rep_id": "R2", "rep_name": "Ben Okoye"}],
        "accounts": [
            {"account_id": "A1", "account_name": "Clinic One", "rep_id": "R1", "industry": "Clinics", "parent_account_id": ""},
            {"account_id": "A2", "account_name": "Clinic Two", "rep_id": "R1", "industry": "Clinics", "parent_account_id": "A1"},
            {"account_id": "A3", "account_name": "Lab Three", "rep_id": "R2", "industry": "Labs", "parent_account_id": ""},
        ],
        "opportunities": [
            *(deal(n) for n in range(6)),
            *(deal(n, outcome="Lost", stage="Propose") for n in range(6, 12)),
            open_deal(12),
            open_deal(13, "R2", account_id="A3"),
        ],
        "orders": [
            *(order(n, order_date=f"2025-{m:02}-10") for n, m in enumerate(range(1, 13))),
            *(order(n, order_date=f"2026-0{m}-10") for n, m in enumerate(range(1, 7), 20)),
            order(40, "R2", account_id="A3", order_date="2026-06-30", amount="70.25"),
        ],
    }


@pytest.fixture
def company(tmp_path: Path) -> Callable[..., Path]:
    """``company(tables, **settings)`` writes a company; without tables, the small one."""
    made = iter(range(1000))

    def make(tables: Mapping[str, Rows] | None = None, **settings: object) -> Path:
        return write_company(tmp_path / f"company{next(made)}", tables or small_tables(), **settings)

    return make
