"""Step 1: who the customers are, what they buy and when, who carries the book and who may leave.

``score_accounts`` (one row per account: status, purchases, last touch) flows from here into steps 2 and 3.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from workbook_helpers.families import find_customers
from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES, say_few

REVENUE = Definition(
    "revenue", 1, "Revenue", "money", "sum of sales in the period (orders, else won deals)", roll_up="sum"
)
ACTIVE_CUSTOMERS = Definition(
    "active_customers", 1, "Active customers", "count",
    "number of customers (by ultimate parent) with net sales above 0 in the period", roll_up="distinct",
)  # fmt: skip
TOP_ACCOUNT_SHARE = Definition(
    "top_account_share", 1, "Largest customer", "share", "sales to the largest customer ÷ sales to all active customers"
)
PARETO_SHARE = Definition(
    "pareto_share", 1, "Customers that yield 80 %", "share",
    "smallest number of customers that yields 80 % of sales ÷ active customers",
)  # fmt: skip
CONCENTRATION = Definition(
    "concentration_hhi", 1, "Concentration (HHI)", "ratio", "Σ (customer's share of sales)²; 1 ÷ it: as if so many equal customers bought"
)
EXPECTED_PARETO_SHARE = Definition(
    "expected_pareto_share", 1, "Customers that will yield 80 %", "share",
    "smallest number of today's customers that yields 80 % of what they are expected to bring in 12 months ÷ these customers",
)  # fmt: skip
PLAN_PARETO_SHARE = Definition(
    "plan_pareto_share", 1, "Customers that yield 80 % of the plan", "share",
    "smallest number of customers that yields 80 % of what the fiscal year has in sight (booked + usual orders and renewals to come + "
    "Σ probability × amount of open deals due) ÷ these customers",
)  # fmt: skip
#: The interval of the Pareto share is drawn where so many customers bought: fewer tell nothing, more need none.
PARETO_DRAWN = (20, 1_000)
INHERITED_AMOUNT = Definition(
    "inherited_amount", 1, "Inherited business", "money",
    "sales of the last 365 days to this book's accounts that bought from another rep first", roll_up="sum",
)  # fmt: skip
CREATED_AMOUNT = Definition(
    "created_amount", 1, "Created business", "money",
    "sales of the last 365 days to this book's other accounts", roll_up="sum",
)  # fmt: skip
SAME_CUSTOMER_SALES = Definition(
    "same_customer_sales", 1, "Same-customer sales", "share",
    "sales of the last 365 days ÷ of the 365 days before, to customers that bought in the year before", roll_up="ratio",
)  # fmt: skip
AT_STAKE = Definition(
    "at_stake_amount", 1, "At stake", "money",
    "silent customers: sales in the year up to their last purchase; falling ones: the fall against the year before",
    roll_up="sum",
)  # fmt: skip


# --- 1.1: the accounts -----------------------------------------------------------------------------------


def score_accounts(
    *,
    accounts: pd.DataFrame | None,
    sales: pd.DataFrame,
    as_of: date,
    lapsed_after_days: int = 365,
    opportunities: pd.DataFrame | None = None,
    activities: pd.DataFrame | None = None,
) -> pd.DataFrame | None:
    """What each account is to the rep: one row per account in, the same row with more columns out, in the same order.

    Where the company has no accounts (None), there is nothing to score, and None comes back.

    sales: account_id, sale_date, amount, whoever sold. Adds status (customer, lapsed, prospect), first_date, last_date,
    purchases_n (days with a purchase), usual_gap_days (median; from four purchases), silence_days, revenue_amount (last
    365 days), earlier_amount (the 365 before), total_amount, buying (often or seldom, recent or silent; from recency
    and frequency quintiles), recency_score, frequency_score, money_score (1 low - 5 high; from five buyers on),
    last_touch_date (activity or new deal) and open_n (open deals).

    >>> day = pd.to_datetime(["2026-03-01", "2024-03-01"])
    >>> scored = score_accounts(accounts=pd.DataFrame({"account_id": ["a", "b", "c"]}), as_of=date(2026, 9, 30),
    ...     sales=pd.DataFrame({"account_id": ["a", "b"], "sale_date": day, "amount": [70.0, 90.0]}))
    >>> scored[["status", "revenue_amount", "total_amount"]].values.tolist()
    [['customer', 70.0, 70.0], ['lapsed', 0.0, 90.0], ['prospect', 0.0, 0.0]]
    """
    if accounts is None:
        return None
    bought = _summarise_purchases(sales, sales["account_id"], as_of)
    bought = bought.reindex(accounts["account_id"]).set_axis(accounts.index)
    scored = pd.concat([accounts, bought], axis=1)
    amounts = ["purchases_n", "revenue_amount", "earlier_amount", "total_amount"]
    scored[amounts] = scored[amounts].astype(float).fillna(0.0)
    never = scored["last_date"].isna()
    silent = scored["silence_days"] > lapsed_after_days
    scored["status"] = np.select([never, silent], ["prospect", "lapsed"], "customer")
    for score, column in {"recency": "silence_days", "frequency": "purchases_n", "money": "total_amount"}.items():
        scored[f"{score}_score"] = _quintile((scored[column] * (-1 if score == "recency" else 1)).mask(never))
    often = np.where(scored["frequency_score"] > 3, "often", "seldom")
    recent = np.where(scored["recency_score"] >= 3, "recent", "silent")
    pattern = pd.Series(often, index=scored.index) + ", " + recent
    scored["buying"] = pattern.astype(object).mask(scored["recency_score"].isna(), None)
    return _add_touches(scored, opportunities, activities, pd.Timestamp(as_of))


def _add_touches(
    scored: pd.DataFrame, opportunities: pd.DataFrame | None, activities: pd.DataFrame | None, day: pd.Timestamp
) -> pd.DataFrame:
    touches = [pd.Series(dtype="datetime64[ns]")]
    scored["open_n"] = 0.0
    if opportunities is not None and len(opportunities):
        touches.append(opportunities.set_index("account_id")["created_date"])
        open_deals = opportunities.loc[opportunities["status"] == "open", "account_id"].value_counts()
        scored["open_n"] = scored["account_id"].map(open_deals).astype(float).fillna(0.0)
    if activities is not None and len(activities):
        touches.append(activities.set_index("account_id")["activity_date"])
    touched = pd.concat([t for t in touches if len(t)] or touches)
    latest = touched[touched <= day].groupby(level=0).max()
    scored["last_touch_date"] = pd.to_datetime(latest.reindex(scored["account_id"]).to_numpy())
    return scored


def _summarise_purchases(sales: pd.DataFrame, key: pd.Series, as_of: date) -> pd.DataFrame:
    """One row per key, sorted: when and for how much it bought. Returns count in money but are no purchase."""
    day, last = pd.Timestamp(as_of), Period.ending(as_of)
    before = Period.ending(last.start - timedelta(days=1))
    known = key.notna() & (sales["sale_date"] <= day)
    dates, amounts = sales.loc[known, "sale_date"], sales.loc[known, "amount"]
    places, keys = pd.factorize(key[known], sort=True)
    bought = (amounts > 0).to_numpy()
    owner, when = places[bought], dates.to_numpy()[bought]
    order = np.lexsort([when, owner])
    owner, when = owner[order], when[order]
    again = np.zeros(len(when), dtype=bool)
    again[1:] = (owner[1:] == owner[:-1]) & (when[1:] == when[:-1])
    owner, when = owner[~again], when[~again]
    found, first, n = np.unique(owner, return_index=True, return_counts=True)
    result = pd.DataFrame({"first_date": when[first], "last_date": when[first + n - 1], "purchases_n": n.astype(float)}, index=keys[found])
    for name, share in {"usual_gap_days": 0.5, "long_gap_days": 0.9}.items():
        result[name] = _find_gap(owner, when, first, n, share)
    result["silence_days"] = (day - result["last_date"]).dt.days.astype(float)
    parts = {"revenue_amount": last, "earlier_amount": before, "total_amount": Period(date.min.replace(year=1700), as_of)}
    owners = pd.Series(places, index=dates.index)
    for name, period in parts.items():
        result[name] = sum_money(amounts.where(period.holds(dates), 0.0), owners).to_numpy()[found]
    return result


def _find_gap(owner: np.ndarray, when: np.ndarray, first: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    """The gap in days that this share of an owner's gaps do not exceed; missing below four purchases.

    owner, when: purchases by owner and day; first, n: where each owner's begin, and how many they are.
    """
    gaps = np.diff(when, append=when[-1:]) // np.timedelta64(1, "D")
    gaps[first + n - 1] = np.iinfo(gaps.dtype).max  # after an owner's last purchase there is none
    gaps = gaps[np.lexsort([gaps, owner])]
    place = share * np.maximum(n - 2, 0)
    below = first + place.astype(int)
    low, high = gaps[below], gaps[np.minimum(below + 1, first + np.maximum(n - 2, 0))]
    return np.where(n >= 4, low + (high - low) * (place % 1), np.nan)


def _quintile(values: pd.Series) -> pd.Series:
    """1 (lowest fifth) to 5; equal values score alike; missing below five cases."""
    n = values.notna().sum()
    return np.ceil(5 * values.rank(method="average") / n) if n >= MIN_CASES else values * np.nan


# --- 1.8, 1.9: who carries the book, who may leave --------------------------------------------------------------------


@answers("1.8", REVENUE, ACTIVE_CUSTOMERS, TOP_ACCOUNT_SHARE, PARETO_SHARE, sales=[])
def summarise_concentration(*, sales: pd.DataFrame, accounts: pd.DataFrame | None, period: Period) -> Answer:
    """How few customers carry the book: sales of the period by ultimate parent, largest first.

    sales: account_id, sale_date, amount, and account_name for accounts that are not in ``accounts``. Returns rank,
    customer_id, account_name, amount, share and running_share (of the sales to active customers, those with net sales
    above 0). notes: named_n customers yield 80 %, top_five_share, unnamed_amount (sales without account). Source of the
    measure: Pareto share as in the glossary.

    >>> day = pd.Timestamp("2026-05-05")
    >>> sales = pd.DataFrame({"account_id": list("abcde"), "sale_date": day, "amount": [60.0, 20.0, 10.0, 6.0, 4.0]})
    >>> answer = summarise_concentration(sales=sales, accounts=pd.DataFrame({"account_id": list("abcde"),
    ...     "account_name": list("ABCDE")}),
    ...     period=Period.ending(date(2026, 9, 30)))
    >>> answer["top_account_share"].value, answer["pareto_share"].value, answer.notes["named_n"]
    (0.6, 0.4, 2)
    """
    sold = sales[period.holds(sales["sale_date"])]
    customer, names = find_customers(accounts, sold)
    by_customer = sum_money(sold["amount"], customer)
    table = by_customer[by_customer > 0].rename("amount").rename_axis("customer_id").reset_index()
    table = table.sort_values("amount", ascending=False, kind="stable", ignore_index=True)
    table.insert(0, "rank", table.index + 1)
    table.insert(2, "account_name", table["customer_id"].map(lambda i: names.get(i, i)))
    whole, n = total(table["amount"]), len(table)
    table["share"] = table["amount"] / whole if n else 0.0
    table["running_share"] = (table["amount"].cumsum() / whole).clip(upper=1.0) if n else 0.0
    named = _count_named(table["share"].to_numpy(float)) if n else 0
    inside = {"period": period, "source": "sales", "n": n, "rows": table[["customer_id", "account_name", "amount"]]}
    nothing = "there are no sales to named customers in the period"
    few = nothing if n == 0 else say_few(n, "active customer")
    largest = float(table["amount"].max()) if n else 0.0
    drawn = _draw_pareto(table["amount"].to_numpy()) if PARETO_DRAWN[0] <= n <= PARETO_DRAWN[1] else {}
    measures = (
        REVENUE.measure(total(sold["amount"]), period=period, source="sales", n=len(sold), rows=_sale_rows(sold)),
        ACTIVE_CUSTOMERS.measure(n, **inside),
        TOP_ACCOUNT_SHARE.ratio(largest, whole, if_none=nothing, **inside),
        PARETO_SHARE.ratio(named, n, **inside, **drawn) if n >= MIN_CASES else PARETO_SHARE.withhold(few, **inside),
    )
    unnamed = total(sold.loc[sold["account_id"].isna(), "amount"])
    notes = {"named_n": named, "top_five_share": float(table["share"].head(5).sum()), "unnamed_amount": unnamed}
    return Answer("1.8", table, measures, notes | {"period": period})


def _count_named(shares: np.ndarray) -> int:
    """How many of the largest yield 80 %. shares: of the whole, largest first.

    >>> _count_named(np.array([0.6, 0.2, 0.1, 0.1]))
    2
    """
    return int((np.cumsum(shares) < 0.8 - 1e-9).sum()) + 1 if len(shares) else 0


def _draw_pareto(amounts: np.ndarray) -> dict[str, float]:
    """95 % bootstrap interval of the Pareto share: customers are drawn again and again."""
    n = len(amounts)
    drawn = np.sort(amounts[np.random.default_rng(7).integers(0, n, (300, n))], axis=1)[:, ::-1]
    few = ((np.cumsum(drawn, axis=1) / drawn.sum(axis=1, keepdims=True)) < 0.8 - 1e-9).sum(axis=1) + 1
    low, high = np.quantile(few / n, [0.025, 0.975])
    return {"low": float(low), "high": float(high), "level": 0.95}


@answers("1.8", CONCENTRATION, EXPECTED_PARETO_SHARE, last=[])
def compare_few(*, last: pd.DataFrame, expected: pd.DataFrame | None, accounts: pd.DataFrame | None = None) -> Answer:
    """The few that yielded 80 % of the year beside the few that will.

    last: the table of ``summarise_concentration``. expected: customer_id, account_name, expected_amount (12 months) with
    low_amount and high_amount; None where nobody can say. accounts: the book's of today; None takes everybody for it. One row per
    customer of either, largest in the year first: customer_id, account_name, amount, running_share, expected_amount with
    its limits, expected_share, move (stays, enters, leaves, gone: in another book now, or empty: one of neither). notes:
    named_n, expected_named_n, entering and leaving (names, most money first), gone_n, expected_share (of last year's few).

    >>> last = pd.DataFrame({"customer_id": list("ab"), "account_name": list("AB"), "amount": [90.0, 10.0], "share": [0.9, 0.1],
    ...     "running_share": [0.9, 1.0]})
    >>> ahead = pd.DataFrame({"customer_id": list("ab"), "account_name": list("AB"), "expected_amount": [5.0, 95.0]})
    >>> compare_few(last=last, expected=ahead).table[["account_name", "move"]].values.tolist()
    [['A', 'leaves'], ['B', 'enters']]
    """
    shares = last["share"].to_numpy(float)
    few = set(last["customer_id"].head(_count_named(shares)))
    table = last.reindex(columns=["customer_id", "account_name", "amount", "running_share"])
    if expected is None or expected.empty:
        table = table.assign(expected_amount=np.nan, low_amount=np.nan, high_amount=np.nan, expected_share=np.nan, move="")
        reason, ahead, names = "nothing is known that customers will buy", None, {}
    else:
        ahead = expected.sort_values(["expected_amount", "customer_id"], ascending=[False, True], ignore_index=True)
        whole = total(ahead["expected_amount"])
        reason = say_few(len(ahead), "customer") if len(ahead) < MIN_CASES else None
        known = ahead.reindex(columns=["customer_id", "expected_amount", "low_amount", "high_amount"])
        table = table.merge(known, on="customer_id", how="outer", sort=False)
        names = dict(zip(ahead["customer_id"], ahead["account_name"], strict=True)) | dict(
            zip(last["customer_id"], last["account_name"], strict=True)
        )
        table["account_name"] = table["customer_id"].map(names)
        table["expected_share"] = table["expected_amount"] / whole
        coming = set(ahead["customer_id"].head(_count_named((ahead["expected_amount"] / whole).to_numpy())))
        here = set(ahead["customer_id"]) | _list_customers(accounts, last)
        moves = {True: {True: "stays", False: "leaves"}, False: {True: "enters", False: ""}}
        table["move"] = [moves[i in few][i in coming] if i in here else "gone" * (i in few) for i in table["customer_id"]]
    by = ["amount", "expected_amount", "customer_id"]
    table = table.sort_values(by, ascending=[False, False, True], na_position="last", ignore_index=True)
    details = {"n": len(last), "source": "sales", "if_none": "there are no sales to named customers in the period"}
    hhi = CONCENTRATION.measure(round(float((shares**2).sum()), 12), n=len(last), source="sales") if len(last) else None
    measures = [hhi or CONCENTRATION.withhold(details["if_none"])]
    notes = {"named_n": len(few), "expected_named_n": None, "entering": [], "leaving": [], "gone_n": 0, "expected_share": None}
    if reason is not None:
        measures.append(EXPECTED_PARETO_SHARE.withhold(reason))
    else:
        measures.append(EXPECTED_PARETO_SHARE.ratio(len(coming), len(ahead), n=len(ahead), source="sales"))
        entering = table[table["move"] == "enters"].sort_values(["expected_amount", "customer_id"], ascending=[False, True])
        leaving = table[table["move"] == "leaves"]
        notes |= {name: rows["account_name"].tolist() for name, rows in (("entering", entering), ("leaving", leaving))}
        notes |= {"expected_named_n": len(coming), "gone_n": int((table["move"] == "gone").sum())}
        notes["expected_share"] = float(table.loc[table["customer_id"].isin(few), "expected_share"].sum())
    return Answer("1.8", table, tuple(measures), notes)


def _list_customers(accounts: pd.DataFrame | None, last: pd.DataFrame) -> set[str]:
    """The ids under which the book's accounts may stand as customers."""
    if accounts is None:
        return set(last["customer_id"])
    return set(accounts["account_id"]) | set(accounts.get("ultimate_parent_id", pd.Series(dtype=object)).dropna())


@answers("1.8", PLAN_PARETO_SHARE, credited=[])
def summarise_plan_accounts(
    *,
    credited: pd.DataFrame,
    flow: pd.DataFrame,
    open_deals: pd.DataFrame | None,
    accounts: pd.DataFrame | None,
    goal_amount: float | None,
    as_of: date,
    fiscal_year: Period,
) -> Answer:
    """Which few customers the fiscal year leans on: what each has brought, and what is in sight there until the year ends.

    credited: what counts for the quota (account_id, credit_date, amount). flow: what comes in anyway (account_id,
    amount). open_deals: account_id, amount, probability, bucket (likely and stretch are due in the year), maybe None.
    goal_amount: None where nobody names one. Returns, by customer (ultimate parent), largest first: customer_id,
    account_name, booked_amount, coming_amount, amount, share, running_share; only customers above 0. notes: named_n,
    amount (of all), goal_amount.

    >>> booked = pd.DataFrame({"account_id": ["a"], "credit_date": pd.Timestamp("2026-02-01"), "amount": [60.0]})
    >>> flow = pd.DataFrame({"account_id": ["b"], "amount": [40.0]})
    >>> answer = summarise_plan_accounts(credited=booked, flow=flow, open_deals=None, accounts=None, goal_amount=None,
    ...     as_of=date(2026, 9, 30), fiscal_year=Period(date(2026, 1, 1), date(2026, 12, 31)))
    >>> answer.table[["customer_id", "share"]].values.tolist()
    [['a', 0.6], ['b', 0.4]]
    """
    booked = credited[Period(fiscal_year.start, as_of).holds(credited["credit_date"])]
    coming = [flow.reindex(columns=["account_id", "amount"])]
    if open_deals is not None:
        due = open_deals[open_deals["bucket"].isin(["likely", "stretch"])]
        coming.append(due[["account_id"]].assign(amount=(due["probability"] * due["amount"]).round(2)))
    parts = {"booked_amount": booked, "coming_amount": pd.concat([c for c in coming if len(c)] or coming, ignore_index=True)}
    sums, names = {}, {}
    for column, rows in parts.items():
        rows = rows[rows["account_id"].notna()]
        customer, known = find_customers(accounts, rows)
        sums[column], names = sum_money(rows["amount"].astype(float), customer.astype(object)), names | known
    table = pd.DataFrame(sums).fillna(0.0).rename_axis("customer_id").reset_index()
    table["amount"] = (table["booked_amount"] + table["coming_amount"]).round(4)
    table = table[table["amount"] > 0].sort_values(["amount", "customer_id"], ascending=[False, True], ignore_index=True)
    table.insert(1, "account_name", [names.get(i, i) for i in table["customer_id"]])
    whole, n = total(table["amount"]), len(table)
    table["share"] = table["amount"] / whole if n else 0.0
    table["running_share"] = table["share"].cumsum().clip(upper=1.0)
    named = _count_named(table["share"].to_numpy(float))
    details = {"n": n, "period": fiscal_year, "source": "what counts for the quota, flow and open deals"}
    rows = table[["customer_id", "account_name", "booked_amount", "coming_amount", "amount"]]
    few = say_few(n, "customer", " with business in the fiscal year")
    measure = PLAN_PARETO_SHARE.withhold(few, **details) if n < MIN_CASES else PLAN_PARETO_SHARE.ratio(named, n, rows=rows, **details)
    return Answer("1.8", table, (measure,), {"named_n": named, "amount": whole, "goal_amount": goal_amount})


def _sale_rows(sold: pd.DataFrame) -> pd.DataFrame:
    columns = [c for c in ("sale_id", "account_id", "sale_date", "product", "amount") if c in sold]
    return sold[columns].reset_index(drop=True)


@answers("1.8", INHERITED_AMOUNT, CREATED_AMOUNT, sales=[], account_sales=[], accounts=[])
def summarise_origin(
    *, sales: pd.DataFrame, account_sales: pd.DataFrame, accounts: pd.DataFrame, period: Period
) -> Answer:
    """Inherited and created business: what this book's accounts bought in the period, by who sold to each of them first.

    sales: what this rep sold. account_sales: what was sold to this book's accounts, ``inherited`` where others sold it.
    accounts: whose sales these are. Returns origin (inherited, created), customers_n, amount. notes: others_amount (of
    both, sold by others in the period), elsewhere_amount (this rep's sales to accounts that are another's now).

    >>> days = pd.to_datetime(["2024-05-05", "2026-05-05", "2026-05-05"])
    >>> bought = pd.DataFrame({"account_id": ["a", "a", "b"], "sale_date": days, "amount": [9.0, 5.0, 3.0],
    ...     "inherited": [True, False, False]})
    >>> answer = summarise_origin(sales=bought[1:], account_sales=bought, period=Period.ending(date(2026, 9, 30)),
    ...     accounts=pd.DataFrame({"account_id": ["a", "b"]}))
    >>> answer.table.values.tolist()
    [['inherited', 1, 5.0], ['created', 1, 3.0]]
    """
    known = account_sales[account_sales["sale_date"] <= pd.Timestamp(period.end)]
    bought = known[known["amount"] > 0]
    first = bought[bought["sale_date"] == bought.groupby("account_id")["sale_date"].transform("min")]
    opened = first.loc[~first["inherited"].astype(bool), "account_id"]
    year = known[period.holds(known["sale_date"])]
    inherited = year["account_id"].isin(first["account_id"]) & ~year["account_id"].isin(opened)
    rows, measures = [], []
    for definition, part in ((INHERITED_AMOUNT, year[inherited]), (CREATED_AMOUNT, year[~inherited])):
        by_account = sum_money(part["amount"], part["account_id"]).rename("amount").rename_axis("account_id")
        n, amount = len(by_account), total(part["amount"])
        rows.append((definition.id.removesuffix("_amount"), n, amount))
        measures.append(definition.measure(amount, period=period, source="sales", n=n, rows=by_account.reset_index()))
    own = sales[period.holds(sales["sale_date"])]
    notes = {
        "others_amount": total(year.loc[year["inherited"].astype(bool), "amount"]),
        "elsewhere_amount": total(own.loc[~own["account_id"].isin(accounts["account_id"]), "amount"]),
    }
    return Answer("1.8", pd.DataFrame(rows, columns=["origin", "customers_n", "amount"]), tuple(measures), notes)


@answers("1.9", SAME_CUSTOMER_SALES, AT_STAKE, sales=["account_id"])
def summarise_retention(
    *,
    sales: pd.DataFrame,
    accounts: pd.DataFrame | None,
    as_of: date,
    lapsed_after_days: int = 365,
    together: bool = True,
) -> Answer:
    """Customers to save: silent for long against their own rhythm, or buying less than the year before; most money first.

    silent: at least four purchases, and silent for over twice the usual gap and longer than nine in ten of its gaps,
    but not yet lapsed. falling: sales down by more than 30 % against the year before (only where the history holds that
    whole year). One-off purchases, above five times the customer's median, are left out of falling on both sides, and
    of earlier_amount and revenue_amount. together: branches count with their ultimate parent. Returns customer_id,
    account_name, accounts_n, sign, last_date, usual_gap_days, silence_days, earlier_amount, revenue_amount, at_stake_amount.

    >>> days = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"])
    >>> sales = pd.DataFrame({"account_id": "a", "sale_date": days, "amount": 25.0})
    >>> answer = summarise_retention(sales=sales, accounts=pd.DataFrame({"account_id": ["a"], "account_name": ["A"]}),
    ...     as_of=date(2026, 9, 30))
    >>> answer.table[["sign", "usual_gap_days", "silence_days", "at_stake_amount"]].values.tolist()
    [['silent', 31.0, 182.0, 100.0]]
    """
    sold = sales[(sales["sale_date"] <= pd.Timestamp(as_of)) & sales["account_id"].notna()]
    customer, names = find_customers(accounts, sold, together)
    owner, ids = pd.factorize(customer, sort=True)
    owner = pd.Series(owner, index=sold.index)
    table = _summarise_purchases(sold, owner, as_of)
    table.insert(0, "customer_id", ids[table.index])
    # the earlier year counts as known when sales began within its first month
    whole_year = len(sold) > 0 and sold["sale_date"].min() <= pd.Timestamp(as_of) - pd.Timedelta(days=699)
    silence, usual = table["silence_days"], table["usual_gap_days"]
    alive = silence <= lapsed_after_days
    silent = alive & (silence > 2 * usual) & (silence > table["long_gap_days"])
    usual_amount = sold["amount"].mask(_is_one_off(sold, owner), 0.0)
    year = Period.ending(as_of)
    years = (year, Period.ending(year.start - timedelta(days=1)))
    now_amount, before_amount = (
        sum_money(usual_amount.where(each.holds(sold["sale_date"]), 0.0), owner).reindex(table.index).to_numpy() for each in years
    )
    falling = alive & whole_year & (now_amount < 0.7 * before_amount)
    latest = table["last_date"].reindex(owner).set_axis(sold.index)
    final_year = sold["sale_date"] > latest - pd.Timedelta(days=365)
    yearly = sum_money(sold["amount"].where(final_year, 0.0), owner).reindex(table.index)
    table["sign"] = np.select([silent, falling], ["silent", "falling"], "")
    table["at_stake_amount"] = yearly.where(silent, before_amount - now_amount).clip(lower=0).round(4)
    table["account_name"] = table["customer_id"].map(lambda i: names.get(i, i))
    table["accounts_n"] = sold["account_id"].groupby(owner).nunique()
    stayed = table[table["earlier_amount"] > 0]
    now, before = total(stayed["revenue_amount"]), total(stayed["earlier_amount"])
    save = table.assign(revenue_amount=now_amount, earlier_amount=before_amount)
    save = save[(table["sign"] != "") & (table["at_stake_amount"] > 0)]
    save = save.sort_values("at_stake_amount", ascending=False, kind="stable", ignore_index=True)
    columns = ["customer_id", "account_name", "accounts_n", "sign", "last_date", "usual_gap_days", "silence_days",
               "earlier_amount", "revenue_amount", "at_stake_amount"]  # fmt: skip
    details = {
        "n": len(stayed),
        "numerator": now,
        "denominator": before,
        "period": year,
        "source": "sales",
    }
    if len(stayed) < MIN_CASES:
        same = SAME_CUSTOMER_SALES.withhold(say_few(len(stayed), "customer", " of the year before"), **details)
    elif not whole_year:
        same = SAME_CUSTOMER_SALES.withhold("the sales do not go back two years", **details)
    else:
        rows = stayed[["customer_id", "account_name", "earlier_amount", "revenue_amount"]]
        same = SAME_CUSTOMER_SALES.measure(now / before, rows=rows, **details)
    stake = AT_STAKE.measure(total(save["at_stake_amount"]), n=len(save), source="sales", rows=save[columns])
    notes = {"customers_n": int(alive.sum()), "whole_year": bool(whole_year)}
    return Answer("1.9", save[columns], (same, stake), notes)


def _is_one_off(sold: pd.DataFrame, customer: pd.Series) -> pd.Series:
    """Which sales belong to a day on which the customer bought for more than five times its median purchase."""
    day = sold["amount"].groupby([customer, sold["sale_date"]]).transform("sum")
    bought = pd.DataFrame({"customer": customer, "date": sold["sale_date"], "day": day})[day > 0].drop_duplicates()
    return day > 5 * customer.map(bought.groupby("customer")["day"].median())


@answers("1.9", sales=["account_id"])
def summarise_cohorts(*, sales: pd.DataFrame, accounts: pd.DataFrame | None, as_of: date) -> Answer:
    """Customers by the year in which they were first seen, and how many of them still bought in each year after it.

    sales: account_id, sale_date, amount; branches count with their ultimate parent. Years are spans of 365 days that end
    on the as-of date; what is older than the last whole one belongs to the first of them. One row per cohort out, oldest
    first: start_date and end_date of its year, customers_n, then share_1, share_2, … (of them, still buying so many
    years later; missing where that year is not over) and kept_share (sales of the last year ÷ of the cohort's first).
    notes: years_n. Withheld below two whole years, or where no year has five new customers.

    >>> days = pd.to_datetime(["2025-01-05"] * 5 + ["2026-01-05"] * 4)
    >>> sales = pd.DataFrame({"account_id": list("abcdeabcd"), "sale_date": days, "amount": 10.0})
    >>> first = pd.DataFrame({"account_id": ["a"], "sale_date": pd.Timestamp("2024-10-01"), "amount": 10.0})
    >>> table = summarise_cohorts(sales=pd.concat([sales, first]), accounts=None, as_of=date(2026, 9, 30)).table
    >>> table[["customers_n", "share_1"]].values.tolist()
    [[5.0, 0.8]]
    """
    day = pd.Timestamp(as_of)
    sold = sales[(sales["sale_date"] <= day) & sales["account_id"].notna()]
    years_n = int(((day - sold["sale_date"].min()).days + 30) // 365) if len(sold) else 0
    if years_n < 2:
        return Answer("1.9", withheld="the sales do not go back two years")
    customer, _ = find_customers(accounts, sold)
    back = np.minimum((day - sold["sale_date"]).dt.days // 365, years_n - 1)
    yearly = sum_money(sold["amount"], [customer.rename("customer_id"), (years_n - 1 - back).rename("year")])
    yearly = yearly[yearly > 0].rename("amount").reset_index()
    yearly["cohort"] = yearly.groupby("customer_id")["year"].transform("min")
    n = yearly.groupby(["cohort", "year"]).size()
    amount = sum_money(yearly["amount"], [yearly["cohort"], yearly["year"]])
    rows = []
    for cohort in range(years_n):
        customers_n = int(n.get((cohort, cohort), 0))
        if customers_n < MIN_CASES:
            continue
        end = day - pd.Timedelta(days=365 * (years_n - 1 - cohort))
        shares = [n.get((cohort, year), 0) / customers_n if year < years_n else np.nan for year in range(cohort + 1, cohort + years_n)]
        kept = amount.get((cohort, years_n - 1), 0.0) / amount[(cohort, cohort)] if cohort < years_n - 1 else np.nan
        rows.append((end - pd.Timedelta(days=364), end, customers_n, *shares, kept))
    columns = ["start_date", "end_date", "customers_n", *(f"share_{k}" for k in range(1, years_n)), "kept_share"]
    table = pd.DataFrame(rows, columns=columns)
    if table.empty or table["share_1"].isna().all():
        return Answer("1.9", withheld=f"no year but the last has {MIN_CASES} new customers")
    return Answer("1.9", table, notes={"years_n": years_n})
