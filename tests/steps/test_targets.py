"""Step 3, targets: who looks like the best customers, and whether that foretold anything."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Period
from workbook_helpers.steps import targets

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
DAY = pd.Timestamp(AS_OF)
CONTEXT = {"as_of": AS_OF, "period": YEAR, "company": SimpleNamespace(peers=("industry",), segments=("industry", "region"))}


def make_accounts(revenue, **more):
    n = len(revenue)
    ids = [f"A{i:03}" for i in range(n)]
    frame = pd.DataFrame({
        "account_id": ids, "account_name": [f"Name {i}" for i in range(n)], "rep_id": [f"R{i % 4}" for i in range(n)], "ultimate_parent_id": ids,
        "industry": ["X" if i % 2 else "Y" for i in range(n)], "region": "N", "revenue_amount": np.array(revenue, float),
        "earlier_amount": np.array(revenue, float), "status": ["customer" if r > 0 else "prospect" for r in revenue],
        "first_date": [DAY - pd.Timedelta(days=900) if r > 0 else pd.NaT for r in revenue], "open_n": 0.0,
        "potential_amount": 100.0, "potential_low_amount": 80.0, "potential_high_amount": 120.0, "last_touch_date": pd.NaT,
    })  # fmt: skip
    return frame.astype({"last_touch_date": "datetime64[ns]", "first_date": "datetime64[ns]"}).assign(**more)


def make_targets():
    """Ten customers in X, of which the large ones are the best; prospects in X and Y."""
    return make_accounts([100.0] * 3 + [1.0] * 7 + [0.0] * 20, industry=["X"] * 14 + ["Y"] * 16)


def rank(accounts, **more):
    return targets.rank_targets(accounts=accounts, **{"best_traits": None, "columns": ["industry"]} | more)


def test_prospects_like_the_best_come_first_and_say_why():
    answer = rank(make_targets())
    first = answer.table.iloc[0]
    assert first["account_id"] == "A010" and first["score"] > 1 and first["why"] == "X, 1.5 times as common among the best customers"
    assert answer.table["worth_amount"].is_monotonic_decreasing and len(answer.table) == 20


def test_prospects_with_an_open_deal_or_of_one_parent_are_put_right():
    accounts = make_targets()
    accounts.loc[10, "open_n"] = 1.0
    accounts.loc[[11, 12], "ultimate_parent_id"] = "A000"
    answer = rank(accounts)
    assert "A010" not in set(answer.table["account_id"]) and answer.notes["in_work_n"] == 1
    row = answer.table[answer.table["account_id"] == "A011"].iloc[0]
    assert row["sister"] == "Name 0" and row["accounts_n"] == 2 and "A012" not in set(answer.table["account_id"])
    assert {"A011", "A012"} <= set(rank(accounts, together=False).table["account_id"])


def test_no_prospect_and_no_lesson_are_said():
    assert "no prospect" in rank(make_accounts([1.0] * 6)).withheld
    assert "no trait" in rank(make_accounts([1.0, 0.0])).withheld
    assert rank(None).withheld and rank(make_accounts([])).withheld


def test_lift_by_hand_with_an_interval_that_holds_it():
    accounts = make_accounts([50.0, 60.0] + [1.0] * 8, industry=["X"] * 5 + ["Y"] * 5)
    row = targets.learn_best_traits(scored_accounts=accounts, **CONTEXT).set_index("label").loc["X"]
    assert (row["best_n"], row["accounts_n"]) == (2, 5) and row["lift"] == pytest.approx((2 + 0.2 * 20) / 25 / 0.2)
    assert row["low_lift"] < row["lift"] < row["high_lift"] and row["low_lift"] < 1


def test_only_traits_that_chance_does_not_explain_make_the_profile():
    rng = np.random.default_rng(4)
    revenue = rng.lognormal(0, 1, 400)
    noise = make_accounts(revenue, industry=rng.choice(list("VWXYZ"), 400))
    assert len(targets.find_profile(targets.learn_best_traits(scored_accounts=noise, **CONTEXT))) <= 1
    planted = noise.assign(revenue_amount=revenue * np.where(noise["industry"] == "X", 8.0, 1.0))
    profile = targets.find_profile(targets.learn_best_traits(scored_accounts=planted, **CONTEXT))
    assert profile[0]["label"] == "X" and profile[0]["low_lift"] > 1


def test_a_trait_that_buying_itself_fills_is_left_out():
    accounts = make_targets().assign(plan=["gold"] * 10 + [None] * 20)
    company = SimpleNamespace(peers=("industry",), segments=("plan",))
    traits = targets.learn_best_traits(scored_accounts=accounts, **CONTEXT | {"company": company})
    assert set(traits["cut"]) == {"industry"}


def make_history(rng, n=1200, effect=0.0):
    """Prospects of a year ago; those in X begin to buy more often by this log-odds."""
    kind = rng.choice(list("VWXYZ"), n)
    before = rng.random(n) < 0.3 + 0.2 * (kind == "X") * (effect > 0)
    began = rng.random(n) < 1 / (1 + np.exp(2.2 - effect * (kind == "X")))
    first = np.where(before, DAY - pd.Timedelta(days=900), np.where(began, DAY - pd.Timedelta(days=90), np.datetime64("NaT")))
    first = pd.to_datetime(first)
    revenue = np.where(first.notna(), rng.lognormal(0, 1, n), 0.0)
    return make_accounts(revenue, industry=kind, first_date=first, earlier_amount=np.where(before, revenue, 0.0))


def test_going_back_in_time_finds_a_planted_profile():
    check = targets.learn_target_check(scored_accounts=make_history(np.random.default_rng(1), effect=1.5), **CONTEXT)
    found = targets.read_check(check)
    assert found["beats_chance"] and found["began_n"] >= targets.MIN_BEGAN and found["share"] > 0.15
    assert (check["top_n"] == check["prospects_n"] // 10).all()


def test_what_is_known_since_changes_nothing_in_the_ranking_of_a_year_ago():
    accounts = make_history(np.random.default_rng(2), effect=1.0)
    changed = accounts.assign(revenue_amount=accounts["revenue_amount"].sample(frac=1, random_state=1).to_numpy(), status="lapsed")
    one, two = (targets.learn_target_check(scored_accounts=a, **CONTEXT) for a in (accounts, changed.iloc[::-1]))
    pd.testing.assert_frame_equal(one, two)


def test_too_few_new_customers_cannot_check_and_claim_nothing():
    accounts = make_history(np.random.default_rng(3)).head(120)
    check = targets.learn_target_check(scored_accounts=accounts, **CONTEXT)
    answer = rank(accounts, best_traits=targets.learn_best_traits(scored_accounts=accounts, **CONTEXT), check=check)
    assert answer.notes["check"] is None and "fewer than 20" in answer["target_hits"].withheld


def test_accounts_level_at_the_edge_share_its_place():
    assert targets._count_top(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]), 2) == 1.5
