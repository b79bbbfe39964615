"""Step 3, the market: what it is, and how much of it is there to be served and to be had."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.statistics import estimate_wilson_interval
from workbook_helpers.steps import geography, market

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)


def make_accounts(revenue, **more):
    """Scored accounts of one book in area N: potential 10 by comparable customers, 20 by traits."""
    n = len(revenue)
    frame = pd.DataFrame({
        "account_id": [f"A{i:02}" for i in range(n)], "industry": ["X" if i % 2 else "Y" for i in range(n)], "region": "N",
        "employees": 20.0, "revenue_amount": np.array(revenue, float), "status": ["customer" if r > 0 else "prospect" for r in revenue],
        "first_date": [DAY - pd.Timedelta(days=900) if r > 0 else pd.NaT for r in revenue], "market_area": "N", "potential_way": "bottom_up",
        "bottom_up_amount": 10.0, "regression_amount": 20.0, "top_down_amount": np.nan, "last_touch_date": pd.NaT,
    })  # fmt: skip
    return frame.astype({"last_touch_date": "datetime64[ns]", "first_date": "datetime64[ns]"}).assign(**more)


def make_market(**more):
    frame = pd.DataFrame({
        "area": ["N", "N", "S"], "industry": ["X", "Y", "X"], "establishments_n": [10.0, 2.0, 50.0], "employees_n": [100.0, 40.0, 900.0],
        "population_n": [5_000.0, 5_000.0, 9_000.0], "income": [50_000.0, 50_000.0, 60_000.0], "spend": [500.0, 700.0, 900.0],
    })  # fmt: skip
    return frame.assign(**more)


def test_the_market_is_that_of_the_areas_where_the_book_has_accounts():
    answer = market.summarise_market(market=make_market(), accounts=make_accounts([1.0, 0.0, 0.0]))
    assert answer["market_spend"].value == 1200.0 and answer["known_share"].value == 3 / 12
    assert answer.table[["industry", "accounts_n", "known_share"]].values.tolist() == [["X", 1.0, 0.1], ["Y", 2.0, 1.0]]
    assert (answer.notes["population_n"], answer.notes["income"], answer.notes["areas_n"]) == (5_000.0, 50_000.0, 1)
    elsewhere = market.summarise_market(market=make_market(), accounts=make_accounts([1.0], market_area=None))
    assert elsewhere.withheld and elsewhere["market_spend"].withheld
    assert market.summarise_market(market=None, accounts=make_accounts([1.0])).withheld.startswith("it needs table market")


def test_where_nobody_counts_establishments_the_employees_are_compared():
    table = make_market(establishments_n=np.nan, spend=np.nan)
    answer = market.summarise_market(market=table, accounts=make_accounts([1.0, 0.0, 0.0]))
    assert answer.notes["counted"] == "employees" and answer["known_share"].value == pytest.approx(60 / 140)
    assert answer["market_spend"].withheld == "it needs column spend of table market"


def test_size_stands_three_ways_side_by_side_and_shrinks_from_all_to_obtainable():
    accounts = make_accounts([5.0] * 10 + [0.0] * 10)
    accounts.loc[9, "first_date"] = DAY - pd.Timedelta(days=30)
    answer = market.summarise_size(accounts=accounts, as_of=AS_OF, market=make_market())
    table = answer.table.set_index("size")
    assert table["top_down_amount"]["all"] == 1200.0 and table["bottom_up_amount"]["all"] == 200.0 and table["regression_amount"]["all"] == 400.0
    assert (answer.notes["began_n"], answer.notes["open_n"]) == (1, 11)
    low, high = estimate_wilson_interval(1, 11)
    had = answer["obtainable_amount"]
    assert had.value == pytest.approx(50 + 100 * (1 / 11) * 0.5, abs=0.01)
    assert (had.low, had.high) == pytest.approx((50 + 50 * low, 50 + 50 * high), abs=0.01)
    for way in ("bottom_up_amount", "regression_amount"):
        assert table[way]["all"] >= table[way]["serviceable"] >= table[way]["obtainable"] >= 50.0


def test_the_plan_says_what_is_serviceable_and_without_it_the_customers_do():
    accounts = make_accounts([5.0] * 5 + [0.0] * 5, industry=["X"] * 5 + ["Y"] * 5)
    by_itself = market.summarise_size(accounts=accounts, as_of=AS_OF)
    assert by_itself.notes["filters"]["industry"] == ["X"] and not by_itself.notes["from_plan"] and by_itself.notes["kept_n"] == 5
    planned = market.summarise_size(accounts=accounts, as_of=AS_OF, industries=["y"], areas=["N"], smallest_employees=10)
    assert planned.notes["from_plan"] and planned.notes["kept_n"] == 5 and planned["serviceable_amount"].value == 50.0
    assert planned["obtainable_amount"].withheld
    none = market.summarise_size(accounts=accounts, as_of=AS_OF, smallest_employees=500)
    assert none.notes["kept_n"] == 0 and none["serviceable_amount"].withheld


def test_what_nothing_tells_is_withheld():
    unknown = make_accounts([1.0], bottom_up_amount=np.nan, regression_amount=np.nan, market_area=None)
    answer = market.summarise_size(accounts=unknown, as_of=AS_OF)
    assert answer.withheld and all(m.withheld for m in answer.measures)
    assert market.summarise_size(accounts=None, as_of=AS_OF).withheld.startswith("it needs table accounts")


def test_the_order_of_the_accounts_changes_no_size():
    accounts = make_accounts([5.0, 7.0, 0.1, 0.2, 0.3, 0.0, 0.0, 3.3])
    answers = [market.summarise_size(accounts=a, as_of=AS_OF, market=make_market()) for a in (accounts, accounts.iloc[::-1])]
    pd.testing.assert_frame_equal(answers[0].table, answers[1].table)


def test_untouched_prospects_stand_beside_success():
    accounts = make_accounts([1.0, 1.0, 0.0, 0.0], industry=["X", "Y", "X", "X"])
    accounts.loc[2, "last_touch_date"] = DAY
    answer = geography.summarise_verticals(accounts=accounts, compared=pd.DataFrame(), column="industry", as_of=AS_OF)
    assert answer.table[["label", "prospects_n", "untouched_n"]].values.tolist() == [["X", 2, 1], ["Y", 0, 0]]
