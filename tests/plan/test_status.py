"""Complete, current, signed, kept: by the dates in the file, never later than the as-of date."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.plan import (
    Plan,
    compare_plans,
    is_signed,
    load_plan,
    plan_age_days,
    promises,
    save_plan,
    sign_plan,
    signed_by,
    summarise_completeness,
    take_as_of,
)

DAY = date(2026, 4, 30)


def full_plan() -> Plan:
    return Plan(
        rep_id="R01",
        year=2026,
        vision="North",
        goal={"amount": 1, "why": "growth"},
        core_values=["keep your word"],
        works_best="in person",
        pains=[{"pain": "late supply"}],
        stopped=[{"text": "price"}],
        threats=["a new rival"],
        swot=[
            {"id": f"s{n}", "quadrant": q, "verdict": "accepted"}
            for n, q in enumerate(("strength", "weakness", "opportunity"))
        ],
        market={"definition": "clinics", "unique": ["delivery"]},
        territory_rating={"value": "high"},
        assumptions={"attrition_share": 0.0, "mean_won_amount": 9, "win_rate": 0.3, "cycle_days": 60},
        pursue=["clinics"],
        leave=["schools"],
        coverage={"calls_by_tier": {"A": 24}},
        targets=[{"account_id": "A1"}],
        obstacles=[{"what": "snow"}],
        initiatives=[{"what": "demo days"}],
        crew=[{"who": "Ana"}],
        actions=[{"id": f"a{n}", "what": "call", "due": "2026-05-01", "metric": "held"} for n in range(3)],
    )


def test_a_full_plan_that_both_signed_is_complete():
    plan = full_plan()
    for who in ("rep", "manager"):
        plan = sign_plan(plan, who=who, on=date(2026, 2, 12))
    assert summarise_completeness(plan, DAY)["missing"].tolist() == [""] * 12
    assert summarise_completeness(plan, date(2026, 2, 1)).iloc[-1].tolist() == [
        "Signature",
        False,
        "the rep's signature and the manager's signature",
    ]


def test_what_is_missing_is_said_in_words():
    plan = full_plan()
    plan.goal.why = ""
    plan.actions[1].metric = ""
    plan.threats = []
    said = summarise_completeness(plan, DAY).set_index("section")["missing"]
    assert said["Goal"] == "why" and said["Strengths and threats"] == "an accepted threat"
    assert said["Actions"] == "what, owner, due date or metric of a1"


def test_a_signature_holds_until_the_content_changes_and_through_a_save(tmp_path):
    signed = sign_plan(full_plan(), who="rep", on=date(2026, 2, 12))
    save_plan(tmp_path, signed, saved_on=date(2026, 2, 12))
    again = load_plan(tmp_path, "R01", 2026)
    assert signed_by(again, DAY) == ["rep"] and not is_signed(again, DAY, who="manager")
    again.comments.append({"who": "manager", "date": "2026-03-01", "text": "good"})
    again.actions[0].status = "done"
    assert is_signed(again, DAY)
    again.goal.amount = 2
    assert not is_signed(again, DAY)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["motto", "mood"]), st.integers() | st.booleans() | st.dates() | st.text("ab1.é"))
)
def test_a_signature_over_unknown_keys_survives_a_save(tmp_path_factory, unknown):
    plan = sign_plan(Plan(rep_id="R01", year=2026, **unknown), who="rep", on=date(2026, 2, 12))
    company = tmp_path_factory.mktemp("signed")
    save_plan(company, plan)
    assert signed_by(load_plan(company, "R01", 2026), DAY) == ["rep"]


def test_age_counts_from_the_last_save_signature_or_review_known_on_the_day():
    plan = Plan(
        rep_id="R01",
        year=2026,
        saved="2026-06-01",
        reviews=[{"date": "2026-04-08"}, {"date": "2026-07-08"}],
        signed=[{"who": "rep", "date": "2026-02-12", "sha256": "x"}],
    )
    assert [plan_age_days(plan, day) for day in (date(2026, 1, 1), date(2026, 2, 22), date(2026, 4, 10))] == [
        None,
        10,
        2,
    ]


def test_entries_dated_later_than_the_day_are_as_if_not_written():
    plan = Plan(
        rep_id="R01", year=2026, wrong_data=[{"table": "orders", "id": "7", "wrong": "twice", "date": "2026-05-01"}]
    )
    assert take_as_of(plan, DAY).wrong_data == [] and len(plan.wrong_data) == 1


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ({"due": "2026-04-30"}, "broken"),
        ({"due": "2026-04-30", "status": "done"}, "kept"),
        ({"due": "2026-04-30", "done": "2026-04-29"}, "kept"),
        ({"due": "2026-04-20", "done": "2026-04-29"}, "late"),
        ({"due": "2026-04-20", "done": "2026-05-02", "status": "done"}, "broken"),
        ({"due": "2026-04-20", "status": "dropped"}, "dropped"),
        ({"due": "2026-05-01"}, None),
    ],
)
def test_a_promise_is_judged_by_the_day(action, state):
    plan = Plan(rep_id="R01", year=2026, actions=[{"id": "a1"} | action])
    assert promises(plan, DAY)["state"].tolist() == ([state] if state else [])


def test_a_review_settles_a_promise_only_once_it_was_held():
    plan = Plan(
        rep_id="R01",
        year=2026,
        actions=[{"id": "a1", "due": "2026-04-01"}],
        reviews=[{"date": "2026-04-08", "promised": ["a1", "a9"], "kept": ["a1"]}],
    )
    assert promises(plan, date(2026, 4, 7))["state"].tolist() == ["broken"]
    assert promises(plan, DAY)[["action_id", "state"]].values.tolist() == [["a1", "kept"], ["a9", "broken"]]


def test_no_promises_is_a_frame_without_rows():
    assert list(promises(Plan(rep_id="R01", year=2026), DAY).dtypes.astype(str))[3] == "datetime64[ns]"


def test_two_plans_are_compared_field_by_field_whatever_the_order_of_entries():
    old, new = full_plan(), full_plan()
    new.actions = new.actions[::-1]
    assert compare_plans(old, new).empty
    new.actions[0].due = date(2026, 6, 1)
    new.pursue.append("labs")
    new.reviews = [{"date": "2026-04-08", "kept": ["a1"]}]
    assert compare_plans(old, new).values.tolist() == [
        ["pursue", None, "labs"],
        ["actions[a2].due", "2026-05-01", "2026-06-01"],
        ["reviews", None, "date 2026-04-08, kept a1"],
    ]
