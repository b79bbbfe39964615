"""Step 2: strengths and weaknesses from evidence, and what the rep said of each line.

What lies outside the book's own doing, opportunities and threats, stands in ``swot_outside``; what is compared in ``swot_cases``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition
from workbook_helpers.statistics import (
    FALSE_DISCOVERY,
    MIN_CASES,
    BetaPrior,
    estimate_shrunk_rate,
    estimate_wilson_interval,
)

#: Cuts of fewer cases are not tested: they could hardly show anything, and would hide what larger ones show.
TESTED_CASES = 10
#: A median tells as much as this share of the cases would tell through a mean.
MEDIAN_WORTH = 2 / np.pi
#: However alike a team's reps look, that they are is never worth more cases than this.
ALIKE_AT_MOST = 200.0
#: A rep whose level lies further out than so many standard deviations is not pulled to the team.
FAR_OUT = 1.5
#: A cut of which one account holds more than this share of the cases says nothing of the others.
ONE_ACCOUNT_SHARE = 0.5
#: A quadrant shows so many lines.
LINES = 5
#: Figures without an interval have changed when they moved by more than this share.
MOVED_SHARE = 0.25

#: Measures where less is better.
LESS_IS_BETTER = ("cycle_days", "discount_share")
#: Values that are compared as logarithms, so that a difference is a factor.
FACTORS = ("won_deal_amount", "cycle_days")

STRENGTH = Definition(
    "strength_amount", 2, "Worth of a strength, a year", "money",
    "(own figure, shrunk − figure to expect) × cases a year × money per case", roll_up="sum",
)  # fmt: skip
WEAKNESS = Definition(
    "weakness_amount", 2, "Cost of a weakness, a year", "money",
    "(figure to expect − own figure, shrunk) × cases a year × money per case", roll_up="sum",
)  # fmt: skip


def name_evidence(measure: str, cut: str, label: str) -> str:
    """The id by which a line of the SWOT is accepted, edited or rejected in the plan.

    >>> name_evidence("win_rate", "industry", "Clinics"), name_evidence("cycle_days", "all", "all")
    ('win_rate[industry=Clinics]', 'cycle_days')
    """
    return measure if cut == "all" else f"{measure}[{cut}={label}]"


# --- What is tested -----------------------------------------------------------------------------------------------------


def _logit(share: np.ndarray) -> np.ndarray:
    clipped = share.clip(0.001, 0.999)
    return np.log(clipped / (1 - clipped))


def _find_level(
    cuts: np.ndarray, shift: np.ndarray, cases: np.ndarray, alike: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rep's general level as each row sees it, how many cases it is worth, and whether other rows of the cut tell it.

    The weighted median shift of the other rows of the cut, pulled to 0 by how alike the team's reps are there (in cases, their median);
    a rep too far out for that stays where the rows put it (limited translation, Efron & Morris 1972). noise: variance of one case.
    """
    level, worth, told = np.zeros(len(shift)), np.zeros(len(shift)), np.zeros(len(shift), bool)
    cut, order = pd.factorize(cuts)[0], np.argsort(shift, kind="stable")
    order = order[~np.isnan(shift[order])]
    for i in range(len(shift)):
        others = order[(cut[order] == cut[i]) & (order != i)]
        if len(others):
            below = cases[others].cumsum()
            known, prior = MEDIAN_WORTH * below[-1], min(float(np.median(alike[others])), ALIKE_AT_MOST)
            level[i], worth[i], told[i] = shift[others[np.searchsorted(below, below[-1] / 2)]], known, True
            if level[i] ** 2 <= FAR_OUT**2 * noise[i] * (1 / known + 1 / prior):
                level[i], worth[i] = level[i] * known / (known + prior), known + prior
    return level, worth, told


def _expect(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds expected_share, and doubt: how many cases the expectation is worth.

    The team's rate of the label, moved by the rep's general level: the median, over the rep's other labels of the same
    cut, of the rep's rate beside the team's (log-odds, weighted by cases), so that one odd label does not make the
    others look odd; the less the team's reps differ there, the less it moves. A cut with one label alone is compared with the
    team as it is, and reps may differ.
    """
    names = ("hits_n", "cases_n", "team_share", "team_cases_n", "strength")
    hits, n, team, team_n, strength = (rows[name].to_numpy(float) for name in names)
    shift = _logit((hits + 0.5) / (n + 1)) - _logit((n * team + 0.5) / (n + 1))
    noise = 1 / (team * (1 - team)).clip(0.001)
    level, worth, told = _find_level((rows["measure"] + " " + rows["cut"]).to_numpy(), shift, n, strength, noise)
    moved = 1 / (1 + np.exp(-(_logit(team) + level)))
    worth = np.where(told, worth, strength)
    doubt = 1 / (1 / (worth + 1) + 1 / (team_n + 1)) - 1
    return rows.assign(expected_share=np.where(told, moved, team), doubt=doubt)


#: What a line of evidence holds. The shares are missing where the measure is no rate; the values hold both kinds.
EVIDENCE = ["measure", "cut", "label", "hits_n", "cases_n", "main_share", "rate_share", "team_share", "expected_share",
            "shrunk_share", "own_value", "low_value", "high_value", "team_value", "amount", "better"]  # fmt: skip


def _test_rates(parts: list[pd.DataFrame], mean_won_amount: float | None) -> pd.DataFrame:
    from scipy.stats import betabinom

    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["cases_n"] >= TESTED_CASES) & rows["expected_share"].between(0.001, 0.999)].reset_index(drop=True)
    if rows.empty:
        return rows
    expected, doubt = rows["expected_share"], rows["doubt"]
    chance = rows["cases_n"], expected * doubt, (1 - expected) * doubt
    few, many = betabinom.cdf(rows["hits_n"], *chance), betabinom.sf(rows["hits_n"] - 1, *chance)
    rows["p_value"] = np.clip(2 * np.minimum(few, many), 0, 1)
    rows["shrunk_share"] = [
        estimate_shrunk_rate(r.hits_n, r.cases_n, BetaPrior(r.expected_share, r.strength)) for r in rows.itertuples()
    ]
    worth = rows["mean_amount"].astype(float).fillna(math.nan if mean_won_amount is None else mean_won_amount)
    rows["amount"] = (rows["shrunk_share"] - expected) * rows["cases_n"] / rows["years"] * rows["onward"] * worth
    limits = [estimate_wilson_interval(int(h), int(n)) for h, n in zip(rows["hits_n"], rows["cases_n"], strict=True)]
    rows["low_value"], rows["high_value"] = [low for low, _ in limits], [high for _, high in limits]
    rows["own_value"], rows["team_value"] = rows["rate_share"], rows["team_share"]
    return rows.assign(better=rows["shrunk_share"] > expected)


def _test_values(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``swot_cases.compare_values``, tested by Student's t against the team moved by the rep's level on the other labels."""
    from scipy.stats import t as student

    rows = table[(table["cases_n"] >= TESTED_CASES) & (table["team_n"] >= TESTED_CASES) & (table["team_spare"] >= MIN_CASES)]
    rows = rows.reset_index(drop=True)
    if rows.empty:
        return rows
    n, team_n = rows["cases_n"].to_numpy(float), rows["team_n"].to_numpy(float)
    own_spare, team_spare = n - 1, rows["team_spare"].to_numpy(float)
    squares, team_squares = rows["squares"].to_numpy(float), rows["team_squares"].to_numpy(float)
    pooled = (squares + team_squares) / (own_spare + team_spare)
    noise = np.maximum(pooled, squares / own_spare)
    rows = rows[pooled > 0].assign(noise=noise[pooled > 0])
    n, team_n = rows["cases_n"].to_numpy(float), rows["team_n"].to_numpy(float)
    noise, between = rows["noise"].to_numpy(float), rows["between_variance"].to_numpy(float)
    shift = (rows["mean"] - rows["team_mean"]).to_numpy(float)
    alike = np.clip(noise / np.where(between > 0, between, 1e-9), 2.0, 1000.0)
    level, worth, told = _find_level((rows["measure"] + " " + rows["cut"]).to_numpy(), shift, n, alike, noise)
    apart = shift - level
    of_level = np.where(told, noise / np.where(told, worth, 1.0), np.maximum(between, noise / ALIKE_AT_MOST))
    error = np.sqrt(noise / n + noise / team_n + of_level)
    rows["p_value"] = 2 * student.sf(np.abs(apart) / error, n - 1 + rows["team_spare"].to_numpy(float).clip(max=30))
    kept = n / (n + alike)
    factor = rows["measure"].isin(FACTORS).to_numpy()
    sure = apart * kept
    rows["own_value"] = np.where(factor, np.exp(rows["mean"]), rows["mean"])
    rows["team_value"] = np.where(factor, np.exp(rows["team_mean"]), rows["team_mean"])
    half = 1.96 * np.sqrt(noise / n)
    for name, limit in (("low_value", rows["mean"] - half), ("high_value", rows["mean"] + half)):
        rows[name] = np.where(factor, np.exp(limit), limit)
    base = rows["base_amount"].to_numpy(float)
    per_family = base / rows["mean"].to_numpy(float).clip(min=1e-9)
    worth = {"won_deal_amount": base * (1 - np.exp(-sure)), "discount_share": -sure * base, "families": sure * per_family}
    rows["amount"] = np.select([rows["measure"] == m for m in worth], list(worth.values()), np.nan)
    rows["better"] = (sure > 0) != rows["measure"].isin(LESS_IS_BETTER).to_numpy()
    return rows.assign(hits_n=np.nan, main_share=np.nan, rate_share=np.nan, team_share=np.nan, expected_share=np.nan, shrunk_share=np.nan)


def rank_evidence(
    *, wins: Answer, stages: Answer, mean_won_amount: float | None, rates: Answer | None = None, values: Answer | None = None
) -> pd.DataFrame:
    """Every measure and cut of this rep tested against the team, largest sum of money first.

    wins: ``win_rates.summarise_segment_conversion``; stages: ``summarise_stage_conversion``; rates and values:
    ``swot_cases.compare_rates`` and ``compare_values``; each may be withheld.
    mean_won_amount: what a won deal is worth where the cut itself has fewer than five; None: money is not known.
    A label is tested against the team's figure there, moved by the rep's level on the other labels of the cut, so that a
    rep who wins more everywhere gets one line and not twenty. Returns measure, cut, label, hits_n, cases_n, main_share
    (of its deals, with one account), rate_share, team_share, expected_share, shrunk_share (toward expected_share),
    own_value with low_value and high_value (95 %), team_value, amount (a year; positive is better than expected; missing where the
    measure has no money), better, p_value (two-sided; rates beta-binomial, values Student's t: the expectation is itself a
    sample) and q_value (Benjamini-Hochberg over everything looked at).

    >>> table = pd.DataFrame({"cut": "all", "label": "all", "hits_n": [90.0], "cases_n": [100.0], "rate_share": [0.9],
    ...     "team_share": [0.5], "team_cases_n": [999.0], "strength": [199.0], "won_amount": [900.0],
    ...     "main_share": [0.1]})
    >>> wins, none = Answer("1.5", table, notes={"years": 1.0}), Answer("1.5", withheld="no")
    >>> row = rank_evidence(wins=wins, stages=none, mean_won_amount=10.0).iloc[0]
    >>> bool(row.q_value < 0.001), round(float(row.shrunk_share), 3), round(row.amount)
    (True, 0.634, 134)
    """
    from scipy.stats import false_discovery_control

    parts = []
    if wins.withheld is None:
        table = wins.table.assign(measure="win_rate", years=wins.notes["years"], onward=1.0)
        table = table[(table["cut"] == "all") | (table["cases_n"] < table["cases_n"].max())]
        mean = (table["won_amount"] / table["hits_n"]).where(table["hits_n"] >= MIN_CASES)
        parts.append(_expect(table.assign(mean_amount=mean)))
    if stages.withheld is None:
        later = stages.table["shrunk_share"][::-1].cumprod()[::-1].shift(-1).fillna(1.0)
        table = stages.table.assign(measure="stage_conversion", years=stages.notes["years"], onward=later, mean_amount=np.nan)
        parts.append(_expect(table.assign(main_share=np.nan)))
    if rates is not None and rates.withheld is None:
        parts.append(_expect(rates.table.assign(onward=1.0, main_share=np.nan)))
    tested = [_test_rates(parts, mean_won_amount)] if parts else []
    if values is not None and values.withheld is None:
        tested.append(_test_values(values.table))
    rows = pd.concat([each[[*EVIDENCE, "p_value"]] for each in tested if len(each)] or [pd.DataFrame(columns=[*EVIDENCE, "p_value"])])
    rows = rows.reset_index(drop=True)
    if rows.empty:
        return pd.DataFrame(columns=[*EVIDENCE, "p_value", "q_value"])
    rows["better"] = rows["better"].astype(bool)
    rows["q_value"] = false_discovery_control(rows["p_value"])
    size = -rows["amount"].abs().fillna(-1.0).round(6)
    order = rows.assign(size=size).sort_values(["size", "p_value", "measure", "cut", "label"]).index
    return rows.loc[order, [*EVIDENCE, "p_value", "q_value"]].reset_index(drop=True)


# --- 2.1, 2.2: strengths and weaknesses -------------------------------------------------------------------------------


def _find_rows(
    row: Any, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, stage_history: pd.DataFrame | None
) -> pd.DataFrame | None:
    """The deals behind a line: those of the label; for a stage those that stopped there."""
    if opportunities is None or row.measure in ("kept_customers", "families") or row.cut == "channel":
        return None
    deals = opportunities[opportunities["status"].isin(["won", "lost"])]
    if row.cut == "stage":
        if stage_history is None:
            return None
        there = stage_history.loc[stage_history["stage"] == row.label, "opportunity_id"]
        deals = deals[deals["opportunity_id"].isin(there) & (deals["status"] == "lost")]
    elif row.cut != "all":
        labels = deals[row.cut] if row.cut in deals and deals[row.cut].notna().any() else None
        if labels is None and (accounts is None or row.cut not in accounts):
            return None
        if labels is None:
            labels = deals["account_id"].map(accounts.drop_duplicates("account_id").set_index("account_id")[row.cut])
        deals = deals[labels.astype(str) == str(row.label)]
    if row.measure not in ("win_rate", "stage_conversion"):
        deals = deals[deals["status"] == "won"]
    names = ["opportunity_id", "account_id", "status", "created_date", "close_date", "amount"]
    return deals.sort_values("opportunity_id").reindex(columns=names).reset_index(drop=True)


def _swot_lines(question: str, definition: Definition, evidence: pd.DataFrame, wins: Answer | None, sign: int, **frames: Any) -> Answer:
    if evidence.empty:
        no_team, few = "there is no team to compare with", f"fewer than {TESTED_CASES} closed deals"
        if wins is None:
            return Answer(question, withheld=f"{no_team}, or {few}")
        many = wins.withheld is None and wins.table["cases_n"].max() >= TESTED_CASES
        return Answer(question, withheld=no_team if many else few)
    apart = (evidence["team_value"] < evidence["low_value"]) | (evidence["team_value"] > evidence["high_value"])
    above = (evidence["own_value"] > evidence["team_value"]) != evidence["measure"].isin(LESS_IS_BETTER)
    told = apart & (above == (sign > 0)) & (evidence["better"] == (sign > 0)) & (evidence["q_value"] <= FALSE_DISCOVERY)
    of_one = told & (evidence["main_share"] > ONE_ACCOUNT_SHARE)
    found = evidence[told & ~of_one].reset_index(drop=True)
    found["evidence"] = [name_evidence(r.measure, r.cut, r.label) for r in found.itertuples()]
    measures = tuple(
        definition.measure(sign * row.amount, n=int(row.cases_n), source="opportunities, accounts, sales",
                           cut={"measure": row.measure} | ({} if row.cut == "all" else {row.cut: row.label}),
                           numerator=None if math.isnan(row.hits_n) else row.hits_n,
                           denominator=None if math.isnan(row.hits_n) else row.cases_n, rows=_find_rows(row, **frames))
        for row in found.itertuples() if not math.isnan(row.amount)
    )  # fmt: skip
    looked = [name_evidence(*key) for key in zip(evidence["measure"], evidence["cut"], evidence["label"], strict=True)]
    notes = {"tested_n": len(evidence), "looked": tuple(looked), "of_one_n": int(of_one.sum())}
    return Answer(question, found, measures, notes)


def summarise_strengths(
    *, evidence: pd.DataFrame, wins: Answer | None = None, opportunities: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None, stage_history: pd.DataFrame | None = None,
) -> Answer:  # fmt: skip
    """Where the rep does better than the team: rows of ``rank_evidence`` that chance does not explain, with their id (evidence).

    A line is better than to expect and than the team: the team's figure lies outside its interval. What rests mostly on one account
    tells of that account and is no line.
    wins: ``win_rates.summarise_segment_conversion``, which says why there is no evidence. The other frames: the rep's own rows, which
    "see the math" shows. notes: tested_n, looked (the ids of everything compared), of_one_n (left
    out because of one account).

    >>> summarise_strengths(evidence=pd.DataFrame()).withheld
    'there is no team to compare with, or fewer than 10 closed deals'
    """
    return _swot_lines("2.1", STRENGTH, evidence, wins, 1, opportunities=opportunities, accounts=accounts, stage_history=stage_history)


def summarise_weaknesses(
    *, evidence: pd.DataFrame, wins: Answer | None = None, opportunities: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None, stage_history: pd.DataFrame | None = None,
) -> Answer:  # fmt: skip
    """Where the rep does worse than the team, or loses deals at a stage: rows of ``rank_evidence`` that chance does not
    explain; see ``summarise_strengths``.

    >>> summarise_weaknesses(evidence=pd.DataFrame()).question
    '2.2'
    """
    return _swot_lines("2.2", WEAKNESS, evidence, wins, -1, opportunities=opportunities, accounts=accounts, stage_history=stage_history)


# --- What the rep said --------------------------------------------------------------------------------------------------


def judge_lines(*, lines: Answer, value: str, said: Iterable[Any], quadrant: str, limit: int = LINES) -> Answer:
    """The lines of one quadrant with the rep's verdict beside each, then the rep's own lines.

    lines: rows with evidence (their id) and the column ``value``, with low_value and high_value where known; notes looked: the ids of all
    that was compared. said: lines of the plan (``plan.swot``): quadrant, text, evidence, verdict, evidence_value. The table has the
    first ``limit`` lines that the rep did not reject, then the rep's own (origin "rep"): verdict, said (the rep's words where edited or
    own) and mark: "changed" where the figure that the verdict was given on moved out of today's interval (without one: by more than a
    quarter) or no longer stands, "not shown" where a verdict without a figure stands on evidence that does not stand out today.
    notes: rejected (texts).

    >>> from types import SimpleNamespace as Line
    >>> found = pd.DataFrame({"evidence": ["win_rate[industry=X]"], "own_value": [0.4], "low_value": [0.3], "high_value": [0.5]})
    >>> mine = Line(quadrant="strength", evidence="win_rate[industry=X]", evidence_value=0.6, verdict="accepted", text="")
    >>> judged = judge_lines(lines=Answer("2.1", found), value="own_value", said=[mine], quadrant="strength")
    >>> judged.table[["verdict", "mark"]].values.tolist()
    [['accepted', 'changed']]
    """
    found = lines.table if lines.withheld is None else pd.DataFrame(columns=["evidence", value])
    mine = [line for line in said if line.quadrant == quadrant]
    by_id = {_same(line.evidence): line for line in mine if line.evidence.strip()}
    standing = {_same(name) for name in found["evidence"]}
    looked = {_same(name) for name in lines.notes.get("looked", ())} - standing
    rejected, verdicts, words, marks, keep = [], [], [], [], []
    for row in found.to_dict("records"):
        line = by_id.get(_same(row["evidence"]))
        keep.append(line is None or line.verdict != "rejected")
        if line is not None and line.verdict == "rejected":
            rejected.append(line.text or row["evidence"])
        verdicts.append("open" if line is None else line.verdict)
        words.append(line.text if line is not None and line.verdict == "edited" else "")
        marks.append("changed" if line is not None and _has_moved(line.evidence_value, row, value) else "")
    table = found.assign(verdict=verdicts, said=words, mark=marks, origin="data")[np.array(keep, bool)].head(limit)
    own = []
    for line in mine:
        name = line.evidence.strip()
        if _same(name) in standing:
            continue
        if line.verdict == "rejected":
            rejected.append(line.text or name)
        else:
            mark = "changed" if line.evidence_value is not None and name else "not shown" if _same(name) in looked else ""
            parts = dict(zip(("measure", "cut", "label"), split_evidence(name), strict=True))
            own.append({"evidence": name, "verdict": line.verdict, "said": line.text or name, "mark": mark, "origin": "rep", **parts})
    if own:
        table = pd.DataFrame([*table.to_dict("records"), *own], columns=list(dict.fromkeys([*table.columns, *own[0]])))
    return Answer(lines.question, table.reset_index(drop=True), lines.measures, dict(lines.notes) | {"rejected": tuple(rejected)})


def _same(evidence: str) -> str:
    """An id as it is compared: capitals do not count, and a rival's win rate is the line of that rival."""
    return re.sub(r"^win_rate\[competitor=", "competitor[", evidence.strip().casefold())


def _has_moved(then: float | None, row: dict[str, Any], value: str) -> bool:
    if then is None:
        return False
    now, low, high = (row.get(name, math.nan) for name in (value, "low_value", "high_value"))
    if low == low and high == high:
        return not low <= then <= high
    return abs(now - then) > MOVED_SHARE * abs(then)


def split_evidence(evidence: str) -> tuple[str, str, str]:
    """measure, cut and label of an id of evidence; cut and label "all" where it names none.

    >>> split_evidence("win_rate[industry=Clinics]"), split_evidence("cycle_days")
    (('win_rate', 'industry', 'Clinics'), ('cycle_days', 'all', 'all'))
    """
    found = re.fullmatch(r"(\w+)\[(\w+)=(.*)\]", evidence, re.S)
    return (found[1], found[2], found[3]) if found else (evidence, "all", "all")
