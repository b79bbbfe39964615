"""Step 1, stages: what share of deals goes on from each stage, and how long deals stay there, beside the team (1.5, 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, total
from workbook_helpers.statistics import (
    MIN_CASES,
    compare_with_team,
    count_hits,
    learn_hits,
)


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


def _stage_days(opportunities: pd.DataFrame, stage_history: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """One row per deal and stage: status and all the days the deal stood there until it went on, was closed, or the as-of date."""
    day = pd.Timestamp(as_of)
    deals = opportunities[["opportunity_id", "status", "close_date"]].drop_duplicates("opportunity_id")
    entries = stage_history.loc[stage_history["entered_date"] <= day, ["opportunity_id", "stage", "entered_date"]].drop_duplicates()
    entries = entries.merge(deals, on="opportunity_id").sort_values(["opportunity_id", "entered_date", "stage"])
    last = entries["close_date"].where(entries["status"] != "open", day)
    left = entries.groupby("opportunity_id")["entered_date"].shift(-1).fillna(last)
    entries["stay_days"] = (left - entries["entered_date"]).dt.days.clip(lower=0).astype(float)
    return entries.groupby(["opportunity_id", "status", "stage"], as_index=False)["stay_days"].sum()


def summarise_stage_rates(
    *, opportunities: pd.DataFrame | None, stage_history: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """What share of the team's deals goes on from each stage, and how long won deals stay there.

    Returns cut ("stage"), label, hits_n, cases_n, reps_n, strength, decided_days (a deal counts when it was created at
    least so long ago: nine in ten closed deals took no longer), won_n, won_days (nine in ten entries of won deals had
    led on by then), usual_days and long_days (all the days that half and nine in ten of the won deals stood there).
    Without stage_history from today's stages, unless they give the outcome
    away (``find_giveaway``); how long deals stay is then not known.

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
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength", "decided_days", "won_n", "won_days", "usual_days",
               "long_days"]  # fmt: skip
    if opportunities is None or not company.stages:
        return pd.DataFrame(columns=columns)
    path = _assume_path(opportunities) if stage_history is None else stage_history
    if stage_history is None and find_giveaway(opportunities, company.stages) is not None:
        return pd.DataFrame(columns=columns)
    cases, decided_days = _stage_cases(opportunities, path, company.stages, as_of, None)
    if cases.empty:
        return pd.DataFrame(columns=columns)
    seen = path if stage_history is not None else path.head(0)
    stays, whole = _stays(opportunities, seen, as_of), _stage_days(opportunities, seen, as_of)
    stays = stays[stays["status"] == "won"].groupby("stage")["stay_days"]
    whole = whole[whole["status"] == "won"].groupby("stage")["stay_days"]
    rates = learn_hits(cases).assign(decided_days=decided_days)
    rates["won_n"] = stays.size().reindex(rates["label"]).fillna(0.0).astype(float).to_numpy()
    rates["won_days"] = stays.quantile(0.9).reindex(rates["label"]).astype(float).to_numpy()
    rates["usual_days"] = whole.median().reindex(rates["label"]).astype(float).to_numpy()
    rates["long_days"] = whole.quantile(0.9).reindex(rates["label"]).astype(float).to_numpy()
    days = ["won_days", "usual_days", "long_days"]
    rates[days] = rates[days].where(rates["won_n"] >= MIN_CASES)
    return _in_stage_order(rates[columns], company.stages)


def _in_stage_order(rates: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    place = {stage: i for i, stage in enumerate(stages)}
    return rates.sort_values("label", key=lambda labels: labels.map(place), ignore_index=True)


def _assume_path(opportunities: pd.DataFrame) -> pd.DataFrame:
    """The stage that each deal stands in today, as if it had entered it when it was created."""
    path = opportunities.reindex(columns=["opportunity_id", "stage", "created_date"])
    return path[path["stage"].notna()].rename(columns={"created_date": "entered_date"})


def find_giveaway(opportunities: pd.DataFrame, stages: Sequence[str]) -> str | None:
    """Why today's stages of closed deals cannot say how far these deals came, or None where they may: a CRM that moves lost deals into
    one stage tells their end and not their way.

    >>> deals = pd.DataFrame({"stage": ["Close"] * 20 + ["Qualify"] * 30, "status": ["won"] * 20 + ["lost"] * 30})
    >>> find_giveaway(deals, ("Qualify", "Close"))
    'nine in ten lost deals stand in Qualify'
    """
    lost = opportunities.loc[opportunities["status"] == "lost", "stage"] if "stage" in opportunities else pd.Series(dtype=object)
    known = lost[lost.isin(stages)]
    if len(known) < 0.5 * len(lost) or len(known) < MIN_CASES:
        return "the stages of lost deals are not those of the settings"
    counts = known.value_counts()
    if counts.iloc[0] >= 0.9 * len(known):
        return f"nine in ten lost deals stand in {counts.index[0]}"
    return f"no lost deal stands in {stages[-1]}" if len(known) >= 20 and stages[-1] not in counts.index else None


@answers("1.5", opportunities=["created_date"])
def summarise_stage_conversion(
    *,
    opportunities: pd.DataFrame,
    stage_history: pd.DataFrame | None,
    stages: Sequence[str],
    as_of: date,
    stage_rates: pd.DataFrame | None = None,
    in_team: bool = True,
) -> Answer:
    """What share of the deals that reach a stage goes on from it, beside the team without this rep.

    Went on: reached a later stage or was won. Only deals old enough to have decided count (``summarise_stage_rates``),
    over the whole history; deals skip stages. stage_rates: the team's, if any; in_team: they hold this rep's deals too.
    Without stage_history a deal counts as having come as far as it stands today, which holds where the CRM keeps the stage of a lost
    deal; withheld where today's stages give the outcome away. One row out per stage in order, see
    ``statistics.compare_with_team``. notes: leak (stage that falls furthest below the team, shrunk; None without team),
    beyond_chance (the leak), years, assumed (no history).

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
    assumed = stage_history is None
    if assumed:
        why = find_giveaway(opportunities, stages)
        if why is None and stage_rates is not None and stage_rates.empty:
            why = "today's stages of the team's closed deals give the outcome away"
        if why is not None:
            return Answer("1.5", withheld=f"it needs table stage_history with entered_date: {why}")
        stage_history = _assume_path(opportunities)
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
    notes = {"leak": leak, "years": years, "decided_days": decided_days, "deals_n": n, "assumed": assumed}
    return Answer("1.5", table, notes=notes | {"beyond_chance": _is_beyond_chance(table, leak)})


def _is_beyond_chance(table: pd.DataFrame, leak: str | None) -> bool:
    """Whether so few going on from the leak would be found in one of twenty reps at most: binomial, times the stages that were compared."""
    if leak is None:
        return False
    from scipy.stats import binom

    row = table.set_index("label").loc[leak]
    compared = (table["cases_n"] >= MIN_CASES) & table["team_share"].notna()
    return bool(binom.cdf(row["hits_n"], row["cases_n"], row["team_share"]) * compared.sum() <= 0.05)


@answers("1.5", opportunities=["created_date"])
def rank_ageing(
    *, opportunities: pd.DataFrame, stage_history: pd.DataFrame | None, stage_rates: pd.DataFrame | None, as_of: date
) -> Answer:
    """Open deals that have stayed at their stage longer than nine in ten won deals did, the largest amount first.

    stage_rates: the team's ``summarise_stage_rates``; without it, or without stage_history, a deal's age is held against the days that
    this book's won deals took. Returns opportunity_id, account_id, stage, stay_days, usual_days, long_days, amount.
    notes: open_n (compared), amount (of the rows), by_stage.

    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "account_id": "k", "status": ["won"] * 5 + ["open"], "amount": 9.0,
    ...     "stage": "Close", "created_date": pd.Timestamp("2026-01-01"), "close_date": pd.Timestamp("2026-01-31")})
    >>> rank_ageing(opportunities=deals, stage_history=None, stage_rates=None, as_of=date(2026, 9, 30)).table[["opportunity_id",
    ...     "stay_days", "long_days"]].values.tolist()
    [['f', 272.0, 30.0]]
    """
    day = pd.Timestamp(as_of)
    deals = opportunities.reindex(columns=["opportunity_id", "account_id", "status", "stage", "amount", "created_date", "close_date"])
    is_open = deals[deals["status"] == "open"].drop_duplicates("opportunity_id")
    if is_open.empty:
        return Answer("1.5", withheld="no deal is open")
    table = is_open[["opportunity_id", "account_id", "stage", "amount"]].copy()
    by_stage = stage_history is not None and stage_rates is not None and bool(stage_rates["long_days"].notna().any())
    if by_stage:
        stays = _stage_days(is_open, stage_history, as_of).rename(columns={"stay_days": "days"})
        table["stay_days"] = table.merge(stays, on=["opportunity_id", "stage"], how="left")["days"].to_numpy(float)
        usual = stage_rates.set_index("label")
        for column in ("usual_days", "long_days"):
            table[column] = table["stage"].map(usual[column]).astype(float)
    else:
        won = deals[(deals["status"] == "won") & (deals["close_date"] <= day)]
        cycle = (won["close_date"] - won["created_date"]).dt.days.dropna()
        if len(cycle) < MIN_CASES:
            return Answer("1.5", withheld=f"fewer than {MIN_CASES} won deals tell how long a deal takes")
        table["stay_days"] = (day - is_open["created_date"]).dt.days.astype(float)
        table["usual_days"], table["long_days"] = float(cycle.median()), float(cycle.quantile(0.9))
    known = table["stay_days"].notna() & table["long_days"].notna()
    late = table[known & (table["stay_days"] > table["long_days"])]
    late = late.sort_values(["amount", "opportunity_id"], ascending=[False, True], ignore_index=True)
    notes = {"open_n": int(known.sum()), "amount": total(late["amount"]), "by_stage": by_stage}
    return Answer("1.5", late, notes=notes)


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"stage_rates": (summarise_stage_rates, ("opportunities", "stage_history"))}
