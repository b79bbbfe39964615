"""Step 6, check and track: are we on pace, has something moved, and where will the year land?

Frames in, answers out. ``credited`` is what counts for the quota (``goals.summarise_credited``): source_id, account_id,
credit_date, amount. The forecast is seasonal naïve: the same days a year ago, with intervals from its own past errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, sum_money, total
from workbook_helpers.statistics import MIN_CASES, estimate_bootstrap_interval

PACE = Definition("pace", 6, "Pace", "ratio", "actual to date ÷ (goal × seasonal share elapsed)", roll_up="ratio")
FORECAST = Definition("forecast", 6, "Year end", "money", "booked to date + what came on the remaining days a year ago")

#: Behaviour is averaged over so many days: a quarter, so that one busy week decides nothing.
BEHAVIOUR_DAYS = 91
#: The year counts as over when the team sold nothing in the days that are left in so many years before.
QUIET_YEARS = 2
#: Fewer past errors than this give no interval.
LEAST_ORIGINS = 3


# --- season and pace ---


def learn_season(
    *,
    sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None = None,
    company: object = None,
    as_of: date,
    **_: object,
) -> pd.DataFrame:
    """The team's month index: how much a month stands above or below its surroundings, mean 1.

    sales, opportunities: a role's rows; won deals where the company's quota counts bookings, else sales. One row per
    month (1-12) out: month, index, years_n (how many years stand behind it), reps_n; no rows below two whole years.
    Source: ratio to a centred twelve-month moving average (classical decomposition), whole months only.

    >>> days = pd.date_range("2023-01-01", "2025-12-31", freq="MS")
    >>> sales = pd.DataFrame({"sale_date": days, "amount": [150.0 if d.month == 12 else 50.0 for d in days]})
    >>> index = learn_season(sales=sales, as_of=date(2025, 12, 31)).set_index("month")["index"]
    >>> float(round(index[12] / index[6], 2)), float(round(index.mean(), 6))
    (3.0, 1.0)
    """
    columns = ["month", "index", "years_n", "reps_n"]
    rows, when = _find_business(sales, opportunities, company)
    if rows is None or not len(rows) or rows[when].isna().all():
        return pd.DataFrame(columns=columns)
    reps_n, rows = rows["rep_id"].nunique() if "rep_id" in rows else 1, rows[rows[when] <= pd.Timestamp(as_of)]
    first, next_day = rows[when].min(), pd.Timestamp(as_of) + pd.Timedelta(days=1)
    start = first.to_period("M") + (1 if first.day > 7 else 0)
    months = pd.period_range(start, next_day.to_period("M") - 1, freq="M")
    if len(months) < 24:
        return pd.DataFrame(columns=columns)
    monthly = sum_money(rows["amount"], rows[when].dt.to_period("M")).reindex(months, fill_value=0.0)
    centre = monthly.rolling(12).mean().rolling(2).mean().shift(-6)
    ratio = (monthly / centre.where(centre > 0)).dropna()
    index = ratio.groupby(ratio.index.month).mean().reindex(range(1, 13), fill_value=1.0).clip(lower=0.0)
    table = pd.DataFrame({"month": index.index, "index": index.to_numpy() / index.mean()})
    return table.assign(years_n=len(months) // 12, reps_n=reps_n)


def _find_business(sales: pd.DataFrame | None, opportunities: pd.DataFrame | None, company: object) -> tuple[pd.DataFrame | None, str]:
    """Won deals where the quota counts bookings, else sales; and the column that dates them."""
    if getattr(company, "quota_counts", "") == "bookings" and opportunities is not None:
        return opportunities[opportunities["status"] == "won"], "close_date"
    return sales, "sale_date"


def learn_rest_of_year(
    *,
    sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None = None,
    company: Any,
    as_of: date,
    **_: object,
) -> pd.DataFrame:
    """What the days that are left of the fiscal year brought in the years before: some calendars end early.

    sales, opportunities, company: as for learn_season. One row out, none where no such days lie in the history: years_n,
    sales_n (sales on those days in all these years), reps_n.

    >>> from types import SimpleNamespace
    >>> company = SimpleNamespace(fiscal_year=lambda day: Period(date(day.year, 1, 1), date(day.year, 12, 31)))
    >>> sales = pd.DataFrame({"sale_date": pd.to_datetime(["2023-11-29", "2024-11-29", "2025-11-28"])})
    >>> rest = learn_rest_of_year(sales=sales, company=company, as_of=date(2025, 11, 29))
    >>> rest[["years_n", "sales_n"]].values.tolist(), is_over(rest)
    ([[2, 0]], True)
    """
    columns = ["years_n", "sales_n", "reps_n"]
    rows, when = _find_business(sales, opportunities, company)
    rest = Period(as_of + timedelta(days=1), company.fiscal_year(as_of).end)
    if rows is None or not len(rows) or rest.days < 1:
        return pd.DataFrame(columns=columns)
    first, years = rows[when].min(), []
    while pd.notna(first) and pd.Timestamp(rest.years_earlier(len(years) + 1).start) > first:
        years.append(rest.years_earlier(len(years) + 1))
    sales_n = sum(int(days.holds(rows[when]).sum()) for days in years)
    reps_n = rows["rep_id"].nunique() if "rep_id" in rows else 1
    return pd.DataFrame([(len(years), sales_n, reps_n)] if years else [], columns=columns)


def is_over(rest_of_year: pd.DataFrame | None) -> bool:
    """Whether nothing more is to be expected this fiscal year: the team sold nothing in these days in at least two years before."""
    if rest_of_year is None or rest_of_year.empty:
        return False
    return bool((rest_of_year["years_n"] >= QUIET_YEARS).all() and (rest_of_year["sales_n"] == 0).all())


def estimate_seasonal_share(*, part: Period, whole: Period, season: pd.DataFrame | None) -> float:
    """The share of a year's business that falls into a part of it; by days where there is no season.

    >>> whole = Period(date(2026, 1, 1), date(2026, 12, 31))
    >>> estimate_seasonal_share(part=Period(date(2026, 1, 1), date(2026, 3, 14)), whole=whole, season=pd.DataFrame())
    0.2
    """
    return _share(part, whole, _read_season(season))


def _read_season(season: pd.DataFrame | None) -> np.ndarray:
    """The index of each month, January first; 1 where it is not known."""
    index = np.ones(12)
    if season is not None and len(season):
        index[season["month"].to_numpy(int) - 1] = season["index"]
    return index


def _share(part: Period, whole: Period, index: np.ndarray) -> float:
    """The share of the whole's business that falls into a part of it, by the index of each month."""

    def weigh(period: Period) -> float:
        days = np.arange(period.start, period.end + timedelta(days=1), dtype="datetime64[D]")
        return math.fsum(index[days.astype("datetime64[M]").astype(int) % 12].tolist())

    part, all_of_it = Period(max(part.start, whole.start), min(part.end, whole.end)), weigh(whole)
    return weigh(part) / all_of_it if all_of_it else max(0, part.days) / whole.days


def compare_pace(
    *,
    credited: pd.DataFrame | None,
    goal: Answer,
    season: pd.DataFrame | None,
    since: date | None = None,
    until: date | None = None,
    over: bool = False,
    as_of: date,
    fiscal_year: Period,
) -> Answer:
    """Pace of the year, the quarter and the month: actual to date against the goal spread by season.

    goal: goals.summarise_goal; where it is the quota and several quotas make it up, each is due in its own days. season:
    the team's month index; days where it is empty. since, until: the rep's first
    and last day; the goal is spread over the days between, where they lie inside the year. over: the team never sells in
    the days that are left (is_over), so that all of the goal was due by now. One row per span out: span, start, end,
    actual, goal (of the whole span), expected (of the goal, to date), pace (NaN where nothing is expected), ahead (money).
    """
    target = goal["goal"].value
    reason = f"there is no goal: {goal['goal'].withheld}" if target is None else None
    reason = reason or ("no table holds what the quota counts" if credited is None else None)
    if reason:
        return Answer("6.1", measures=(PACE.withhold(reason, period=fiscal_year),), withheld=reason)
    parts, index = _split_goal(goal, _goal_days(fiscal_year, since, as_of if over else until)), _read_season(season)
    rows = []
    for span, whole in (("year", fiscal_year), *_spans(as_of, fiscal_year, parts).items()):
        to_date = Period(whole.start, as_of)
        actual = total(credited.loc[to_date.holds(credited["credit_date"]), "amount"])
        expected = _expect(to_date, parts, index)
        rows.append(
            (
                span,
                whole.start,
                whole.end,
                actual,
                _expect(whole, parts, index),
                expected,
                actual / expected if expected else math.nan,
            )
        )
    table = pd.DataFrame(rows, columns=["span", "start", "end", "actual", "goal", "expected", "pace"])
    table["ahead"] = (table["actual"] - table["expected"]).round(4)
    year = table.iloc[0]
    seasonal = season is not None and len(season) > 0
    how = "spread by the team's season" if seasonal else "spread by days, because two years of history are not there"
    how = how.replace("spread by", "spread by its quotas and") if len(parts) > 1 else how
    pace = PACE.ratio(
        float(year["actual"]),
        float(year["expected"]),
        period=Period(fiscal_year.start, as_of),
        if_none="the goal is 0",
        source=how,
    )
    return Answer("6.1", table, (pace,), {"seasonal": seasonal, "how": how})


def _split_goal(goal: Answer, days: Period) -> list[tuple[Period, float]]:
    """The parts of the goal, each with its days: the quotas that make it up, where it is the quota; else one part."""
    whole, quota = goal["goal"].value, next((m for m in goal.measures if m.id == "quota"), None)
    if quota is None or quota.rows is None or quota.value != whole:
        return [(days, whole)]
    rows = quota.rows.assign(amount=quota.rows["quota"] - quota.rows["relief"].fillna(0.0))
    parts = []
    for (start, end), amount in sum_money(rows["amount"], [rows["period_start"], rows["period_end"]]).items():
        inside = Period(max(start.date(), days.start), min(end.date(), days.end))
        parts.append((inside if inside.days > 0 else Period(start.date(), end.date()), amount))
    return parts if len(parts) > 1 else [(days, whole)]


def _expect(part: Period, parts: Sequence[tuple[Period, float]], index: np.ndarray) -> float:
    """How much of the goal falls due in these days, by the index of each month."""
    return math.fsum(amount * _share(part, days, index) for days, amount in parts)


def _goal_days(year: Period, since: date | None, until: date | None) -> Period:
    """The days of the year on which the rep is there."""
    start = since if since is not None and year.start < since <= year.end else year.start
    end = until if until is not None and start <= until < year.end else year.end
    return Period(start, end)


def _spans(as_of: date, year: Period, parts: Sequence[tuple[Period, float]]) -> dict[str, Period]:
    """The quarter (of the quotas where they have quarters, else of the fiscal year) and the month that hold the day."""
    spans = year.spans(as_of)
    spans["quarter"] = next((days for days, _ in parts if days.start <= as_of <= days.end and 60 <= days.days <= 100), spans["quarter"])
    return spans


def summarise_run(
    *,
    credited: pd.DataFrame | None,
    goal: Answer,
    season: pd.DataFrame | None,
    since: date | None = None,
    until: date | None = None,
    over: bool = False,
    as_of: date,
    fiscal_year: Period,
) -> pd.DataFrame:
    """Week by week, what has come in and what the goal expected by then.

    One row per week of the fiscal year out: week_end_date (the last one is the year's end), actual (NaN after as_of),
    expected.
    """
    if credited is None or goal["goal"].value is None:
        return pd.DataFrame(columns=["week_end_date", "actual", "expected"])
    parts, index = _split_goal(goal, _goal_days(fiscal_year, since, as_of if over else until)), _read_season(season)
    ends = [min(fiscal_year.start + timedelta(days=7 * k - 1), fiscal_year.end) for k in range(1, -(-fiscal_year.days // 7) + 1)]
    inside = Period(fiscal_year.start, as_of).holds(credited["credit_date"].to_numpy())
    days, amounts = (credited[column].to_numpy()[inside] for column in ("credit_date", "amount"))
    actual = [total(amounts[days <= np.datetime64(end)]) if end <= as_of + timedelta(days=6) else math.nan for end in ends]
    expected = [_expect(Period(fiscal_year.start, end), parts, index) for end in ends]
    return pd.DataFrame({"week_end_date": pd.to_datetime(ends), "actual": actual, "expected": expected})


# --- behaviour ---


def _keep_sales(activities: pd.DataFrame) -> pd.DataFrame:
    """Without what marketing, presales and service did."""
    return activities[activities["team"].isna() | activities["team"].astype(str).str.lower().eq("sales")]


def compare_behaviour(
    *,
    activities: pd.DataFrame | None,
    needs: Answer,
    activity_rates: pd.DataFrame | None,
    active_from: date | None = None,
    as_of: date,
) -> Answer:
    """Weekly behaviour: what was done in the last 13 weeks, what the goal asks for, and what the team does.

    needs: effort.estimate_needs. activity_rates: the team's. active_from: the rep's first day; of a newer rep the weeks
    since then count, at least one. One row per activity type out, the widest gap first: activity_type, done_n, per_week,
    needed_per_week (NaN where nothing says), team_per_week, missing_per_week (where above 0), beyond_effort (asks for
    more than twice the rep's own record, and for one a week or more). notes: days, how many were looked at.
    """
    if activities is None:
        return Answer("6.1", withheld="it needs table activities with activity_date, activity_type")
    activities = _keep_sales(activities)
    here = BEHAVIOUR_DAYS if active_from is None else (as_of - active_from).days + 1
    days = max(7, min(BEHAVIOUR_DAYS, here))
    recent = activities[Period.ending(as_of, days).holds(activities["activity_date"])]
    done = recent.groupby("activity_type").size()
    asked = pd.Series(dtype=float)
    if needs.withheld is None and len(needs.table):
        asked = needs.table[needs.table["kind"] == "activity"].set_index("step")["per_week"].astype(float)
    team = asked.iloc[:0]
    if activity_rates is not None and len(activity_rates):
        team = activity_rates.set_index("activity_type")["weekly_n"].astype(float)
    kinds = sorted(set(done.index) | set(asked.index))
    if not kinds:
        return Answer("6.1", withheld="no activity is recorded in the last 13 weeks")
    table = pd.DataFrame({"activity_type": kinds})
    table["done_n"] = table["activity_type"].map(done).fillna(0).astype(int)
    table["per_week"] = table["done_n"] / (days / 7)
    table["needed_per_week"] = table["activity_type"].map(asked).astype(float)
    table["team_per_week"] = table["activity_type"].map(team).astype(float)
    table["missing_per_week"] = (table["needed_per_week"] - table["per_week"]).clip(lower=0.0)
    asked = table["needed_per_week"]
    table["beyond_effort"] = (asked >= 1) & (asked > 2 * table["per_week"])
    table = table.sort_values(["missing_per_week", "done_n", "activity_type"], ascending=[False, False, True])
    return Answer("6.1", table.reset_index(drop=True), notes={"days": days})


def compare_calls(*, activities: pd.DataFrame | None, accounts: pd.DataFrame, calls: Mapping[str, float], as_of: date) -> Answer:
    """Calls planned against calls made in the last 365 days, by tier.

    accounts: account_id, tier (quality.rank_tiers). calls: calls a year by tier, the plan's or the company's. One row
    per tier out: tier, accounts_n, planned_n, made_n (touches of accounts of the tier), untouched_n (accounts without
    one).
    """
    if activities is None or activities["account_id"].isna().all():
        return Answer("6.10", withheld="it needs table activities with account_id")
    if accounts.empty:
        return Answer("6.10", withheld="this book holds no accounts")
    activities = _keep_sales(activities)
    made = activities[Period.ending(as_of).holds(activities["activity_date"])].groupby("account_id").size()
    each = accounts.assign(made_n=accounts["account_id"].map(made).fillna(0).astype(int))
    each = each.assign(accounts_n=1, untouched_n=each["made_n"].eq(0).astype(int))
    table = each.groupby("tier", sort=True)[["accounts_n", "made_n", "untouched_n"]].sum().reset_index()
    table["planned_n"] = [n * calls.get(tier, 0) for tier, n in zip(table["tier"], table["accounts_n"], strict=True)]
    return Answer("6.10", table[["tier", "accounts_n", "planned_n", "made_n", "untouched_n"]])


def compare_season(*, account_sales: pd.DataFrame | None, activities: pd.DataFrame | None, as_of: date) -> Answer:
    """Are we there when they buy: the months of sales beside the months of calls, last 365 days.

    One row per month out: month (1-12), sales_share, calls_share, behind (share points by which calls fall short of
    sales).
    """
    year = Period.ending(as_of)
    sold = None if account_sales is None else account_sales[year.holds(account_sales["sale_date"])]
    called = None if activities is None else activities[year.holds(activities["activity_date"])]
    if sold is None or called is None or len(sold) < 12 or len(called) < 12:
        return Answer("6.7", withheld="it needs at least twelve sales and twelve activities in the last 365 days")
    months = pd.DataFrame({"month": range(1, 13)})
    money = sum_money(sold["amount"], sold["sale_date"].dt.month)
    touches = called.groupby(called["activity_date"].dt.month).size()
    for column, counts in (("sales_share", money), ("calls_share", touches)):
        months[column] = months["month"].map(counts).fillna(0.0) / counts.sum()
    return Answer("6.7", months.assign(behind=months["sales_share"] - months["calls_share"]))


# --- change ---


def compare_change(*, sales: pd.DataFrame | None, accounts: pd.DataFrame | None, cuts: Sequence[str], as_of: date, seed: int = 7) -> Answer:
    """Have sales risen in a region, market or product: the last 365 days against the 365 before, with a noise band.

    sales: account_sales of the book. cuts: columns of accounts or of sales. One row per cut and label with sales out,
    largest change first: cut, label, before, now, change, low, high (NaN below five accounts), accounts_n, moved (the
    band leaves 0 out). Source: bootstrap over accounts; the band is widened for the number of labels looked at, so
    that at most one company in twenty sees a change where there is none.
    """
    if sales is None:
        return Answer("6.3", withheld="it needs table orders or opportunities")
    now = Period.ending(as_of)
    before, rows = now.years_earlier(), sales
    rows = rows.assign(
        now=rows["amount"].where(now.holds(rows["sale_date"])),
        before=rows["amount"].where(before.holds(rows["sale_date"])),
    )
    rows = rows[rows["now"].notna() | rows["before"].notna()]
    if rows["before"].isna().all():
        return Answer("6.3", withheld="there are no sales a year before to compare with")
    traits = [c for c in cuts if accounts is not None and c in accounts and c not in sales]
    if traits:
        rows = rows.merge(accounts[["account_id", *traits]], on="account_id", how="left")
    groups = []
    for cut in (c for c in cuts if c in rows and rows[c].notna().any()):
        groups += [(cut, *label) for label in _sum_by_account(rows, rows[cut])]
    level = 1 - 0.05 / max(1, sum(len(earlier) >= MIN_CASES for *_, earlier, _ in groups))
    out = []
    for cut, label, earlier, later in [("all", *_sum_by_account(rows, pd.Series("all", rows.index))[0]), *groups]:
        change, low, high = later - earlier, math.nan, math.nan
        if len(change) >= MIN_CASES:
            band = estimate_bootstrap_interval(change, seed=seed, level=0.95 if cut == "all" else level, draws=4000)
            low, high = band.low * len(change), band.high * len(change)
        out.append((cut, str(label), total(earlier), total(later), total(change), low, high, len(change)))
    table = pd.DataFrame(out, columns=["cut", "label", "before", "now", "change", "low", "high", "accounts_n"])
    table["moved"] = (table["low"] > 0) | (table["high"] < 0)
    table["size"] = table["change"].abs()
    table = table.sort_values(["size", "cut", "label"], ascending=[False, True, True]).drop(columns="size")
    return Answer("6.3", table.reset_index(drop=True), notes={"looked_at": len(groups), "level": level})


def _sum_by_account(rows: pd.DataFrame, labels: pd.Series) -> list[tuple[Any, np.ndarray, np.ndarray]]:
    """Each label with the money of each of its accounts, before and now, as exact as sum_money; without a label or an account: left out."""
    of_label, names = pd.factorize(labels, sort=True)
    of_account, accounts = pd.factorize(rows["account_id"], sort=True)
    there = (of_label >= 0) & (of_account >= 0)
    cells, places = np.unique(of_label[there] * max(1, len(accounts)) + of_account[there], return_inverse=True)
    edges = np.searchsorted(cells, np.arange(1, len(names)) * max(1, len(accounts)))
    parts = []
    for column in ("before", "now"):
        sums = np.zeros(len(cells), "int64")
        np.add.at(sums, places, np.rint(rows[column].to_numpy(float, na_value=0.0)[there] * 10_000).astype("int64"))
        parts.append(np.split(sums / 10_000, edges))
    return list(zip(names, *parts, strict=True))


# --- where the year lands ---


def estimate_seasonal_naive(*, history: Sequence[float], season: int, steps: int) -> np.ndarray:
    """The last season again, and again: the forecast that every other one must beat.

    history: values at equal distances, at least one season. season: values in a season. steps: how many values ahead.
    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 2nd ed., 3.1.

    >>> estimate_seasonal_naive(history=[9, 1, 2, 3, 4], season=4, steps=6).tolist()
    [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]
    """
    last = np.asarray(history, float)[-season:]
    return last[np.arange(steps) % season]


def estimate_landing(
    *, credited: pd.DataFrame | None, left: bool = False, over: bool = False, as_of: date, fiscal_year: Period, level: float = 0.8
) -> Answer:
    """Where the year lands: booked to date and seasonal naïve for the rest, with an interval from past errors.

    credited: all history. left, over: the rep has left, or the team never sells in the days that are left (is_over), so
    nothing more is expected. Table: one row per past day from which
    the same number of days was forecast: origin_date, forecast, actual, error (actual − forecast). The interval is
    withheld below three of them. notes: booked, remaining, mean_miss (mean absolute error as a share of what came;
    None where nothing came), bias (mean error). Source: seasonal naïve; interval from the quantiles of past errors as
    shares of the forecast, so that a forecast that was always too low is shifted; never below what is booked.
    """
    days_left, to_date = 0 if left or over else (fiscal_year.end - as_of).days, Period(fiscal_year.start, as_of)

    def withheld(reason: str) -> Answer:
        return Answer("6.5", measures=(FORECAST.withhold(reason, period=fiscal_year),), withheld=reason)

    if credited is None:
        return withheld("no table holds what the quota counts")
    rows = credited[credited["credit_date"] <= pd.Timestamp(as_of)]
    booked = total(rows.loc[to_date.holds(rows["credit_date"]), "amount"])
    if days_left <= 0:
        measure = FORECAST.measure(booked, period=fiscal_year, low=booked, high=booked, level=level, n=0)
        return Answer("6.5", measures=(measure,), notes={"booked": booked, "remaining": 0.0, "mean_miss": None, "bias": None})
    first = rows["credit_date"].min() if len(rows) else pd.NaT
    if pd.isna(first) or (pd.Timestamp(as_of) - first).days < 365:
        return withheld("it needs a year of results to repeat")
    daily = sum_money(rows["amount"], rows["credit_date"]).reindex(pd.date_range(first, as_of), fill_value=0.0).to_numpy()
    remaining = _repeat_year(daily, days_left)
    origins = []
    for window in Period.past_windows(as_of, days_left, first.date() + timedelta(days=365)):
        known = len(daily) - (as_of - window.start).days - 1
        forecast, actual = _repeat_year(daily[:known], days_left), total(daily[known : known + days_left])
        origins.append((window.start - timedelta(days=1), forecast, actual, round(actual - forecast, 4)))
    table = pd.DataFrame(origins, columns=["origin_date", "forecast", "actual", "error"])
    value, details = round(booked + remaining, 4), {}
    if len(table) >= LEAST_ORIGINS:
        low, high = (booked + remaining + shift for shift in _find_shifts(table, remaining, level))
        details = {"low": max(booked, low), "high": max(booked, high), "level": level}
    came = float(table["actual"].abs().sum()) if len(table) else 0.0
    notes = {
        "booked": booked,
        "remaining": remaining,
        "mean_miss": float(table["error"].abs().sum()) / came if came else None,
        "bias": float(table["error"].mean()) if len(table) else None,
    }
    return Answer("6.5", table, (FORECAST.measure(value, period=fiscal_year, n=len(table), rows=table, **details),), notes)


def _find_shifts(origins: pd.DataFrame, remaining: float, level: float) -> list[float]:
    """By how much what comes may differ from what is forecast: quantiles of past relative errors (plain ones where a
    past forecast was not above 0), at rank p × (n + 1), so that few errors give a wide range."""
    relative = remaining > 0 and bool((origins["forecast"] > 0).all())
    errors = origins["error"] / origins["forecast"] * remaining if relative else origins["error"]
    return [float(q) for q in np.quantile(errors, [0.5 - level / 2, 0.5 + level / 2], method="weibull")]


def _repeat_year(daily: np.ndarray, days: int) -> float:
    return total(estimate_seasonal_naive(history=daily, season=365, steps=days))


LEARNED = {
    "season": (learn_season, ("sales", "opportunities")),
    "rest_of_year": (learn_rest_of_year, ("sales", "opportunities")),
}
