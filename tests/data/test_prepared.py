"""What one rep's process reads of a company, however large the company is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest
from conftest import deal, order

from workbook_helpers.data import build, prepare
from workbook_helpers.data.prepared import find_shelf, shelf_folder

REPS = [f"R{n:02}" for n in range(1, 8)]
TABLES = ("reps", "accounts", "opportunities", "orders", "sales", "account_sales")


def make_tables():
    """Seven reps with six orders and a deal each, orders of nobody we know, and an amount that is none in one rep's rows."""
    orders = [order(10 * i + n, rep, account_id=f"A{rep}", amount=n + i) for n in range(6) for i, rep in enumerate(REPS)]
    orders += [order(900, "R035"), order(901, ""), order(902, "R05", amount="lots")]
    return {
        "reps": [{"rep_id": rep, "rep_name": f"Rep {rep}"} for rep in REPS],
        "accounts": [{"account_id": f"A{rep}", "account_name": f"Clinic {rep}", "rep_id": rep} for rep in REPS],
        "opportunities": [deal(n, rep, account_id=f"A{rep}") for n, rep in enumerate(REPS)],
        "orders": orders,
    }


@pytest.fixture
def on_shelves(company, tmp_path, monkeypatch):
    """``on_shelves(reps_n, rows_n)``: the company with so many reps on a shelf and so many rows in a group."""
    folder = company(make_tables())

    def prepared(reps_n, rows_n):
        monkeypatch.setattr(build, "SHELF_REPS", reps_n)
        monkeypatch.setattr(build, "_GROUP_ROWS", rows_n)
        return prepare(folder, store=tmp_path / f"{reps_n}-{rows_n}", teach=False)

    return prepared


def test_a_book_is_the_same_on_whichever_shelf_and_in_whichever_group_it_stands(on_shelves):
    whole, parts = on_shelves(50, 4096), on_shelves(2, 4)
    assert whole.view == parts.view
    for table in TABLES:
        rows = whole.read(table)
        pd.testing.assert_frame_equal(parts.read(table), rows)
        for wanted in ([""], *([rep] for rep in REPS), ["R02", "R07"], ["R04", "R03"], ["R035"], []):
            expected = rows[rows["rep_id"].isin(wanted)].reset_index(drop=True)
            pd.testing.assert_frame_equal(parts.read(table, wanted), expected)


def test_what_is_said_of_a_rep_is_the_same_on_whichever_shelf_it_stands(on_shelves):
    whole, parts = on_shelves(50, 4096), on_shelves(2, 4)
    assert [parts.of_rep(rep) for rep in REPS] == [whole.of_rep(rep) for rep in REPS]
    told = parts.of_rep("R05")
    assert told.card == whole.reps[4] and told.rows == whole.rep_fingerprints["R05"]
    assert told.counts["orders"] == 6 and told.set_aside[0][:2] == ["orders", 1] and told.problems[0][:2] == ["set_aside", "orders"]
    assert parts.of_rep("R035") is None and parts.of_rep("") is None


def test_a_rep_needs_no_other_shelf_than_its_own(on_shelves):
    prepared = on_shelves(2, 4)
    book, told = prepared.read("sales", ["R05"]), prepared.of_rep("R05")
    for number in {0, 1, 2, 3} - {find_shelf(["", "R03", "R05", "R07"], "R05")}:
        shutil.rmtree(shelf_folder(prepared.folder, number))
    alone = on_shelves(2, 4)
    assert alone.read("sales", ["R05"]).equals(book) and alone.of_rep("R05") == told


def test_only_groups_that_can_hold_the_rep_are_read(on_shelves, monkeypatch):
    prepared, read, many = on_shelves(50, 4), [], parquet.ParquetFile.read_row_groups
    monkeypatch.setattr(parquet.ParquetFile, "read_row_groups", lambda self, groups, **more: read.append(groups) or many(self, groups, **more))
    prepared.read("orders", ["R05"])  # rows 26 to 31, after two of nobody and 24 of others
    assert read == [[6, 7]]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux shows them")
def test_reading_a_book_starts_no_threads(on_shelves):
    prepared = on_shelves(2, 4)
    script = """if True:
        import os, sys
        import pyarrow.parquet
        from datetime import date
        from pathlib import Path
        from workbook_helpers.data.prepared import Prepared
        from workbook_helpers.data.settings import load_company

        threads = set(os.listdir("/proc/self/task"))
        prepared = Prepared(load_company(Path(sys.argv[1])), date.min, Path(sys.argv[2]), "")
        assert len(prepared.read("sales", ["R05"])) == prepared.of_rep("R05").counts["sales"]
        sys.exit(len(set(os.listdir("/proc/self/task")) - threads))
    """
    assert subprocess.run([sys.executable, "-c", script, prepared.settings.folder, prepared.folder]).returncode == 0
