"""Step 5, the chances: how probable each open deal is, how probable the goal is, and what brings it to four in five.

A deal's chance is the closed-deal rate of its kind and stage, shrunk to the team; the year is simulated with random numbers that
belong to a deal, so that a what-if changes nothing but what it says, and more never looks worse by noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Measure, Period, total
from workbook_helpers.renewals import find_renewals
from workbook_helpers.statistics import MIN_CASES, BetaPrior, draw_uniforms, estimate_beta_prior, estimate_shrunk_rate

LANDING = Definition(
    "landing",
    5,
    "Where the year lands",
    "money",
    "median of the simulated years: booked + usual orders + open deals + deals not yet created",
)
CHANCE = Definition("goal_probability", 5, "Chance of the goal", "share", "simulated years that reach the goal ÷ all of them")

#: The row of the stage rates that stands for every closed deal, whatever its stage.
ALL_DEALS = "all deals"
#: Sales of fewer past windows than this say nothing of new business.
LEAST_WINDOWS = 3
#: Rows that stand for deals of every kind, and of every kind that somebody creates: renewals come with the contract.
ANY_KIND, CREATED = "any kind", "any kind but renewals"
#: How many cases the rate of all kinds is worth for the rate of one.
KIND_STRENGTH = 20.0
#: The chance that the levers bring the goal to.
FOUR_IN_FIVE = 0.8
NOT_REBUILT = "what stood in the deals on that day cannot be rebuilt without stage_history"
NO_RATE = "no win rate can be given: fewer than five closed deals here, and no team to lean on"


def learn_stage_wins(*, opportunities: pd.DataFrame | None, stage_history: pd.DataFrame | None, **_: object) -> pd.DataFrame:
    """Of the closed deals that stood at a stage, how many were won: the team's counts, by kind of deal.

    Deals that are lost sit longer at a stage than deals that are won, so a deal found at a stage today is likelier
    one of those: each closed deal counts with the days it stood there. opportunities, stage_history: a role's rows
    (with rep_id). One row per kind and stage out, with any kind and all deals (a day each) among them: kind, stage,
    closed_n, won_days, all_days, strength (how many cases the team's rate is worth for one rep), reps_n. Without
    stage_history only all deals.

    >>> deals = pd.DataFrame({"opportunity_id": list("abcd"), "rep_id": list("xxyy")})
    >>> deals["status"] = ["won", "lost", "won", "open"]
    >>> learn_stage_wins(opportunities=deals, stage_history=None).values.tolist()
    [['any kind', 'all deals', 3, 2.0, 3.0, 20.0, 2], ['any kind but renewals', 'all deals', 3, 2.0, 3.0, 20.0, 2]]
    """
    rows = []
    for (kind, stage), group in _stage_days(opportunities, stage_history).groupby(["kind", "stage"], sort=True):
        reps = group.groupby("rep_id", sort=True)[["won_days", "days"]].sum()
        cases = group.groupby("rep_id", sort=True).size()
        strength = estimate_beta_prior(cases * reps["won_days"] / reps["days"], cases).strength
        days = (float(group["won_days"].sum()), float(group["days"].sum()))
        rows.append((kind, stage, len(group), *days, strength, len(reps)))
    return pd.DataFrame(rows, columns=["kind", "stage", "closed_n", "won_days", "all_days", "strength", "reps_n"])


def _stage_days(opportunities: pd.DataFrame | None, stage_history: pd.DataFrame | None) -> pd.DataFrame:
    """One row per closed deal and stage it stood at, and one for all deals, of any kind and again of its own:
    rep_id, kind, stage, days, won_days."""
    if opportunities is None:
        return pd.DataFrame({"rep_id": [], "kind": [], "stage": [], "days": [], "won_days": []})
    closed = opportunities[opportunities["status"].isin(["won", "lost"])]
    keep = pd.DataFrame({"opportunity_id": closed["opportunity_id"], "won": closed["status"].eq("won")})
    keep["rep_id"], keep["kind"] = closed.get("rep_id", ""), closed.get("kind", None)
    parts = [keep.assign(stage=ALL_DEALS, days=1.0)]
    if stage_history is not None and len(stage_history):
        stays = stage_history[["opportunity_id", "stage", "entered_date"]].dropna()
        stays = stays.merge(closed[["opportunity_id", "close_date"]], on="opportunity_id")
        stays = stays.sort_values(["opportunity_id", "entered_date", "stage"])
        left = stays.groupby("opportunity_id")["entered_date"].shift(-1).fillna(stays["close_date"])
        stays["days"] = (left - stays["entered_date"]).dt.days.clip(lower=1).astype(float)
        parts.append(stays.groupby(["opportunity_id", "stage"])["days"].sum().reset_index().merge(keep, on="opportunity_id"))
    rows = pd.concat(parts, ignore_index=True)
    created = rows[rows["stage"].eq(ALL_DEALS) & ~find_renewals(rows)].assign(kind=CREATED)
    rows = pd.concat([rows.assign(kind=ANY_KIND), created, rows[rows["kind"].notna()]], ignore_index=True)
    return rows.assign(won_days=rows["days"].where(rows["won"], 0.0))


def estimate_chances(
    *,
    opportunities: pd.DataFrame | None,
    stage_history: pd.DataFrame | None,
    stage_wins: pd.DataFrame | None,
    in_team: bool = True,
    as_of: date,
    fiscal_year: Period,
) -> pd.DataFrame | None:
    """Every open deal with its chance and its one bucket.

    stage_wins: the team's counts (learn_stage_wins), maybe None; in_team: the rep's own cases are in them. One row
    per open deal out: the deal's columns, rate_of (kind and stage, as far as five cases can be found for them),
    probability (NaN where not even for all deals), strength (cases behind it) and bucket: likely (above ½), stretch,
    later (due after the year), overdue, no date. None without opportunities. Source: beta-binomial mean, prior from the
    team without the rep's own cases.

    >>> deals = pd.DataFrame({"opportunity_id": ["D1"] + list("abcdef"), "stage": "Propose", "amount": 9.0})
    >>> deals["status"] = ["open"] + ["won"] * 4 + ["lost"] * 2
    >>> deals["close_date"] = pd.Timestamp("2026-11-01")
    >>> year = Period(date(2026, 1, 1), date(2026, 12, 31))
    >>> known = {"stage_history": None, "stage_wins": pd.DataFrame()}
    >>> out = estimate_chances(opportunities=deals, as_of=date(2026, 9, 30), fiscal_year=year, **known)
    >>> out[["probability", "bucket"]].round(3).values.tolist()
    [[0.667, 'likely']]
    """
    if opportunities is None:
        return None
    deals = opportunities[opportunities["status"] == "open"].sort_values("opportunity_id").reset_index(drop=True)
    rates = _estimate_rates(_stage_days(opportunities, stage_history), stage_wins, in_team)
    keys = [_find_rate(deal.kind, deal.stage, rates) for deal in deals.reindex(columns=["kind", "stage"]).itertuples()]
    deals["rate_of"] = [stage if kind == ANY_KIND else f"{kind}, {stage}" for kind, stage in keys]
    deals["probability"] = [rates.get(key, _NOT_KNOWN).mean for key in keys]
    deals["strength"] = [rates.get(key, _NOT_KNOWN).strength for key in keys]
    day, end, due = pd.Timestamp(as_of), pd.Timestamp(fiscal_year.end), deals["close_date"]
    cases = [due.isna(), due < day, due > end, deals["probability"] > 0.5]
    deals["bucket"] = np.select(cases, ["no date", "overdue", "later", "likely"], default="stretch").astype(object)
    return deals


def estimate_base_rate(*, opportunities: pd.DataFrame | None, stage_wins: pd.DataFrame | None, in_team: bool = True) -> float:
    """The win rate of all closed deals but renewals, shrunk to the team: the chance of a deal that somebody creates.

    NaN where five cases cannot be found.

    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "status": ["won"] * 2 + ["lost"] * 3 + ["won"]})
    >>> deals["kind"] = ["new"] * 5 + ["renewal"]
    >>> estimate_base_rate(opportunities=deals, stage_wins=pd.DataFrame())
    0.4
    """
    rates = _estimate_rates(_stage_days(opportunities, None), stage_wins, in_team)
    return rates.get((CREATED, ALL_DEALS), _NOT_KNOWN).mean


_NOT_KNOWN = BetaPrior(math.nan, 0.0)
_Rates = dict[tuple[str, str], BetaPrior]


def _find_rate(kind: str | None, stage: str | None, rates: _Rates) -> tuple[str, str]:
    """The narrowest rate that is known for a deal."""
    keys = [(kind, stage), (kind, ALL_DEALS), (ANY_KIND, stage)]
    return next((key for key in keys if key in rates), (ANY_KIND, ALL_DEALS))


def _estimate_rates(own: pd.DataFrame, team: pd.DataFrame | None, in_team: bool) -> _Rates:
    """Shrunk rate and the cases behind it, by kind and stage, where there are five cases in the team or here.

    The rate of one kind leans on that of any kind at the stage, both in the team and here.
    """
    counts = {key: (len(g), float(g["won_days"].sum()), float(g["days"].sum())) for key, g in own.groupby(["kind", "stage"])}
    taught = {} if team is None else {(row.kind, row.stage): row for row in team.itertuples()}
    rates: _Rates = {}
    every = set(counts) | set(taught)
    for kind, stage in sorted(every, key=lambda key: (key[0] != ANY_KIND, key[1] != ALL_DEALS, *key)):
        closed, won_days, days = counts.get((kind, stage), (0, 0.0, 0.0))
        leans = None
        if (kind, stage) not in ((ANY_KIND, ALL_DEALS), (CREATED, ALL_DEALS)):
            leans = rates.get((ANY_KIND, stage if kind != ANY_KIND else ALL_DEALS)) or rates.get((ANY_KIND, ALL_DEALS))
        prior, row = None, taught.get((kind, stage))
        out = (closed, won_days, days) if in_team else (0, 0.0, 0.0)  # the team without the rep
        if row is not None and row.closed_n - out[0] >= MIN_CASES:  # never true of a withheld row (NaN)
            mean, cases = (row.won_days - out[1]) / (row.all_days - out[2]), row.closed_n - out[0]
            if leans and kind != ANY_KIND:
                mean = estimate_shrunk_rate(cases * mean, cases, BetaPrior(leans.mean, KIND_STRENGTH))
            prior = BetaPrior(mean, row.strength)
        elif leans and closed >= MIN_CASES:
            prior = BetaPrior(leans.mean, KIND_STRENGTH)
        won = closed * won_days / days if days else 0.0
        if prior is not None:
            rates[kind, stage] = BetaPrior(estimate_shrunk_rate(won, closed, prior), closed + prior.strength)
        elif leans is None and closed >= MIN_CASES:
            rates[kind, stage] = BetaPrior(won / closed, float(closed))
    return rates


# --- the chance of the goal ---


def summarise_arrivals(
    *,
    opportunities: pd.DataFrame | None,
    sales: pd.DataFrame | None,
    contracts: pd.DataFrame | None = None,
    as_of: date,
    days: int,
    over: bool = False,
) -> pd.DataFrame:
    """What came within so many days from deals that did not yet exist when those days began, in past windows.

    One row per window out, the latest first: window_start, window_end, amount, cases_n. Deals created and won inside
    the window; without opportunities, what this book sold to customers that had bought nothing in the same window a
    year before (``inherited`` sales are none of its own); one row without an amount where fewer than LEAST_WINDOWS tell.
    Where the company has contracts their renewals are flow, and no arrivals.
    over: the team never sells in the days that are left (``tracking.is_over``): last year's same days stand for all.

    >>> deals = pd.DataFrame({"created_date": pd.to_datetime(["2026-01-01", "2026-08-10"]), "status": "won",
    ...     "close_date": pd.to_datetime(["2026-06-01", "2026-09-20"]), "amount": [50.0, 7.0]})
    >>> out = summarise_arrivals(opportunities=deals, sales=None, as_of=date(2026, 9, 30), days=90)
    >>> out["amount"].tolist(), out["cases_n"].tolist()
    ([7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0, 0, 0, 0])
    """
    columns = ["window_start", "window_end", "amount", "cases_n"]
    if over:
        same_days = Period(as_of + timedelta(days=1), as_of + timedelta(days=days)).years_earlier()
        return pd.DataFrame([(same_days.start, same_days.end, 0.0, 0)], columns=columns)
    if opportunities is not None and contracts is not None:
        opportunities = opportunities[~find_renewals(opportunities)]
    rows, source = [], opportunities if opportunities is not None else sales
    born = "created_date" if opportunities is not None else "sale_date"
    first = source[born].min() if source is not None and len(source) else pd.NaT
    if opportunities is None and not pd.isna(first):
        first += pd.DateOffset(years=1)
    windows = [] if pd.isna(first) else Period.past_windows(as_of, days, first.date())
    for window in windows:
        if opportunities is not None:
            inside = window.holds(opportunities["created_date"]) & window.holds(opportunities["close_date"])
            new = opportunities[inside & opportunities["status"].eq("won")]
        else:
            before = sales.loc[window.years_earlier().holds(sales["sale_date"]), "account_id"]
            new = sales[window.holds(sales["sale_date"]) & ~sales["account_id"].isin(before.unique())]
            new = new[~new["inherited"].astype(bool)] if "inherited" in new else new
        rows.append((window.start, window.end, total(new["amount"]), len(new)))
    if opportunities is None and days > 0 and not pd.isna(first) and len(rows) < LEAST_WINDOWS:
        return pd.DataFrame([(pd.NaT, pd.NaT, math.nan, 0)], columns=columns)
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class Outlook:
    """All that the chance of a goal hangs on; the methods simulate it.

    deals: opportunity_id, amount, probability, strength, rate_of, in order of id. arrivals: sorted past windows.
    typical: amount and probability of a deal that is created now, or None where it is not known.
    """

    goal: float
    booked: float
    flow: float
    spread: float
    deals: pd.DataFrame
    arrivals: Sequence[float]
    typical: tuple[float, float] | None
    seed: int
    paths: int

    @cached_property
    def rates(self) -> dict[tuple[str, float], np.ndarray]:
        """Per simulated year the win rate of each group of deals: drawn once, shared by the deals it concerns."""
        from scipy.special import betaincinv

        drawn = {}
        for rate_of, rate, strength in self.deals[["rate_of", "probability", "strength"]].drop_duplicates().itertuples(index=False):
            if 0 < rate < 1:
                u = draw_uniforms(self.seed, f"rate of {rate_of}", self.paths)
                drawn[rate_of] = betaincinv(rate * strength, (1 - rate) * strength, u)
            else:
                drawn[rate_of] = np.full(self.paths, float(rate))
        return drawn

    def simulate_deals(self, lift: float = 0.0) -> np.ndarray:
        """Amount won from the open deals in each simulated year, every win rate raised by ``lift``."""
        won = np.zeros(self.paths)
        for deal in self.deals.itertuples():
            won += np.where(
                draw_uniforms(self.seed, deal.opportunity_id, self.paths) < self.rates[deal.rate_of] + lift,
                deal.amount,
                0.0,
            )
        return won

    @cached_property
    def won(self) -> np.ndarray:
        return self.simulate_deals()

    @cached_property
    def flow_paths(self) -> np.ndarray:
        """Flow strays lognormally around its mean."""
        from scipy.special import ndtri

        z = ndtri(draw_uniforms(self.seed, "flow", self.paths))
        return self.flow * np.exp(self.spread * z - self.spread**2 / 2)

    @cached_property
    def new(self) -> np.ndarray:
        """Business that nobody has identified yet, as it came in past windows of the same length."""
        if not len(self.arrivals):
            return np.zeros(self.paths)
        place = draw_uniforms(self.seed, "arrivals", self.paths) * len(self.arrivals)
        return np.asarray(self.arrivals, float)[place.astype(int)]

    def simulate_created(self, deals_n: int) -> np.ndarray:
        """Amount won from so many deals of usual size that are created now on top."""
        amount, rate = self.typical or (0.0, 0.0)
        won = np.zeros(self.paths)
        for number in range(deals_n):
            won += np.where(draw_uniforms(self.seed, f"created {number}", self.paths) < rate, amount, 0.0)
        return won

    def simulate_year(self, *, created: int = 0, lift: float = 0.0, size: float = 1.0, kept: float = 1.0) -> np.ndarray:
        """What the year brings in each path. Each what-if only ever adds."""
        won = self.simulate_deals(lift) if lift else self.won
        year = self.booked + self.flow_paths * kept + won * size + self.new * size
        return year + self.simulate_created(created) if created else year

    def estimate(self, **what_if: Any) -> float:
        """The share of simulated years that reach the goal (to half a cent).

        >>> none = pd.DataFrame(columns=["opportunity_id", "amount", "probability", "strength", "rate_of"])
        >>> base = Outlook(100.0, 60.0, 0.0, 0.0, none, (30.0, 50.0), (10.0, 1.0), 7, 1000)
        >>> base.estimate() == (base.new == 50.0).mean(), base.estimate(created=1)
        (np.True_, 1.0)
        """
        return float((self.simulate_year(**what_if) >= self.goal - 0.005).mean())


def estimate_goal_chance(
    *,
    goal: Answer,
    flow: Answer,
    deals: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    arrivals: pd.DataFrame,
    base_rate: float = math.nan,
    left: bool = False,
    as_of: date,
    fiscal_year: Period,
    seed: int = 7,
    paths: int = 10_000,
) -> Answer:
    """Where the year lands, how probable the goal is, and the smallest change of each lever that makes it four in five.

    goal: summarise_goal. flow: estimate_flow. deals: estimate_chances. arrivals: summarise_arrivals. base_rate:
    estimate_base_rate. left: the rep has left. notes: low, middle, high: the year end at 10, 50 and 90 % of the
    same simulated years that the chance is counted in; without a goal they alone are given. Table: one row per
    lever: lever (pipeline, win_rate, size, kept), change (deals; share points; share; share; 0 where nothing is
    needed, NaN where the lever alone cannot do it), amount (of pipeline), chance (with that change, else with the
    largest tried), record (what this book does now: deals created a quarter, win rate (where renewals are due, mean
    chance), mean won, flow) and more (change ÷ record). Source: simulation with common random numbers keyed by seed
    and deal; uncertain win rates drawn once per year.
    """
    target, booked = goal["goal"].value, goal["booked_amount"].value
    due = None if deals is None else deals[deals["bucket"].isin(["likely", "stretch"])]
    no_goal = f"there is no goal: {goal['goal'].withheld}" if target is None else None
    met = target is not None and booked is not None and booked >= target
    unknown = _find_reason(booked, goal, flow, deals, due, arrivals)
    reason = "the rep has left" if left else no_goal or (None if met else unknown)
    if left or (unknown and not met):
        return Answer("5.3", measures=(CHANCE.withhold(reason, period=fiscal_year),), withheld=reason)
    columns = ["opportunity_id", "amount", "probability", "strength", "rate_of"]
    rows = pd.DataFrame(columns=columns) if due is None or unknown else due[columns].sort_values("opportunity_id")
    days_left = (fiscal_year.end - as_of).days
    outlook = Outlook(
        goal=booked if target is None else target,
        booked=booked,
        flow=flow["flow_amount"].value or 0.0,
        spread=flow.notes.get("spread", 0.0),
        deals=rows.fillna({"amount": 0.0}).reset_index(drop=True),
        arrivals=sorted(arrivals["amount"].dropna().clip(lower=0.0)),
        typical=_typical_deal(opportunities, base_rate, as_of, days_left),
        seed=seed,
        paths=paths,
    )
    notes = {"windows_n": len(arrivals), "mean_new": float(np.mean(outlook.new)), "booked": booked}
    measures: tuple[Measure, ...] = ()
    if unknown is None:
        low, middle, high = map(float, np.quantile(outlook.simulate_year(), [0.1, 0.5, 0.9]))
        notes |= {"low": low, "middle": middle, "high": high}
        measures = (LANDING.measure(middle, low=low, high=high, level=0.8, period=fiscal_year, n=len(rows)),)
    if reason is not None:
        return Answer("5.3", measures=(CHANCE.withhold(reason, period=fiscal_year), *measures), notes=notes, withheld=reason)
    chance = 1.0 if met else outlook.estimate()
    measure = CHANCE.measure(chance, period=fiscal_year, n=len(rows), numerator=round(chance * paths), denominator=paths, rows=rows)
    renews = due is not None and find_renewals(due).any()
    usual_rate = float(due["probability"].mean()) if renews else base_rate
    record = _look_at_record(opportunities, as_of) | {"win_rate": usual_rate, "kept": outlook.flow}
    notes |= {"days_left": days_left} | {name: record.pop(name) for name in ("cycle_days", "created_n")}
    levers = _compare_record(_rank_levers(outlook, chance), record, days_left)
    return Answer("5.3", levers, (measure, *measures), notes)


def _find_reason(
    booked: float | None,
    goal: Answer,
    flow: Answer,
    deals: pd.DataFrame | None,
    due: pd.DataFrame | None,
    arrivals: pd.DataFrame,
) -> str | None:
    """Why the rest of the year cannot be simulated, or None."""
    if booked is None:
        return goal["booked_amount"].withheld
    if deals is not None and not deals["state_known"].astype(bool).all():
        return NOT_REBUILT
    if due is not None and due["probability"].isna().any():
        return NO_RATE
    if arrivals["amount"].isna().any():
        return "the past is too short to tell what new customers bring"
    if not flow["flow_amount"].value and not len(arrivals) and not (due is not None and len(due)):
        return "there is nothing yet to estimate it from: no open deals due, no usual orders, no past year"
    return None


def _look_at_record(opportunities: pd.DataFrame | None, as_of: date) -> dict[str, Any]:
    """Deals created a quarter, mean won and median days to win of the last 365 days; deals created in the last 91.

    Nobody creates a renewal: they count in the mean won only.
    """
    if opportunities is None:
        return {"pipeline": math.nan, "size": math.nan, "cycle_days": math.nan, "created_n": None}
    year, created = Period.ending(as_of), opportunities[~find_renewals(opportunities)]
    won, new = (deals[deals["status"].eq("won") & year.holds(deals["close_date"])] for deals in (opportunities, created))
    return {
        "pipeline": float(year.holds(created["created_date"]).sum()) / 4,
        "size": total(won["amount"]) / len(won) if len(won) else math.nan,
        "cycle_days": float((new["close_date"] - new["created_date"]).dt.days.median()),
        "created_n": int(Period.ending(as_of, 91).holds(created["created_date"]).sum()),
    }


def _compare_record(levers: pd.DataFrame, record: dict[str, Any], days_left: int) -> pd.DataFrame:
    """Each lever with what this book does now, and the change as a share of it."""
    levers["record"] = levers["lever"].map(record).astype(float)
    base = {"pipeline": record["pipeline"] * days_left / 91.25, "win_rate": record["win_rate"]}
    usual = levers["lever"].map(base).astype(float).fillna(1.0)  # size and kept are shares already
    levers["more"] = levers["change"] / usual.where(usual > 0)
    return levers


def _typical_deal(opportunities: pd.DataFrame | None, base_rate: float, as_of: date, days_left: int) -> tuple[float, float] | None:
    """Mean amount won in the last 365 days, and the chance that a deal created now is won before the year ends."""
    if opportunities is None or days_left < 1:
        return None
    won = opportunities[opportunities["status"].eq("won") & (opportunities["amount"] > 0) & ~find_renewals(opportunities)]
    won = won[Period.ending(as_of).holds(won["close_date"])]
    if len(won) < MIN_CASES or math.isnan(base_rate):
        return None
    in_time = float(((won["close_date"] - won["created_date"]).dt.days <= days_left).mean())
    return total(won["amount"]) / len(won), base_rate * in_time


def _rank_levers(outlook: Outlook, chance: float) -> pd.DataFrame:
    """One row per lever that exists here, with the smallest step that reaches four in five; more never hurts."""
    levers: list[tuple[str, Callable[[int], dict[str, Any]], int, float]] = []
    if outlook.typical and outlook.typical[1] > 0:
        levers.append(("pipeline", lambda step: {"created": step}, 200, 1.0))
    if len(outlook.deals):
        levers.append(("win_rate", lambda step: {"lift": step / 100}, 100, 0.01))
        levers.append(("size", lambda step: {"size": 1 + step / 100}, 100, 0.01))
    if outlook.flow > 0:
        levers.append(("kept", lambda step: {"kept": 1 + step / 100}, 100, 0.01))
    rows = []
    for name, what_if, most, unit in levers:
        low, high = 0, most
        best = chance if chance >= FOUR_IN_FIVE else outlook.estimate(**what_if(most))
        if chance >= FOUR_IN_FIVE:
            step = 0
        elif best < FOUR_IN_FIVE:
            step = None
        else:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if outlook.estimate(**what_if(middle)) >= FOUR_IN_FIVE else (middle, high)
            step, best = high, outlook.estimate(**what_if(high))
        amount = step * outlook.typical[0] if name == "pipeline" and step is not None else math.nan
        rows.append((name, math.nan if step is None else step * unit, amount, best))
    return pd.DataFrame(rows, columns=["lever", "change", "amount", "chance"])


LEARNED = {"stage_wins": (learn_stage_wins, ("opportunities", "stage_history"))}
