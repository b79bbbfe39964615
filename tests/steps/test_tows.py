"""Step 2: moves that follow from lines that stand, and name whom to begin with."""

from types import SimpleNamespace

import pandas as pd
import pytest

from workbook_helpers.measure import Answer
from workbook_helpers.steps import tows

NONE = Answer("2.1", withheld="no")


def make_lines(question, **line):
    row = {"evidence": "win_rate[industry=Lab]", "measure": "win_rate", "cut": "industry", "label": "Lab", "verdict": "open", "origin": "data"}
    return Answer(question, pd.DataFrame([row | line]))


def make_accounts():
    return pd.DataFrame({"account_id": list("abcd"), "account_name": list("ABCD"), "industry": ["Lab", "Lab", "Clinic", "Clinic"],
                         "city": ["Y", "Z", "Y", "Z"], "white_space_amount": [9.0, 8.0, 7.0, 0.0]})  # fmt: skip


IDLE = {"evidence": "white_space[city=Y]", "kind": "idle", "cut": "city", "label": "Y", "ids": ("a", "c")}
SILENT = {"evidence": "at_stake_amount[sign=silent]", "kind": "silent", "cut": "sign", "label": "silent", "ids": ("a",), "names": ("A",),
          "stakes": (("a", "A", 5.0), ("c", "C", 4.0))}  # fmt: skip
SLIPPING = {"evidence": "slipping_amount", "kind": "slipping", "cut": "all", "label": "all", "ids": ("D1",), "names": ("D1",)}
PIPELINE = Answer("2.6", pd.DataFrame({"opportunity_id": ["D1", "D2"], "account_id": ["a", "c"], "stage": ["Propose", "Close"],
                                       "amount": [30.0, 20.0], "overdue": 1.0, "pushed": 0.0}))  # fmt: skip


def pair(strengths=NONE, weaknesses=NONE, opportunities=NONE, threats=NONE, said=()):
    return tows.pair_lines(strengths=strengths, weaknesses=weaknesses, opportunities=opportunities, threats=threats, accounts=make_accounts(),
                           deals=None, pipeline=PIPELINE, said=said)  # fmt: skip


def test_a_strong_segment_meets_its_own_accounts_of_the_opportunity_and_a_weak_one_the_others():
    strong = pair(strengths=make_lines("2.1"), opportunities=make_lines("2.3", **IDLE)).table
    weak = pair(weaknesses=make_lines("2.2"), opportunities=make_lines("2.3", **IDLE)).table
    assert strong[["pair", "move", "names", "amount"]].values.tolist() == [["so", "grow", ("A",), 9.0]]
    assert weak[["pair", "move", "names", "amount"]].values.tolist() == [["wo", "first", ("C",), 7.0]]


def test_customers_at_risk_are_seen_where_the_line_holds():
    table = pair(strengths=make_lines("2.1"), threats=make_lines("2.4", **SILENT)).table
    assert table[["pair", "move", "names"]].values.tolist() == [["st", "visit", ("A",)]]


def test_a_leaking_stage_settles_its_own_slipping_deals():
    leak = make_lines("2.2", evidence="stage_conversion[stage=Propose]", measure="stage_conversion", cut="stage", label="Propose")
    table = pair(weaknesses=leak, threats=make_lines("2.4", **SLIPPING)).table
    assert table[["pair", "move", "names", "amount"]].values.tolist() == [["wt", "settle", ("D1",), 30.0]]


def test_without_a_line_inside_or_outside_nothing_is_proposed():
    assert pair(opportunities=make_lines("2.3", **IDLE)).table.empty
    assert pair(strengths=make_lines("2.1")).notes["inside_n"] == 1


@pytest.mark.parametrize(("verdict", "moves"), [("accepted", 1), ("open", 0)])
def test_the_reps_own_line_counts_once_it_is_accepted(verdict, moves):
    own = make_lines("2.1", origin="rep", verdict=verdict)
    assert len(pair(strengths=own, opportunities=make_lines("2.3", **IDLE)).table) == moves


def test_verdicts_stand_beside_the_moves_and_survive_by_their_evidence():
    key = ["white_space[city=Y]", "win_rate[industry=Lab]"]
    given = {"strengths": make_lines("2.1"), "opportunities": make_lines("2.3", **IDLE)}
    answer = SimpleNamespace(id="p1", pair="so", rests_on=key, text="Ask A", verdict="edited")
    own = SimpleNamespace(id="p2", pair="wt", rests_on=[], text="Own", verdict="accepted")
    table = pair(**given, said=[answer, own]).table
    assert table[["pair", "verdict", "said", "origin"]].values.tolist() == [["so", "edited", "Ask A", "data"], ["wt", "accepted", "Own", "rep"]]
    rejected = pair(**given, said=[SimpleNamespace(**vars(answer) | {"verdict": "rejected"})])
    assert rejected.table.empty and rejected.notes["rejected"] == ("Ask A",)


def test_at_most_six_moves_and_two_of_a_pair():
    rows = [make_lines("2.3", **IDLE | {"evidence": f"white_space[city={city}]", "label": city}).table for city in "YZ"]
    strong = pd.concat([make_lines("2.1", evidence=f"e{k}", label=label).table for k, label in enumerate(["Lab", "Clinic"])], ignore_index=True)
    many = pair(strengths=Answer("2.1", strong), opportunities=Answer("2.3", pd.concat(rows, ignore_index=True)))
    assert many.table["names"].tolist() == [("A",), ("C",)]
