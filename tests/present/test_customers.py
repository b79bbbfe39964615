"""Chapter 1 as people see it: the finding first, escaped, and silence where nothing is known."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Period
from workbook_helpers.present import customers as show, deals as show_deals
from workbook_helpers.steps import customers, deals, win_rates

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("1.1", withheld="it needs table orders")


def make_deals(won, lost):
    n = won + lost
    return pd.DataFrame({
        "opportunity_id": [f"D{i:03}" for i in range(n)], "account_id": [f"A{i}" for i in range(n)], "rep_id": "R1",
        "status": ["won"] * won + ["lost"] * lost, "amount": 100.0, "kind": ["new", "renewal"] * (n // 2),
        "created_date": DAY - pd.Timedelta(days=60), "close_date": DAY - pd.Timedelta(days=10),
        "win_reason": "Fit", "pain_point": None, "loss_reason": "Price",
    })  # fmt: skip


def make_concentration(*amounts, name="Customer"):
    ids = [f"A{i}" for i in range(len(amounts))]
    sales = pd.DataFrame({"account_id": ids, "sale_date": DAY, "amount": amounts})
    accounts = pd.DataFrame({"account_id": ids, "account_name": [f"{name} {i}" for i in range(len(ids))]})
    return customers.summarise_concentration(sales=sales, accounts=accounts, period=YEAR)


@pytest.mark.parametrize("name", [n for n in dir(show) if n.startswith(("chart_", "table_"))])
def test_a_withheld_answer_has_no_chart_and_no_table(name):
    function = getattr(show, name)
    needed = [n for n in ("currency",) if n in function.__code__.co_varnames[: function.__code__.co_argcount]]
    assert function(WITHHELD, **dict.fromkeys(needed, "USD")) is None


@pytest.mark.parametrize(
    "name", [n for n in dir(show) if n.startswith("say_") and n not in ("say_cut", "say_date", "say_number", "say_questions")]
)
def test_a_withheld_answer_says_its_reason(name):
    function = getattr(show, name)
    more = ["USD"] * (function.__code__.co_argcount - 1)
    assert function(WITHHELD, *more).text == "Not answered: it needs table orders."


def test_conversion_is_said_with_interval_and_team():
    answer = win_rates.summarise_conversion(opportunities=make_deals(10, 10), period=YEAR)
    assert show_deals.say_conversion(answer).text.startswith(
        "50 % of decided deals were won (30–70 %, 20 decided). Renewals apart: 5 of 10 were won, of the other deals 5 of 10. A won deal is worth 100"
    )
    few = win_rates.summarise_conversion(opportunities=make_deals(1, 1), period=YEAR)
    assert show_deals.say_conversion(few).text == "2 deals closed in the year: too few for a win rate."


def test_one_large_customer_is_named_first():
    assert show.say_concentration(make_concentration(90.0, 4.0, 3.0, 2.0, 1.0)).text.startswith(
        "90 % of revenue comes from one customer, Customer 0; the top five 100 %"
    )
    assert (
        show.say_concentration(make_concentration(5.0, 1.0)).text == "All revenue of the year comes from 2 customers."
    )
    assert show.say_concentration(make_concentration()).text == "No customer bought in the year."
    assert show.chart_concentration(make_concentration(), "USD") is None


def test_charts_show_their_finding_and_have_alternative_text():
    concentration = make_concentration(30.0, 20.0, 20.0, 20.0, 10.0, name="$1 <b>")
    axes = show.chart_concentration(concentration, "USD")
    data, meta = axes._repr_mimebundle_()
    assert meta["image/png"]["alt"] == axes.alt and "30 % of revenue comes from one customer" in axes.alt
    wins = win_rates.summarise_segment_conversion(
        opportunities=make_deals(8, 8), accounts=None, columns=[], as_of=AS_OF
    )
    assert show_deals.table_segment_conversion(wins, "nowhere") is not None
    assert "no team to compare with" in show_deals.say_segment_conversion(wins).text


def test_text_from_the_data_stays_text():
    answer = deals.summarise_reasons(
        opportunities=make_deals(6, 0).assign(win_reason="<script>alert(1)</script>"), period=YEAR
    )
    assert "<script>" not in show_deals.table_reasons(answer, "USD").html and "<script>" not in show_deals.say_reasons(answer).html


def test_stages_speak_of_a_leak_only_beyond_chance():
    row = {"cut": "stage", "label": "Propose", "cases_n": 50.0, "rate_share": 0.5, "low_share": 0.4, "team_share": 0.6}
    notes = {"leak": "Propose", "deals_n": 50, "decided_days": 90.0}
    sure = Answer("1.5", pd.DataFrame([row | {"high_share": 0.55}]), notes=notes)
    maybe = Answer("1.5", pd.DataFrame([row | {"high_share": 0.65}]), notes=notes)
    assert show_deals.say_stages(sure).text.startswith(
        "Most ground is lost at Propose: 50 % go on, the rest of the team 60 %"
    )
    assert show_deals.say_stages(maybe).text.startswith("No stage leaks beyond chance")
    assert show_deals.table_stages(sure) is not None
    nothing = Answer("x", withheld="no")
    assert "Propose" in show.say_questions(sure, nothing, nothing).text
    assert "Propose" not in show.say_questions(maybe, nothing, nothing).text


def test_customers_to_save_come_with_money_and_reason():
    days = [DAY - pd.Timedelta(days=d) for d in (300, 270, 240, 210)]
    sales = pd.DataFrame({"account_id": "A", "sale_date": days, "amount": 25.0})
    accounts = pd.DataFrame({"account_id": ["A"], "account_name": ["Alpha"]})
    answer = customers.summarise_retention(sales=sales, accounts=accounts, as_of=AS_OF)
    assert show.say_retention(answer, "USD").text.startswith(
        "1 of 1 customer has gone silent or buys clearly less; 100 USD a year"
    )
    html = show.table_saves(answer, "USD").html
    assert "silent for 210 days; usually buys every 30" in html and "Alpha" in html


def say_origin(inherited, elsewhere=0.0):
    bought = pd.DataFrame({"account_id": ["a", "a", "b"], "sale_date": [DAY - pd.Timedelta(days=500), DAY, DAY], "amount": [9.0, 5.0, 3.0]})
    own = pd.DataFrame({"account_id": ["a", "x"], "sale_date": DAY, "amount": [5.0, elsewhere]})
    answer = customers.summarise_origin(
        sales=own, account_sales=bought.assign(inherited=inherited), accounts=pd.DataFrame({"account_id": ["a", "b"]}), period=YEAR
    )
    return show.say_origin(answer, "USD").text


def test_inherited_and_created_business_are_told_apart_with_their_amounts():
    text = say_origin([True, False, True], elsewhere=4.0)
    assert "8 USD of the year came from 2 customers that somebody else sold to first, 0 USD from 0" in text
    assert "somebody else sold 3 USD" in text and "4 USD went to accounts that are not in this book now" in text
    assert say_origin([False] * 3).startswith("No customer of the year is inherited")
