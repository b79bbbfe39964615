"""Chapter 6 to look at: pace, behaviour, change with its noise, and where the year lands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_date, say_number
from workbook_helpers.plan import Plan, promises
from workbook_helpers.present import look, markup
from workbook_helpers.present.wording import as_count, as_list, as_money

_NOTHING = Answer("", withheld="not asked")
_SPANS = {"year": "Year", "quarter": "Quarter", "month": "Month"}


def _say_ahead(ahead: float, currency: str) -> str:
    return "on pace" if not round(ahead) else f"{as_money(abs(ahead), currency)} {'ahead of' if ahead > 0 else 'behind'} pace"


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
    table = answer.table.assign(span=answer.table["span"].map(_SPANS))
    columns = {
        "span": ("Span", "text"),
        "actual": (f"To date, {currency}", "money"),
        "expected": (f"Expected by now, {currency}", "money"),
        "pace": ("Pace", "share"),
        "goal": (f"Goal of the span, {currency}", "money"),
    }
    return markup.table(table, columns, caption=f"The goal is {answer.notes['how']}.")


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
    return "above 99 %" if value >= 0.995 else "below 1 %" if value < 0.005 else f"of {say_number(round(value, 2), 'share')}"


def _find_range(landing: Answer, chance: Answer) -> tuple[float, float, float] | None:
    """Low, middle and high of the year end: from the simulation that gives the chance, else from the naïve forecast.

    Where such forecasts were always too low, the range lies above the forecast, and the middle is the end of the range next to it.
    """
    if "middle" in chance.notes:
        return chance.notes["low"], chance.notes["middle"], chance.notes["high"]
    if landing.withheld is None and landing["forecast"].low is not None and chance.withheld is not None:
        low, high = landing["forecast"].low, landing["forecast"].high
        return low, min(max(low, landing["forecast"].value), high), high
    return None


def say_landing(
    landing: Answer, chance: Answer, goal: Answer, currency: str, *, left: date | None = None, over: bool = False
) -> markup.Shown:
    """The range in which the year ends, and the chance of the goal, from the same simulated years.

    landing: tracking.estimate_landing, which stands in where nothing can be simulated. left: the last day of a rep who
    has left. over: tracking.is_over.
    """
    measures = [*chance.measures, *landing.measures]
    if left is not None and landing.withheld is None:
        booked = as_money(landing.notes["booked"], currency)
        return markup.sentence(landing, f"{booked} booked until {say_date(left)}; the book is handed over.", *measures)
    found, target = _find_range(landing, chance), goal["goal"].value
    if found is not None and round(found[0]) == round(found[2]):
        text = f"The year ends at {as_money(found[1], currency)}: nothing more is expected"
        text += ", because in these last days the team sold nothing in the years before" if over else ""
    elif found is not None:
        low, high = (say_number(v, "money", short=True) for v in (found[0], found[2]))
        text = f"The year lands between {low} and {high} {currency} in four years of five"
    elif landing.withheld is None:
        text = f"If the rest of the year repeats last year, it ends near {as_money(landing['forecast'].value, currency)}; "
        text += "the past is too short to give a range"
    else:
        text = f"Where the year lands cannot be said: {landing.withheld}"
    if target is not None:
        text += f"; the goal is {as_money(target, currency)}"
        text += f", with a chance {_say_chance(chance)}" if chance.withheld is None else ""
    text += "."
    if landing.withheld is None and "middle" not in chance.notes and chance.withheld is not None and target is not None:
        text += f" This repeats last year, because nothing could be simulated: {chance.withheld}."
    return markup.sentence(Answer("6.5"), text, *measures)


def say_crosscheck(landing: Answer, currency: str) -> markup.Shown:
    """The other forecast, as a check: the rest of the year as last year."""
    if landing.withheld is not None:
        return markup.sentence(landing, None)
    value = landing["forecast"]
    text = f"If the rest of the year repeats last year: {as_money(value.value, currency)}"
    if value.low is not None and round(value.low) != round(value.high):
        low, high = (say_number(v, "money", short=True) for v in (value.low, value.high))
        text += f"; with the errors of such forecasts before, between {low} and {high}"
    return markup.sentence(landing, text + ".", *landing.measures)


def chart_landing(landing: Answer, chance: Answer, goal: Answer, currency: str, *, ax: Axes | None = None) -> look.WorkbookAxes | None:
    """Booked, the range of the year end, and the goal, on one line."""
    found, target = _find_range(landing, chance), goal["goal"].value
    if found is None or round(found[0]) == round(found[2]):
        return None
    low, middle, high = found
    simulated = "middle" in chance.notes
    title = f"The year lands near {as_money(middle, currency)}"
    source = "simulated" if simulated else f"{landing['forecast'].n} past forecasts of the same length stand behind it"
    axes = look.figure(
        title=title,
        subtitle=f"{currency}; bar: four years of five; {source}",
        alt=f"{title}, between {say_number(low)} and {say_number(high)}; goal {'not known' if target is None else say_number(target)}.",
        height=1.7,
        ax=ax,
    )
    own, ink = look.COLOURS["own"], look.COLOURS["ink"]
    booked = (chance if simulated else landing).notes["booked"]
    axes.barh(["Year end"], [high - low], left=[low], color=own, alpha=0.45, label="range")
    axes.plot([middle], [0], "o", color=own, label="middle")
    marks = {"color": look.COLOURS["good"], "markersize": 22, "markeredgewidth": 3}
    axes.plot([booked], [0], "|", label="booked", **marks)
    if target is not None:
        axes.axvline(target, color=ink, linewidth=1.4, label="goal")
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
        f"{len(landing.table)} earlier forecasts of the same length missed what came by {missed} on average, and were {way} on the whole."
    )


def as_many(kind: str) -> str:
    """More than one of a kind of activity.

    >>> as_many("visit"), as_many("demos")
    ('visits', 'demos')
    """
    return kind if kind.endswith("s") else f"{kind}s"


def say_behaviour(answer: Answer) -> markup.Shown:
    """Which weekly behaviour falls short most."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    return markup.sentence(answer, _say_behaviour(answer))


def _say_behaviour(answer: Answer) -> str:
    asked = answer.table[answer.table["needed_per_week"].notna()]
    if asked.empty:
        done = [f"{r.per_week:.1f} {as_many(r.activity_type)}" for r in answer.table.head(3).itertuples()]
        return f"Each week: {as_list(done)}; what the goal asks for cannot be said."
    row = asked.loc[asked["missing_per_week"].idxmax()]
    if row["missing_per_week"] < 0.5:
        return "Every weekly behaviour is at or above what the goal asks for."
    return _say_asked(row) + (f": {_BEYOND}." if row["beyond_effort"] else ".")


_BEYOND = "not reachable by effort alone; change the goal, the mix or the help"


def _say_asked(row: pd.Series) -> str:
    kind = as_many(row["activity_type"])
    return f"The goal asks for {row['needed_per_week']:.1f} {kind} a week; it is {row['per_week']:.1f}"


def table_behaviour(answer: Answer, *, limit: int = 4) -> markup.Shown | None:
    """Per week: done, asked for, and what the team does; the widest gaps."""
    if answer.withheld is not None:
        return None
    table = answer.table.head(limit)
    asked = ["covered" if n < 0.05 else markup.say_cell(n, "ratio") for n in table["needed_per_week"]]
    columns = {
        "activity_type": ("Each week", "text"),
        "per_week": ("Done", "ratio"),
        "asked": ("The goal asks for", "text"),
        "team_per_week": ("Team, mean", "ratio"),
    }
    beyond = [as_many(str(kind)) for kind in table.loc[table["beyond_effort"], "activity_type"]]
    weeks = as_count(max(1, round(answer.notes["days"] / 7)), "week")
    caption = f"Weekly behaviour, last {weeks}." + (f" {as_list(beyond).capitalize()}: {_BEYOND}." if beyond else "")
    return markup.table(table.assign(asked=asked), columns, caption=caption, limit=limit)


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
    return f"{top['label']} {way} by {as_money(abs(top['change']), currency)}, more than noise"


def say_change(answer: Answer, currency: str) -> markup.Shown:
    """What moved by more than noise, and how the whole book moved."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    whole = answer.table[answer.table["cut"] == "all"].iloc[0]
    way = "rose" if whole["change"] > 0 else "fell"
    text = f"{_say_change(answer, currency)}. The whole book {way} by {as_money(abs(whole['change']), currency)}"
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
    text = f"{as_count(made, 'call was', 'calls were')} made in the last 365 days, {planned:,} were planned; "
    text += f"{as_count(missed, 'account was', 'accounts were')} not touched at all."
    text += f" Tier {top['tier']}: {top['made_n']:,.0f} made, {top['planned_n']:,.0f} planned."
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
        return "No promise was due yet."
    kept = made[made["state"].isin(["kept", "late"])]
    names = [what or action for what, action in kept[["what", "action_id"]].to_numpy()]
    text = f"Promises kept: {len(kept)} of {len(made)} that {'was' if len(made) == 1 else 'were'} due"
    return text + (f": {'; '.join(names)}." if names else ".")


def ask_questions(
    pace: Answer,
    behaviour: Answer,
    landing: Answer,
    goal: Answer,
    currency: str,
    *,
    chance: Answer = _NOTHING,
    flow: Answer = _NOTHING,
    pipeline: Answer = _NOTHING,
    saves: Answer = _NOTHING,
    names: Mapping[str, str] | None = None,
) -> list[str]:
    """Three questions to talk about, the one with the most money first: that one is for the first page.

    names: account_id -> the account's name.
    """
    items = _weigh_items(goal, chance, flow, pipeline, saves, names or {}, currency)
    asked = [text for _, text in sorted(items, key=lambda item: (-item[0], item[1]))[:2]]
    if behaviour.withheld is None:
        short = behaviour.table[behaviour.table["missing_per_week"] >= 0.5]
        if len(short):
            asked.append(f"{_say_asked(short.loc[short['missing_per_week'].idxmax()])}: what is in the way?")
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


def _weigh_items(
    goal: Answer,
    chance: Answer,
    flow: Answer,
    pipeline: Answer,
    saves: Answer,
    names: Mapping[str, str],
    currency: str,
) -> list[tuple[float, str]]:
    """(money, question) of each thing that this book could talk about."""
    items = []
    if saves.withheld is None and len(saves.table):
        row = saves.table.loc[saves.table["at_stake_amount"].idxmax()]
        sign = f"silent for {row['silence_days']:.0f} days" if row["sign"] == "silent" else "buying less than a year ago"
        text = f"{row['account_name']} is {sign}, {as_money(row['at_stake_amount'], currency)} at stake: who calls, and when?"
        items.append((float(row["at_stake_amount"]), text))
    if pipeline.withheld is None and len(pipeline.table):
        late, bare = (pipeline.table[pipeline.table[flag] == 1].dropna(subset="amount") for flag in ("overdue", "no_next_step"))
        if len(late):
            row = late.loc[late["amount"].idxmax()]
            who = f"{names.get(row['account_id'], row['account_id'])} ({as_money(row['amount'], currency)})"
            items.append((float(row["amount"]), f"The deal with {who} is past its close date: is it still alive?"))
        if len(bare):
            row = bare.loc[bare["amount"].idxmax()]
            who = f"{names.get(row['account_id'], row['account_id'])} ({as_money(row['amount'], currency)})"
            text = f"{as_count(len(bare), 'open deal has', 'open deals have')} no next step: what is it for {who}?"
            items.append((float(row["amount"]), text))
    usual = flow["flow_amount"].value if flow.measures else None
    target, booked = goal["goal"].value, chance.notes.get("booked")
    if target is not None and booked is not None:
        left = target - booked - (usual or 0.0)
        if left > 0 and chance.notes.get("created_n") == 0:
            text = f"No deal was created in the last 13 weeks, and {as_money(left, currency)} must still be won: who is next?"
            items.append((left, text))
        elif left < 0:
            text = f"Booked and usual orders alone pass the goal by {as_money(-left, currency)}: what goal would stretch you?"
            items.append((-left, text))
    return items


def make_card(behaviour: Answer, questions: list[str], plan: Plan, as_of: date) -> dict[str, str]:
    """Short texts for the index line of this rep."""
    said = behaviour.withheld and f"not known: {behaviour.withheld}"
    return {
        "question": questions[0],
        "behaviours": said or _say_behaviour(behaviour),
        "promises": _say_kept(plan, as_of),
    }
