"""What the team teaches: benchmarks and learned tables, computed once per company, role and as-of date; they name no rep.

Below five reps of a role nothing is taught but what all reps together teach of customers and the calendar;
a row of a learned table that fewer than three reps stand behind is withheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

import pandas as pd

from workbook_helpers.data.outlook import project_outlook
from workbook_helpers.data.prepared import Prepared
from workbook_helpers.data.schemas import NOBODY
from workbook_helpers.data.tables import Tables
from workbook_helpers.measure import Definition, Measure
from workbook_helpers.steps import (
    chance,
    contracts,
    customers,
    deals,
    effort,
    geography,
    goals,
    leads,
    market,
    moves,
    pipeline_health,
    potential,
    product_mix,
    quality,
    seasonality,
    segmentation,
    stage_rates,
    swot,
    swot_cases,
    swot_outside,
    targets,
    tracking,
    win_model,
    win_rates,
    worth,
)  # fmt: skip

STEPS: tuple[ModuleType, ...] = (
    potential, segmentation, product_mix, customers, win_rates, win_model, stage_rates, geography, seasonality, contracts, worth, deals,
    swot, swot_cases, swot_outside, pipeline_health, market, targets, leads, quality, chance, goals, effort, moves, tracking,
)  # fmt: skip

MIN_REPS, MIN_REPS_PER_CUT = 5, 3

#: What tells of customers and of the calendar, and compares no rep: where a role is too small to teach it, all reps together do.
_OF_ALL_REPS = (
    "season", "rest_of_year", "retention", "peer_spend", "spend_model", "potential_ways", "product_shares",
    "best_traits", "target_check", "lead_rates", "buying", "buying_check", "account_bands", "segmentations",
    "bought_together", "next_check", "season_cuts",
)  # fmt: skip
#: What the whole company teaches every role: what an account can spend, who the best customers are and how customers buy hangs on no
#: role. Where new customers are handed over, those who sell to prospects own none to learn from.
_OF_THE_COMPANY = (
    "peer_spend", "spend_model", "potential_ways", "product_shares", "best_traits", "target_check", "buying", "buying_check",
)  # fmt: skip

#: Figures of a whole team that mean nothing beside one rep's, and those that hang on what reps wrote into their plans.
_NOT_BESIDE_A_REP = ("forecast", "landing", "goal", "goal_probability", "unidentified_amount", "expected_gap", "pipeline_coverage", "pace")


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
    """What ``team.json`` of the store holds: per role its reps, benchmarks and learned tables; the company's own figures; and the sums of
    what belongs to nobody.

    Members of a team are the selling reps of one role who are still there on the as-of date.
    """
    members: dict[str, list[str]] = {}
    for rep in prepared.reps:
        if rep["kind"] == "rep":
            members.setdefault(rep["role"] or "", []).append(rep["rep_id"])
    everyone = _open(prepared, [rep["rep_id"] for rep in prepared.reps])
    learned = _learn_tables(everyone)
    of_quotas = ("goal_probability", "landing")
    company = [m for m in summarise_headlines(everyone, learned) if m.id not in of_quotas]
    company += [m for m in summarise_outlook(_with_quota(prepared, everyone), learned) if m.id in of_quotas]
    shared = {name: learned[name] for name in _OF_ALL_REPS} if len(prepared.reps) >= MIN_REPS else {}
    roles = sorted({rep["role"] or "" for rep in prepared.reps})
    nobody = summarise_headlines(_open(prepared, [NOBODY]), {})
    adds_up = {id for id, definition in list_definitions().items() if definition.roll_up == "sum"}
    return {
        "company": {m.id: m.to_fact() for m in company if m.value is not None},
        "nobody": {m.id: m.to_fact() for m in nobody if m.value is not None and m.id in adds_up},
        "roles": {role: _learn_role(_open(prepared, members.get(role, [])), len(members.get(role, [])), shared) for role in roles},
    }


def _with_quota(prepared: Prepared, everyone: Tables) -> Tables:
    """Those who carry a quota this fiscal year: the chance of the quotas together is theirs alone."""
    quotas, year = everyone.quotas, everyone.fiscal_year
    if quotas is None:
        return everyone
    due = quotas[(quotas["period_start"] <= pd.Timestamp(year.end)) & (quotas["period_end"] >= pd.Timestamp(year.start))]
    return _open(prepared, sorted(due["rep_id"].unique()))


def _open(prepared: Prepared, rep_ids: list[str]) -> Tables:
    return Tables(prepared.company, prepared.as_of, prepared, tuple(rep_ids))


def _learn_role(books: Tables, reps_n: int, shared: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """shared: what all reps together have learned."""
    if reps_n < MIN_REPS:
        return {"reps_n": reps_n, "values": {}, "tables": _as_values(shared)}
    defined, learned = list_definitions(), _learn_tables(books, {name: shared[name] for name in _OF_THE_COMPANY})
    values = {
        m.id: m.value / reps_n if defined[m.id].roll_up in ("sum", "distinct") else m.value
        for m in summarise_headlines(books, learned)
        if m.value is not None and m.id not in _NOT_BESIDE_A_REP
    }
    return {"reps_n": reps_n, "values": values, "tables": _as_values(learned)}


def _as_values(learned: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    return {
        name: {"columns": list(t.columns), "rows": t.astype(object).where(t.notna(), None).to_numpy().tolist()}
        for name, t in learned.items()
    }


def _learn_tables(books: Tables, known: Mapping[str, pd.DataFrame] | None = None) -> dict[str, pd.DataFrame]:
    """Every table that the steps' LEARNED offer, from the rows of these books, in the order of STEPS; those known already stay."""
    context = {"as_of": books.as_of, "period": books.last_year, "company": books.company}
    learned, scored = dict(known or {}), None
    for step in STEPS:
        for name, (learn, frames) in getattr(step, "LEARNED", {}).items():
            if name in learned:
                continue
            if "scored_accounts" in frames and scored is None:
                scored = score_accounts(books, learned)
            given = {f: scored if f == "scored_accounts" else getattr(books, f) for f in frames}
            learned[name] = learn(**given, **context)
    return learned


def score_accounts(books: Tables, learned: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """The accounts with what they bought and how they are worked, and their potential, as chapters 1 to 6 and the team see them.

    learned: what the team has taught, by name."""
    company = books.company
    accounts = customers.score_accounts(
        accounts=books.accounts,
        sales=books.account_sales,
        opportunities=books.opportunities,
        activities=books.activities,
        as_of=books.as_of,
        lapsed_after_days=company.lapsed_after_days,
    )
    return potential.score_potential(
        accounts=accounts,
        peer_spend=learned.get("peer_spend"),
        spend_model=learned.get("spend_model"),
        ways=learned.get("potential_ways"),
        market=books.market,
        peers=company.peers,
        quantile=company.potential_quantile,
    )


def summarise_headlines(books: Tables, learned: Mapping[str, pd.DataFrame]) -> list[Measure]:
    """The headline measures of several books taken as one, by the functions that the notebooks call."""
    answers = [
        win_rates.summarise_conversion(opportunities=books.opportunities, period=books.last_year),
        customers.summarise_concentration(sales=books.sales, accounts=books.accounts, period=books.last_year),
        pipeline_health.summarise_pipeline(
            opportunities=books.opportunities, as_of=books.as_of, stage_history=books.stage_history, activities=books.activities
        ),
    ]
    return [m for answer in answers for m in answer.measures if m.cut is None] + summarise_outlook(books, learned)


def summarise_outlook(books: Tables, learned: Mapping[str, pd.DataFrame]) -> list[Measure]:
    """What chapters 5 and 6 say of several books taken as one; the goal is the sum of the quotas."""
    year, day, season = books.fiscal_year, books.as_of, learned.get("season")
    over = tracking.is_over(learned.get("rest_of_year"))
    outlook = project_outlook(books, learned, bought=books.account_sales, together=True)
    goal, flow, credited = outlook.goal, outlook.flow, outlook.credited
    quota_counts = books.company.quota_counts
    answers = [
        goal,
        flow,
        goals.summarise_ladder(goal=goal, flow=flow, deals=outlook.open_deals, quota_counts=quota_counts, fiscal_year=year),
        outlook.chance,
        tracking.compare_pace(credited=credited, goal=goal, season=season, over=over, as_of=day, fiscal_year=year),
        tracking.estimate_landing(credited=credited, over=over, as_of=day, fiscal_year=year),
    ]
    return [m for answer in answers for m in answer.measures if m.cut is None]


def open_team_figures(prepared: Prepared, role: str | None) -> Team:
    """The figures that a rep of this role may see."""
    found = _find_role(prepared, role)
    tables = {name: table.copy(deep=False) for name, table in _read_tables(prepared, role).items()}
    return Team(role, found["reps_n"], found["values"], tables)


def _find_role(prepared: Prepared, role: str | None) -> dict[str, Any]:
    return prepared.team["roles"].get(role or "", {"reps_n": 0, "values": {}, "tables": {}})


@lru_cache(maxsize=1)
def _read_tables(prepared: Prepared, role: str | None) -> dict[str, pd.DataFrame]:
    """What the role may see of the learned tables, made once for all chapters of a process."""
    tables = {}
    for name, stored in _find_role(prepared, role)["tables"].items():
        table = pd.DataFrame(stored["rows"], columns=stored["columns"]).infer_objects()
        unknown = [column for column in table if len(table) and table[column].isna().all()]
        table = table.astype(dict.fromkeys(unknown, float))  # JSON keeps a missing number as null
        if "reps_n" in table:
            table = table[table["reps_n"] >= MIN_REPS_PER_CUT].reset_index(drop=True)
        tables[name] = table
    return tables
