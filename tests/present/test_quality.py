"""Chapter 4 to look at: the grade with how sure it is, and the load beside the team without a name."""

import pandas as pd

from workbook_helpers.measure import Answer, Definition
from workbook_helpers.present import quality as show

NO = Answer("4.3", withheld="fewer than five reps")
INDEX = Definition("workload_index", 4, "Workload index", "ratio", "by hand")


def make_grade():
    table = pd.DataFrame(
        {
            "component": ["potential", "workload"], "name": ["Potential", "Workload"], "unit": ["money", "hours"],
            "value": [9.0, 8.0], "team_median": [5.0, 5.0], "rank_share": [0.9, 0.2], "weight": [0.6, 0.4],
        }
    )  # fmt: skip
    return Answer("4.3", table, notes={"grade": "high", "sure": 0.87, "not_known": ("Win rate, shrunk",)})


def test_grade_says_how_sure_and_what_the_rep_thinks():
    text = show.say_grade(make_grade(), "low").text
    assert "of high value; 87 % of other weightings agree" in text and "best in potential and worst in workload" in text
    assert "The rep's own rating is low, which does not agree" in text
    assert "100 % is best" in show.table_grade(make_grade(), "USD").html


def test_load_beside_the_team():
    notes = {
        "hours": 1500.0,
        "selling_hours": 1000.0,
        "load_share": 1.5,
        "reps_needed": 1.5,
        "unplaced_n": 0,
        "cv": 0.2,
        "gini": 0.1,
        "max_deviation": 0.4,
    }
    answer = Answer("4.5", pd.DataFrame(), (INDEX.measure(1.25),), notes)
    text = show.say_load(answer).text
    assert (
        "1,500 hours a year, 150 % of the 1,000 selling hours" in text and "25 % more than the mean of the team" in text
    )
    assert "Gini 0.10" in show.say_balance(answer).text


def test_funnel_chart_has_alternative_text():
    table = pd.DataFrame(
        {"part": ["deals created", "deals won"], "cases_n": [3, 1], "amount": 1.0, "team_n": [6.0, float("nan")]}
    )
    axes = show.chart_funnel(Answer("4.2", table, notes={"fed": None, "starved": "deals created"}))
    assert "Deals created starves most (3 against 6 in the team)" in axes.alt and axes.get_xlabel() == "Cases"


def test_withheld_answers_say_why():
    assert show.chart_funnel(NO) is None and show.table_grade(NO, "USD") is None and show.table_load(NO) is None
    assert (
        show.say_grade(NO).text
        == show.say_load(NO).text
        == show.say_fit(NO).text
        == "Not answered: fewer than five reps."
    )


def test_three_questions_always():
    assert len(show.ask_questions(NO, NO, NO, None)) == 3
    assert "You call the territory low" in show.ask_questions(NO, make_grade(), NO, "low")[0]
