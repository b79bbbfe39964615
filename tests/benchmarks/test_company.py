"""The companies that the benchmark makes: sound, the same again from the same seed, and the same for each rep at any size."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from workbook_helpers.data import prepare

from .company import LAST_DAY, write_company

SMALL = {"lines": 60, "accounts": 12, "deals": 12, "activities": 20, "leads": 6}


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    return write_company(tmp_path_factory.mktemp("made") / "five", reps=5, **SMALL)


def rows(company: Path, table: str) -> list[dict[str, str]]:
    with (company / "exports" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_rep(company: Path, table: str, rep_id: str) -> list[dict[str, str]]:
    return [row for row in rows(company, table) if row.get("rep_id") == rep_id]


def tables(company: Path) -> list[str]:
    return sorted(path.stem for path in (company / "exports").iterdir())


def test_no_row_of_a_made_company_is_wrong(five, tmp_path):
    prepared = prepare(five, store=tmp_path, teach=False)
    assert not prepared.problems
    assert not prepared.remarks
    assert prepared.as_of == LAST_DAY


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_company(five, tmp_path):
    again, other = write_company(tmp_path / "again", reps=5, **SMALL), write_company(tmp_path / "other", reps=5, **SMALL, seed=8)
    for table in tables(five):
        assert (again / "exports" / f"{table}.csv").read_bytes() == (five / "exports" / f"{table}.csv").read_bytes(), table
    assert rows(other, "orders") != rows(five, "orders")


def test_a_rep_has_the_same_rows_in_a_company_of_any_size(five, tmp_path):
    two = write_company(tmp_path / "two", reps=2, **SMALL)
    for table in tables(five):
        assert of_rep(two, table, "R00002") == of_rep(five, table, "R00002"), table


@pytest.mark.parametrize(
    ("table", "n"), [("orders", 60), ("accounts", 12), ("opportunities", 12), ("activities", 20), ("leads", 6), ("quotas", 8)]
)
def test_every_rep_has_as_many_rows_as_asked_for(five, table, n):
    assert set(Counter(row["rep_id"] for row in rows(five, table)).values()) == {n}


def test_deals_are_won_lost_and_open_and_no_stage_is_entered_after_the_last_day(five):
    assert {row["outcome"] for row in rows(five, "opportunities")} == {"Won", "Lost", "Open"}
    assert max(row["entered_date"] for row in rows(five, "stage_history")) <= LAST_DAY.isoformat()
