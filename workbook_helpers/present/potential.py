"""Chapter 3 to look at, potential: the ways to it, what goes with spend, and the white space by account and product (3.2, 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer, say_number, sum_money
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut

#: The ways to a potential, in words.
WAYS = {
    "bottom_up": "comparable customers", "regression": "traits of the account", "top_down": "market table",
}  # fmt: skip


def say_ways(answer: Answer) -> markup.Shown:
    """By which way potential is told, and why."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    row = answer.table[answer.table["chosen"]].iloc[0]
    text = f"Potential is told by {WAYS[row['way']]}"
    if answer.notes["compared"]:
        text += f": made a year ago, it came nearest to what {as_count(row['tested_n'], 'customer')} that grew have spent since"
        text += f", half of them within a factor of {row['times']:.1f}"
    elif len(answer.table) > 1:
        text += ", because too few customers grew to see which way is nearest"
    if answer.notes["spread"] >= 1.15:
        text += f". The ways differ {answer.notes['spread']:.1f}-fold: read a potential as a range"
    return markup.sentence(answer, text + ".")


def table_ways(answer: Answer, currency: str) -> markup.Shown | None:
    """The ways to the book's potential side by side."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(name=[WAYS[way] + (" (used)" if used else "") for way, used in answer.table[["way", "chosen"]].to_numpy()])
    columns = {
        "name": ("Told by", "text"),
        "accounts_n": ("Accounts", "count"),
        "potential_amount": (f"Potential a year, {currency}", "money"),
        "white_space_amount": (f"White space, {currency}", "money"),
        "times": ("Half within, times", "ratio"),
    }
    if table["times"].isna().all():
        del columns["times"]
    return markup.table(table, columns, caption="What the accounts of this book could spend, each way.")


def _say_times(row: Any) -> str:
    return f"{row.times:.1f} times ({row.low_times:.1f}–{row.high_times:.1f})"


def _say_trait(cut: str, label: str) -> str:
    name = cut.replace("_", " ")
    return say_cut(cut, label) if label else f"twice the {name}"


def say_drivers(answer: Answer) -> markup.Shown:
    """What goes with more or less spend, and how much the traits tell."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    sure, fit = answer.table[answer.table["sure"]], answer["spend_fit"].value
    if sure.empty:
        text = f"Among {as_count(answer.notes['customers_n'], 'customer')} of the company no trait is sure to go with more or less spend."
        return markup.sentence(answer, text, *answer.measures)
    sized, kinds = sure[sure["label"] == ""].head(1), sure[sure["label"] != ""].head(2)
    said = [f"twice the {row.cut.replace('_', ' ')} go with {_say_times(row)} the spend" for row in sized.itertuples()]
    if len(kinds):
        named = [f"{say_cut(row.cut, row.label)} with {_say_times(row)}" for row in kinds.itertuples()]
        named[0] = named[0].replace(" with ", " goes with ", 1)
        said.append(f"{'at the same size ' if len(sized) else ''}{as_list(named)} what all customers spend")
    text = "; ".join(said)
    text = text[:1].upper() + text[1:]
    if fit > 0:
        text += f". Together the traits tell {as_share(fit)} of how customers differ in spend"
    else:
        text += ". What a single customer spends the traits do not foretell"
    return markup.sentence(answer, f"{text}; it shows what goes together, not what causes it.", *answer.measures)


def table_drivers(answer: Answer) -> markup.Shown | None:
    """Each trait with the times that its customers spend, a stroke where there is no difference."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(
        trait=[_say_trait(*row) for row in answer.table[["cut", "label"]].to_numpy()], same=1.0,
        limits=[f"{low:.1f}–{high:.1f}" for low, high in answer.table[["low_times", "high_times"]].to_numpy(float)],
    )  # fmt: skip
    top = float(min(max(table["high_times"].head(10).max(), 2.0), 6.0))
    columns = {
        "trait": ("Trait", "text"),
        "customers_n": ("Customers", "count"),
        "times": ("Times the spend", cells.Range("low_times", "high_times", "same", "ratio", top)),
        "limits": ("95 % interval", "text"),
    }
    return markup.table(table, columns, caption="What goes with spend, over the whole company; the stroke is no difference.", limit=10)


def say_penetration(answer: Answer, currency: str) -> markup.Shown:
    """How much potential is not sold yet, and the share of accounts and wallets that we have."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    space, wallet, penetration = answer["white_space"], answer["share_of_wallet"], answer["penetration"]
    text = f"{as_money(space.value, currency)} a year of potential is not sold yet"
    ways = sorted(answer.notes["ways"].values())
    if len(ways) > 1 and ways[-1] > ways[0]:
        low, high = (say_number(amount, "money", short=True) for amount in (ways[0], ways[-1]))
        text += f" (by the different ways {low} to {high})"
    if wallet.value is not None:
        text += f"; customers give us {as_share(wallet.value)} of theirs"
    if penetration.value is not None:
        text += f". {as_share(penetration.value)} of the accounts are customers"
    if answer.notes["unknown_n"]:
        text += f"; the potential of {as_count(answer.notes['unknown_n'], 'account')} is not known"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_white_space(answer: Answer, currency: str, missing: Answer | None = None) -> markup.Shown | None:
    """Accounts by white space, with the range of their potential, and what they would buy more of."""
    if answer.withheld is not None or answer.table.empty:
        return None
    top = answer.table.head(10)
    limits = top[["potential_low_amount", "potential_high_amount"]].to_numpy(float)
    table = answer.table.assign(range=pd.Series([f"{low:,.0f}–{high:,.0f}" for low, high in limits], index=top.index))
    columns = {
        "account_name": ("Account", "text"),
        "status": ("Status", "text"),
        "revenue_amount": (f"Bought, {currency}", "money"),
        "white_space_amount": (f"White space, {currency}", cells.Bar("money")),
        "range": ("Potential, by the ways", "text"),
        "more": ("Buys less than its like", "text"),
        "peers": ("Compared with", "text"),
        "last_touch_date": ("Last touch", "date"),
    }
    if missing is not None and missing.withheld is None:
        best = missing.table[missing.table["expected_amount"] > 0].drop_duplicates("account_id").set_index("account_id")
        said = {one: f"{row.product} (+{row.expected_amount:,.0f})" for one, row in zip(best.index, best.itertuples(), strict=True)}
        table["more"] = table["customer_id"].map(said).astype(object)
    if "more" not in table:
        table["more"] = None
    if answer.notes["way"] != "bottom_up":
        del columns["peers"]
    for name in ("more", "last_touch_date"):
        if table[name].head(10).isna().all():
            del columns[name]
    return markup.table(table, columns, caption="White space by account.", limit=10)


def say_missing_products(answer: Answer, currency: str) -> markup.Shown:
    """What to offer whom, for most money."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    gaps = answer.table[answer.table["expected_amount"] > 0]
    if gaps.empty:
        return markup.sentence(answer, "Every customer buys as much of each product as its like.")
    said = [f"{r.product} to {r.account_name} (+{r.expected_amount:,.0f})" for r in gaps.head(3).itertuples()]
    text = f"If customers bought as those do that are like them, most would come from {as_list(said)}, in {currency} a year"
    return markup.sentence(answer, text + ": as customers alike do, not what any one has promised.")


@dataclass(frozen=True)
class _Sold(cells.Shade):
    """Text shaded by another column."""

    by: str = ""

    def classes(self, frame: pd.DataFrame, name: str) -> list[str]:
        return super().classes(frame, self.by)


def table_missing_products(answer: Answer, currency: str, limit: int = 12) -> markup.Shown | None:
    """Customers by products: bought amounts shaded, white space with what customers alike would add."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table
    n = table[table["bought_amount"] > 0].groupby("product").size()
    names = sorted(set(table["product"]), key=lambda product: (-n.get(product, 0), product))
    gaps = sum_money(table["expected_amount"], table["account_id"]).reset_index()
    order = gaps.sort_values(["expected_amount", "account_id"], ascending=[False, True])["account_id"].head(limit)
    wide = table.drop_duplicates("account_id").set_index("account_id").loc[order, ["account_name"]]
    columns: dict[str, tuple[str, markup.Kind]] = {"account_name": ("Customer", "text")}
    for place, product in enumerate(names):
        part = table[table["product"] == product].set_index("account_id").loc[order]
        wide[f"sold_{place}"] = part["bought_amount"]
        wide[f"cell_{place}"] = [_say_cell(*pair) for pair in part[["bought_amount", "expected_amount"]].to_numpy(float)]
        columns[f"cell_{place}"] = (product, _Sold("text", by=f"sold_{place}"))
    caption = f"Bought in the last 365 days, {currency}, the darker the more; + is what customers alike would buy more."
    return markup.table(wide.reset_index(drop=True), columns, caption=caption, limit=limit)


def _say_cell(bought: float, missing: float) -> str:
    parts = [f"{bought:,.0f}"] if bought > 0 else []
    return " ".join([*parts, *([f"+{missing:,.0f}"] if missing >= 0.5 else [])]) or "–"
