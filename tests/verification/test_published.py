"""Every figure on the page of published figures agrees, from the same functions that print it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.verification.published import CHECKS, ROOT, Absent, read_adventureworks
from workbook_helpers.steps import worth


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_published_figure_is_reproduced(check):
    try:
        figures = check()
    except Absent as why:
        pytest.skip(str(why))
    assert figures and not [(f.what, f.published, f.ours) for f in figures if not f.agrees]


def test_orders_by_the_quarter_follow_no_customers_rhythm_and_the_law_is_refused():
    try:
        sales = read_adventureworks()["orders"].rename(columns={"order_date": "sale_date"})
    except Absent as why:
        pytest.skip(str(why))
    asked = {"account_sales": sales, "accounts": None, "as_of": sales["sale_date"].max().date()}
    company = SimpleNamespace(has=lambda table: table == "orders", seed=7)
    assert "fall on 40 days" in worth.check_buying(company=company, **asked)["reason"].iloc[0]
    assert worth.learn_buying(company=company, **asked).empty


def test_the_page_names_every_figure():
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    assert "| NO |" not in page and "BG/NBD" in page and page.count("| yes |") >= 10
