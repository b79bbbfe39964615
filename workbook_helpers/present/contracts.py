"""The contracts of chapter 1 to look at: what recurs, what of it was kept, and which contracts end next."""

from __future__ import annotations

from workbook_helpers.measure import Answer, say_date
from workbook_helpers.present import markup
from workbook_helpers.present.wording import as_count, as_money, as_share, say_cut


def table_renewals(answer: Answer, currency: str, limit: int = 3) -> markup.Shown | None:
    """The contracts to keep first: those that end next, undecided."""
    if answer.withheld is not None or answer.table.empty:
        return None
    states = [f"open at {row.stage}" if isinstance(row.stage, str) else "no open deal" for row in answer.table.itertuples()]
    columns = {
        "account_name": ("Customer", "text"),
        "amount": (f"Contract, {currency} a year", "money"),
        "end_date": ("Ends", "date"),
        "state": ("Renewal", "text"),
        "last_touch_date": ("Last touch", "date"),
    }
    return markup.table(answer.table.assign(state=states), columns, caption="Contracts to renew.", limit=limit)


def say_renewals(answer: Answer, currency: str) -> markup.Shown:
    """How much ends soon, and how many contracts nobody works on."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    until, due = say_date(answer.notes["until"]), answer["renewals_due_amount"]
    if answer.table.empty:
        text = f"No undecided contract of this book ends by {until}."
    else:
        ends = "ends" if len(answer.table) == 1 else "end"
        text = f"{as_count(len(answer.table), 'undecided contract')} of {as_money(due.value, currency)} a year {ends} by {until}"
        idle = answer.notes["no_deal_n"]
        text += f"; {idle:,} of them {'has' if idle == 1 else 'have'} no open renewal deal." if idle else "; each has an open renewal deal."
    return markup.sentence(answer, text, *answer.measures)


def table_recurring(answer: Answer, currency: str) -> markup.Shown | None:
    """What became of what recurred a year ago, by segment."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(who=["all customers" if r.cut == "all" else say_cut(r.cut, r.label) for r in answer.table.itertuples()])
    columns = {
        "who": ("Customers of a year ago", "text"),
        "accounts_n": ("Customers", "count"),
        "left_n": ("of them without a contract now", "count"),
        "then_amount": (f"Then, {currency} a year", "money"),
        "now_amount": (f"Now, {currency} a year", "money"),
        "gross_share": ("Kept (gross)", "share"),
        "net_share": ("With growth (net)", "share"),
    }
    return markup.table(table, columns, caption="Contracts of a year ago, then and now.", limit=15)


def say_recurring(answer: Answer, currency: str) -> markup.Shown:
    """What recurs now, and gross and net retention."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    recurring = answer["recurring_amount"]
    text = f"{as_money(recurring.value, currency)} a year recurs under contract" if recurring.n else "No contract runs on this day"
    gross, net = answer["gross_retention"].value, answer["net_retention"].value
    if gross is not None:
        text += f". Of what recurred a year ago {as_share(gross)} is kept; with what these customers added it is {as_share(net)}"
    return markup.sentence(answer, text + ".", *answer.measures)
