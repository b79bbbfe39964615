"""Step 5, what it takes: from the goal, or the income wished, back to deals, pipeline and the week; and what a plan takes for granted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer, Period, sum_money, total
from workbook_helpers.renewals import find_renewals
from workbook_helpers.statistics import MIN_CASES

#: What a plan takes for granted, with its unit.
ASSUMPTIONS = {
    "attrition_share": "share",
    "new_business_share": "share",
    "mean_won_amount": "money",
    "win_rate": "share",
    "cycle_days": "days",
}


def learn_activity_rates(*, activities: pd.DataFrame | None, opportunities: pd.DataFrame | None, as_of: date, **_: object) -> pd.DataFrame:
    """How much a won deal takes in this role: activities of the last 365 days, by type.

    activities, opportunities: a role's rows with rep_id; what marketing, presales and service did is left out. One
    row per activity_type out: touches_n, won_n, per_won (touches per won deal, NaN below five won), weekly_n (per rep
    and week), reps_n.
    """
    columns = ["activity_type", "touches_n", "won_n", "per_won", "weekly_n", "reps_n"]
    if activities is None:
        return pd.DataFrame(columns=columns)
    year, won_n = Period.ending(as_of), 0
    activities = activities[activities["team"].isna() | activities["team"].astype(str).str.lower().eq("sales")]
    if opportunities is not None:
        won_n = int((opportunities["status"].eq("won") & year.holds(opportunities["close_date"])).sum())
    rows = []
    for kind, group in activities[year.holds(activities["activity_date"])].groupby("activity_type", sort=True):
        reps = group["rep_id"].nunique() if "rep_id" in group else 1
        per_won = len(group) / won_n if won_n >= MIN_CASES else math.nan
        rows.append((kind, len(group), won_n, per_won, len(group) / max(1, reps) / (year.days / 7), reps))
    return pd.DataFrame(rows, columns=columns)


def estimate_needs(
    *,
    goal: Answer,
    flow: Answer,
    opportunities: pd.DataFrame | None,
    activities: pd.DataFrame | None,
    sales: pd.DataFrame | None = None,
    activity_rates: pd.DataFrame | None,
    base_rate: float,
    team_mean_won: float | None = None,
    income: float | None = None,
    base_salary: float | None = None,
    on_target_earnings: float | None = None,
    left: bool = False,
    deals: pd.DataFrame | None = None,
    as_of: date,
    fiscal_year: Period,
) -> Answer:
    """What has to happen in the rest of the year: from the income wished, else from the goal, back to weekly behaviour.

    income: this year's wish, only where the rep shares it; with base_salary and on_target_earnings it sets what must
    be sold: attainment = (income − base) ÷ (on-target earnings − base), amount = attainment × quota. deals:
    chance.estimate_chances; open renewals due are expected by their chance, and only what they leave must be won in
    deals that somebody creates; touches are asked for both. One row per step out: step, kind (income, results or
    activity), needed (until the year ends), per_quarter, per_week, unit, ratio, ratio_of (own or team). Without
    opportunities the orders that are needed stand in for deals. Ratios of fewer than five cases are the team's.
    """
    if left:
        return Answer("5.1", withheld="the rep has left")
    target, rows = goal["goal"].value, []
    pay = income is not None and base_salary is not None and on_target_earnings is not None
    if pay and on_target_earnings > base_salary and goal["quota"].value:
        attainment = max(0.0, (income - base_salary) / (on_target_earnings - base_salary))
        target = attainment * goal["quota"].value
        rows += [
            ("income wished", "income", income, "money", None, "plan"),
            ("attainment it takes", "income", attainment, "share", None, "pay"),
        ]
    if target is None or goal["booked_amount"].value is None:
        reason = goal["goal"].withheld or goal["booked_amount"].withheld
        return Answer("5.1", withheld=f"there is nothing to work back from: {reason}")
    missing = max(0.0, target - goal["booked_amount"].value - (flow["flow_amount"].value or 0.0))
    rows.append(("to bring in", "results", missing, "money", None, "goal"))
    renewing, renewals_n = _expect_renewals(deals)
    renewing = min(renewing, missing)
    if renewing > 0:
        rows.append(("of it, open renewals by their chance", "results", renewing, "money", None, "open deals"))
        missing = round(missing - renewing, 4)
    year, days_left = Period.ending(as_of), (fiscal_year.end - as_of).days
    if opportunities is not None:
        won = opportunities[opportunities["status"].eq("won") & year.holds(opportunities["close_date"]) & ~find_renewals(opportunities)]
        size, size_of = _own_or_team(won["amount"].dropna(), team_mean_won)
        if size:
            rows.append(("deals to win", "results", missing / size, "count", size, size_of))
            if base_rate > 0:
                rows.append(("pipeline it takes", "results", missing / base_rate, "money", base_rate, "own and team"))
            own = learn_activity_rates(activities=activities, opportunities=opportunities, as_of=as_of)
            for kind, ratio, of in _activity_ratios(own, activity_rates):
                rows.append((kind, "activity", (missing / size + (renewals_n if renewing else 0)) * ratio, "count", ratio, of))
    elif sales is not None:
        lines = sales[year.holds(sales["sale_date"])]
        size, size_of = _own_or_team(sum_money(lines["amount"], lines["sale_id"]), None)
        if size:
            rows.append(("orders to win", "results", missing / size, "count", size, size_of))
    table = pd.DataFrame(rows, columns=["step", "kind", "needed", "unit", "ratio", "ratio_of"])
    spread = table["kind"].ne("income") & (days_left > 0)
    table["per_week"] = (table["needed"] * 7 / max(days_left, 7)).where(spread)
    table["per_quarter"] = (table["needed"] * 91.25 / max(days_left, 91.25)).where(spread)
    notes = {"left": missing, "renewing": renewing, "weeks": days_left / 7, "from_income": bool(rows[0][1] == "income")}
    return Answer("5.1", table, notes=notes)


def _expect_renewals(deals: pd.DataFrame | None) -> tuple[float, float]:
    """Of the open renewal deals due before the year ends: Σ chance × amount, and Σ chance (renewals take touches too)."""
    if deals is None:
        return 0.0, 0.0
    due = deals[deals["bucket"].isin(["likely", "stretch"]) & find_renewals(deals)]
    return total(due["probability"] * due["amount"]), total(due["probability"])


def _own_or_team(values: pd.Series, team: float | None) -> tuple[float | None, str]:
    if len(values) >= MIN_CASES and values.mean() > 0:
        return total(values) / len(values), "own"
    return (team, "team") if team else (None, "")


def _activity_ratios(own: pd.DataFrame, team: pd.DataFrame | None) -> list[tuple[str, float, str]]:
    for table, of in ((own, "own"), (team, "team")):
        known = None if table is None or table.empty else table[table["per_won"].notna()]
        if known is not None and len(known):
            return [(row.activity_type, float(row.per_won), of) for row in known.itertuples()]
    return []


def take_assumptions(planned: Any) -> dict[str, float | None]:
    """The assumptions of a plan (an object with an attribute each) by name; None where not answered.

    >>> from types import SimpleNamespace
    >>> take_assumptions(SimpleNamespace(win_rate=0.3))["win_rate"]
    0.3
    """
    return {name: getattr(planned, name, None) for name in ASSUMPTIONS}


def compare_assumptions(
    *,
    assumptions: Mapping[str, float | None],
    opportunities: pd.DataFrame | None,
    sales: pd.DataFrame | None,
    as_of: date,
) -> Answer:
    """Each assumption of the plan beside the past three years of 365 days.

    assumptions: attrition_share, new_business_share, mean_won_amount, win_rate, cycle_days; None where not answered.
    One row per assumption out: assumption, unit, planned, year_1 (ending on as_of), year_2, year_3 (NaN below five
    cases), n_1, and stretch: True where the plan asks for better than each known year showed.
    """
    years = [Period.ending(as_of - timedelta(days=365 * k)) for k in range(4)]
    past = [_look_back(opportunities, sales, years[k], years[k + 1]) for k in range(3)]
    rows = []
    for name, unit in ASSUMPTIONS.items():
        planned, values = assumptions.get(name), [year[name][0] for year in past]
        known = [v for v in values if not math.isnan(v)]
        stretch = False
        if planned is not None and known and name != "new_business_share":
            stretch = planned < min(known) if name in ("attrition_share", "cycle_days") else planned > max(known)
        rows.append((name, unit, math.nan if planned is None else planned, *values, past[0][name][1], stretch))
    columns = ["assumption", "unit", "planned", "year_1", "year_2", "year_3", "n_1", "stretch"]
    table = pd.DataFrame(rows, columns=columns)
    if table[columns[2:6]].isna().all(axis=None):
        return Answer(
            "5.4",
            table,
            withheld="fewer than five deals and customers in each past year, and no assumptions in the plan",
        )
    return Answer("5.4", table, notes={"stretched": tuple(table.loc[table["stretch"], "assumption"])})


def _look_back(deals: pd.DataFrame | None, sales: pd.DataFrame | None, year: Period, before: Period) -> dict[str, tuple[float, int]]:
    """Value and cases of each assumption in one year; NaN below five cases."""
    out = dict.fromkeys(("attrition_share", "new_business_share", "mean_won_amount", "win_rate", "cycle_days"), (math.nan, 0))

    def put(name: str, value: Any, n: int) -> None:
        out[name] = (float(value) if n >= MIN_CASES else math.nan, n)

    if sales is not None:
        now, then = (p.holds(sales["sale_date"]) for p in (year, before))
        whole = len(sales) > 0 and sales["sale_date"].min() <= pd.Timestamp(before.start) + pd.Timedelta(days=31)
        customers, bought = set(sales.loc[then, "account_id"].dropna()) if whole else set(), sales.loc[now]
        lost = customers - set(bought["account_id"])
        gone = total(sales.loc[then & sales["account_id"].isin(lost), "amount"])
        put("attrition_share", gone / (total(sales.loc[then, "amount"]) or math.nan), len(customers))
        if customers:
            fresh = total(bought.loc[~bought["account_id"].isin(customers), "amount"])
            share = fresh / (total(bought["amount"]) or math.nan)
            put("new_business_share", share, bought["account_id"].nunique())
    if deals is not None:
        closed = deals[deals["status"].isin(["won", "lost"]) & year.holds(deals["close_date"])]
        won = closed[closed["status"] == "won"]
        put("mean_won_amount", won["amount"].mean(), int(won["amount"].notna().sum()))
        put("win_rate", len(won) / len(closed) if len(closed) else math.nan, len(closed))
        put("cycle_days", (won["close_date"] - won["created_date"]).dt.days.median(), len(won))
    return out


LEARNED = {"activity_rates": (learn_activity_rates, ("activities", "opportunities"))}
