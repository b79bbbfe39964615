"""Step 1, the contracts: what recurs, how much of a year ago's is still there, and which contracts end next.

Frames in, answers out. Contracts are those of the accounts owned now; an account's contracts of one day are added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.renewals import find_due_contracts
from workbook_helpers.statistics import MIN_CASES

RECURRING = Definition(
    "recurring_amount", 1, "Recurring a year", "money", "yearly amounts of the contracts that run on the day", roll_up="sum"
)
GROSS = Definition(
    "gross_retention", 1, "Gross retention", "share",
    "customers of a year ago: the lesser of then and now ÷ then, in yearly amounts of contracts (GRR)", roll_up="ratio",
)  # fmt: skip
NET = Definition(
    "net_retention", 1, "Net retention", "share",
    "customers of a year ago: yearly amounts of their contracts now ÷ then (NRR)", roll_up="ratio",
)  # fmt: skip
DUE = Definition(
    "renewals_due_amount", 1, "Renewals due", "money", "yearly amounts that end within 120 days, not yet decided", roll_up="sum"
)
#: Contracts that end within so many days are due: a quarter, and the month in which it is too late.
DUE_DAYS = 120


def _running(contracts: pd.DataFrame, day: date) -> pd.Series:
    """Yearly amount by account of the contracts that run on a day."""
    there = contracts["start_date"].le(pd.Timestamp(day)) & contracts["end_date"].ge(pd.Timestamp(day))
    return sum_money(contracts.loc[there, "amount_per_year"], contracts.loc[there, "account_id"])


@answers("1.9", RECURRING, GROSS, NET, contracts=["end_date"])
def summarise_recurring(*, contracts: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str], as_of: date) -> Answer:
    """What recurs, and what became of what recurred a year ago.

    contracts: account_id, start_date, end_date, amount_per_year. One row out for all customers of a year ago, then one
    per label of each column of the accounts with at least five of them: cut, label, accounts_n, then_amount, now_amount,
    gross_share, net_share, left_n (accounts without a contract now). Source: gross and net retention of a cohort.

    >>> days = {"start_date": pd.Timestamp("2025-01-01"), "end_date": pd.Timestamp("2027-12-31")}
    >>> signed = pd.DataFrame({"account_id": list("abcde"), "amount_per_year": 10.0, **days})
    >>> signed.loc[0, "end_date"] = pd.Timestamp("2025-12-31")
    >>> answer = summarise_recurring(contracts=signed, accounts=None, columns=[], as_of=date(2026, 9, 30))
    >>> answer["recurring_amount"].value, answer["gross_retention"].value
    (40.0, 0.8)
    """
    before = as_of - timedelta(days=365)
    period = Period(before, as_of)
    now, then = _running(contracts, as_of), _running(contracts, before)
    recurring = RECURRING.measure(total(now), n=len(now), source="contracts", rows=now.rename("amount").reset_index())
    if len(then) < MIN_CASES:
        why = f"{len(then) or 'no'} customers had a contract a year ago (at least {MIN_CASES} are needed)"
        return Answer("1.9", measures=(recurring, *(d.withhold(why, period=period) for d in (GROSS, NET))))
    cohort = pd.DataFrame({"then": then, "now": now.reindex(then.index).fillna(0.0)}).rename_axis("account_id").reset_index()
    cohort["kept"] = cohort[["then", "now"]].min(axis=1)
    groups = {("all", "all"): list(cohort.index)}
    if accounts is not None:
        known = accounts.drop_duplicates("account_id").set_index("account_id").reindex(cohort["account_id"])
        for cut in (c for c in columns if c in known):
            found = defaultdict(list)
            for i, (label, stated) in enumerate(zip(known[cut], known[cut].notna(), strict=True)):
                if stated:
                    found[cut, label].append(i)
            groups |= dict(sorted(found.items()))
    amounts, rows = cohort[["then", "kept", "now"]].to_numpy(), []
    for (cut, label), members in groups.items():
        if len(members) >= MIN_CASES:
            opened, kept, left = (total(column) for column in amounts[members].T)
            shares = (kept / opened, left / opened) if opened else (np.nan, np.nan)
            rows.append((cut, label, len(members), opened, left, *shares, int((amounts[members, 2] == 0).sum())))
    columns = ["cut", "label", "accounts_n", "then_amount", "now_amount", "gross_share", "net_share", "left_n"]
    details = {"n": len(cohort), "period": period, "source": "contracts", "if_none": "the contracts of a year ago have no amount"}
    shown = cohort.sort_values("then", ascending=False, kind="stable")[["account_id", "then", "now"]]
    gross = GROSS.ratio(total(cohort["kept"]), total(cohort["then"]), rows=shown, **details)
    net = NET.ratio(total(cohort["now"]), total(cohort["then"]), rows=shown, **details)
    return Answer("1.9", pd.DataFrame(rows, columns=columns), (recurring, gross, net))


@answers("1.9", contracts=["end_date"])
def summarise_cohorts(*, contracts: pd.DataFrame, as_of: date) -> Answer:
    """Customers by the year at whose end they first had a contract, and how many still had one a year, two, … later.

    Years are spans of 365 days that end on the as-of date; whoever was there at the end of the first one was there before
    or came in it. One row per cohort out, oldest first: start_date and end_date of its year, customers_n, then share_1,
    share_2, … (of them; missing where that year is not over) and kept_share (yearly amounts now ÷ at the end of the
    cohort's year). notes: years_n. Withheld below two whole years, or where no year has five new customers.

    >>> days = {"start_date": pd.Timestamp("2024-10-15"), "end_date": pd.Timestamp("2027-12-31")}
    >>> signed = pd.DataFrame({"account_id": list("abcde"), "amount_per_year": 10.0, **days})
    >>> signed.loc[0, "end_date"] = pd.Timestamp("2026-03-31")
    >>> summarise_cohorts(contracts=signed, as_of=date(2026, 9, 30)).table[["customers_n", "share_1"]].values.tolist()
    [[5.0, 0.8]]
    """
    first = contracts["start_date"].min()
    years_n = 0 if pd.isna(first) else min(int(((pd.Timestamp(as_of) - first).days + 30) // 365), 6)
    if years_n < 2:
        return Answer("1.9", withheld="the contracts do not go back two years")
    ends = [as_of - timedelta(days=365 * (years_n - 1 - k)) for k in range(years_n)]
    amounts = pd.DataFrame({k: _running(contracts, end) for k, end in enumerate(ends)}).fillna(0.0)
    there, rows = amounts.to_numpy() > 0, []
    cohort = there.argmax(axis=1)
    for k, end in enumerate(ends):
        members = there.any(axis=1) & (cohort == k)
        if members.sum() < MIN_CASES:
            continue
        later = [float(there[members, year].mean()) if year < years_n else np.nan for year in range(k + 1, k + years_n)]
        kept = total(amounts.loc[members, years_n - 1]) / total(amounts.loc[members, k]) if k < years_n - 1 else np.nan
        rows.append((pd.Timestamp(end - timedelta(days=364)), pd.Timestamp(end), int(members.sum()), *later, kept))
    columns = ["start_date", "end_date", "customers_n", *(f"share_{k}" for k in range(1, years_n)), "kept_share"]
    table = pd.DataFrame(rows, columns=columns)
    if table.empty or table["share_1"].isna().all():
        return Answer("1.9", withheld=f"no year but the last has {MIN_CASES} new customers under contract")
    return Answer("1.9", table, notes={"years_n": years_n})


@answers("1.9", DUE, contracts=["end_date"])
def rank_renewals(
    *, contracts: pd.DataFrame, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, as_of: date
) -> Answer:
    """Contracts that end within 120 days and are not decided yet, most money first.

    One row per account out: account_id, account_name, end_date, amount (a year), stage and close_date of its open
    renewal deal (missing where there is none), last_touch_date (where the accounts have it). A renewal that was won or
    lost in the 183 days before the end is decided. notes: no_deal_n, until (the last day looked at).

    >>> days = {"start_date": pd.Timestamp("2026-01-01"), "end_date": pd.Timestamp("2026-12-31")}
    >>> signed = pd.DataFrame({"account_id": ["a"], "amount_per_year": [10.0], **days})
    >>> rank_renewals(contracts=signed, opportunities=None, accounts=None, as_of=date(2026, 9, 30))["renewals_due_amount"].value
    10.0
    """
    soon = Period(as_of, as_of + timedelta(days=DUE_DAYS))
    due = find_due_contracts(contracts, opportunities, soon)
    names, touched = {}, {}
    if accounts is not None:
        known = accounts.drop_duplicates("account_id").reindex(columns=["account_id", "account_name", "last_touch_date"])
        names, touched = (dict(zip(known["account_id"], known[c], strict=True)) for c in ("account_name", "last_touch_date"))
    due["account_name"] = [names.get(i, i) for i in due["account_id"]]
    due["last_touch_date"] = pd.to_datetime([touched.get(i) for i in due["account_id"]])
    table = due[~due["renewal"].isin(["won", "lost"])].sort_values("amount", ascending=False, kind="stable", ignore_index=True)
    columns = ["account_id", "account_name", "end_date", "amount", "stage", "close_date", "last_touch_date"]
    measure = DUE.measure(total(table["amount"]), n=len(table), period=soon, source="contracts", rows=table[columns[:4]])
    notes = {"no_deal_n": int(table["renewal"].isna().sum()), "until": soon.end}
    return Answer("1.9", table[columns], (measure,), notes)
