"""Step 1, conversion: how many deals are won, what they are worth, how long they take, and by which traits they are won more often.

Steps 2 and 3 read the table of ``summarise_segment_conversion`` (wins by cut and label, beside the team).
Stages, and where deals leak, stand in ``stage_rates``.
"""

from __future__ import annotations

import math
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
#: Ages at which the report says how many deals are won, lost and still open.
AGES = (30, 60, 90, 180, 365)
#: Where no more than this share is still open, few deals that old are enough to say so.
NEARLY_ALL = 0.03
#: How a deal ends; 0 is a deal that is still open.
WON, LOST = 1, 2
HALF_DECIDED = Definition(
    "half_decided_days", 1, "Half of the deals are decided within", "days",
    "median of the days from created to won or lost, open deals censored (Kaplan–Meier; interval on the log scale)",
)  # fmt: skip
HALF_WON = Definition(
    "half_won_days", 1, "Half of the wins come within", "days",
    "days after which half of the share ever won is won; won and lost are competing ends, open deals censored (Aalen–Johansen)",
)  # fmt: skip
WON_SO_FAR = Definition(
    "won_by_creation", 1, "Won", "share",
    "share of the deals created then that are won by that age; won and lost are competing ends, open deals censored (Aalen–Johansen)",
)  # fmt: skip
LEAD_RATE = Definition(
    "lead_conversion", 1, "Leads that became deals", "share",
    "converted leads ÷ leads, created long enough ago for nine in ten conversions to have come",
)  # fmt: skip


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


# --- Won and lost as competing ends ---------------------------------------------------------------------------------


def estimate_incidence(ages: np.ndarray, ends: np.ndarray, at: Sequence[float]) -> pd.DataFrame:
    """What share has ended in each of two ways by an age: age_days, won_share with low_share and high_share (95 %), lost_share,
    open_share, at_risk_n (still open and that old).

    ages: days; ends: 0 (still open at that age: censored), 1 or 2. Missing where no case is that old, unless all have ended.
    Source: Aalen & Johansen 1978, by statsmodels; interval on the log(-log) scale.

    >>> shares = estimate_incidence(np.array([10.0, 20.0, 30.0, 40.0]), np.array([1, 2, 0, 1]), [20])
    >>> shares[["won_share", "lost_share", "at_risk_n"]].values.tolist()
    [[0.25, 0.25, 3.0]]
    """
    from scipy.special import ndtri
    from statsmodels.duration.survfunc import CumIncidenceRight

    order = np.lexsort((ends, ages))
    with np.errstate(divide="ignore", invalid="ignore"):  # where the last case ends, no error is left to estimate
        curve = CumIncidenceRight(ages[order], ends[order])
    shares = [*curve.cinc, *[np.zeros(len(curve.times))] * 2][:2]
    error = curve.cinc_se[0] if curve.cinc else np.zeros(len(curve.times))
    rows = []
    for age in at:
        at_risk = int((ages >= age).sum())
        place = np.searchsorted(curve.times, age, side="right") - 1
        won, lost = (float(share[place]) if place >= 0 else 0.0 for share in shares)
        low = high = won
        if 0 < won < 1 and place >= 0:
            reach = float(ndtri(0.975)) * error[place] / abs(won * np.log(won))
            low, high = won ** np.exp(reach), won ** np.exp(-reach)
        open_share = max(1 - won - lost, 0.0)
        known = (won, low, high, lost, open_share) if at_risk or open_share < 1e-9 else (np.nan,) * 5
        rows.append((age, *(round(float(value), 9) for value in known), at_risk))
    return pd.DataFrame(rows, columns=["age_days", "won_share", "low_share", "high_share", "lost_share", "open_share", "at_risk_n"])


def estimate_median_days(ages: np.ndarray, ended: np.ndarray) -> tuple[float, float, float]:
    """The age by which half has ended, with its 95 % limits; NaN where fewer than half end, infinite where a limit lies beyond the data.

    Source: Kaplan & Meier 1958, by statsmodels; the limits invert the test on the log scale (as R's survival package does).

    >>> estimate_median_days(np.array([1.0, 2.0, 3.0]), np.array([1, 1, 1]))[0]
    2.0
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    if not ended.any():
        return np.nan, np.nan, np.nan
    curve = SurvfuncRight(ages, ended.astype(int))
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = curve.quantile_ci(0.5, method="log")
    return float(curve.quantile(0.5)), float(low), float(high)


def _follow(opportunities: pd.DataFrame, as_of: date, first_day: pd.Timestamp | None) -> tuple[pd.DataFrame, pd.Timestamp | None]:
    """Deals created since the first day on which one was closed, renewals apart: opportunity_id, rep_id, created_date, age_days, end."""
    day = pd.Timestamp(as_of)
    done = opportunities["status"].isin(["won", "lost"])
    if first_day is None:
        first_day = opportunities.loc[done, "close_date"].min()
    deals = opportunities[~find_renewals(opportunities)]
    deals = deals.reindex(columns=["opportunity_id", "rep_id", "status", "created_date", "close_date"])
    deals = deals.sort_values(["opportunity_id", "rep_id"]).drop_duplicates("opportunity_id")
    deals = deals[(deals["created_date"] >= first_day) & (deals["created_date"] <= day)]
    last = deals["close_date"].where(deals["status"] != "open", day).clip(upper=day)
    ages = (last - deals["created_date"]).dt.days.clip(lower=0) + 0.5  # a deal closed on its first day has lived for a part of it
    ends = deals["status"].map({"won": WON, "lost": LOST}).fillna(0).astype(int)
    return deals.assign(age_days=ages.astype(float), end=ends).drop(columns=["status", "close_date"]), first_day


def learn_ends(*, opportunities: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """How the team's deals end by age: ``estimate_incidence`` at AGES, with reps_n, half_won_days, half_decided_days and first_date (deals
    created before it are known only where they lived long enough to be exported, and are left out)."""
    columns = ["age_days", "won_share", "low_share", "high_share", "lost_share", "open_share", "at_risk_n", "reps_n",
               "half_won_days", "half_decided_days", "first_date"]  # fmt: skip
    if opportunities is None or opportunities.empty:
        return pd.DataFrame(columns=columns)
    deals, first_day = _follow(opportunities, as_of, None)
    if len(deals) < MIN_CASES or not (deals["end"] == WON).any():
        return pd.DataFrame(columns=columns)
    ages, ends = deals["age_days"].to_numpy(), deals["end"].to_numpy()
    table = estimate_incidence(ages, ends, AGES)
    table["reps_n"], table["first_date"] = float(deals["rep_id"].nunique()), pd.Timestamp(first_day).date().isoformat()
    table["half_won_days"] = _half_won_days(ages, ends)
    table["half_decided_days"] = estimate_median_days(ages, ends > 0)[0]
    return table.assign(at_risk_n=table["at_risk_n"].astype(float))[columns]


def _half_won_days(ages: np.ndarray, ends: np.ndarray) -> float:
    days = np.unique(np.floor(ages[ends == WON])) + 1
    won = estimate_incidence(ages, ends, days)["won_share"].ffill().to_numpy()
    return float(days[np.searchsorted(won, won[-1] / 2)])


@answers("1.5", HALF_DECIDED, HALF_WON, opportunities=["created_date", "close_date"])
def summarise_ends(*, opportunities: pd.DataFrame, as_of: date, deal_ends: pd.DataFrame | None = None) -> Answer:
    """What becomes of the deals that are created: won, lost or still open by age, renewals apart, beside the team.

    deal_ends: the team's ``learn_ends``, if any. One row out per age in AGES that at least five deals have reached, up to the one
    by which nearly all are decided: ``estimate_incidence`` with team_share (won, the whole team). Also WON_SO_FAR for each year of
    creation at the age by which half are decided. notes: deals_n, open_n, first_date.

    >>> day = pd.Timestamp("2026-03-01")
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdefghij"), "rep_id": "r", "status": ["won", "lost"] * 5, "created_date": day,
    ...     "close_date": day + pd.to_timedelta(range(0, 100, 10), "D")})
    >>> answer = summarise_ends(opportunities=deals, as_of=date(2026, 9, 30))
    >>> answer.table[["age_days", "won_share", "lost_share"]].values.tolist(), answer["half_decided_days"].value
    ([[30.0, 0.2, 0.1], [180.0, 0.5, 0.5]], 50.5)
    """
    known = deal_ends is not None and not deal_ends.empty
    first_day = pd.Timestamp(deal_ends["first_date"].iloc[0]) if known else None
    deals, first_day = _follow(opportunities, as_of, first_day)
    ages, ends = deals["age_days"].to_numpy(), deals["end"].to_numpy()
    n = {"n": len(deals), "source": "opportunities"}
    if len(deals) < MIN_CASES or (ends == WON).sum() < MIN_CASES:
        won = say_few(int((ends == WON).sum()), "won deal", " among those created since the exports begin")
        return Answer("1.5", measures=tuple(d.withhold(won, **n) for d in (HALF_DECIDED, HALF_WON)), withheld=won)
    table = estimate_incidence(ages, ends, AGES)
    table["team_share"] = deal_ends["won_share"].astype(float).to_numpy() if known else np.nan
    told = (table["at_risk_n"] >= MIN_CASES) | (table["open_share"] <= NEARLY_ALL)
    over = (table["open_share"] <= NEARLY_ALL).shift(1, fill_value=False)  # what follows says the same again
    table = table[told & ~over.cummax()].reset_index(drop=True)
    middle, low, high = estimate_median_days(ages, ends > 0)
    if np.isnan(middle):
        half = HALF_DECIDED.withhold("fewer than half of the deals are decided", **n)
    else:
        limits = {"low": low, "high": high, "level": 0.95} if np.isfinite([low, high]).all() else {}
        team = float(deal_ends["half_decided_days"].iloc[0]) if known else None
        half = HALF_DECIDED.measure(middle, team_value=team, **limits, **n)
    age = next((a for a in AGES if a >= middle), AGES[-1])
    team = float(deal_ends["half_won_days"].iloc[0]) if known else None
    half_won = HALF_WON.measure(_half_won_days(ages, ends), team_value=team, **n)
    measures = [half, half_won, *_by_year(deals, age)]
    notes = {"deals_n": len(deals), "open_n": int((ends == 0).sum()), "first_date": first_day, "known": known}
    return Answer("1.5", table, tuple(measures), notes)


def _by_year(deals: pd.DataFrame, age: int) -> list[Measure]:
    """The share won by that age, for each year of creation of which five deals are that old."""
    found = []
    for year, cohort in deals.groupby(deals["created_date"].dt.year):
        row = estimate_incidence(cohort["age_days"].to_numpy(), cohort["end"].to_numpy(), [age]).iloc[0]
        if row["at_risk_n"] >= MIN_CASES:
            limits = {"low": row["low_share"], "high": row["high_share"], "level": 0.95}
            cut = {"created": f"{year}, after {age} days"}
            found.append(WON_SO_FAR.measure(row["won_share"], n=len(cohort), cut=cut, source="opportunities", **limits))
    return found


# --- Leads ----------------------------------------------------------------------------------------------------------


def _ripe_leads(leads: pd.DataFrame, as_of: date, ripe_days: float | None) -> tuple[pd.DataFrame, float]:
    """One row per lead that is old enough, under its source and again under all: cut, label, hit (converted), rep_id.

    Where no lead was ever converted, none is known to be old enough.
    """
    if ripe_days is None:
        ripe_days = float((leads["converted_date"] - leads["created_date"]).dt.days.quantile(0.9))
    ripe = pd.NaT if math.isnan(ripe_days) else pd.Timestamp(as_of) - pd.Timedelta(days=ripe_days)
    old = leads[leads["created_date"] <= ripe].sort_values("lead_id")
    base = old.reindex(columns=["rep_id"]).assign(hit=old["converted_date"].notna())
    by_source = base.assign(cut="lead_source", label=old["lead_source"])
    return pd.concat([base.assign(cut="all", label="all"), by_source[by_source["label"].notna()]], ignore_index=True), ripe_days


def learn_lead_source_rates(*, leads: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """What share of the team's leads becomes deals, by source: cut, label, hits_n, cases_n, reps_n, strength, ripe_days."""
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength", "ripe_days"]
    if leads is None or leads["converted_date"].notna().sum() < MIN_CASES:
        return pd.DataFrame(columns=columns)
    cases, ripe_days = _ripe_leads(leads, as_of, None)
    return learn_hits(cases).assign(ripe_days=ripe_days)[columns] if len(cases) else pd.DataFrame(columns=columns)


@answers("1.5", LEAD_RATE, leads=["created_date", "converted_date"])
def summarise_leads(*, leads: pd.DataFrame, as_of: date, lead_source_rates: pd.DataFrame | None = None, in_team: bool = True) -> Answer:
    """What share of the leads becomes deals, by source, beside the team without this rep.

    lead_source_rates: the team's ``learn_lead_source_rates``, if any. One row out for all leads and one per source, see
    ``statistics.compare_with_team``; each of five leads or more is also LEAD_RATE. notes: ripe_days.

    >>> leads = pd.DataFrame({"lead_id": list("abcdef"), "lead_source": "Web", "created_date": pd.Timestamp("2026-01-01"),
    ...     "converted_date": pd.to_datetime(["2026-01-11"] * 3 + [None] * 3)})
    >>> summarise_leads(leads=leads, as_of=date(2026, 9, 30)).table[["label", "rate_share"]].values.tolist()
    [['all', 0.5], ['Web', 0.5]]
    """
    known = lead_source_rates is not None and not lead_source_rates.empty
    cases, ripe_days = _ripe_leads(leads, as_of, float(lead_source_rates["ripe_days"].iloc[0]) if known else None)
    if (cases["cut"] == "all").sum() < MIN_CASES:
        few = say_few(int((cases["cut"] == "all").sum()), "lead", " old enough to have become a deal")
        return Answer("1.5", measures=(LEAD_RATE.withhold(few),), withheld=few)
    table = compare_with_team(count_hits(cases), lead_source_rates, in_team=in_team)
    measures = tuple(
        LEAD_RATE.measure(row.rate_share, low=row.low_share, high=row.high_share, level=0.95, n=int(row.cases_n), numerator=row.hits_n,
                          denominator=row.cases_n, source="leads", team_value=None if np.isnan(row.team_share) else row.team_share,
                          cut=None if row.cut == "all" else {row.cut: row.label})
        for row in table[table["cases_n"] >= MIN_CASES].head(8).itertuples()
    )  # fmt: skip
    return Answer("1.5", table, measures, {"ripe_days": ripe_days})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "win_rates": (learn_win_rates, ("opportunities", "accounts")),
    "deal_ends": (learn_ends, ("opportunities",)),
    "lead_source_rates": (learn_lead_source_rates, ("leads",)),
}
