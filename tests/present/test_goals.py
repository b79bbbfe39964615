"""Chapter 5 to look at: the headline says what the numbers say, and withheld answers give their reason."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Definition, Period
from workbook_helpers.plan import Plan
from workbook_helpers.present import goals as show

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
NAN = float("nan")
NO = Answer("5.3", withheld="there is no past")


def define(name, unit="money"):
    return Definition(name, 5, name.replace("_", " "), unit, "by hand")


def make_goal(goal, booked):
    measures = [define("goal").measure(goal, period=YEAR) if goal is not None else define("goal").withhold("nobody says", period=YEAR)]
    measures += [define("quota").measure(900.0), define("booked_amount").measure(booked)]
    return Answer("0.1", measures=tuple(measures))


def make_ladder(gap, *, expected=0.0, lost=()):
    rows = pd.DataFrame({"rung": ["booked", "likely", "unidentified"], "amount": [300_000.0, 100_000.0, gap], "n": [3, 1, None]})
    measures = (define("unidentified_amount").measure(gap), define("expected_gap").measure(expected))
    return Answer("5.2", rows, measures, {"counted_as_nothing": lost, "surplus": 0.0})


def test_the_headline_says_what_is_needed_and_what_has_no_source():
    text = show.say_headline(make_goal(712_000.0, 300_000.0), NO, make_ladder(122_000.0), "USD").text
    assert text == "You need 412,000 USD more; 122,000 USD of it has no source yet."


def test_the_headline_does_not_comfort_where_nothing_is_expected():
    text = show.say_headline(make_goal(712_000.0, 300_000.0), NO, make_ladder(0.0, expected=50_000.0), "USD").text
    assert "all of it has a source, but 50,000 USD of it is not expected to come" in text


def test_the_headline_takes_what_is_not_expected_from_the_simulation():
    chance = Answer("5.3", notes={"middle": 650_000.0})
    ladder = make_ladder(122_000.0, expected=99_000.0)
    text = show.say_headline(make_goal(712_000.0, 300_000.0), NO, ladder, "USD", chance=chance).text
    assert text == "You need 412,000 USD more; 62,000 USD of it is not expected to come; 122,000 USD of it has no source yet."


def test_a_rep_who_has_left_must_win_nothing():
    goal, ladder = make_goal(712_000.0, 300_000.0), make_ladder(122_000.0)
    text = show.say_headline(goal, NO, ladder, "USD", left=date(2026, 3, 31)).text
    assert text == "300,000 USD booked until 31 Mar 2026, when the rep left; the book is handed over."


def test_the_headline_without_a_goal_says_where_to_write_it():
    text = show.say_headline(make_goal(None, 300_000.0), NO, make_ladder(0.0), "USD").text
    assert text.startswith("No goal or quota is known. Booked so far: 300,000 USD. Write the goal into the plan")


def test_the_headline_of_a_goal_that_is_met():
    text = show.say_headline(make_goal(200_000.0, 300_000.0), NO, make_ladder(0.0), "USD").text
    assert text == "The goal of 200,000 USD is met, with 100,000 USD on top."


def test_what_counts_as_nothing_is_named():
    text = show.say_headline(make_goal(712_000.0, 0.0), NO, make_ladder(1.0, lost=("Flow to come",)), "USD").text
    assert "Flow to come cannot be told and counts as nothing." in text


def test_the_ladder_is_a_chart_with_alternative_text():
    axes = show.chart_ladder(make_ladder(122_000.0), make_goal(712_000.0, 300_000.0), "USD")
    parts = "Booked 300,000; Likely 100,000; No source yet 122,000; goal 712,000"
    assert axes.alt == f"122,000 USD of the goal has no source yet: {parts}"
    assert axes.get_xlabel() == "Amount, USD"


@pytest.mark.parametrize(
    "function",
    [
        show.table_levers,
        show.table_needs,
        show.table_assumptions,
        show.table_moves,
        show.table_accounts,
        show.table_deals,
    ],
)
def test_a_withheld_answer_has_no_table(function):
    assert function(NO, "USD") is None


def test_a_withheld_answer_says_why():
    for said in (
        show.say_chance(NO),
        show.say_levers(NO),
        show.say_moves(NO, "USD"),
        show.say_needs(NO, "USD"),
        show.say_assumptions(NO),
    ):
        assert said.text == "Not answered: there is no past."


def make_chance(value, table=None):
    columns = ["lever", "change", "amount", "chance", "record", "more"]
    table = pd.DataFrame([] if table is None else table, columns=columns)
    return Answer("5.3", table, (define("goal_probability", "share").measure(value),), {"windows_n": 3})


def test_levers_in_words():
    shown = show.table_levers(make_chance(0.4, [("pipeline", 3.0, 9e4, 0.81, 9.0, 0.3), ("size", NAN, NAN, 0.79, 2e4, NAN)]), "USD")
    assert "3 more deals created now, 90,000 USD in all (you create 9 a quarter)<" in shown.html
    assert "cannot do it alone: even if every deal were twice as large, the chance is only 79 %" in shown.html
    hard = show.table_levers(make_chance(0.4, [("pipeline", 30.0, 9e5, 0.81, 9.0, 3.3)]), "USD")
    assert "(you create 9 a quarter): not realistic alone" in hard.html
    assert show.table_levers(make_chance(0.9), "USD") is None and "four in five or better" in show.say_levers(make_chance(0.9)).text


def test_names_of_accounts_are_escaped():
    rows = pd.DataFrame(
        {
            "kind": ["save"],
            "account_id": ["A"],
            "what": ["<script>x</script>"],
            "expected_amount": [1.0],
            "sum_amount": [1.0],
        }
    )
    shown = show.table_moves(Answer("5.14", rows, notes={"expected": 1.0, "shortfall": 2.0, "enough": None}), "USD")
    assert "<script>" not in shown.html and "&lt;script&gt;" in shown.html


def make_plan():
    actions = [
        {"id": "a1", "what": "demo", "due": "2026-09-01"},
        {"id": "a2", "what": "visit", "due": "2026-10-05"},
        {"id": "a3", "what": "fair", "due": "2027-03-01"},
    ]
    return Plan(rep_id="R01", year=2026, actions=actions)


def test_actions_of_the_month_and_what_is_late():
    shown = show.table_actions(make_plan(), date(2026, 9, 30))
    assert "demo" in shown.html and "visit" in shown.html and "fair" not in shown.html
    assert show.say_promises(make_plan(), date(2026, 9, 30)).text == "1 promised: 1 open past the date."
    assert show.table_actions(Plan(rep_id="R01", year=2026), date(2026, 9, 30)) is None


def test_three_questions_always():
    asked = show.ask_questions(make_goal(712_000.0, 0.0), make_ladder(122_000.0), make_chance(0.4), NO, "USD")
    assert len(asked) == 3 and "122,000 USD" in asked[0]
    assert len(show.ask_questions(make_goal(None, 0.0), make_ladder(0.0), NO, NO, "USD")) == 3
