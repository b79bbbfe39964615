"""The chance of a deal is shrunk to the team; the chance of the goal never falls when there is more."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import betaincinv

from workbook_helpers.measure import Answer, Period
from workbook_helpers.statistics import estimate_beta_quantiles
from workbook_helpers.steps import chance, goals

AS_OF = date(2026, 9, 30)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
COLUMNS = ["opportunity_id", "amount", "probability", "strength", "rate_of"]


def make_outlook(deals, *, goal=100.0, booked=20.0, flow=10.0, arrivals=(0.0, 5.0, 9.0)):
    frame = pd.DataFrame(deals, columns=["opportunity_id", "amount", "probability"]).assign(strength=30.0, rate_of="Propose")
    frame["rate_of"] = [f"stage {p}" for p in frame["probability"]]
    return chance.Outlook(goal, booked, flow, 0.3, frame[COLUMNS], arrivals, (25.0, 0.4), 7, 1000)


deals = st.lists(st.tuples(st.floats(0, 60), st.sampled_from([0.2, 0.5, 0.8])), max_size=6).map(
    lambda rows: [(f"D{i}", a, p) for i, (a, p) in enumerate(rows)]
)


@settings(max_examples=40, deadline=None)
@given(deals, st.floats(0, 80), st.sampled_from([0.2, 0.5, 0.8]))
def test_more_never_lowers_the_chance(rows, amount, probability):
    base = make_outlook(rows)
    now = base.estimate()
    assert make_outlook([*rows, ("new", amount, probability)]).estimate() >= now
    assert make_outlook([(i, a * 1.5, p) for i, a, p in rows]).estimate() >= now
    assert make_outlook(rows, booked=21.0).estimate() >= now
    for what_if in ({"created": 2}, {"lift": 0.1}, {"size": 1.2}, {"kept": 1.3}):
        assert base.estimate(**what_if) >= now
    assert (make_outlook([*rows, ("new", amount, probability)]).simulate_year() >= base.simulate_year()).all()


def test_sure_deals_are_certain_and_none_is_none():
    assert make_outlook([("D", 90.0, 1.0)], flow=0.0).estimate() == 1.0
    assert make_outlook([], arrivals=()).estimate() == 0.0


def test_one_deal_decides_with_its_own_probability():
    deals = pd.DataFrame([("D", 100.0, 0.3, 1e9, "Propose")], columns=COLUMNS)
    outlook = chance.Outlook(100.0, 0.0, 0.0, 0.0, deals, (), None, 7, 10_000)
    assert outlook.estimate() == pytest.approx(0.3, abs=3 * math.sqrt(0.3 * 0.7 / 10_000))


def make_closed(won, lost, **more):
    n = won + lost
    return pd.DataFrame(
        {
            "opportunity_id": [f"C{i}" for i in range(n)],
            "status": ["won"] * won + ["lost"] * lost,
            "amount": 10.0,
            **more,
        }
    ).assign(created_date=pd.Timestamp("2026-01-01"), close_date=pd.Timestamp("2026-03-01"), stage="Close", state_known=True)


def add_open(closed, stage="Propose"):
    new = closed.iloc[[0]].assign(opportunity_id="O1", status="open", stage=stage, close_date=pd.Timestamp("2026-11-01"))
    return pd.concat([closed, new], ignore_index=True)


def estimate(deals, history=None, team=None):
    return chance.estimate_chances(
        opportunities=deals,
        stage_history=history,
        stage_wins=pd.DataFrame() if team is None else team,
        as_of=AS_OF,
        fiscal_year=YEAR,
    )


def test_rate_is_shrunk_to_the_team_without_the_reps_own_cases():
    team = pd.DataFrame(
        {
            "kind": [chance.ANY_KIND],
            "stage": [chance.ALL_DEALS],
            "won_days": [24.0],
            "all_days": [110.0],
            "closed_n": [110],
            "strength": [20.0],
            "reps_n": [6],
        }
    )
    found = estimate(add_open(make_closed(4, 6)), team=team)["probability"].item()
    assert found == pytest.approx((4 + 20 * (20 / 100)) / (10 + 20))


def test_stage_rate_needs_history_and_todays_stage_is_never_used():
    deals = add_open(make_closed(6, 6))
    assert estimate(deals)["rate_of"].item() == chance.ALL_DEALS
    history = pd.DataFrame({"opportunity_id": [f"C{i}" for i in range(6)], "stage": "Propose"})
    history["entered_date"] = pd.Timestamp("2026-02-01")
    found = estimate(deals, history)
    assert found["rate_of"].item() == "Propose" and found["probability"].item() > 0.5
    pd.testing.assert_series_equal(estimate(deals.assign(stage="Other"))["probability"], estimate(deals)["probability"])


def test_below_five_cases_no_rate_is_given():
    found = estimate(add_open(make_closed(2, 2)))
    assert math.isnan(found["probability"].item()) and found["bucket"].item() == "stretch"


def test_stage_wins_by_hand():
    """C0 (won) stands at Propose for 10 days, C4 (lost) for 30: a deal found there is won in one case of four."""
    deals = make_closed(3, 2, rep_id=["x", "x", "y", "y", "z"])
    days = pd.to_datetime(["2026-02-09", "2026-02-19", "2026-01-30"])
    history = pd.DataFrame({"opportunity_id": ["C0", "C0", "C4"], "stage": ["Propose", "Close", "Propose"], "entered_date": days})
    table = chance.learn_stage_wins(opportunities=deals, stage_history=history).query("kind == @chance.ANY_KIND").set_index("stage")
    assert table.loc["all deals", ["won_days", "all_days", "reps_n"]].tolist() == [3, 5, 3]
    assert table.loc["Propose", ["closed_n", "won_days", "all_days", "reps_n"]].tolist() == [2, 10, 40, 2]


def test_team_table_of_a_company_without_deals_is_empty():
    assert chance.learn_stage_wins(opportunities=None, stage_history=None).empty


def test_arrivals_count_only_what_was_born_and_won_inside_the_window():
    deals = make_closed(1, 0).assign(created_date=pd.Timestamp("2026-08-15"), close_date=pd.Timestamp("2026-09-15"))
    old = make_closed(1, 0).assign(created_date=pd.Timestamp("2026-02-01"), close_date=pd.Timestamp("2026-09-15"))
    both = pd.concat([deals, old])
    table = chance.summarise_arrivals(opportunities=both, sales=None, as_of=AS_OF, days=60)
    assert table["amount"].iloc[0] == 10 and table["cases_n"].iloc[0] == 1


def land(goal, open_deals, *, left=False, booked=50.0):
    rows = pd.DataFrame(open_deals, columns=["amount", "probability"]).assign(strength=30.0, bucket="likely")
    rows["opportunity_id"], rows["rate_of"] = [f"D{i}" for i in range(len(rows))], [f"p {p}" for p in rows["probability"]]
    known = goals.GOAL.withhold("nobody says") if goal is None else goals.GOAL.measure(goal)
    return chance.estimate_goal_chance(
        goal=Answer("0.1", measures=(known, goals.BOOKED.measure(booked))),
        flow=Answer("5.2", measures=(goals.FLOW.measure(40.0),), notes={"spread": 0.3}),
        deals=rows.assign(state_known=True),
        opportunities=None,
        arrivals=pd.DataFrame({"amount": [0.0, 10.0, 30.0]}),
        left=left,
        as_of=AS_OF,
        fiscal_year=YEAR,
        paths=2000,
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 60), st.sampled_from([0.2, 0.5, 0.8])), max_size=5), st.floats(1, 400))
def test_chance_and_landing_never_contradict(open_deals, goal):
    answer = land(goal, open_deals)
    odds, low, high = answer["goal_probability"].value, answer.notes["low"], answer.notes["high"]
    if goal > high + 0.01:
        assert odds <= 0.1
    if goal < low:
        assert odds >= 0.9
    without = land(None, open_deals)  # the landing needs no goal
    assert without.withheld and (without.notes["low"], without.notes["high"]) == (low, high)


def test_a_rep_who_has_left_has_no_chance_and_no_landing():
    answer = land(100.0, [(60.0, 0.5)], left=True)
    assert answer["goal_probability"].withheld == "the rep has left" and "middle" not in answer.notes


def test_no_new_business_is_expected_of_days_in_which_the_team_never_sells():
    sales = pd.DataFrame({"account_id": ["A", "B"], "sale_date": pd.to_datetime(["2024-09-01", "2026-09-01"]), "amount": 9.0})
    asked = {"opportunities": None, "sales": sales, "as_of": date(2026, 9, 30), "days": 30}
    assert chance.summarise_arrivals(**asked)["amount"].max() == 9
    assert chance.summarise_arrivals(**asked, over=True)["amount"].tolist() == [0]


def test_new_business_is_what_this_book_sold_and_needs_three_past_windows():
    days = pd.to_datetime(["2024-01-05", "2026-09-10", "2026-09-11"])
    sales = pd.DataFrame({"account_id": ["A", "B", "C"], "sale_date": days, "amount": [1.0, 7.0, 50.0], "inherited": [False, False, True]})
    asked = {"opportunities": None, "as_of": date(2026, 9, 30), "days": 30}
    assert chance.summarise_arrivals(sales=sales, **asked)["amount"].max() == 7
    short = chance.summarise_arrivals(sales=sales.assign(sale_date=pd.Timestamp("2025-08-10")), **asked)
    assert short["amount"].isna().all()
    goal, flow = (Answer("0.1", measures=(d.measure(v),)) for d, v in ((goals.GOAL, 90.0), (goals.FLOW, 5.0)))
    goal = Answer("0.1", measures=(*goal.measures, goals.BOOKED.measure(10.0)))
    odds = chance.estimate_goal_chance(
        goal=goal, flow=flow, deals=None, opportunities=None, arrivals=short, as_of=date(2026, 9, 30), fiscal_year=YEAR
    )
    assert odds.withheld == "the past is too short to tell what new customers bring"


def test_a_renewal_has_the_rate_of_renewals_and_a_rare_kind_leans_on_all():
    renewals = make_closed(18, 2, kind="renewal").assign(opportunity_id=[f"R{i}" for i in range(20)])
    deals = pd.concat([make_closed(6, 14, kind="new"), renewals], ignore_index=True)
    rare = make_closed(1, 0, kind="pilot").assign(opportunity_id="P0")
    deals = pd.concat([add_open(deals), rare, rare.assign(opportunity_id="O2", status="open"), renewals.tail(1).assign(opportunity_id="O3", status="open")])
    found = estimate(deals.assign(kind=deals["kind"].fillna("new"))).set_index("opportunity_id")
    everything = 25 / 41
    assert found.at["O1", "probability"] == pytest.approx((6 + 20 * everything) / 40)
    assert found.at["O3", "probability"] == pytest.approx((18 + 20 * everything) / 40)
    assert found.at["O2", "rate_of"] == chance.ALL_DEALS and found.at["O2", "probability"] == pytest.approx(everything)
    assert chance.estimate_base_rate(opportunities=deals, stage_wins=None) == pytest.approx(7 / 21)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.5, 30.0), (6.0, 14.0), (300.0, 700.0), (0.2, 9.8)])
def test_beta_quantiles_agree_with_a_root_search_for_each(a, b):
    chances = np.linspace(1e-6, 1 - 1e-6, 200)
    assert np.abs(estimate_beta_quantiles(a, b, chances) - betaincinv(a, b, chances)).max() < 1e-10
