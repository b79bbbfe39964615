"""Chapter 5 to look at: the headline, the ladder, the levers, what it takes, and the moves with their dates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, Measure, say_date, say_number
from workbook_helpers.plan import Plan, promises
from workbook_helpers.present import look, markup
from workbook_helpers.present.tracking import as_many
from workbook_helpers.present.wording import as_count, as_list, as_money

_RUNGS = {
    "booked": "Booked",
    "flow": "Flow to come",
    "likely": "Likely",
    "stretch": "Stretch",
    "unidentified": "No source yet",
}
_RUNG_COLOURS = {"booked": "good", "flow": "team", "likely": "own", "stretch": "warn", "unidentified": "bad"}
_LEVERS = {
    "pipeline": "More pipeline",
    "win_rate": "Higher win rate",
    "size": "Bigger deals",
    "kept": "More from usual customers (saves)",
}
_ASSUMPTIONS = {
    "attrition_share": "Revenue lost with customers that left",
    "new_business_share": "New business, share of sales",
    "mean_won_amount": "Mean won deal",
    "win_rate": "Win rate",
    "cycle_days": "Sales cycle, days",
}


def say_headline(
    goal: Answer, flow: Answer, ladder: Answer, currency: str, *, chance: Answer | None = None, left: date | None = None
) -> markup.Shown:
    """The first sentence of the report: how much is needed, what is not expected to come, what has no source yet.

    chance: chance.estimate_goal_chance, whose middle year says what is expected. left: the last day of a rep who has left.
    """
    target, booked, gap = goal["goal"], goal["booked_amount"], ladder["unidentified_amount"]
    shown = [m for m in (target, booked, gap) if m.value is not None]
    if left is not None:
        amount = "What was booked is not known" if booked.value is None else f"{as_money(booked.value, currency)} booked"
        return markup.sentence(ladder, f"{amount} until {say_date(left)}, when the rep left; the book is handed over.", *shown)
    if target.value is None:
        text = "No goal or quota is known."
        if booked.value is not None:
            text += f" Booked so far: {as_money(booked.value, currency)}."
        return markup.sentence(ladder, f"{text} Write the goal into the plan, or give table quotas.", *shown)
    if booked.value is None:
        text = f"The goal is {as_money(target.value, currency)}; booked is not known: {booked.withheld}."
        return markup.sentence(ladder, text, target)
    need = target.value - booked.value
    if need <= 0:
        text = f"The goal of {as_money(target.value, currency)} is met, with {as_money(-need, currency)} on top."
    elif gap.value is None:
        text = f"You need {as_money(need, currency)} more; how much of it has no source cannot be said: {gap.withheld}."
    else:
        middle = None if chance is None else chance.notes.get("middle")
        short = ladder["expected_gap"].value if middle is None else target.value - middle
        text = f"You need {as_money(need, currency)} more; {_say_source(need, gap.value, short, currency)}."
        lost = ladder.notes["counted_as_nothing"]
        if lost:
            text += (
                f" {as_list([word.lower() for word in lost]).capitalize()} cannot be told and"
                f" {'count' if len(lost) > 1 else 'counts'} as nothing."
            )
    return markup.sentence(ladder, text, *shown)


def _say_source(need: float, gap: float, short: float | None, currency: str) -> str:
    """How much of the need is not expected to come, and how much has no source."""
    missing = f"{as_money(short, currency)} of it is not expected to come" if short is not None and short > 0 else ""
    if missing and round(short - need, 2) >= 0 and round(gap - need, 2) >= 0:
        return "none of it is expected to come or has a source yet"
    if not gap:
        return "all of it has a source" + (f", but {missing}" if missing else "")
    none = round(gap - need, 2) >= 0
    source = "none of it has a source yet" if none else f"{as_money(gap, currency)} of it has no source yet"
    return f"{missing}; {source}" if missing else source


def chart_ladder(ladder: Answer, goal: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """The goal as a ladder: booked, flow, likely, stretch, no source yet; lines for goal and quota."""
    table = ladder.table[ladder.table["amount"].notna() & (ladder.table["amount"] != 0)]
    if ladder.withheld is not None or table.empty:
        return None
    target, quota = goal["goal"].value, goal["quota"].value
    title = "What is in sight; no goal is known"
    if target is not None:
        gap = table.loc[table["rung"] == "unidentified", "amount"].sum()
        title = f"{as_money(gap, currency)} of the goal has no source yet" if gap else "At face value, all of the goal has a source"
    parts = [f"{_RUNGS[r]} {say_number(a, 'money')}" for r, a in zip(table["rung"], table["amount"], strict=True)]
    axes = look.figure(
        title=title,
        subtitle=f"{currency}, face value, year ending {say_date(goal['goal'].period_end)}",
        alt=f"{title}: {'; '.join(parts)}" + (f"; goal {say_number(target, 'money')}" if target is not None else ""),
        width=4.6,
        height=2.3,
        ax=ax,
    )
    left = table["amount"].cumsum().shift(fill_value=0.0)
    names = [f"{_RUNGS[r]} {look.say_short(a)}" for r, a in zip(table["rung"], table["amount"], strict=True)]
    colours = [look.COLOURS[_RUNG_COLOURS[r]] for r in table["rung"]]
    axes.barh(names, table["amount"], left=left, color=colours)
    for value, label, style in ((target, "goal", "-"), (quota, "quota", ":")):
        if value is not None and (label == "goal" or value != target):
            axes.axvline(value, color=look.COLOURS["ink"], linestyle=style, linewidth=1.4, label=label)
    axes.invert_yaxis()
    look.money_axis(axes.xaxis, currency, "Amount")
    if target is not None:
        axes.figure.legend(loc="outside lower right", ncols=2, fontsize=8, frameon=False)
    return axes


def say_ladder(ladder: Answer, flow: Answer, currency: str) -> markup.Shown:
    """What the ladder leaves out, and the measures behind it."""
    notes, text = ladder.notes, ""
    coverage, gap = ladder["pipeline_coverage"], ladder["expected_gap"]
    if gap.value is not None:
        word = "is missing" if gap.value > 0 else "is to spare"
        text = f"Weighted by probability, and without deals not yet created, {as_money(abs(gap.value), currency)} {word}. "
    if coverage.value is not None:
        text += f"Open deals cover what must still be won {coverage.value:.1f} times. "
    if notes["one_rate"] is not None:
        rate = say_number(notes["one_rate"], "share")
        text += f"Every open deal has the same chance, {rate}: without stage_history today's stage tells nothing. "
    if notes["overdue_n"]:
        amount = as_money(notes["overdue_amount"], currency)
        text += f"Overdue deals ({notes['overdue_n']:,}, {amount}) count nowhere until they have a new date. "
    if notes["no_date_n"]:
        text += f"Deals without a date, counted nowhere: {notes['no_date_n']:,}. "
    if flow.withheld:
        text += f"Flow: {flow.withheld}. "
    if flow.notes.get("silent_n"):
        amount = as_money(flow.notes["silent_amount"], currency)
        who = as_count(flow.notes["silent_n"], "customer")
        text += f"{amount} of the flow is from {who} silent for over twice the usual gap: it comes only if they return. "
    if flow.notes.get("one_off_n"):
        text += f"{as_count(flow.notes['one_off_n'], 'inherited order')} of unusual size left out of the flow. "
    unknown = ladder["likely_amount"].withheld
    text += f"Likely and stretch are not known: {unknown}." if unknown else ""
    text = text or "No open deal is due this year."
    return markup.sentence(ladder, text.strip(), *flow.measures, *ladder.measures)


def say_chance(chance: Answer) -> markup.Shown:
    """How probable the goal is, in words that a rep uses."""
    if chance.withheld is not None:
        return markup.sentence(chance, None)
    value = chance["goal_probability"].value
    text = f"The chance of the goal is {_say_odds(value)}."
    text += "" if chance.notes["windows_n"] else " New business is not counted, because there is no past to take it from."
    return markup.sentence(chance, text, *chance.measures)


def _say_odds(value: float) -> str:
    if value >= 0.995:
        return "as good as certain"
    if value < 0.005:
        return "below 1 in 100"
    return f"about {round(100 * value)} in 100"


def table_levers(chance: Answer, currency: str) -> markup.Shown | None:
    """Three levers, each with the smallest change that alone brings the chance to four in five, and a verdict."""
    if chance.withheld is not None or chance["goal_probability"].value >= 0.8 or chance.table.empty:
        return None
    rows = chance.table.head(3)
    said = [_say_lever(row, chance.notes, currency) for row in rows.to_dict("records")]
    table = pd.DataFrame({"lever": rows["lever"].map(_LEVERS), "change": said, "chance": rows["chance"]})
    columns = {
        "lever": ("Lever", "text"),
        "change": ("Smallest change that does it alone", "text"),
        "chance": ("Chance then", "share"),
    }
    return markup.table(table, columns, caption="What brings the chance to four in five.")


#: A change of more than this share of the rep's own record is called not realistic alone.
_REALISTIC = 0.5
_MOST = {
    "pipeline": "even with 200 more deals created",
    "win_rate": "even if every open deal were won",
    "size": "even if every deal were twice as large",
    "kept": "even if usual customers ordered twice as much",
}


def _say_lever(row: dict, notes: Mapping[str, Any], currency: str) -> str:
    """The change in words, beside the rep's own record, with the verdict."""
    lever, change, record = row["lever"], row["change"], row["record"]
    if math.isnan(change):
        return f"cannot do it alone: {_MOST[lever]}, the chance is only {say_number(row['chance'], 'share')}"
    mine = ""
    if lever == "pipeline":
        text = f"{as_count(change, 'more deal')} created now, {as_money(row['amount'], currency)} in all"
        mine = f"you create {say_number(record, 'ratio').removesuffix('.0')} a quarter"
    elif lever == "win_rate":
        text = f"{as_count(100 * change, 'point')} more on every open deal"
        mine = f"{say_number(record, 'share')} is usual"  # where few of the rep's own have closed, the team's
    elif lever == "size":
        text = f"{100 * change:.0f} % more on every deal won"
        mine = f"yours bring {as_money(record, currency)} on average" if record == record else ""
    else:
        text = f"{100 * change:.0f} % more than they usually order"
        mine = f"{as_money(record, currency)} is expected of them"
    text += f" ({mine})" if mine and record == record else ""
    verdict = []
    if not row["more"] <= _REALISTIC:
        verdict.append("not realistic alone")
    if lever == "pipeline" and notes.get("cycle_days", 0) > notes.get("days_left", 0):
        verdict.append(f"a deal takes {notes['cycle_days']:.0f} days and {notes['days_left']} are left")
    return text + (f": {'; '.join(verdict)}" if verdict else "")


def say_levers(chance: Answer) -> markup.Shown:
    """What the levers say where there is no table: nothing to pull, or nothing to pull with."""
    if chance.withheld is not None:
        return markup.sentence(chance, None)
    if chance["goal_probability"].value >= 0.8:
        return markup.sentence(chance, "The chance is four in five or better already: no lever is needed.")
    if chance.table.empty:
        return markup.sentence(chance, "There are no open deals, past wins or usual orders to work with: the first lever is new pipeline.")
    best = chance.table.head(3)
    able = best[best["change"].notna()]
    text = (
        f"{len(able)} of {as_count(len(best), 'lever')} can bring the chance to four in five alone."
        if len(able)
        else "No lever alone brings the chance to four in five: combine them, or talk about the goal."
    )
    return markup.sentence(chance, text)


def table_needs(needs: Answer, currency: str) -> markup.Shown | None:
    """What has to happen, per quarter and week, with the ratio it is worked back with."""
    if needs.withheld is not None:
        return None
    table = needs.table.copy()
    for column in ("needed", "per_quarter", "per_week"):
        table[f"{column}_text"] = [
            markup.say_cell(v, "ratio" if u == "count" and column != "needed" else u)
            for v, u in zip(table[column], table["unit"], strict=True)
        ]
    table["basis"] = [
        of if r is None or pd.isna(r) else f"{of}: {_say_ratio(r, step)}"
        for r, of, step in zip(table["ratio"], table["ratio_of"], table["step"], strict=True)
    ]
    columns = {
        "step": ("What it takes", "text"),
        "needed_text": ("Until the year ends", "text"),
        "per_quarter_text": ("A quarter", "text"),
        "per_week_text": ("A week", "text"),
        "basis": ("Worked back with", "text"),
    }
    return markup.table(table, columns, caption=f"From the goal back to the week; money in {currency}.")


def _say_ratio(ratio: float, step: str) -> str:
    if step in ("deals to win", "orders to win"):
        return f"{say_number(ratio)} each"
    return f"win rate {say_number(ratio, 'share')}" if step == "pipeline it takes" else f"{ratio:.1f} for a won deal"


def say_needs(needs: Answer, currency: str) -> markup.Shown:
    """What it takes, in one sentence."""
    if needs.withheld is not None:
        return markup.sentence(needs, None)
    left, weeks = needs.notes["left"], needs.notes["weeks"]
    rows = needs.table.set_index("step")
    beside = " beside the open renewals" if needs.notes["renewing"] else ""
    if left <= 0:
        besides = ", with the open renewals by their chance," if beside else ""
        return markup.sentence(needs, f"What is booked and what comes in anyway{besides} already make the goal.")
    text = f"{as_money(left, currency)} must be won in {weeks:.0f} weeks{beside}"
    said = [f"{rows.loc[s, 'needed']:,.0f} {w}" for s, w in (("deals to win", "deals"), ("orders to win", "orders")) if s in rows.index]
    text += f": {said[0]}" if said else ""
    acts = needs.table[needs.table["kind"] == "activity"].nlargest(3, "per_week", keep="all").head(3)
    if len(acts):
        said = [f"{w:,.1f} {as_many(s)}" for s, w in zip(acts["step"], acts["per_week"], strict=True)]
        text += f", and each week {as_list(said)}"
    return markup.sentence(needs, text + ".")


def table_assumptions(answer: Answer, currency: str) -> markup.Shown | None:
    """Each assumption of the plan beside three past years."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(
        assumption=answer.table["assumption"].map(_ASSUMPTIONS),
        mark=answer.table["stretch"].map({True: "better than ever before", False: ""}),
    )
    for column in ("planned", "year_1", "year_2", "year_3"):
        table[column] = [markup.say_cell(v, u) for v, u in zip(answer.table[column], answer.table["unit"], strict=True)]
    columns = {
        "assumption": ("Assumption", "text"),
        "planned": ("Plan", "text"),
        "year_1": ("Last 365 days", "text"),
        "year_2": ("The year before", "text"),
        "year_3": ("Two years before", "text"),
        "mark": ("Stretch", "text"),
    }
    return markup.table(table, columns, caption=f"Assumptions beside the past; money in {currency}.")


def say_assumptions(answer: Answer) -> markup.Shown:
    """Which assumptions ask for more than the past ever showed."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    stretched = [_ASSUMPTIONS[a].lower() for a in answer.notes["stretched"]]
    if stretched:
        return markup.sentence(answer, f"The plan asks for better than any past year in {', '.join(stretched)}: what will be different?")
    said = answer.table["planned"].notna().any()
    return markup.sentence(
        answer,
        "No assumption is better than the past years showed."
        if said
        else "The plan names no assumptions yet; the past years stand here as a start.",
    )


def table_moves(answer: Answer, currency: str) -> markup.Shown | None:
    """The named moves, largest first, with their running sum."""
    if answer.withheld is not None:
        return None
    columns = {
        "kind": ("Move", "text"),
        "what": ("What", "text"),
        "expected_amount": (f"Expected, {currency}", "money"),
        "sum_amount": (f"Sum so far, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption="Named moves that close the gap.", limit=min(20, answer.notes["enough"] or 20))


def say_moves(answer: Answer, currency: str) -> markup.Shown:
    """Whether the moves reach the shortfall."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    expected, shortfall = answer.notes["expected"], answer.notes["shortfall"]
    if shortfall is None:
        text = f"The moves bring {as_money(expected, currency)} by expectation; nothing is known to hold them against."
    elif shortfall <= 0:
        text = "There is no shortfall to close; the moves are for the year after."
    elif expected >= shortfall:
        n = answer.notes["enough"]
        text = "The largest move is" if n == 1 else f"The {n} largest moves are"
        text += f" expected to bring the {as_money(shortfall, currency)} that must still be won."
    else:
        text = f"All moves together are expected to bring {as_money(expected, currency)} of the "
        text += f"{as_money(shortfall, currency)} that must still be won: {as_money(shortfall - expected, currency)} is open."
    return markup.sentence(answer, text)


def table_accounts(answer: Answer, currency: str, *, until: date | None = None, limit: int = 5) -> markup.Shown | None:
    """Accounts by expected value, with last touch and next step."""
    if answer.withheld is not None:
        return None
    by = "" if until is None else f" by {say_date(until).rsplit(' ', 1)[0]}"
    columns = {
        "account_name": ("Account", "text"),
        "expected_amount": (f"Still expected{by}, {currency}", "money"),
        "last_touch_date": ("Last touch" if answer.notes.get("touched", True) else "Last sale", "date"),
        "next_step": ("Next step", "text"),
        "next_date": ("Next deal closes", "date"),
    }
    return markup.table(answer.table.head(limit), columns, caption="Accounts by what they are still expected to bring.", limit=limit)


def table_deals(answer: Answer, currency: str, *, limit: int = 5) -> markup.Shown | None:
    """Open deals by probability × amount, with bucket, close date and warning."""
    if answer.withheld is not None:
        return None
    columns = {
        "account_name": ("Account", "text"),
        "amount": (f"Amount, {currency}", "money"),
        "bucket": ("Bucket", "text"),
        "own_bucket": ("Your bucket", "text"),
        "close_date": ("Closes", "date"),
        "warning": ("Warning", "text"),
    }
    if answer.table["own_bucket"].isna().all():
        del columns["own_bucket"]
    return markup.table(answer.table.head(limit), columns, caption="Open deals by chance × amount.", limit=limit)


def say_next_steps(accounts: Answer, deals: Answer) -> markup.Shown:
    """How many of them lack a next step, or carry a warning."""
    said = []
    if accounts.withheld is None:
        said.append(f"{accounts.notes['no_step_n']:,} of {len(accounts.table):,} accounts that matter have no next step")
    if deals.withheld is None:
        said.append(f"{deals.notes['warned_n']:,} of {len(deals.table):,} deals carry a warning")
    if not said:
        return markup.note(f"Not answered: {accounts.withheld}.")
    return markup.note("; ".join(said) + ".")


def say_promises(plan: Plan, as_of: date) -> markup.Shown:
    """What had been promised by today, and what was kept."""
    made = promises(plan, as_of)
    if made.empty:
        return markup.note("No promise was due yet: write actions with a due date in the plan.")
    counts = made["state"].value_counts()
    said = [
        f"{counts[s]} {word}"
        for s, word in (
            ("kept", "kept"),
            ("late", "kept late"),
            ("broken", "open past the date"),
            ("dropped", "dropped"),
            ("coming", "still to come"),
        )
        if s in counts
    ]
    kept = [w or i for w, i in made.loc[made["state"].isin(["kept", "late"]), ["what", "action_id"]].to_numpy()]
    return markup.note(f"{len(made)} promised: {', '.join(said)}." + (f" Kept: {'; '.join(kept)}." if kept else ""))


def table_actions(plan: Plan, as_of: date, *, days: int = 31) -> markup.Shown | None:
    """Open actions that are due within a month, or are late."""
    last = as_of + timedelta(days=days)
    late = set(promises(plan, as_of).query("state == 'broken'")["action_id"])
    due = [
        a
        for a in plan.actions
        if a.due and (a.id in late or (a.status == "open" and as_of < a.due <= last and not (a.done and a.done <= as_of)))
    ]
    if not due:
        return None
    rows = [
        (a.due, "late" if a.id in late else "", a.what, "you" if a.owner == "rep" else a.owner, a.metric)
        for a in sorted(due, key=lambda a: (a.due, a.id))
    ]
    table = pd.DataFrame(rows, columns=["due", "late", "what", "owner", "metric"])
    columns = {
        "due": ("Due", "date"),
        "late": ("", "text"),
        "what": ("Action", "text"),
        "owner": ("Who", "text"),
        "metric": ("Done when", "text"),
    }
    return markup.table(table, columns, caption=f"Actions due until {say_date(last)}.")


def ask_questions(goal: Answer, ladder: Answer, chance: Answer, assumptions: Answer, currency: str) -> list[str]:
    """Three questions to talk about, from the values where there are some."""
    gap: Measure = ladder["unidentified_amount"]
    asked = []
    if goal["goal"].value is None:
        asked.append("What goal would you set yourself for this year, and how did you arrive at it?")
    if gap.value:
        asked.append(f"Where will the {as_money(gap.value, currency)} that has no source yet come from?")
    if chance.withheld is None and chance["goal_probability"].value < 0.8:
        asked.append("Which of the levers is in your hands, and what will you do differently to pull it?")
    if assumptions.withheld is None and assumptions.notes["stretched"]:
        asked.append(f"Why will {_ASSUMPTIONS[assumptions.notes['stretched'][0]].lower()} be better than in any past year?")
    asked += [
        "Which deal would you drop to have time for a better one?",
        "What could make this plan wrong by the end of next quarter?",
        "Who else must help, and do they know it?",
    ]
    return asked[:3]
