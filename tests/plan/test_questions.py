"""Every question that asks people has a named place in the plan, and the list in the docs knows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbook_helpers.plan import ASKED, ManagerPlan, Plan, PrivatePlan, find_answers, say_answer
from workbook_helpers.plan.model import Part
from workbook_helpers.plan.questions import split_field

ROW = re.compile(r"\| (?P<id>[0-9MT]+\.\d+) \| (?P<who>[^|]+) \| (?P<question>[^|]+) \| (?P<where>[^|]+) \|")


def read_questions() -> dict[str, re.Match[str]]:
    text = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
    return {row["id"]: row for row in ROW.finditer(text)}


def test_the_list_is_whole():
    ids = read_questions()
    steps = {"0": 2, "1": 11, "2": 6, "3": 7, "4": 9, "5": 17, "6": 11, "M": 9, "T": 8}
    assert set(ids) == {f"{step}.{n}" for step, count in steps.items() for n in range(1, count + 1)}


def test_exactly_the_questions_that_ask_people_have_fields():
    asking = {question for question, row in read_questions().items() if "you" in row["who"]}
    assert asking == set(ASKED)


@pytest.mark.parametrize("question", ASKED)
def test_each_field_exists_and_the_docs_name_it(question):
    where = read_questions()[question]["where"]
    for field in ASKED[question].fields:
        model, keys = split_field(field)
        for key in keys:
            assert key in model.model_fields, f"{question}: no field {field}"
            inner = model.model_fields[key].annotation
            model = inner if isinstance(inner, type) and issubclass(inner, Part) else Part
        assert any(f"`{name}`" in where for name in (".".join(keys), keys[0])), f"{question}: {field}"


@pytest.mark.parametrize("question", ASKED)
def test_an_empty_plan_answers_nothing_and_has_a_place_for_it(question):
    plans = [cls(rep_id="R01", year=2026) for cls in (Plan, PrivatePlan, ManagerPlan)]
    assert [say_answer(plan, question) for plan in plans] == [[], [], []]
    answers = [answer for plan in plans for answer in find_answers(plan, question).values()]
    assert len(answers) == len(ASKED[question].fields) and not any(answers)


def test_what_is_private_never_answers_for_the_shared_plan():
    shared, private = Plan(rep_id="R01", year=2026), PrivatePlan(rep_id="R01", year=2026, income={"this_year": 90_000})
    assert say_answer(shared, "5.1") == [] and say_answer(private, "5.1") == ["This year 90,000"]


def test_each_swot_question_has_its_own_quadrant():
    plan = Plan(rep_id="R01", year=2026, swot=[{"id": "s1", "quadrant": "Threat", "text": "rival"}])
    assert say_answer(plan, "2.1") == [] and say_answer(plan, "2.4") == ["rival (threat)"]


def test_answers_are_said_as_they_were_typed():
    plan = Plan(
        rep_id="R01",
        year=2026,
        market={"definition": "<b>clinics</b>", "unique": ["=1+1"]},
        actions=[{"id": "a1", "what": "call", "due": "2026-03-15"}],
        coverage={"calls_by_tier": {"A": 24, "B": 2.5}},
        conversions=[{"stage": "Propose", "from_share": 0.3, "to_share": 0.35}],
    )
    assert say_answer(plan, "3.5") == ["Definition: <b>clinics</b>", "Unique: =1+1"]
    assert say_answer(plan, "5.8") == ["call (due 15 Mar 2026)", "Propose (from 30 %, to 35 %)"]
    assert say_answer(plan, "5.9") == ["Calls by tier A 24, B 2.5"]


def test_lines_of_the_swot_and_their_pairs_are_small_sentences():
    lines = [{"id": "s1", "quadrant": "strength", "text": "Care homes", "evidence": "revenue[industry=Care home]", "verdict": "accepted"}]
    pairs = [{"id": "p1", "pair": "st", "lines": ["s1", "s4"], "text": "Grow"}]
    plan = Plan(rep_id="R01", year=2026, swot=lines, pairings=pairs)
    assert say_answer(plan, "2.1") == ["Care homes (strength, from revenue, industry Care home, accepted)"]
    assert say_answer(plan, "2.5") == ["Grow (strength with threat)"]
