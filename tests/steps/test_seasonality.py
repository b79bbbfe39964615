"""When customers buy: the index by hand, its intervals, and who is due."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
from hypothesis import given, settings, strategies as st

from workbook_helpers.steps import seasonality, tracking

AS_OF = date(2026, 9, 30)
COMPANY = SimpleNamespace(segments=("industry",), quota_counts="revenue")


def make_sales(accounts_n=40, seed=1):
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-10-02", AS_OF, freq="W")
    rows = [(f"A{i:02}", day, float(rng.integers(10, 99)) * (2 if day.month == 12 else 1)) for i in range(accounts_n) for day in days]
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"])
    return sales.assign(product=np.where(sales["account_id"] < "A20", "P", "Q"), rep_id="R1")


def learn(sales, **more):
    return seasonality.learn_season_cuts(sales=sales, company=COMPANY, as_of=AS_OF, **more)


def test_the_index_is_the_one_by_which_the_goal_is_spread():
    sales = make_sales()
    ours = learn(sales).query("cut == 'all'").set_index("month")["index"]
    theirs = tracking.learn_season(sales=sales, company=COMPANY, as_of=AS_OF).set_index("month")["index"]
    assert (ours - theirs).abs().max() < 1e-6 and abs(ours.mean() - 1) < 1e-6


def test_below_two_whole_years_the_team_teaches_no_season():
    sales = make_sales()
    assert learn(sales[sales["sale_date"] > "2024-11-15"]).empty
    assert learn(None).empty


def test_a_product_of_few_customers_has_no_season_of_its_own():
    table = learn(make_sales())
    assert set(table["label"]) == {"all"}  # twenty customers each
    table = learn(make_sales(80).assign(product="P"))
    assert set(table["label"]) == {"all", "P"} and (table["low"] <= table["index"]).all() and (table["index"] <= table["high"]).all()


def test_the_order_of_the_rows_changes_nothing():
    sales = make_sales()
    pd.testing.assert_frame_equal(learn(sales), learn(sales.sample(frac=1, random_state=2)))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.floats(0.5, 1.5), st.integers(2, 4))
def test_a_season_that_repeats_without_noise_is_found_exactly(month, size, years):
    truth = np.ones(12)
    truth[month - 1] = size
    monthly = np.tile(np.tile(truth, years) * 100, (9, 1))
    season = seasonality.estimate_season(monthly, 1, draws=20)
    assert np.allclose(season["index"], truth / truth.mean(), atol=1e-5)
    assert np.allclose(season["low"], season["high"], atol=1e-4)


def test_months_count_from_the_month_in_which_they_begin():
    year = np.arange(1.0, 13.0)
    january = seasonality.estimate_season(np.tile(np.tile(year, 3), (5, 1)), 1, draws=10)["index"]
    april = seasonality.estimate_season(np.tile(np.roll(np.tile(year, 3), -3), (5, 1)), 4, draws=10)["index"]
    assert np.allclose(january, april, atol=1e-6)


def test_a_new_book_stands_beside_the_teams_season():
    cuts = learn(make_sales())
    nothing = make_sales().head(0)
    answer = seasonality.summarise_season(sales=nothing, as_of=AS_OF, season_cuts=cuts)
    assert answer.withheld is None and answer.table["index"].isna().all() and answer.table["team_index"].notna().all()
    assert answer["season_index"].low < answer["season_index"].value < answer["season_index"].high
    assert seasonality.summarise_season(sales=nothing, as_of=AS_OF, season_cuts=cuts.head(0)).withheld


def due(days, gap=np.nan, status="customer", as_of=AS_OF):
    dates = pd.to_datetime(days)
    sales = pd.DataFrame({"account_id": "a", "sale_date": dates, "amount": np.arange(1.0, len(days) + 1)})
    sales = pd.concat([sales, pd.DataFrame({"account_id": ["z"], "sale_date": pd.to_datetime(["2023-01-01"]), "amount": 1.0})])
    who = pd.DataFrame({"account_id": ["a"], "account_name": ["A"], "status": status, "last_date": [dates.max()], "usual_gap_days": [gap]})
    return seasonality.rank_season_buyers(sales=sales, accounts=who, as_of=as_of).table


def test_who_bought_in_two_earlier_seasons_and_not_yet_is_due():
    assert due(["2024-11-05", "2025-12-05"])["years_n"].tolist() == [2]
    assert due(["2025-12-05"]).empty and due(["2024-05-05", "2025-05-05"]).empty
    assert due(["2025-12-05"], gap=330.0)["due_date"].tolist() == [pd.Timestamp("2026-10-31")]
    assert due(["2024-11-05", "2025-12-05"], status="lapsed").empty
    assert due(["2024-11-05", "2025-12-05"], gap=30.0).empty  # buys all year round


def test_who_has_bought_since_the_season_began_is_not_due_any_more():
    begun = date(2026, 10, 12)
    assert len(due(["2024-11-05", "2025-12-05"], as_of=begun)) == 1
    assert due(["2024-11-05", "2025-12-05", "2026-10-03"], as_of=begun).empty
