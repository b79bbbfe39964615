"""Step 2, what is compared: a rep's deals and customers by measure and cut, beside the team without this rep.

Rates count cases that hit or missed. Values (a size, a time, a share) are averaged per account first, so that one account with many
deals stands as one case. The team teaches sums and how far its reps differ; no rep's own figures can be read from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, sum_money
from workbook_helpers.statistics import MIN_CASES, compare_with_team, count_hits, learn_hits

#: Deals count that were closed in so many days.
COMPARE_DAYS = 3 * 365
#: Columns of a deal by which values are compared, besides the company's own segments.
DEAL_CUTS = ("kind", "product", "lead_source")
#: Places by which deals and customers are compared, where the accounts have them.
AREAS = ("region", "city")
#: Values of a won deal; sizes and times are compared as logarithms, because they differ by factors.
DEAL_VALUES = ("won_deal_amount", "cycle_days", "discount_share")
_RATE_COLUMNS = ["measure", "cut", "label", "hits_n", "cases_n", "reps_n", "strength"]
_VALUE_COLUMNS = ["measure", "cut", "label", "accounts_n", "value_sum", "within_sum", "between_variance", "reps_n"]
_KEYS = ["measure", "cut", "label"]


class Cases(NamedTuple):
    """What is compared. hits: one row per case and cut (measure, cut, label, hit, rep_id, amount: what a hit is worth); values: one row per
    measure, cut, label and account (rep_id, value, base_amount); touches: one row per touch of a won deal (opportunity_id,
    activity_type, rep_id), or None without activities."""

    hits: pd.DataFrame
    values: pd.DataFrame
    touches: pd.DataFrame | None


def list_cases(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, account_sales: pd.DataFrame | None,
    activities: pd.DataFrame | None, products: pd.DataFrame | None, segments: Sequence[str], as_of: date,
) -> Cases:  # fmt: skip
    """Every case of these books, by measure and cut.

    Deals closed in three years: win_rate by channel (the kind of touch a deal had most of; the other cuts of the win rate come from step
    1), won_deal_amount and cycle_days (logarithms), discount_share. Customers: kept_customers (bought in the year before the last 365
    days; hit: bought again since), families (product families bought in the last 365 days). Cuts: all, kind, product,
    lead_source, the company's segments, region, city; channel.

    >>> deals = pd.DataFrame({"opportunity_id": ["a"], "rep_id": "r", "account_id": "k", "status": "won", "amount": [np.e],
    ...     "created_date": pd.Timestamp("2026-05-01"), "close_date": pd.Timestamp("2026-05-02")})
    >>> cases = list_cases(opportunities=deals, accounts=None, account_sales=None, activities=None, products=None, segments=(),
    ...     as_of=date(2026, 9, 30))
    >>> cases.values[["measure", "cut", "value"]].values.tolist()
    [['cycle_days', 'all', 0.0], ['won_deal_amount', 'all', 1.0]]
    """
    columns = list(dict.fromkeys([*segments, *AREAS]))
    hits, values, touches = [], [], None
    if opportunities is not None:
        deals = _closed(opportunities, as_of)
        touched = _touched(deals, activities)
        hits.append(_list_channels(deals, touched))
        won = deals[deals["status"] == "won"].reset_index(drop=True)
        values.append(_list_deal_values(won, accounts, columns))
        if activities is not None:
            touches = touched.merge(won.drop_duplicates("opportunity_id")[["opportunity_id", "rep_id"]], on="opportunity_id")
    if accounts is not None and account_sales is not None:
        hits.append(_list_kept(account_sales, accounts, columns, as_of))
        values.append(_list_families(account_sales, accounts, products, columns, as_of))
    long = _join(values, [*_KEYS, "rep_id", "account_id", "value", "base_amount"])
    return Cases(_join(hits, [*_KEYS, "hit", "rep_id", "amount"]), _by_account(long), touches)


def _join(parts: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part[columns] for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def _by_account(long: pd.DataFrame) -> pd.DataFrame:
    if long.empty:
        return long
    by = long[long["value"].notna()].groupby([*_KEYS, "rep_id", "account_id"], sort=True)
    return by.agg(value=("value", "mean"), base_amount=("base_amount", "sum")).reset_index()


def _label(rows: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str], own: Sequence[str] = ()) -> dict[str, pd.Series]:
    """cut -> label of each row: its own columns, else those of its account, where that stands in the same rep's book."""
    labels = {"all": pd.Series("all", index=rows.index)}
    traits = pd.DataFrame(index=rows.index)
    if accounts is not None and len(rows):
        wanted = [c for c in dict.fromkeys([*own, *columns]) if c in accounts]
        if accounts["rep_id"].nunique() <= 1:
            traits = accounts.drop_duplicates("account_id").set_index("account_id")[wanted].reindex(rows["account_id"])
        else:
            known = accounts.drop_duplicates(["rep_id", "account_id"]).set_index(["rep_id", "account_id"])[wanted]
            traits = known.reindex(pd.MultiIndex.from_frame(rows[["rep_id", "account_id"]]))
        traits = traits.set_axis(rows.index)
    for column in dict.fromkeys([*own, *columns]):
        source = rows if column in own and column in rows and rows[column].notna().any() else traits
        if column in source:
            text = source[column].astype(object)
            labels[column] = text if pd.api.types.is_string_dtype(source[column]) else text.map(str, na_action="ignore")
    return labels


def _spread(rows: pd.DataFrame, labels: dict[str, pd.Series]) -> pd.DataFrame:
    """One row per row and cut that states its label: cut, label and the row's columns."""
    cases = pd.concat([rows] * len(labels), ignore_index=True)
    cases["cut"], cases["label"] = np.repeat(list(labels), len(rows)), pd.concat(labels.values(), ignore_index=True)
    return cases[cases["label"].notna()]


def _closed(opportunities: pd.DataFrame, as_of: date) -> pd.DataFrame:
    done = opportunities["status"].isin(["won", "lost"]) & Period.ending(as_of, COMPARE_DAYS).holds(opportunities["close_date"])
    deals = opportunities[done].sort_values("opportunity_id", ignore_index=True)
    return deals.assign(account_id=deals["account_id"].fillna(deals["opportunity_id"]))


def _touched(deals: pd.DataFrame, activities: pd.DataFrame | None) -> pd.DataFrame:
    """One row per touch of a deal by sales, up to the day it closed: opportunity_id, activity_type."""
    if activities is None or "opportunity_id" not in activities or deals.empty:
        return pd.DataFrame(columns=["opportunity_id", "activity_type"])
    touches = activities[activities["opportunity_id"].isin(deals["opportunity_id"]) & activities["activity_type"].notna()]
    if "team" in touches:
        touches = touches[touches["team"].isna() | touches["team"].astype(str).str.lower().eq("sales")]
    ends = touches["opportunity_id"].map(deals.drop_duplicates("opportunity_id").set_index("opportunity_id")["close_date"])
    return touches.loc[touches["activity_date"] <= ends, ["opportunity_id", "activity_type"]]


def _list_channels(deals: pd.DataFrame, touched: pd.DataFrame) -> pd.DataFrame:
    """Won or not, by the kind of touch a deal had most of; the first by name where two are level."""
    counts = touched.groupby(["opportunity_id", "activity_type"]).size().reset_index(name="n")
    counts = counts.sort_values(["opportunity_id", "n", "activity_type"], ascending=[True, False, True])
    main = counts.drop_duplicates("opportunity_id").set_index("opportunity_id")["activity_type"]
    won = deals["status"] == "won"
    cases = deals[["rep_id"]].assign(measure="win_rate", cut="channel", label=deals["opportunity_id"].map(main), hit=won)
    return cases.assign(amount=deals["amount"].where(won))[cases["label"].notna()]


def _list_deal_values(won: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    amount, days = won["amount"].astype(float), (won["close_date"] - won["created_date"]).dt.days
    found = {"won_deal_amount": np.log(amount.where(amount > 0)), "cycle_days": np.log(days.where(days > 0)),
             "discount_share": won.reindex(columns=["discount_share"])["discount_share"].astype(float)}  # fmt: skip
    rows = won[["rep_id", "account_id"]].assign(base_amount=amount.fillna(0.0), **found)
    long = _spread(rows, _label(won, accounts, columns, DEAL_CUTS))
    parts = [long[["rep_id", "account_id", "cut", "label", "base_amount"]].assign(measure=m, value=long[m]) for m in DEAL_VALUES]
    return pd.concat(parts, ignore_index=True)


def _list_kept(sales: pd.DataFrame, accounts: pd.DataFrame, columns: Sequence[str], as_of: date) -> pd.DataFrame:
    """Whether those who bought in the earlier year bought again; nothing where the sales do not go back so far."""
    if sales.empty or sales["sale_date"].min() > pd.Timestamp(as_of) - pd.Timedelta(days=699):
        return pd.DataFrame()
    year = Period.ending(as_of)
    before, now = (_net(sales, period) for period in (Period.ending(year.start - timedelta(days=1)), year))
    keys = ["rep_id", "account_id"]
    again = now.loc[now["amount"] > 0, keys].assign(hit=True)
    rows = before[before["amount"] > 0].merge(again, on=keys, how="left")
    rows["hit"] = rows["hit"].notna()
    return _spread(rows, _label(rows, accounts, columns)).assign(measure="kept_customers")


def _net(sales: pd.DataFrame, period: Period) -> pd.DataFrame:
    """rep_id, account_id, amount: net sales of the period, by account."""
    inside = sales[period.holds(sales["sale_date"]) & sales["account_id"].notna()]
    owner = inside.drop_duplicates("account_id").set_index("account_id")["rep_id"]
    net = sum_money(inside["amount"], inside["account_id"]).rename("amount").rename_axis("account_id").reset_index()
    return net.assign(rep_id=net["account_id"].map(owner))


def _list_families(
    sales: pd.DataFrame, accounts: pd.DataFrame, products: pd.DataFrame | None, columns: Sequence[str], as_of: date
) -> pd.DataFrame:
    """How many product families each customer bought in the last 365 days, and for how much."""
    if products is None or products["family"].notna().sum() == 0 or sales["product"].isna().all():
        return pd.DataFrame()
    named = products[products["family"].notna()]
    inside = sales[Period.ending(as_of).holds(sales["sale_date"]) & sales["account_id"].notna()]
    family = inside["product"].map(dict(zip(named["product"], named["family"], strict=True)))
    bought = inside.assign(family=family)[family.notna().to_numpy()]
    n = bought.drop_duplicates(["account_id", "family"])["account_id"].value_counts()
    rows = _net(sales, Period.ending(as_of)).rename(columns={"amount": "base_amount"})
    rows["value"] = rows["account_id"].map(n).astype(float)
    rows = rows[rows["value"].notna()].reset_index(drop=True)
    return _spread(rows, _label(rows, accounts, columns)).assign(measure="families") if len(rows) else pd.DataFrame()


def learn_measure_rates(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, account_sales: pd.DataFrame | None,
    activities: pd.DataFrame | None, as_of: date, period: Period, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """What the team's rates are by cut: won deals by the channel they had most touches through, customers kept from year to year.

    Returns measure (win_rate, kept_customers), cut, label, hits_n, cases_n, reps_n, strength (``statistics.learn_hits``).

    >>> from types import SimpleNamespace
    >>> day = pd.to_datetime(["2023-10-15", "2025-05-01", "2023-10-15", "2026-05-01"])
    >>> sales = pd.DataFrame({"rep_id": list("rrss"), "account_id": list("aabb"), "sale_date": day, "amount": 9.0})
    >>> rates = learn_measure_rates(opportunities=None, accounts=pd.DataFrame({"rep_id": list("rs"), "account_id": list("ab")}),
    ...     account_sales=sales, activities=None, as_of=date(2025, 9, 30), period=None, company=SimpleNamespace(segments=()))
    >>> rates[["measure", "cut", "hits_n", "cases_n", "reps_n"]].values.tolist()
    [['kept_customers', 'all', 1.0, 2.0, 2.0]]
    """
    cases = list_cases(opportunities=opportunities, accounts=accounts, account_sales=account_sales, activities=activities,
                       products=None, segments=company.segments, as_of=as_of).hits  # fmt: skip
    parts = [learn_hits(rows).assign(measure=measure) for measure, rows in cases.groupby("measure")]
    return _join(parts, _RATE_COLUMNS)


def learn_measure_values(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, account_sales: pd.DataFrame | None,
    products: pd.DataFrame | None, as_of: date, period: Period, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """What the team's values are by cut: size, cycle and discount of won deals, families a customer buys.

    Accounts are the cases. Returns measure, cut, label, accounts_n, value_sum (of logarithms for sizes and times), within_sum
    (squares around each rep's mean), between_variance (of the reps' means, beyond chance; one-way analysis of variance, by
    moments) and reps_n.

    >>> from types import SimpleNamespace
    >>> day = pd.Timestamp("2026-05-05")
    >>> deals = pd.DataFrame({"opportunity_id": list("abcd"), "rep_id": list("rrss"), "account_id": list("klmn"), "status": "won",
    ...     "amount": [1.0, 1.0, 1.0, np.e], "created_date": day, "close_date": day})
    >>> table = learn_measure_values(opportunities=deals, accounts=None, account_sales=None, products=None,
    ...     as_of=date(2026, 9, 30), period=None, company=SimpleNamespace(segments=()))
    >>> table[["measure", "accounts_n", "value_sum", "within_sum"]].values.tolist()
    [['won_deal_amount', 4.0, 1.0, 0.5]]
    """
    cases = list_cases(opportunities=opportunities, accounts=accounts, account_sales=account_sales, activities=None,
                       products=products, segments=company.segments, as_of=as_of).values  # fmt: skip
    return summarise_values(cases)


def summarise_values(values: pd.DataFrame) -> pd.DataFrame:
    """The table of ``learn_measure_values`` from the values of ``list_cases``."""
    by_rep = _count_values(values, [*_KEYS, "rep_id"])
    rows = []
    for key, rep in by_rep.groupby(_KEYS, sort=True):
        n, mean = rep["n"].to_numpy(float), rep["mean"].to_numpy(float)
        rows.append((*key, n.sum(), (n * mean).sum(), rep["squares"].sum(), _between(n, mean, rep["squares"].sum()), float(len(rep))))
    return pd.DataFrame(rows, columns=_VALUE_COLUMNS).round({"value_sum": 9, "within_sum": 9, "between_variance": 9})


def _count_values(values: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """keys, n, mean, squares (around the mean) and base_amount of each group."""
    rows = values.assign(square=values["value"] ** 2)
    found = {"n": ("value", "size"), "mean": ("value", "mean"), "square": ("square", "sum"), "base_amount": ("base_amount", "sum")}
    by = rows.groupby(keys, sort=True).agg(**found)
    by["squares"] = (by["square"] - by["n"] * by["mean"] ** 2).clip(lower=0.0).round(9)
    return by.drop(columns="square").reset_index()


def _between(n: np.ndarray, mean: np.ndarray, within: float) -> float:
    """How far the reps' means differ beyond chance, as a variance; 0 where they do not."""
    cases, reps_n = n.sum(), len(n)
    if reps_n < 2 or cases <= reps_n:
        return 0.0
    noise = within / (cases - reps_n)
    spread = (n * (mean - (n * mean).sum() / cases) ** 2).sum() - (reps_n - 1) * noise
    return max(0.0, spread / (cases - (n**2).sum() / cases))


def compare_rates(*, cases: Cases, measure_rates: pd.DataFrame | None, in_team: bool = True) -> Answer:
    """This rep's rates by measure, cut and label beside the team's ``learn_measure_rates`` without this rep.

    in_team: the team's figures hold this rep's cases too. Returns measure and the columns of ``statistics.compare_with_team``,
    mean_amount (what one hit is worth) and years.
    """
    hits = cases.hits
    if measure_rates is None or measure_rates.empty or hits.empty:
        return Answer("2.1", withheld="there is no team to compare with, or no channel and no earlier year to compare")
    own = count_hits(hits.assign(cut=hits["measure"] + " " + hits["cut"]))
    team = measure_rates.assign(cut=measure_rates["measure"] + " " + measure_rates["cut"])
    both = compare_with_team(own, team, in_team=in_team)
    both[["measure", "cut"]] = both["cut"].str.split(" ", n=1, expand=True)
    worth = hits.groupby(_KEYS)["amount"].mean()
    both["mean_amount"] = worth.reindex(pd.MultiIndex.from_frame(both[_KEYS])).to_numpy(float)
    return Answer("2.1", both.assign(years=np.where(both["measure"] == "win_rate", COMPARE_DAYS / 365, 1.0)))


def compare_values(*, cases: Cases, measure_values: pd.DataFrame | None, in_team: bool = True) -> Answer:
    """This rep's values by measure, cut and label beside the team's ``learn_measure_values`` without this rep.

    Returns measure, cut, label, cases_n (accounts), mean, squares (around the mean), base_amount (what they bought, a year), team_n,
    team_mean, team_squares, team_spare (degrees of freedom) and between_variance. Missing where the team has no figure.
    """
    if measure_values is None or measure_values.empty or cases.values.empty:
        return Answer("2.1", withheld="there is no team to compare with, or nothing to compare")
    own = _count_values(cases.values, _KEYS).rename(columns={"n": "cases_n"})
    both, taken = own.merge(measure_values, on=_KEYS, how="left"), 1.0 if in_team else 0.0
    both["team_n"] = both["accounts_n"] - taken * both["cases_n"]
    both["team_mean"] = ((both["value_sum"] - taken * both["cases_n"] * both["mean"]) / both["team_n"].where(both["team_n"] > 0)).round(9)
    both["team_squares"] = (both["within_sum"] - taken * both["squares"]).clip(lower=0.0)
    both["team_spare"] = both["team_n"] - (both["reps_n"] - taken)
    both["base_amount"] = both["base_amount"].where(both["measure"] == "families", both["base_amount"] / (COMPARE_DAYS / 365))
    names = [*_KEYS, "cases_n", "mean", "squares", "base_amount", "team_n", "team_mean", "team_squares", "team_spare", "between_variance"]
    return Answer("2.1", both[names])


def learn_channels(*, opportunities: pd.DataFrame | None, activities: pd.DataFrame | None, as_of: date, **_: object) -> pd.DataFrame:
    """Touches of the team's won deals by channel: label (activity type), touches_n, won_n (won deals with any touch), reps_n."""
    cases = list_cases(opportunities=opportunities, accounts=None, account_sales=None, activities=activities, products=None,
                       segments=(), as_of=as_of)  # fmt: skip
    return _count_touches(cases.touches)


def _count_touches(touches: pd.DataFrame | None) -> pd.DataFrame:
    if touches is None or touches.empty:
        return pd.DataFrame(columns=["label", "touches_n", "won_n", "reps_n"])
    by = touches.groupby("activity_type")
    table = pd.DataFrame({"touches_n": by.size().astype(float), "won_n": float(touches["opportunity_id"].nunique())})
    return table.assign(reps_n=by["rep_id"].nunique().astype(float)).rename_axis("label").reset_index()


def summarise_channels(*, cases: Cases, channels: pd.DataFrame | None, in_team: bool = True) -> Answer:
    """How deals were won: touches per won deal by channel (activity type), beside the team without this rep.

    channels: the team's ``learn_channels``. Won deals of three years that name a touch. Returns label, touches_n, per_won,
    team_per_won (missing without a team), most first. notes: won_n.

    >>> touches = pd.DataFrame({"opportunity_id": list("aabcde"), "activity_type": "call", "rep_id": "r"})
    >>> answer = summarise_channels(cases=Cases(pd.DataFrame(), pd.DataFrame(), touches), channels=None)
    >>> answer.table[["label", "touches_n", "per_won"]].values.tolist()
    [['call', 6.0, 1.2]]
    """
    if cases.touches is None:
        return Answer("2.1", withheld="it needs table activities with opportunity_id, and table opportunities")
    own = _count_touches(cases.touches)
    won_n = own["won_n"].max() if len(own) else 0
    if won_n < MIN_CASES:
        return Answer("2.1", withheld="fewer than five won deals of three years name a touch")
    team = own.head(0) if channels is None else channels
    both = own.merge(team[["label", "touches_n", "won_n"]], on="label", how="left", suffixes=("", "_team"))
    taken = 1.0 if in_team else 0.0
    rest_n = both["won_n_team"].astype(float) - taken * won_n
    both["per_won"] = both["touches_n"] / won_n
    both["team_per_won"] = (both["touches_n_team"].astype(float) - taken * both["touches_n"]) / rest_n.where(rest_n >= MIN_CASES)
    both = both.sort_values(["per_won", "label"], ascending=[False, True], ignore_index=True)
    return Answer("2.1", both[["label", "touches_n", "per_won", "team_per_won"]], notes={"won_n": int(won_n)})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "measure_rates": (learn_measure_rates, ("opportunities", "accounts", "account_sales", "activities")),
    "measure_values": (learn_measure_values, ("opportunities", "accounts", "account_sales", "products")),
    "won_channels": (learn_channels, ("opportunities", "activities")),
}
