"""Step 2: stages, evidence against chance, and the health of the pipeline."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.steps import pipeline_health, stage_rates, swot

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
STAGES = ("Qualify", "Propose", "Close")
COMPANY = type("Settings", (), {"stages": STAGES})


def make_path(reached, rep_id="R1", days_ago=300):
    """Deals that reached these stages (won: all), and their history; entered on the day of creation and after."""
    n = len(reached)
    deals = pd.DataFrame({
        "opportunity_id": [f"{rep_id}-{i:03}" for i in range(n)], "rep_id": rep_id, "account_id": "A",
        "status": ["won" if r == "won" else "lost" for r in reached], "amount": 10.0,
        "created_date": DAY - pd.Timedelta(days=days_ago), "close_date": DAY - pd.Timedelta(days=days_ago - 30),
    })  # fmt: skip
    rows = []
    for deal, stage in zip(deals["opportunity_id"], reached, strict=True):
        for k, name in enumerate(STAGES[: len(STAGES) if stage == "won" else STAGES.index(stage) + 1]):
            rows.append((deal, name, DAY - pd.Timedelta(days=days_ago - 5 * k)))
    return deals, pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_date"])


def make_pipeline():
    return pd.DataFrame({
        "opportunity_id": ["a", "b", "c"], "account_id": ["A", "B", "C"], "status": "open", "stage": "Propose",
        "amount": [100.0, 50.0, np.nan], "created_date": DAY - pd.Timedelta(days=90), "state_known": True,
        "close_date": [DAY - pd.Timedelta(days=1), DAY, pd.NaT], "next_step": [None, "call", "call"],
    })  # fmt: skip


def test_stage_conversion_by_hand():
    deals, history = make_path(["won"] * 4 + ["Propose"] * 4 + ["Qualify"] * 2)
    answer = stage_rates.summarise_stage_conversion(opportunities=deals, stage_history=history, stages=STAGES, as_of=AS_OF)
    assert answer.table[["label", "hits_n", "cases_n"]].values.tolist() == [
        ["Qualify", 8, 10],
        ["Propose", 4, 8],
        ["Close", 4, 4],
    ]
    assert answer.table["rate_share"].tolist()[:2] == [0.8, 0.5] and np.isnan(answer.table["rate_share"].iloc[2])
    assert answer.notes["leak"] is None


def test_deals_that_skip_a_stage_passed_it_and_young_or_later_ones_do_not_count():
    deals, history = make_path(["won"] * 3 + ["Close"] * 3)
    skipped = history[history["stage"] != "Propose"]
    answer = stage_rates.summarise_stage_conversion(opportunities=deals, stage_history=skipped, stages=STAGES, as_of=AS_OF)
    assert answer.table["cases_n"].tolist() == [6, 6, 6] and answer.table["hits_n"].tolist() == [6, 6, 3]
    young, entries = make_path(["Qualify"] * 20, rep_id="R9", days_ago=29)
    later = entries.assign(entered_date=DAY + pd.Timedelta(days=1), stage="Close")
    both = stage_rates.summarise_stage_conversion(
        opportunities=pd.concat([deals, young.assign(status="open")]),
        stage_history=pd.concat([skipped, entries, later]),
        stages=STAGES, as_of=AS_OF,
    )  # fmt: skip
    pd.testing.assert_frame_equal(both.table, answer.table)


def test_without_history_or_stages_the_stage_rates_are_withheld():
    deals, history = make_path(["won"] * 9)
    given = {"opportunities": deals, "as_of": AS_OF}
    assert stage_rates.summarise_stage_conversion(**given, stage_history=None, stages=STAGES).withheld.startswith(
        "it needs table stage"
    )
    assert "stages" in stage_rates.summarise_stage_conversion(**given, stage_history=history, stages=()).withheld
    assert stage_rates.summarise_stage_rates(**given, stage_history=None, period=None, company=COMPANY).empty


def make_team(rates, n=60):
    parts = [
        make_path(["won"] * round(n * r) + ["Propose"] * (n - round(n * r)), rep_id=f"R{k}")
        for k, r in enumerate(rates)
    ]
    deals, history = (pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True))
    rates = stage_rates.summarise_stage_rates(
        opportunities=deals, stage_history=history, as_of=AS_OF, period=None, company=COMPANY
    )
    return parts, rates


def test_a_leaking_stage_becomes_a_weakness_and_an_ordinary_rep_gets_no_line():
    parts, rates = make_team([0.2, 0.6, 0.6, 0.62, 0.58, 0.6])
    nothing = Answer("1.5", withheld="no deals")
    found = []
    for deals, history in (parts[0], parts[3]):
        stages = stage_rates.summarise_stage_conversion(
            opportunities=deals, stage_history=history, stages=STAGES, as_of=AS_OF, stage_rates=rates
        )
        evidence = swot.rank_evidence(wins=nothing, stages=stages, mean_won_amount=1000.0)
        found.append(
            (stages, swot.summarise_weaknesses(evidence=evidence), swot.summarise_strengths(evidence=evidence))
        )
    (leaking, weak, strong), (_, ordinary, also) = found
    assert leaking.notes["leak"] == "Propose" and weak.table["label"].tolist() == ["Propose"]
    line = weak.measures[0]
    assert line.cut == {"stage": "Propose"} and line.value > 0 and strong.table.empty
    assert ordinary.table.empty and also.table.empty and ordinary.notes["tested_n"] > 0


def test_the_team_learns_how_long_won_deals_stay():
    _, rates = make_team([0.5] * 5)
    assert rates.set_index("label")["won_days"].to_dict() == {"Qualify": 5.0, "Propose": 5.0, "Close": 20.0}
    assert (rates["reps_n"] == 5).all()


def make_wins(hits, cases, team_hits, team_cases):
    rows = pd.DataFrame({
        "cut": ["all"] + ["industry"] * len(hits), "label": ["all", *(f"I{i}" for i in range(len(hits)))],
        "hits_n": [float(sum(hits)), *map(float, hits)], "cases_n": [float(sum(cases)), *map(float, cases)],
        "team_hits_n": [float(sum(team_hits)), *map(float, team_hits)],
        "team_cases_n": [float(sum(team_cases)), *map(float, team_cases)], "strength": 100.0, "main_share": 0.1,
    })  # fmt: skip
    rows["rate_share"], rows["team_share"] = (
        rows["hits_n"] / rows["cases_n"],
        rows["team_hits_n"] / rows["team_cases_n"],
    )
    return Answer(
        "1.5", rows.assign(won_amount=rows["hits_n"] * 100, shrunk_share=rows["rate_share"]), notes={"years": 3.0}
    )


def test_a_rep_who_wins_more_everywhere_gets_no_line_per_segment():
    stages = Answer("1.5", withheld="no history")
    wins = make_wins([60, 60, 60], [100, 100, 100], [300, 300, 300], [1000, 1000, 1000])
    evidence = swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=None)
    lines = swot.summarise_strengths(evidence=evidence).table
    assert set(lines["cut"]) <= {"all"} and evidence["q_value"].between(0, 1).all()


def test_a_real_segment_strength_is_found_and_priced_by_the_shrunk_rate():
    stages = Answer("1.5", withheld="no history")
    wins = make_wins([70, 30, 30], [100, 100, 100], [300, 300, 300], [1000, 1000, 1000])
    evidence = swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=None)
    assert swot.summarise_weaknesses(evidence=evidence).table.empty  # one strong segment makes the others no weaker
    row = swot.summarise_strengths(evidence=evidence).table.set_index("label").loc["I0"]
    assert row["expected_share"] < row["shrunk_share"] < row["rate_share"]
    assert row["amount"] == pytest.approx((row["shrunk_share"] - row["expected_share"]) * 100 / 3 * 100)


def test_under_shuffled_labels_hardly_any_rep_sees_a_line():
    rng = np.random.default_rng(5)
    stages, seen, reps = Answer("1.5", withheld="no history"), 0, 200
    for _ in range(reps):
        cases = rng.integers(10, 40, 12)
        wins = make_wins(rng.binomial(cases, 0.3), cases, rng.binomial(cases * 20, 0.3), cases * 20)
        seen += (swot.rank_evidence(wins=wins, stages=stages, mean_won_amount=100.0)["q_value"] <= 0.05).any()
    assert seen / reps <= 0.07


def test_without_a_team_there_is_no_evidence():
    wins = make_wins([9, 9], [20, 20], [0, 0], [0, 0])
    evidence = swot.rank_evidence(wins=wins, stages=Answer("1.5", withheld="no"), mean_won_amount=1.0)
    assert evidence.empty and "no team" in swot.summarise_strengths(evidence=evidence).withheld


def test_pipeline_by_hand():
    deals = make_pipeline()
    before = deals.copy()
    touches = pd.DataFrame(
        {
            "opportunity_id": [None, "b"],
            "account_id": ["A", "B"],
            "activity_date": [DAY - pd.Timedelta(days=30), DAY + pd.Timedelta(days=1)],
        }
    )
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, activities=touches)
    money = {m.id: m.value for m in answer.measures}
    assert money == {"open_deals": 3, "open_amount": 150.0, "overdue_amount": 100.0, "no_next_step_amount": 100.0,
                     "untouched_amount": 50.0, "old_amount": None, "pushed_amount": None}  # fmt: skip
    flags = answer.table.set_index("opportunity_id")
    assert flags.loc["a", "untouched"] == 0 and flags.loc["b", "untouched"] == 1 and np.isnan(flags.loc["c", "overdue"])
    pd.testing.assert_frame_equal(deals, before)
    assert values(pipeline_health.summarise_pipeline(opportunities=deals[::-1], as_of=AS_OF, activities=touches)) == values(answer)


def test_a_touch_of_deal_or_account_counts_and_also_where_the_creation_is_not_known():
    deals = make_pipeline().assign(created_date=[pd.NaT, pd.NaT, DAY - pd.Timedelta(days=99)])
    touches = pd.DataFrame({"opportunity_id": ["a", None, "x"], "account_id": [None, "C", None], "activity_date": DAY})
    flags = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, activities=touches).table.set_index("opportunity_id")
    assert flags["untouched"].fillna(-1).to_dict() == {"a": 0.0, "b": -1.0, "c": 0.0}


def values(answer):
    return {m.id: (m.value, m.n, m.withheld) for m in answer.measures}


def test_a_pushed_date_and_an_old_deal_are_seen_in_the_history():
    deals = make_pipeline()
    history = pd.DataFrame({
        "opportunity_id": ["a", "a", "b", "b"], "stage": ["Qualify", "Propose"] * 2,
        "entered_date": [DAY - pd.Timedelta(days=d) for d in (80, 40, 80, 5)],
        "close_date": [DAY, DAY + pd.Timedelta(days=9), DAY, DAY],
    })  # fmt: skip
    _, rates = make_team([0.5] * 5)
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF, stage_history=history, stage_rates=rates)
    flags = answer.table.set_index("opportunity_id")
    assert flags["pushed"].to_dict() == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert flags.loc["a", "old"] == 1 and flags.loc["b", "old"] == 0


def test_a_past_day_claims_nothing_about_what_it_cannot_know():
    deals = make_pipeline().assign(state_known=False, close_date=pd.NaT, next_step=None)
    deals["close_date"] = pd.to_datetime(deals["close_date"])
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF)
    assert (
        answer["overdue_amount"].withheld
        and answer["no_next_step_amount"].withheld
        and answer["open_amount"].value == 150.0
    )


def test_no_open_deal_is_zero_and_no_table_a_reason():
    deals = make_pipeline().assign(status="won")
    answer = pipeline_health.summarise_pipeline(opportunities=deals, as_of=AS_OF)
    assert [answer[i].value for i in ("open_deals", "open_amount", "overdue_amount")] == [0, 0, 0]
    assert all(m.withheld for m in pipeline_health.summarise_pipeline(opportunities=None, as_of=AS_OF).measures)


def test_threats_gather_what_is_known():
    nothing = Answer("x", withheld="no")
    large = Answer("1.8", pd.DataFrame({"account_name": ["Big", "Small"], "share": [0.9, 0.1], "amount": [9.0, 1.0]}))
    threats = swot.summarise_threats(decisions=nothing, retention=nothing, concentration=large, rivals=nothing)
    assert threats.table[["threat", "label"]].values.tolist() == [["dependence", "Big"]]
