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


def test_customers_to_save_are_counted_with_their_money():
    days = [DAY - pd.Timedelta(days=d) for d in (300, 270, 240, 210)]
    sales = pd.DataFrame({"account_id": "A", "sale_date": days, "amount": 25.0})
    accounts = pd.DataFrame({"account_id": ["A"], "account_name": ["Alpha"]})
    answer = customers.summarise_retention(sales=sales, accounts=accounts, as_of=AS_OF)
    assert show.say_retention(answer, "USD").text.startswith(
        "1 of 1 customer has gone silent or buys clearly less; 100 USD a year"
    )


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


def compare(last, ahead):
    ids = [f"A{i}" for i in range(len(ahead))]
    expected = pd.DataFrame({"customer_id": ids, "account_name": [f"Customer {i}" for i in range(len(ids))], "expected_amount": ahead})
    return customers.compare_few(last=make_concentration(*last).table, expected=expected)


def test_who_joins_the_few_and_who_drops_out_is_named():
    answer = compare([50.0, 35.0, 5.0, 5.0, 5.0], [50.0, 5.0, 5.0, 5.0, 35.0])
    text = show.say_few(answer).text
    assert text == "Of the next 12 months 2 of today's customers should bring 80 %; last year's few should bring 55 % of it. Customer 4 joins. Customer 1 drops out."
    html = show.table_few(answer, "USD").html
    assert "last year and next" in html and html.index("Customer 0") < html.index("Customer 4")
    moved = customers.compare_few(last=make_concentration(5.0, 1.0).table, accounts=pd.DataFrame({"account_id": ["A1"]}),
        expected=pd.DataFrame({"customer_id": ["A1"], "account_name": ["One"], "expected_amount": [5.0]}))  # fmt: skip
    assert moved.table["move"].tolist() == ["gone", "enters"]
    nobody = customers.compare_few(last=make_concentration(5.0, 1.0).table, expected=None)
    assert show.say_few(nobody) is None and "Next 12 months" not in show.table_few(nobody, "USD").html


def test_the_plan_is_said_to_lean_on_the_few_that_hold_it():
    booked = pd.DataFrame({"account_id": list("abcde"), "credit_date": DAY, "amount": [60.0, 10.0, 4.0, 3.0, 3.0]})
    deals = pd.DataFrame({"account_id": ["b", "c"], "amount": [40.0, 99.0], "probability": [0.5, 0.5], "bucket": ["stretch", "overdue"]})
    answer = customers.summarise_plan_accounts(
        credited=booked, flow=pd.DataFrame(), open_deals=deals, accounts=None, goal_amount=200.0, as_of=AS_OF, fiscal_year=YEAR
    )
    assert answer["plan_pareto_share"].value == 0.4
    assert show.say_plan_accounts(answer, "USD").text == (
        "This year's plan leans on 2 customers: 80 % of the 100 USD booked or in sight for the year stands there, most with a (60 %). "
        "The goal is 200 USD; 20 USD of theirs is still to come."
    )


def test_cohorts_are_shaded_by_who_is_still_there():
    days = pd.to_datetime(["2024-10-10"] * 5 + ["2025-12-01"] * 3)
    sales = pd.DataFrame({"account_id": list("abcdeabc"), "sale_date": days, "amount": 10.0})
    answer = customers.summarise_cohorts(sales=sales, accounts=None, as_of=AS_OF)
    assert show.say_cohorts(answer).text == "Of the customers first seen up to 30 Sep 2025, 60 % were there a year later."
    assert 'shade-6">60 %' in show.table_cohorts(answer).html
