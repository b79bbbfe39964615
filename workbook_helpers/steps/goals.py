"""Step 5, strategy and goals: what is booked, what comes in anyway, what must be won, and what has no source yet.

Flow is last year's orders of the same days times retention, and renewals due. Each amount stands in exactly one rung
of the ladder. The chances behind likely and stretch come from ``chance``; the frames are passed in.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, sum_money, total
from workbook_helpers.renewals import find_due_contracts
from workbook_helpers.statistics import MIN_CASES

GOAL = Definition("goal", 5, "Goal", "money", "the plan's goal, else the quota of the fiscal year", roll_up="sum")
QUOTA = Definition("quota", 5, "Quota", "money", "quota − relief, periods inside the fiscal year", roll_up="sum")
BOOKED = Definition("booked_amount", 5, "Booked", "money", "what counts for the quota, fiscal year to date", roll_up="sum")
ATTAINMENT = Definition("attainment", 5, "Attainment", "share", "booked ÷ quota", roll_up="ratio")
FLOW = Definition(
    "flow_amount", 5, "Flow to come", "money",
    "usual orders of the same days last year × expected retention + contract renewals due", roll_up="sum",
)  # fmt: skip
LIKELY = Definition("likely_amount", 5, "Likely", "money", "open deals due, probability above ½, face value", roll_up="sum")
STRETCH = Definition("stretch_amount", 5, "Stretch", "money", "the other open deals due, face value", roll_up="sum")
UNIDENTIFIED = Definition(
    "unidentified_amount", 5, "No source yet", "money",
    "goal − booked − flow − likely − stretch, where above 0", roll_up="sum",
)  # fmt: skip
EXPECTED_GAP = Definition(
    "expected_gap", 5, "Expected gap", "money", "goal − booked − flow − Σ probability × amount", roll_up="sum"
)  # fmt: skip
COVERAGE = Definition(
    "pipeline_coverage", 5, "Pipeline coverage", "ratio",
    "open amount due and not overdue ÷ (goal − booked − flow)", roll_up="ratio",
)  # fmt: skip
#: How far flow strays (standard deviation of its logarithm) where fewer than three past windows can tell.
USUAL_SPREAD = 0.3
#: A won deal is ordered within so many days.
DEAL_TO_ORDER_DAYS = 15
#: An inherited order line of more than so many times its account's median is no usual order.
ONE_OFF = 5.0
_VALUE = {"margin": "margin", "units": "quantity"}
#: What a reader needs of the deals behind a rung.
_SEEN = ["opportunity_id", "account_id", "kind", "stage", "created_date", "close_date", "amount", "probability", "rate_of"]


def summarise_credited(
    *,
    quota_counts: str,
    sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    contracts: pd.DataFrame | None = None,
) -> pd.DataFrame | None:
    """What counts for the quota, all history: won deals, order lines (revenue, margin, units) or contracts (recurring).

    One row per deal, line or contract out: source_id, account_id, credit_date, amount. Deals and orders are never added
    together. Where the table that the setting names is missing, sales stand in. None when nothing can be counted.

    >>> deals = pd.DataFrame({"opportunity_id": ["D1", "D2"], "account_id": ["A", "A"], "status": ["won", "open"],
    ...     "close_date": pd.to_datetime(["2026-02-01", "2026-09-01"]), "amount": [10.0, 99.0]})
    >>> summarise_credited(quota_counts="bookings", sales=None, opportunities=deals)["source_id"].tolist()
    ['D1']
    """
    names, value = {"sale_id": "source_id", "sale_date": "credit_date"}, _VALUE.get(quota_counts, "amount")
    rows = sales
    if quota_counts == "bookings" and opportunities is not None:
        rows = opportunities[opportunities["status"] == "won"]
        names = {"opportunity_id": "source_id", "close_date": "credit_date"}
    elif quota_counts == "recurring" and contracts is not None:
        rows, value = contracts.assign(source_id=contracts["account_id"]), "amount_per_year"
        names = {"start_date": "credit_date"}
    if rows is None or value not in rows or (len(rows) and rows[value].isna().all()):
        return None
    if value != "amount":
        rows = rows.drop(columns="amount", errors="ignore").rename(columns={value: "amount"})
    kept = rows.rename(columns=names)[["source_id", "account_id", "credit_date", "amount"]].dropna(subset="credit_date")
    return kept.sort_values(["credit_date", "source_id"], kind="stable").reset_index(drop=True)


def summarise_goal(
    *,
    credited: pd.DataFrame | None,
    quotas: pd.DataFrame | None,
    goal_amount: float | None,
    as_of: date,
    fiscal_year: Period,
) -> Answer:
    """Goal, effective quota, booked and attainment of the fiscal year.

    credited: from summarise_credited. quotas: one row per period; only those wholly inside the fiscal year count.
    goal_amount: the plan's goal, None when it has none.

    >>> quotas = pd.DataFrame({"period_start": [pd.Timestamp("2026-01-01")], "period_end": [pd.Timestamp("2026-12-31")],
    ...     "quota": [1000.0], "relief": [100.0]})
    >>> year = Period(date(2026, 1, 1), date(2026, 12, 31))
    >>> asked = {"goal_amount": None, "as_of": date(2026, 9, 30), "fiscal_year": year}
    >>> answer = summarise_goal(credited=None, quotas=quotas, **asked)
    >>> answer["goal"].value, answer["attainment"].withheld
    (900.0, 'no table holds what the quota counts')
    """
    quota_reason, inside = "it needs table quotas with quota", None
    if quotas is not None:
        inside = quotas[quotas["period_start"].ge(pd.Timestamp(fiscal_year.start)) & quotas["period_end"].le(pd.Timestamp(fiscal_year.end))]
        quota_reason = f"no quota is given for {fiscal_year}"
    if inside is not None and inside["quota"].notna().any():
        effective = total(inside["quota"]) - total(inside["relief"].fillna(0.0))
        quota = QUOTA.measure(round(effective, 4), period=fiscal_year, n=len(inside), rows=inside)
    else:
        quota = QUOTA.withhold(quota_reason, period=fiscal_year)
    if goal_amount is not None and not math.isnan(goal_amount):
        goal = GOAL.measure(float(goal_amount), period=fiscal_year, source="the plan")
    elif quota.value is not None:
        goal = GOAL.measure(quota.value, period=fiscal_year, source="the quota, because the plan names no goal")
    else:
        goal = GOAL.withhold("neither the plan nor table quotas names one", period=fiscal_year)
    to_date = Period(fiscal_year.start, as_of)
    if credited is None:
        reason = "no table holds what the quota counts"
        return Answer("0.1", measures=(goal, quota, BOOKED.withhold(reason), ATTAINMENT.withhold(reason)))
    rows = credited[to_date.holds(credited["credit_date"])]
    booked = BOOKED.measure(total(rows["amount"]), period=to_date, n=len(rows), rows=rows)
    if quota.value is None:
        attainment = ATTAINMENT.withhold(quota_reason, period=fiscal_year)
    else:
        attainment = ATTAINMENT.ratio(booked.value, quota.value, period=fiscal_year, if_none="the quota is 0")
    return Answer("0.1", measures=(goal, quota, booked, attainment), notes={"goal_from": goal.source, "as_of": as_of})


def _leave_out_deals(orders: pd.DataFrame, opportunities: pd.DataFrame | None) -> pd.DataFrame:
    """The orders less what won deals brought: a deal that is won is ordered too, and is no usual order.

    A deal's order is the one of its account and amount that follows within DEAL_TO_ORDER_DAYS; where there is none, the
    deal's amount is taken off on the day it closed. Orders of a whole account (with ``inherited``) are held against the
    whole deal. The deals behind inherited orders are not known: a line over ONE_OFF times its account's median goes too.
    """
    if opportunities is None:
        return orders
    won = opportunities.reindex(columns=["opportunity_id", "rep_id", "account_id", "status", "close_date", "amount", "credit_share"])
    won = won[won["status"].eq("won") & won["account_id"].isin(orders["account_id"].unique())]
    won = won.rename(columns={"close_date": "sale_date"}).assign(amount=won["amount"].fillna(0.0), source="order")
    if "inherited" in orders:
        won["amount"] = (won["amount"] / won["credit_share"].fillna(1.0)).round(2)
        orders = orders[~_is_one_off(orders)]
    if "sale_id" in orders:
        deals, sales = _match_deals(won, orders)
        orders = orders[~orders["sale_id"].isin(sales)]
        won = won[~won["opportunity_id"].isin(deals)]
    won = won.assign(amount=-won["amount"])
    return pd.concat([orders, won[[c for c in orders if c in won]]], ignore_index=True)


def _match_deals(won: pd.DataFrame, orders: pd.DataFrame) -> tuple[set[str], set[str]]:
    """Deals (opportunity_id) that became an order, and these orders (sale_id): same account and amount, soonest first."""
    orders = orders[orders["account_id"].isin(won["account_id"].unique())]
    days, keys = orders["sale_date"].to_numpy("datetime64[D]").astype(int), [orders["account_id"], orders["sale_id"]]
    whole = pd.DataFrame({"amount": sum_money(orders["amount"], keys), "day": pd.Series(days, orders.index).groupby(keys).min()})
    closed = won["sale_date"].to_numpy("datetime64[D]").astype(int)
    deals: dict[tuple, list] = {}
    for deal, account, amount, day in zip(won["opportunity_id"], won["account_id"], won["amount"], closed, strict=True):
        deals.setdefault((account, amount), []).append((day, deal))
    pairs = [
        (ordered - day, deal, sale, account)
        for (account, sale), amount, ordered in whole.round({"amount": 2}).itertuples()
        for day, deal in deals.get((account, amount), ())
        if 0 <= ordered - day <= DEAL_TO_ORDER_DAYS
    ]
    best = {}
    for _, deal, sale, account in sorted(pairs):
        best.setdefault(deal, (account, sale))
    first = {order: deal for deal, order in reversed(best.items())}
    return set(first.values()), {sale for _, sale in first}


def _is_one_off(orders: pd.DataFrame) -> pd.Series:
    usual = orders.groupby("account_id")["amount"].transform("median")
    return orders["inherited"].astype(bool) & (orders["amount"] > ONE_OFF * usual)


def summarise_retention(
    *,
    sales: pd.DataFrame | None,
    contracts: pd.DataFrame | None = None,
    opportunities: pd.DataFrame | None = None,
    as_of: date,
    **_: object,
) -> pd.DataFrame:
    """What customers of a year ago spend now: the same-customer ratio, in orders and in contracts.

    sales, contracts, opportunities: the rows of a role or of a book (what won deals brought is left out of the
    orders). One row per basis (orders, contracts) out: prior_amount, kept_amount, accounts_n, ratio (NaN below five
    accounts), reps_n. Orders: the 365 days ending on as_of against the 365 before, accounts that bought then.
    Contracts ended in the last 365 days: kept when the account has a later contract, or one still running.

    >>> sales = pd.DataFrame({"account_id": list("abcde") * 2, "amount": [10.0] * 5 + [8.0] * 5, "source": "order",
    ...     "sale_date": pd.to_datetime(["2025-01-05"] * 5 + ["2026-01-05"] * 5)})
    >>> summarise_retention(sales=sales, as_of=date(2026, 9, 30))[["basis", "ratio"]].values.tolist()
    [['orders', 0.8]]
    """
    now = Period.ending(as_of)
    before, rows = Period.ending(now.start - timedelta(days=1)), []
    if sales is not None and len(orders := sales[sales["source"] == "order"]):
        orders = _leave_out_deals(orders, opportunities)
        then = orders[before.holds(orders["sale_date"])]
        kept = orders[now.holds(orders["sale_date"]) & orders["account_id"].isin(then["account_id"].unique())]
        rows.append(("orders", total(then["amount"]), total(kept["amount"]), then))
    if contracts is not None and len(contracts):
        ended = contracts[now.holds(contracts["end_date"])]
        last = ended["account_id"].map(contracts.groupby("account_id")["end_date"].max())
        kept = ended["amount_per_year"][last > ended["end_date"]]
        rows.append(("contracts", total(ended["amount_per_year"]), total(kept), ended))
    out = []
    for basis, prior, kept, then in rows:
        n, reps = then["account_id"].nunique(), then["rep_id"].nunique() if "rep_id" in then else 1
        out.append((basis, prior, kept, n, kept / prior if prior > 0 and n >= MIN_CASES else math.nan, reps))
    return pd.DataFrame(out, columns=["basis", "prior_amount", "kept_amount", "accounts_n", "ratio", "reps_n"])


def estimate_flow(
    *,
    account_sales: pd.DataFrame | None,
    contracts: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    retention: pd.DataFrame | None,
    quota_counts: str,
    as_of: date,
    fiscal_year: Period,
    lapsed_after_days: int = 365,
) -> Answer:
    """Business that comes in anyway until the year ends: usual orders × retention, and contract renewals due.

    One row per account and source out: account_id, amount, source. What won deals brought is no usual order. A contract
    with an open renewal deal goes by the deal; one whose renewal was lost ends, one whose renewal was won is booked (or,
    where the quota counts contracts, sure to come). An account that has lapsed counts nothing. Where the quota counts
    bookings, orders are no part of it. account_sales: order lines of the accounts owned now, None where the company has
    no orders. retention: the team's (summarise_retention), else the book's own. notes: silent_n and silent_amount, the
    usual orders of customers silent for over twice their usual gap; one_off_n, inherited order lines left out.
    Interval at 80 %: orders as past windows strayed, contracts as if each were renewed or not by itself.
    """
    counts_orders = quota_counts in ("revenue", *_VALUE) or (quota_counts == "bookings" and opportunities is None)
    orders = account_sales if counts_orders else None
    if orders is None and contracts is None:
        why = "nothing recurring is known (that needs table orders, or contracts with end_date)"
        if account_sales is not None:
            why = f"the quota counts {quota_counts}, so orders are no part of it, and it needs table contracts"
        flow = FLOW.withhold(why, period=fiscal_year)
        return Answer("5.2", measures=(flow,), notes={"spread": 0.0, "ratios": {}}, withheld=why)
    silent, one_off_n = set() if orders is None else _find_silent(orders, as_of), 0
    if orders is not None:
        orders = orders.assign(amount=orders[_VALUE.get(quota_counts, "amount")])
        if quota_counts not in _VALUE and opportunities is not None:
            one_off_n = int(_is_one_off(orders).sum()) if "inherited" in orders else 0
            orders = _leave_out_deals(orders, opportunities)
    rest = Period(as_of + timedelta(days=1), fiscal_year.end)
    ratios = _read_ratios(retention)
    if {basis for basis, rows in (("orders", account_sales), ("contracts", contracts)) if rows is not None} - set(ratios):
        own = summarise_retention(sales=account_sales, contracts=contracts, opportunities=opportunities, as_of=as_of)
        ratios = _read_ratios(own) | ratios
    ratios = {basis: ratios.get(basis, 1.0) for basis in ("orders", "contracts")}
    parts = [] if orders is None else [_usual_orders(orders, rest, as_of, lapsed_after_days).assign(basis="orders")]
    by_deal_n = 0
    if contracts is not None:
        due = find_due_contracts(contracts, opportunities, rest)
        by_deal_n = int(due["renewal"].eq("open").sum())
        told = ["open", "lost"] if quota_counts == "recurring" else ["open", "lost", "won"]
        parts.append(due[~due["renewal"].isin(told)].assign(basis="contracts"))
    rows = pd.concat([part.reindex(columns=["account_id", "amount", "basis", "renewal"]) for part in parts], ignore_index=True)
    rows["ratio"] = rows["basis"].map(ratios).where(rows["renewal"].isna(), 1.0).astype(float)
    rows["amount"] = (rows["amount"].astype(float) * rows["ratio"]).round(2)
    spread = _flow_spread(orders, as_of, rest.days) if orders is not None else _renewal_spread(rows)
    rows["source"] = rows.pop("basis").map({"orders": "usual orders", "contracts": "contract renewal"})
    rows, amount = rows[["account_id", "amount", "source"]], total(rows["amount"])
    low, high = (amount * math.exp(z * spread - spread**2 / 2) for z in (-1.2816, 1.2816))  # normal: 10 and 90 %
    flow = FLOW.measure(amount, period=rest, n=len(rows), low=low, high=high, level=0.8, rows=rows.reset_index(drop=True))
    quiet = rows[rows["source"].eq("usual orders") & rows["account_id"].isin(silent)]
    notes = {"spread": spread, "ratios": ratios, "by_deal_n": by_deal_n}
    notes |= {"silent_n": len(quiet), "silent_amount": total(quiet["amount"]), "one_off_n": one_off_n}
    rows = rows.sort_values(["amount", "account_id", "source"], ascending=[False, True, True]).reset_index(drop=True)
    return Answer("5.2", rows, (flow,), notes)


def _renewal_spread(rows: pd.DataFrame) -> float:
    """How far renewals stray when each comes or not by itself: standard deviation ÷ mean."""
    if not rows["amount"].sum() > 0:
        return 0.0
    variance = (rows["amount"] ** 2 * (1 - rows["ratio"]) / rows["ratio"].where(rows["ratio"] > 0)).sum()
    return float(math.sqrt(variance) / rows["amount"].sum())


def _find_silent(orders: pd.DataFrame, as_of: date) -> set:
    """Accounts with at least four days of orders that are silent for over twice their median gap."""
    bought = orders[orders["amount"] > 0]
    days: dict[str, set[int]] = {}
    for account, day in zip(bought["account_id"], bought["sale_date"].to_numpy("datetime64[D]").astype(int), strict=True):
        days.setdefault(account, set()).add(day)
    today = int(np.datetime64(as_of).astype(int))
    return {account for account, on in days.items() if len(on) >= 4 and today - max(on) > 2 * median(np.diff(sorted(on)).tolist())}


def _read_ratios(retention: pd.DataFrame | None) -> dict[str, float]:
    """The ratios that are known (summarise_retention), by basis."""
    if retention is None or retention.empty:
        return {}
    return {basis: ratio for basis, ratio in zip(retention["basis"], retention["ratio"], strict=True) if not math.isnan(ratio)}


def _usual_orders(orders: pd.DataFrame, rest: Period, as_of: date, lapsed_after_days: int) -> pd.DataFrame:
    """Per account that still buys: its orders of the same days last year, where above 0."""
    if rest.days < 1:
        return pd.DataFrame({"account_id": [], "amount": []})
    buys = (orders["amount"] > 0) & (orders["sale_date"] > pd.Timestamp(as_of) - pd.Timedelta(days=lapsed_after_days))
    alive = orders.loc[buys, "account_id"].unique()
    same_days = orders.loc[rest.years_earlier().holds(orders["sale_date"]), ["account_id", "amount"]]
    same_days = same_days[same_days["account_id"].isin(alive)]
    usual = sum_money(same_days["amount"], same_days["account_id"]).reset_index()
    return usual[usual["amount"] > 0]


def _flow_spread(orders: pd.DataFrame, as_of: date, days: int) -> float:
    """How far past windows strayed from a year before, same customers: standard deviation of the log ratio."""
    logs, first = [], orders["sale_date"].min()
    if pd.isna(first):
        return USUAL_SPREAD
    sold_on, amounts = orders["sale_date"].to_numpy(), orders["amount"].to_numpy(float)
    customers, names = pd.factorize(orders["account_id"])
    for window in Period.past_windows(as_of, days, (first + pd.DateOffset(years=1)).date()):
        before = window.years_earlier().holds(sold_on)
        known = np.zeros(len(names) + 1, bool)  # a missing name has place -1, the last
        known[customers[before]] = True
        usual, came = total(amounts[before]), total(amounts[window.holds(sold_on) & known[customers]])
        if usual > 0 and came > 0:
            logs.append(math.log(came / usual))
    return float(pd.Series(logs).std()) if len(logs) >= 3 else USUAL_SPREAD


# --- the ladder ---


def estimate_required_coverage(*, win_rate: float, slip_rate: float = 0.0) -> float:
    """How much open pipeline one unit of goal asks for: a rule of thumb.

    >>> round(estimate_required_coverage(win_rate=0.22), 1)
    4.5
    """
    return 1 / (win_rate * (1 - slip_rate))


def summarise_ladder(*, goal: Answer, flow: Answer, deals: pd.DataFrame | None, quota_counts: str, fiscal_year: Period) -> Answer:
    """Where the goal comes from: booked, flow, likely, stretch, and what has no source yet; each amount in exactly one.

    goal: summarise_goal. flow: estimate_flow. deals: chance.estimate_chances. One row per rung out: rung, amount (NaN
    where withheld), n. The rungs less notes["surplus"] add up to the goal to the cent. Deals due after the year,
    overdue or without a date count nowhere and are named in the notes. A rung that is withheld counts as 0 in what
    has no source, and is named.
    """
    reason = None
    if deals is None:
        reason = "it needs table opportunities"
    elif quota_counts in _VALUE:
        reason = f"the quota counts {quota_counts}, and deals hold no {quota_counts}"
    elif not deals["state_known"].astype(bool).all():
        reason = "what stood in the deals on that day cannot be rebuilt without stage_history"
    target, booked, usual = (a[i].value for a, i in ((goal, "goal"), (goal, "booked_amount"), (flow, "flow_amount")))
    no_rate = reason is None and deals["probability"].isna().any()
    due = {bucket: deals[deals["bucket"] == bucket] for bucket in ("likely", "stretch")} if reason is None else {}
    rungs = {
        bucket: d.withhold(reason, period=fiscal_year)
        if reason
        else d.measure(total(due[bucket]["amount"]), period=fiscal_year, n=len(due[bucket]), rows=due[bucket].filter(_SEEN))
        for bucket, d in (("likely", LIKELY), ("stretch", STRETCH))
    }
    left = None if target is None or booked is None else round(target - booked - (usual or 0.0), 4)
    face = total(m.value for m in rungs.values())
    if left is None or reason and deals is not None:
        gap_reason = goal["goal"].withheld or goal["booked_amount"].withheld or reason
        last = [d.withhold(gap_reason, period=fiscal_year) for d in (UNIDENTIFIED, EXPECTED_GAP, COVERAGE)]
    else:
        last = [UNIDENTIFIED.measure(max(0.0, round(left - face, 4)), period=fiscal_year)]
        weighted = total(a for d in due.values() for a in d["probability"] * d["amount"])
        why = "no win rate can be given for the open deals" if no_rate else reason
        last.append(
            EXPECTED_GAP.withhold(why, period=fiscal_year) if why else EXPECTED_GAP.measure(round(left - weighted, 4), period=fiscal_year)
        )
        why = reason or ("met: nothing left to cover" if left <= 0 else None)
        n = sum(map(len, due.values()))
        parts = {"numerator": face, "denominator": left, "period": fiscal_year, "n": n}
        last.append(COVERAGE.withhold(why, **parts) if why else COVERAGE.measure(face / left, **parts))
    measures = (*rungs.values(), *last)
    shown = [goal["booked_amount"], flow["flow_amount"], *measures[:3]]
    names = ("booked", "flow", "likely", "stretch", "unidentified")
    rows = [(name, math.nan if m.value is None else m.value, m.n) for name, m in zip(names, shown, strict=True)]
    notes: dict[str, Any] = {
        "goal": target,
        "surplus": max(0.0, round(face - left, 4)) if left is not None else 0.0,
        "counted_as_nothing": tuple(m.name for m in shown[1:4] if m.value is None),
    }
    rates = deals.loc[deals["probability"].notna(), "probability"] if reason is None else []
    notes["one_rate"] = float(rates.iloc[0]) if len(rates) > 1 and rates.nunique() == 1 else None
    for bucket in ("overdue", "later", "no date"):
        aside = deals[deals["bucket"] == bucket] if reason is None else pd.DataFrame({"amount": []})
        notes[bucket.replace(" ", "_") + "_n"] = len(aside)
        notes[bucket.replace(" ", "_") + "_amount"] = total(aside["amount"])
    return Answer("5.2", pd.DataFrame(rows, columns=["rung", "amount", "n"]), measures, notes)


def find_shortfall(goal: Answer, flow: Answer) -> float | None:
    """What must still be won: goal − booked − flow; None where goal or booked are not known.

    >>> target = Answer("0.1", measures=(GOAL.measure(100.0), BOOKED.measure(60.0)))
    >>> find_shortfall(target, Answer("5.2", measures=(FLOW.measure(15.0),)))
    25.0
    """
    target, booked = goal["goal"].value, goal["booked_amount"].value
    if target is None or booked is None:
        return None
    return round(target - booked - (flow["flow_amount"].value or 0.0), 4)


LEARNED = {"retention": (summarise_retention, ("sales", "contracts", "opportunities"))}
