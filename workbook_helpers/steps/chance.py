"""Step 5, the chances: how probable each open deal is, how probable the goal is, and what brings it to four in five.

A deal's chance is the closed-deal rate of its kind and stage, shrunk to the team; the year is simulated with random numbers that
belong to a deal, so that a what-if changes nothing but what it says, and more never looks worse by noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import count, islice
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Measure, Period, total
from workbook_helpers.renewals import find_renewals
from workbook_helpers.statistics import (
    MIN_CASES,
    BetaPrior,
    draw_uniforms,
    estimate_beta_prior,
    estimate_beta_quantiles,
    estimate_shrunk_rate,
)

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
#: More deals than this are not created on top of those there are.
MOST_CREATED = 200
#: So many random numbers of deals are kept from one what-if to the next: 32 MB.
KEPT_NUMBERS = 4_000_000
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
    closed = opportunities.reindex(columns=["opportunity_id", "rep_id", "kind", "close_date", "status"])
    closed = closed[closed["status"].isin(["won", "lost"])]
    keep = closed[["opportunity_id", "rep_id", "kind"]].assign(won=closed["status"].eq("won"))
    alone = keep.assign(stage=ALL_DEALS, days=1.0)
    parts = [alone.assign(kind=ANY_KIND), alone[~find_renewals(alone)].assign(kind=CREATED), alone[alone["kind"].notna()]]
    if stage_history is not None and len(stage_history):
        stays = stage_history[["opportunity_id", "stage", "entered_date"]].dropna()
        stays = stays.merge(closed[["opportunity_id", "close_date"]], on="opportunity_id")
        stays = stays.sort_values(["opportunity_id", "entered_date", "stage"])
        left = stays.groupby("opportunity_id")["entered_date"].shift(-1).fillna(stays["close_date"])
        stays["days"] = (left - stays["entered_date"]).dt.days.clip(lower=1).astype(float)
        stays = stays.groupby(["opportunity_id", "stage"])["days"].sum().reset_index().merge(keep, on="opportunity_id")
        parts += [stays.assign(kind=ANY_KIND), stays[stays["kind"].notna()]]
    rows = pd.concat(parts, ignore_index=True)
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
    kinds = deals["kind"] if "kind" in deals else [None] * len(deals)
    keys = [_find_rate(kind, stage, rates) for kind, stage in zip(kinds, deals["stage"], strict=True)]
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
    sums = own.assign(closed=1).groupby(["kind", "stage"])[["closed", "won_days", "days"]].sum()
    counts = {key: (int(closed), won_days, days) for key, closed, won_days, days in sums.itertuples()}
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
    if pd.isna(first):
        return pd.DataFrame(columns=columns)
    if opportunities is None:
        first, find_new = first + pd.DateOffset(years=1), _find_first_sales(sales)
    else:
        find_new = _find_created(opportunities)
    for window in Period.past_windows(as_of, days, first.date()):
        amounts = find_new(window)
        rows.append((window.start, window.end, total(amounts), len(amounts)))
    if opportunities is None and days > 0 and len(rows) < LEAST_WINDOWS:
        return pd.DataFrame([(pd.NaT, pd.NaT, math.nan, 0)], columns=columns)
    return pd.DataFrame(rows, columns=columns)


def _find_created(opportunities: pd.DataFrame) -> Callable[[Period], np.ndarray]:
    """For any window, the amounts of the deals that were created and won inside it."""
    won = opportunities["status"].eq("won").to_numpy()
    created, closed, amounts = (opportunities[c].to_numpy()[won] for c in ("created_date", "close_date", "amount"))
    return lambda window: amounts[window.holds(created) & window.holds(closed)]


def _find_first_sales(sales: pd.DataFrame) -> Callable[[Period], np.ndarray]:
    """For any window, the amounts of the book's own sales to customers that had bought nothing in it a year before."""
    days, amounts = sales["sale_date"].to_numpy(), sales["amount"].to_numpy()
    own = ~sales["inherited"].to_numpy(bool) if "inherited" in sales else np.ones(len(sales), bool)
    customers, names = pd.factorize(sales["account_id"])

    def find(window: Period) -> np.ndarray:
        known = np.zeros(len(names) + 1, bool)  # a missing name has place -1, the last
        known[customers[window.years_earlier().holds(days)]] = True
        return amounts[window.holds(days) & own & ~known[customers]]

    return find


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
        drawn = {}
        for rate_of, rate, strength in self.deals[["rate_of", "probability", "strength"]].drop_duplicates().itertuples(index=False):
            if 0 < rate < 1:
                u = draw_uniforms(self.seed, f"rate of {rate_of}", self.paths)
                drawn[rate_of] = estimate_beta_quantiles(rate * strength, (1 - rate) * strength, u)
            else:
                drawn[rate_of] = np.full(self.paths, float(rate))
        return drawn

    @cached_property
    def luck(self) -> list[np.ndarray]:
        """Per deal its random numbers, which every what-if shares: of so many deals as KEPT_NUMBERS allows."""
        kept = self.deals["opportunity_id"].head(KEPT_NUMBERS // self.paths)
        return [draw_uniforms(self.seed, deal, self.paths) for deal in kept]

    def draw_luck(self) -> Iterator[np.ndarray]:
        """The random numbers of one deal after another."""
        yield from self.luck
        for deal in self.deals["opportunity_id"].iloc[len(self.luck) :]:
            yield draw_uniforms(self.seed, deal, self.paths)

    def simulate_deals(self, lift: float = 0.0) -> np.ndarray:
        """Amount won from the open deals in each simulated year, every win rate raised by ``lift``."""
        won = np.zeros(self.paths)
        for luck, rate_of, amount in zip(self.draw_luck(), self.deals["rate_of"], self.deals["amount"], strict=True):
            np.add(won, amount, out=won, where=luck < self.rates[rate_of] + lift)
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

    def accumulate_created(self) -> Iterator[np.ndarray]:
        """Amount won from the first 1, 2, ... deals of usual size that are created now on top: one array, which grows."""
        amount, rate = self.typical or (0.0, 0.0)
        won = np.zeros(self.paths)
        for number in count():
            yield np.add(won, amount, out=won, where=draw_uniforms(self.seed, f"created {number}", self.paths) < rate)

    def simulate_created(self, deals_n: int) -> np.ndarray:
        """Amount won from so many deals of usual size that are created now on top."""
        return next(islice(self.accumulate_created(), deals_n - 1, None))

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
        return self.count_reached(self.simulate_year(**what_if))

    def count_reached(self, year: np.ndarray) -> float:
        """The share of these years that reach the goal."""
        return float((year >= self.goal - 0.005).mean())


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
    year, quarter = Period.ending(as_of), Period.ending(as_of, 91)
    new, made, closed = ~find_renewals(opportunities).to_numpy(), *(opportunities[c].to_numpy() for c in ("created_date", "close_date"))
    won = opportunities["status"].eq("won").to_numpy() & year.holds(closed)
    amounts = opportunities["amount"].to_numpy()[won]
    cycles = pd.Series((closed - made)[won & new])
    return {
        "pipeline": float((year.holds(made) & new).sum()) / 4,
        "size": total(amounts) / len(amounts) if len(amounts) else math.nan,
        "cycle_days": float(cycles.dt.days.median()),
        "created_n": int((quarter.holds(made) & new).sum()),
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
    won = opportunities["status"].eq("won") & (opportunities["amount"] > 0) & Period.ending(as_of).holds(opportunities["close_date"])
    won = opportunities.loc[won & ~find_renewals(opportunities), ["created_date", "close_date", "amount"]]
    if len(won) < MIN_CASES or math.isnan(base_rate):
        return None
    in_time = float(((won["close_date"] - won["created_date"]).dt.days <= days_left).mean())
    return total(won["amount"]) / len(won), base_rate * in_time


def _rank_levers(outlook: Outlook, chance: float) -> pd.DataFrame:
    """One row per lever that exists here, with the smallest step that reaches four in five; more never hurts."""
    enough, rows = chance >= FOUR_IN_FIVE, []
    if outlook.typical and outlook.typical[1] > 0:
        step, best = (0, chance) if enough else _count_created(outlook)
        rows.append(("pipeline", float(step), step * outlook.typical[0], best))
    levers: dict[str, Callable[[int], dict[str, float]]] = {}
    if len(outlook.deals):
        levers["win_rate"] = lambda step: {"lift": step / 100}
        levers["size"] = lambda step: {"size": 1 + step / 100}
    if outlook.flow > 0:
        levers["kept"] = lambda step: {"kept": 1 + step / 100}
    for name, what_if in levers.items():
        step, best = (0, chance) if enough else _find_step(lambda step, what_if=what_if: outlook.estimate(**what_if(step)))
        rows.append((name, step * 0.01, math.nan, best))
    return pd.DataFrame(rows, columns=["lever", "change", "amount", "chance"])


def _count_created(outlook: Outlook) -> tuple[float, float]:
    """The fewest deals created now that reach four in five, NaN where MOST_CREATED do not, and the chance with them."""
    without, best = outlook.simulate_year(), 0.0
    for step, won in enumerate(islice(outlook.accumulate_created(), MOST_CREATED), start=1):
        best = outlook.count_reached(without + won)
        if best >= FOUR_IN_FIVE:
            return step, best
    return math.nan, best


def _find_step(estimate: Callable[[int], float], most: int = 100) -> tuple[float, float]:
    """The smallest step that reaches four in five, NaN where the largest does not, and the chance with it."""
    low, high, best = 0, most, estimate(most)
    if best < FOUR_IN_FIVE:
        return math.nan, best
    while high - low > 1:
        middle = (low + high) // 2
        reached = estimate(middle)
        low, high, best = (low, middle, reached) if reached >= FOUR_IN_FIVE else (middle, high, best)
    return high, best


LEARNED = {"stage_wins": (learn_stage_wins, ("opportunities", "stage_history"))}
