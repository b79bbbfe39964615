"""Step 4: workload as in the textbook, grades by visible weights, and ranks that name nobody."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.errors import PlanInputError
from workbook_helpers.steps import quality

AS_OF = date(2026, 9, 30)
COMPANY = SimpleNamespace(
    calls={"A": 24, "B": 12, "C": 4}, hours_per_call=1.0, calls_per_trip=1.0, road_factor=1.3, speed_km_per_hour=60.0,
    peers=("industry",), potential_quantile=0.8, stages=("Qualify", "Close"),
)  # fmt: skip
WEIGHTS = {"potential": 0.5, "revenue": 0.5}


def make_team(n=9):
    values = np.arange(1.0, n + 1)
    return pd.DataFrame({c: values for c in quality.COMPONENTS})


def test_workload_of_the_textbook():
    accounts = pd.DataFrame({"account_id": range(3000), "tier": ["A"] * 1000 + ["B"] * 2000, "travel_hours": 0.0})
    calls = quality.score_workload(accounts=accounts, visits_by_tier={"A": 36, "B": 12}, hours_per_visit=1.0)[
        "visits_n"
    ].sum()
    assert quality.estimate_reps_needed(work=calls, capacity_per_rep=1_000) == 60


def test_a_tier_without_a_plan_is_named():
    accounts = pd.DataFrame({"account_id": ["a"], "tier": ["D"], "travel_hours": [0.0]})
    with pytest.raises(PlanInputError, match="Tier D has no call plan"):
        quality.score_workload(accounts=accounts, visits_by_tier={"A": 1}, hours_per_visit=1.0)


def test_travel_goes_from_home_else_from_the_centre():
    accounts = pd.DataFrame({"account_id": ["a", "b"], "latitude": [0.0, 1.0], "longitude": 0.0, "potential_amount": [2.0, 1.0]})
    centre = quality.plan_calls(accounts=accounts, company=COMPANY)
    assert centre["travel_hours"].tolist() == pytest.approx([111.195 / 2 * 1.3 / 60] * 2, rel=1e-4)
    home = quality.plan_calls(accounts=accounts, company=COMPANY, home=(0.0, 0.0))
    assert home["travel_hours"].tolist() == pytest.approx([0.0, 111.195 * 1.3 / 60], rel=1e-4)


def test_grade_is_the_third_of_the_team_and_sure_at_the_ends():
    for value, grade in ((9.0, "high"), (5.0, "medium"), (1.0, "low")):
        answer = quality.grade_territory(
            components={"potential": value, "revenue": value}, territories=make_team(), weights=WEIGHTS
        )
        assert answer.notes["grade"] == grade and answer.notes["sure"] == 1.0


def test_grade_is_less_sure_where_components_disagree():
    answer = quality.grade_territory(
        components={"potential": 9.0, "revenue": 1.0}, territories=make_team(), weights=WEIGHTS
    )
    assert answer["grade_certainty"].value < 1.0 and answer["territory_score"].value == pytest.approx(0.5)
    again = quality.grade_territory(
        components={"potential": 9.0, "revenue": 1.0},
        territories=make_team().sample(frac=1, random_state=1),
        weights=WEIGHTS,
    )
    assert again.measures == answer.measures


def test_more_load_and_more_competition_rank_lower():
    team = make_team()
    low = quality.grade_territory(components={"workload": 9.0}, territories=team, weights={"workload": 1.0})
    assert low.notes["grade"] == "low"


def test_below_five_reps_there_is_no_grade():
    answer = quality.grade_territory(components={"potential": 1.0}, territories=make_team(4), weights=WEIGHTS)
    assert "fewer than five reps" in answer.withheld


def make_role():
    reps = [f"R{i}" for i in range(6)]
    accounts = pd.DataFrame({"account_id": [f"A{i}" for i in range(12)], "rep_id": np.repeat(reps, 2), "industry": "X"})
    accounts = accounts.assign(latitude=np.arange(12.0), longitude=0.0)
    sales = accounts[["account_id", "rep_id"]].assign(sale_date=pd.Timestamp("2026-05-05"), amount=np.arange(1.0, 13.0))
    return accounts.assign(potential_amount=np.arange(21.0, 33.0), revenue_amount=np.arange(1.0, 13.0)), sales


def test_learned_rows_name_nobody_and_hold_each_reps_own_components():
    accounts, sales = make_role()
    frames = {"opportunities": None, "leads": None, "company": COMPANY, "as_of": AS_OF}
    table = quality.learn_territories(scored_accounts=accounts, sales=sales, **frames)
    assert set(table) == {*quality.COMPONENTS, "prior_mean", "prior_strength"} and len(table) == 6
    shuffled = quality.learn_territories(
        scored_accounts=accounts.sample(frac=1, random_state=2), sales=sales[::-1], **frames
    )
    pd.testing.assert_frame_equal(table, shuffled)
    own = accounts["rep_id"] == "R5"
    mine = quality.summarise_territory(accounts=accounts[own], sales=sales[own], prior=None, **frames)
    assert mine["potential"] == 31.0 + 32.0
    assert np.isnan(mine["funnel"])  # neither leads nor deals are known: that is not none at all
    assert mine["potential"] in table["potential"].tolist() and mine["workload"] in table["workload"].tolist()


def test_calls_of_one_trip_share_the_way():
    accounts, _ = make_role()
    alone = quality.plan_calls(accounts=accounts, company=COMPANY)
    shared = quality.plan_calls(accounts=accounts, company=SimpleNamespace(**{**vars(COMPANY), "calls_per_trip": 4.0}))
    assert shared["travel_hours"].tolist() == pytest.approx((alone["travel_hours"] / 4).tolist())


def test_load_beside_the_team():
    accounts, _ = make_role()
    plan = quality.plan_calls(accounts=accounts, company=COMPANY)
    answer = quality.compare_workload(
        calls=plan, components={"workload": 10.0}, territories=make_team(), selling_hours=1000.0
    )
    assert answer["workload_index"].value == 2.0 and answer.notes["max_deviation"] == pytest.approx(0.8)
    assert answer["workload_hours"].value == pytest.approx(plan["work_hours"].sum())
    assert quality.compare_workload(
        calls=plan.iloc[:0], components={}, territories=make_team(), selling_hours=None
    ).withheld


def test_funnel_beside_the_team():
    deals = pd.DataFrame(
        {
            "opportunity_id": list("abc"),
            "status": ["open", "open", "won"],
            "stage": ["Qualify", "Close", "Close"],
            "amount": 5.0,
        }
    ).assign(created_date=pd.Timestamp("2026-05-05"), close_date=pd.Timestamp("2026-06-06"))
    team = pd.DataFrame({"part": ["deals created", "deals won"], "cases_n": [6.0, 1.0]})
    answer = quality.compare_funnel(leads=None, opportunities=deals, team=team, stages=COMPANY.stages, as_of=AS_OF)
    assert answer.table["cases_n"].tolist() == [3, 1, 1, 1] and answer.notes["starved"] == "deals created"
    assert quality.compare_funnel(leads=None, opportunities=None, team=team, stages=(), as_of=AS_OF).withheld
