"""Chapter 2 as people see it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.present import swot as show
from workbook_helpers.steps import pipeline_health, swot

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("2.1", withheld="it needs table opportunities")


def make_pipeline(amounts, overdue):
    n = len(amounts)
    deals = pd.DataFrame({
        "opportunity_id": [f"D{i}" for i in range(n)], "account_id": "A", "status": "open", "stage": "Close",
        "amount": amounts, "created_date": DAY - pd.Timedelta(days=5),
        "close_date": [DAY + pd.Timedelta(days=-1 if late else 9) for late in overdue],
    })  # fmt: skip
    return pipeline_health.summarise_pipeline(opportunities=deals.astype({"close_date": "datetime64[ns]"}), as_of=AS_OF)


def make_line(**more):
    line = {"cut": "industry", "label": "Retail", "hits_n": 26.0, "cases_n": 63.0, "main_share": 0.1,
            "rate_share": 0.41,
            "team_share": 0.28, "expected_share": 0.28, "shrunk_share": 0.36, "amount": 120_000.0, "p_value": 0.001,
            "q_value": 0.01}  # fmt: skip
    return pd.DataFrame([line | more])


@pytest.mark.parametrize("name", ["say_strengths", "say_weaknesses", "say_untapped", "say_threats", "say_pipeline"])
def test_a_withheld_answer_says_its_reason(name):
    assert getattr(show, name)(WITHHELD, "USD").text == "Not answered: it needs table opportunities."


@pytest.mark.parametrize("name", ["chart_pipeline", "table_untapped", "table_threats"])
def test_a_withheld_answer_shows_nothing(name):
    assert getattr(show, name)(WITHHELD, "USD") is None
    assert show.table_pipeline(WITHHELD, None, "USD") is None


def test_a_line_of_the_swot_is_a_sentence_of_its_numbers():
    answer = swot.summarise_strengths(evidence=make_line())
    assert show.say_strengths(answer, "USD").text == (
        "41 % of deals with industry Retail are won; the rest of the team 28 %; 63 deals; worth about "
        "120,000 USD a year."
    )
    one = swot.summarise_strengths(evidence=make_line(main_share=0.9))
    assert "63 deals, 90 % of them with one account" in show.say_strengths(one, "USD").text


def test_chance_is_called_chance():
    answer = swot.summarise_strengths(evidence=make_line(q_value=0.2))
    assert show.say_strengths(answer, "USD").text.startswith(
        "No strength stands out beyond what chance explains. 1 comparison with the team was made."
    )
    assert "may be chance" in show.table_evidence(make_line(q_value=0.2), "USD").html
    assert show.table_evidence(make_line().head(0), "USD") is None


def test_the_pipeline_says_its_largest_warning_and_what_was_not_checked():
    text = show.say_pipeline(make_pipeline([75.0, 25.0], [True, False]), "USD").text
    assert text.startswith(
        "75 % of the pipeline is in deals past their close date. 2 deals are open, 100 USD; 1 without"
    )
    assert "Not checked: without a next step (it needs column next_step of table opportunities)" in text
    assert show.say_pipeline(make_pipeline([], []), "USD").text == "No deal is open."  # nothing to check, so nothing is missing
    assert show.chart_pipeline(make_pipeline([], []), "USD") is None


def test_chart_and_table_of_the_pipeline():
    answer = make_pipeline([75.0, 25.0], [True, False])
    assert "past their close date" in show.chart_pipeline(answer, "USD").alt
    accounts = pd.DataFrame({"account_id": ["A"], "account_name": ["<i>Alpha"]})
    html = show.table_pipeline(answer, accounts, "USD").html
    assert "&lt;i&gt;Alpha" in html and "D1" not in html
    assert show.table_pipeline(make_pipeline([1.0], [False]), None, "USD") is None


def test_questions_are_three():
    nothing = Answer("x", withheld="no")
    pipeline = make_pipeline([75.0], [True])
    full = show.say_questions(swot.summarise_strengths(evidence=make_line()), nothing, pipeline).text
    assert full.count("•") == 3 and "Retail" in full and "D0" in full
    assert show.say_questions(nothing, nothing, nothing).text.count("•") == 3


def test_idle_white_space_names_where():
    accounts = pd.DataFrame({
        "account_id": list("abcde"), "city": "Bangor", "potential_amount": 1000.0, "white_space_amount": 1000.0,
        "last_date": pd.NaT, "last_touch_date": pd.NaT, "account_name": "n",
    }).astype({"last_date": "datetime64[ns]", "last_touch_date": "datetime64[ns]"})  # fmt: skip
    answer = swot.summarise_untapped(accounts=accounts, columns=["city"], as_of=AS_OF)
    assert "5,000 USD a year of potential sits in 5 accounts" in show.say_untapped(answer, "USD").text
    assert "Bangor" in show.table_untapped(answer, "USD").html
    assert np.isclose(answer["idle_white_space"].value, 5000)
