"""Statistics for small samples: intervals, shrinkage, and random numbers that belong to a case and not to a loop.

The rules behind them: a rate is shown raw with its interval and n; comparisons use the shrunk rate; below five cases a
rate is withheld.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

#: A rate or an average of fewer cases than this is withheld.
MIN_CASES = 5
#: Of everything that is said to stand out, at most this share may be chance.
FALSE_DISCOVERY = 0.05


class Interval(NamedTuple):
    low: float
    high: float


def say_few(n: int, thing: str, where: str = "") -> str:
    """Why a figure is withheld.

    >>> say_few(3, "won deal", " in the period")
    'only 3 won deals in the period (at least 5 are needed)'
    """
    return f"only {n} {thing}{'s' * (n > 1)}{where} (at least {MIN_CASES} are needed)" if n else f"there are no {thing}s{where}"


def estimate_wilson_interval(successes: int, cases: int, *, level: float = 0.95) -> Interval:
    """Interval of a rate (0-1), honest also for 0 of 20.

    Source: Wilson's score interval; figures in Newcombe 1998.

    >>> [round(x, 4) for x in estimate_wilson_interval(81, 263)]
    [0.2553, 0.3662]
    >>> [round(x, 4) for x in estimate_wilson_interval(0, 20)]
    [0.0, 0.1611]
    """
    from scipy.special import ndtri

    if not 0 <= successes <= cases or cases < 1:
        raise ValueError(f"{successes} of {cases} is no rate")
    z = float(ndtri(0.5 + level / 2))
    rate, spread = successes / cases, z * z / cases
    centre = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / cases + spread / (4 * cases)) / (1 + spread)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


class BetaPrior(NamedTuple):
    """What the team teaches about a rate: its mean (0-1) and how many cases that knowledge is worth."""

    mean: float
    strength: float


def estimate_beta_prior(successes: Iterable[int], cases: Iterable[int]) -> BetaPrior:
    """The team's rate and how alike its members are, from one count per member.

    Method of moments on the beta-binomial: members that differ no more than chance give a strong prior (at most 1,000
    cases), members that truly differ a weak one (at least 2). With fewer than three members that have cases, strength
    is 20.

    >>> estimate_beta_prior([5, 5, 5], [10, 10, 10])
    BetaPrior(mean=0.5, strength=1000.0)
    >>> estimate_beta_prior([1, 9], [10, 10])
    BetaPrior(mean=0.5, strength=20.0)
    """
    k, n = np.asarray(list(successes), float), np.asarray(list(cases), float)
    k, n = k[n > 0], n[n > 0]
    if not n.sum():
        return BetaPrior(0.5, 2.0)
    mean = float(k.sum() / n.sum())
    if len(n) < 3 or mean in (0.0, 1.0):
        return BetaPrior(mean, 20.0)
    chance = mean * (1 - mean)
    spread = float((n * (k / n - mean) ** 2).sum())
    effective = float(n.sum() - (n**2).sum() / n.sum())
    between = (spread - (len(n) - 1) * chance) / effective if effective > 0 else 0.0
    if between <= 0:
        return BetaPrior(mean, 1000.0)
    return BetaPrior(mean, float(np.clip(chance / between - 1, 2.0, 1000.0)))


def estimate_shrunk_rate(successes: float, cases: float, prior: BetaPrior) -> float:
    """The rate pulled toward the team's by its sample size (beta-binomial mean).

    >>> estimate_shrunk_rate(4, 5, BetaPrior(0.3, 20))
    0.4
    """
    return (successes + prior.mean * prior.strength) / (cases + prior.strength)


def estimate_bootstrap_interval(
    groups: Iterable[float], *, seed: int, level: float = 0.95, draws: int = 1000
) -> Interval:
    """Interval of the mean of skewed money: whole groups (accounts, not lines) are drawn again and again.

    >>> low, high = estimate_bootstrap_interval([10, 20, 30, 40, 50], seed=1)
    >>> 10 <= low < 30 < high <= 50
    True
    """
    values = np.sort(np.asarray(list(groups), float))
    rng = np.random.default_rng(seed)
    means = values.take(rng.integers(0, len(values), size=(draws, len(values)))).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def draw_uniforms(seed: int, case_id: str, draws: int) -> np.ndarray:
    """Random numbers (0-1) that belong to one case: the same whatever other cases exist or in which order they come.

    >>> bool((draw_uniforms(7, "D-1", 3) == draw_uniforms(7, "D-1", 5)[:3]).all())
    True
    """
    key = int.from_bytes(hashlib.sha256(f"{seed}:{case_id}".encode()).digest()[:16], "big")
    return np.random.Generator(np.random.Philox(key=key)).random(draws)


def estimate_beta_quantiles(a: float, b: float, chances: np.ndarray) -> np.ndarray:
    """The values of a beta distribution at these chances (0-1), to ten digits.

    Where a and b are 1 or more, a spline through 513 of them: the logit of the value hardly bends over the normal score of
    the chance, and a root search for each chance takes many times as long.

    >>> estimate_beta_quantiles(1.0, 1.0, np.array([0.25, 0.5])).round(10).tolist()
    [0.25, 0.5]
    """
    from scipy.interpolate import CubicSpline
    from scipy.special import betaincinv, expit, logit, ndtr, ndtri

    if min(a, b) < 1:
        return betaincinv(a, b, chances)
    scores = np.linspace(-6, 6, 513)
    return expit(CubicSpline(scores, logit(betaincinv(a, b, ndtr(scores))))(ndtri(chances)))


# --- Rates by cut, beside the team ----------------------------------------------------------------------------------
# Cases: one row per case and cut: cut (column), label, hit (bool), rep_id.
# Counts: one row per cut and label: hits_n of cases_n.


def count_hits(cases: pd.DataFrame) -> pd.DataFrame:
    """cut, label, hits_n, cases_n: one row per cut and label, cuts as they come, the label with most cases first.

    >>> count_hits(pd.DataFrame({"cut": "kind", "label": ["new", "new", "renewal"], "hit": [True, False,
    ...     True]})).values.tolist()
    [['kind', 'new', 1.0, 2.0], ['kind', 'renewal', 1.0, 1.0]]
    """
    order = {cut: place for place, cut in enumerate(dict.fromkeys(cases["cut"]))}
    counts = cases.groupby(["cut", "label"])["hit"].agg(hits_n="sum", cases_n="size").reset_index()
    counts = counts.astype({"hits_n": float, "cases_n": float}).assign(place=counts["cut"].map(order))
    counts = counts.sort_values(["place", "cases_n", "label"], ascending=[True, False, True], ignore_index=True)
    return counts.drop(columns="place")


def learn_hits(cases: pd.DataFrame) -> pd.DataFrame:
    """The counts of a team, with reps_n and strength: how many cases the team's rate is worth as knowledge about one
    rep.

    >>> learn_hits(pd.DataFrame({"cut": "kind", "label": "new", "hit": [True, False], "rep_id": ["r",
    ...     "s"]})).values.tolist()
    [['kind', 'new', 1.0, 2.0, 2.0, 20.0]]
    """
    by_rep = cases.groupby(["cut", "label", "rep_id"])["hit"].agg(["sum", "size"]).reset_index()
    priors = [
        {
            "cut": cut,
            "label": label,
            "reps_n": float(len(rows)),
            "strength": estimate_beta_prior(rows["sum"], rows["size"]).strength,
        }
        for (cut, label), rows in by_rep.groupby(["cut", "label"])
    ]
    return count_hits(cases).merge(
        pd.DataFrame(priors, columns=["cut", "label", "reps_n", "strength"]), on=["cut", "label"], how="left"
    )


def compare_with_team(own: pd.DataFrame, team: pd.DataFrame | None, *, in_team: bool = True) -> pd.DataFrame:
    """A rep's counts beside the team without this rep: one row in, one row out, in the same order.

    own, team: cut, label, hits_n, cases_n; team also strength (None: no team is known). in_team: the team's counts hold
    the rep's own cases too, and these are taken out (False for a leaver or a house account, who are no members). Adds
    rate_share with low_share and high_share (95 % Wilson; missing below five cases), team_hits_n, team_cases_n,
    team_share (missing where the team is not known or has under five cases), strength, and shrunk_share: pulled toward
    the team, or without one toward the rep's own rate over all labels of the cut.

    >>> own = pd.DataFrame({"cut": ["kind"], "label": ["new"], "hits_n": [4.0], "cases_n": [5.0]})
    >>> team = pd.DataFrame({"cut": ["kind"], "label": ["new"], "hits_n": [10.0], "cases_n": [25.0], "reps_n": [5.0],
    ...     "strength": [20.0]})
    >>> compare_with_team(own, team)[["rate_share", "team_share", "shrunk_share"]].values.tolist()
    [[0.8, 0.3, 0.4]]
    """
    if team is None or team.empty:
        team = own.head(0).assign(strength=0.0)
    known = team[["cut", "label", "hits_n", "cases_n", "strength"]].rename(
        columns={"hits_n": "team_hits_n", "cases_n": "team_cases_n"}
    )
    both = own.reset_index(drop=True).merge(
        known.astype({"cut": object, "label": object}), on=["cut", "label"], how="left"
    )
    for column in ("hits_n", "cases_n"):
        both[f"team_{column}"] = both[f"team_{column}"].astype(float) - (both[column] if in_team else 0.0)
    enough = both["cases_n"] >= MIN_CASES
    both["rate_share"] = (both["hits_n"] / both["cases_n"]).where(enough)
    limits = [
        estimate_wilson_interval(h, n) if n >= MIN_CASES else (math.nan, math.nan)
        for h, n in zip(both["hits_n"], both["cases_n"], strict=True)
    ]
    both["low_share"], both["high_share"] = [low for low, _ in limits], [high for _, high in limits]
    both["team_share"] = (
        (both["team_hits_n"] / both["team_cases_n"]).where(both["team_cases_n"] >= MIN_CASES).astype(float)
    )
    both["strength"] = both["strength"].astype(float)
    alone = {cut: estimate_beta_prior(rows["hits_n"], rows["cases_n"]) for cut, rows in own.groupby("cut")}
    both["shrunk_share"] = [
        estimate_shrunk_rate(
            row.hits_n,
            row.cases_n,
            alone[row.cut] if math.isnan(row.team_share) else BetaPrior(row.team_share, row.strength),
        )
        for row in both.itertuples()
    ]
    return both
