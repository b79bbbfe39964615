"""Step 1, worth: who still buys, and what each customer will bring (1.8, 1.9).

For buying without a contract the team teaches two laws: how often customers buy until they leave (MBG/NBD), and what a
purchase brings (Gamma-Gamma). They are used where they foretold the company's own last year no worse than "as many
purchases as the year before"; else last year's sales carry on at the team's same-customer ratio. Contracts are
counted on until they end, and from then on at the team's renewal ratio.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.buying import (
    FUTURES,
    PARAMETER_DRAWS,
    YEAR_DAYS,
    Buying,
    Laws,
    Spend,
    draw_futures,
    draw_laws,
    estimate_alive,
    estimate_mean_amount,
    estimate_purchases_if_alive,
    fit_buying,
    fit_spend,
    to_weeks,
)  # fmt: skip
from workbook_helpers.families import find_customers
from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES

#: What money of a year later is worth less; sums over three years count it so.
DISCOUNT_SHARE = 0.10
#: Customers first seen within so many days of the first sale had bought before: they are learned apart from new ones.
ESTABLISHED_DAYS = 180
#: A law of buying is learned from at least so many customers who bought again.
MIN_REPEATERS = 50
#: More customers than this teach no more: every second, third, … is taken.
MOST_CUSTOMERS = 4_000
#: A purchase of more than so many times the customer's median is a one-off: so much of it is counted as usual.
ONE_OFF = 5.0
EXPECTED = Definition(
    "expected_revenue", 1, "Expected revenue, 12 months", "money",
    "Σ P(still buys) × purchases if so × usual amount of a purchase (one-offs cut at five medians), with half of what the check missed in "
    "money; without a law of buying: last year's sales × the team's same-customer ratio; contracts: what runs, then × the team's renewal "
    "ratio; today's customers only",
    roll_up="sum",
)  # fmt: skip
VALUE = Definition(
    "customer_value", 1, "Expected revenue, three years", "money",
    f"the same over three years, later years discounted by {DISCOUNT_SHARE:.0%} a year (revenue, not margin)", roll_up="sum",
)  # fmt: skip
FORETOLD = Definition(
    "foretold_purchases", 1, "Purchases foretold", "share",
    "purchases expected of the held-back time ÷ those that came; learned only from the time before, all customers of the company who had "
    "bought again; plain_n: as many as in as many days before",
)  # fmt: skip
AT_RISK = Definition(
    "revenue_at_risk", 1, "Revenue at risk", "money",
    "Σ (1 − P(still buys)) × what the customer would bring in 12 months if it still buys; customers not yet lapsed", roll_up="sum",
)  # fmt: skip


# --- the purchases ----------------------------------------------------------------------------------------------------


def list_purchases(*, sales: pd.DataFrame, accounts: pd.DataFrame | None, as_of: date) -> pd.DataFrame:
    """Days on which a customer (by ultimate parent) bought: customer_id, date, amount, by customer and day.

    sales: account_id, sale_date, amount; what was bought on one day is one purchase, also where it was free; a day whose
    returns outweigh it is none.

    >>> sales = pd.DataFrame({"account_id": ["a", "a", "b"], "sale_date": pd.Timestamp("2026-05-05"), "amount": [9.0, 1.0, -2.0]})
    >>> list_purchases(sales=sales, accounts=None, as_of=date(2026, 9, 30))[["customer_id", "amount"]].values.tolist()
    [['a', 10.0]]
    """
    sold = sales[(sales["sale_date"] <= pd.Timestamp(as_of)) & sales["account_id"].notna()]
    customer, _ = find_customers(accounts, sold)
    keys = [customer.rename("customer_id"), sold["sale_date"].rename("date")]
    days = sum_money(sold["amount"], keys).rename("amount").reset_index()
    bought = days["amount"] > 0
    if (days["amount"] == 0).any():
        bought |= days["amount"].eq(0) & sum_money(sold["amount"].clip(upper=0.0), keys).eq(0).to_numpy()
    return days[bought].sort_values(["customer_id", "date"], ignore_index=True)


def summarise_purchases(*, purchases: pd.DataFrame, until: date) -> pd.DataFrame:
    """What the laws of buying need to know of each customer on a day; one row per customer, by customer_id.

    purchases: from ``list_purchases``. Returns customer_id, first_date, repeats_n (purchases after the first),
    recency_days (first to last purchase), age_days (first purchase to ``until``), usual_amount (median), mean_amount (of the
    repeats, else NaN; of each at most five times the usual: a one-off tells little of what comes).

    >>> days = pd.to_datetime(["2026-01-01", "2026-01-15", "2026-01-29"])
    >>> bought = pd.DataFrame({"customer_id": "a", "date": days, "amount": [5.0, 8.0, 10.0]})
    >>> summarise_purchases(purchases=bought, until=date(2026, 2, 12)).iloc[0, 2:].tolist()
    [2.0, 28.0, 42.0, 8.0, 9.0]
    """
    known = purchases[purchases["date"] <= pd.Timestamp(until)]
    places, keys = pd.factorize(known["customer_id"], sort=True)
    order = np.lexsort([known["date"].to_numpy(), places])
    places, dates, amounts = places[order], known["date"].to_numpy()[order], known["amount"].to_numpy(float)[order]
    found, first, n = np.unique(places, return_index=True, return_counts=True)
    day = np.timedelta64(1, "D")
    usual = _find_medians(places, amounts, first, n)
    amounts = np.minimum(amounts, ONE_OFF * np.repeat(usual, n))
    amounts[first] = 0.0
    spent = sum_money(pd.Series(amounts), pd.Series(places)).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 1, spent / (n - 1), np.nan)
    return pd.DataFrame(
        {
            "customer_id": np.asarray(keys, object)[found],
            "first_date": dates[first],
            "repeats_n": n - 1.0,
            "recency_days": (dates[first + n - 1] - dates[first]) / day,
            "age_days": (pd.Timestamp(until).to_datetime64() - dates[first]) / day,
            "usual_amount": usual,
            "mean_amount": mean,
        }
    )


def _find_medians(places: np.ndarray, amounts: np.ndarray, first: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The median of each run of places, which stand in order. first, n: where each begins and how long it is."""
    ordered = amounts[np.lexsort([amounts, places])]
    return (ordered[first + (n - 1) // 2] + ordered[first + n // 2]) / 2


# --- what the team teaches --------------------------------------------------------------------------------------------


def _find_hindrance(purchases: pd.DataFrame, as_of: date, company: Any) -> str | None:
    """Why this company's buying follows no such law; None where it may."""
    if not company.has("orders") and company.has("contracts"):
        return "customers buy by contract here"
    again = int((purchases["customer_id"].value_counts() > 1).sum())
    if again < MIN_REPEATERS:
        return f"{again or 'no'} customers have bought more than once (at least {MIN_REPEATERS} are needed)"
    days = purchases["date"].to_numpy("datetime64[D]")
    weekdays = int(np.busday_count(days.min(), np.datetime64(as_of, "D") + 1))
    if weekdays < 250:
        return "the sales go back less than a year"
    usual = weekdays * (1 - math.exp(-len(days) / weekdays))
    distinct = len(np.unique(days))
    if distinct < 0.5 * usual:
        return f"all purchases fall on {distinct:,} days, so they follow a calendar and no customer's own rhythm"
    return None


def _find_established(summary: pd.DataFrame, first: Any) -> np.ndarray:
    return (summary["first_date"] <= pd.Timestamp(first) + pd.Timedelta(days=ESTABLISHED_DAYS)).to_numpy()


def _split_groups(summary: pd.DataFrame, first: Any) -> dict[str, pd.DataFrame]:
    """Customers to learn from: those who had bought before the sales began, and the new ones; a group too small to
    teach anything is left out, and where both are, they stand together as the established."""
    established = _find_established(summary, first)
    groups = {"established": summary[established], "new": summary[~established]}
    able = {name: rows for name, rows in groups.items() if (rows["repeats_n"] > 0).sum() >= MIN_REPEATERS}
    able = able or {"established": summary}
    return {name: rows.iloc[:: math.ceil(len(rows) / MOST_CUSTOMERS)] for name, rows in able.items()}


_BUYING = ["group", "draw", "r", "alpha", "a", "b", "p", "q", "gamma", "customers_n", "history_days"]


def learn_buying(
    *, account_sales: pd.DataFrame | None, accounts: pd.DataFrame | None, as_of: date, company: Any, **_: object
) -> pd.DataFrame:
    """The laws of buying of the company's customers: group (established, new), draw (0: the estimate; then sets that stand
    for what is not known of it), r, alpha, a, b, p, q, gamma (time in weeks), customers_n, history_days (since the first sale).

    No rows where the business is not of that kind. Customers first seen within 180 days of the first sale had most
    likely bought before (left-truncated): their survivors are learned apart from new customers.
    """
    nothing = pd.DataFrame(columns=_BUYING)
    if account_sales is None or account_sales.empty:
        return nothing
    purchases = list_purchases(sales=account_sales, accounts=accounts, as_of=as_of)
    if _find_hindrance(purchases, as_of, company) is not None:
        return nothing
    first, rows = purchases["date"].min(), []
    history = (pd.Timestamp(as_of) - first).days
    for group, summary in _split_groups(summarise_purchases(purchases=purchases, until=as_of), first).items():
        drawn = draw_laws(summary, fit_buying(summary), fit_spend(summary), company.seed)
        rows += [(group, draw, *(float(f"{v:.8g}") for v in values), len(summary), history) for draw, values in enumerate(drawn)]
    return pd.DataFrame(rows, columns=_BUYING)


_CHECK = ["reason", "tenth", "customers_n", "expected_n", "plain_n", "actual_n", "expected_amount", "actual_amount", "held_days", "wins"]


def check_buying(
    *, account_sales: pd.DataFrame | None, accounts: pd.DataFrame | None, as_of: date, company: Any, **_: object
) -> pd.DataFrame:
    """Would the laws have foretold the last year? Learned from all before it, they are held against what came.

    One row per tenth of the customers who had bought again (by what both rules expected): tenth, customers_n, expected_n
    (purchases), plain_n (as many as in as many days before), actual_n, expected_amount, actual_amount (one-offs cut as in
    ``summarise_purchases``); held_days (a
    year, or 30 % of a history shorter than two and a half); reason: empty, or why the laws are not used, on every row: customers' purchases
    were missed by more (mean squared error) than by the plain rule. wins: how much smaller that error is, a share. One row
    of reason alone where the business is not of that kind.
    """

    def refuse(reason: str) -> pd.DataFrame:
        return pd.DataFrame([(reason, *[math.nan] * (len(_CHECK) - 1))], columns=_CHECK)

    if account_sales is None or account_sales.empty:
        return refuse("nothing was sold to named customers")
    purchases = list_purchases(sales=account_sales, accounts=accounts, as_of=as_of)
    hindrance = _find_hindrance(purchases, as_of, company)
    if hindrance is not None:
        return refuse(hindrance)
    first = purchases["date"].min().date()
    held = YEAR_DAYS if (as_of - first).days >= 2.5 * YEAR_DAYS else int(0.3 * (as_of - first).days)
    until = as_of - timedelta(days=held)
    summary = summarise_purchases(purchases=purchases, until=until)
    if (summary["repeats_n"] > 0).sum() < MIN_REPEATERS:
        return refuse(f"too few customers bought more than once before {until.isoformat()} to check it on the time since")
    laws = {name: (fit_buying(rows), fit_spend(rows)) for name, rows in _split_groups(summary, first).items()}
    again = summary[summary["repeats_n"] > 0].reset_index(drop=True)
    expected, amount = np.zeros(len(again)), np.zeros(len(again))
    for name, rows in _by_group(again, first, laws).items():
        buying, spend = laws[name]
        n = estimate_alive(again[rows], buying) * estimate_purchases_if_alive(again[rows], buying, held)
        expected[rows], amount[rows] = n, n * estimate_mean_amount(again[rows], spend)
    came, before = Period(until + timedelta(days=1), as_of), Period.ending(until, held)
    actual, plain = (_count_in(purchases, again, each) for each in (came, before))
    paid = purchases[came.holds(purchases["date"])]
    most = ONE_OFF * paid["customer_id"].map(again.set_index("customer_id")["usual_amount"])
    paid = sum_money(paid["amount"].clip(upper=most), paid["customer_id"]).reindex(again["customer_id"]).fillna(0.0).to_numpy()
    errors = [float(np.mean((guess - actual) ** 2)) for guess in (expected, plain)]
    wins = 1 - errors[0] / errors[1] if errors[1] else 0.0
    worse = f"following each customer's rhythm missed the purchases of the last {held} days by more than counting the time before did"
    reason = "" if wins >= 0 else worse
    order = np.lexsort([again["customer_id"].to_numpy(str), np.round(expected + plain, 6)])
    rows = [
        (reason, tenth, len(part), *(round(float(v[part].sum()), 4) for v in (expected, plain, actual, amount, paid)), held, round(wins, 6))
        for tenth, part in enumerate(np.array_split(order, 10), 1)
    ]
    return pd.DataFrame(rows, columns=_CHECK)


def _by_group(summary: pd.DataFrame, first: Any, laws: Any) -> dict[str, np.ndarray]:
    """Which rows go by which law: their own group's, or the only one there is."""
    if len(laws) == 1:
        return {next(iter(laws)): np.full(len(summary), True)}
    established = _find_established(summary, first)
    return {"established": established, "new": ~established}


def _count_in(purchases: pd.DataFrame, summary: pd.DataFrame, period: Period) -> np.ndarray:
    inside = purchases.loc[period.holds(purchases["date"]), "customer_id"].value_counts()
    return inside.reindex(summary["customer_id"]).fillna(0.0).to_numpy(float)


# --- one book ---------------------------------------------------------------------------------------------------------


def _read_laws(buying: pd.DataFrame) -> dict[str, tuple[Buying, Spend, Laws]]:
    found = {}
    for group, rows in buying.sort_values("draw").groupby("group"):
        values = rows[["r", "alpha", "a", "b", "p", "q", "gamma"]].to_numpy(float)
        many = np.tile(values[1:], (FUTURES // PARAMETER_DRAWS, 1)).T
        found[group] = (Buying(*values[0, :4]), Spend(*values[0, 4:]), Laws(*many))
    return found


def _find_drift(check: pd.DataFrame) -> tuple[float, float]:
    """What the check teaches of money to come: a factor, and how far it may stray (standard deviation of its logarithm).

    One year's miss is as likely to last (the law fits ill, business grows) as to pass: half of it is taken to go on, and the other
    half is doubt. Less than a year holds one season only: then all of it is doubt.

    >>> _find_drift(pd.DataFrame({"expected_amount": [100.0], "actual_amount": [121.0], "held_days": [365.0]}))[0]
    1.1
    """
    expected, actual = total(check["expected_amount"]), total(check["actual_amount"])
    missed = min(max(math.log(actual / expected), -0.5), 0.5) if actual > 0 and expected > 0 else 0.0
    lasting = missed / 2 if check["held_days"].iloc[0] >= YEAR_DAYS else 0.0
    return round(math.exp(lasting), 9), abs(missed - lasting)


def _project_buying(
    summary: pd.DataFrame, buying: pd.DataFrame, check: pd.DataFrame, as_of: date, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """alive_share, if_alive_amount, expected_amount, value_amount, low_amount and high_amount per customer; the futures of all together."""
    factor, drift = _find_drift(check)
    laws = _read_laws(buying)
    first = pd.Timestamp(as_of) - pd.Timedelta(days=int(buying["history_days"].iloc[0]))
    table = {c: np.zeros(len(summary)) for c in ("alive_share", "if_alive_amount", "value_amount", "low_amount", "high_amount")}
    shocks = factor * np.exp(drift * np.random.default_rng(seed).standard_normal(FUTURES) - drift**2 / 2)
    ids, futures = summary["customer_id"].to_numpy(), np.zeros(FUTURES)
    for name, rows in _by_group(summary, first, laws).items():
        if not rows.any():
            continue
        (law, spend, many), part = laws[name], summary[rows]
        (x, last, age), mean = to_weeks(part), part["mean_amount"].to_numpy(float)
        alive, amount = estimate_alive(part, law), factor * estimate_mean_amount(part, spend)
        by_year = np.diff([estimate_purchases_if_alive(part, law, YEAR_DAYS * k) for k in range(4)], axis=0)
        worth = sum(n / (1 + DISCOUNT_SHARE) ** (k + 0.5) for k, n in enumerate(by_year))
        table["alive_share"][rows], table["if_alive_amount"][rows] = alive, by_year[0] * amount
        table["value_amount"][rows] = alive * worth * amount
        one_by_one = zip(ids[rows].tolist(), x.tolist(), last.tolist(), age.tolist(), mean.tolist(), strict=True)
        drawn = np.array([draw_futures(*one, many, seed) for one in one_by_one]) * shocks
        futures = futures + drawn.sum(axis=0)
        table["low_amount"][rows], table["high_amount"][rows] = np.quantile(drawn, [0.1, 0.9], axis=1)
    table["expected_amount"] = table["alive_share"] * table["if_alive_amount"]
    return pd.DataFrame(table, summary.index), futures


_WORTH = ["customer_id", "account_name", "last_date", "silence_days", "year_amount", "alive_share", "if_alive_amount", "expected_amount",
          "low_amount", "high_amount", "value_amount", "at_risk_amount"]  # fmt: skip


@answers("1.9", EXPECTED, VALUE, AT_RISK, sales=["account_id"])
def estimate_worth(
    *,
    sales: pd.DataFrame,
    accounts: pd.DataFrame | None,
    contracts: pd.DataFrame | None,
    buying: pd.DataFrame | None,
    check: pd.DataFrame | None,
    retention: pd.DataFrame | None,
    as_of: date,
    seed: int = 7,
    lapsed_after_days: int = YEAR_DAYS,
) -> Answer:
    """What each customer of the book (by ultimate parent) will bring in the next 12 months and three years.

    sales: what was sold to the book's accounts, whoever sold. contracts: None where the company has orders, which tell
    more. buying, check: ``learn_buying`` and ``check_buying`` of the team. retention: the team's ratio of same-customer
    sales (basis, ratio), for want of a law; without it, or without two years of sales, 1. One row per customer out, most
    expected revenue first: customer_id, account_name, last_date, silence_days, year_amount (last 365 days), alive_share, if_alive_amount,
    expected_amount with low_amount and high_amount (80 %), value_amount (three years, discounted), at_risk_amount
    ((1 − alive_share) × if_alive_amount, not yet lapsed). Without a law alive_share and what hangs on it is missing.
    Customers who bought once have no row under a law (notes once_n). notes: basis (buying, orders, contracts), why (no law),
    ratio, held
    (totals of the check, with factor: half of what it missed in money), discount_share. Revenue, not margin; new customers are not in it.

    >>> day = pd.Timestamp("2026-06-30")
    >>> sales = pd.DataFrame({"account_id": list("abc"), "account_name": list("ABC"), "sale_date": day, "amount": [70.0, 20.0, 10.0]})
    >>> answer = estimate_worth(sales=sales, accounts=None, contracts=None, buying=None, check=None, as_of=date(2026, 9, 30),
    ...     retention=pd.DataFrame({"basis": ["orders"], "ratio": [0.9]}))
    >>> answer["expected_revenue"].value, answer.table["expected_amount"].tolist()
    (100.0, [70.0, 20.0, 10.0])
    """
    purchases = list_purchases(sales=sales, accounts=accounts, as_of=as_of)
    sold = sales[(sales["sale_date"] <= pd.Timestamp(as_of)) & sales["account_id"].notna()]
    customer, names = find_customers(accounts, sold)
    summary = summarise_purchases(purchases=purchases, until=as_of)
    last_year = Period.ending(as_of)
    year = sum_money(sold["amount"].where(last_year.holds(sold["sale_date"]), 0.0), customer)
    summary["year_amount"] = year.reindex(summary["customer_id"]).fillna(0.0).to_numpy()
    summary["last_date"] = summary["first_date"] + pd.to_timedelta(summary["recency_days"], unit="D")
    summary["silence_days"] = summary["age_days"] - summary["recency_days"]
    why, notes = _why_no_law(buying, check), {"once_n": 0, "ratio": math.nan, "held": None}
    if contracts is not None and len(contracts):
        table, futures, notes["ratio"] = _project_contracts(contracts, accounts, retention, as_of, names)
        table = table.merge(summary[["customer_id", "last_date", "silence_days", "year_amount"]], on="customer_id", how="left")
        notes["basis"] = "contracts"
    elif why is None:
        once = summary["repeats_n"] == 0
        summary, notes["once_n"] = summary[~once].reset_index(drop=True), int((once & (summary["silence_days"] <= lapsed_after_days)).sum())
        held = check[["expected_n", "plain_n", "actual_n", "expected_amount", "actual_amount"]].sum().to_dict()
        notes["held"] = held | {"held_days": float(check["held_days"].iloc[0]), "factor": _find_drift(check)[0]}
        projected, futures = _project_buying(summary, buying, check, as_of, seed)
        table, notes["basis"] = pd.concat([summary, projected], axis=1), "buying"
    else:
        table, futures, notes["ratio"] = _carry_on(summary, sold, customer, retention, last_year)
        notes["basis"] = "orders"
    table["account_name"] = [names.get(i, i) for i in table["customer_id"]]
    risk = (1 - table["alive_share"]) * table["if_alive_amount"] if "alive_share" in table else math.nan
    table["at_risk_amount"] = pd.Series(risk, table.index).where(table.get("silence_days", 0) <= lapsed_after_days)
    table = table.reindex(columns=_WORTH)
    money = [c for c in _WORTH if c.endswith("_amount")]
    table[money] = table[money].astype(float).round(2)
    table = table[table["expected_amount"] > 0].sort_values(["expected_amount", "customer_id"], ascending=[False, True], ignore_index=True)
    ahead = Period(as_of + timedelta(days=1), as_of + timedelta(days=YEAR_DAYS))
    inside = {"n": len(table), "source": "contracts" if notes["basis"] == "contracts" else "sales"}
    limits = {}
    if len(table) >= MIN_CASES and len(futures):
        low, high = np.quantile(futures, [0.1, 0.9])
        limits = {"low": round(float(low), 2), "high": round(float(high), 2), "level": 0.8}
    rows = table[["customer_id", "account_name", "alive_share", "expected_amount", "low_amount", "high_amount", "value_amount"]]
    known = table["at_risk_amount"].notna()
    none = f"no chance of leaving is known: {why}" if why else "contracts are counted on until they end"
    measures = (
        EXPECTED.measure(total(table["expected_amount"]), period=ahead, rows=rows, **limits, **inside),
        VALUE.measure(total(table["value_amount"]), **inside),
        AT_RISK.measure(total(table.loc[known, "at_risk_amount"]), period=ahead, **inside)
        if notes["basis"] == "buying"
        else AT_RISK.withhold(none, period=ahead),
    )
    if notes["held"]:
        tenths = check[["tenth", "customers_n", "expected_n", "plain_n", "actual_n"]].reset_index(drop=True)
        details = {"n": int(check["customers_n"].sum()), "rows": tenths, "source": "the company's sales"}
        measures += (FORETOLD.ratio(notes["held"]["expected_n"], notes["held"]["actual_n"], **details),)
    else:
        measures += (FORETOLD.withhold(none),)
    return Answer("1.9", table, measures, notes | {"why": why, "customers_n": len(table), "discount_share": DISCOUNT_SHARE})


@answers("1.9", worth=[], saves=[])
def rank_at_risk(*, worth: pd.DataFrame, saves: pd.DataFrame) -> Answer:
    """Customers that may leave, each once with one story, most money first.

    worth: the table of ``estimate_worth``. saves: customers that fell silent or buy less, with their sign (the table of
    ``customers.summarise_retention``). Returns customer_id, account_name, sign (silent, falling, or unsure: still buys with
    a chance below 80 %), alive_share, at_risk_amount (unsure and silent: (1 − alive_share) × what it would bring; falling:
    the fall where that is more; without a chance what is at stake), last_date, silence_days, usual_gap_days,
    revenue_amount and earlier_amount (the two years), expected_amount with low_amount and high_amount, value_amount.

    >>> worth = pd.DataFrame({"customer_id": ["a"], "alive_share": [0.5], "at_risk_amount": [50.0], "account_name": ["A"]})
    >>> rank_at_risk(worth=worth, saves=pd.DataFrame()).table[["sign", "at_risk_amount"]].values.tolist()
    [['unsure', 50.0]]
    """
    columns = ["customer_id", "account_name", "sign", "last_date", "silence_days", "usual_gap_days", "earlier_amount", "revenue_amount",
               "at_stake_amount"]  # fmt: skip
    worth, saves = worth.reindex(columns=_WORTH), saves.reindex(columns=columns)
    table = saves.merge(worth, on="customer_id", how="outer", suffixes=("", "_known"))
    for column in ("account_name", "last_date", "silence_days"):
        known = table.pop(f"{column}_known")
        table[column] = table[column].where(table[column].notna(), known)
    chance, risk = table["alive_share"].astype(float), table["at_risk_amount"].astype(float)
    stake = table["at_stake_amount"].astype(float)
    table["sign"] = table["sign"].where(table["sign"].notna() | ~((chance < 0.8) & risk.notna()), "unsure")
    table["at_risk_amount"] = np.where(risk.isna(), stake, np.where(table["sign"].eq("falling"), np.fmax(risk, stake), risk))
    table = table[table["sign"].notna() & (table["at_risk_amount"] > 0)].drop(columns="at_stake_amount")
    return Answer("1.9", table.sort_values(["at_risk_amount", "customer_id"], ascending=[False, True], ignore_index=True))


def _why_no_law(buying: pd.DataFrame | None, check: pd.DataFrame | None) -> str | None:
    if check is None or check.empty:
        return "the team is too small to learn from"
    reason = check["reason"].iloc[0]
    if reason:
        return str(reason)
    return "it could not be learned" if buying is None or buying.empty else None


def _find_ratio(retention: pd.DataFrame | None, basis: str) -> float:
    """The team's ratio; 1 where none is known."""
    if retention is None or retention.empty:
        return 1.0
    ratio = retention.loc[retention["basis"] == basis, "ratio"].dropna()
    return float(ratio.iloc[0]) if len(ratio) else 1.0


def _sum_years(ratio: float) -> float:
    """Three years' worth of a year's revenue that goes on at a ratio, discounted from the middle of each year."""
    return sum(ratio**k / (1 + DISCOUNT_SHARE) ** (k + 0.5) for k in range(3))


def _carry_on(
    summary: pd.DataFrame, sold: pd.DataFrame, customer: pd.Series, retention: pd.DataFrame | None, year: Period
) -> tuple[pd.DataFrame, np.ndarray, float]:
    """Last year's sales at the same-customer ratio, where two years of sales can tell it; futures stray as this book's
    customers did from year to year."""
    before = Period.ending(year.start - timedelta(days=1))
    whole = len(sold) and sold["sale_date"].min() <= pd.Timestamp(before.start) + pd.Timedelta(days=30)
    ratio = _find_ratio(retention, "orders") if whole else 1.0
    table = summary.assign(expected_amount=summary["year_amount"].clip(lower=0.0) * ratio)
    table["value_amount"] = table["expected_amount"] * _sum_years(min(ratio, 1.0))
    then, now = (sum_money(sold["amount"].where(each.holds(sold["sale_date"]), 0.0), customer) for each in (before, year))
    pairs = np.column_stack([then, now])[(then > 0).to_numpy()]
    if len(pairs) < MIN_CASES:
        return table, np.array([]), ratio
    drawn = pairs[np.random.default_rng(7).integers(0, len(pairs), (FUTURES, len(pairs)))].sum(axis=1)
    strayed = np.maximum(drawn[:, 1], 0.0) / drawn[:, 0]
    strayed = strayed / strayed.mean() if strayed.mean() > 0 else strayed
    return table, table["expected_amount"].sum() * strayed, ratio


def _project_contracts(
    contracts: pd.DataFrame, accounts: pd.DataFrame | None, retention: pd.DataFrame | None, as_of: date, names: dict[str, str]
) -> tuple[pd.DataFrame, np.ndarray, float]:
    """What runs on the day, until it ends in full and afterwards at the renewal ratio, over 12 months and three years."""
    day = pd.Timestamp(as_of)
    running = contracts[(contracts["start_date"] <= day) & (contracts["end_date"] >= day)]
    customer, more = find_customers(accounts, running)
    names.update(more)
    ratio = min(_find_ratio(retention, "contracts"), 1.0)
    left = ((running["end_date"] - day).dt.days / YEAR_DAYS).to_numpy(float)
    amount, years = running["amount_per_year"].fillna(0.0).to_numpy(float), []
    whole, rest = np.floor(left), left % 1  # full years to the end, and the part of a year after them
    for k in range(3):
        renewed = np.maximum(k - whole, 0.0)
        years.append(amount * np.where(k < whole, 1.0, ratio**renewed * (rest + (1 - rest) * ratio)))
    value = sum(part / (1 + DISCOUNT_SHARE) ** (k + 0.5) for k, part in enumerate(years))
    columns = {"expected_amount": years[0], "value_amount": value}
    table = pd.DataFrame({name: sum_money(pd.Series(v, running.index), customer) for name, v in columns.items()})
    unsure = amount * np.clip(1 - left, 0.0, 1.0) * math.sqrt(ratio * (1 - ratio))
    spread = math.sqrt(total(pd.Series(unsure**2)))
    futures = total(table["expected_amount"]) + spread * np.random.default_rng(7).standard_normal(FUTURES)
    return table.rename_axis("customer_id").reset_index(), futures, ratio


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"buying": (learn_buying, ("account_sales", "accounts")), "buying_check": (check_buying, ("account_sales", "accounts"))}
