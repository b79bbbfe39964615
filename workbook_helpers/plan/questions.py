"""Which question is answered where: the one list that ties docs/questions.md to the fields of a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from workbook_helpers.measure import say_date, say_number
from workbook_helpers.plan.model import ManagerPlan, Part, Plan, PlanFile, PrivatePlan, content_of


class Ask(NamedTuple):
    """What people are asked. fields: keys of the plan's file; "private." and "manager." lead to the other two files."""

    fields: tuple[str, ...]
    prompt: str


_GAP = "How will you close what has no source yet? Name each move: which account, what, how much, how likely."

#: Question id -> where its answer stands, and how people are asked.
ASKED: dict[str, Ask] = {
    "0.1": Ask(
        ("vision", "goal", "reviews"), "Where do you want this territory to be, what is your goal, and why that much?"
    ),
    "0.2": Ask(("wrong_data",), "Which rows are wrong? Name the table, the id and what is wrong about it."),
    "1.3": Ask(("pains",), "Why do they buy? For each kind of customer: what hurt, and what took the pain away?"),
    "1.4": Ask(("tipped", "stopped"), "What led to the final purchase, and what stopped the others?"),
    "2.1": Ask(
        ("swot", "core_values", "works_best"),
        "What are you better at than others, what do you stand for, how do you win best: in person, by e-mail, by phone?",
    ),
    "2.2": Ask(("swot",), "Which of the weaknesses shown is real? Accept, edit or reject each."),
    "2.3": Ask(("swot",), "Which of the opportunities shown is real? Accept, edit or reject each."),
    "2.4": Ask(
        ("swot", "threats"),
        "What endangers success here that the data does not show? Who competes for the same customers?",
    ),
    "2.5": Ask(
        ("pairings",),
        "What follows? Accept, edit or reject each move that pairs a strength or weakness with the outside.",
    ),
    "3.5": Ask(
        ("market.definition", "market.helped", "market.unique"),
        "Who is your market, how have we helped it, and what is unique to us, in the order in which it is wanted now?",
    ),
    "3.7": Ask(
        ("qualification",),
        "For each lead: do they want it, will they use it well, what makes them decide, and by when?",
    ),
    "4.4": Ask(
        ("territory_rating.value", "territory_rating.why", "territory_rating.not_in_data"),
        "Is your territory of high, medium or low value, why, and what do you know that the data does not?",
    ),
    "5.1": Ask(
        ("private.income", "private.aims", "private.share_in_own_report"),
        "Which income do you want this year and in the next two, and what for? Only you see this.",
    ),
    "5.2": Ask(("buckets",), "For each open deal: flow, likely or stretch, and is the effort routine or focused?"),
    "5.4": Ask(
        ("assumptions",),
        "What do you assume of losses, new business, deal size, win rate and cycle? Why, where not as before?",
    ),
    "5.8": Ask(
        ("actions", "resources", "conversions"),
        "What must be done, by whom, by when, with what, and how will you know that it worked?",
    ),
    "5.9": Ask(
        ("coverage", "targets"),
        "How often do you call on each tier, and how do you find business that nobody has found yet?",
    ),
    "5.10": Ask(
        ("vision", "core_values", "obstacles", "initiatives", "crew"),
        "What stands in the way, by which methods do you get past it, and who works with whom?",
    ),
    "5.11": Ask(
        ("key_accounts", "opportunities", "calls"),
        "For each key account, large deal and important meeting: strengths, weak points, next move.",
    ),
    "5.14": Ask(("moves",), _GAP),
    "5.15": Ask(("pursue", "leave"), "What do you pursue this year, and what do you leave on purpose?"),
    "5.16": Ask(("conversions",), "Which conversion must rise, from what to what, and what will you do differently?"),
    "6.6": Ask(("reviews",), "What had been promised, what was kept, and what was decided?"),
    "6.11": Ask(("feedback",), "What should product, supply and marketing hear about what buyers want and when?"),
    "M.2": Ask(("manager.answers",), "How did the rep answer the coaching questions?"),
    "M.3": Ask(
        ("manager.skill_or_will", "manager.to_learn", "manager.in_the_way"),
        "Is it skill (what to learn, and can it be?) or will (not bought in, delaying, what else)? Only you see this.",
    ),
    "M.4": Ask(("manager.skills",), "How do you rate each skill, from 1 to 5?"),
    "M.5": Ask(
        ("manager.coaching", "manager.agreed"), "Which behaviour deserves praise, what did you agree on, and by when?"
    ),
    "M.8": Ask(
        ("comments", "signed"), "What do you say of this plan? Comment with name and date; sign when you stand by it."
    ),
    "M.9": Ask(("session",), "Who was at the planning session, what did each bring, and what was decided?"),
}

#: What an entry of a plan is about, in this order, and words that go before its other values.
_LEADS = ("text", "what", "pain", "aim", "purpose", "who", "stage", "bucket", "pair")
_WORDS = {"verdict": "", "quadrant": "", "status": "", "kind": "", "pair": "", "evidence": "from",
          "account_id": "account", "opportunity_id": "deal"}  # fmt: skip
_PAIRS = {
    "so": "strength with opportunity", "wo": "weakness with opportunity",
    "st": "strength with threat", "wt": "weakness with threat",
}  # fmt: skip

#: The part of the SWOT that a question is about.
_QUADRANTS = {"2.1": "strength", "2.2": "weakness", "2.3": "opportunity", "2.4": "threat"}

_FILES: dict[str, type[PlanFile]] = {"": Plan, "private": PrivatePlan, "manager": ManagerPlan}


def split_field(field: str) -> tuple[type[PlanFile], tuple[str, ...]]:
    """The file's model and the keys inside it.

    >>> split_field("market.unique")[1], split_field("private.income")[0].__name__
    (('market', 'unique'), 'PrivatePlan')
    """
    first, *rest = field.split(".")
    return (_FILES[first], tuple(rest)) if first in _FILES else (Plan, (first, *rest))


def find_answers(plan: PlanFile, question: str) -> dict[str, Any]:
    """What stands in this file for a question: key in the file -> value, or None where nobody has answered.

    Only the keys of the file at hand: a shared plan never shows what is private. KeyError for a question that asks
    nothing.

    >>> find_answers(Plan(rep_id="R01", year=2026, pursue=["clinics"]), "5.15")
    {'pursue': ['clinics'], 'leave': None}
    >>> find_answers(Plan(rep_id="R01", year=2026), "5.1")
    {}
    """
    answers: dict[str, Any] = {}
    for field in ASKED[question].fields:
        model, keys = split_field(field)
        if not isinstance(plan, model):
            continue
        value: Any = plan
        for key in keys:
            default = type(value).model_fields[key].get_default()
            value = getattr(value, key)
        if keys == ("swot",):
            value = [line for line in value if line.quadrant == _QUADRANTS[question]]
        answers[".".join(keys)] = None if value == default else value
    return answers


def say_answer(plan: PlanFile, question: str) -> list[str]:
    """What people answered, one plain line per entry, as they typed it; empty where nobody has answered.

    >>> say_answer(Plan(rep_id="R01", year=2026, pursue=["clinics"]), "5.15")
    ['Pursue: clinics']
    >>> say_answer(Plan(rep_id="R01", year=2026, assumptions={"win_rate": 0.31}), "5.4")
    ['Win rate 31 %']
    >>> say_answer(Plan(rep_id="R01", year=2026, buckets={"O-7": {"bucket": "stretch", "note": "new buyer"}}), "5.2")
    ['O-7: stretch (note new buyer)']
    """
    answers = find_answers(plan, question)
    return [
        line for key, value in answers.items() if value is not None for line in _say_entries(key.split(".")[-1], value)
    ]


def _say_entries(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{name}: {_say(key, entry)}" for name, entry in value.items())
    elif isinstance(value, list):
        title = "" if value and isinstance(value[0], Part) else f"{_words(key)}: "
        yield from (title + _say(key, entry) for entry in value)
    elif isinstance(value, Part):
        said = _say(key, value)
        yield said[:1].upper() + said[1:]
    else:
        yield f"{_words(key)}: {_say(key, value)}"


def _say_part(part: Part) -> str:
    """What matters first, as a small sentence, what belongs to it in brackets; ids of the plan itself say nothing."""
    filled = {name: getattr(part, name) for name in content_of(part) if name not in ("sha256", "lines")}
    if "table" not in filled:
        filled.pop("id", None)
    said = {name: f"{_WORDS.get(name, _words(name).lower())} {_say(name, inner)}".strip() for name, inner in filled.items()}
    lead = next((name for name in _LEADS if filled.get(name)), None)
    if lead is None:
        return ", ".join(said.values())
    rest = ", ".join(words for name, words in said.items() if name != lead)
    return _say(lead, filled[lead]) + (f" ({rest})" if rest else "")


def _words(key: str) -> str:
    return key.replace("_", " ").removesuffix(" share").capitalize()


def _say(key: str, value: Any) -> str:
    """One value in words. Shares are told from their names, as everywhere in a plan."""
    if isinstance(value, Part):
        return _say_part(value)
    if key == "pair":
        return _PAIRS[value]
    if key == "evidence" and (found := re.fullmatch(r"(\w+)(?:\[(\w+)=(.*)\])?", value)):
        return ", ".join(" ".join(part).replace("_", " ") for part in ([found[1]], [p for p in found.groups()[1:] if p]) if part)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_say(key, inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(_say(key, inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        share = key.endswith("_share") or key in ("win_rate", "probability")
        return say_number(value, "share") if share else f"{value:,.2f}".rstrip("0").rstrip(".")
    return say_date(value) if isinstance(value, date) else str(value)
