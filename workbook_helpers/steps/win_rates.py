"""Step 1, conversion: how many deals are won, what they are worth, how long they take, and by which traits they are won more often.

Steps 2 and 3 read the table of ``summarise_segment_conversion`` (wins by cut and label, beside the team).
Stages, and where deals leak, stand in step 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Measure, Period, answers, sum_money, total
from workbook_helpers.renewals import find_renewals
from workbook_helpers.statistics import MIN_CASES, compare_with_team, count_hits, estimate_wilson_interval, learn_hits, say_few

#: Rates by segment and stage look back so many days: one year holds too few of one rep's deals.
COMPARE_DAYS = 3 * 365
#: Columns of a deal by which wins are compared, besides the company's own segments.
DEAL_CUTS = ("kind", "product", "lead_source", "competitor")
_DEALS = "deals closed in the period"
WON_AMOUNT = Definition("won_amount", 1, "Won", "money", f"sum of the amounts of won {_DEALS}", roll_up="sum")
WON_DEALS = Definition("won_deals", 1, "Deals won", "count", f"number of won {_DEALS}", roll_up="sum")
LOST_DEALS = Definition("lost_deals", 1, "Deals lost", "count", f"number of lost {_DEALS}", roll_up="sum")
WIN_RATE = Definition("win_rate", 1, "Win rate", "share", f"won ÷ (won + lost), {_DEALS}", roll_up="ratio")
WIN_RATE_BY_VALUE = Definition(
    "win_rate_by_value", 1, "Win rate by value", "share", f"amount won ÷ (won + lost amount), {_DEALS}", roll_up="ratio"
)
WIN_RATE_WITH_OVERDUE = Definition(
    "win_rate_with_overdue", 1, "Win rate, dead deals counted", "share",
    "won ÷ (won + lost + open past their close date)", roll_up="ratio",
)  # fmt: skip
MEAN_WON_AMOUNT = Definition(
    "mean_won_amount", 1, "Mean won deal", "money", f"amount won ÷ won deals with an amount, {_DEALS}", roll_up="ratio"
)
MEDIAN_CYCLE_DAYS = Definition(
    "median_cycle_days", 1, "Sales cycle", "days", "median of the days from created to won, deals won in the period"
)


def _closed(opportunities: pd.DataFrame, period: Period) -> pd.DataFrame:
    done = opportunities["status"].isin(["won", "lost"]) & period.holds(opportunities["close_date"])
    return opportunities[done].sort_values("opportunity_id")


def _ratio_interval(numerators: pd.Series, denominators: pd.Series, *, seed: int = 7) -> dict[str, float]:
    """95 % bootstrap interval of Σ ÷ Σ; accounts are drawn, not rows. Nothing below five accounts."""
    if len(numerators) < MIN_CASES:
        return {}
    drawn = np.random.default_rng(seed).integers(0, len(numerators), size=(1000, len(numerators)))
    over, under = numerators.to_numpy()[drawn].sum(axis=1), denominators.to_numpy()[drawn].sum(axis=1)
    low, high = np.quantile(over[under > 0] / under[under > 0], [0.025, 0.975])
    return {"low": float(low), "high": float(high), "level": 0.95}


def _rate(definition: Definition, hits: int, cases: int, **details: Any) -> Measure:
    details |= {"n": cases, "numerator": hits, "denominator": cases, "source": "opportunities"}
    if cases < MIN_CASES:
        return definition.withhold(say_few(cases, "closed deal", " in the period"), **details)
    low, high = estimate_wilson_interval(hits, cases)
    return definition.measure(hits / cases, low=low, high=high, level=0.95, **details)


@answers(
    "1.5", WON_AMOUNT, WON_DEALS, LOST_DEALS, WIN_RATE, WIN_RATE_BY_VALUE, WIN_RATE_WITH_OVERDUE, MEAN_WON_AMOUNT,
    MEDIAN_CYCLE_DAYS, opportunities=["close_date"],
)  # fmt: skip
def summarise_conversion(*, opportunities: pd.DataFrame, period: Period) -> Answer:
    """How many deals are won, what they are worth, how long they take. Deals closed in the period; open deals never
    count.

    opportunities: opportunity_id, account_id, status, amount, created_date, close_date. Returns the closed deals as
    table. notes: overdue_n, renewals_n and renewed_n (decided and won deals of kind renewal).

    >>> day = pd.Timestamp("2026-05-11")
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "account_id": list("abcdef"), "close_date": day,
    ...     "status": ["won", "won", "lost", "lost", "lost", "open"], "amount": 100.0,
    ...     "created_date": day - pd.Timedelta(days=10)})
    >>> answer = summarise_conversion(opportunities=deals, period=Period.ending(date(2026, 9, 30)))
    >>> answer["win_rate"].value, answer["won_amount"].value, answer["mean_won_amount"].withheld
    (0.4, 200.0, 'only 2 won deals with an amount in the period (at least 5 are needed)')
    """
    closed = _closed(opportunities, period)
    rows = closed[["opportunity_id", "account_id", "created_date", "close_date", "status", "amount"]].reset_index(
        drop=True
    )
    won, lost = rows[rows["status"] == "won"], rows[rows["status"] == "lost"]
    overdue = (opportunities["status"] == "open") & (opportunities["close_date"] < pd.Timestamp(period.end))
    inside = {"period": period, "source": "opportunities"}
    cycle = (won["close_date"] - won["created_date"]).dt.days.dropna()
    priced = rows[rows["amount"].notna()]
    measures = [
        WON_AMOUNT.measure(total(won["amount"]), n=len(won), rows=won, **inside),
        WON_DEALS.measure(len(won), n=len(won), rows=won, **inside),
        LOST_DEALS.measure(len(lost), n=len(lost), rows=lost, **inside),
        _rate(WIN_RATE, len(won), len(rows), rows=rows, period=period),
        _value_ratio(WIN_RATE_BY_VALUE, won, priced, "closed", period=period),
        _rate(WIN_RATE_WITH_OVERDUE, len(won), len(rows) + int(overdue.sum()), period=period),
        _value_ratio(MEAN_WON_AMOUNT, won, priced[priced["status"] == "won"], "won", period=period),
    ]
    if len(cycle) < MIN_CASES:
        measures.append(MEDIAN_CYCLE_DAYS.withhold(say_few(len(cycle), "won deal", " in the period"), n=len(cycle), **inside))
    else:
        measures.append(MEDIAN_CYCLE_DAYS.measure(float(cycle.median()), n=len(cycle), rows=won, **inside))
    renewals = find_renewals(closed)
    renewed = renewals & closed["status"].eq("won")
    notes = {"overdue_n": int(overdue.sum()), "renewals_n": int(renewals.sum()), "renewed_n": int(renewed.sum())}
    return Answer("1.5", rows, tuple(measures), notes | {"period": period})


def _value_ratio(
    definition: Definition, won: pd.DataFrame, base: pd.DataFrame, what: str, *, period: Period
) -> Measure:
    """Amount won ÷ amount of the base (a share), or ÷ its number of deals (money); the interval draws accounts."""
    worth = base["amount"] if definition.unit == "share" else base["amount"] * 0 + 1
    account = base["account_id"].fillna(base["opportunity_id"])
    over = sum_money(base["amount"].where(base["status"] == "won", 0.0), account)
    numerator, denominator = total(won["amount"]), total(worth)
    details = {"n": len(base), "numerator": numerator, "denominator": denominator, "period": period}
    details["source"] = "opportunities"
    if len(base) < MIN_CASES:
        return definition.withhold(say_few(len(base), f"{what} deal", " with an amount in the period"), **details)
    if denominator <= 0:
        return definition.withhold(f"the {what} deals have no amount", **details)
    interval = _ratio_interval(over, sum_money(worth, account))
    return definition.measure(numerator / denominator, rows=base, **interval, **details)


def _label_deals(closed: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """One row per closed deal and cut: cut, label, hit (won), amount, rep_id. The deal's own column comes first."""
    traits = pd.DataFrame(index=closed.index)
    if accounts is not None:
        traits = accounts.drop_duplicates("account_id").set_index("account_id").reindex(closed["account_id"]).set_axis(closed.index)
    labels = {"all": pd.Series("all", index=closed.index)}
    for column in dict.fromkeys([*DEAL_CUTS, *columns]):
        source = closed if column in closed and closed[column].notna().any() else traits
        if column in source:
            labels[column] = source[column]
    base = closed.reindex(columns=["rep_id", "account_id", "amount"]).assign(hit=closed["status"] == "won")
    cases = pd.concat([base] * len(labels), ignore_index=True)
    cases["cut"], cases["label"] = np.repeat(list(labels), len(base)), pd.concat(labels.values(), ignore_index=True)
    return cases[cases["label"].notna()]


def learn_win_rates(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """What the team wins by segment over three years: cut, label, hits_n (won), cases_n (closed), reps_n, strength.

    A field that is filled far less often on won than on lost deals (a competitor noted only when lost) teaches no rate
    and is left out.

    >>> from types import SimpleNamespace
    >>> deals = pd.DataFrame({"opportunity_id": list("abc"), "rep_id": ["r", "r", "s"], "status": ["won", "lost",
    ...     "lost"], "amount": 9.0,
    ...     "close_date": pd.Timestamp("2026-05-05"), "account_id": "k", "kind": "new", "competitor": [None, "Z", "Z"]})
    >>> team = learn_win_rates(opportunities=deals, accounts=None, as_of=date(2026, 9, 30), period=None,
    ...     company=SimpleNamespace(segments=[]))
    >>> team[["cut", "label", "hits_n", "cases_n", "reps_n"]].values.tolist()
    [['all', 'all', 1.0, 3.0, 2.0], ['kind', 'new', 1.0, 3.0, 2.0]]
    """
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength"]
    if opportunities is None:
        return pd.DataFrame(columns=columns)
    cases = _label_deals(_closed(opportunities, Period.ending(as_of, COMPARE_DAYS)), accounts, company.segments)
    if cases.empty:
        return pd.DataFrame(columns=columns)
    filled = cases.groupby("cut")["hit"].agg(["sum", "size"])
    won, lost = filled["sum"], filled["size"] - filled["sum"]
    alike = won / max(won["all"], 1) >= 0.5 * lost / max(lost["all"], 1)
    return learn_hits(cases[cases["cut"].map(alike)])[columns]


@answers("1.5", opportunities=["close_date"])
def summarise_segment_conversion(
    *,
    opportunities: pd.DataFrame,
    accounts: pd.DataFrame | None,
    columns: Sequence[str],
    as_of: date,
    win_rates: pd.DataFrame | None = None,
    in_team: bool = True,
) -> Answer:
    """Win rate by segment over three years, beside the team without this rep.

    win_rates: the team's ``learn_win_rates``, if any; in_team: it holds this rep's deals too. One row out per cut and
    label, see ``statistics.compare_with_team``, with won_amount and main_share (of its deals, with one account). The
    first row is cut "all". Each label of five deals or more is also a win_rate with its cut, at most 40 of them.

    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "status": ["won"] * 3 + ["lost"] * 3, "amount": 9.0,
    ...     "kind": "new",
    ...     "close_date": pd.Timestamp("2026-05-05"), "account_id": "k"})
    >>> answer = summarise_segment_conversion(opportunities=deals, accounts=None, columns=[], as_of=date(2026, 9, 30))
    >>> answer.table[["cut", "label", "rate_share", "team_share"]].values.tolist()
    [['all', 'all', 0.5, nan], ['kind', 'new', 0.5, nan]]
    """
    period = Period.ending(as_of, COMPARE_DAYS)
    closed = _closed(opportunities, period)
    if len(closed) < MIN_CASES:
        return Answer("1.5", withheld=f"fewer than {MIN_CASES} deals were closed in three years")
    cases = _label_deals(closed, accounts, columns)
    table = compare_with_team(count_hits(cases), win_rates, in_team=in_team)
    place = {key: i for i, key in enumerate(zip(table["cut"], table["label"], strict=True))}
    row = pd.Series([place[key] for key in zip(cases["cut"], cases["label"], strict=True)], index=cases.index)
    table["won_amount"] = sum_money(cases["amount"].where(cases["hit"]), row)
    table["main_share"] = cases.groupby([row, "account_id"]).size().groupby(level=0).max() / table["cases_n"]
    shown = table[(table["cases_n"] >= MIN_CASES) & (table["cut"] != "all")].head(40)
    measures = tuple(
        _rate(WIN_RATE, int(row.hits_n), int(row.cases_n), cut={row.cut: row.label}, period=period,
              team_value=None if np.isnan(row.team_share) else
              (row.hits_n + row.team_hits_n) / (row.cases_n + row.team_cases_n))
        for row in shown.itertuples()
    )  # fmt: skip
    years = (pd.Timestamp(as_of) - closed["close_date"].min()).days / 365
    return Answer("1.5", table, measures, {"period": period, "years": max(years, 1.0)})


LEARNED = {"win_rates": (learn_win_rates, ("opportunities", "accounts"))}
