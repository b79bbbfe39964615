"""Which deals renew a contract, and which contracts a period decides about: steps 1 and 5 ask the same, and must hear the same."""

from __future__ import annotations

import pandas as pd

from workbook_helpers.measure import Period, sum_money

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
    ends = due.drop_duplicates("account_id").set_index("account_id")["end_date"]
    due = sum_money(due["amount_per_year"], due["account_id"]).rename("amount").reset_index()
    due["end_date"] = ends.reindex(due["account_id"]).to_numpy()
    if opportunities is None:
        return due.assign(renewal=None, stage=None, close_date=pd.NaT)
    deals = opportunities.loc[find_renewals(opportunities), ["opportunity_id", "account_id", "status", "stage", "close_date"]]
    is_open, end_date = deals["status"].eq("open"), ends.reindex(deals["account_id"]).set_axis(deals.index)
    decided = is_open | (deals["close_date"] > end_date - pd.Timedelta(days=RENEWAL_DAYS))
    deals = deals.assign(is_open=is_open)[decided & end_date.notna()].sort_values(["is_open", "close_date", "opportunity_id"])
    found = deals.drop_duplicates("account_id", keep="last").set_index("account_id").reindex(due["account_id"])
    for name, column in {"renewal": "status", "stage": "stage", "close_date": "close_date"}.items():
        due[name] = found[column].to_numpy()
    return due.astype({"renewal": object, "stage": object})
