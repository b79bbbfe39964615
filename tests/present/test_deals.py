"""Chapter 1's deals as people see them: the finding first, plain words, and silence where nothing is known."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Period
from workbook_helpers.present import customers as show, deals as show_deals, win_model as show_wins
from workbook_helpers.steps import deals, stage_rates, win_model, win_rates

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("1.5", withheld="it needs column stage of table opportunities")
NO_DEALS = Answer("1.5", withheld="it needs table opportunities with close_date")
SPECIALIST = ("Brier", "q-value", "log-odds", "Firth", "Kaplan", "Aalen", "censored", "calibration")


@pytest.mark.parametrize("room", [show_deals, show_wins])
def test_a_withheld_answer_has_no_table_and_says_its_reason(room):
    for name in (n for n in dir(room) if n.startswith(("table_", "say_"))):
        function = getattr(room, name)
        if function.__module__ != room.__name__:
            continue
        names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
        shown = function(WITHHELD, **{n: "USD" for n in names if n == "currency"})
        assert shown is None if name.startswith("table_") else shown.text == "Not answered: it needs column stage of table opportunities.", name


def test_where_there_are_no_deals_a_section_says_so_once():
    assert show_deals.say_conversion(NO_DEALS).text == "Not answered: it needs table opportunities with close_date."
    assert show_deals.say_decisions(NO_DEALS).text == "Not answered: it needs table opportunities with close_date."
    assert [show_deals.say_ends(NO_DEALS), show_deals.say_ageing(NO_DEALS, "USD"), show_wins.say_win_traits(NO_DEALS)] == [None] * 3


def make_deals(ages, statuses, **more):
    created = pd.Timestamp("2026-01-01")
    n = len(ages)
    frame = pd.DataFrame({
        "opportunity_id": [f"D{i:02}" for i in range(n)], "account_id": [f"A{i}" for i in range(n)], "rep_id": "R1", "status": statuses,
        "amount": 1_000.0, "created_date": created, "close_date": created + pd.to_timedelta(list(ages), "D"), "stage": "Close",
    })  # fmt: skip
    return frame.assign(**more)


def test_stages_speak_of_a_leak_only_beyond_chance():
    row = {"cut": "stage", "label": "Propose", "cases_n": 50.0, "rate_share": 0.5, "low_share": 0.4, "high_share": 0.6, "team_share": 0.6}
    notes = {"leak": "Propose", "deals_n": 50, "decided_days": 90.0, "assumed": False}
    sure = Answer("1.5", pd.DataFrame([row]), notes=notes | {"beyond_chance": True})
    maybe = Answer("1.5", pd.DataFrame([row]), notes=notes | {"beyond_chance": False})
    assert show_deals.say_stages(sure).text.startswith("Most ground is lost at Propose: 50 % go on, the rest of the team 60 %")
    assert show_deals.say_stages(maybe).text.startswith("No stage leaks beyond chance")
    assert show_deals.table_stages(sure) is not None
    nothing = Answer("x", withheld="no")
    assert "Propose" in show.say_questions(sure, nothing, nothing).text
    assert "Propose" not in show.say_questions(maybe, nothing, nothing).text
    assumed = Answer("1.5", pd.DataFrame([row]), notes=notes | {"beyond_chance": False, "assumed": True})
    assert "no history of stages" in show_deals.say_stages(assumed).text


def test_what_becomes_of_deals_is_said_with_its_days():
    answer = win_rates.summarise_ends(opportunities=make_deals(range(0, 200, 10), ["won", "lost"] * 10), as_of=AS_OF)
    text = show_deals.say_ends(answer).text
    assert text.startswith("Half of the deals are decided within 100 days of their creation; half of the wins come within")
    assert "are won" in text and "still open" in text and show_deals.table_ends(answer) is not None


def test_open_deals_that_stay_too_long_are_named_with_their_money():
    frame = make_deals([30] * 6 + [300], ["won"] * 6 + ["open"])
    answer = stage_rates.rank_ageing(opportunities=frame, stage_history=None, stage_rates=None, as_of=AS_OF)
    assert show_deals.say_ageing(answer, "USD").text == "1 of 1 open deal, worth 1,000 USD, has been open longer than nine in ten won deals were."
    assert "D06" in show_deals.table_ageing(answer, "USD").html


def test_a_longer_life_of_won_deals_is_said_beside_their_touches():
    frame = make_deals([100] * 5 + [20] * 5, ["won"] * 5 + ["lost"] * 5)
    touches = pd.DataFrame({"opportunity_id": [f"D{i:02}" for i in range(10)] * 2, "activity_type": "call", "activity_date": pd.Timestamp("2026-01-05")})
    answer = deals.summarise_path(opportunities=frame, activities=touches, period=YEAR)
    assert "But won deals lived 80 days longer: a month, it is" in show_deals.say_path(answer).text
    assert "of which call" in show_deals.table_path(answer).html
    none = deals.summarise_path(opportunities=frame, activities=touches.assign(activity_type=None), period=YEAR)
    assert show_deals.say_path(none).text == "No touch is recorded on the deals of the period." and show_deals.table_path(none) is None


def make_traits(used, moved=False, rows=1):
    columns = win_model._TRAIT_COLUMNS
    table = pd.DataFrame([["lead_source", "<b>Referral", 0.5, 0.45, 0.55, 0.3, 0.2, 0.15, 0.25, 90.0, 6.0, 0.001]], columns=columns).head(rows)
    notes = {"tested_n": 9, "used": used, "moved": moved, "deals_n": 640, "horizon_days": 120.0, "refused": {"competitor": "noted on lost deals"}}
    return Answer("1.4", table.assign(own_n=3), notes=notes)


@pytest.mark.parametrize("used, moved, words", [
    (True, False, "told winners from losers better than the stage alone"), (False, False, "so it is not used"),
    (False, True, "the team's win rate moves too much"), (None, False, "Too few later deals"),
])  # fmt: skip
def test_the_use_of_the_model_is_said_in_plain_words(used, moved, words):
    shown = show_wins.say_win_traits(make_traits(used, moved))
    assert words in shown.text and shown.text.startswith("In this team deals with lead source <b>Referral (+20 points) were won more often")
    assert "Not read, because a deal's end may have written it: competitor." in shown.text
    assert not any(word in shown.text for word in SPECIALIST)
    assert "<b>" not in shown.html and "<b>" not in show_wins.table_win_traits(make_traits(used)).html


def test_without_a_trait_beyond_chance_there_is_no_table():
    answer = make_traits(False, rows=0)
    assert show_wins.table_win_traits(answer) is None
    assert show_wins.say_win_traits(answer).text.startswith("None of the 9 traits looked at goes with winning beyond chance.")


def test_no_open_deal_apart_is_shown_where_the_model_is_not_used():
    frame = make_deals([300], ["open"])
    assert show_wins.table_apart(win_model.rank_apart(opportunities=frame, accounts=None, stage_history=None, win_model=None, as_of=AS_OF), "USD") is None
