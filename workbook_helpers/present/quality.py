"""Chapter 4 to look at: the funnel that the territory feeds, its grade, its load and its fit."""

from __future__ import annotations

from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import look, markup
from workbook_helpers.present.wording import as_count, as_list


def chart_funnel(answer: Answer, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Cases in each part of the funnel, the team's mean per rep as a mark; None where no part stands out."""
    if answer.withheld is not None or _is_even(answer):
        return None
    table = answer.table.iloc[::-1]
    title = _say_funnel(answer)
    axes = look.figure(
        title=title,
        subtitle="Cases; created and won: last 365 days, open: today. Mark: the team's mean per rep.",
        alt=f"Bars of cases per part of the funnel. {title}",
        height=0.9 + 0.32 * len(table),
        ax=ax,
    )
    axes.barh(table["part"].map(look.shorten), table["cases_n"], color=look.COLOURS["own"], label="this book")
    axes.plot(
        table["team_n"],
        range(len(table)),
        "|",
        color=look.COLOURS["ink"],
        markersize=14,
        markeredgewidth=2.5,
        label="team",
    )
    axes.set_xlabel("Cases")
    look.legend_below(axes)
    return axes


def _is_even(answer: Answer) -> bool:
    return answer.table["team_n"].notna().any() and not (answer.notes.get("fed") or answer.notes.get("starved"))


def _say_funnel(answer: Answer) -> str:
    fed, starved = answer.notes.get("fed"), answer.notes.get("starved")
    parts = answer.table.set_index("part")
    said = [
        f"{part} {word} ({parts.loc[part, 'cases_n']:,.0f} against {parts.loc[part, 'team_n']:,.0f} in the team)"
        for part, word in ((fed, "is fed best"), (starved, "starves most"))
        if part
    ]
    if said:
        return "; ".join(said)[:1].upper() + "; ".join(said)[1:]
    return (
        "No part of the funnel stands out from the team"
        if _is_even(answer)
        else "The funnel of this book; no team to compare with"
    )


def say_funnel(answer: Answer) -> markup.Shown:
    """Which part the territory feeds, and which starves."""
    return markup.sentence(answer, None if answer.withheld else _say_funnel(answer) + ".")


def table_funnel(answer: Answer, currency: str) -> markup.Shown | None:
    """Each part of the funnel beside the team."""
    if answer.withheld is not None:
        return None
    columns = {
        "part": ("Part of the funnel", "text"),
        "cases_n": ("Cases", "count"),
        "amount": (f"Amount, {currency}", "money"),
        "team_n": ("Team, mean per rep", "ratio"),
    }
    return markup.table(answer.table, columns, caption="What the territory feeds.")


def say_grade(answer: Answer, own_rating: str | None = None) -> markup.Shown:
    """The grade, how sure it is, what carries it, and the rep's own rating beside it."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    notes, known = answer.notes, answer.table[answer.table["weight"] > 0]
    best, worst = known.loc[known["rank_share"].idxmax(), "name"], known.loc[known["rank_share"].idxmin(), "name"]
    sure = say_number(notes["sure"], "share")
    text = f"By these weights the territory is of {notes['grade']} value; {sure} of other weightings agree."
    if len(known) > 1:
        text += f" It ranks best in {_short(best)} and worst in {_short(worst)}."
    if notes["not_known"]:
        text += f" Not known, and left out: {', '.join(notes['not_known']).lower()}."
    if own_rating:
        agree = "agrees" if own_rating == notes["grade"] else "does not agree: a question to talk about"
        text += f" The rep's own rating is {own_rating}, which {agree}."
    return markup.sentence(answer, text, *answer.measures)


def _short(name: str) -> str:
    return name.split(":")[0].lower()


def table_grade(answer: Answer, currency: str) -> markup.Shown | None:
    """The components of the grade: value, the team's median, rank and weight."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(
        shown=[markup.say_cell(v, u) for v, u in zip(answer.table["value"], answer.table["unit"], strict=True)],
        team=[markup.say_cell(v, u) for v, u in zip(answer.table["team_median"], answer.table["unit"], strict=True)],
    )
    columns = {
        "name": ("Component", "text"),
        "shown": ("This book", "text"),
        "team": ("Team, median", "text"),
        "rank_share": ("Rank in the team (100 % is best)", "share"),
        "weight": ("Weight", "share"),
    }
    return markup.table(table, columns, caption=f"What the grade is made of; money in {currency}.")


def say_load(answer: Answer) -> markup.Shown:
    """Hours asked for against hours there are, and against the team."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    notes, index, text = answer.notes, answer["workload_index"], ""
    if index.value is not None:
        away = index.value - 1
        word = (
            "as much as the mean of the team"
            if abs(away) < 0.005
            else f"{say_number(abs(away), 'share')} {'more' if away > 0 else 'less'} than the mean of the team"
        )
        text = f"Counted from the centre of the book, to compare with the team, the work is {word}; "
        text += f"the furthest territory is {say_number(notes['max_deviation'], 'share')} away from it. "
    text += f"The call plan asks for {notes['hours']:,.0f} hours a year"
    if notes["load_share"] is not None:
        text += f", {say_number(notes['load_share'], 'share')} of the {notes['selling_hours']:,.0f} selling hours"
    text += "."
    if (notes["load_share"] or 0) > 1.5:
        scale = 1 / notes["load_share"]
        fits = [f"{r.tier} {_say_calls(scale * r.visits_n / r.accounts_n)}" for r in answer.table.itertuples()]
        text += f" That is more than there is; at {say_number(scale, 'share')} of these calls it fits: "
        text += f"{as_list(fits)} calls a year for each account of the tier."
    if n := notes["unplaced_n"]:
        text += f" {as_count(n, 'account has', 'accounts have')} no coordinates and {'counts' if n == 1 else 'count'} without travel."
    return markup.sentence(answer, text, *answer.measures)


def _say_calls(calls: float) -> str:
    return f"{calls:.1f}".removesuffix(".0")


def table_load(answer: Answer) -> markup.Shown | None:
    """Accounts, calls, travel and hours by tier."""
    if answer.withheld is not None:
        return None
    columns = {
        "tier": ("Tier", "text"),
        "accounts_n": ("Accounts", "count"),
        "visits_n": ("Calls a year", "count"),
        "travel_hours": ("Travel, hours", "count"),
        "work_hours": ("All, hours", "count"),
    }
    return markup.table(answer.table, columns, caption="The call plan by tier, travel from home where it is known.")


def say_balance(answer: Answer) -> markup.Shown | None:
    """How evenly the load is spread in the team, without naming anyone."""
    if answer.withheld is not None or "cv" not in answer.notes:
        return None
    notes = answer.notes
    return markup.note(
        "Spread of the load in the team: "
        f"coefficient of variation {say_number(notes['cv'], 'share')}, Gini {notes['gini']:.2f}, "
        f"largest deviation {say_number(notes['max_deviation'], 'share')}. A band of 15 to 20 % is common."
    )


def ask_questions(funnel: Answer, grade: Answer, load: Answer, own_rating: str | None) -> list[str]:
    """Three questions to talk about, from the values where there are some."""
    asked = []
    if grade.withheld is None and own_rating and own_rating != grade.notes["grade"]:
        asked.append(
            f"You call the territory {own_rating}, the data calls it {grade.notes['grade']}: who is right, and why?"
        )
    if funnel.withheld is None and funnel.notes["starved"]:
        asked.append(f"Why is there so little in this part of the funnel: {funnel.notes['starved']}?")
    if load.withheld is None and (load.notes["load_share"] or 0) > 1.2:
        asked.append("The call plan asks for more hours than there are: which accounts do you leave on purpose?")
    asked += [
        "What do you know of this territory that no export shows?",
        "Which customers suit you best, and how many more of them are there?",
        "Which travel could be saved without losing a customer?",
    ]
    return asked[:3]


def say_fit(answer: Answer) -> markup.Shown:
    """Where the results come from beside the book, and the skills that are rated."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    top, skills = answer.table.iloc[0], answer.notes["skills"]
    text = f"{top['label']} is {say_number(top['accounts_share'], 'share')} of the accounts"
    if top["amount"] > 0:
        text += f" and {say_number(top['amount_share'], 'share')} of last year's sales"
    text += "." + (
        f" Skills rated: {', '.join(skills)}." if skills else " No skill is rated: that needs table rep_skills."
    )
    return markup.sentence(answer, text)


def table_fit(answer: Answer, currency: str) -> markup.Shown | None:
    """The book and its results by trait, with the skill of the same name where one is rated."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": (answer.notes["trait"].replace("_", " ").capitalize(), "text"),
        "accounts_n": ("Accounts", "count"),
        "accounts_share": ("Share of accounts", "share"),
        "amount": (f"Sales, {currency}", "money"),
        "amount_share": ("Share of sales", "share"),
        "skill_level": ("Skill, 1 to 5", "count"),
    }
    return markup.table(answer.table, columns, caption="The book beside the rep's skills and results.", limit=10)
