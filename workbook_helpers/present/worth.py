"""What customers are worth, to look at: what each will bring, and who may leave."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_money, as_share


def table_saves(answer: Answer, currency: str) -> markup.Shown | None:
    """The three customers to save first, narrow enough for the first page."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {
        "account_name": ("Customer", "text"),
        "at_risk_amount": (f"At risk, {currency} a year", "money"),
        "why": ("Why", "text"),
        "last_date": ("Last purchase", "date"),
    }
    return markup.table(_add_reason(answer.table), columns, caption="Customers to save.", limit=3)


def table_at_risk(answer: Answer, currency: str) -> markup.Shown | None:
    """The customers that may leave, most money first, each with its sign and the chance that it still buys."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = _add_reason(answer.table)
    columns: dict[str, tuple[str, markup.Kind]] = {
        "account_name": ("Customer", "text"),
        "at_risk_amount": (f"At risk, {currency} a year", cells.Bar("money")),
        "alive_share": ("Chance that it still buys", "share"),
        "expected_amount": ("Expected in 12 months", "money"),
        "why": ("Why", "text"),
        "last_date": ("Last purchase", "date"),
    }
    if table["alive_share"].isna().all():
        del columns["alive_share"], columns["expected_amount"]
    return markup.table(table, columns, caption="Customers that may leave or buy less.", limit=10)


def _add_reason(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(why=[_say_sign(row) for row in table.itertuples()])


def _say_sign(row: Any) -> str:
    if row.sign == "falling":
        return f"bought {as_share(1 - row.revenue_amount / row.earlier_amount)} less than the year before"
    usual = f"; usually buys every {row.usual_gap_days:,.0f}" if row.usual_gap_days == row.usual_gap_days else ""
    return f"silent for {row.silence_days:,.0f} days{usual}"


def say_worth(answer: Answer, currency: str) -> markup.Shown:
    """What today's customers will bring, from what this is known, and how far it can be trusted."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    n, notes, expected = answer.notes["customers_n"], answer.notes, answer["expected_revenue"]
    if not n:
        text = "No customer of this book is expected to bring revenue in the next 12 months."
        return markup.sentence(answer, text + _say_once(notes), *answer.measures)
    many = f"Today's {n:,} customers are" if n > 1 else "The one customer of today is"
    text = f"{many} expected to bring {as_money(expected.value, currency)} of usual purchases in the next 12 months"
    if expected.low is not None:
        low, high = (say_number(v, "money", short=True) for v in (expected.low, expected.high))
        text += f" (four times in five {low} to {high})"
    text += f" and {as_money(answer['customer_value'].value, currency)} in three years"
    text += f" (each later year counts {as_share(notes['discount_share'])} less)"
    if notes["basis"] == "buying":
        risk, held = answer["revenue_at_risk"].value, notes["held"]
        text += f"; {as_money(risk, currency)} more in the 12 months if nobody who is silent has left. "
        span = "the last year" if held["held_days"] >= 365 else f"the last {held['held_days']:.0f} days"
        text += f"Checked on {span}, company-wide: {held['expected_n']:,.0f} purchases were expected, {held['actual_n']:,.0f} came"
        raised = held["factor"] - 1
        text += f"; half of what was missed in money is counted on ({100 * raised:+.0f} %)." if abs(raised) >= 0.005 else "."
    elif notes["basis"] == "contracts":
        renewed = f"then {as_share(notes['ratio'])} of their amount goes on" if notes["ratio"] < 1 else "are taken to go on"
        text += f": contracts run to their end, and {renewed}."
    else:
        ratio = notes["ratio"]
        again = f": last year's sales times {as_share(ratio)}, what the team's customers of a year before bought again. "
        text += ": as much as last year. " if ratio == 1 else again
        text += f"Nobody's chance of leaving is given: {notes['why']}."
    return markup.sentence(answer, text + _say_once(notes), *answer.measures)


def _say_once(notes: Any) -> str:
    n = notes["once_n"]
    return f" {as_count(n, 'customer')} who bought only once {'is' if n == 1 else 'are'} not in it." if n else ""
