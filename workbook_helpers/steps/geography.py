"""Step 1, places: where prospects are, and in which segments success can be repeated (1.6, 1.11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money


@answers("1.6", accounts=["account_id"])
def summarise_places(
    *, accounts: pd.DataFrame, columns: Sequence[str] = ("city", "postal_code", "region", "country")
) -> Answer:
    """Where the prospects are: by the finest place that holds them together, most prospects first.

    accounts: from ``score_accounts``. Returns label, customers_n, prospects_n, revenue_amount (last 365 days). notes:
    place.

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "city": ["X", "Y", "Y"], "revenue_amount": [5.0, 0.0, 0.0]})
    >>> summarise_places(accounts=frame).table[["label", "prospects_n"]].values.tolist()
    [['Y', 2], ['X', 0]]
    """
    place = next((c for c in columns if c in accounts and 2 <= accounts[c].nunique() < accounts[c].notna().sum()), None)
    if place is None:
        return Answer("1.6", withheld=f"it needs accounts that differ in one of the columns {', '.join(columns)}")
    n = Counter(zip(accounts[place], accounts["status"], strict=True))
    revenue = sum_money(accounts["revenue_amount"], accounts[place])
    rows = [(label, n[label, "customer"], n[label, "prospect"], amount) for label, amount in revenue.items()]
    rows = sorted(rows, key=lambda row: (-row[2], -row[3], row[0]))
    table = pd.DataFrame(rows, columns=["label", "customers_n", "prospects_n", "revenue_amount"])
    return Answer("1.6", table, notes={"place": place})


@answers("1.11", accounts=["account_id"])
def summarise_verticals(*, accounts: pd.DataFrame, compared: pd.DataFrame, column: str | None, as_of: date) -> Answer:
    """Where success can be repeated: per segment the customers, the win rate, and the prospects nobody touched for a
    year.

    accounts: from ``score_accounts``. compared: table of ``summarise_segment_conversion`` (empty where there are no
    deals). Returns label, customers_n, revenue_amount (a customer's mean, last 365 days), shrunk_share, cases_n,
    prospects_n, untouched_n.

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "industry": ["X", "X", "Y"],
    ...     "revenue_amount": [5.0, 0.0, 0.0], "last_touch_date": pd.to_datetime([None, "2026-09-01", None])})
    >>> answer = summarise_verticals(accounts=frame, compared=pd.DataFrame(), column="industry", as_of=date(2026, 9,
    ...     30))
    >>> answer.table[["label", "customers_n", "prospects_n", "untouched_n"]].values.tolist()
    [['X', 1, 1, 0], ['Y', 0, 1, 1]]
    """
    if column is None:
        return Answer("1.11", withheld="no column of the accounts divides them into segments")
    touched = Period.ending(as_of).holds(accounts["last_touch_date"])
    n = Counter(zip(accounts[column], accounts["status"], strict=True))
    left_alone = Counter(accounts.loc[(accounts["status"] == "prospect") & ~touched, column])
    rates = {}
    if len(compared):
        of = compared[compared["cut"] == column]
        rates = dict(zip(of["label"], zip(of["shrunk_share"], of["cases_n"], strict=True), strict=True))
    rows = []
    for label, amount in sum_money(accounts["revenue_amount"], accounts[column]).items():
        customers = n[label, "customer"]
        mean, rate = amount / customers if customers else np.nan, rates.get(label, (np.nan, np.nan))
        rows.append((label, customers, n[label, "prospect"], left_alone[label], mean, *rate))
    names = ["label", "customers_n", "prospects_n", "untouched_n", "revenue_amount", "shrunk_share", "cases_n"]
    table = pd.DataFrame(sorted(rows, key=lambda row: (-row[1], -row[3], row[0])), columns=names)
    return Answer("1.11", table, notes={"column": column})
