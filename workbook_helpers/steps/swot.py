"""Step 2: strengths, weaknesses, opportunities and threats, each from evidence."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, total
from workbook_helpers.statistics import (
    MIN_CASES,
    BetaPrior,
    estimate_shrunk_rate,
)

#: A line of the SWOT stands only when at most this share of the lines found would be chance.
FALSE_DISCOVERY = 0.05
#: Cuts of fewer cases are not tested: they could hardly show anything, and would hide what larger ones show.
TESTED_CASES = 10
#: A median tells as much as this share of the cases would tell through a mean.
MEDIAN_WORTH = 2 / np.pi

STRENGTH = Definition(
    "strength_amount", 2, "Worth of a strength, a year", "money",
    "(own rate, shrunk − rate to expect) × cases a year × mean amount won", roll_up="sum",
)  # fmt: skip
WEAKNESS = Definition(
    "weakness_amount", 2, "Cost of a weakness, a year", "money",
    "(rate to expect − own rate, shrunk) × cases a year × mean amount won", roll_up="sum",
)  # fmt: skip
IDLE = Definition(
    "idle_white_space", 2, "White space nobody works on", "money",
    "potential not sold yet of accounts without purchase, activity or new deal for a year", roll_up="sum",
)  # fmt: skip


# --- 2.1, 2.2: strengths and weaknesses -------------------------------------------------------------------------------


def _logit(share: np.ndarray) -> np.ndarray:
    clipped = share.clip(0.001, 0.999)
    return np.log(clipped / (1 - clipped))


def _expect(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds expected_share, and doubt: how many cases the expectation is worth.

    The team's rate of the label, moved by the rep's general level: the median, over the rep's other labels of the same
    cut, of the rep's rate beside the team's (log-odds, weighted by cases), so that one odd label does not make the
    others look odd. A cut with one label alone is compared with the team as it is, and reps may differ.
    """
    names = ("hits_n", "cases_n", "team_share", "team_cases_n", "strength")
    hits, n, team, team_n, strength = (rows[name].to_numpy(float) for name in names)
    shift = _logit((hits + 0.5) / (n + 1)) - _logit((n * team + 0.5) / (n + 1))
    level, rest = np.zeros(len(rows)), np.zeros(len(rows))
    cut, order = pd.factorize(rows["cut"])[0], np.argsort(shift, kind="stable")
    order = order[~np.isnan(shift[order])]
    for i in range(len(rows)):
        others = order[(cut[order] == cut[i]) & (order != i)]
        if len(others):
            cases = n[others].cumsum()
            rest[i] = cases[-1]
            level[i] = shift[others[np.searchsorted(cases, rest[i] / 2)]]
    moved = 1 / (1 + np.exp(-(_logit(team) + level)))
    worth = np.where(rest == 0, strength, MEDIAN_WORTH * rest)
    doubt = 1 / (1 / (worth + 1) + 1 / (team_n + 1)) - 1
    return rows.assign(expected_share=np.where(rest == 0, team, moved), doubt=doubt)


#: What a line of evidence holds.
EVIDENCE = ["cut", "label", "hits_n", "cases_n", "main_share", "rate_share", "team_share", "expected_share",
            "shrunk_share", "amount"]  # fmt: skip


def rank_evidence(*, wins: Answer, stages: Answer, mean_won_amount: float | None) -> pd.DataFrame:
    """Every cut of this rep's wins and stages tested against the team, largest sum of money first.

    wins: ``win_rates.summarise_segment_conversion``; stages: ``summarise_stage_conversion``; either may be withheld.
    mean_won_amount: what a won deal is worth where the cut itself has fewer than five; None: money is not known.
    A label is tested against the team's rate there, moved by the rep's level on the other labels of the cut, so that a
    rep who wins more everywhere gets one line and not twenty. Returns cut, label, hits_n, cases_n, main_share
    (of its deals, with one account), rate_share, team_share, expected_share, shrunk_share (toward expected_share),
    amount (a year; positive is better than expected), p_value (two-sided beta-binomial: the expectation is itself a
    sample) and q_value (Benjamini-Hochberg over everything looked at).

    >>> table = pd.DataFrame({"cut": "all", "label": "all", "hits_n": [90.0], "cases_n": [100.0], "rate_share": [0.9],
    ...     "team_share": [0.5], "team_cases_n": [999.0], "strength": [199.0], "won_amount": [900.0],
    ...     "main_share": [0.1]})
    >>> wins, none = Answer("1.5", table, notes={"years": 1.0}), Answer("1.5", withheld="no")
    >>> row = rank_evidence(wins=wins, stages=none, mean_won_amount=10.0).iloc[0]
    >>> bool(row.q_value < 0.001), round(float(row.shrunk_share), 3), round(row.amount)
    (True, 0.634, 134)
    """
    from scipy.stats import betabinom, false_discovery_control

    parts = []
    if wins.withheld is None:
        table = wins.table.assign(years=wins.notes["years"], onward=1.0)
        table = table[(table["cut"] == "all") | (table["cases_n"] < table["cases_n"].max())]
        mean = (table["won_amount"] / table["hits_n"]).where(table["hits_n"] >= MIN_CASES)
        parts.append(_expect(table.assign(mean_amount=mean)))
    if stages.withheld is None:
        later = stages.table["shrunk_share"][::-1].cumprod()[::-1].shift(-1).fillna(1.0)
        table = stages.table.assign(years=stages.notes["years"], onward=later, mean_amount=np.nan, main_share=np.nan)
        parts.append(_expect(table))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=EVIDENCE)
    rows = rows[(rows["cases_n"] >= TESTED_CASES) & rows["expected_share"].between(0.001, 0.999)].reset_index(drop=True)
    if rows.empty:
        return pd.DataFrame(columns=[*EVIDENCE, "p_value", "q_value"])
    expected, doubt = rows["expected_share"], rows["doubt"]
    chance = rows["cases_n"], expected * doubt, (1 - expected) * doubt
    few, many = betabinom.cdf(rows["hits_n"], *chance), betabinom.sf(rows["hits_n"] - 1, *chance)
    rows["p_value"] = np.clip(2 * np.minimum(few, many), 0, 1)
    rows["q_value"] = false_discovery_control(rows["p_value"])
    shrunk = [
        estimate_shrunk_rate(r.hits_n, r.cases_n, BetaPrior(r.expected_share, r.strength)) for r in rows.itertuples()
    ]
    worth = rows["mean_amount"].astype(float).fillna(math.nan if mean_won_amount is None else mean_won_amount)
    rows["shrunk_share"] = shrunk
    rows["amount"] = (rows["shrunk_share"] - expected) * rows["cases_n"] / rows["years"] * rows["onward"] * worth
    order = rows.assign(size=-rows["amount"].abs()).sort_values(["size", "p_value", "cut", "label"]).index
    return rows.loc[order, [*EVIDENCE, "p_value", "q_value"]].reset_index(drop=True)


def _swot_lines(question: str, definition: Definition, evidence: pd.DataFrame, wins: Answer | None, sign: int) -> Answer:
    if evidence.empty:
        no_team, few = "there is no team to compare with", f"fewer than {TESTED_CASES} closed deals"
        if wins is None:
            return Answer(question, withheld=f"{no_team}, or {few}")
        many = wins.withheld is None and wins.table["cases_n"].max() >= TESTED_CASES
        return Answer(question, withheld=no_team if many else few)
    better = sign * (evidence["shrunk_share"] - evidence["expected_share"]) > 0
    found = evidence[better & (evidence["q_value"] <= FALSE_DISCOVERY)].reset_index(drop=True)
    measures = tuple(
        definition.measure(sign * row.amount, n=int(row.cases_n), cut={row.cut: row.label}, source="opportunities",
                           numerator=row.hits_n, denominator=row.cases_n)
        for row in found.itertuples() if not math.isnan(row.amount)
    )  # fmt: skip
    return Answer(question, found, measures, {"tested_n": len(evidence)})


def summarise_strengths(*, evidence: pd.DataFrame, wins: Answer | None = None) -> Answer:
    """Where the rep wins more than the team: rows of ``rank_evidence`` that chance does not explain. notes: tested_n.

    wins: ``win_rates.summarise_segment_conversion``, which says why there is no evidence.

    >>> summarise_strengths(evidence=pd.DataFrame()).withheld
    'there is no team to compare with, or fewer than 10 closed deals'
    """
    return _swot_lines("2.1", STRENGTH, evidence, wins, 1)


def summarise_weaknesses(*, evidence: pd.DataFrame, wins: Answer | None = None) -> Answer:
    """Where the rep wins less than the team, or loses deals at a stage: rows of ``rank_evidence`` that chance does not
    explain.

    >>> summarise_weaknesses(evidence=pd.DataFrame()).question
    '2.2'
    """
    return _swot_lines("2.2", WEAKNESS, evidence, wins, -1)


# --- 2.3, 2.4: opportunities and threats ------------------------------------------------------------------------------


@answers("2.3", IDLE, accounts=["potential_amount"])
def summarise_untapped(*, accounts: pd.DataFrame, columns: Sequence[str], as_of: date) -> Answer:
    """Where potential lies that nobody works on: per segment of five accounts or more, most idle white space first.

    accounts: from ``market.score_potential``. Idle: no purchase, activity or new deal for a year. Returns cut, label,
    accounts_n, idle_n, idle_share, potential_amount, white_space_amount, idle_amount (white space of the idle
    accounts).

    >>> frame = pd.DataFrame({"account_id": list("abcde"), "city": "X", "potential_amount": 10.0,
    ...     "white_space_amount": 10.0,
    ...     "last_date": pd.NaT, "last_touch_date": pd.to_datetime(["2026-09-01", None, None, None, None])})
    >>> answer = summarise_untapped(accounts=frame, columns=["city"], as_of=date(2026, 9, 30))
    >>> answer.table[["label", "idle_n", "idle_amount"]].values.tolist(), answer["idle_white_space"].value
    ([['X', 4, 40.0]], 40.0)
    """
    year = Period.ending(as_of)
    idle = ~(year.holds(accounts["last_date"]) | year.holds(accounts["last_touch_date"]))
    figures = list(zip(idle, accounts["potential_amount"], accounts["white_space_amount"], strict=True))
    rows = []
    for column in (c for c in dict.fromkeys(columns) if c in accounts):
        found = defaultdict(list)
        for label, stated, each in zip(accounts[column], accounts[column].notna(), figures, strict=True):
            if stated:
                found[label].append(each)
        for label, members in found.items():
            if len(members) >= MIN_CASES:
                left, potential, space = zip(*members, strict=True)
                n, idle_n, unsold = len(members), sum(left), total(amount for alone, _, amount in members if alone)
                rows.append((column, label, n, idle_n, idle_n / n, total(potential), total(space), unsold))
    names = [
        "cut",
        "label",
        "accounts_n",
        "idle_n",
        "idle_share",
        "potential_amount",
        "white_space_amount",
        "idle_amount",
    ]
    table = pd.DataFrame(sorted(rows, key=lambda row: (-row[-1], *row[:2])), columns=names)
    amount = total(accounts.loc[idle, "white_space_amount"])
    rows = accounts.loc[idle, [c for c in ("account_id", "account_name", "white_space_amount") if c in accounts]]
    measure = IDLE.measure(amount, n=int(idle.sum()), source="accounts, sales, activities", rows=rows)
    return Answer("2.3", table, (measure,))


def summarise_threats(
    *, decisions: Answer, retention: Answer, concentration: Answer, rivals: Answer, limit: int = 3
) -> Answer:
    """What endangers success: the commonest reasons of loss, rivals, customers that may leave, and dependence on one
    customer.

    decisions: ``summarise_decisions``; retention and concentration: of step 1; rivals: ``summarise_rivals``; each may
    be withheld. Returns threat (loss reason, rival, customer leaving, dependence), label, n, amount (lost, at stake, or
    depending on it).

    >>> nothing = Answer("x", withheld="no")
    >>> summarise_threats(decisions=nothing, retention=nothing, concentration=nothing, rivals=nothing).withheld
    'no loss reason, competitor, falling customer or large customer is known'
    """
    rows = []
    if decisions.withheld is None:
        table = decisions.table
        lost = table[(table["what"] == "loss reason") & (table["lost_n"] > 0)].head(limit)
        rows += [("loss reason", *found) for found in zip(lost["label"], lost["lost_n"], lost["amount"], strict=True)]
    if rivals.withheld is None:
        lost = rivals.table.head(limit)
        named = [f"{rival} ({place})" if place else rival for rival, place in zip(lost["competitor"], lost["label"], strict=True)]
        rows += [("rival", *found) for found in zip(named, lost["lost_n"], lost["lost_amount"], strict=True)]
    if retention.withheld is None:
        save = retention.table.head(limit)
        money = save["at_stake_amount"]
        rows += [("customer leaving", *found) for found in zip(save["account_name"], save["accounts_n"], money, strict=True)]
    if concentration.withheld is None:
        top = concentration.table[concentration.table["share"] >= 0.2].head(limit)
        rows += [("dependence", name, 1, amount) for name, amount in zip(top["account_name"], top["amount"], strict=True)]
    if not rows:
        return Answer("2.4", withheld="no loss reason, competitor, falling customer or large customer is known")
    return Answer("2.4", pd.DataFrame(rows, columns=["threat", "label", "n", "amount"]))
