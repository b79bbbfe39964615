"""Step 1, the season: when customers buy (1.10)."""

from __future__ import annotations

from datetime import date

import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money
from workbook_helpers.statistics import MIN_CASES


@answers("1.10", sales=[])
def summarise_season(*, sales: pd.DataFrame, as_of: date) -> Answer:
    """In which months customers buy: month (1-12), amount (all whole years together), index (1 = an average month),
    years_n.

    Needs at least one whole year of sales up to the as-of date, and five purchases; one year tells little about a
    season.

    >>> days = pd.to_datetime(["2025-10-01", "2026-01-05", "2026-01-09", "2026-03-05", "2026-09-30"])
    >>> answer = summarise_season(sales=pd.DataFrame({"sale_date": days, "amount": 12.0}), as_of=date(2026, 9, 30))
    >>> float(answer.table.set_index("month")["index"][1]), answer.notes["years_n"]
    (4.8, 1)
    """
    known = sales[sales["sale_date"] <= pd.Timestamp(as_of)]
    years = int((pd.Timestamp(as_of) - known["sale_date"].min()).days + 1) // 365 if len(known) else 0
    if years < 1 or len(known) < MIN_CASES:
        return Answer("1.10", withheld=f"it needs a whole year of sales and at least {MIN_CASES} purchases")
    period = Period(Period(as_of, as_of).years_earlier(years).start, as_of)
    inside = known[period.holds(known["sale_date"]) & (known["sale_date"] > pd.Timestamp(period.start))]
    amount = sum_money(inside["amount"], inside["sale_date"].dt.month).reindex(range(1, 13)).fillna(0.0)
    mean = amount.mean()
    if mean <= 0:
        return Answer("1.10", withheld="the sales of the whole years do not add up to more than 0")
    table = pd.DataFrame({"month": amount.index, "amount": amount.to_numpy(), "index": (amount / mean).to_numpy()})
    return Answer("1.10", table, notes={"years_n": years})
