"""From reps to the team: sums add up, ratios divide such sums, and the rest was computed once from the team's rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbook_helpers.measure import HEADLINE_IDS, Measure, total


def roll_up(
    facts: Iterable[Sequence[Mapping[str, Any]]], *, figures: Mapping[str, Mapping[str, Any]], rules: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The headline measures of the team, in the form of facts, each with ``reps_n``: how many reps stand behind it.

    facts: the facts of each delivered rep. figures: measure id -> {value, n} computed from the team's rows.
    rules: measure id -> its Definition's roll_up.

    >>> from workbook_helpers.measure import Definition
    >>> won = Definition("won_amount", 1, "Won", "money", "sum of amounts won", roll_up="sum")
    >>> reps = [[won.measure(0.1, n=1).to_fact()], [won.measure(0.2, n=2).to_fact()]]
    >>> [(fact["value"], fact["n"], fact["reps_n"]) for fact in roll_up(reps, figures={}, rules={"won_amount": "sum"})]
    [(0.3, 3, 2)]
    """
    by_id: dict[str, list[Measure]] = {}
    for fact in (fact for rep in facts for fact in rep if fact["cut"] is None):
        by_id.setdefault(fact["id"], []).append(Measure.from_fact(fact))
    team = []
    for measure_id in HEADLINE_IDS:
        if measure_id in by_id:
            reps = by_id[measure_id]
            known = [m for m in reps if m.withheld is None]
            rule = rules.get(measure_id, "team")
            if rule == "sum":
                measure = _add(known or reps)
            elif rule == "ratio":
                measure = _divide(reps)
            else:
                measure = _take(reps, figures.get(measure_id))
            team.append(measure.to_fact() | {"reps_n": len(known)})
    return team


def _add(reps: Sequence[Measure]) -> Measure:
    value = None if reps[0].withheld else total(m.value for m in reps if m.value is not None)
    return _of_team(reps, value, n=_count(reps))


def _divide(reps: Sequence[Measure]) -> Measure:
    """Summed over all reps that know both sides, also those whose own ratio rests on too few cases to be shown."""
    known = [m for m in reps if m.numerator is not None and m.denominator is not None]
    upper, lower = total(m.numerator for m in known), total(m.denominator for m in known)
    value = upper / lower if lower else None
    return _of_team(reps, value, n=_count(reps), numerator=upper, denominator=lower)


def _take(reps: Sequence[Measure], figure: Mapping[str, Any] | None) -> Measure:
    figure = dict(figure or {})
    return _of_team(
        reps, figure.pop("value", None), **{k: v for k, v in figure.items() if k in ("n", "low", "high", "level")}
    )


def _of_team(reps: Sequence[Measure], value: float | None, **details: Any) -> Measure:
    """The first rep's measure made the team's: nothing of that one rep stays but name, unit, formula and period."""
    withheld = None if value is not None else reps[0].withheld or "it cannot be told from the rows of the team"
    blank = dict.fromkeys(("n", "low", "high", "level", "numerator", "denominator", "team_value"))
    return dataclasses.replace(reps[0], value=value, withheld=withheld, **blank | details)


def _count(reps: Sequence[Measure]) -> int | None:
    counts = [m.n for m in reps if m.n is not None]
    return sum(counts) if counts else None
