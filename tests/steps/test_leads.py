"""Step 3, leads: who is qualified, what that is worth, and what to do by when."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from workbook_helpers.steps import leads

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)


def make_leads(n=20, **more):
    """The first half qualified, of which every second converted after ten days; the others never."""
    frame = pd.DataFrame({
        "lead_id": [f"L{i:02}" for i in range(n)], "rep_id": [f"R{i % 4}" for i in range(n)], "account_id": [f"A{i:02}" for i in range(n)],
        "created_date": DAY - pd.Timedelta(days=200), "lead_source": "Web", "wants_it": "yes", "uses_it_well": ["yes"] * (n // 2) + ["no"] * (n - n // 2),
        "event_date": DAY + pd.Timedelta(days=30),
        "converted_date": [DAY - pd.Timedelta(days=190) if i < n // 2 and i % 2 else pd.NaT for i in range(n)],
    })  # fmt: skip
    return frame.assign(**more)


def rows(answer):
    return answer.table.set_index(["cut", "label"])


def test_qualified_leads_stand_beside_the_others_in_all_and_by_source():
    table = rows(leads.summarise_leads(leads=make_leads(), as_of=AS_OF))
    assert table.loc[("qualification", "qualified"), ["hits_n", "cases_n", "rate_share"]].tolist() == [5.0, 10.0, 0.5]
    assert table.loc[("lead_source, not qualified", "Web"), ["hits_n", "cases_n", "rate_share"]].tolist() == [0.0, 10.0, 0.0]
    assert table.loc[("qualification", "qualified"), "low_share"] > 0


def test_a_lead_too_young_to_have_converted_does_not_count():
    young = make_leads().assign(created_date=[DAY - pd.Timedelta(days=200)] * 10 + [DAY] * 10)
    answer = leads.summarise_leads(leads=young, as_of=AS_OF)
    assert answer.table["cases_n"].max() == 10 and answer.notes["leads_n"] == 20 and answer.notes["decided_days"] == 10


def test_what_happens_later_changes_nothing():
    later = make_leads(converted_date=DAY + pd.Timedelta(days=1))
    never = make_leads(converted_date=pd.NaT).astype({"converted_date": "datetime64[ns]"})
    one, two = (leads.summarise_leads(leads=frame, as_of=AS_OF) for frame in (later, never))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_a_won_deal_counts_once_and_only_soon_after_the_conversion():
    deals = pd.DataFrame({
        "opportunity_id": ["D1", "D2", "D3", "D4"], "account_id": ["A01", "A01", "A03", "A00"], "status": ["won", "won", "lost", "won"],
        "created_date": [DAY - pd.Timedelta(days=d) for d in (190, 20, 190, 190)], "close_date": DAY, "amount": [100.0, 900.0, 50.0, 70.0],
    })  # fmt: skip
    answer = leads.summarise_leads(leads=make_leads(), as_of=AS_OF, opportunities=deals)
    assert rows(answer).loc[("qualification", "qualified"), "won_amount"] == 10.0
    assert rows(answer).loc[("qualification", "not qualified"), "won_amount"] == 0.0


def test_the_team_stands_beside_without_this_rep():
    team = leads.learn_lead_rates(leads=make_leads(40), as_of=AS_OF, period=None, company=None)
    own = make_leads(40)
    own = own[own["rep_id"] == "R1"]
    table = rows(leads.summarise_leads(leads=own, as_of=AS_OF, lead_rates=team))
    assert table.loc[("qualification", "qualified"), ["cases_n", "team_cases_n"]].tolist() == [5.0, 15.0]


def test_the_plan_goes_before_the_lead_and_open_ones_are_listed_by_date():
    unknown = make_leads(6, wants_it=None, uses_it_well=None, event_date=pd.NaT, converted_date=pd.NaT)
    unknown = unknown.astype({"event_date": "datetime64[ns]", "converted_date": "datetime64[ns]"})
    assert "qualification in the plan" in leads.summarise_leads(leads=unknown, as_of=AS_OF).withheld
    said = {"L02": SimpleNamespace(wants_it=True, uses_it_well=True, event_date=date(2026, 10, 9)),
            "L04": SimpleNamespace(wants_it=None, uses_it_well=None, event_date=date(2026, 10, 2)), "none": SimpleNamespace()}  # fmt: skip
    names = pd.DataFrame({"account_id": ["A02"], "account_name": ["Ant"]})
    answer = leads.summarise_leads(leads=unknown, as_of=AS_OF, said=said, accounts=names)
    assert answer.notes["to_do"][["lead_id", "signs_n"]].values.tolist() == [["L02", 3], ["L04", 1]]
    assert answer.notes["to_do"]["account_name"].tolist()[0] == "Ant" and answer.notes["asked_n"] == 4
    assert rows(answer).loc[("qualification", "qualified"), "cases_n"] == 1


def test_few_or_no_leads_are_said():
    assert leads.summarise_leads(leads=None, as_of=AS_OF).withheld.startswith("it needs table leads")
    assert leads.summarise_leads(leads=make_leads(20).head(0), as_of=AS_OF).withheld
    assert "old enough" in leads.summarise_leads(leads=make_leads(4), as_of=AS_OF).withheld
    assert leads.learn_lead_rates(leads=None, as_of=AS_OF, period=None, company=None).empty


def test_rates_know_no_order_and_change_nothing_given():
    frame = make_leads()
    before = frame.copy()
    one = leads.summarise_leads(leads=frame, as_of=AS_OF).table
    pd.testing.assert_frame_equal(one, leads.summarise_leads(leads=frame.iloc[::-1], as_of=AS_OF).table)
    pd.testing.assert_frame_equal(frame, before)
    assert one.loc[0, "rate_share"] == pytest.approx(0.5)
