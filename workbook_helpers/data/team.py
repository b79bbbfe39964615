"""What the team teaches: benchmarks and learned tables, computed once per company, role and as-of date; they name no rep.

Below five reps of a role nothing is taught; a row of a learned table that fewer than three reps stand behind is withheld.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pandas as pd

from workbook_helpers.data.store import Prepared
from workbook_helpers.data.tables import Tables
from workbook_helpers.measure import Answer, Definition
from workbook_helpers.steps import chance, customers, deals, goals, market, moves, quality, swot, tracking

STEPS: tuple[ModuleType, ...] = (customers, deals, swot, market, quality, chance, goals, moves, tracking)

MIN_REPS, MIN_REPS_PER_CUT = 5, 3


@dataclass(frozen=True)
class Team:
    """The team of one role. values: a measure's id to the team's figure; tables: what the steps learned, by name."""

    role: str | None = None
    reps_n: int = 0
    values: dict[str, float] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)


def list_definitions() -> dict[str, Definition]:
    """Every measure that the steps define, by id."""
    return {d.id: d for step in STEPS for d in vars(step).values() if isinstance(d, Definition)}


def learn_team(prepared: Prepared) -> dict[str, Any]:
    """What ``team.json`` of the store holds: per role its reps, benchmarks and learned tables; and the whole company's own figures.

    Members of a team are the selling reps of one role who are still there on the as-of date.
    """
    members: dict[str, list[str]] = {}
    for rep in prepared.reps:
        if rep["kind"] == "rep":
            members.setdefault(rep["role"] or "", []).append(rep["rep_id"])
    everyone = tuple(r["rep_id"] for r in prepared.reps)
    figures = {m.id: {"value": m.value, "n": m.n} for m in _measures(prepared, everyone) if m.value is not None}
    return {"company": figures, "roles": {role: _learn_role(prepared, tuple(ids)) for role, ids in sorted(members.items())}}


def _measures(prepared: Prepared, rep_ids: tuple[str, ...]) -> Iterator[Any]:
    books = Tables(prepared.company, prepared.as_of, prepared, rep_ids)
    for answer in summarise_headlines(books):
        yield from (m for m in answer.measures if m.cut is None)


def _learn_role(prepared: Prepared, rep_ids: tuple[str, ...]) -> dict[str, Any]:
    role: dict[str, Any] = {"reps_n": len(rep_ids), "values": {}, "tables": {}}
    if len(rep_ids) < MIN_REPS:
        return role
    defined = list_definitions()
    for measure in _measures(prepared, rep_ids):
        if measure.value is not None:
            per_rep = defined[measure.id].roll_up == "sum"
            role["values"][measure.id] = measure.value / len(rep_ids) if per_rep else measure.value
    books = Tables(prepared.company, prepared.as_of, prepared, rep_ids)
    for step in STEPS:
        for name, (learn, frames) in getattr(step, "LEARNED", {}).items():
            table = learn(
                **{f: getattr(books, f) for f in frames}, as_of=books.as_of, period=books.last_year, company=books.company
            )
            role["tables"][name] = {"columns": list(table.columns), "rows": table.astype(object).where(table.notna(), None).values.tolist()}
    return role


def open_team_figures(prepared: Prepared, role: str | None) -> Team:
    """The figures that a rep of this role may see."""
    found = prepared.team["roles"].get(role or "", {"reps_n": 0, "values": {}, "tables": {}})
    tables = {}
    for name, stored in found["tables"].items():
        table = pd.DataFrame(stored["rows"], columns=stored["columns"]).infer_objects()
        if "reps_n" in table:
            table = table[table["reps_n"] >= MIN_REPS_PER_CUT].reset_index(drop=True)
        tables[name] = table
    return Team(role, found["reps_n"], found["values"], tables)


def summarise_headlines(books: Tables) -> list[Answer]:
    """The measures that stand beside a rep's own, from the functions that the notebooks call."""
    return [
        customers.summarise_conversion(opportunities=books.opportunities, period=books.last_year),
        customers.summarise_concentration(sales=books.sales, accounts=books.accounts, period=books.last_year),
    ]
