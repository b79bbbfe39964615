"""Step 3, the market: what it is, and how much of it there is in all, to be served and to be had this year (3.1, 3.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, total
from workbook_helpers.statistics import MIN_CASES, estimate_wilson_interval

MARKET_SPEND = Definition(
    "market_spend", 3, "Market", "money", "sum of spend over the areas where the rep has accounts", roll_up="team"
)
KNOWN_SHARE = Definition(
    "known_share", 3, "Known part of the market", "share",
    "accounts of the book ÷ establishments (or their employees), in the areas of the book", roll_up="ratio",
)  # fmt: skip
SERVICEABLE = Definition(
    "serviceable_amount", 3, "Serviceable market", "money", "potential of the accounts that the filters keep", roll_up="sum"
)
OBTAINABLE = Definition(
    "obtainable_amount", 3, "Obtainable this year", "money",
    "sales of the last 365 days to serviceable customers + their prospects' potential × share of accounts that began to "
    "buy in the last 365 days × share of wallet of the customers", roll_up="sum",
)  # fmt: skip

#: The ways to a potential: columns of ``score_potential``.
WAYS = ("top_down", "bottom_up", "regression")


# --- 3.1: the market --------------------------------------------------------------------------------------------------


@answers("3.1", MARKET_SPEND, KNOWN_SHARE, market=["area"], accounts=["account_id"])
def summarise_market(*, market: pd.DataFrame, accounts: pd.DataFrame) -> Answer:
    """What the market of this book is: areas where the rep has accounts, beside the accounts known there.

    market: area, industry, establishments_n, employees_n, population_n, income, spend. accounts: from
    ``score_potential`` (market_area). Where accounts have an industry that the market names too, areas are cut by it.
    Returns area, industry, establishments_n, employees_n, spend, accounts_n, customers_n, heads_n (employees of the
    accounts), known_share (accounts ÷ establishments, or heads ÷ employees where nobody counts establishments; at most
    1); most unknown first. notes: counted (establishments or employees), population_n and income (median) of the areas,
    None where the table has none; areas_n.

    >>> market = pd.DataFrame({"area": ["N", "S"], "industry": "X", "establishments_n": [10.0, 99.0], "spend": [100.0,
    ...     900.0], "employees_n": None, "population_n": [70.0, 80.0], "income": None})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "market_area": "N", "industry": "X", "status": ["customer",
    ...     "prospect"]})
    >>> summarise_market(market=market, accounts=who).table[["area", "accounts_n", "known_share"]].values.tolist()
    [['N', 2.0, 0.2]]
    """
    own = accounts[accounts["market_area"].notna()].rename(columns={"market_area": "area"})
    if own.empty:
        why = "no area of table market stands in region, state, city, postal_code, country, county or territory_id of the accounts"
        return Answer("3.1", measures=(MARKET_SPEND.withhold(why), KNOWN_SHARE.withhold(why)), withheld=why)
    keys = ["area"]
    if "industry" in own and own["industry"].isin(set(market["industry"].dropna())).any():
        keys = ["area", "industry"]
    here = market[market["area"].isin(set(own["area"]))]
    numbers = ["establishments_n", "employees_n", "spend"]
    table = here.groupby(keys)[numbers].sum(min_count=1).astype(float).reset_index()
    heads = own["employees"].astype(float).fillna(0.0) if "employees" in own else pd.Series(0.0, index=own.index)
    for name, rows in {"accounts_n": own, "customers_n": own[own["status"] == "customer"]}.items():
        n = Counter(zip(*(rows[key] for key in keys), strict=True))
        table[name] = [float(n[cell]) for cell in zip(*(table[key] for key in keys), strict=True)]
    sums = heads.groupby([own[key] for key in keys]).sum()
    table["heads_n"] = sums.reindex(pd.MultiIndex.from_frame(table[keys]) if len(keys) > 1 else table["area"]).fillna(0.0).to_numpy()
    counted, ours = ("establishments_n", "accounts_n") if table["establishments_n"].notna().any() else ("employees_n", "heads_n")
    table["known_share"] = (table[ours] / table[counted]).where(table[counted] > 0).clip(upper=1.0)
    unknown = table[counted] - table[ours]
    table = table.loc[unknown.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
    n, found = total(table[counted]), table[[ours, counted]].min(axis=1)
    spend = here["spend"].dropna()
    why = "it needs column spend of table market"
    measures = (
        MARKET_SPEND.measure(total(spend), source="market", rows=table) if len(spend) else MARKET_SPEND.withhold(why),
        KNOWN_SHARE.ratio(total(found), n, source="market, accounts", if_none="the market table counts nothing there"),
    )
    by_area = here.groupby("area")[["population_n", "income"]].max()
    people, income = by_area["population_n"].dropna().astype(float), by_area["income"].dropna().astype(float)
    notes = {
        "counted": counted.removesuffix("_n"), "ours": ours, "areas_n": len(by_area),
        "population_n": total(people) if len(people) else None,
        "income": float(income.median()) if len(income) else None,
    }  # fmt: skip
    return Answer("3.1", table, measures, notes)


# --- 3.3: how big it is -----------------------------------------------------------------------------------------------


@answers("3.3", SERVICEABLE, OBTAINABLE, accounts=["account_id"])
def summarise_size(
    *, accounts: pd.DataFrame, as_of: date, market: pd.DataFrame | None = None, industries: Sequence[str] = (),
    areas: Sequence[str] = (), smallest_employees: float | None = None,
) -> Answer:  # fmt: skip
    """How big the market is in all (TAM), as far as it can be served (SAM), and to be had this year (SOM), three ways.

    accounts: from ``score_potential``. industries, areas, smallest_employees: what the plan calls serviceable; where it
    names none, the industries and the areas in which the book has five customers or more (all, where none has). All: by
    the market table what the areas of the book spend; by the other ways the accounts known. To be had, of the accounts
    known by every way: what serviceable customers bought in the last 365 days, and of the others' potential the share of
    accounts that began to buy in that time, each at the share of wallet that customers give; its limits are those of
    that share (95 % Wilson).
    Returns size (all, serviceable, obtainable), top_down_amount, bottom_up_amount, regression_amount, low_amount and
    high_amount (least and most of the ways; for the obtainable also over its limits). notes: filters (column -> labels,
    number or None), from_plan, accounts_n, kept_n, began_n and open_n (accounts that began to buy, of those that could),
    spread (high ÷ low of all).

    >>> who = pd.DataFrame({"account_id": list("abcdefg"), "industry": "X", "status": ["customer"] * 5 + ["prospect"] * 2,
    ...     "first_date": pd.to_datetime(["2020-01-01"] * 4 + ["2026-05-05"] + [None] * 2), "potential_way": "bottom_up",
    ...     "revenue_amount": [5.0] * 5 + [0.0] * 2, "bottom_up_amount": 10.0, "potential_amount": 10.0,
    ...     "market_area": None})
    >>> summarise_size(accounts=who, as_of=date(2026, 9, 30)).table[["size", "bottom_up_amount"]].values.tolist()
    [['all', 70.0], ['serviceable', 70.0], ['obtainable', nan]]
    """
    place = _find_place(accounts)
    kept, filters, from_plan = _keep(accounts, place, industries, areas, smallest_employees)
    ways = [way for way in WAYS if f"{way}_amount" in accounts and accounts[f"{way}_amount"].notna().any()]
    spend = _find_spend(accounts, market, place, filters)
    if not ways and spend is None:
        why = "neither a market table nor comparable customers tell it"
        return Answer("3.3", measures=(SERVICEABLE.withhold(why), OBTAINABLE.withhold(why)), withheld=why)
    inside = accounts[kept]
    rate = _find_rate(inside, as_of)
    rows = []
    for way in WAYS:
        column = f"{way}_amount"
        known = way in ways
        all_of_it, served = (total(accounts[column]), total(inside[column])) if known else (np.nan, np.nan)
        customers = inside[inside["status"] == "customer"]
        theirs = total(customers[column]) if known else np.nan
        had = [_obtain(customers["revenue_amount"], theirs, served, share) for share in rate[2:]]
        if way == "top_down" and spend is not None:
            all_of_it, served = spend
        rows.append((way, all_of_it, served, *had))
    names = ["way", "all", "serviceable", "obtainable", "low", "high"]
    each = pd.DataFrame(rows, columns=names).set_index("way").astype(float)
    table = each[["all", "serviceable", "obtainable"]].T.set_axis([f"{way}_amount" for way in WAYS], axis=1)
    limits = {size: each[size] for size in ("all", "serviceable")} | {"obtainable": each[["low", "high"]].stack()}
    table["low_amount"] = [limits[size].min() for size in table.index]
    table["high_amount"] = [limits[size].max() for size in table.index]
    table = table.rename_axis("size").reset_index().rename_axis(columns=None)
    most = inside["potential_way"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    chosen = each.loc[most.index[0]] if len(most) else each.iloc[0]
    source = "accounts, sales" + (", market" if spend is not None else "")
    details = {"n": len(inside), "source": source, "rows": _sum_areas(inside, place, ways)}
    few = f"it needs {MIN_CASES} serviceable accounts that could have begun to buy a year ago, and a customer among them"
    measures = (
        SERVICEABLE.measure(chosen["serviceable"], **details) if chosen["serviceable"] == chosen["serviceable"]
        else SERVICEABLE.withhold("the potential of no serviceable account is known"),
        OBTAINABLE.measure(chosen["obtainable"], low=chosen["low"], high=chosen["high"], level=0.95,
                           n=len(inside), source=source)
        if chosen["obtainable"] == chosen["obtainable"] else OBTAINABLE.withhold(few),
    )  # fmt: skip
    low, high = table["low_amount"].iloc[0], table["high_amount"].iloc[0]
    notes = {
        "filters": filters, "from_plan": from_plan, "accounts_n": len(accounts), "kept_n": len(inside),
        "began_n": rate[0], "open_n": rate[1], "spread": float(high / low) if low > 0 else np.nan, "has_market": spend is not None,
    }  # fmt: skip
    return Answer("3.3", table, measures, notes)


def _sum_areas(inside: pd.DataFrame, place: str | None, ways: Sequence[str]) -> pd.DataFrame | None:
    """Potential of each area by every way."""
    if place is None or inside.empty:
        return None
    names = [f"{way}_amount" for way in ways]
    sums = inside.groupby(place)[names].agg(total).rename_axis("area")
    return sums.assign(accounts_n=inside.groupby(place).size()).reset_index()


def _find_place(accounts: pd.DataFrame) -> str | None:
    """The column that says where an account lies: its area in the market table, else region, else country."""
    return next((c for c in ("market_area", "region", "country") if c in accounts and accounts[c].notna().any()), None)


def _keep(
    accounts: pd.DataFrame, place: str | None, industries: Sequence[str], areas: Sequence[str], smallest: float | None
) -> tuple[pd.Series, dict[str, list[str] | float | None], bool]:
    """Which accounts the filters keep, and the filters."""
    kept = pd.Series(True, index=accounts.index)
    named, chosen = {"industry": list(industries), place or "region": list(areas)}, {}
    for column, labels in named.items():
        if column not in accounts or not accounts[column].notna().any():
            chosen[column] = labels or None
            continue
        n = accounts.loc[accounts["status"] == "customer", column].value_counts()
        chosen[column] = labels or sorted(n.index[n >= MIN_CASES]) or None
        if chosen[column]:
            wanted = {str(label).casefold() for label in chosen[column]}
            kept &= accounts[column].astype(str).str.casefold().isin(wanted)
    if smallest is not None and "employees" in accounts:
        kept &= accounts["employees"].astype(float) >= smallest
    filters = {"industry": chosen["industry"], "area": chosen[place or "region"], "employees": smallest}
    return kept, filters, bool(industries or areas or smallest is not None)


def _find_spend(
    accounts: pd.DataFrame, market: pd.DataFrame | None, place: str | None, filters: dict
) -> tuple[float, float] | None:
    """What the areas of the book spend by the market table, in all and inside the filters."""
    if market is None or place != "market_area" or not market["spend"].notna().any():
        return None
    here = market[market["area"].isin(set(accounts["market_area"].dropna())) & market["spend"].notna()]
    served = here
    for column in ("industry", "area"):
        if filters[column] and (column == "area" or accounts["industry"].isin(set(market["industry"])).any()):
            served = served[served[column].astype(str).str.casefold().isin({str(label).casefold() for label in filters[column]})]
    return total(here["spend"]), total(served["spend"])


def _find_rate(inside: pd.DataFrame, as_of: date) -> tuple[int, int, float, float, float]:
    """Accounts that began to buy in the last 365 days, of those that could; their share with its limits."""
    first = inside["first_date"]
    could = ~(first < pd.Timestamp(Period.ending(as_of).start))
    began, n = int((could & first.notna()).sum()), int(could.sum())
    if n < MIN_CASES:
        return began, n, np.nan, np.nan, np.nan
    return began, n, began / n, *estimate_wilson_interval(began, n)


def _obtain(sales: pd.Series, theirs: float, served: float, share: float) -> float:
    """What customers buy, and what others would give: their potential × the share that begins to buy × share of wallet."""
    sold = total(sales.clip(lower=0.0))
    if not theirs > 0 or not sold > 0:
        return np.nan
    return round(sold + max(served - theirs, 0.0) * share * min(sold / theirs, 1.0), 2)
