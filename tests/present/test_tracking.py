"""Chapter 6 to look at: pace and landing in words, and honest about noise."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Definition
from workbook_helpers.plan import Plan
from workbook_helpers.present import tracking as show

NO = Answer("6.1", withheld="it needs table orders")
PACE = Definition("pace", 6, "Pace", "ratio", "by hand", roll_up="ratio")
FORECAST = Definition("forecast", 6, "Year end", "money", "by hand")
GOAL = Definition("goal", 5, "Goal", "money", "by hand")
CHANCE = Definition("goal_probability", 5, "Chance", "share", "by hand")


def make_pace(ahead):
    rows = [(span, date(2026, 1, 1), date(2026, 12, 31), 100.0 + ahead, 400.0, 100.0, 1.0, ahead) for span in ("year", "quarter", "month")]
    table = pd.DataFrame(rows, columns=["span", "start", "end", "actual", "goal", "expected", "pace", "ahead"])
    return Answer("6.1", table, (PACE.measure(1.0),), {"how": "spread by days", "seasonal": False})


def make_landing(low=None, high=None):
    measure = FORECAST.measure(900.0, low=low, high=high, level=0.8, n=5)
    return Answer("6.5", pd.DataFrame({"error": [1.0]}), (measure,), {"booked": 500.0, "mean_miss": 0.1, "bias": 5.0})


def make_goal(amount=1000.0):
    return Answer("0.1", measures=(GOAL.measure(amount),))


def test_pace_in_words():
    assert "The year is 40 USD behind pace" in show.say_pace(make_pace(-40.0), "USD").text
    assert "The year is on pace" in show.say_pace(make_pace(0.0), "USD").text
    assert show.say_pace(NO, "USD").text == "Not answered: it needs table orders."


def test_landing_in_words():
    notes = {"low": 800.0, "middle": 870.0, "high": 950.0, "booked": 500.0}
    odds = Answer("5.3", measures=(CHANCE.measure(0.31),), notes=notes)
    text = show.say_landing(make_landing(1.0, 2.0), odds, make_goal(), "USD").text
    assert text == "The year lands between 800 and 950 USD in four years of five; the goal is 1,000 USD, with a chance of 31 %."
    naive = show.say_landing(make_landing(700.0, 990.0), NO, make_goal(), "USD").text
    assert "between 700 and 990 USD" in naive and "nothing could be simulated: it needs table orders" in naive
    check = show.say_crosscheck(make_landing(700.0, 990.0), "USD").text
    assert check.startswith("If the rest of the year repeats last year: 900 USD; ")
    assert "too short to give a range" in show.say_landing(make_landing(), NO, make_goal(), "USD").text
    assert "cannot be said: it needs table orders" in show.say_landing(NO, NO, make_goal(), "USD").text


def test_landing_chart_only_with_a_range():
    assert show.chart_landing(make_landing(), NO, make_goal(), "USD") is None
    axes = show.chart_landing(make_landing(800.0, 950.0), NO, make_goal(), "USD")
    assert "between 800 and 950; goal 1,000" in axes.alt


@pytest.mark.parametrize("moved", [True, False])
def test_change_is_called_change_only_beyond_noise(moved):
    rows = [
        ("all", "all", 100.0, 110.0, 10.0, -5.0, 25.0, 9, False),
        ("region", "North", 50.0, 70.0, 20.0, 10.0, 30.0, 6, moved),
    ]
    names = ["cut", "label", "before", "now", "change", "low", "high", "accounts_n", "moved"]
    answer = Answer("6.3", pd.DataFrame(rows, columns=names), notes={"looked_at": 1, "level": 0.95})
    text = show.say_change(answer, "USD").text
    assert ("North rose by 20 USD, more than noise" in text) == moved
    assert "The whole book rose by 10 USD, which is within the noise." in text
    assert show.chart_change(answer, "USD").get_xlabel() == "Change, USD"


def test_card_for_the_index_and_three_questions():
    rows = pd.DataFrame({"activity_type": ["visit"], "per_week": [2.0], "needed_per_week": [5.0], "missing_per_week": [3.0]}).assign(
        beyond_effort=True, team_per_week=2.5
    )
    behaviour = Answer("6.1", rows, notes={"days": 91})
    asked = show.ask_questions(make_pace(-40.0), behaviour, make_landing(), make_goal(), "USD")
    card = show.make_card(behaviour, asked, Plan(rep_id="R01", year=2026), date(2026, 9, 30))
    assert len(asked) == 3 and card["question"].startswith("The goal asks for 5.0 visits a week; it is 2.0: what")
    assert card["behaviours"] == (
        "The goal asks for 5.0 visits a week; it is 2.0: not reachable by effort alone; change the goal, the mix or the help."
    )
    covered = Answer("6.1", rows.assign(needed_per_week=0.0, beyond_effort=False), notes={"days": 91})
    assert "covered" in show.table_behaviour(covered).html and "0.0" not in show.table_behaviour(covered).html
    assert card["promises"] == "No promise was due yet."
    assert show.make_card(NO, asked, Plan(rep_id="R01", year=2026), date(2026, 9, 30))["behaviours"] == "not known: it needs table orders"


def test_the_question_with_the_most_money_comes_first():
    silent = {"account_name": "Ant", "sign": "silent", "silence_days": 90, "at_stake_amount": 4_000.0}
    saves = Answer("3.1", pd.DataFrame([silent]))
    late = {"account_id": "B", "amount": 9_000.0, "overdue": 1.0, "no_next_step": float("nan")}
    pipeline = Answer("2.6", pd.DataFrame([late]))
    asked = (make_pace(-40.0), NO, make_landing(), make_goal(), "USD")
    said = show.ask_questions(*asked, pipeline=pipeline, saves=saves, names={"B": "Bee"})
    assert said[0] == "The deal with Bee (9,000 USD) is past its close date: is it still alive?"
    assert said[1] == "Ant is silent for 90 days, 4,000 USD at stake: who calls, and when?"
    assert show.ask_questions(*asked, saves=saves)[0].startswith("Ant is silent")


def test_withheld_answers_have_no_table():
    for table in (
        show.table_pace(NO, "USD"),
        show.table_behaviour(NO),
        show.table_change(NO, "USD"),
        show.table_calls(NO),
    ):
        assert table is None


def test_a_year_that_ends_early_says_why_nothing_more_is_expected():
    odds = Answer("5.3", measures=(CHANCE.measure(0.0),), notes={"low": 500.0, "middle": 500.0, "high": 500.0, "booked": 500.0})
    text = show.say_landing(make_landing(), odds, make_goal(), "USD", over=True).text
    assert text.startswith("The year ends at 500 USD: nothing more is expected, because in these last days the team sold nothing")


def test_more_calls_than_planned_and_one_account_left_alone_read_well():
    calls = Answer("6.10", pd.DataFrame({"tier": ["A"], "made_n": [9], "planned_n": [4], "untouched_n": [1]}))
    assert show.say_calls(calls).text == (
        "9 calls were made in the last 365 days, 4 were planned; 1 account was not touched at all. Tier A: 9 made, 4 planned."
    )


def test_the_middle_that_is_drawn_lies_in_the_range():
    measure = Definition("forecast", 6, "Year end", "money", "").measure(127.0, low=128.0, high=141.0, n=3)
    landing, goal = Answer("6.5", measures=(measure,), notes={"booked": 54.0}), Answer("5.2", measures=(Definition("goal", 5, "Goal", "money", "").withhold("none"),))
    assert show.chart_landing(landing, NO, goal, "USD").alt == "The year lands near 128 USD, between 128 and 141; goal not known."
