"""What the chapters of one book share in a process, and what never reaches the next."""

import pytest
from conftest import small_tables

from workbook_helpers.data import open_book
from workbook_helpers.data.prepared import Prepared
from workbook_helpers.plan import load_plan, plan_path, save_plan


def test_the_next_chapter_reads_no_row_and_computes_no_shared_answer_again(company, monkeypatch):
    folder = company(small_tables())
    first = open_book(folder, "R1")
    rows, outlook, retention = first.orders, first.outlook, first.retention
    monkeypatch.setattr(Prepared, "read", lambda *args: pytest.fail("read again"))
    second = open_book(folder, "R1")
    assert second.orders.equals(rows)
    assert second.outlook is outlook
    assert second.retention is retention


def test_what_a_chapter_does_to_its_rows_reaches_no_other(company):
    folder = company(small_tables())
    before = open_book(folder, "R1").orders.copy()
    rows = open_book(folder, "R1").orders
    rows["amount"] = 0.0
    rows.loc[:, "account_id"] = "X"
    rows.insert(0, "mine", 1)
    open_book(folder, "R1").plan.vision = "changed in one chapter"
    after = open_book(folder, "R1")
    assert after.orders.equals(before)
    assert after.plan.vision == ""


def test_another_rep_another_day_or_another_plan_shares_nothing(company):
    folder = company(small_tables())
    first = open_book(folder, "R1", "2026-06-30")
    goal = first.outlook.goal["goal"].value
    assert set(open_book(folder, "R2", "2026-06-30").sales["rep_id"]) <= {"R2"}
    assert open_book(folder, "R1", "2026-05-31").outlook is not first.outlook
    year = first.plan.year
    plan = load_plan(folder, "R1", year)
    plan.goal.amount = 123_456
    save_plan(folder, plan)
    assert plan_path(folder, "R1", year).is_file()
    assert open_book(folder, "R1", "2026-06-30").outlook.goal["goal"].value == 123_456 != goal


def test_changed_settings_are_seen_by_the_next_chapter(company):
    folder = company(small_tables())
    assert open_book(folder, "R1").company.currency == "USD"
    settings = folder / "workbook.yml"
    settings.write_text(settings.read_text().replace("USD", "CHF") if "USD" in settings.read_text() else settings.read_text() + "\ncurrency: CHF\n")
    assert open_book(folder, "R1").company.currency == "CHF"
