"""Chapter 1 to look at: the traits that go with winning, and the open deals that stand apart from their stage (1.4)."""

from __future__ import annotations

from workbook_helpers.measure import Answer
from workbook_helpers.present import cells, markup
from workbook_helpers.present.deals import says_again
from workbook_helpers.present.wording import as_count, as_list, say_cut

_TWICE = "deals of twice the amount"


def _name(trait: str, label: str) -> str:
    return _TWICE if trait == "amount" else f"deals with {say_cut(trait, label)}"


def _say_points(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "−")


def _say_traits(answer: Answer) -> str:
    table = answer.table
    if table.empty:
        return f"None of the {answer.notes['tested_n']} traits looked at goes with winning beyond chance"
    parts = []
    for sign, word in ((1, "more"), (-1, "less")):
        rows = table[sign * table["effect_share"] > 0].head(2)
        if len(rows):
            named = [f"{_name(r.trait, r.label)} ({_say_points(r.effect_share)} points)" for r in rows.itertuples()]
            parts.append(f"{as_list(named)} were won {word} often")
    text = "; ".join(parts)
    return f"In this team {text}, all else equal"


def _say_use(answer: Answer) -> str:
    used = answer.notes["used"]
    if used is None:
        return "Too few later deals are decided to test a model on them, so none is used."
    tested = f"Tested on {as_count(answer.notes['deals_n'], 'later deal')}, a model of these traits"
    if used:
        return f"{tested} told winners from losers better than the stage alone."
    if answer.notes["moved"]:
        return f"{tested} beat the stage alone, but its chances were far off, because the team's win rate moves too much: it is not used."
    return f"{tested} did no better than the stage alone, so it is not used."


def _say_refused(answer: Answer) -> str:
    refused = [column.replace("_", " ") for column in answer.notes["refused"]]
    return f" Not read, because a deal's end may have written it: {as_list(refused)}." if refused else ""


def say_win_traits(answer: Answer) -> markup.Shown | None:
    """Which traits go with winning, and whether the model is used."""
    if says_again(answer):
        return None
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    return markup.sentence(answer, f"{_say_traits(answer)}. {_say_use(answer)}{_say_refused(answer)}", *answer.measures)


def table_win_traits(answer: Answer) -> markup.Shown | None:
    """The traits beyond chance: how often such deals are won, all else equal, beside the other deals."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(
        what=[row.trait.replace("_", " ") for row in answer.table.itertuples()],
        points=[f"{_say_points(r.effect_share)} ({_say_points(r.low_effect_share)} to {_say_points(r.high_effect_share)})"
                for r in answer.table.itertuples()],
    )  # fmt: skip
    columns: dict[str, tuple[str, markup.Kind]] = {
        "what": ("Trait", "text"),
        "label": ("Value", "text"),
        "rate_share": ("Won, all else equal", cells.Range("low_share", "high_share", "others_share")),
        "points": ("Points beside the others", "text"),
        "deals_n": ("Team's deals", "count"),
        "own_n": ("Yours", "count"),
    }
    caption = "Traits that go with winning in the whole team. Line: 95 % interval; stroke: the other deals."
    return markup.table(table, columns, caption=caption, limit=8)


def table_apart(answer: Answer, currency: str, limit: int = 5) -> markup.Shown | None:
    """The open deals whose traits put them furthest above or below their stage; None where no model is used."""
    if answer.withheld is not None or answer.table.empty:
        return None
    table = answer.table.assign(points=[_say_points(share) for share in answer.table["apart_share"]])
    columns: dict[str, tuple[str, markup.Kind]] = {
        "opportunity_id": ("Open deal", "text"),
        "account_name": ("Account", "text"),
        "stage": ("Stage", "text"),
        "amount": (f"Amount, {currency}", "money"),
        "base_probability": ("Usual at its stage", "share"),
        "probability": ("By its traits", "share"),
        "points": ("Points apart", "text"),
    }
    columns = {name: kind for name, kind in columns.items() if table[name].notna().any()}
    days = answer.notes["horizon_days"]
    caption = f"Open deals furthest from what is usual at their stage: chance to be won within {days:.0f} days."
    return markup.table(table.head(limit), columns, caption=caption, limit=limit)
