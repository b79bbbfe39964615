"""Chapter 3 as people see it."""

import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.present import market as show
from workbook_helpers.steps import market

WITHHELD = Answer("3.1", withheld="it needs table market")


def make_accounts():
    n = 8
    frame = pd.DataFrame({
        "account_id": [f"A{i}" for i in range(n)], "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R1",
        "industry": ["X", "Y"] * 4, "region": "N", "status": ["customer"] * 5 + ["prospect"] * 3, "open_n": 0.0,
        "revenue_amount": [90.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 0.0], "last_touch_date": pd.NaT,
    })  # fmt: skip
    frame = frame.astype({"last_touch_date": "datetime64[ns]"})
    return market.score_potential(accounts=frame, peer_spend=None, peers=[], quantile=0.8)


@pytest.mark.parametrize(
    "name", [n for n in dir(show) if n.startswith("say_") and n not in ("say_number", "say_questions")]
)
def test_a_withheld_answer_says_its_reason(name):
    function = getattr(show, name)
    assert (
        function(WITHHELD, *["USD"] * (function.__code__.co_argcount - 1)).text
        == "Not answered: it needs table market."
    )


@pytest.mark.parametrize("name", [n for n in dir(show) if n.startswith(("chart_", "table_"))])
def test_a_withheld_answer_shows_nothing(name):
    function = getattr(show, name)
    needed = {n: "USD" for n in function.__code__.co_varnames[: function.__code__.co_argcount] if n == "currency"}
    assert function(WITHHELD, **needed) is None


def test_white_space_is_said_in_money():
    answer = market.summarise_penetration(accounts=make_accounts())
    text = show.say_penetration(answer, "USD").text
    assert text.startswith(
        f"{answer['white_space'].value:,.0f} USD a year of potential is not sold yet; customers give us"
    )
    assert "62 % of the accounts are customers" in text
    assert "not sold yet" in show.chart_white_space(answer, "USD").alt
    assert "all customers" in show.table_white_space(answer, "USD").html


def test_targets_are_explained_in_words():
    accounts = make_accounts()
    answer = market.rank_targets(accounts=accounts, best_traits=None, columns=["industry"])
    assert show.say_targets(answer).text.startswith("Open Name 6 first: X, 1.2 times as common among the best customers.")
    html = show.table_targets(answer, "USD").html
    assert "X, 1.2 times as common" in html and "no trait sets it apart" in html


def test_sisters_are_named():
    accounts = make_accounts().assign(ultimate_parent_id=["P", "b", "c", "d", "e", "f", "P", "P"])
    html = show.table_targets(
        market.rank_targets(accounts=accounts, best_traits=None, columns=["industry"]), "USD"
    ).html
    assert "same parent as customer Name 0" in html and "2 accounts of one parent" in html


def test_the_market_and_its_size():
    table = pd.DataFrame({"area": ["N"], "industry": ["X"], "establishments_n": [16.0], "spend": [8e6]})
    answer = market.summarise_market(market=table, accounts=make_accounts())
    assert show.say_market(answer, "USD").text.startswith(
        "The book knows 25 % of the establishments in its areas; they spend 8 million USD"
    )
    size = market.summarise_size(market=answer, penetration=market.summarise_penetration(accounts=make_accounts()))
    assert "top-down" in show.say_size(size, "USD").text and "fold" in show.say_size(size, "USD").text
    assert "16" in show.table_market(answer, "USD").html


def test_questions_are_three():
    answer = market.summarise_penetration(accounts=make_accounts())
    targets = market.rank_targets(accounts=make_accounts(), best_traits=None, columns=["industry"])
    assert (
        show.say_questions(answer, targets).text.count("•")
        == 3
        == show.say_questions(WITHHELD, WITHHELD).text.count("•")
    )
