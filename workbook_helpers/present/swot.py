"""Chapter 2 to look at: strengths, weaknesses, opportunities, threats, and the health of the pipeline."""

from __future__ import annotations

from itertools import compress

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer
from workbook_helpers.present import look, markup
from workbook_helpers.present.wording import as_count, as_money, as_share

#: A warning on open deals -> its words.
WARNINGS = {
    "overdue": "past their close date",
    "no_next_step": "without a next step",
    "untouched": "untouched for 30 days",
    "old": "older than won deals at that stage",
    "pushed": "pushed to a later date",
}


def _say_line(row: object, currency: str) -> str:
    """One line of the SWOT: '41 % of deals with industry Retail are won; the rest of the team 28 %; 63 deals; ...'."""
    if row.cut == "stage":
        text = f"{as_share(row.rate_share)} of deals that reach {row.label} go on"
    else:
        which = "all deals" if row.cut == "all" else f"deals with {row.cut.replace('_', ' ')} {row.label}"
        text = f"{as_share(row.rate_share)} of {which} are won"
    text += f"; the rest of the team {as_share(row.team_share)}; {as_count(row.cases_n, 'deal')}"
    if row.main_share > 0.5:
        text += f", {as_share(row.main_share)} of them with one account"
    if not np.isnan(row.amount) and abs(row.amount) >= 1:
        text += f"; {'worth' if row.amount > 0 else 'costs'} about {as_money(abs(row.amount), currency)} a year"
    return text + "."


def _say_lines(answer: Answer, currency: str, nothing: str) -> markup.Shown:
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    if answer.table.empty:
        n = answer.notes["tested_n"]
        tested = f"{as_count(n, 'comparison')} with the team {'was' if n == 1 else 'were'} made."
        return markup.sentence(answer, f"{nothing} {tested}")
    lines = [_say_line(row, currency) for row in answer.table.head(5).itertuples()]
    return markup.sentence(answer, " ".join(lines), *answer.measures[:5])


def say_strengths(answer: Answer, currency: str) -> markup.Shown:
    """Where this book wins more than the team, beyond chance."""
    return _say_lines(answer, currency, "No strength stands out beyond what chance explains.")


def say_weaknesses(answer: Answer, currency: str) -> markup.Shown:
    """Where this book wins less than the team, or leaks at a stage, beyond chance."""
    return _say_lines(answer, currency, "No weakness stands out beyond what chance explains.")


def table_evidence(evidence: pd.DataFrame, currency: str) -> markup.Shown | None:
    """Everything that was compared with the team, found or not; None where nothing could be compared."""
    if evidence.empty:
        return None
    where = [
        "all deals" if c == "all" else f"{c.replace('_', ' ')} {n}"
        for c, n in zip(evidence["cut"], evidence["label"], strict=True)
    ]
    table = evidence.assign(where=where, found=np.where(evidence["q_value"] <= 0.05, "yes", "may be chance"))
    columns = {
        "where": ("Compared", "text"),
        "cases_n": ("Deals", "count"),
        "rate_share": ("This book", "share"),
        "team_share": ("Rest of the team", "share"),
        "expected_share": ("To expect here", "share"),
        "amount": (f"Worth a year, {currency}", "money"),
        "found": ("Beyond chance", "text"),
    }
    return markup.table(table, columns, caption="All comparisons with the team, three years.", limit=12)


def say_untapped(answer: Answer, currency: str) -> markup.Shown:
    """Where most potential lies idle."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    idle = answer["idle_white_space"]
    if not idle.value:
        return markup.sentence(answer, "No account with known potential was left alone for a year.", idle)
    text = (
        f"{as_money(idle.value, currency)} a year of potential sits in {as_count(idle.n, 'account')} that nobody worked on lately"
    )
    if len(answer.table) and answer.table["idle_amount"].iloc[0] > 0:
        row = answer.table.iloc[0]
        text += (
            f"; most of it in {row['cut'].replace('_', ' ')} {row['label']} ({as_money(row['idle_amount'], currency)})"
        )
    return markup.sentence(answer, text + ".", idle)


def table_untapped(answer: Answer, currency: str) -> markup.Shown | None:
    """Segments by the potential that nobody works on."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(
        where=answer.table["cut"].str.replace("_", " ") + " " + answer.table["label"].astype(str)
    )
    columns = {
        "where": ("Segment", "text"),
        "accounts_n": ("Accounts", "count"),
        "idle_n": ("Left alone for a year", "count"),
        "idle_share": ("Share", "share"),
        "white_space_amount": (f"White space, {currency}", "money"),
        "idle_amount": (f"of it left alone, {currency}", "money"),
    }
    return markup.table(table, columns, caption="Potential against coverage.", limit=8)


def say_threats(answer: Answer, currency: str) -> markup.Shown:
    """The largest threat by money."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    row = answer.table.sort_values(["amount", "label"], ascending=[False, True]).iloc[0]
    words = {
        "loss reason": f"deals of {as_money(row['amount'], currency)} were lost to the reason {row['label']}",
        "rival": f"{row['label']} took deals of {as_money(row['amount'], currency)}",
        "customer leaving": f"{row['label']} may be leaving; {as_money(row['amount'], currency)} a year is at stake",
        "dependence": f"{row['label']} brings {as_money(row['amount'], currency)} a year, a fifth of the revenue or more",
    }
    return markup.sentence(answer, f"The largest threat in money: {words[row['threat']]}.")


def table_threats(answer: Answer, currency: str) -> markup.Shown | None:
    """What endangers success here."""
    if answer.withheld is not None:
        return None
    columns = {
        "threat": ("Threat", "text"),
        "label": ("Which", "text"),
        "n": ("Deals or accounts", "count"),
        "amount": (f"Money concerned, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption="Threats in the year's deals and sales.")


def _warned(answer: Answer) -> pd.DataFrame:
    """words, amount, n per warning that could be checked; most money first."""
    measures = [(words, answer[f"{name}_amount"]) for name, words in WARNINGS.items()]
    rows = [(words, m.value, m.n) for words, m in measures if m.value is not None]
    return pd.DataFrame(sorted(rows, key=lambda row: (-row[1], row[0])), columns=["words", "amount", "n"])


def _say_pipeline(answer: Answer) -> str:
    n, amount = answer["open_deals"].value, answer["open_amount"].value
    if not n:
        return "No deal is open"
    table = _warned(answer)
    if table.empty or not table["n"].iloc[0]:
        return "No open deal shows a warning that the data can tell"
    row = table.iloc[0]
    part = as_share(row["amount"] / amount) + " of the pipeline" if amount else f"{row['n']:,} of {n:,} open deals"
    return f"{part} is in deals {row['words']}" if amount else f"{part} are {row['words']}"


def say_pipeline(answer: Answer, currency: str) -> markup.Shown:
    """How much of the pipeline carries a warning, and what could not be checked."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    text = _say_pipeline(answer)
    if answer["open_deals"].value:
        n = answer["open_deals"].value
        text += f". {n:,} {'deal is' if n == 1 else 'deals are'} open, {as_money(answer['open_amount'].value, currency)}"
        text += f"; {answer.notes['healthy_n']:,} without a warning"
    unknown = [
        f"{words} ({answer[f'{k}_amount'].withheld})" for k, words in WARNINGS.items() if answer[f"{k}_amount"].withheld
    ]
    if unknown and answer["open_deals"].value:
        text += f". Not checked: {'; '.join(unknown)}"
    return markup.sentence(answer, text + ".", *answer.measures)


def chart_pipeline(answer: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Open money by warning; a deal may carry several."""
    if answer.withheld is not None or not answer["open_amount"].value:
        return None
    table = _warned(answer).iloc[::-1]
    if table.empty or not table["amount"].iloc[-1]:
        return None
    title = _say_pipeline(answer)
    axes = look.figure(
        title=title, subtitle=f"Open deals, n = {answer['open_deals'].value}; a deal may carry several warnings", ax=ax,
        alt=f"Bars of open money by warning. {title}.", height=1.3 + 0.3 * len(table),
    )  # fmt: skip
    rows = np.arange(len(table))
    axes.barh(rows, table["amount"], color=look.COLOURS["warn"])
    axes.set_yticks(rows, [f"{words} ({n:,.0f})" for words, n in zip(table["words"], table["n"], strict=True)])
    axes.axvline(
        answer["open_amount"].value, color=look.COLOURS["muted"], linestyle="--", linewidth=1, label="all open deals"
    )
    look.legend_below(axes)
    look.money_axis(axes.xaxis, currency, "Open amount")
    return axes


def table_pipeline(answer: Answer, accounts: pd.DataFrame | None, currency: str) -> markup.Shown | None:
    """The open deals with most warnings, largest first. accounts: account_id, account_name."""
    if answer.withheld is not None or answer.table.empty:
        return None
    names = {} if accounts is None else dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    shown = answer.table[answer.table["warnings_n"] > 0]
    said = ["; ".join(compress(WARNINGS.values(), row)) for row in shown[list(WARNINGS)].eq(1).to_numpy()]
    shown = shown.assign(warnings=said, account=[names.get(i, i) for i in shown["account_id"]])
    columns = {
        "opportunity_id": ("Deal", "text"),
        "account": ("Account", "text"),
        "stage": ("Stage", "text"),
        "amount": (f"Amount, {currency}", "money"),
        "close_date": ("Expected close", "date"),
        "warnings": ("Warnings", "text"),
    }
    return markup.table(shown, columns, caption="Open deals with warnings.", limit=10) if len(shown) else None


def say_questions(strengths: Answer, weaknesses: Answer, pipeline: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = ["Which of these lines do you accept, which not, and what is missing?"]
    for answer, words in (
        (strengths, "What do you do in {} that others could learn?"),
        (weaknesses, "What stands behind {}?"),
    ):
        if answer.withheld is None and len(answer.table):
            row = answer.table.iloc[0]
            lines.append(words.format("all deals" if row["cut"] == "all" else row["label"]))
    warned = pipeline.table if pipeline.withheld is None else pipeline.table.head(0)
    if len(warned) and warned["warnings_n"].iloc[0] > 0:
        lines.append(f"Deal {warned['opportunity_id'].iloc[0]}: what is the next step, with whom, and on which day?")
    lines += [
        "What are you known for among your customers?",
        "Who takes deals from you, and how do you notice it early?",
    ]
    return markup.paragraphs(lines[:3])
