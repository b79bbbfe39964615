"""Step 1, conversion: how deals end by age, and what becomes of leads."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.steps import win_rates

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)


def make_deals(ages, statuses, rep_id="R1"):
    """Deals created on 1 January; an open one has an expected close."""
    created = pd.Timestamp("2026-01-01")
    return pd.DataFrame({
        "opportunity_id": [f"{rep_id}-{i:03}" for i in range(len(ages))], "rep_id": rep_id, "status": statuses, "created_date": created,
        "close_date": created + pd.to_timedelta(ages, "D"), "kind": "new",
    })  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2)), min_size=5, max_size=60))
def test_won_lost_and_open_add_up_and_won_and_lost_never_fall(cases):
    ages, ends = np.array([age + 0.5 for age, _ in cases]), np.array([end for _, end in cases])
    table = win_rates.estimate_incidence(ages, ends, range(0, 401, 20))
    known = table[table["at_risk_n"] > 0]
    assert (known[["won_share", "lost_share", "open_share"]].sum(axis=1).round(8) == 1).all()
    assert (known[["won_share", "lost_share"]].diff().fillna(0) >= -1e-9).all(axis=None)
    limits = known[known["low_share"].notna()]
    assert ((limits["low_share"] <= limits["won_share"] + 1e-9) & (limits["won_share"] <= limits["high_share"] + 1e-9)).all()
    all_ended = ends[ages == ages.max()].all()
    assert all_ended or table.loc[table["at_risk_n"] == 0, "won_share"].isna().all()


def test_without_open_deals_the_shares_are_plain_counts():
    ages, ends = np.arange(1.0, 11.0), np.array([1, 2] * 5)
    row = win_rates.estimate_incidence(ages, ends, [6]).iloc[0]
    assert (row["won_share"], row["lost_share"], row["open_share"], row["at_risk_n"]) == (0.3, 0.3, 0.4, 5)


def test_a_lost_deal_is_an_end_and_never_a_deal_that_may_still_be_won():
    """With lost deals taken as censored, everything would be won in the end."""
    ages, ends = np.arange(1.0, 41.0), np.array([1, 2, 2, 2] * 10)
    assert win_rates.estimate_incidence(ages, ends, [40])["won_share"].iloc[0] == pytest.approx(0.25)


def test_an_open_deal_counts_as_long_as_it_is_known_and_renewals_not_at_all():
    before = make_deals([0], "lost", "R0").assign(created_date=pd.Timestamp("2025-12-01"))  # the first known close, of a deal from earlier
    frame = pd.concat([before, make_deals([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], ["won", "lost"] * 5)])
    answer = win_rates.summarise_ends(opportunities=frame, as_of=AS_OF)
    young = make_deals([500] * 6, "open", "R2").assign(created_date=DAY - pd.Timedelta(days=3))
    renewals = make_deals([20] * 6, "won", "R3").assign(kind="renewal")
    both = win_rates.summarise_ends(opportunities=pd.concat([frame, young, renewals]), as_of=AS_OF)
    pd.testing.assert_frame_equal(answer.table, both.table)
    assert both.notes["open_n"] == 6 and both.notes["deals_n"] == 16


def test_the_team_stands_beside_and_deals_from_before_the_exports_are_left_out():
    team = pd.concat([make_deals(range(5, 45, 4), ["won", "lost"] * 5, f"R{n}") for n in range(1, 6)])
    learned = win_rates.learn_ends(opportunities=team, as_of=AS_OF, period=None, company=None)
    assert learned.empty  # all were created before the first close, and are known only because they lived
    later = team.assign(created_date=pd.Timestamp("2026-01-06"))
    learned = win_rates.learn_ends(opportunities=later, as_of=AS_OF, period=None, company=None)
    assert learned["first_date"].iloc[0] == "2026-01-06" and (learned["reps_n"] == 5).all()
    own = win_rates.summarise_ends(opportunities=later[later["rep_id"] == "R1"], as_of=AS_OF, deal_ends=learned)
    assert own.table["team_share"].tolist() == own.table["won_share"].tolist()
    assert own["half_won_days"].team_value == own["half_won_days"].value


def test_few_won_deals_withhold_every_measure():
    answer = win_rates.summarise_ends(opportunities=make_deals([0, 9, 9], ["won", "lost", "open"]), as_of=AS_OF)
    assert answer.withheld.startswith("only 1 won deal") and all(m.withheld for m in answer.measures)


def test_young_leads_wait_and_the_others_are_counted_by_source():
    created = [DAY - pd.Timedelta(days=d) for d in [200] * 10 + [5] * 10]
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(20)], "rep_id": "R1", "lead_source": ["Web", "Referral"] * 10, "created_date": created})
    leads["converted_date"] = [DAY - pd.Timedelta(days=170) if i < 10 and i % 2 else pd.NaT for i in range(20)]
    answer = win_rates.summarise_leads(leads=leads, as_of=AS_OF)
    assert answer.notes["ripe_days"] == 30
    assert answer.table[["label", "hits_n", "cases_n"]].values.tolist() == [["all", 5, 10], ["Referral", 5, 5], ["Web", 0, 5]]
    others = [leads.assign(rep_id=f"R{n}", lead_id=leads["lead_id"] + f"-{n}") for n in range(2, 6)]
    team = win_rates.learn_lead_source_rates(leads=pd.concat([leads, *others]), as_of=AS_OF, period=None, company=None)
    beside = win_rates.summarise_leads(leads=leads, as_of=AS_OF, lead_source_rates=team)
    assert beside["lead_conversion"].team_value == 0.5
    assert win_rates.summarise_leads(leads=None, as_of=AS_OF).withheld == "it needs table leads with created_date, converted_date"


def test_a_book_without_leads_says_so():
    none = pd.DataFrame({"lead_id": [], "rep_id": [], "lead_source": [], "created_date": [], "converted_date": []})
    none = none.astype({"created_date": "datetime64[ns]", "converted_date": "datetime64[ns]"})
    answer = win_rates.summarise_leads(leads=none, as_of=AS_OF)
    assert answer.withheld == "there are no leads old enough to have become a deal" and answer["lead_conversion"].value is None
