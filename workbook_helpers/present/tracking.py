"""Chapter 6 to look at: pace, behaviour, change with its noise, and where the year lands."""

from __future__ import annotations

from datetime import date

import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_date, say_number
from workbook_helpers.plan import Plan, promises
from workbook_helpers.present import look, markup

_SPANS = {"year": "Year", "quarter": "Quarter", "month": "Month"}


def _money(value: float, currency: str) -> str:
    return f"{say_number(value, 'money', short=True)} {currency}"


def _say_ahead(ahead: float, currency: str) -> str:
    return (
        "on pace"
        if not round(ahead)
        else f"{_money(abs(ahead), currency)} {'ahead of' if ahead > 0 else 'behind'} pace"
    )


def say_pace(answer: Answer, currency: str) -> markup.Shown:
    """Ahead or behind, this year and this quarter."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    spans = answer.table.set_index("span")
    year, quarter = spans.loc["year"], spans.loc["quarter"]
    text = f"The year is {_say_ahead(year['ahead'], currency)}"
    if pd.notna(year["pace"]):
        text += f" ({say_number(year['pace'], 'share')} of what the goal expects by now)"
    text += f"; the quarter is {_say_ahead(quarter['ahead'], currency)}. The goal is {answer.notes['how']}."
    return markup.sentence(answer, text, *answer.measures)


def table_pace(answer: Answer, currency: str) -> markup.Shown | None:
    """Year, quarter and month: actual, expected by now, and the goal of the whole span."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(span=answer.table["span"].map(_SPANS), until=answer.table["end"])
    columns = {
        "span": ("Span", "text"),
        "actual": (f"To date, {currency}", "money"),
        "expected": (f"Expected by now, {currency}", "money"),
        "pace": ("Pace", "share"),
        "goal": (f"Goal of the span, {currency}", "money"),
        "until": ("Ends", "date"),
    }
    return markup.table(table, columns, caption="Pace.")


def chart_pace(answer: Answer, run: pd.DataFrame, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """The year so far against the goal spread by season."""
    if answer.withheld is not None or run.empty:
        return None
    year = answer.table.iloc[0]
    title = f"The year is {_say_ahead(year['ahead'], currency)}"
    axes = look.figure(
        title=title,
        subtitle=f"{currency}, {say_date(year['start'])} to {say_date(year['end'])}; goal {answer.notes['how']}",
        alt=f"{title}: {say_number(year['actual'])} to date, {say_number(year['expected'])} expected.",
        ax=ax,
    )
    axes.plot(run["week_end_date"], run["expected"], color=look.COLOURS["team"], linestyle="--", label="goal, spread")
    done = run.dropna(subset="actual")
    axes.plot(done["week_end_date"], done["actual"], color=look.COLOURS["own"], linewidth=2.2, label="actual")
    look.money_axis(axes.yaxis, currency, "Since the year began")
    axes.set_xlabel("Week ending")
    axes.legend(loc="upper left")
    return axes


def _say_chance(chance: Answer) -> str:
    value = chance["goal_probability"].value
    return (
        "above 99 %"
        if value >= 0.995
        else "below 1 %"
        if value < 0.005
        else f"of {say_number(round(value, 2), 'share')}"
    )


def say_landing(landing: Answer, chance: Answer, goal: Answer, currency: str) -> markup.Shown:
    """The range in which the year ends, and the chance of the goal."""
    if landing.withheld is not None:
        text = f"Where the year lands cannot be said: {landing.withheld}."
        if chance.withheld is None:
            text += f" The chance of the goal is {_say_chance(chance).removeprefix('of ')}."
        return markup.note(text)
    value = landing["forecast"]
    if value.low is None:
        text = f"If the rest of the year repeats last year, it ends near {_money(value.value, currency)}; "
        text += "the past is too short to give a range."
    elif round(value.low) == round(value.high):
        text = f"The year ends at {_money(value.value, currency)}: nothing more is expected."
    else:
        low, high = (say_number(v, "money", short=True) for v in (value.low, value.high))
        text = f"The year lands between {low} and {high} {currency} in four years of five."
    target = goal["goal"].value
    if target is not None:
        text += f" The goal is {_money(target, currency)}"
        text += f", with a chance {_say_chance(chance)}." if chance.withheld is None else "."
    return markup.sentence(landing, text, *landing.measures)


def chart_landing(landing: Answer, goal: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Booked, the range of the year end, and the goal, on one line."""
    if landing.withheld is not None or landing["forecast"].low is None or landing["forecast"].n == 0:
        return None
    value, target = landing["forecast"], goal["goal"].value
    title = f"The year lands near {_money(value.value, currency)}"
    goal_said = "not known" if target is None else say_number(target)
    axes = look.figure(
        title=title,
        subtitle=f"{currency}; bar: four years of five; {value.n} past forecasts of the same length stand behind it",
        alt=f"{title}, between {say_number(value.low)} and {say_number(value.high)}; goal {goal_said}.",
        height=1.7,
        ax=ax,
    )
    axes.barh(
        ["Year end"], [value.high - value.low], left=[value.low], color=look.COLOURS["own"], alpha=0.45, label="range"
    )
    axes.plot([value.value], [0], "o", color=look.COLOURS["own"], label="middle")
    axes.plot(
        [landing.notes["booked"]],
        [0],
        "|",
        color=look.COLOURS["good"],
        markersize=22,
        markeredgewidth=3,
        label="booked",
    )
    if target is not None:
        axes.axvline(target, color=look.COLOURS["ink"], linewidth=1.4, label="goal")
    look.money_axis(axes.xaxis, currency, "Amount")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def say_track_record(landing: Answer) -> markup.Shown | None:
    """How earlier forecasts of this kind did here."""
    if landing.withheld is not None or landing.notes["mean_miss"] is None or len(landing.table) < 3:
        return None
    missed = say_number(landing.notes["mean_miss"], "share")
    way = "too low" if landing.notes["bias"] > 0 else "too high"
    return markup.note(
        f"{len(landing.table)} earlier forecasts of the same length missed what came by {missed} on average, "
        f"and were {way} on the whole."
    )


def say_behaviour(answer: Answer) -> markup.Shown:
    """Which weekly behaviour falls short most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    return markup.sentence(answer, _say_behaviour(answer))


def _say_behaviour(answer: Answer) -> str:
    asked = answer.table[answer.table["needed_per_week"].notna()]
    if asked.empty:
        return (
            "Each week: "
            + ", ".join(f"{r.per_week:.1f} × {r.activity_type}" for r in answer.table.head(3).itertuples())
            + "; what the goal asks for cannot be said."
        )
    row = asked.loc[asked["missing_per_week"].idxmax()]
    if row["missing_per_week"] < 0.5:
        return "Every weekly behaviour is at or above what the goal asks for."
    done, needed = row["per_week"], row["needed_per_week"]
    return f"The widest gap is {row['activity_type']}: {done:.1f} a week done, {needed:.1f} needed."


def table_behaviour(answer: Answer) -> markup.Shown | None:
    """Per week: done, needed, and what the team does."""
    if answer.withheld is not None:
        return None
    columns = {
        "activity_type": ("Each week", "text"),
        "per_week": ("Done", "ratio"),
        "needed_per_week": ("Needed", "ratio"),
        "team_per_week": ("Team, mean", "ratio"),
    }
    return markup.table(answer.table, columns, caption="Weekly behaviour, last 13 weeks.", limit=8)


def chart_change(answer: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Change against the year before by cut, with the noise band."""
    if answer.withheld is not None:
        return None
    table = answer.table[answer.table["low"].notna()].head(10).iloc[::-1]
    if table.empty:
        return None
    title = _say_change(answer, currency)
    axes = look.figure(
        title=title,
        subtitle=f"{currency}, last 365 days less the 365 before; bar: noise band over accounts",
        alt=f"Change with noise band for {len(table)} cuts. {title}",
        height=1.0 + 0.3 * len(table),
        ax=ax,
    )
    places = range(len(table))
    colours = [look.COLOURS["own"] if moved else look.COLOURS["muted"] for moved in table["moved"]]
    axes.hlines(places, table["low"], table["high"], color=colours, linewidth=5, alpha=0.5)
    axes.scatter(table["change"], places, color=colours, zorder=3)
    axes.axvline(0, color=look.COLOURS["ink"], linewidth=1)
    axes.set_yticks(
        list(places),
        [
            look.shorten(f"{c.replace('_', ' ')}: {v}" if c != "all" else "The whole book")
            for c, v in zip(table["cut"], table["label"], strict=True)
        ],
    )
    look.money_axis(axes.xaxis, currency, "Change")
    return axes


def _say_change(answer: Answer, currency: str) -> str:
    moved = answer.table[answer.table["moved"] & (answer.table["cut"] != "all")]
    if moved.empty:
        return "No region, market or product moved by more than noise"
    top = moved.iloc[0]
    way = "rose" if top["change"] > 0 else "fell"
    return f"{top['label']} {way} by {_money(abs(top['change']), currency)}, more than noise"


def say_change(answer: Answer, currency: str) -> markup.Shown:
    """What moved by more than noise, and how the whole book moved."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    whole = answer.table[answer.table["cut"] == "all"].iloc[0]
    way = "rose" if whole["change"] > 0 else "fell"
    text = f"{_say_change(answer, currency)}. The whole book {way} by {_money(abs(whole['change']), currency)}"
    text += ", which is within the noise." if not whole["moved"] else ", more than noise."
    return markup.sentence(answer, f"{text} {answer.notes['looked_at']} cuts were looked at.")


def table_change(answer: Answer, currency: str) -> markup.Shown | None:
    """Each cut: before, now, change and band."""
    if answer.withheld is not None:
        return None
    table = answer.table.assign(said=answer.table["moved"].map({True: "moved", False: ""}))
    table["cut"] = table["cut"].str.replace("_", " ")
    table.loc[table["low"].isna(), "said"] = "too few accounts to tell"
    columns = {
        "cut": ("Cut", "text"),
        "label": ("Label", "text"),
        "before": (f"Year before, {currency}", "money"),
        "now": (f"Last 365 days, {currency}", "money"),
        "change": ("Change", "money"),
        "low": ("Noise band from", "money"),
        "high": ("to", "money"),
        "said": ("", "text"),
    }
    return markup.table(table, columns, caption="Change against the year before.", limit=12)


def say_calls(answer: Answer) -> markup.Shown:
    """Calls made against calls planned, and accounts never touched."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    made, planned, missed = (int(answer.table[c].sum()) for c in ("made_n", "planned_n", "untouched_n"))
    top = answer.table.iloc[0]
    text = f"{made:,} of {planned:,} planned calls were made in the last 365 days; "
    text += f"{missed:,} accounts were not touched at all."
    text += f" Tier {top['tier']}: {top['made_n']:,.0f} of {top['planned_n']:,.0f}."
    return markup.sentence(answer, text)


def table_calls(answer: Answer) -> markup.Shown | None:
    """Calls by tier."""
    if answer.withheld is not None:
        return None
    columns = {
        "tier": ("Tier", "text"),
        "accounts_n": ("Accounts", "count"),
        "planned_n": ("Calls planned", "count"),
        "made_n": ("Calls made", "count"),
        "untouched_n": ("Accounts never touched", "count"),
    }
    return markup.table(answer.table, columns, caption="Calls planned and made, last 365 days.")


def say_season(answer: Answer) -> markup.Shown:
    """The month in which calls fall short of buying most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    row = answer.table.loc[answer.table["behind"].idxmax()]
    month = pd.Timestamp(2000, int(row["month"]), 1).strftime("%B")
    sold, called = say_number(row["sales_share"], "share"), say_number(row["calls_share"], "share")
    text = f"{month} brought {sold} of sales and saw {called} of the calls: the widest gap of the year."
    return markup.sentence(answer, text)


def say_kept(plan: Plan, as_of: date) -> markup.Shown:
    """Promises kept so far."""
    return markup.note(_say_kept(plan, as_of))


def _say_kept(plan: Plan, as_of: date) -> str:
    made = promises(plan, as_of)
    made = made[made["state"].isin(["kept", "late", "broken"])]
    if made.empty:
        return "Nothing was promised for a day that has come."
    return f"Promises kept: {int(made['state'].isin(['kept', 'late']).sum())} of {len(made)} that were due."


def ask_questions(pace: Answer, behaviour: Answer, landing: Answer, goal: Answer, currency: str) -> list[str]:
    """Three questions to talk about, from the values where there are some; the first one is for the first page."""
    asked = []
    if behaviour.withheld is None:
        short = behaviour.table[behaviour.table["missing_per_week"] >= 0.5]
        if len(short):
            row = short.loc[short["missing_per_week"].idxmax()]
            done, needed = f"{row['per_week']:.1f}", f"{row['needed_per_week']:.1f}"
            asked.append(
                f"The goal asks for {needed} × {row['activity_type']} a week, and it is {done}: what is in the way?"
            )
    if pace.withheld is None and pace.table.iloc[0]["ahead"] < 0:
        asked.append(f"You are {_say_ahead(pace.table.iloc[0]['ahead'], currency)}: what changes next month?")
    if landing.withheld is None and goal["goal"].value is not None and landing["forecast"].value < goal["goal"].value:
        asked.append("If the rest of the year goes like last year, the goal is missed: what is different this time?")
    asked += [
        "Which customer will you see next week, and what is the next step you want?",
        "What did you learn this quarter that changes the plan?",
        "Which promise would you make for the next 30 days?",
    ]
    return asked[:3]


def make_card(behaviour: Answer, questions: list[str], plan: Plan, as_of: date) -> dict[str, str]:
    """Short texts for the index line of this rep."""
    said = behaviour.withheld and f"not known: {behaviour.withheld}"
    return {
        "question": questions[0],
        "behaviours": said or _say_behaviour(behaviour),
        "promises": _say_kept(plan, as_of),
    }
