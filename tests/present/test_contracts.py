"""Contracts as people see them: what recurs, what was kept, and what ends next."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.present import contracts as show
from workbook_helpers.steps import contracts

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("1.9", withheld="it needs table contracts")


@pytest.mark.parametrize("table", [show.table_renewals, show.table_recurring])
def test_nothing_known_is_no_table(table):
    assert table(WITHHELD, "USD") is None


@pytest.mark.parametrize("say", [show.say_renewals, show.say_recurring])
def test_a_withheld_answer_says_why(say):
    assert "needs table contracts" in say(WITHHELD, "USD").html


def test_contracts_that_end_next_are_named_with_the_state_of_their_renewal():
    signed = pd.DataFrame({"account_id": list("AB"), "amount_per_year": [9.0, 40.0], "start_date": DAY - pd.Timedelta(days=300), "end_date": DAY + pd.Timedelta(days=64)})
    deal = pd.DataFrame({"opportunity_id": ["D"], "account_id": "A", "kind": "renewal", "status": "open", "stage": "Propose", "close_date": DAY})
    accounts = pd.DataFrame({"account_id": list("AB"), "account_name": ["Alpha", "<b>"]})
    answer = contracts.rank_renewals(contracts=signed, opportunities=deal, accounts=accounts, as_of=AS_OF)
    html = show.table_renewals(answer, "USD").html
    assert html.index("&lt;b&gt;") < html.index("Alpha") and "open at Propose" in html and "no open deal" in html
    assert show.say_renewals(answer, "USD").text.startswith("2 undecided contracts of 49 USD a year end by 28 Jan 2027; 1 of them has no open renewal deal.")


def test_what_recurs_is_said_with_gross_and_net_retention():
    day = {"start_date": DAY - pd.Timedelta(days=700), "end_date": DAY + pd.Timedelta(days=64)}
    signed = pd.DataFrame({"account_id": list("abcdef"), "amount_per_year": 10.0, **day})
    signed.loc[0, "end_date"] = DAY - pd.Timedelta(days=30)
    signed.loc[5, ["account_id", "start_date"]] = ["b", DAY - pd.Timedelta(days=10)]
    answer = contracts.summarise_recurring(contracts=signed, accounts=None, columns=[], as_of=AS_OF)
    assert show.say_recurring(answer, "USD").text.startswith(
        "50 USD a year recurs under contract. Of what recurred a year ago 80 % is kept; with what these customers added it is 100 %."
    )
    assert "all customers" in show.table_recurring(answer, "USD").html
    none = contracts.summarise_recurring(contracts=signed.head(0), accounts=None, columns=[], as_of=AS_OF)
    assert show.say_recurring(none, "USD").text == "No contract runs on this day."
