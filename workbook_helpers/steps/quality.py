"""Step 4, territory quality: what the territory feeds, what it is worth, how sure that is, and is the load fair.

Ranks need the team: ``learn_territories`` makes one unnamed row per rep, and a rep's own row is made by the same
function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.errors import PlanInputError
from workbook_helpers.measure import Answer, Definition, Period, total, total_by
from workbook_helpers.statistics import MIN_CASES, BetaPrior, estimate_beta_prior, estimate_shrunk_rate

GRADE_SCORE = Definition("territory_score", 4, "Territory score", "share", "Σ weight × percentile rank ÷ Σ weight")
GRADE_SURE = Definition(
    "grade_certainty", 4, "How sure the grade is", "share", "perturbed weights that keep it ÷ all of them"
)
WORKLOAD = Definition(
    "workload_hours", 4, "Workload", "hours", "Σ calls a year × (hours per call + 2 × travel hours)", roll_up="sum"
)
WORKLOAD_INDEX = Definition(
    "workload_index", 4, "Workload index", "ratio",
    "workload ÷ mean workload of the team, travel counted from each book's centre",
)  # fmt: skip

#: The components of the grade: name in words, unit, and whether more is better.
COMPONENTS = {
    "potential": ("Potential", "money", True),
    "revenue": ("Revenue: last 365 days", "money", True),
    "win_rate": ("Win rate: shrunk to the team", "share", True),
    "workload": ("Workload", "hours", False),
    "competition": ("Competition: lost to a named rival", "share", False),
    "funnel": ("Funnel support: new leads and deals per account", "ratio", True),
}
#: How often, and how strongly (standard deviation of the logarithm), the weights are perturbed.
PERTURBATIONS, PERTURBATION_SPREAD = 500, 0.5
LEAST_REPS = 5
_EARTH_KM = 6371.0


# --- the load ---


def estimate_distance_km(latitude: pd.Series, longitude: pd.Series, *, home: tuple[float, float]) -> pd.Series:
    """Great-circle distance of each point from home, in kilometres; NaN where a point is not known.

    Source: haversine formula, mean radius of the earth 6,371 km.

    >>> one_degree = estimate_distance_km(pd.Series([1.0]), pd.Series([0.0]), home=(0.0, 0.0))
    >>> round(float(one_degree[0]), 1)
    111.2
    """
    phi, lam = np.radians(latitude.astype(float)), np.radians(longitude.astype(float))
    phi0, lam0 = np.radians(home[0]), np.radians(home[1])
    h = np.sin((phi - phi0) / 2) ** 2 + np.cos(phi) * np.cos(phi0) * np.sin((lam - lam0) / 2) ** 2
    return 2 * _EARTH_KM * np.arcsin(np.sqrt(h.clip(0, 1)))


def rank_tiers(*, accounts: pd.DataFrame, value: pd.Series, calls: Mapping[str, float]) -> pd.DataFrame:
    """Each account's tier: the company's own column ``tier`` where it names one of the call plan, else by value.

    value: yearly potential or sales by account_id. By value: the largest fifth of the accounts is the first tier of
    the plan, the next three tenths the second, the rest the third (and all later ones none). One row per account out:
    account_id, tier, value.

    >>> accounts = pd.DataFrame({"account_id": list("abcde")})
    >>> value = pd.Series([9, 5, 1, 1, 0.0], index=list("abcde"))
    >>> "".join(rank_tiers(accounts=accounts, value=value, calls={"A": 24, "B": 12, "C": 4})["tier"])
    'ABCCC'
    """
    names = list(calls) or ["A"]
    table = pd.DataFrame({"account_id": accounts["account_id"].to_numpy()})
    table["value"] = table["account_id"].map(value).astype(float).fillna(0.0)
    order = table.sort_values(["value", "account_id"], ascending=[False, True]).index
    place = pd.Series(np.arange(1, len(table) + 1), index=order) / max(1, len(table))
    step = np.searchsorted([0.2, 0.5], place.reindex(table.index).to_numpy() - 1e-9)
    table["tier"] = [names[min(s, len(names) - 1)] for s in step]
    if "tier" in accounts:
        own = pd.Series(accounts["tier"].to_numpy(), index=table.index)
        table["tier"] = own.where(own.isin(names), table["tier"])
    return table[["account_id", "tier", "value"]]


def score_workload(
    *, accounts: pd.DataFrame, visits_by_tier: Mapping[str, float], hours_per_visit: float
) -> pd.DataFrame:
    """Hours each account asks for in a year. One row per account in, one row per account out, in the same order.

    accounts: account_id, tier, travel_hours (one way; NaN counts as 0). visits_by_tier: visits per year; must name
    every tier. Returns account_id, visits_n, work_hours. Raises PlanInputError naming a tier without a plan. Source:
    the workload method (Talley 1961): work_hours = visits_n × (hours_per_visit + 2 × travel_hours).

    >>> accounts = pd.DataFrame({"account_id": ["a", "b"], "tier": ["A", "B"], "travel_hours": [0.5, 0.0]})
    >>> score_workload(accounts=accounts, visits_by_tier={"A": 10, "B": 4}, hours_per_visit=1.0)["work_hours"].tolist()
    [20.0, 4.0]
    """
    unknown = sorted(set(accounts["tier"].astype(str)) - set(visits_by_tier))
    if unknown:
        raise PlanInputError(
            f"Tier {', '.join(unknown)} has no call plan.",
            allowed=f"The plan names {', '.join(visits_by_tier) or 'no tier'}.",
            do="Add it under `calls` in workbook.yml, or mend the accounts' tier.",
        )
    visits = accounts["tier"].map(dict(visits_by_tier)).astype(float)
    hours = visits * (hours_per_visit + 2 * accounts["travel_hours"].astype(float).fillna(0.0))
    return pd.DataFrame({"account_id": accounts["account_id"], "visits_n": visits, "work_hours": hours})


def estimate_reps_needed(*, work: float, capacity_per_rep: float) -> float:
    """How many reps carry the work, to one decimal; work and capacity in the same unit (calls or hours a year).

    >>> estimate_reps_needed(work=1_000 * 36 + 2_000 * 12, capacity_per_rep=1_000)
    60.0
    """
    return round(work / capacity_per_rep, 1)


def plan_calls(
    *,
    accounts: pd.DataFrame | None,
    company: Any,
    home: tuple[float | None, float | None] = (None, None),
    calls: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The call plan of a book: tier, travel and hours of each account.

    accounts: from ``potential.score_potential``; tiers go by potential, or by the year's revenue where no potential is
    known. home: the rep's; where it is not known, the centre of the book's accounts. calls: a year by tier, where they
    are not the company's. One row per account out:
    account_id, tier, value, travel_hours (one way: great circle × road factor ÷ speed, shared by the calls of a trip),
    visits_n, work_hours.
    """
    if accounts is None:
        return pd.DataFrame(columns=["account_id", "tier", "value", "travel_hours", "visits_n", "work_hours"])
    calls = calls or company.calls
    worth = "potential_amount" if accounts["potential_amount"].notna().any() else "revenue_amount"
    plan = rank_tiers(accounts=accounts, value=accounts.set_index("account_id")[worth], calls=calls)
    north, east = (pd.Series(accounts[c].to_numpy(float), index=plan.index) for c in ("latitude", "longitude"))
    centre = home if None not in home and not any(map(math.isnan, home)) else (north.mean(), east.mean())
    hours = estimate_distance_km(north, east, home=centre) * company.road_factor / company.speed_km_per_hour
    plan["travel_hours"] = hours / company.calls_per_trip
    load = score_workload(accounts=plan, visits_by_tier=calls, hours_per_visit=company.hours_per_call)
    return plan.assign(visits_n=load["visits_n"], work_hours=load["work_hours"])


def compare_workload(
    *,
    calls: pd.DataFrame,
    components: Mapping[str, float],
    territories: pd.DataFrame | None,
    selling_hours: float | None,
) -> Answer:
    """Is the load fair: hours the call plan asks for against hours there are, and against the team that names nobody.

    calls: plan_calls. territories: the team's unnamed rows (learn_territories), the rep's own among them. One row per
    tier out: tier, accounts_n, visits_n, travel_hours, work_hours. notes: hours, free_hours, reps_needed, balance
    (CV, Gini, max deviation).
    """
    if calls.empty:
        reason = "this book holds no accounts"
        return Answer("4.5", measures=(WORKLOAD.withhold(reason), WORKLOAD_INDEX.withhold(reason)), withheld=reason)
    table = calls.assign(travel=2 * calls["visits_n"] * calls["travel_hours"].fillna(0.0)).groupby("tier", sort=True)
    table = table.agg(
        accounts_n=("account_id", "size"),
        visits_n=("visits_n", "sum"),
        travel_hours=("travel", "sum"),
        work_hours=("work_hours", "sum"),
    )
    hours = total(calls["work_hours"])
    team = pd.Series(dtype=float) if territories is None else territories["workload"].dropna()
    known = len(team) >= LEAST_REPS and team.mean() > 0 and not math.isnan(components["workload"])
    index = (
        WORKLOAD_INDEX.measure(components["workload"] / float(team.mean()), n=len(team))
        if known
        else WORKLOAD_INDEX.withhold("fewer than five reps of this role have accounts")
    )
    free = None if not selling_hours or math.isnan(selling_hours) else float(selling_hours)
    notes = {
        "hours": hours,
        "selling_hours": free,
        "load_share": hours / free if free else None,
        "reps_needed": estimate_reps_needed(work=hours, capacity_per_rep=free) if free else None,
        "unplaced_n": int(calls["travel_hours"].isna().sum()),
        **(summarise_balance(team) if known else {}),
    }
    measures = (WORKLOAD.measure(hours, n=len(calls), rows=calls), index)
    return Answer("4.5", table.reset_index(), measures, notes)


def summarise_balance(values: Sequence[float] | pd.Series) -> dict[str, float]:
    """How evenly something is spread: cv = σ ÷ μ, gini = mean |xᵢ − xⱼ| ÷ 2μ, max_deviation = max |xᵢ ÷ μ − 1|.

    >>> {k: round(v, 3) for k, v in summarise_balance([1.0, 3.0]).items()}
    {'cv': 0.5, 'gini': 0.25, 'max_deviation': 0.5}
    """
    x = np.sort(np.asarray(values, float))
    mean = float(x.mean())
    return {
        "cv": float(x.std()) / mean,
        "gini": float(np.abs(x[:, None] - x[None, :]).mean()) / (2 * mean),
        "max_deviation": float(np.abs(x / mean - 1).max()),
    }


# --- the funnel ---


def _count_funnel(
    leads: pd.DataFrame | None, opportunities: pd.DataFrame | None, stages: Sequence[str], year: Period
) -> pd.DataFrame:
    """Part of the funnel, cases and amount: leads and deals created in the year, open deals by stage, deals won."""
    rows: list[tuple[str, int, float]] = []
    if leads is not None:
        rows.append(("leads created", int(year.holds(leads["created_date"]).sum()), math.nan))
    if opportunities is not None:
        deals, status = opportunities, opportunities["status"]
        parts = [("deals created", year.holds(deals["created_date"]))]
        known = list(stages) or sorted(deals.loc[status.eq("open"), "stage"].dropna().unique())
        parts += [(f"open at {stage}", status.eq("open") & deals["stage"].eq(stage)) for stage in known]
        parts.append(("deals won", status.eq("won") & year.holds(deals["close_date"])))
        rows += [(part, int(mask.sum()), total(deals.loc[mask, "amount"])) for part, mask in parts]
    return pd.DataFrame(rows, columns=["part", "cases_n", "amount"])


def learn_funnel(
    *, leads: pd.DataFrame | None, opportunities: pd.DataFrame | None, company: Any, as_of: date, **_: object
) -> pd.DataFrame:
    """What the funnel of a role holds. One row per part out: part, cases_n and amount per rep, reps_n."""
    table = _count_funnel(leads, opportunities, company.stages, Period.ending(as_of))
    ids = [set(f["rep_id"].dropna()) for f in (leads, opportunities) if f is not None and "rep_id" in f]
    reps = max(1, len(set().union(*ids)))
    return table.assign(cases_n=table["cases_n"] / reps, amount=table["amount"] / reps, reps_n=reps)


def compare_funnel(
    *,
    leads: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    team: pd.DataFrame | None,
    stages: Sequence[str],
    as_of: date,
) -> Answer:
    """Which parts of the funnel the territory feeds, and where it starves, against the team's mean per rep.

    team: learn_funnel; maybe empty. One row per part out: part, cases_n, amount, team_n (mean per rep, NaN where not
    known), against_team (cases_n ÷ team_n). notes: fed and starved, the parts furthest above and below the team (None
    below five cases, and within a quarter above or a fifth below).
    """
    if leads is None and opportunities is None:
        return Answer("4.2", withheld="it needs table leads or opportunities")
    table = _count_funnel(leads, opportunities, stages, Period.ending(as_of))
    means = pd.Series(dtype=float) if team is None else team.set_index("part")["cases_n"].astype(float)
    table["team_n"] = table["part"].map(means).astype(float)
    table["against_team"] = (table["cases_n"] / table["team_n"].where(table["team_n"] > 0)).astype(float)
    judged = table[table["team_n"] >= MIN_CASES]
    notes: dict[str, Any] = {"fed": None, "starved": None}
    if len(judged):
        most, least = judged["against_team"].idxmax(), judged["against_team"].idxmin()
        notes["fed"] = judged.loc[most, "part"] if judged.loc[most, "against_team"] >= 1.25 else None
        notes["starved"] = judged.loc[least, "part"] if judged.loc[least, "against_team"] <= 0.8 else None
    return Answer("4.2", table, notes=notes)


# --- the grade ---


def summarise_territory(
    *,
    accounts: pd.DataFrame | None,
    sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    leads: pd.DataFrame | None,
    prior: BetaPrior | None,
    company: Any,
    as_of: date,
) -> dict[str, float]:
    """The components of one territory's grade: potential, revenue, win_rate (shrunk), workload, competition, funnel.

    accounts: from ``potential.score_potential``. prior: the team's win rate; None leaves the raw rate. NaN where a component
    is not known.
    """
    year, out = Period.ending(as_of), dict.fromkeys(COMPONENTS, math.nan)
    if accounts is not None and len(accounts):
        if accounts["potential_amount"].notna().any():
            out["potential"] = total(accounts["potential_amount"])
        out["workload"] = total(plan_calls(accounts=accounts, company=company)["work_hours"])
        created = [int(year.holds(f["created_date"]).sum()) for f in (leads, opportunities) if f is not None]
        out["funnel"] = sum(created) / len(accounts) if created else math.nan
    if sales is not None:
        out["revenue"] = total(sales.loc[year.holds(sales["sale_date"]), "amount"])
    if opportunities is not None:
        closed = opportunities[opportunities["status"].isin(["won", "lost"]) & year.holds(opportunities["close_date"])]
        won_n, n = int(closed["status"].eq("won").sum()), len(closed)
        if prior is not None:
            out["win_rate"] = estimate_shrunk_rate(won_n, n, prior)
        elif n >= MIN_CASES:
            out["win_rate"] = won_n / n
        if n >= MIN_CASES and opportunities["competitor"].notna().any():
            out["competition"] = float((closed["status"].eq("lost") & closed["competitor"].notna()).mean())
    return out


def learn_territories(
    *,
    scored_accounts: pd.DataFrame | None,
    sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    leads: pd.DataFrame | None,
    company: Any,
    as_of: date,
    **_: object,
) -> pd.DataFrame:
    """The components of every territory of a role, without names or ids, in the order of their values.

    All frames with rep_id; scored_accounts: from ``potential.score_potential``. One row per rep out: a column per
    component, and the win rate's prior (the same in all).
    """
    frames = {"accounts": scored_accounts, "sales": sales, "opportunities": opportunities, "leads": leads}
    ids = sorted(set().union(*(set(f["rep_id"].dropna()) for f in frames.values() if f is not None)))
    split = {name: {} if f is None else dict(list(f.groupby("rep_id"))) for name, f in frames.items()}
    prior = estimate_win_prior(opportunities=opportunities, as_of=as_of)
    rows = []
    for rep in ids:
        own = {name: None if f is None else split[name].get(rep, f.iloc[:0]) for name, f in frames.items()}
        rows.append(summarise_territory(**own, prior=prior, company=company, as_of=as_of))
    table = pd.DataFrame(rows, columns=list(COMPONENTS), dtype=float).sort_values(list(COMPONENTS))
    mean, strength = prior or (math.nan, math.nan)
    return table.reset_index(drop=True).assign(prior_mean=mean, prior_strength=strength)


def find_win_prior(territories: pd.DataFrame | None) -> BetaPrior | None:
    """The prior with which the win rates of the team's rows (learn_territories) were shrunk; None where there is none.

    >>> find_win_prior(pd.DataFrame({"prior_mean": [0.3], "prior_strength": [20.0]}))
    BetaPrior(mean=0.3, strength=20.0)
    """
    known = None if territories is None else territories.dropna(subset=["prior_mean"])
    if known is None or known.empty:
        return None
    return BetaPrior(float(known["prior_mean"].iloc[0]), float(known["prior_strength"].iloc[0]))


def estimate_win_prior(*, opportunities: pd.DataFrame | None, as_of: date) -> BetaPrior | None:
    """The win rate of a role's last 365 days and how alike its reps are; None without closed deals."""
    if opportunities is None:
        return None
    closed = opportunities[
        opportunities["status"].isin(["won", "lost"]) & Period.ending(as_of).holds(opportunities["close_date"])
    ]
    reps = closed["status"].eq("won").groupby(closed["rep_id"]).agg(["sum", "count"])
    return estimate_beta_prior(reps["sum"], reps["count"]) if len(closed) >= MIN_CASES else None


def grade_territory(
    *, components: Mapping[str, float], territories: pd.DataFrame | None, weights: Mapping[str, float], seed: int = 7
) -> Answer:
    """High, medium or low, and how sure: percentile ranks in the team, weighted with the company's weights.

    components: summarise_territory of this book. territories: the team's rows (learn_territories). One row per
    component out: component, name, unit, value, team_median, rank_share (0 worst, 1 best), weight (0 where
    not known). Grade: the third of the team in which the score lies. How sure: share of 500 seeded perturbations of
    the weights (log-sd 0.5) that keep the grade.
    """
    territories = pd.DataFrame() if territories is None else territories
    usable = [
        c for c in COMPONENTS if weights.get(c) and c in territories and not math.isnan(components.get(c, math.nan))
    ]
    usable = [c for c in usable if territories[c].notna().sum() >= LEAST_REPS]
    reason = None
    if len(territories) < LEAST_REPS or not usable:
        reason = "a grade is a rank, and fewer than five reps of this role can be compared"
    elif sum(weights[c] for c in usable) < sum(weights.get(c, 0.0) for c in COMPONENTS) / 2:
        known = " and ".join(COMPONENTS[c][0].split(":")[0].lower() for c in usable)
        reason = f"only {known} can be ranked, less than half of what the weights ask for"
    if reason:
        return Answer("4.3", measures=(GRADE_SCORE.withhold(reason), GRADE_SURE.withhold(reason)), withheld=reason)
    ranks = {c: _rank_shares(territories[c].to_numpy(float), COMPONENTS[c][2]) for c in usable}
    own = {c: _rank_of(components[c], territories[c].to_numpy(float), COMPONENTS[c][2]) for c in usable}
    matrix = np.column_stack([ranks[c] for c in usable])
    mine = np.array([own[c] for c in usable])
    base = np.array([float(weights[c]) for c in usable])
    noise = np.random.default_rng(seed).standard_normal((PERTURBATIONS, len(usable)))
    drawn = base * np.exp(PERTURBATION_SPREAD * noise)
    grade, score = _grade(matrix, mine, base), float(mine @ base / base.sum())
    kept = float(np.mean([_grade(matrix, mine, w) == grade for w in drawn]))
    rows = []
    for c, (name, unit, _) in COMPONENTS.items():
        seen = (
            (float(territories[c].median()), own[c], float(weights[c]) / base.sum())
            if c in usable
            else (math.nan,) * 2 + (0.0,)
        )
        rows.append((c, name, unit, components.get(c, math.nan), *seen))
    table = pd.DataFrame(rows, columns=["component", "name", "unit", "value", "team_median", "rank_share", "weight"])
    measures = (
        GRADE_SCORE.measure(score, n=len(territories), rows=table),
        GRADE_SURE.measure(kept, n=PERTURBATIONS, numerator=round(kept * PERTURBATIONS), denominator=PERTURBATIONS),
    )
    missing = tuple(COMPONENTS[c][0].split(":")[0] for c in COMPONENTS if c not in usable and weights.get(c))
    return Answer("4.3", table, measures, {"grade": grade, "sure": kept, "not_known": missing})


def _rank_shares(values: np.ndarray, more_is_better: bool) -> np.ndarray:
    return np.array([0.5 if math.isnan(v) else _rank_of(v, values, more_is_better) for v in values])


def _rank_of(value: float, team: np.ndarray, more_is_better: bool) -> float:
    """Percentile rank in the team, ties half: 0 is worst and 1 is best."""
    team = team[~np.isnan(team)]
    share = float(((team < value).sum() + 0.5 * (team == value).sum()) / len(team))
    return share if more_is_better else 1 - share


def _grade(matrix: np.ndarray, mine: np.ndarray, weights: np.ndarray) -> str:
    """The third of the team's scores in which the own score lies."""
    scores, own = matrix @ weights, float(mine @ weights)
    place = float(((scores < own - 1e-12).sum() + 0.5 * (np.abs(scores - own) <= 1e-12).sum()) / len(scores))
    return "high" if place > 2 / 3 else "low" if place < 1 / 3 else "medium"


# --- fit ---


def compare_fit(
    *, rep_skills: pd.DataFrame | None, accounts: pd.DataFrame | None, trait: str = "industry"
) -> Answer:
    """The rep's skills beside the book and its results by trait.

    accounts: from ``customers.score_accounts``. One row per label of the trait out: label, accounts_n,
    accounts_share, amount, amount_share, skill_level (1-5, where a skill has the label's name; NaN else). notes:
    skills, as text.
    """
    if accounts is None or trait not in accounts:
        return Answer("4.1", withheld=f"it needs column {trait} of table accounts")
    if accounts[trait].isna().all():
        why = f"no account of this book states its {trait.replace('_', ' ')}" if len(accounts) else "this book holds no accounts"
        return Answer("4.1", withheld=why)
    rows = accounts.loc[accounts[trait].notna(), [trait, "revenue_amount"]]
    table = rows.groupby(trait, sort=True).size().rename("accounts_n").reset_index().rename(columns={trait: "label"})
    table["amount"] = total_by(rows["revenue_amount"], rows[trait]).to_numpy()
    table["accounts_share"] = table["accounts_n"] / table["accounts_n"].sum()
    table["amount_share"] = table["amount"] / table["amount"].sum() if table["amount"].sum() > 0 else math.nan
    skills = pd.Series(dtype=float)
    if rep_skills is not None and len(rep_skills):
        latest = rep_skills.sort_values("rated_date", na_position="first").groupby("skill")["level"].last()
        skills = latest.astype(float).sort_index()
    by_name = {str(k).casefold(): v for k, v in skills.items()}
    table["skill_level"] = [by_name.get(str(label).casefold(), math.nan) for label in table["label"]]
    table = table.sort_values(["amount", "accounts_n", "label"], ascending=[False, False, True]).reset_index(drop=True)
    said = tuple(
        f"{skill} {level:.0f} of 5" for skill, level in skills.sort_values(ascending=False, kind="stable").items()
    )
    columns = ["label", "accounts_n", "accounts_share", "amount", "amount_share", "skill_level"]
    return Answer("4.1", table[columns], notes={"skills": said, "trait": trait})


LEARNED = {
    "funnel": (learn_funnel, ("leads", "opportunities")),
    "territories": (learn_territories, ("scored_accounts", "sales", "opportunities", "leads")),
}
