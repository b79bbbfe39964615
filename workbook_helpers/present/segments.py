"""Chapter 1 to look at: how the book divides, what each segment buys and what comes next, and when they buy (1.1, 1.2, 1.10)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
#: What each outcome is, after "tells 21 % of".
_OUTCOMES = {"revenue": "how much customers of one book differ in what they buy", "win": "which deals are won", "retention": "who stays"}
_BUYING = {
    "often, recent": "Buys often, bought recently",
    "often, silent": "Buys often, silent of late",
    "seldom, recent": "Buys seldom, bought recently",
    "seldom, silent": "Buys seldom, silent of late",
}


def say_name(column: str) -> str:
    """A way of dividing, in words.

    >>> say_name("industry, employees_band"), say_name("buying")
    ('industry with employees', 'how they bought')
    """
    return " with ".join(part.removesuffix("_band").replace("_", " ") for part in column.split(", ")).replace("buying", "how they bought")


def say_label(cut: str, label: str) -> str:
    """A segment in words; the labels of a pair speak for themselves.

    >>> say_label("employees_band", "10 to 49"), say_label("industry, employees_band", "Dental, 10 to 49")
    ('employees 10 to 49', 'Dental, 10 to 49')
    """
    return label if "," in cut else say_cut(cut.removesuffix("_band"), label)


def say_segmentation(answer: Answer) -> markup.Shown:
    """By what the book is divided, and why by that."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    notes, column = answer.notes, answer.notes["column"]
    if column is None:
        return markup.sentence(answer, "No column of the accounts divides this book.", *answer.measures)
    row = answer.table.iloc[notes["row"]] if notes["row"] is not None else None
    name = say_name(column)
    if notes["why"] == "told":
        text = f"{name[0].upper()}{name[1:]} divides this business best: it tells {_say_told(row)}"
        text += _say_better(answer)
    elif notes["why"] == "asked":
        text = f"Divided by {name}, as asked" + (f": it tells {_say_told(row)}." if row is not None else ".")
    elif len(answer.table):
        looked = as_list([say_name(cut) for cut in answer.table["cut"] if "," not in cut and cut != "buying"][:8])
        text = f"Divided by {name}, the company's own choice: of {looked or 'all columns'}, none that fits this book tells "
        text += "more than chance about what customers buy, which deals are won or who stays."
    else:
        text = f"Divided by {name}, the company's own choice; what tells most is learned from teams of five or more."
    return markup.sentence(answer, text, *answer.measures)


def _say_told(row: Mapping[str, Any]) -> str:
    told = [f"{as_share(row[f'{name}_share'])} of {what}" for name, what in _OUTCOMES.items() if row[f"{name}_low"] > 0]
    return as_list(told) if told else "no more than chance about what they buy, which deals are won or who stays"


def _say_better(answer: Answer) -> str:
    """What would tell more, but does not divide every account of this book into groups to look at."""
    above = answer.table.iloc[: answer.notes["row"]]
    above = above[(above["told_share"] >= 1.25 * answer.table["told_share"].iloc[answer.notes["row"]]) & ~above["refused"].astype(bool)]
    pairs = above.loc[above["cut"].str.contains(","), "cut"]
    if len(pairs):
        return f". {say_name(pairs.iloc[0]).capitalize()} would tell more, in groups too small for this book."
    return ". How they bought before tells more, but only of customers." if (above["cut"] == "buying").any() else "."


def say_segments(answer: Answer) -> markup.Shown:
    """How many customers, lapsed customers and prospects, and which segment brings most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    n = {m.id: m.value for m in answer.measures}
    text = f"{as_count(n['customers'], 'customer')}, {n['lapsed']:,} lapsed and {as_count(n['prospects'], 'prospect')}"
    if answer.notes["leads_n"]:
        text += f", and {as_count(answer.notes['leads_n'], 'open lead')}"
    top = answer.table[answer.table["cut"] != "buying"].head(1)
    if len(top) and top["revenue_share"].notna().all() and top["revenue_share"].iloc[0] > 0:
        row = top.iloc[0]
        text += f"; {say_label(row['cut'], row['label'])} brings {as_share(row['revenue_share'])} of the year's revenue"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_segments(answer: Answer, currency: str, column: str | None = None) -> markup.Shown | None:
    """The segments of one column, and how customers have bought, with customers, prospects, leads and revenue."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table
    column = column if column is not None and (table["cut"] == column).any() else table["cut"].iloc[0]
    buying = table[(table["cut"] == "buying") & (table["label"] != "not stated") & (column != "buying")]
    chosen = table[table["cut"] == column]
    shown = pd.concat([chosen.head(10 - len(buying)), buying])
    names = [_BUYING.get(r.label, r.label) if r.cut == "buying" else r.label for r in shown.itertuples()]
    head = say_name(column)
    columns: dict[str, tuple[str, markup.Kind]] = {
        "segment": (head[0].upper() + head[1:], "text"),
        "customers_n": ("Customers", "count"),
        "lapsed_n": ("Lapsed", "count"),
        "prospects_n": ("Prospects", "count"),
        "leads_n": ("Open leads", "count"),
        "revenue_amount": (f"Revenue of a year, {currency}", "money"),
        "revenue_share": ("Share", cells.Bar("share")),
    }
    if shown["leads_n"].isna().all():
        del columns["leads_n"]
    few = f" The {10 - len(buying)} largest of {len(chosen)}." if len(chosen) > 10 - len(buying) else ""
    below = " Below: how customers have bought." if len(buying) else ""
    return markup.table(shown.assign(segment=names), columns, caption=f"Accounts by {say_name(column)}.{few}{below}")


# --- 1.2 --------------------------------------------------------------------------------------------------------------


def say_mix(answer: Answer) -> markup.Shown:
    """What sets one segment's buying apart the most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    if answer.notes["row"] is None:
        text = "The segments of this book buy much the same: none buys a product more often than the others by more than chance."
        return markup.sentence(answer, text, *answer.measures)
    row = answer.table.iloc[answer.notes["row"]]
    where = say_label(row["cut"], row["label"])
    text = f"{where[0].upper()}{where[1:]} buys {row['product']}"
    text += f" {_say_times(row)} as often as the others" if row["others_buyers_share"] else ", and none of the others does"
    text += f": {row['customers_n']:,} of its {as_count(row['label_n'], 'customer')}"
    text += f", {as_share(row['others_buyers_share'])} of the others." if row["others_buyers_share"] else "."
    return markup.sentence(answer, text, *answer.measures)


def _say_times(row: Mapping[str, Any]) -> str:
    """
    >>> _say_times({"lift": 2.0, "lift_low": 1.5, "lift_high": 3.0}), _say_times({"lift": math.nan})
    ('2.0 times (1.5–3.0)', '–')
    """
    if math.isnan(row["lift"]):
        return "–"
    high = f"{row['lift_high']:.1f}" if row["lift_high"] < 100 else "…"
    return f"{row['lift']:.1f} times ({row['lift_low']:.1f}–{high})"


def table_mix(answer: Answer, currency: str) -> markup.Shown | None:
    """Who buys what: differences beyond chance, the surest first; then what each segment spends most on."""
    if answer.withheld is not None:
        return None
    table = answer.table[(answer.table["label"] != "others") & (answer.table["label_n"] >= 5)]
    apart = table[table["apart"]].sort_values(["q_value", "cut", "label", "product"]).head(6)
    most = table[(table["cut"] == table["cut"].iloc[0]) & ~table.index.isin(apart.index)] if len(table) else table
    most = most.sort_values("amount", ascending=False, kind="stable").drop_duplicates("label").head(8 - len(apart))
    table = pd.concat([apart, most])
    rows = table.to_dict("records")
    table = table.assign(how=[_say_times(row) for row in rows], segment=[say_label(row["cut"], row["label"]) for row in rows])
    columns: dict[str, tuple[str, markup.Kind]] = {
        "segment": ("Segment", "text"),
        "product": ("Family" if answer.notes["family"] else "Product", "text"),
        "label_n": ("Buying customers", "count"),
        "buyers_share": ("Of them, buy it", cells.Range("low_share", "high_share", "others_buyers_share")),
        "how": ("Against the others", "text"),
        "amount": (f"Sales, {currency}", "money"),
        "share": ("Share of what it buys", "share"),
    }
    first = f"the first {len(apart)} differ from the others by more than chance" if len(apart) else "none differs by more than chance"
    caption = f"What segments buy, {answer.notes['period']}; {first}. Line: 95 % interval; stroke: customers of the others."
    return markup.table(table, columns, caption=caption)


def say_next_products(answer: Answer) -> markup.Shown:
    """What the likeliest next products are, how such proposals have fared, and what is bought together."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    notes, text = answer.notes, ""
    if notes["together"]:
        pair = notes["together"]
        text = f"Who buys “{pair['with_product']}” buys “{pair['product']}” {pair['lift']:.1f} times as often as customers at large. "
    top = answer.table.drop_duplicates("product").head(3)
    if top.empty:
        return markup.sentence(answer, text + "No customer of this book lacks a product that customers like it buy.", *answer.measures)
    named = [f"“{r.product}” for {r.account_name} ({as_share(r.chance_share)} of those who buy “{r.because}”)" for r in top.itertuples()]
    text += f"Likeliest next, by product: {as_list(named)}."
    if notes["better"] is False:
        text += " Looking back, such proposals came true no more often than the commonest product a customer lacked."
    return markup.sentence(answer, text, *answer.measures)


# --- 1.10 -------------------------------------------------------------------------------------------------------------


def say_season(answer: Answer) -> markup.Shown:
    """The strongest and the weakest month."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    table, years = answer.table.set_index("month"), answer.notes["years_n"]
    if table["team_index"].notna().all():
        high, low = table["team_index"].idxmax(), table["team_index"].idxmin()
        text = f"The team's customers buy most in {_say_month(table, high)}, least in {_say_month(table, low)}"
        if years:
            text += f"; this book's own {as_count(years, 'year')} stand beside it, and a single large order can make a month"
        return markup.sentence(answer, f"{text}.", *answer.measures)
    index = table["index"]
    high, low = index.idxmax(), index.idxmin()
    text = f"Most is bought in {_MONTHS[high - 1]} ({index[high]:.1f} times a mean month), "
    text += f"least in {_MONTHS[low - 1]} ({index[low]:.1f} times)"
    text += f"; read from {as_count(years, 'year')}" + (
        ", so a single large order can make a month." if years < 3 else "."
    )
    return markup.sentence(answer, text)


def _say_month(table: pd.DataFrame, month: int) -> str:
    row = table.loc[month]
    sure = f"; range {as_share(row['low']).removesuffix(' %')}–{as_share(row['high'])}" if row["high"] == row["high"] else ""
    return f"{_MONTHS[month - 1]} ({as_share(row['team_index'])} of a mean month{sure})"


def table_season(answer: Answer, column: str | None = None) -> markup.Shown | None:
    """Months from left to right: this book, the team, and the team's product families and segments, as shares of a mean month.

    column: whose segments are shown, where the team knows their season; else those of the first column that it knows.
    """
    if answer.withheld is not None:
        return None
    rows = []
    if answer.table["index"].notna().any():
        years = answer.notes["years_n"]
        rows.append([f"This book, {as_count(years, 'year')}", *answer.table["index"]])
    cuts = answer.notes["cuts"]
    if cuts is not None:
        order = ["all", "product", column]
        kinds = sorted(cuts["cut"].unique(), key=lambda cut: order.index(cut) if cut in order else len(order))
        for cut in kinds[:3]:
            part = cuts[cuts["cut"] == cut].head(1 if cut == "all" else 4)
            if cut != "all" and len(part) < 2:
                continue  # it is the team again
            rows += [["The team" if cut == "all" else row.pop("label"), *(row[m] for m in range(1, 13))] for row in part.to_dict("records")]
    names = [month[:3] for month in _MONTHS]
    table = pd.DataFrame(rows, columns=["who", *names]).round(2)
    top = max(1.5, min(float(table[names].max().max()), 2.5))
    columns: dict[str, tuple[str, markup.Kind]] = {"who": ("Who", "text")} | {m: (m, cells.Shade("share", top)) for m in names}
    return markup.table(table, columns, caption="Sales of each month against a mean month (100 %). The darker, the more.", limit=10)


def say_season_buyers(answer: Answer, currency: str) -> markup.Shown | None:
    """Who usually buys in the coming three months and has not yet, with month and amount; nothing where no such months are known."""
    if answer.withheld is not None:
        return None
    first, last = (_MONTHS[answer.notes["season"][k] - 1] for k in (0, -1))
    table = answer.table
    if table.empty:
        return markup.sentence(answer, f"No customer is known to buy from {first} to {last} and still due.", *answer.measures)
    named = [f"{r.account_name} ({_MONTHS[r.usual_month - 1]}, {as_money(r.usual_amount, currency)})" for r in table.head(4).itertuples()]
    text = f"{as_count(len(table), 'customer')} usually {'buys' if len(table) == 1 else 'buy'} from {first} to {last} and "
    text += f"{'has' if len(table) == 1 else 'have'} not yet, for {as_money(answer['season_amount'].value, currency)} in all: "
    text += as_list(named)
    text += ", and others behind the math" if len(table) > 4 else ""
    steady = answer.notes["all_year_n"]
    text += f"; {as_count(steady, 'more buys', 'more buy')} all year round" if steady else ""
    return markup.sentence(answer, f"{text}.", *answer.measures)
