"""Distance by hand, bands that hold everybody, and segments worth repeating."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.steps import geography

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)


def make_accounts(n=12, **more):
    frame = pd.DataFrame({
        "account_id": [f"A{i:02}" for i in range(n)], "account_name": [f"Name {i}" for i in range(n)],
        "status": ["customer" if i % 2 else "prospect" for i in range(n)], "latitude": np.linspace(50, 52, n), "longitude": 10.0,
        "revenue_amount": [100.0 * i if i % 2 else 0.0 for i in range(n)], "last_touch_date": pd.NaT, "industry": "X",
    })  # fmt: skip
    return frame.assign(**more)


def test_a_degree_of_latitude_is_111_kilometres_and_the_way_back_is_as_long():
    there = geography.measure_distance(pd.Series([51.0]), pd.Series([10.0]), (50.0, 10.0))
    back = geography.measure_distance(pd.Series([50.0]), pd.Series([10.0]), (51.0, 10.0))
    assert there.iloc[0] == pytest.approx(111.2, abs=0.1) == back.iloc[0]
    assert geography.measure_distance(pd.Series([50.0]), pd.Series([-170.0]), (50.0, 190.0)).iloc[0] == pytest.approx(0, abs=1e-6)


def test_the_bands_hold_every_account_with_coordinates():
    accounts = make_accounts()
    accounts.loc[0, "latitude"], accounts.loc[1, "latitude"] = np.nan, 999.0
    answer = geography.summarise_reach(accounts=accounts, home=(50.0, 10.0))
    known = accounts.iloc[2:]
    assert answer.table["customers_n"].sum() == (known["status"] == "customer").sum()
    assert answer.table["prospects_n"].sum() == (known["status"] == "prospect").sum()
    assert answer.table["revenue_amount"].sum() == known["revenue_amount"].sum() and answer.notes["unknown_n"] == 2
    assert answer.table["revenue_share"].sum() == pytest.approx(1.0)


def test_without_a_home_the_middle_of_the_customers_stands_for_it():
    answer = geography.summarise_reach(accounts=make_accounts(), home=(None, None))
    assert not answer.notes["at_home"] and 50.9 < answer.notes["home"][0] < 51.3 and answer.notes["near"]
    spread = make_accounts(latitude=np.linspace(-60, 60, 12))
    assert not geography.summarise_reach(accounts=spread).notes["near"]


def test_without_coordinates_it_says_what_it_needs():
    assert "latitude" in geography.summarise_reach(accounts=make_accounts().drop(columns="latitude")).withheld
    assert geography.summarise_reach(accounts=make_accounts(latitude=np.nan)).withheld
    assert geography.summarise_reach(accounts=None).withheld


def compare(won, lost):
    return pd.DataFrame({"cut": "industry", "label": ["X"], "cases_n": [5.0], "won_weight": [won], "lost_weight": [lost]})


def test_worth_is_win_rate_times_usual_revenue_times_untouched_prospects():
    answer = geography.summarise_verticals(accounts=make_accounts(), compared=compare(30.0, 70.0), column="industry", as_of=AS_OF)
    row = answer.table.iloc[0]
    assert row["worth_amount"] == pytest.approx(0.3 * 600 * 6) and row["worth_low"] < row["worth_amount"] < row["worth_high"]
    assert answer["repeat_worth"].level == 0.8 and row["low_share"] < 0.3 < row["high_share"]


def test_a_segment_of_four_customers_has_no_usual_revenue_and_no_worth():
    answer = geography.summarise_verticals(accounts=make_accounts(8), compared=compare(30.0, 70.0), column="industry", as_of=AS_OF)
    assert answer.table[["revenue_amount", "worth_amount"]].isna().all(axis=None) and answer["repeat_worth"].withheld


def test_the_prospects_that_could_spend_most_are_named_first_and_those_touched_are_not():
    accounts = make_accounts(potential_amount=[float(i) for i in range(12)])
    accounts.loc[10, "last_touch_date"] = DAY
    answer = geography.summarise_verticals(accounts=accounts, compared=pd.DataFrame(), column="industry", as_of=AS_OF)
    assert answer.table["names"].iloc[0] == ("Name 8", "Name 6", "Name 4") and answer.table["untouched_n"].iloc[0] == 5


def test_the_order_of_the_rows_changes_nothing():
    accounts = make_accounts()
    for summarise in (
        lambda a: geography.summarise_reach(accounts=a).table,
        lambda a: geography.summarise_verticals(accounts=a, compared=compare(3.0, 7.0), column="industry", as_of=AS_OF).table,
    ):
        pd.testing.assert_frame_equal(summarise(accounts), summarise(accounts.iloc[::-1]))
