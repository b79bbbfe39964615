"""Step 1, the mix: what each segment buys beside the others, what is bought together, and what a customer is likely to buy next (1.2).

Step 3 reads ``rank_next_products`` (one likely product per account).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Measure, Period, answers
from workbook_helpers.statistics import FALSE_DISCOVERY, MIN_CASES, BetaPrior, Interval, estimate_shrunk_rate, estimate_wilson_interval

MOST_APART = Definition(
    "mix_lift", 1, "Bought more often", "ratio",
    "share of the segment's buying customers that buy it ÷ share of the book's other buying customers that do; interval of the ratio of "
    "two shares from their Wilson intervals (method of variance estimates recovery, Donner and Zou 2012); Fisher's exact test, false "
    "discovery rate 5 % over all segments and products",
)  # fmt: skip
NEXT_PRODUCTS = Definition(
    "next_products", 1, "Customers with a likely next product", "count",
    "customers that lack a product which the team's customers of a product they buy often buy too; chance: customers that buy both ÷ "
    "customers that buy the one, shrunk toward the product's share of all customers as if by 20 of them", roll_up="sum",
)  # fmt: skip

NEXT_HITS = Definition(
    "next_hit_share", 1, "Proposals that came true", "share",
    "customers that bought the proposed product within the year ÷ customers that bought again; learned on the day before that year",
)  # fmt: skip

#: More products than these and customers are compared by family.
MOST_PRODUCTS = 60
#: How many customers of an average taste a product's own customers must outweigh.
STRENGTH = 20.0


@answers("1.2", MOST_APART, sales=["product"], accounts=["account_id"])
def summarise_mix(
    *,
    sales: pd.DataFrame,
    accounts: pd.DataFrame,
    column: str | None,
    period: Period,
    products: pd.DataFrame | None = None,
    others: Sequence[str] = (),
) -> Answer:
    """What each segment buys, beside what the other segments buy.

    column: by which the book is divided; others: further columns to look at. Products are put together by family where the products
    table has one. One row out per segment and product: cut, label, product, amount, share (of the segment's sales), others_share,
    times (share ÷ others_share), customers_n (that buy it), label_n (buying customers of the segment), buyers_share with low_share and
    high_share (95 % Wilson), others_buyers_share (of the other segments' customers), lift (buyers_share ÷ others_buyers_share, missing
    where none of the others buys it) with lift_low and lift_high, q_value, apart (beyond chance). Customers are counted once whatever
    they spend, so that one large account decides no lift. Segments with fewer than five buying accounts stand together as "others".
    notes: row (the place of the surest difference, or None).

    >>> from datetime import date
    >>> sales = pd.DataFrame({"account_id": list("abcdefghij"), "product": ["P"] * 5 + ["P", "Q", "Q", "Q", "Q"],
    ...     "amount": 10.0, "sale_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": list("abcdefghij"), "industry": ["X"] * 5 + ["Y"] * 5})
    >>> mix = summarise_mix(sales=sales, accounts=who, column="industry", period=Period.ending(date(2026, 9, 30)))
    >>> mix.table[["label", "product", "share", "others_share", "lift"]].head(2).values.tolist()
    [['X', 'P', 1.0, 0.2, 5.0], ['X', 'Q', 0.0, 0.8, 0.0]]
    """
    if column is None:
        return Answer("1.2", withheld="no column of the accounts divides them into segments")
    sold = sales[period.holds(sales["sale_date"]) & sales["product"].notna() & sales["account_id"].isin(accounts["account_id"])]
    family = _find_families(products)
    product = sold["product"].map({p: family.get(p, p) for p in sold["product"].unique()})
    who, names = pd.factorize(sold["account_id"], sort=True)
    what, items = pd.factorize(product, sort=True)
    cents, holds = np.zeros((len(names), len(items)), "int64"), np.zeros((len(names), len(items)), "int64")
    np.add.at(cents, (who, what), np.rint(sold["amount"].to_numpy(float, na_value=0.0) * 10_000).astype("int64"))
    holds[who, what] = 1
    traits = accounts.drop_duplicates("account_id").set_index("account_id").reindex(names)
    parts = [_summarise_cut(cut, traits[cut], cents, holds, np.asarray(items, object)) for cut in dict.fromkeys([column, *others])]
    parts = [part for part in parts if part is not None]
    if not parts:
        return Answer("1.2", withheld=f"fewer than two segments have {MIN_CASES} buying accounts in the period")
    table = _compare_buyers(pd.concat(parts, ignore_index=True))
    notes = {"column": column, "family": bool(family), "period": period}
    row, measure = _measure_most_apart(table, notes)
    return Answer("1.2", table, (measure,), notes | {"row": row})


def _summarise_cut(cut: str, label: pd.Series, cents: np.ndarray, holds: np.ndarray, items: np.ndarray) -> pd.DataFrame | None:
    """What the segments of one column buy, money and customers; None where there are not two to compare.

    label: of each buying account. cents (hundredths of a cent), holds (bought at all): by account and product.
    """
    stated = label.dropna().astype(str)
    few = stated.map(stated.value_counts()) < MIN_CASES
    place, labels = pd.factorize(stated.mask(few, "others"), sort=True)
    if len(labels) < 2:
        return None
    known = label.notna().to_numpy()
    member = (place[None, :] == np.arange(len(labels))[:, None]).astype("int64")
    amount, customers = (member @ cents[known]).clip(min=0) / 10_000, member @ holds[known]
    sold_here = holds[known].any(axis=0)
    amount, customers, items = amount[:, sold_here], customers[:, sold_here], items[sold_here]
    by_label, by_product = amount.sum(axis=1, keepdims=True), amount.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(amount / by_label)
        elsewhere = np.nan_to_num(np.clip((by_product - amount) / (by_label.sum() - by_label), 0, 1))
        times = np.where(elsewhere > 0, share / elsewhere, np.nan)
    label_n = member.sum(axis=1)
    rows = pd.DataFrame({
        "cut": cut, "label": np.repeat(np.asarray(labels, object), len(items)), "product": np.tile(items, len(labels)),
        "amount": amount.ravel(), "share": share.ravel(), "others_share": elsewhere.ravel(), "times": times.ravel(),
        "customers_n": customers.ravel(), "label_n": np.repeat(label_n, len(items)), "whole_n": int(known.sum()),
    })  # fmt: skip
    return rows.sort_values(["label", "amount", "product"], ascending=[True, False, True], ignore_index=True)


def _find_families(products: pd.DataFrame | None) -> dict[str, str]:
    if products is None or products["family"].isna().all():
        return {}
    named = products[products["family"].notna()]
    return dict(zip(named["product"], named["family"], strict=True))


def _compare_buyers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the shares of customers that buy each product, their ratio, its interval and its q-value."""
    from scipy.stats import false_discovery_control, hypergeom

    hits, cases, customers_n = (table[c].to_numpy(int) for c in ("customers_n", "label_n", "whole_n"))
    bought = table.groupby(["cut", "product"])["customers_n"].transform("sum").to_numpy(int)
    counts = zip(hits.tolist(), cases.tolist(), (bought - hits).tolist(), (customers_n - cases).tolist(), strict=True)
    rest = np.array([estimate_ratio_interval(*four) for four in counts])
    own = np.array([estimate_wilson_interval(h, n) for h, n in zip(hits.tolist(), cases.tolist(), strict=True)])
    others = (bought - hits) / (customers_n - cases)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(others > 0, hits / cases / others, np.nan)
    p = 2 * np.minimum(hypergeom.cdf(hits, customers_n, bought, cases), hypergeom.sf(hits - 1, customers_n, bought, cases))
    q = false_discovery_control(np.minimum(p, 1.0))
    return table.drop(columns="whole_n").assign(
        buyers_share=hits / cases, low_share=own[:, 0], high_share=own[:, 1], others_buyers_share=others,
        lift=lift, lift_low=rest[:, 0], lift_high=rest[:, 1], q_value=q, apart=q <= FALSE_DISCOVERY,
    )  # fmt: skip


def estimate_ratio_interval(hits: int, cases: int, others_hits: int, others_cases: int, *, level: float = 0.95) -> Interval:
    """Interval of the ratio of two shares; no upper end where it cannot be bounded, none at all where none of the others hits.

    Source: Donner and Zou 2012, method of variance estimates recovery, from Wilson intervals.

    >>> [round(x, 2) for x in estimate_ratio_interval(14, 18, 10, 27)]
    [1.22, 3.68]
    """
    if not others_hits:
        return Interval(math.nan, math.nan)
    one, other = hits / cases, others_hits / others_cases
    low, high = estimate_wilson_interval(hits, cases, level=level)
    other_low, other_high = estimate_wilson_interval(others_hits, others_cases, level=level)
    both, least, most = one * other, low * (2 * one - low), high * (2 * one - high)
    below, above = other_high * (2 * other - other_high), other_low * (2 * other - other_low)
    lower = both + math.sqrt(max(both**2 - least * below, 0.0))
    upper = both + math.sqrt(max(both**2 - most * above, 0.0))
    return Interval(max(least / lower, 0.0) if lower > 0 else 0.0, upper / above if above > 0 else math.inf)


def _measure_most_apart(table: pd.DataFrame, notes: Mapping[str, Any]) -> tuple[int | None, Measure]:
    """Where the surest difference stands of what a segment buys more often than the others; and its measure."""
    found = table[table["apart"] & (table["label"] != "others") & (table["customers_n"] >= MIN_CASES)]
    found = found[found["buyers_share"] > found["others_buyers_share"]]
    shown = table[["cut", "label", "product", "customers_n", "label_n", "buyers_share", "others_buyers_share", "lift", "lift_low",
                   "lift_high", "q_value", "amount", "share", "others_share"]]  # fmt: skip
    details = {"period": notes["period"], "source": "sales, accounts", "rows": shown}
    if found.empty:
        return None, MOST_APART.withhold("no segment buys a product more often than the others by more than chance", **details)
    place = int(found.sort_values(["q_value", "cut", "label", "product"]).index[0])
    row = found.loc[place]
    if np.isnan(row["lift"]):
        return place, MOST_APART.withhold(f"none of the others buys {row['product']}", **details)
    limits = {"low": float(row["lift_low"]), "high": float(row["lift_high"]), "level": 0.95} if np.isfinite(row["lift_high"]) else {}
    return place, MOST_APART.measure(float(row["lift"]), n=int(row["label_n"]), **limits, **details)


# --- what is bought together, and what comes next ---------------------------------------------------------------------


def _name_items(sales: pd.DataFrame, products: pd.DataFrame | None) -> pd.Series:
    """What each sale is of: the product, or its family where there are too many products."""
    family = _find_families(products)
    if sales["product"].nunique() > MOST_PRODUCTS and family:
        return sales["product"].map({p: family.get(p, p) for p in sales["product"].dropna().unique()})
    return sales["product"]


def learn_bought_together(
    *, account_sales: pd.DataFrame | None, products: pd.DataFrame | None, as_of: date, **_: object
) -> pd.DataFrame:
    """Which products the team's customers buy together, by accounts: all they ever bought.

    By family where more than sixty products are sold. One row out per pair (both ways) that at least five accounts hold: product,
    with_product, both_n, with_n (accounts that buy with_product), product_n, customers_n, lift (share of the buyers of with_product
    that buy product ÷ share of all customers), q_value (Fisher's exact test, false discovery rate over all pairs), reps_n; and one row
    per product with itself.

    >>> sales = pd.DataFrame({"account_id": list("abcdefghij") + list("abcde"), "product": ["P"] * 10 + ["Q"] * 5, "amount": 9.0,
    ...     "rep_id": "r", "sale_date": pd.Timestamp("2026-05-05")})
    >>> pairs = learn_bought_together(account_sales=sales, products=None, as_of=date(2026, 9, 30))
    >>> pairs[["product", "with_product", "both_n", "lift"]].values.tolist()
    [['P', 'P', 10.0, 1.0], ['P', 'Q', 5.0, 1.0], ['Q', 'P', 5.0, 1.0], ['Q', 'Q', 5.0, 2.0]]
    """
    columns = ["product", "with_product", "both_n", "with_n", "product_n", "customers_n", "lift", "q_value", "reps_n"]
    if account_sales is None or account_sales["product"].isna().all():
        return pd.DataFrame(columns=columns)
    known = account_sales[(account_sales["sale_date"] <= pd.Timestamp(as_of)) & (account_sales["amount"] > 0)]
    return _count_pairs(known, _name_items(known, products))[columns]


def _count_pairs(sales: pd.DataFrame, item: pd.Series) -> pd.DataFrame:
    from scipy.stats import false_discovery_control, hypergeom

    stated = item.notna() & sales["account_id"].notna()
    rep = sales["rep_id"] if "rep_id" in sales else pd.Series("", sales.index)
    who, names = pd.factorize(sales.loc[stated, "account_id"], sort=True)
    what, items = pd.factorize(item[stated], sort=True)
    holds = np.zeros((len(names), len(items)))
    holds[who, what] = 1
    own = pd.factorize(rep[stated], sort=True)[0]
    both, n, reps = holds.T @ holds, holds.sum(axis=0), np.zeros((len(items), len(items)))
    for one in range(own.max(initial=-1) + 1):
        his = np.zeros_like(holds)
        his[who[own == one], what[own == one]] = 1
        reps += his.T @ his > 0
    i, j = np.indices(both.shape)
    rows = pd.DataFrame({
        "product": np.asarray(items, object)[i.ravel()], "with_product": np.asarray(items, object)[j.ravel()],
        "both_n": both.ravel(), "with_n": n[j.ravel()], "product_n": n[i.ravel()], "customers_n": float(len(names)), "reps_n": reps.ravel(),
    })  # fmt: skip
    rows["lift"] = rows["both_n"] / rows["with_n"] / (rows["product_n"] / rows["customers_n"])
    counts = (rows[c].to_numpy(int) for c in ("both_n", "customers_n", "product_n", "with_n"))
    k, whole, hits, drawn = counts
    p = 2 * np.minimum(hypergeom.cdf(k, whole, hits, drawn), hypergeom.sf(k - 1, whole, hits, drawn))
    apart = (rows["product"] != rows["with_product"]).to_numpy()
    rows["q_value"] = np.nan
    if apart.any():
        rows.loc[apart, "q_value"] = false_discovery_control(np.minimum(p[apart], 1.0))
    return rows[rows["both_n"] >= MIN_CASES].reset_index(drop=True)


def rank_next_products(
    *, sales: pd.DataFrame | None, accounts: pd.DataFrame | None, bought_together: pd.DataFrame | None, products: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The product that each customer lacks and is likeliest to buy next, by what the team's customers of its products buy too.

    sales: all that the book's accounts ever bought. bought_together: the team's ``learn_bought_together``. One row out per account
    that buys and lacks something, surest first: account_id, account_name, product (or family), chance_share (of the customers that buy
    ``because``, those that buy the product too, shrunk), base_share (of all customers), because.

    >>> sales = pd.DataFrame({"account_id": ["a", "b", "b"], "product": ["P", "P", "Q"], "amount": 9.0})
    >>> pairs = pd.DataFrame({"product": ["Q", "Q", "P"], "with_product": ["Q", "P", "P"], "both_n": [40.0, 40.0, 80.0],
    ...     "with_n": [40.0, 80.0, 80.0], "product_n": [40.0, 40.0, 80.0], "customers_n": 100.0})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"]})
    >>> next_one = rank_next_products(sales=sales, accounts=who, bought_together=pairs)
    >>> next_one[["account_id", "product", "chance_share", "because"]].values.tolist()
    [['a', 'Q', 0.48, 'P']]
    """
    columns = ["account_id", "account_name", "product", "chance_share", "base_share", "because"]
    if sales is None or accounts is None or bought_together is None or bought_together.empty:
        return pd.DataFrame(columns=columns)
    bought = sales[(sales["amount"] > 0) & sales["account_id"].isin(accounts["account_id"]) & sales["product"].notna()]
    taught = set(bought_together["product"])
    family = {} if taught & set(bought["product"]) else _find_families(products)
    item = bought["product"].map(lambda p: family.get(p, p))
    found = _propose(bought["account_id"], item, bought_together)
    names = accounts.drop_duplicates("account_id").set_index("account_id")["account_name"]
    found["account_name"] = found["account_id"].map(names)
    return found.sort_values(["chance_share", "account_id"], ascending=[False, True], ignore_index=True)[columns]


def _propose(account: pd.Series, item: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Per account the product with the highest chance, of those it lacks."""
    items = sorted(set(pairs["product"]) | set(pairs["with_product"]))
    place = {name: i for i, name in enumerate(items)}
    base = np.zeros(len(items))
    chance = np.full((len(items), len(items)), -1.0)  # [bought, proposed]
    for row in pairs.itertuples():
        i, j = place[row.product], place[row.with_product]
        base[i] = row.product_n / row.customers_n
        if i != j:
            chance[j, i] = estimate_shrunk_rate(row.both_n, row.with_n, BetaPrior(base[i], STRENGTH))
    known = item.isin(items)
    who, names = pd.factorize(account[known], sort=True)
    holds = np.zeros((len(names), len(items)), dtype=bool)
    holds[who, item[known].map(place).to_numpy(int)] = True
    rows = []
    for name, own in zip(names, holds, strict=True):
        reach = np.where(own[:, None] & ~own[None, :], chance, -1.0)
        top = int(reach.max(axis=0).argmax())
        if own.any() and reach[:, top].max() > 0:
            why = int(reach[:, top].argmax())
            rows.append((name, items[top], float(reach[why, top]), float(base[top]), items[why]))
    return pd.DataFrame(rows, columns=["account_id", "product", "chance_share", "base_share", "because"])


def learn_next_check(
    *, account_sales: pd.DataFrame | None, products: pd.DataFrame | None, period: Period, **_: object
) -> pd.DataFrame:
    """How often the proposal came true, looking back: learned the day before the period, judged on what was bought in the period.

    One row out: accounts_n (that had bought by then, bought again in the period, and had a proposal), hits_n (bought the product
    proposed), common_hits_n (would have, had each been proposed the commonest product it lacked), reps_n; none below five accounts.

    >>> learn_next_check(account_sales=None, products=None, period=Period.ending(date(2026, 9, 30))).empty
    True
    """
    columns = ["accounts_n", "hits_n", "common_hits_n", "reps_n"]
    if account_sales is None or account_sales["product"].isna().all():
        return pd.DataFrame(columns=columns)
    sold = account_sales[(account_sales["amount"] > 0) & account_sales["product"].notna()]
    item = _name_items(sold, products)
    then, later = sold["sale_date"] < pd.Timestamp(period.start), period.holds(sold["sale_date"])
    pairs = _count_pairs(sold[then], item[then]) if then.any() else pd.DataFrame()
    if pairs.empty:
        return pd.DataFrame(columns=columns)
    again = then & sold["account_id"].isin(sold.loc[later, "account_id"])
    proposed = _propose(sold.loc[again, "account_id"], item[again], pairs)
    held = set(zip(sold.loc[again, "account_id"], item[again], strict=True))
    bought = set(zip(sold.loc[later, "account_id"], item[later], strict=True))
    common = pairs.drop_duplicates("product").sort_values(["product_n", "product"], ascending=[False, True])["product"].tolist()
    lacked = [next((p for p in common if (i, p) not in held), "") for i in proposed["account_id"]]
    hits = sum(pair in bought for pair in zip(proposed["account_id"], proposed["product"], strict=True))
    common_hits = sum(pair in bought for pair in zip(proposed["account_id"], lacked, strict=True))
    reps_n = sold.loc[again, "rep_id"].nunique() if "rep_id" in sold else 1
    if len(proposed) < MIN_CASES:
        return pd.DataFrame(columns=columns)
    return pd.DataFrame([(float(len(proposed)), float(hits), float(common_hits), float(reps_n))], columns=columns)


@answers("1.2", NEXT_PRODUCTS, NEXT_HITS, sales=["product"], accounts=["account_id"])
def summarise_next_products(
    *,
    sales: pd.DataFrame,
    accounts: pd.DataFrame,
    bought_together: pd.DataFrame | None,
    next_check: pd.DataFrame | None = None,
    products: pd.DataFrame | None = None,
) -> Answer:
    """What this book's customers are likeliest to buy next, and what the team's customers buy together.

    accounts: from ``score_accounts``; only those with status customer. bought_together, next_check: the team's. Returns the table of
    ``rank_next_products``. notes: together (the pair bought together most beyond chance: product, with_product, lift; or None),
    accounts_n, hits_n, common_hits_n (of the look back, where there is one), better (the proposals came true more often than the
    commonest product; None where nothing can be looked back on).
    """
    if bought_together is None or bought_together.empty:
        return Answer("1.2", withheld="what comes next is learned from a team of five reps or more, whose customers buy the same products")
    ranked = rank_next_products(
        sales=sales, accounts=accounts[accounts["status"] == "customer"], bought_together=bought_together, products=products
    )
    own = set(_name_items(sales, products).dropna()) | set(sales["product"].dropna())
    pairs = bought_together[(bought_together["q_value"].astype(float) <= FALSE_DISCOVERY) & (bought_together["lift"] > 1)]
    pairs = pairs[pairs["product"].isin(own) | pairs["with_product"].isin(own)]
    pairs = pairs.sort_values(["lift", "both_n", "product"], ascending=[False, False, True])
    together = pairs.iloc[0].to_dict() if len(pairs) else None
    check = next_check.iloc[0].to_dict() if next_check is not None and len(next_check) else {}
    better = bool(check["hits_n"] > check["common_hits_n"]) if check else None
    measures = [NEXT_PRODUCTS.measure(len(ranked), n=len(ranked), source="sales of the team", rows=ranked)]
    if check:
        beside = f"sales of the team; the commonest product each lacked came true for {check['common_hits_n']:,.0f}"
        measures.append(_rate_hits(int(check["hits_n"]), int(check["accounts_n"]), beside))
    return Answer("1.2", ranked, tuple(measures), {"together": together, "better": better, **check})


def _rate_hits(hits: int, cases: int, source: str) -> Measure:
    low, high = estimate_wilson_interval(hits, cases)
    return NEXT_HITS.ratio(hits, cases, n=cases, low=low, high=high, level=0.95, source=source)


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "bought_together": (learn_bought_together, ("account_sales", "products")),
    "next_check": (learn_next_check, ("account_sales", "products")),
}
