"""Chapter 2 as people see it."""

import dataclasses
import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from workbook_helpers.measure import Answer
from workbook_helpers.plan import Plan
from workbook_helpers.present import swot as show
from workbook_helpers.steps import pipeline_health, swot

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("2.1", withheld="it needs table opportunities")


def make_pipeline(amounts, overdue):
    n = len(amounts)
    deals = pd.DataFrame({
        "opportunity_id": [f"D{i}" for i in range(n)], "account_id": "A", "status": "open", "stage": "Close",
        "amount": amounts, "created_date": DAY - pd.Timedelta(days=5),
        "close_date": [DAY + pd.Timedelta(days=-1 if late else 9) for late in overdue],
    })  # fmt: skip
    return pipeline_health.summarise_pipeline(opportunities=deals.astype({"close_date": "datetime64[ns]"}), as_of=AS_OF)


def make_line(**more):
    line = {"measure": "win_rate", "cut": "industry", "label": "Retail", "hits_n": 26.0, "cases_n": 63.0, "main_share": 0.1,
            "rate_share": 0.41, "team_share": 0.28, "expected_share": 0.28, "shrunk_share": 0.36, "own_value": 0.41, "low_value": 0.3,
            "high_value": 0.53, "team_value": 0.28, "amount": 120_000.0, "better": True, "p_value": 0.001, "q_value": 0.01}  # fmt: skip
    return pd.DataFrame([line | more])


def judge(lines, said=(), quadrant="strength", value="own_value"):
    return swot.judge_lines(lines=lines, value=value, said=said, quadrant=quadrant)


def text_of(shown):
    return re.sub(r"<[^>]+>", " ", str(shown.html))


@pytest.mark.parametrize("question", ["2.1", "2.2", "2.3", "2.4"])
def test_a_withheld_quadrant_says_its_reason_and_shows_no_table(question):
    withheld = Answer(question, withheld="it needs table opportunities")
    judged = judge(withheld)
    assert show.say_lines(judged, withheld, "USD").text == "Not answered: it needs table opportunities."
    assert show.table_lines(judged, "USD") is None


@pytest.mark.parametrize("name", ["say_pipeline", "say_channels"])
def test_a_withheld_answer_says_its_reason(name):
    arguments = ("USD",) if name == "say_pipeline" else ()
    assert getattr(show, name)(WITHHELD, *arguments).text == "Not answered: it needs table opportunities."


def test_a_withheld_answer_shows_nothing():
    assert show.table_warnings(WITHHELD, "USD") is None and show.table_channels(WITHHELD) is None
    assert show.table_pipeline(WITHHELD, None, "USD") is None


def test_a_line_of_the_swot_is_a_sentence_of_its_numbers_with_its_id_and_verdict():
    answer = swot.summarise_strengths(evidence=make_line())
    text = text_of(show.table_lines(judge(answer), "USD"))
    assert "Wins 41 % of deals with industry Retail where the team wins 28 %; 63 deals; worth about 120,000 USD a year." in text
    assert "win_rate[industry=Retail]" in text and "not judged yet" in text
    said = show.say_lines(judge(answer), answer, "USD").text
    assert said == "1 of 1 comparison with the team shows a strength beyond chance; the largest is about 120,000 USD a year."
    one = swot.summarise_strengths(evidence=make_line(main_share=0.9))
    assert show.table_lines(judge(one), "USD") is None
    assert "1 more rests mostly on one account." in show.say_lines(judge(one), one, "USD").text


def test_the_reps_words_stand_in_place_of_ours_and_rejected_lines_below():
    answer = swot.summarise_strengths(evidence=make_line())
    line = {"quadrant": "strength", "evidence": "win_rate[industry=Retail]", "evidence_value": 0.8, "text": "<b>My shops</b>", "verdict": "edited"}
    text = text_of(show.table_lines(judge(answer, [SimpleNamespace(**line)]), "USD"))
    assert "&lt;b&gt;My shops" in text and "edited; evidence has changed since" in text and "Wins 41" not in text
    rejected = judge(answer, [SimpleNamespace(**line | {"verdict": "rejected"})])
    assert show.table_lines(rejected, "USD") is None
    assert "Rejected by the rep: <b>My shops</b>." in show.say_lines(rejected, answer, "USD").text


@pytest.mark.parametrize("measure", list(show.MEASURES))
def test_every_measure_has_its_sentence_and_its_name(measure):
    evidence = make_line(measure=measure, cut="industry", amount=np.nan)
    assert "Retail" in show._say_evidence(next(evidence.itertuples()), "USD") and measure in show._NAMES
    assert "a year" not in show._say_evidence(next(evidence.itertuples()), "USD").replace("another year", "")


def test_chance_is_called_chance():
    answer = swot.summarise_strengths(evidence=make_line(q_value=0.2))
    assert show.say_lines(judge(answer), answer, "USD").text.startswith(
        "No strength stands out beyond what chance explains. 1 comparison with the team was made."
    )
    assert "may be chance" in show.table_evidence(make_line(q_value=0.2), "USD").html
    assert show.table_evidence(make_line().head(0), "USD") is None


def test_how_to_answer_shows_a_line_that_the_plan_reads():
    answer = swot.summarise_strengths(evidence=make_line(label='Say "X"'))
    text = show.say_how_to_answer([judge(answer)], AS_OF).text
    plan = Plan(rep_id="R1", year=2026, swot=[YAML(typ="safe").load(text[text.index("{") :])])
    assert judge(answer, plan.swot).table["verdict"].tolist() == ["accepted"]
    assert "Every line that stands has a verdict" in show.say_how_to_answer([judge(answer, plan.swot)], AS_OF).text


def make_threat(**more):
    line = {"evidence": "competitor[Z]", "kind": "rival", "cut": "competitor", "label": "Z", "value": 0.2, "n": 50, "amount": 9_000.0,
            "names": ("D1",), "share": 0.5, "other_share": 0.1, "where": "OH", "won_share": 0.2, "others_share": 0.4, "lost_only": False}  # fmt: skip
    return Answer("2.4", pd.DataFrame([line | more]), notes={"tested_n": 3})


def test_a_rival_noted_on_lost_deals_only_is_said_to_be_so():
    both, lost = (text_of(show.table_lines(judge(make_threat(lost_only=only), quadrant="threat", value="value"), "USD")) for only in (False, True))
    assert "20 % of these 50 deals won, 40 % against others" in both and "most of them in OH" in both
    assert "noted on lost deals only" in lost and "won," not in lost


@pytest.mark.parametrize("kind", ["dependence", "slipping", "silent", "falling", "loss reason"])
def test_every_threat_has_its_sentence(kind):
    text = text_of(show.table_lines(judge(make_threat(kind=kind, n=1), quadrant="threat", value="value"), "USD"))
    assert "9,000 USD" in text and "nan" not in text


@pytest.mark.parametrize("kind", ["coverage", "growth", "idle", "unsold"])
def test_every_opportunity_names_its_accounts(kind):
    line = make_threat(kind=kind, cut="city", label="Bangor", names=("A", "B"), n=5).table
    text = text_of(show.table_lines(judge(Answer("2.3", line), quadrant="opportunity", value="value"), "USD"))
    assert "A, B and 3 more" in text and "ity Bangor" in text


def test_moves_are_sentences_that_name_whom_to_begin_with():
    move = {"pair": "so", "move": "grow", "inside": "win_rate[industry=Lab]", "outside": "white_space", "measure": "win_rate", "cut": "industry",
            "label": "Lab", "outside_kind": "idle", "outside_label": "all", "names": ("Elm Clinic", "Oak Clinic"), "amount": 9.0, "verdict": "open",
            "said": "", "origin": "data"}  # fmt: skip
    notes = {"rejected": (), "inside_n": 1}
    answer = Answer("2.5", pd.DataFrame([move]), notes=notes)
    assert "Take what works in industry Lab to Elm Clinic and Oak Clinic." in text_of(show.table_moves(answer, "USD"))
    assert show.say_moves(answer).text == "1 move follows from lines that stand."
    for name in ("first", "help", "use", "visit", "broaden", "settle"):
        assert "Elm Clinic" in text_of(show.table_moves(Answer("2.5", pd.DataFrame([move | {"move": name}]), notes=notes), "USD"))
    none = Answer("2.5", pd.DataFrame(columns=list(move)), notes=notes | {"inside_n": 0})
    assert show.table_moves(none, "USD") is None and "no strength or weakness stands" in show.say_moves(none).text


def test_channels_are_touches_per_won_deal_beside_the_team():
    table = pd.DataFrame({"label": ["call", "visit"], "touches_n": [20.0, 10.0], "per_won": [2.0, 1.0], "team_per_won": [2.1, 0.5]})
    answer = Answer("2.1", table, notes={"won_n": 10})
    assert "visit is used more than in the team (1.0 against 0.5)" in show.say_channels(answer).text
    assert "How 10 deals of three years were won." in show.table_channels(answer).html


def test_the_pipeline_says_its_largest_warning_and_what_was_not_checked():
    text = show.say_pipeline(make_pipeline([75.0, 25.0], [True, False]), "USD").text
    assert text.startswith(
        "75 % of the pipeline is in deals past their close date. 2 deals are open, 100 USD; 1 without"
    )
    assert "Not checked: without a next step (it needs column next_step of table opportunities)" in text
    assert show.say_pipeline(make_pipeline([], []), "USD").text == "No deal is open."  # nothing to check, so nothing is missing
    assert show.table_warnings(make_pipeline([], []), "USD") is None


def test_tables_of_the_pipeline():
    answer = make_pipeline([75.0, 25.0], [True, False])
    assert "past their close date" in show.table_warnings(answer, "USD").html
    accounts = pd.DataFrame({"account_id": ["A"], "account_name": ["<i>Alpha"]})
    html = show.table_pipeline(answer, accounts, "USD").html
    assert "&lt;i&gt;Alpha" in html and "D1" not in html
    assert show.table_pipeline(make_pipeline([1.0], [False]), None, "USD") is None


def test_questions_are_three():
    nothing = Answer("x", withheld="no")
    pipeline = make_pipeline([75.0], [True])
    full = show.say_questions(swot.summarise_strengths(evidence=make_line()), nothing, pipeline).text
    assert full.count("•") == 3 and "Retail" in full and "D0" in full
    assert show.say_questions(nothing, nothing, nothing).text.count("•") == 3


def test_a_deal_pushed_again_says_how_often():
    answer = make_pipeline([75.0], [True])
    again = dataclasses.replace(answer, table=answer.table.assign(pushed=1.0, pushes_n=3.0))
    assert "pushed 3 times" in show.table_pipeline(again, None, "USD").html


def test_a_comparison_beyond_chance_that_is_no_line_says_why():
    lines = pd.concat([make_line(), make_line(main_share=0.9, label="A"), make_line(team_value=0.4, label="B"), make_line(q_value=0.3, label="C")])
    said = text_of(show.table_evidence(lines, "USD"))
    assert "by one account" in said and "near the team" in said and "may be chance" in said
