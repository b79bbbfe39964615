"""Step 2, the pipeline: how healthy the open deals are (2.6)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, answers, lacking, total
from workbook_helpers.statistics import (
    MIN_CASES,
)

#: A deal without a touch for so many days is called untouched.
UNTOUCHED_DAYS = 30
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
    if history is not None and rates is not None and rates["long_days"].notna().any():
        there = history[history["entered_date"] <= day].merge(deals[["opportunity_id", "stage"]], on=["opportunity_id", "stage"])
        entered = there.groupby("opportunity_id")["entered_date"].min()  # a pushed date is a new entry of the same stage
        stay = (day - pd.to_datetime(entered.reindex(deals["opportunity_id"]).set_axis(deals.index))).dt.days
        usual = deals["stage"].map(rates.set_index("label")["long_days"]).astype(float)
        return (stay > usual).astype(float).where(stay.notna() & usual.notna()), None
    won = opportunities[(opportunities["status"] == "won") & (opportunities["close_date"] <= day)]
    cycle = (won["close_date"] - won["created_date"]).dt.days.dropna()
    if len(cycle) < MIN_CASES:
        return nothing, f"fewer than {MIN_CASES} won deals tell how long a deal takes"
    age = (day - deals["created_date"]).dt.days
    return (age > cycle.quantile(0.9)).astype(float).where(age.notna()), None


def _count_pushes(deals: pd.DataFrame, history: pd.DataFrame | None, day: pd.Timestamp) -> tuple[pd.Series, str | None]:
    """How often the expected close of each deal was moved later, from one entry of its history to the next and to today's."""
    reason = lacking(stage_history=(history, ["close_date"]))
    if reason is not None:
        return pd.Series(np.nan, index=deals.index), reason
    there = history["opportunity_id"].isin(deals["opportunity_id"]) & (history["entered_date"] <= day)
    seen = history.loc[there & history["close_date"].notna(), ["opportunity_id", "entered_date", "close_date"]]
    today = deals.loc[deals["close_date"].notna(), ["opportunity_id", "close_date"]].assign(entered_date=day)
    if len(today):
        seen = pd.concat([seen, today[today["opportunity_id"].isin(seen["opportunity_id"])]])
    seen = seen.sort_values(["opportunity_id", "entered_date", "close_date"])
    later = seen["close_date"] > seen.groupby("opportunity_id")["close_date"].shift(1)
    moves = later.groupby(seen["opportunity_id"]).sum()
    return deals["opportunity_id"].map(moves.to_dict()).fillna(0).astype(float), None


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
    state_known where known. Returns these, pushes_n (how often the close was moved later) and one column per warning (1 yes, 0 no, missing
    not known): overdue, no_next_step, untouched, old, pushed; and warnings_n. A check that the tables do not allow withholds its measure
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
    pushes, not_pushed = _count_pushes(deals, stage_history, day)
    flags = {
        "overdue": (OVERDUE_AMOUNT, _flag_overdue(deals, day)),
        "no_next_step": (NO_NEXT_STEP, _flag_no_next_step(deals, opportunities)),
        "untouched": (UNTOUCHED, _flag_untouched(deals, activities, day)),
        "old": (OLD, _flag_old(deals, opportunities, stage_history, stage_rates, day)),
        "pushed": (PUSHED, ((pushes > 0).astype(float), not_pushed)),
    }
    table = deals[["opportunity_id", "account_id", "stage", "amount", "created_date", "close_date"]].copy()
    table["next_step"] = deals.reindex(columns=["next_step"])["next_step"].astype(object)
    table["pushes_n"] = pushes
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
