"""Which deals renew a contract, and which contracts a period decides about: steps 1 and 5 ask the same, and must hear the same."""

from __future__ import annotations

import pandas as pd

from workbook_helpers.measure import Period, total

#: A renewal deal that closed within so many days before a contract ends has decided about it.
RENEWAL_DAYS = 183


def find_renewals(deals: pd.DataFrame) -> pd.Series:
    """Which deals renew a contract: kind "renewal", however it is written; none where the company names no kinds.

    >>> find_renewals(pd.DataFrame({"kind": ["new", "Renewal", None]})).tolist()
    [False, True, False]
    """
    if "kind" not in deals:
        return pd.Series(False, index=deals.index)
    return deals["kind"].astype(str).str.strip().str.lower().eq("renewal")


def find_due_contracts(contracts: pd.DataFrame, opportunities: pd.DataFrame | None, period: Period) -> pd.DataFrame:
    """Accounts whose last contracts end in the period, and how their renewal stands.

    One row per account out, by account_id: account_id, amount (a year), end_date, renewal (open, won, lost, or missing
    where no renewal deal tells), stage and close_date of the renewal deal. An open deal goes before a closed one.

    >>> from datetime import date
    >>> signed = pd.DataFrame({"account_id": ["a"], "amount_per_year": [9.0], "end_date": pd.Timestamp("2026-12-31")})
    >>> deal = pd.DataFrame({"opportunity_id": ["d"], "account_id": "a", "kind": "renewal", "status": "won", "stage": "Close",
    ...     "close_date": pd.Timestamp("2026-12-01")})
    >>> find_due_contracts(signed, deal, Period(date(2026, 12, 2), date(2026, 12, 31)))[["amount", "renewal"]].values.tolist()
    [[9.0, 'won']]
    """
    last = contracts.groupby("account_id")["end_date"].transform("max")
    due = contracts[period.holds(contracts["end_date"]) & contracts["end_date"].eq(last)]
    due = due.groupby("account_id", sort=True).agg(amount=("amount_per_year", total), end_date=("end_date", "max")).reset_index()
    due["amount"] = due["amount"].astype(float)
    if opportunities is None:
        return due.assign(renewal=None, stage=None, close_date=pd.NaT)
    deals = opportunities.loc[find_renewals(opportunities), ["opportunity_id", "account_id", "status", "stage", "close_date"]]
    deals = deals.merge(due[["account_id", "end_date"]], on="account_id")
    is_open = deals["status"].eq("open")
    deals = deals[is_open | (deals["close_date"] > deals["end_date"] - pd.Timedelta(days=RENEWAL_DAYS))]
    deals = deals.assign(is_open=is_open).sort_values(["is_open", "close_date", "opportunity_id"])
    deals = deals.drop_duplicates("account_id", keep="last")
    found = deals.rename(columns={"status": "renewal"})[["account_id", "renewal", "stage", "close_date"]]
    return due.merge(found, on="account_id", how="left").astype({"renewal": object, "stage": object})
