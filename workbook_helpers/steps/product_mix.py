"""Step 1, the mix: what each segment buys beside the others (1.2)."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money
from workbook_helpers.statistics import MIN_CASES


@answers("1.2", sales=["product"], accounts=["account_id"])
def summarise_mix(
    *,
    sales: pd.DataFrame,
    accounts: pd.DataFrame,
    column: str | None,
    period: Period,
    products: pd.DataFrame | None = None,
) -> Answer:
    """What each segment buys, beside what the other segments buy.

    Products are put together by family where the products table has one. One row out per segment and product: label,
    product, amount, share (of the segment's sales), others_share, times (share ÷ others_share), customers_n. Segments
    with fewer than five buying accounts stand together as "others".

    >>> from datetime import date
    >>> sales = pd.DataFrame({"account_id": list("abcdefghij"), "product": ["P"] * 5 + ["P", "Q", "Q", "Q", "Q"],
    ...     "amount": 10.0, "sale_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": list("abcdefghij"), "industry": ["X"] * 5 + ["Y"] * 5})
    >>> mix = summarise_mix(sales=sales, accounts=who, column="industry", period=Period.ending(date(2026, 9, 30)))
    >>> mix.table[["label", "product", "share", "others_share"]].values.tolist()
    [['X', 'P', 1.0, 0.2], ['Y', 'Q', 0.8, 0.0], ['Y', 'P', 0.2, 1.0]]
    """
    if column is None:
        return Answer("1.2", withheld="no column of the accounts divides them into segments")
    sold = sales[period.holds(sales["sale_date"]) & sales["product"].notna()]
    family = {}
    if products is not None and products["family"].notna().any():
        named = products[products["family"].notna()]
        family = dict(zip(named["product"], named["family"], strict=True))
    buyers = accounts[accounts["account_id"].isin(sold["account_id"]) & accounts[column].notna()]
    n = Counter(buyers[column])
    segment = {i: s if n[s] >= MIN_CASES else "others" for i, s in zip(buyers["account_id"], buyers[column], strict=True)}
    if len(set(segment.values())) < 2:
        return Answer("1.2", withheld=f"fewer than two segments have {MIN_CASES} buying accounts in the period")
    label = sold["account_id"].map(segment).rename("label")
    product = sold["product"].map({p: family.get(p, p) for p in sold["product"].unique()})
    amount = sum_money(sold["amount"], [label, product]).clip(lower=0).rename("amount").reset_index()
    by_label, by_product = amount.groupby("label")["amount"].sum(), amount.groupby("product")["amount"].sum()
    label_total = amount["label"].map(by_label)
    rest_total = by_label.sum() - label_total
    amount["share"] = (amount["amount"] / label_total).fillna(0.0)
    elsewhere = amount["product"].map(by_product) - amount["amount"]
    amount["others_share"] = (elsewhere / rest_total).clip(0, 1).fillna(0.0)
    amount["times"] = (amount["share"] / amount["others_share"]).where(amount["others_share"] > 0)
    n = Counter((s, p) for s, p, _ in set(zip(label, product, sold["account_id"], strict=True)))
    amount["customers_n"] = [n[key] for key in zip(amount["label"], amount["product"], strict=True)]
    table = amount.sort_values(["label", "amount", "product"], ascending=[True, False, True], ignore_index=True)
    return Answer("1.2", table, notes={"column": column, "family": bool(family), "period": period})
