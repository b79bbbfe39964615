"""Chapter 3 to look at: the market, how far we are in, and which prospects to open."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer
from workbook_helpers.present import look, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share


def say_market(answer: Answer, currency: str) -> markup.Shown:
    """How big the market of this book is, and how much of it we know."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    known, spend = answer["known_share"], answer["market_spend"]
    text = (
        f"The book knows {as_share(known.value)} of the establishments in its areas"
        if known.value is not None
        else "The market is known by area"
    )
    if spend.value is not None:
        text += f"; they spend {as_money(spend.value, currency)} a year"
    row = answer.table.iloc[0]
    unknown = row["establishments_n"] - row["accounts_n"]
    if unknown > 0:
        place = " / ".join(str(row[c]) for c in ("area", "industry") if c in answer.table)
        text += f". Most that we do not know are in {place}: {unknown:,.0f}"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_market(answer: Answer, currency: str) -> markup.Shown | None:
    """Areas with their establishments beside our accounts there."""
    if answer.withheld is not None:
        return None
    columns = {
        "area": ("Area", "text"),
        "industry": ("Industry", "text"),
        "establishments_n": ("Establishments", "count"),
        "accounts_n": ("Our accounts", "count"),
        "customers_n": ("Customers", "count"),
        "known_share": ("Known", "share"),
        "spend": (f"Spend, {currency}", "money"),
    }
    columns = {name: title for name, title in columns.items() if name in answer.table}
    return markup.table(answer.table, columns, caption="The market beside the book, most unknown first.", limit=10)


def say_drivers(answer: Answer, currency: str) -> markup.Shown:
    """Which trait goes with the widest difference in spend."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    rows = answer.table[answer.table["cut"] == answer.table["cut"].iloc[0]]
    high, low = rows.iloc[0], rows.iloc[-1]
    text = f"Spend differs most by {high['cut'].replace('_', ' ')}: the middle customer of {high['label']} buys for "
    text += f"{as_money(high['median_amount'], currency)} a year, of {low['label']} for "
    text += f"{as_money(low['median_amount'], currency)}. This shows what goes together, not what causes it."
    return markup.sentence(answer, text)


def table_drivers(answer: Answer, currency: str) -> markup.Shown | None:
    """The middle customer's spend by trait."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(
        trait=answer.table["cut"].str.replace("_", " ") + " " + answer.table["label"].astype(str)
    )
    columns = {
        "trait": ("Trait", "text"),
        "customers_n": ("Customers", "count"),
        "median_amount": (f"Middle customer a year, {currency}", "money"),
        "times": ("Times the middle of all", "ratio"),
    }
    return markup.table(table, columns, caption="What goes with spend.", limit=10)


def _say_penetration(answer: Answer, currency: str) -> str:
    space, wallet = answer["white_space"], answer["share_of_wallet"]
    text = f"{as_money(space.value, currency)} a year of potential is not sold yet"
    if wallet.value is not None:
        text += f"; customers give us {as_share(wallet.value)} of theirs"
    return text


def say_penetration(answer: Answer, currency: str) -> markup.Shown:
    """How much potential is not sold yet, and the share of accounts and wallets that we have."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = _say_penetration(answer, currency)
    penetration = answer["penetration"]
    if penetration.value is not None:
        text += f". {as_share(penetration.value)} of the accounts are customers"
    if answer.notes["unknown_n"]:
        text += f"; the potential of {as_count(answer.notes['unknown_n'], 'account')} is not known"
    return markup.sentence(answer, text + ".", *answer.measures)


def chart_white_space(answer: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """The accounts with most white space: what they buy, and what comparable customers buy beyond."""
    if answer.withheld is not None or not answer["white_space"].value:
        return None
    top = answer.table[answer.table["white_space_amount"] > 0].head(10).iloc[::-1]
    title = f"{as_money(answer['white_space'].value, currency)} a year of potential is not sold yet"
    axes = look.figure(
        title=title, subtitle=f"Last 365 days; the {len(top)} with most white space of n = {len(answer.table)}",
        alt=f"Stacked bars of sales and white space by account. {title}.", height=1.1 + 0.28 * len(top), ax=ax,
    )  # fmt: skip
    rows, sold = np.arange(len(top)), top["revenue_amount"].clip(lower=0)
    axes.barh(rows, sold, color=look.COLOURS["own"], label="bought from us")
    axes.barh(rows, top["white_space_amount"], left=sold, color=look.COLOURS["warn"], alpha=0.55, label="white space")
    names = [f"{look.shorten(r.account_name)} ({r.status})" for r in top.itertuples()]
    axes.set_yticks(rows, names)
    look.legend_below(axes)
    look.money_axis(axes.xaxis, currency, "A year")
    return axes


def table_white_space(answer: Answer, currency: str) -> markup.Shown | None:
    """Accounts by white space, with those they are compared with."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {
        "account_name": ("Account", "text"),
        "status": ("Status", "text"),
        "revenue_amount": (f"Bought, {currency}", "money"),
        "potential_amount": (f"Potential, {currency}", "money"),
        "wallet_share": ("Share of wallet", "share"),
        "white_space_amount": (f"White space, {currency}", "money"),
        "peers": ("Compared with", "text"),
        "last_touch_date": ("Last touch", "date"),
    }
    return markup.table(answer.table, columns, caption="White space by account.", limit=10)


def say_missing_products(answer: Answer) -> markup.Shown:
    """How many customers lack what most others buy."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    most = answer.table[answer.table["buyers_share"] >= 0.5]
    if most.empty:
        return markup.sentence(answer, "No product is bought by half of the customers and missing at another.")
    row = most.groupby("product").size().sort_index().sort_values(ascending=False, kind="stable")
    share = most.loc[most["product"] == row.index[0], "buyers_share"].iloc[0]
    n = int(row.iloc[0])
    text = f"{n:,} {'customer does' if n == 1 else 'customers do'} not buy {row.index[0]}"
    return markup.sentence(answer, f"{text}, which {as_share(share)} of the customers buy.")


def table_missing_products(answer: Answer, currency: str) -> markup.Shown | None:
    """The product to offer next, by customer."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {
        "account_name": ("Customer", "text"),
        "product": ("Does not buy yet", "text"),
        "buyers_share": ("Customers who do", "share"),
        "revenue_amount": (f"Buys a year, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption="What customers do not buy yet.", limit=10)


def say_targets(answer: Answer) -> markup.Shown:
    """What the best customers have in common, and the prospect to open first."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    row = answer.table.iloc[0]
    text = f"Open {row['account_name']} first"
    if row["why"]:
        text += f": {row['why']}"
    profile = answer.notes["profile"]
    text += (
        f". The best customers stand out by {as_list(profile)}"
        if profile
        else ". No trait sets the best customers apart yet"
    )
    if answer.notes["in_work_n"]:
        n = answer.notes["in_work_n"]
        text += f". {as_count(n, 'prospect')} with an open deal {'is' if n == 1 else 'are'} left out"
    return markup.sentence(answer, text + ".")


def table_targets(answer: Answer, currency: str, limit: int = 3) -> markup.Shown | None:
    """The prospects to open first, and why."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(why=[_say_why(row) for row in answer.table.itertuples()])
    columns = {
        "account_name": ("Prospect", "text"),
        "potential_amount": (f"Potential a year, {currency}", "money"),
        "why": ("Why", "text"),
        "last_touch_date": ("Last touch", "date"),
    }
    return markup.table(table, columns, caption="Prospects to open.", limit=limit)


def _say_why(row: object) -> str:
    parts = [row.why] if row.why else ["no trait sets it apart"]
    if isinstance(row.sister, str):
        parts.append(f"same parent as customer {row.sister}")
    if row.accounts_n > 1:
        parts.append(f"{row.accounts_n:,} accounts of one parent")
    return "; ".join(parts)


def say_leads(answer: Answer) -> markup.Shown:
    """How qualified and other leads convert."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    rows = answer.table.set_index("label")
    good, rest = rows.loc["qualified"], rows.loc["not qualified"]
    text = f"{good['leads_n']:,.0f} of {good['leads_n'] + rest['leads_n']:,.0f} leads are qualified"
    if not np.isnan(good["converted_share"]) and not np.isnan(rest["converted_share"]):
        text += (
            f"; {as_share(good['converted_share'])} of them converted, {as_share(rest['converted_share'])} of the others"
        )
    return markup.sentence(answer, text + ".")


def table_leads(answer: Answer) -> markup.Shown | None:
    """Qualified leads beside the others."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": ("Leads", "text"),
        "leads_n": ("Number", "count"),
        "converted_n": ("Converted", "count"),
        "converted_share": ("Share", "share"),
        "low_share": ("95 % from", "share"),
        "high_share": ("to", "share"),
    }
    return markup.table(answer.table, columns, caption="Qualified: wants it, uses it well, has a date to act by.")


def say_size(answer: Answer, currency: str) -> markup.Shown:
    """How big the market is, by each way that could be gone."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    ways = "; ".join(f"{r.way}, {as_money(r.amount, currency)}" for r in answer.table.itertuples())
    text = f"The market in a year, {ways}."
    if len(answer.table) > 1:
        text += (
            f" The ways differ {answer.notes['spread']:.1f}-fold: which part you can serve and win is for you to say."
        )
    return markup.sentence(answer, text)


def say_questions(penetration: Answer, targets: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = []
    if penetration.withheld is None and len(penetration.table) and penetration.table["white_space_amount"].iloc[0] > 0:
        lines.append(f"What does {penetration.table['account_name'].iloc[0]} buy elsewhere, and from whom?")
    if targets.withheld is None:
        lines.append(
            f"Who can open the door at {targets.table['account_name'].iloc[0]}, and with which reason to talk?"
        )
    lines += ["Which customers should we leave to others?",
              "What does this market want now that it did not want a year ago?",
              "Which kind of customer is missing from the list?"]  # fmt: skip
    return markup.paragraphs(lines[:3])
