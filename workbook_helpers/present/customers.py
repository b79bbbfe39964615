"""Chapter 1 to look at: segments, what and why they buy, conversion, who carries the book and who may leave."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_date, say_number
from workbook_helpers.present import cells, look, markup
from workbook_helpers.present.deals import has_leak
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share


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


_MOVES = {"stays": "last year and next", "enters": "next year", "leaves": "last year", "gone": "last year; not in this book now", "": ""}


def table_few(answer: Answer, currency: str, limit: int = 10) -> markup.Shown | None:
    """The largest customers of the year, and what they are expected to bring."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {
        "account_name": ("Customer", "text"),
        "amount": (f"Last 365 days, {currency}", cells.Bar("money")),
        "running_share": ("Running share", "share"),
        "expected_amount": ("Next 12 months, expected", "money"),
        "among": ("Among the few that yield 80 %", "text"),
    }
    top = float(answer.table["high_amount"].astype(float).fillna(0.0).max())
    if answer.table["expected_amount"].isna().all():
        del columns["expected_amount"], columns["among"]
    elif top:
        drawn = cells.Range("low_amount", "high_amount", unit="money", top=top)
        columns["expected_amount"] = ("Next 12 months, expected; line: four cases in five", drawn)
    table = answer.table.assign(among=answer.table["move"].map(_MOVES))
    return markup.table(table, columns, caption="The largest customers, last year and next.", limit=limit)


def say_few(answer: Answer) -> markup.Shown | None:
    """How many will carry the book, and who joins or leaves them; nothing where nobody can say."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    notes = answer.notes
    if notes["expected_named_n"] is None:
        return None
    text = f"Of the next 12 months {notes['expected_named_n']:,} of today's customers should bring 80 %"
    text += f"; last year's few should bring {as_share(notes['expected_share'])} of it."
    for names, one, many in ((notes["entering"], "joins", "join"), (notes["leaving"], "drops out", "drop out")):
        if names:
            rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
            listed = ", ".join(names[:3]) + rest if rest else as_list(names)
            text += f" {listed} {one if len(names) == 1 else many}."
    if notes["gone_n"]:
        text += f" {notes['gone_n']:,} of last year's few {'is' if notes['gone_n'] == 1 else 'are'} not in this book now."
    return markup.sentence(answer, text, *answer.measures)


def say_plan_accounts(answer: Answer, currency: str) -> markup.Shown:
    """Which few customers this year's plan leans on."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    table, named, goal = answer.table, answer.notes["named_n"], answer.notes["goal_amount"]
    if table.empty:
        return markup.sentence(answer, "This year's plan leans on nobody yet: nothing is booked or in sight with a named customer.")
    text = f"This year's plan leans on {as_count(named, 'customer')}: 80 % of the {as_money(answer.notes['amount'], currency)} booked or"
    text += f" in sight for the year stands there, most with {table['account_name'].iloc[0]} ({as_share(table['share'].iloc[0])})"
    if goal:
        text += f". The goal is {as_money(goal, currency)}"
    coming = float(table["coming_amount"].head(named).sum())
    text += f"; {as_money(coming, currency)} of theirs is still to come." if coming > 0 else "; nothing of theirs is still to come."
    return markup.sentence(answer, text, *answer.measures)


def table_cohorts(answer: Answer) -> markup.Shown | None:
    """Customers by their first year, and the share still there in each year after it."""
    if answer.withheld is not None or answer.table.empty:
        return None
    years = [c for c in answer.table if c.startswith("share_") and answer.table[c].notna().any()]
    since = [f"{say_date(row.start_date)} to {say_date(row.end_date)}" for row in answer.table.itertuples()]
    columns = {"since": ("First seen", "text"), "customers_n": ("Customers", "count")}
    for name in years:
        n = int(name.removeprefix("share_"))
        columns[name] = (f"Still there {as_count(n, 'year')} later", cells.Shade("share", top=1.0))
    columns["kept_share"] = ("Last year's money against their first", "share")
    return markup.table(answer.table.assign(since=since), columns, caption="How long customers stay.", limit=6)


def say_cohorts(answer: Answer) -> markup.Shown:
    """What share of new customers is still there a year later."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    later = answer.table.dropna(subset="share_1")
    oldest = later.iloc[0]
    text = f"Of the customers first seen up to {say_date(oldest['end_date'])}, {as_share(oldest['share_1'])} were there a year later"
    if len(later) > 1:
        latest = later.iloc[-1]
        text += f"; of those first seen in the year to {say_date(latest['end_date'])}, {as_share(latest['share_1'])}"
    return markup.sentence(answer, text + ".")


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
