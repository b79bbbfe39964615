"""Chapter 2 to look at: strengths, weaknesses, opportunities, threats, and the health of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.plan import Plan
from workbook_helpers.present import cells, markup
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share, say_cut
from workbook_helpers.statistics import FALSE_DISCOVERY
from workbook_helpers.steps.swot import ONE_ACCOUNT_SHARE

#: A warning on open deals -> its words.
WARNINGS = {
    "overdue": "past their close date",
    "no_next_step": "without a next step",
    "untouched": "untouched for 30 days",
    "old": "older than won deals at that stage",
    "pushed": "pushed to a later date",
}


#: A measure -> what is said of a rep's figure, its unit, and what its cases are called.
MEASURES = {
    "win_rate": ("wins {own} of {which} where the team wins {team}", "share", "deal"),
    "stage_conversion": ("{own} of deals that reach {label} go on where the team has {team}", "share", "deal"),
    "kept_customers": ("keeps {own} of customers{where} for another year where the team keeps {team}", "share", "customer"),
    "won_deal_amount": ("a typical won deal{where} is worth {own} where the team's is {team}", "money", "account"),
    "cycle_days": ("a won deal{where} typically takes {own} days where the team's takes {team}", "days", "account"),
    "discount_share": ("gives {own} discount on won deals{where} where the team gives {team}", "share", "account"),
    "families": ("customers{where} buy from {own} product families where the team's buy from {team}", "ratio", "customer"),
}
#: A kind of move -> how it is said.
_MOVES = {
    "grow": "Take what works {inside} to {names}",
    "first": "Begin with {names}: they lie outside {inside_short}, where results are weaker",
    "help": "Prepare {names} with a colleague: {weak}",
    "use": "In {names}, where {outside} is named, lead with what works {inside}",
    "visit": "See {names} first: they may be leaving",
    "broaden": "Grow {names}, so that one customer carries less",
    "settle": "Settle next step and date of {names}",
}
_PAIRS = {"so": "Strength × opportunity", "st": "Strength × threat", "wo": "Weakness × opportunity", "wt": "Weakness × threat"}
_VERDICTS = {"open": "not judged yet", "accepted": "accepted", "edited": "edited", "rejected": "rejected"}
_MARKS = {"changed": "evidence has changed since", "not shown": "the data do not show it today"}


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _say_figure(value: float, unit: str, currency: str) -> str:
    return as_money(value, currency) if unit == "money" else say_number(value, unit)


def _say_evidence(row: Any, currency: str) -> str:
    """One line of evidence: 'Wins 41 % of deals with industry Retail where the rest of the team wins 28 %; 63 deals; ...'."""
    words, unit, case = MEASURES[row.measure]
    where = "" if row.cut == "all" else f" with {say_cut(row.cut, row.label)}"
    values = {"own": _say_figure(row.own_value, unit, currency), "team": _say_figure(row.team_value, unit, currency)}
    text = words.format(which="all deals" if row.cut == "all" else f"deals{where}", where=where, label=row.label, **values)
    text += f"; {as_count(row.cases_n, case)}"
    if not np.isnan(row.amount) and abs(row.amount) >= 1:
        text += f"; {'worth' if row.better else 'costs'} about {as_money(abs(row.amount), currency)} a year"
    return _start(text) + "."


def _say_names(names: Sequence[str], n: int) -> str:
    return ", ".join(names) + (f" and {n - len(names):,} more" if n > len(names) else "")


def _say_opportunity(row: Any, currency: str) -> str:
    names = _say_names(row.names, int(row.n))
    where, money = say_cut(row.cut, row.label), as_money(row.amount, currency)
    if row.kind == "coverage":
        text = f"{where} holds {as_share(row.share)} of the potential and gets {as_share(row.other_share)} of the touches"
        return _start(f"{text}; {money} a year not sold yet: {names}.")
    if row.kind == "growth":
        text = f"{where} grew by {as_share(row.share)} in the team in a year, everything else by {as_share(row.other_share)}"
        return _start(f"{text}; {money} a year not sold yet here: {names}.")
    place = "" if row.cut == "all" else f" with {where}"
    alone = "left alone" if row.kind == "idle" else "without a purchase"
    return _start(f"{as_count(row.n, 'account')}{place} {alone} for a year, {money} a year not sold yet: {names}.")


def _say_threat(row: Any, currency: str) -> str:
    money, names = as_money(row.amount, currency), _say_names(row.names, int(row.n))
    if row.kind in ("rival", "loss reason"):
        base = "lost deals" if row.lost_only else "deals"
        met = f"{row.label} is {'named' if row.kind == 'rival' else 'the reason'} on {as_share(row.share)} of {base}"
        met += f", the rest of the team has {as_share(row.other_share)}"
        met += f"; most of them in {row.where}" if row.where else ""
        if row.lost_only:
            noted = "; noted on lost deals only, so it says how often, not how strong" if row.kind == "rival" else ""
            return f"{met}{noted}; about {money} lost a year beyond that."
        met += f"; {as_share(row.won_share)} of these {as_count(row.n, 'deal')} won, {as_share(row.others_share)} against others"
        return f"{met}; costs about {money} a year."
    if row.kind == "dependence":
        return f"{row.names[0]} brings {as_share(row.share)} of the year's revenue, {money}."
    if row.kind == "slipping":
        return f"{as_count(row.n, 'open deal')} past the close date or pushed to a later one, {money}: {names}."
    which = "fell silent against its usual rhythm" if row.kind == "silent" else "buys less than the year before"
    many = "fell silent against their usual rhythm" if row.kind == "silent" else "buy less than the year before"
    return f"{as_count(row.n, 'customer')} {which if row.n == 1 else many}, {money} a year at stake: {names}."


_SAY = {"2.1": _say_evidence, "2.2": _say_evidence, "2.3": _say_opportunity, "2.4": _say_threat}
_NOTHING = {
    "2.1": "No strength stands out beyond what chance explains.", "2.2": "No weakness stands out beyond what chance explains.",
    "2.3": "No opportunity stands out: no account with known potential was left alone, and no segment gets fewer touches than its share.",
    "2.4": "No threat stands out: no rival beyond chance, no customer leaving, no large dependence, no slipping deals.",
}  # fmt: skip
_NAMED = {"2.1": ("strength", "strengths"), "2.2": ("weakness", "weaknesses"), "2.3": ("opportunity", "opportunities"),
          "2.4": ("threat", "threats")}  # fmt: skip


def table_lines(judged: Answer, currency: str) -> markup.Shown | None:
    """The lines of one quadrant, most money first, with the id of their evidence and the rep's verdict. judged: ``swot.judge_lines``."""
    if judged.table.empty:
        return None
    say = _SAY[judged.question]
    table = judged.table.assign(
        line=[row.said or say(row, currency) for row in judged.table.itertuples()],
        answer=[_say_verdict(row) for row in judged.table.itertuples()],
        money=[abs(amount) for amount in judged.table.reindex(columns=["amount"])["amount"].astype(float)],
    )
    columns = {
        "line": (_start(_NAMED[judged.question][0]), "text"),
        "money": (f"A year, {currency}" if judged.question in ("2.1", "2.2") else f"Money, {currency}", cells.Bar("money")),
        "answer": ("The rep says", "text"),
        "evidence": ("Evidence", "text"),
    }
    if table["money"].isna().all():
        del columns["money"]
    return markup.table(table, columns, caption="Most money first.", limit=10)


def _say_verdict(row: Any) -> str:
    said = "own line, " * (row.origin == "rep") + _VERDICTS[row.verdict]
    return f"{said}; {_MARKS[row.mark]}" if row.mark else said


def say_lines(judged: Answer, lines: Answer, currency: str) -> markup.Shown:
    """How many lines stand, the largest first; what the rep rejected; the measures behind "see the math".

    judged: ``swot.judge_lines`` of lines.
    """
    if lines.withheld is not None and judged.table.empty:
        return markup.sentence(lines, None)
    text = _count_lines(lines, currency) if lines.withheld is None else f"Only the rep's own lines: {lines.withheld}."
    if judged.notes["rejected"]:
        text += f" Rejected by the rep: {'; '.join(judged.notes['rejected'])}."
    return markup.sentence(Answer(lines.question), text, *lines.measures[:6])


def _count_lines(lines: Answer, currency: str) -> str:
    n, found, (one, many) = lines.notes["tested_n"], len(lines.table), _NAMED[lines.question]
    tested, of_one = f"{as_count(n, 'comparison')} with the team {'was' if n == 1 else 'were'} made.", lines.notes.get("of_one_n", 0)
    left_out = f" {of_one:,} more {'rests' if of_one == 1 else 'rest'} mostly on one account." if of_one else ""
    if not found:
        return f"{_NOTHING[lines.question]} {tested}{left_out}" if n else _NOTHING[lines.question]
    money = lines.table["amount"].abs().max()
    largest = "" if np.isnan(money) else f"; the largest is about {as_money(money, currency)}"
    if lines.question in ("2.1", "2.2"):
        stand = f"{found:,} of {as_count(n, 'comparison')} with the team {'shows' if found == 1 else 'show'} a {one} beyond chance"
        return f"{stand}{largest}{' a year' * bool(largest)}.{left_out}"
    return f"{as_count(found, one, many)} {'stands' if found == 1 else 'stand'}{largest}." + (f" {tested}" if n else "")


def table_evidence(evidence: pd.DataFrame, currency: str) -> markup.Shown | None:
    """The comparisons with the team that came nearest to showing something, found or not; None where nothing could be compared."""
    if evidence.empty:
        return None
    table = evidence.sort_values(["q_value", "p_value", "measure", "cut", "label"]).head(5)
    units = [MEASURES[m][1] for m in table["measure"]]
    table = table.assign(
        what=[_NAMES[m] for m in table["measure"]],
        where=["the whole book" if cut == "all" else say_cut(cut, label) for cut, label in zip(table["cut"], table["label"], strict=True)],
        own=[_say_figure(v, u, currency) for v, u in zip(table["own_value"], units, strict=True)],
        team=[_say_figure(v, u, currency) for v, u in zip(table["team_value"], units, strict=True)],
        found=_say_found(table),
    )  # fmt: skip
    columns = {
        "what": ("Compared", "text"), "where": ("Where", "text"), "cases_n": ("Cases", "count"), "own": ("This book", "text"),
        "team": ("Rest of the team", "text"), "found": ("Beyond chance", "text"),
    }  # fmt: skip
    caption = f"The {len(table)} of {as_count(len(evidence), 'comparison')} with the team that are least like chance."
    return markup.table(table, columns, caption=caption)


def _say_found(table: pd.DataFrame) -> np.ndarray:
    """Whether a comparison shows something, and if so, why it may yet be no line of the SWOT."""
    like_team = table["team_value"].between(table["low_value"], table["high_value"])
    cases = [table["q_value"] > FALSE_DISCOVERY, table["main_share"] > ONE_ACCOUNT_SHARE, like_team]
    return np.select(cases, ["may be chance", "yes, but by one account", "yes, but near the team's"], "yes")


#: A measure -> its name in a table.
_NAMES = {
    "win_rate": "Win rate", "stage_conversion": "Deals that go on", "kept_customers": "Customers kept",
    "won_deal_amount": "Typical won deal", "cycle_days": "Days to win", "discount_share": "Discount", "families": "Product families",
}  # fmt: skip


def table_channels(answer: Answer) -> markup.Shown | None:
    """Touches per won deal by channel, beside the team."""
    if answer.withheld is not None or answer.table.empty:
        return None
    columns = {"label": ("Channel", "text"), "per_won": ("Touches per won deal", cells.Bar("ratio")),
               "team_per_won": ("Rest of the team", "ratio")}  # fmt: skip
    caption = f"How {as_count(answer.notes['won_n'], 'deal')} of three years were won."
    return markup.table(answer.table, columns, caption=caption, limit=6)


def say_channels(answer: Answer) -> markup.Shown:
    """Which channel carries the won deals, and where this book differs most from the team."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    top = answer.table.iloc[0]
    text = f"Most touches of won deals are by {top['label']}: {say_number(top['per_won'], 'ratio')} per deal"
    table = answer.table[answer.table["team_per_won"] >= 0.2]
    times = np.log((table["per_won"] / table["team_per_won"]).clip(lower=0.01))
    if len(table) and times.abs().max() >= np.log(1.3):
        row = table.loc[times.abs().idxmax()]
        much = "more" if row["per_won"] > row["team_per_won"] else "less"
        beside = f"{say_number(row['per_won'], 'ratio')} against {say_number(row['team_per_won'], 'ratio')}"
        text += f"; {row['label']} is used {much} than in the team ({beside})"
    return markup.sentence(answer, f"{text}. What goes with winning is no proof of what wins.")


def table_moves(moves: Answer, currency: str) -> markup.Shown | None:
    """What follows, each move with the evidence it rests on and the rep's verdict."""
    if moves.table.empty:
        return None
    table = moves.table.assign(
        what=[row.said or _say_move(row) for row in moves.table.itertuples()],
        kind=[_PAIRS[pair] for pair in moves.table["pair"]],
        answer=["own pairing, " * (row.origin == "rep") + _VERDICTS[row.verdict] for row in moves.table.itertuples()],
        rests_on=["; ".join(x for x in (row.inside, row.outside) if isinstance(x, str)) for row in moves.table.itertuples()],
        amount=moves.table["amount"].astype(float),
    )
    columns = {"kind": ("Pair", "text"), "what": ("Move", "text"), "amount": (f"Money, {currency}", "money"),
               "answer": ("The rep says", "text"), "rests_on": ("Rests on", "text")}  # fmt: skip
    return markup.table(table, columns, caption="Each names whom to begin with.", limit=10)


def _say_move(row: Any) -> str:
    inside = "" if row.cut == "all" else f"in {say_cut(row.cut, row.label)}"
    if row.measure == "stage_conversion":
        weak = f"deals drop out at {row.label}"
    else:
        weak = f"{_NAMES.get(row.measure, row.measure).lower()} {inside or 'in this book'} is weaker than the team's"
    short = say_cut(row.cut, row.label)
    words = {"names": as_list(row.names), "inside": inside or "here", "inside_short": short, "outside": row.outside_label}
    return _MOVES[row.move].format(weak=weak, **words) + "."


def say_moves(moves: Answer) -> markup.Shown:
    """How many moves follow, or why none does."""
    own = int((moves.table["origin"] == "rep").sum())
    n = len(moves.table) - own
    if n:
        text = f"{as_count(n, 'move')} follow{'s' * (n == 1)} from lines that stand"
        text += f", beside {as_count(own, 'pairing')} of the rep's own" if own else ""
    elif not moves.notes["inside_n"]:
        text = "No move is proposed: no strength or weakness stands, by the data or by an accepted line that names its evidence"
    else:
        text = "No move is proposed: the lines that stand name no account or open deal in common"
    text += "."
    if moves.notes["rejected"]:
        text += f" Rejected by the rep: {'; '.join(moves.notes['rejected'])}."
    return markup.sentence(moves, text)


def asked(plan: Plan, question: str) -> markup.Shown:
    """What only people know of a quadrant, without the lines that stand beside the evidence already."""
    return markup.asked(plan.model_copy(update={"swot": [], "pairings": []}), question)


def say_how_to_answer(judged: Sequence[Answer], as_of: date) -> markup.Shown:
    """A line as it is written into the plan, made from the first one that stands without a verdict."""
    for answer in judged:
        rows = answer.table[answer.table["verdict"].eq("open") & answer.table["origin"].eq("data")] if len(answer.table) else answer.table
        if len(rows):
            row = rows.iloc[0]
            value = float(row["own_value"] if "own_value" in rows else row["value"])
            line = f"{{id: s9, quadrant: {_NAMED[answer.question][0]}, evidence: {json.dumps(row['evidence'], ensure_ascii=False)}, "
            return markup.note(f"To answer a line, write it under swot in the plan with its evidence, for example: - {line}"
                               f"evidence_value: {float(f'{value:.4g}'):.12g}, seen: {as_of.isoformat()}, verdict: accepted}}")  # fmt: skip
    return markup.note("Every line that stands has a verdict in the plan. Own lines go under swot: quadrant, text, verdict.")


def _warned(answer: Answer) -> pd.DataFrame:
    """words, amount, n and the team's amount per warning that could be checked; most money first."""
    measures = [(words, answer[f"{name}_amount"]) for name, words in WARNINGS.items()]
    rows = [(words, m.value, m.n, m.team_value) for words, m in measures if m.value is not None]
    return pd.DataFrame(sorted(rows, key=lambda row: (-row[1], row[0])), columns=["words", "amount", "n", "team"])


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


def table_warnings(answer: Answer, currency: str) -> markup.Shown | None:
    """Open money by warning, beside the team's; a deal may carry several."""
    if answer.withheld is not None or not answer["open_deals"].value:
        return None
    table = _warned(answer)
    whole = answer["open_amount"]
    table["share"] = table["amount"] / whole.value if whole.value else np.nan
    table["team_share"] = [team / whole.team_value if team is not None and whole.team_value else np.nan for team in table["team"]]
    columns = {"words": ("Open deals", "text"), "n": ("Deals", "count"), "amount": (f"Amount, {currency}", cells.Bar("money")),
               "share": ("Of the pipeline", "share"), "team_share": ("Of the team's", "share")}  # fmt: skip
    if table["team_share"].isna().all():
        del columns["team_share"]
    return markup.table(table, columns, caption="A deal may carry several warnings.") if table["n"].any() else None


def table_pipeline(answer: Answer, accounts: pd.DataFrame | None, currency: str) -> markup.Shown | None:
    """The open deals with most warnings, largest first. accounts: account_id, account_name."""
    if answer.withheld is not None or answer.table.empty:
        return None
    names = {} if accounts is None else dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    shown = answer.table[answer.table["warnings_n"] > 0]
    said = ["; ".join(compress(_words_of(row.pushes_n), row.flags)) for row in shown.assign(
        flags=shown[list(WARNINGS)].eq(1).to_numpy().tolist()).itertuples()]
    shown = shown.assign(warnings=said, account=[names.get(i, i) for i in shown["account_id"]])
    columns = {
        "opportunity_id": ("Deal", "text"),
        "account": ("Account", "text"),
        "stage": ("Stage", "text"),
        "amount": (f"Amount, {currency}", "money"),
        "close_date": ("Expected close", "date"),
        "next_step": ("Next step", "text"),
        "warnings": ("Warnings", "text"),
    }
    if shown["next_step"].isna().all():
        del columns["next_step"]
    return markup.table(shown, columns, caption="Open deals with most warnings.", limit=6) if len(shown) else None


def _words_of(pushes_n: float) -> list[str]:
    """The warnings in words, with how often a deal was pushed."""
    again = f"pushed {pushes_n:.0f} times" if pushes_n > 1 else WARNINGS["pushed"]
    return [*list(WARNINGS.values())[:-1], again]


def say_questions(strengths: Answer, weaknesses: Answer, pipeline: Answer) -> markup.Shown:
    """Three questions to talk about, from this book's own numbers where it has them."""
    lines = ["Which of these lines do you accept, which not, and what is missing?"]
    for answer, words in (
        (strengths, "{} stands out: what do you do that others could learn?"),
        (weaknesses, "What stands behind {}?"),
    ):
        if answer.withheld is None and len(answer.table):
            row = answer.table.iloc[0]
            lines.append(_start(words.format(f"{_NAMES[row['measure']].lower()} ({say_cut(row['cut'], row['label'])})")))
    warned = pipeline.table if pipeline.withheld is None else pipeline.table.head(0)
    if len(warned) and warned["warnings_n"].iloc[0] > 0:
        lines.append(f"Deal {warned['opportunity_id'].iloc[0]}: what is the next step, with whom, and on which day?")
    lines += [
        "What are you known for among your customers?",
        "Who takes deals from you, and how do you notice it early?",
    ]
    return markup.paragraphs(lines[:3])
