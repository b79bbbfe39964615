"""Step 1, segments: how customers, lapsed customers, prospects and leads divide (1.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, answers, sum_money, total

CUSTOMERS = Definition("customers", 1, "Customers", "count", "accounts that bought in the lapse window", roll_up="sum")
LAPSED = Definition("lapsed", 1, "Lapsed", "count", "accounts that bought, but not in the lapse window", roll_up="sum")
PROSPECTS = Definition("prospects", 1, "Prospects", "count", "accounts that never bought", roll_up="sum")


def usable_columns(frame: pd.DataFrame | None, columns: Sequence[str]) -> list[str]:
    """Those of the columns by which the rows divide: at least two labels, and fewer labels than rows.

    >>> usable_columns(pd.DataFrame({"city": ["X", "X", "Y"], "region": ["N"] * 3, "id": ["1", "2", "3"]}), ["city",
    ...     "region", "id", "size"])
    ['city']
    """
    kept = dict.fromkeys(c for c in columns if frame is not None and c in frame)
    return [c for c in kept if 2 <= frame[c].nunique() < frame[c].notna().sum()]


@answers("1.1", CUSTOMERS, LAPSED, PROSPECTS, accounts=["account_id"])
def summarise_segments(*, accounts: pd.DataFrame, columns: Sequence[str], leads: pd.DataFrame | None = None) -> Answer:
    """How customers, lapsed customers, prospects and leads divide.

    accounts: from ``score_accounts``. One row out per column and label: cut, label, customers_n, lapsed_n, prospects_n,
    accounts_n, leads_n (missing where leads lack the column), revenue_amount (last 365 days), revenue_share. Missing
    labels stand as "not stated".

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "industry": ["X", "X", "Y"], "revenue_amount": [5.0, 0.0, 0.0]})
    >>> summarise_segments(accounts=frame, columns=["industry"]).table[["label", "customers_n",
    ...     "prospects_n"]].values.tolist()
    [['X', 1, 1], ['Y', 0, 1]]
    """
    rows = []
    for column in usable_columns(accounts, columns):
        label = accounts[column].fillna("not stated").astype(str)
        n = Counter(zip(label, accounts["status"], strict=True))
        known = leads is not None and column in leads and leads[column].notna().any()
        leads_n = Counter(leads[column]) if known else {}
        part = []
        for name, revenue in sum_money(accounts["revenue_amount"], label).items():
            counts = [n[name, status] for status in ("customer", "lapsed", "prospect")]
            part.append((column, name, *counts, sum(counts), float(leads_n[name]) if known else np.nan, revenue))
        rows += sorted(part, key=lambda row: (-row[-1], -row[5], row[1]))
    columns_out = ["cut", "label", "customers_n", "lapsed_n", "prospects_n", "accounts_n", "leads_n", "revenue_amount"]
    table = pd.DataFrame(rows, columns=columns_out)
    revenue = total(accounts["revenue_amount"])
    table["revenue_share"] = table["revenue_amount"].astype(float) / revenue if revenue else np.nan
    kinds = {CUSTOMERS: "customer", LAPSED: "lapsed", PROSPECTS: "prospect"}
    found = {definition: int((accounts["status"] == status).sum()) for definition, status in kinds.items()}
    measures = tuple(d.measure(n, n=len(accounts), source="accounts, sales") for d, n in found.items())
    return Answer("1.1", table, measures, {"leads_n": None if leads is None else len(leads)})
