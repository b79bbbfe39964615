"""What is planted in the sample is found, as far as one company can show it; and one rep's facts are held still."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest
from conftest import ROOT
from golden import GOLDEN, facts_of_rep
from ruamel.yaml import YAML

from workbook_helpers.data import open_book, prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.steps import customers, stage_rates, swot, tracking, win_rates

FIELD = ROOT / "data" / "samples" / "field_sales"
TRUTH = YAML(typ="safe").load((FIELD / "truth.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(tmp_path_factory.mktemp("store")))
        yield prepare(FIELD)


def test_the_last_day_of_the_sample_is_30_september_2026(field):
    assert field.as_of == date(2026, 9, 30)


def test_the_planted_blemishes_are_found_and_nothing_else_is_set_aside(field):
    aside = [p for p in field.problems if p.severity == "set_aside"]
    assert sorted(p.what.split(" written")[0] for p in aside) == [
        "is a row of totals, no order line",
        "is not a day of the calendar",
        "stands here again; the first one counts",
    ]


def test_the_season_is_recovered(field):
    planted = pd.Series(TRUTH["buying"]["season"]["value"], index=range(1, 13))
    learned = tracking.learn_season(sales=field.read("sales"), as_of=field.as_of).set_index("month")["index"]
    assert learned.corr(planted) > 0.95
    assert ((learned - planted).abs() < 0.15).all()


def test_a_quarter_of_the_customers_yields_four_fifths(field):
    answer = customers.summarise_concentration(
        sales=field.read("sales"), accounts=field.read("accounts"), period=open_book(FIELD, "R01").last_year
    )
    assert 0.18 <= answer["pareto_share"].value <= 0.30


def test_the_leaking_stage_is_seen_where_it_leaks_and_nowhere_else(field):
    seen = set()
    for rep in (r["rep_id"] for r in field.reps if r["kind"] == "rep" and r["role"] == "farmer"):
        book = open_book(FIELD, rep)
        stages = stage_rates.summarise_stage_conversion(
            opportunities=book.opportunities, stage_history=book.stage_history, stages=book.company.stages,
            as_of=book.as_of, stage_rates=book.team.tables.get("stage_rates"),
        )  # fmt: skip
        evidence = swot.rank_evidence(wins=win_rates.summarise_segment_conversion(
            opportunities=book.opportunities, accounts=book.accounts, columns=book.company.segments, as_of=book.as_of,
            win_rates=book.team.tables.get("win_rates")), stages=stages, mean_won_amount=None)  # fmt: skip
        weak = swot.summarise_weaknesses(evidence=evidence).table
        if len(weak) and (weak["cut"] == "stage").any():
            seen.add(rep)
    leaking = {rep for rep, truth in TRUTH["territories"]["reps"].items() if truth["leaks"]}
    assert len(seen & leaking) >= 3
    assert not seen - leaking


def test_customers_that_fell_silent_have_left_far_more_often_than_the_others(field):
    churned, silent, others = TRUTH["buying"]["churned_accounts"], set(), set()
    for rep in (r["rep_id"] for r in field.reps if r["kind"] == "rep"):
        book = open_book(FIELD, rep)
        table = customers.summarise_retention(sales=book.account_sales, accounts=book.accounts, as_of=book.as_of, together=False).table
        flagged = set(table.loc[table["sign"] == "silent", "customer_id"])
        bought = book.account_sales[book.last_year.holds(book.account_sales["sale_date"])]
        silent, others = silent | flagged, others | (set(bought["account_id"]) - flagged)
    assert len(silent) >= 30
    left = [sum(account in churned for account in group) / len(group) for group in (silent, others)]
    assert left[0] >= 3 * left[1], left


def test_the_facts_of_one_rep_are_as_they_were(field):
    """A golden file: change it on purpose with ``python -m tests.golden`` and read the difference."""
    assert facts_of_rep(FIELD) == json.loads(GOLDEN.read_text(encoding="utf-8"))
