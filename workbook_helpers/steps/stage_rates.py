"""Step 1, stages: what share of deals goes on from each stage, and how long deals stay there, beside the team (1.5, 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers
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


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"stage_rates": (summarise_stage_rates, ("opportunities", "stage_history"))}
