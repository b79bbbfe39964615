"""Step 1, the season: when customers buy, by product and segment, and who is due in the coming season (1.10).

The team's index is the one by which step 6 spreads the goal (ratio to a centred twelve-month mean), here with intervals and by cut.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES

SEASON_AMOUNT = Definition(
    "season_amount", 1, "Usual business of the coming season", "money",
    "per customer that bought in these three months in at least two years before, or whose usual gap ends in them, and has not bought "
    "since they began: median of what it bought in them, over the years in which it did; without those who buy again within 45 days",
    roll_up="sum",
)  # fmt: skip
SEASON_INDEX = Definition(
    "season_index", 1, "Strongest month of the team", "ratio",
    "sales of the month ÷ mean of the twelve months around it, over all whole years, scaled to mean 1; interval: bootstrap over accounts",
)  # fmt: skip

#: So many accounts must have bought before a product or a segment has a season of its own.
LEAST_ACCOUNTS = 30
MOST_LABELS = 6
DRAWS, SEED = 300, 7
MONTHS = np.arange(1, 13)
#: The coming season is this many months.
SEASON_MONTHS = 3
#: Who usually buys again within so many days buys all year round, and needs no season to be called.
ALL_YEAR_DAYS = 45


@answers("1.10", SEASON_INDEX, sales=[])
def summarise_season(*, sales: pd.DataFrame, as_of: date, season_cuts: pd.DataFrame | None = None) -> Answer:
    """In which months customers buy: month (1-12), amount (all whole years together), index (1 = an average month), and the team's
    team_index with low and high (missing where no team has two whole years).

    season_cuts: the team's ``learn_season_cuts``. Without it, it needs at least one whole year of sales up to the as-of date, and five
    purchases; one year tells little about a season. notes: years_n (of the book's own sales), cuts (the team's index by product and
    segment, one row per cut and label, months 1 to 12 as columns).

    >>> days = pd.to_datetime(["2025-10-01", "2026-01-05", "2026-01-09", "2026-03-05", "2026-09-30"])
    >>> answer = summarise_season(sales=pd.DataFrame({"sale_date": days, "amount": 12.0}), as_of=date(2026, 9, 30))
    >>> float(answer.table.set_index("month")["index"][1]), answer.notes["years_n"]
    (4.8, 1)
    """
    known = sales[sales["sale_date"] <= pd.Timestamp(as_of)]
    years = int((pd.Timestamp(as_of) - known["sale_date"].min()).days + 1) // 365 if len(known) else 0
    taught = season_cuts if season_cuts is not None and (season_cuts["cut"] == "all").any() else None
    own = _sum_own_months(known, as_of, years) if years and len(known) >= MIN_CASES else None
    if own is None and taught is None:
        return Answer("1.10", withheld=f"it needs a whole year of sales and at least {MIN_CASES} purchases")
    if taught is None and own.mean() <= 0:
        return Answer("1.10", withheld="the sales of the whole years do not add up to more than 0")
    amount = pd.Series(np.nan, MONTHS) if own is None or own.mean() <= 0 else own
    table = pd.DataFrame({"month": MONTHS, "amount": amount.to_numpy(), "index": (amount / amount.mean()).to_numpy()})
    table[["team_index", "low", "high"]] = np.nan
    measures, cuts = (), None
    if taught is not None:
        team = taught[taught["cut"] == "all"].set_index("month").reindex(MONTHS)
        table = table.assign(**{c: team[name].to_numpy(float) for c, name in {"team_index": "index", "low": "low", "high": "high"}.items()})
        cuts = taught.pivot_table(index=["cut", "label"], columns="month", values="index", sort=False).reset_index()
        top = team["index"].astype(float).idxmax()
        shown = taught[["cut", "label", "month", "index", "low", "high", "accounts_n"]]
        limits = {"low": float(team.at[top, "low"]), "high": float(team.at[top, "high"]), "level": 0.95}
        measures = (SEASON_INDEX.measure(float(team.at[top, "index"]), n=int(team.at[top, "accounts_n"]), source="sales of the team",
                                         rows=shown, **limits),)  # fmt: skip
    return Answer("1.10", table, measures, {"years_n": years if own is not None else 0, "cuts": cuts})


def _sum_own_months(known: pd.DataFrame, as_of: date, years: int) -> pd.Series:
    period = Period(Period(as_of, as_of).years_earlier(years).start, as_of)
    inside = known[period.holds(known["sale_date"]) & (known["sale_date"] > pd.Timestamp(period.start))]
    return sum_money(inside["amount"], inside["sale_date"].dt.month).reindex(MONTHS).fillna(0.0)


# --- what the team teaches --------------------------------------------------------------------------------------------


def learn_season_cuts(
    *,
    sales: pd.DataFrame | None,
    products: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None,
    company: Any,
    as_of: date,
    **_: object,
) -> pd.DataFrame:
    """The team's month index, of all sales, by product family (product, where there are few and no families) and by segment.

    One row out per cut, label and month: cut (all, product, or a segment's column), label, month (1-12), index (mean 1), low, high
    (95 %), accounts_n (that bought), years_n, reps_n. No rows below two whole years; a product or segment needs thirty accounts, and
    at most six of each cut stand here. Source: ratio to a centred twelve-month mean (classical decomposition), whole months only.
    """
    columns = ["cut", "label", "month", "index", "low", "high", "accounts_n", "years_n", "reps_n"]
    if sales is None or not len(sales) or sales["account_id"].isna().all():
        return pd.DataFrame(columns=columns)
    known = sales[(sales["sale_date"] <= pd.Timestamp(as_of)) & sales["sale_date"].notna()]
    months = find_whole_months(known["sale_date"], as_of)
    if len(months) < 24:
        return pd.DataFrame(columns=columns)
    cuts = {"all": pd.Series("all", known.index), "product": _name_families(known, products)}
    if accounts is not None:
        traits = accounts.drop_duplicates("account_id").set_index("account_id")
        cuts |= {c: known["account_id"].map(traits[c]) for c in company.segments if c in traits and c not in cuts}
    parts = []
    for cut, label in cuts.items():
        accounts_n = known["account_id"].groupby(label).nunique()
        enough = accounts_n[accounts_n >= (MIN_CASES if cut == "all" else LEAST_ACCOUNTS)]
        worth = sum_money(known["amount"], label.astype(object)).reindex(enough.index)
        for name in worth.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_LABELS]:
            rows = known[(label == name).to_numpy()]
            part = estimate_season(sum_by_month(rows, months), int(months[0].month))
            reps_n = rows["rep_id"].nunique() if "rep_id" in rows else 1
            parts.append(part.assign(cut=cut, label=str(name), accounts_n=float(accounts_n[name]), reps_n=float(reps_n)))
    return pd.concat(parts, ignore_index=True).assign(years_n=float(len(months) // 12))[columns] if parts else pd.DataFrame(columns=columns)


def _name_families(sales: pd.DataFrame, products: pd.DataFrame | None) -> pd.Series:
    """The family of what was sold; the product where there are no families and at most six products."""
    if products is not None and products["family"].notna().any():
        named = products[products["family"].notna()]
        return sales["product"].map(dict(zip(named["product"], named["family"], strict=True)))
    return sales["product"] if sales["product"].nunique() <= MOST_LABELS else pd.Series(None, sales.index, dtype=object)


def find_whole_months(dates: pd.Series, as_of: date) -> pd.PeriodIndex:
    """The months from the first whole one (begun by its seventh day) to the last that is over by the as-of date.

    >>> find_whole_months(pd.Series(pd.to_datetime(["2024-01-05", "2026-01-02"])), date(2026, 1, 15))[[0, -1]].astype(str).tolist()
    ['2024-01', '2025-12']
    """
    first, next_day = dates.min(), pd.Timestamp(as_of) + pd.Timedelta(days=1)
    return pd.period_range(first.to_period("M") + (1 if first.day > 7 else 0), next_day.to_period("M") - 1, freq="M")


def sum_by_month(sales: pd.DataFrame, months: pd.PeriodIndex) -> np.ndarray:
    """Money by account (a row each, by id) and month (a column each)."""
    month = sales["sale_date"].dt.year * 12 + sales["sale_date"].dt.month - (months[0].year * 12 + months[0].month)
    inside = sales[(month >= 0) & (month < len(months)) & sales["account_id"].notna()]
    who, names = pd.factorize(inside["account_id"], sort=True)
    cents = np.zeros((len(names), len(months)), "int64")
    amounts = np.rint(inside["amount"].to_numpy(float, na_value=0.0) * 10_000).astype("int64")
    np.add.at(cents, (who, month[inside.index].to_numpy(int)), amounts)
    return cents / 10_000


def estimate_season(monthly: np.ndarray, first_month: int, *, level: float = 0.95, draws: int = DRAWS, seed: int = SEED) -> pd.DataFrame:
    """The index of each month (1-12) with its interval: month, index, low, high.

    monthly: money by account (rows) and consecutive month (columns), whole years of them; first_month: of the first column.
    Interval: accounts are drawn again and again (Poisson weights of mean 1); the spread of the logarithm, widened by Student's t and
    √((n + 1) ÷ (n − 1)), where n is how many accounts of equal weight there are (square of the sum ÷ sum of the squares): drawn anew, a
    few large accounts spread less than they truly do.

    >>> monthly = np.tile(np.where(np.arange(36) % 12 == 11, 150.0, 50.0), (30, 1))
    >>> season = estimate_season(monthly, 1).set_index("month")
    >>> float(round(season["index"][12] / season["index"][6], 2)), float(round(season["low"][12] / season["index"][12], 2))
    (3.0, 1.0)
    """
    from scipy.special import stdtrit

    index = _find_index(monthly.sum(axis=0)[None, :], first_month)[0]
    spent = monthly.sum(axis=1).clip(min=0.0)
    equal = spent.sum() ** 2 / max((spent**2).sum(), 1e-9)
    drawn = np.random.default_rng(seed).poisson(1.0, size=(draws, len(monthly))).astype(float)
    with np.errstate(divide="ignore"):
        logs = np.log(_find_index(drawn @ monthly, first_month))
    spread = np.where(np.isfinite(logs), logs, np.nan)
    sure = np.isfinite(logs).mean(axis=0) > 0.9
    few = max(equal, 2.0)
    wide = float(stdtrit(few - 1, 0.5 + level / 2)) * np.sqrt((few + 1) / (few - 1))
    half = wide * np.nanstd(np.where(sure, spread, 0.0), axis=0)
    low, high = np.where(sure, index * np.exp(-half), 0.0), np.where(sure, index * np.exp(half), np.nan)
    return pd.DataFrame({"month": MONTHS, "index": index.round(6), "low": low.round(6), "high": high.round(6)})


def _find_index(monthly: np.ndarray, first_month: int) -> np.ndarray:
    """Month index, January first, of each row of consecutive months: ratio to the centred twelve-month mean, averaged, mean 1."""
    sums = np.cumsum(np.pad(monthly, ((0, 0), (1, 0))), axis=1)
    twelve = (sums[:, 12:] - sums[:, :-12]) / 12
    centre = (twelve[:, 1:] + twelve[:, :-1]) / 2
    inner = monthly[:, 6 : 6 + centre.shape[1]]
    ratio = np.divide(inner, centre, out=np.full(inner.shape, np.nan), where=centre > 0)
    month = (first_month - 1 + 6 + np.arange(inner.shape[1])) % 12
    by_month = np.ones((len(monthly), 12))
    for m in range(12):
        known = ~np.isnan(ratio[:, month == m])
        n = known.sum(axis=1)
        by_month[:, m] = np.where(n > 0, np.where(known, ratio[:, month == m], 0.0).sum(axis=1) / np.maximum(n, 1), 1.0)
    by_month = by_month.clip(min=0.0)
    return by_month / by_month.mean(axis=1, keepdims=True)


# --- who is due -------------------------------------------------------------------------------------------------------


@answers("1.10", SEASON_AMOUNT, sales=[], accounts=["account_id"])
def rank_season_buyers(*, sales: pd.DataFrame, accounts: pd.DataFrame, as_of: date) -> Answer:
    """Who bought in the coming season in earlier years, or is due in it, and has not bought since it began.

    The season is three whole months, of which the first is the month that holds the day half a month ahead. accounts: from
    ``score_accounts``; only those with status customer. One row out per customer, most money first: account_id, account_name,
    usual_month (1-12, in which most of it fell), usual_amount (median of the years in which it bought), years_n (of them), last_date,
    due_date (last purchase + usual gap; missing below four purchases). Those who buy again within 45 days as a rule are left out.
    notes: season (its months), known_n (how many earlier ones are known), all_year_n (customers left out).

    >>> days = pd.to_datetime(["2024-10-09", "2025-11-05", "2025-11-09", "2026-02-09"])
    >>> sales = pd.DataFrame({"account_id": ["a", "a", "a", "b"], "sale_date": days, "amount": [10.0, 5.0, 15.0, 99.0]})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"], "status": "customer",
    ...     "last_date": days[2:], "usual_gap_days": [300.0, float("nan")]})
    >>> rank_season_buyers(sales=sales, accounts=who, as_of=date(2026, 9, 30)).table.values.tolist()[0][:5]
    ['a', 'A', 11, 15.0, 2]
    """
    start = (pd.Timestamp(as_of) + pd.Timedelta(days=15)).to_period("M")
    months = [int((start + k).month) for k in range(SEASON_MONTHS)]
    season = Period(start.start_time.date(), (start + SEASON_MONTHS - 1).end_time.date())
    bought = sales[(sales["amount"] > 0) & (sales["sale_date"] <= pd.Timestamp(as_of)) & sales["account_id"].notna()]
    waiting = accounts[(accounts["status"] == "customer") & (accounts["last_date"] < pd.Timestamp(season.start))]
    waiting = waiting.drop_duplicates("account_id")
    all_year = waiting["usual_gap_days"] <= ALL_YEAR_DAYS
    waiting = waiting[~all_year]
    known, earlier = 0, []
    first = bought["sale_date"].min().replace(day=1) if len(bought) else pd.Timestamp.max
    while pd.Timestamp(season.years_earlier(known + 1).start) >= first:
        known += 1
        inside = season.years_earlier(known).holds(bought["sale_date"])
        earlier.append(bought[inside & bought["account_id"].isin(waiting["account_id"])].assign(year=known))
    past = pd.concat(earlier) if earlier else bought.head(0).assign(year=0)
    yearly = sum_money(past["amount"], [past["account_id"], past["year"]]).groupby(level=0)
    by_month = sum_money(past["amount"], [past["account_id"], past["sale_date"].dt.month.rename("month")]).reset_index()
    by_month["place"] = by_month["month"].map(months.index)
    usual = by_month.sort_values(["amount", "place"], ascending=[False, True]).drop_duplicates("account_id")
    usual = usual.set_index("account_id")["month"]
    table = waiting[["account_id", "account_name", "last_date"]].copy()
    table["usual_month"] = table["account_id"].map(usual)
    table["usual_amount"] = table["account_id"].map(yearly.median()).astype(float).round(2)
    table["years_n"] = table["account_id"].map(yearly.size()).fillna(0).astype(int)
    table["due_date"] = waiting["last_date"] + pd.to_timedelta(waiting["usual_gap_days"].round(), unit="D")
    due = season.holds(table["due_date"])
    table = table[((table["years_n"] >= 2) | (due & (table["years_n"] >= 1)))]
    table = table.sort_values(["usual_amount", "account_id"], ascending=[False, True], ignore_index=True)
    table["usual_month"] = table["usual_month"].astype(int)
    columns = ["account_id", "account_name", "usual_month", "usual_amount", "years_n", "last_date", "due_date"]
    notes = {"season": months, "known_n": known, "all_year_n": int(all_year.sum())}
    if not known:
        return Answer("1.10", withheld="the sales do not go back to the same season of a year before")
    measure = SEASON_AMOUNT.measure(total(table["usual_amount"]), n=len(table), source="sales", rows=table[columns])
    return Answer("1.10", table[columns], (measure,), notes)


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"season_cuts": (learn_season_cuts, ("sales", "products", "accounts"))}
