"""Step 2: strengths, weaknesses, opportunities and threats, each from evidence; and how healthy the pipeline is.

At which stage deals leak is read here too (1.5 by stage), because a leak is a weakness.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, lacking, total
from workbook_helpers.statistics import (
    MIN_CASES,
    BetaPrior,
    compare_with_team,
    count_hits,
    estimate_shrunk_rate,
    learn_hits,
)

#: A deal without a touch for so many days is called untouched.
UNTOUCHED_DAYS = 30
#: A line of the SWOT stands only when at most this share of the lines found would be chance.
FALSE_DISCOVERY = 0.05
#: Cuts of fewer cases are not tested: they could hardly show anything, and would hide what larger ones show.
TESTED_CASES = 10
#: A median tells as much as this share of the cases would tell through a mean.
MEDIAN_WORTH = 2 / np.pi

OPEN_DEALS = Definition("open_deals", 2, "Open deals", "count", "number of deals open on the as-of date", roll_up="sum")
OPEN_AMOUNT = Definition("open_amount", 2, "Open pipeline", "money", "sum of the amounts of open deals", roll_up="sum")
OVERDUE_AMOUNT = Definition(
    "overdue_amount",
    2,
    "Past close date",
    "money",
    "open deals whose expected close is before the as-of date",
    roll_up="sum",
)
NO_NEXT_STEP = Definition(
    "no_next_step_amount", 2, "No next step", "money", "open deals without a next step", roll_up="sum"
)
UNTOUCHED = Definition(
    "untouched_amount", 2, "Untouched", "money",
    f"open deals with no activity on deal or account for more than {UNTOUCHED_DAYS} days", roll_up="sum",
)  # fmt: skip
OLD = Definition(
    "old_amount", 2, "Older than won deals", "money",
    "open deals longer in their stage than nine in ten won deals (without stage history: longer open)", roll_up="sum",
)  # fmt: skip
PUSHED = Definition("pushed_amount", 2, "Pushed", "money", "open deals whose close date was moved later", roll_up="sum")
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


# --- 1.5 and 2.2: at which stage deals drop ---------------------------------------------------------------------------


def _stage_cases(
    opportunities: pd.DataFrame,
    stage_history: pd.DataFrame,
    stages: Sequence[str],
    as_of: date,
    decided_days: float | None,
) -> tuple[pd.DataFrame, float]:
    """One row per deal and stage reached: cut, label, hit (went on), created_date, rep_id; and the age of deciding."""
    day = pd.Timestamp(as_of)
    known = opportunities[opportunities["created_date"] <= day]
    if decided_days is None:
        done = known[known["status"].isin(["won", "lost"])]
        decided_days = float((done["close_date"] - done["created_date"]).dt.days.quantile(0.9)) if len(done) else 0.0
    place = {stage: i for i, stage in enumerate(stages)}
    entries = stage_history[stage_history["entered_date"] <= day]
    reached = entries["stage"].map(place).astype(float).groupby(entries["opportunity_id"]).max()
    old = known[known["created_date"] <= day - pd.Timedelta(days=decided_days)].sort_values("opportunity_id")
    furthest = reached.reindex(old["opportunity_id"]).set_axis(old.index)
    furthest = furthest.mask(furthest.notna() & (old["status"] == "won"), len(stages))
    deal, stage = np.nonzero(furthest.to_numpy()[:, None] >= np.arange(len(stages)))
    cases = old.reindex(columns=["rep_id", "created_date"]).iloc[deal].reset_index(drop=True)
    cases["cut"], cases["label"] = "stage", np.array(stages, dtype=object)[stage]
    return cases.assign(hit=furthest.to_numpy()[deal] > stage), decided_days


def _stays(opportunities: pd.DataFrame, stage_history: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """One row per stage entry: how many days the deal stayed, to the next entry or the close."""
    entries = stage_history.loc[
        stage_history["entered_date"] <= pd.Timestamp(as_of), ["opportunity_id", "stage", "entered_date"]
    ]
    deals = opportunities[["opportunity_id", "status", "close_date"]]
    entries = entries.merge(deals, on="opportunity_id").sort_values(["opportunity_id", "entered_date", "stage"])
    left = entries.groupby("opportunity_id")["entered_date"].shift(-1).fillna(entries["close_date"])
    return entries.assign(stay_days=(left - entries["entered_date"]).dt.days)


def summarise_stage_rates(
    *, opportunities: pd.DataFrame | None, stage_history: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """What share of the team's deals goes on from each stage, and how long won deals stay there.

    Returns cut ("stage"), label, hits_n, cases_n, reps_n, strength, decided_days (a deal counts when it was created at
    least so long ago: nine in ten closed deals took no longer), won_n, and won_days (nine in ten won deals had left by
    then).

    >>> from types import SimpleNamespace
    >>> day = pd.to_datetime(["2026-01-01", "2026-01-01"])
    >>> deals = pd.DataFrame({"opportunity_id": ["a", "b"], "rep_id": ["r", "s"], "status": ["won", "lost"],
    ...     "created_date": day, "close_date": day + pd.Timedelta(days=10)})
    >>> path = pd.DataFrame({"opportunity_id": ["a", "b"], "stage": ["Qualify", "Qualify"], "entered_date": day})
    >>> rates = summarise_stage_rates(opportunities=deals, stage_history=path, as_of=date(2026, 9, 30), period=None,
    ...     company=SimpleNamespace(stages=("Qualify", "Close")))
    >>> rates[["label", "hits_n", "cases_n"]].values.tolist()
    [['Qualify', 1.0, 2.0], ['Close', 1.0, 1.0]]
    """
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength", "decided_days", "won_n", "won_days"]
    if opportunities is None or stage_history is None or not company.stages:
        return pd.DataFrame(columns=columns)
    cases, decided_days = _stage_cases(opportunities, stage_history, company.stages, as_of, None)
    if cases.empty:
        return pd.DataFrame(columns=columns)
    stays = _stays(opportunities, stage_history, as_of)
    stays = stays[stays["status"] == "won"].groupby("stage")["stay_days"]
    rates = learn_hits(cases).assign(decided_days=decided_days)
    rates["won_n"] = stays.size().reindex(rates["label"]).fillna(0.0).astype(float).to_numpy()
    rates["won_days"] = stays.quantile(0.9).reindex(rates["label"]).astype(float).to_numpy()
    rates["won_days"] = rates["won_days"].where(rates["won_n"] >= MIN_CASES)
    return _in_stage_order(rates[columns], company.stages)


def _in_stage_order(rates: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    place = {stage: i for i, stage in enumerate(stages)}
    return rates.sort_values("label", key=lambda labels: labels.map(place), ignore_index=True)


@answers("1.5", opportunities=["created_date"], stage_history=["entered_date"])
def summarise_stage_conversion(
    *,
    opportunities: pd.DataFrame,
    stage_history: pd.DataFrame,
    stages: Sequence[str],
    as_of: date,
    stage_rates: pd.DataFrame | None = None,
    in_team: bool = True,
) -> Answer:
    """What share of the deals that reach a stage goes on from it, beside the team without this rep.

    Went on: reached a later stage or was won. Only deals old enough to have decided count (``summarise_stage_rates``),
    over the whole history; deals skip stages. stage_rates: the team's, if any; in_team: they hold this rep's deals too.
    One row out per stage in order, see ``statistics.compare_with_team``. notes: leak (stage that falls furthest below
    the team, shrunk; None without team), years.

    >>> day = pd.Timestamp("2026-01-01")
    >>> deals = pd.DataFrame({"opportunity_id": list("abcde"), "status": ["won"] + ["lost"] * 4,
    ...     "created_date": day, "close_date": day + pd.Timedelta(days=10)})
    >>> path = pd.DataFrame({"opportunity_id": list("abcdee"), "stage": ["Qualify"] * 5 + ["Close"],
    ...     "entered_date": day})
    >>> rates = summarise_stage_conversion(opportunities=deals, stage_history=path, stages=("Qualify", "Close"),
    ...     as_of=date(2026, 9, 30))
    >>> rates.table[["label", "hits_n", "cases_n", "rate_share"]].values.tolist()
    [['Qualify', 2.0, 5.0, 0.4], ['Close', 1.0, 2.0, nan]]
    """
    if not stages:
        return Answer("1.5", withheld="the settings name no stages (key stages)")
    decided = None if stage_rates is None or stage_rates.empty else float(stage_rates["decided_days"].max())
    cases, decided_days = _stage_cases(opportunities, stage_history, stages, as_of, decided)
    n = int((cases["label"] == stages[0]).sum())
    if n < MIN_CASES:
        why = f"fewer than {MIN_CASES} deals with stages are old enough to have decided ({decided_days:.0f} days)"
        return Answer("1.5", withheld=why)
    table = _in_stage_order(compare_with_team(count_hits(cases), stage_rates, in_team=in_team), stages)
    gap = (table["shrunk_share"] - table["team_share"]).where(table["cases_n"] >= MIN_CASES)
    leak = str(table.loc[gap.idxmin(), "label"]) if (gap < 0).any() else None
    years = max(1.0, (cases["created_date"].max() - cases["created_date"].min()).days / 365)
    notes = {"leak": leak, "years": years, "decided_days": decided_days, "deals_n": n}
    return Answer("1.5", table, notes=notes)


# --- 2.6: the pipeline ------------------------------------------------------------------------------------------------


def _flag_overdue(deals: pd.DataFrame, day: pd.Timestamp) -> tuple[pd.Series, str | None]:
    known = deals["close_date"].notna()
    reason = "the expected close of these deals on that day is not known" if len(deals) and not known.any() else None
    return (deals["close_date"] < day).astype(float).where(known), reason


def _flag_no_next_step(deals: pd.DataFrame, opportunities: pd.DataFrame) -> tuple[pd.Series, str | None]:
    known = deals.reindex(columns=["state_known"]).isin([True, None, np.nan])["state_known"]
    steps = deals.reindex(columns=["next_step"])["next_step"]
    reason = lacking(opportunities=(opportunities, ["next_step"]))
    if reason is None and len(deals) and not known.any():
        reason = "the next steps of these deals on that day are not known"
    return steps.isna().astype(float).where(known), reason


def _flag_untouched(
    deals: pd.DataFrame, activities: pd.DataFrame | None, day: pd.Timestamp
) -> tuple[pd.Series, str | None]:
    reason = lacking(activities=(activities, ["activity_date"]))
    last = deals["created_date"]
    if reason is None:
        done = activities[activities["activity_date"] <= day]
        for key in (k for k in ("opportunity_id", "account_id") if k in done and k in deals):
            touched = done[done[key].isin(deals[key])]
            latest = pd.to_datetime(touched.groupby(key)["activity_date"].max().reindex(deals[key]).set_axis(deals.index))
            last = latest.where((latest > last) | last.isna(), last)
    return ((day - last).dt.days > UNTOUCHED_DAYS).astype(float).where(last.notna()), reason


def _flag_old(
    deals: pd.DataFrame,
    opportunities: pd.DataFrame,
    history: pd.DataFrame | None,
    rates: pd.DataFrame | None,
    day: pd.Timestamp,
) -> tuple[pd.Series, str | None]:
    nothing = pd.Series(np.nan, index=deals.index)
    if history is not None and rates is not None and rates["won_days"].notna().any():
        there = history["opportunity_id"].isin(deals["opportunity_id"]) & (history["entered_date"] <= day)
        entered = history[there].groupby("opportunity_id")["entered_date"].max()
        stay = (day - pd.to_datetime(entered.reindex(deals["opportunity_id"]).set_axis(deals.index))).dt.days
        usual = deals["stage"].map(rates.set_index("label")["won_days"]).astype(float)
        return (stay > usual).astype(float).where(stay.notna() & usual.notna()), None
    won = opportunities[(opportunities["status"] == "won") & (opportunities["close_date"] <= day)]
    cycle = (won["close_date"] - won["created_date"]).dt.days.dropna()
    if len(cycle) < MIN_CASES:
        return nothing, f"fewer than {MIN_CASES} won deals tell how long a deal takes"
    age = (day - deals["created_date"]).dt.days
    return (age > cycle.quantile(0.9)).astype(float).where(age.notna()), None


def _flag_pushed(deals: pd.DataFrame, history: pd.DataFrame | None, day: pd.Timestamp) -> tuple[pd.Series, str | None]:
    reason = lacking(stage_history=(history, ["close_date"]))
    if reason is not None:
        return pd.Series(np.nan, index=deals.index), reason
    there = history["opportunity_id"].isin(deals["opportunity_id"]) & (history["entered_date"] <= day)
    seen = history[there & history["close_date"].notna()]
    seen = seen.sort_values(["opportunity_id", "entered_date", "close_date"])
    later = seen["close_date"] > seen.groupby("opportunity_id")["close_date"].shift(1)
    moves = later.groupby(seen["opportunity_id"]).sum()
    return (deals["opportunity_id"].map(moves.to_dict()) > 0).astype(float), None


@answers("2.6", OPEN_DEALS, OPEN_AMOUNT, OVERDUE_AMOUNT, NO_NEXT_STEP, UNTOUCHED, OLD, PUSHED, opportunities=[])
def summarise_pipeline(
    *,
    opportunities: pd.DataFrame,
    as_of: date,
    stage_history: pd.DataFrame | None = None,
    activities: pd.DataFrame | None = None,
    stage_rates: pd.DataFrame | None = None,
) -> Answer:
    """How healthy the open deals are. One row out per open deal, most warnings first.

    opportunities: opportunity_id, account_id, status, stage, amount, created_date, close_date; next_step and
    state_known where known. Returns these and one column per warning (1 yes, 0 no, missing not known): overdue,
    no_next_step, untouched, old, pushed; and warnings_n. A check that the tables do not allow withholds its measure
    with the reason. notes: healthy_n, healthy_amount.

    >>> deals = pd.DataFrame({"opportunity_id": ["a", "b"], "account_id": "k", "status": "open", "stage": "Close",
    ...     "amount": [10.0, 5.0],
    ...     "created_date": pd.Timestamp("2026-09-01"), "close_date": pd.to_datetime(["2026-09-29", "2026-10-30"])})
    >>> answer = summarise_pipeline(opportunities=deals, as_of=date(2026, 9, 30))
    >>> answer["open_amount"].value, answer["overdue_amount"].value, answer["untouched_amount"].withheld
    (15.0, 10.0, 'it needs table activities with activity_date')
    """
    day = pd.Timestamp(as_of)
    deals = opportunities[opportunities["status"] == "open"].sort_values("opportunity_id", ignore_index=True)
    flags = {
        "overdue": (OVERDUE_AMOUNT, _flag_overdue(deals, day)),
        "no_next_step": (NO_NEXT_STEP, _flag_no_next_step(deals, opportunities)),
        "untouched": (UNTOUCHED, _flag_untouched(deals, activities, day)),
        "old": (OLD, _flag_old(deals, opportunities, stage_history, stage_rates, day)),
        "pushed": (PUSHED, _flag_pushed(deals, stage_history, day)),
    }
    table = deals[["opportunity_id", "account_id", "stage", "amount", "created_date", "close_date"]].copy()
    for name, (_, (flag, reason)) in flags.items():
        table[name] = flag if reason is None else np.nan
    table["warnings_n"] = table[list(flags)].sum(axis=1)
    table = table.sort_values(
        ["warnings_n", "amount", "opportunity_id"], ascending=[False, False, True], ignore_index=True
    )
    rows = table[["opportunity_id", "account_id", "stage", "amount", "close_date"]]
    said = {"period_end": as_of, "source": "opportunities"}
    measures = [
        OPEN_DEALS.measure(len(table), n=len(table), rows=rows, **said),
        OPEN_AMOUNT.measure(total(table["amount"]), n=len(table), rows=rows, **said),
    ]
    for name, (definition, (_, reason)) in flags.items():
        hit = table[name] == 1
        value = {"n": int(hit.sum()), "rows": rows[hit], **said}
        amount = total(table.loc[hit, "amount"])
        measures.append(definition.measure(amount, **value) if reason is None else definition.withhold(reason, **said))
    healthy = table["warnings_n"] == 0
    notes = {"healthy_n": int(healthy.sum()), "healthy_amount": total(table.loc[healthy, "amount"])}
    notes["without_amount_n"] = int(table["amount"].isna().sum())
    return Answer("2.6", table, tuple(measures), notes)


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


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"stage_rates": (summarise_stage_rates, ("opportunities", "stage_history"))}
