"""Chapter 1 to look at: segments, what and why they buy, conversion, who carries the book and who may leave."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import look, markup
from workbook_helpers.present.deals import has_leak
from workbook_helpers.present.wording import as_count, as_money, as_share


def _say_concentration(answer: Answer) -> str:
    n, named = answer["active_customers"].value, answer.notes["named_n"]
    if not n:
        return "No customer bought in the year"
    if n < 5:
        return f"All revenue of the year comes from {as_count(n, 'customer')}"
    top = answer["top_account_share"].value
    if top >= 0.3:
        return f"{as_share(top)} of revenue comes from one customer, {answer.table['account_name'].iloc[0]}"
    return f"{named:,} of {n:,} customers bring 80 % of revenue"


def say_concentration(answer: Answer) -> markup.Shown:
    """How few customers carry the book."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = _say_concentration(answer)
    if answer["active_customers"].value >= 5:
        top, five = answer["top_account_share"].value, as_share(answer.notes["top_five_share"])
        text += f"; the top five {five}" if top >= 0.3 else f"; the largest {as_share(top)}, the top five {five}"
    if answer.notes["unnamed_amount"]:
        unnamed = say_number(answer.notes["unnamed_amount"], "money")
        text += f". Sales of {unnamed} name no account and are not in these shares"
    return markup.sentence(answer, text + ".", *answer.measures)


def say_origin(answer: Answer, currency: str) -> markup.Shown:
    """Inherited and created business, and what crossed the border of the book."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    by = answer.table.set_index("origin")
    inherited_n, created_n = (int(by.at[origin, "customers_n"]) for origin in ("inherited", "created"))
    others, elsewhere = answer.notes["others_amount"], answer.notes["elsewhere_amount"]
    if not inherited_n and not created_n:
        text = "This book's accounts bought nothing in the year."
    elif not inherited_n:
        text = "No customer of the year is inherited: as far back as the sales go, this book sold to each of them first."
    else:
        inherited, created = (as_money(by.at[origin, "amount"], currency) for origin in ("inherited", "created"))
        text = f"Inherited and created: {inherited} of the year came from {as_count(inherited_n, 'customer')} that somebody else"
        text += f" sold to first, {created} from {created_n:,} that this book opened."
    if others:
        text += f" Of what the accounts bought in the year, somebody else sold {as_money(others, currency)}."
    if elsewhere:
        text += f" Sales of {as_money(elsewhere, currency)} went to accounts that are not in this book now."
    return markup.sentence(answer, text, *answer.measures)


def chart_concentration(answer: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """The largest customers by name, as bars, with the share they reach together."""
    if answer.withheld is not None or answer.table.empty:
        return None
    top = answer.table.head(12).iloc[::-1]
    title = _say_concentration(answer)
    axes = look.figure(
        title=title, subtitle=f"{answer.notes['period']}, n = {len(answer.table)} customers; with running share",
        height=0.9 + 0.26 * len(top), ax=ax,
        alt=f"Bars of the {len(top)} largest customers. {title}.",
    )  # fmt: skip
    inside = top["running_share"] - top["share"] < 0.8 - 1e-9
    colours = np.where(inside, look.COLOURS["own"], look.COLOURS["team"])
    rows = np.arange(len(top))
    axes.barh(rows, top["amount"], color=colours)
    axes.set_yticks(rows, [look.shorten(name) for name in top["account_name"]])
    for row, (amount, share) in enumerate(zip(top["amount"], top["running_share"], strict=True)):
        axes.annotate(f" {as_share(share)}", (amount, row), va="center", fontsize=8, color=look.COLOURS["muted"])
    axes.margins(x=0.12)
    look.money_axis(axes.xaxis, currency, "Sales of a year")
    return axes


def say_retention(answer: Answer, currency: str) -> markup.Shown:
    """How much is at stake with customers that fall silent or buy less."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    same = answer["same_customer_sales"]
    if answer.table.empty:
        text = "No customer is silent for long against its own rhythm or buys clearly less than the year before"
        if not answer.notes["customers_n"]:
            text = "The book has no customer who bought lately, so there is none to save"
    else:
        stake = as_money(answer["at_stake_amount"].value, currency)
        known = as_count(answer.notes["customers_n"], "customer")
        verbs = "has gone silent or buys" if len(answer.table) == 1 else "have gone silent or buy"
        text = f"{len(answer.table):,} of {known} {verbs} clearly less; {stake} a year is at stake"
    if same.value is not None:
        text += f". Those who bought a year before bought {as_share(same.value)} of that this year"
    return markup.sentence(answer, text + ".", *answer.measures)


def table_saves(answer: Answer, currency: str, limit: int = 3) -> markup.Shown | None:
    """The customers to save first: what is at stake, and the sign of it."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(why=[_say_sign(row) for row in answer.table.itertuples()])
    columns = {
        "account_name": ("Customer", "text"),
        "at_stake_amount": (f"At stake, {currency} a year", "money"),
        "why": ("Why", "text"),
        "last_date": ("Last purchase", "date"),
    }
    return markup.table(table, columns, caption="Customers to save.", limit=limit)


def _say_sign(row: object) -> str:
    if row.sign == "silent":
        return f"silent for {row.silence_days:,.0f} days; usually buys every {row.usual_gap_days:,.0f}"
    return f"bought {as_share(1 - row.revenue_amount / row.earlier_amount)} less than the year before"


def say_questions(stages: Answer, concentration: Answer, retention: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = ["Which deal did you win for a reason that the data does not show? What did the customer say?"]
    leak = stages.notes["leak"] if has_leak(stages) else None
    lines.append(f"What happens at {leak}, and what would you do differently there?" if leak else
                 "At which step do deals drop, and how do you notice?")  # fmt: skip
    if retention.withheld is None and len(retention.table):
        lines.append(
            f"When did you last speak with {retention.table['account_name'].iloc[0]}, and what has changed there?"
        )
    elif concentration.withheld is None and len(concentration.table):
        lines.append(f"What would the year look like without {concentration.table['account_name'].iloc[0]}?")
    else:
        lines.append("Who could be the first five customers of this book, and why them?")
    return markup.paragraphs(lines)
