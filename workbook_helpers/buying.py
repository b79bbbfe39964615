"""The laws of buying without a contract: how often customers buy, when they leave, what a purchase brings.

BG/NBD and MBG/NBD (Fader, Hardie & Lee 2005; Batislam, Denizel & Filiztekin 2007) and Gamma-Gamma (Fader & Hardie 2013), fitted by
maximum likelihood. Customers come as ``steps.worth.summarise_purchases`` makes them.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

#: Sets of parameters that stand for what is not known of them.
PARAMETER_DRAWS = 20
#: Futures drawn per customer: a multiple of it.
FUTURES = 200
YEAR_DAYS = 365
_WEEK = 7.0


class Buying(NamedTuple):
    """How often customers buy, and when they leave: the four parameters of BG/NBD or MBG/NBD, time in weeks.

    While it is there, a customer buys at a steady rate of its own: gamma(r, alpha) over customers. After a purchase it
    leaves with a chance of its own: beta(a, b). from_first: already after the first purchase (MBG/NBD), or only after a
    repeat (BG/NBD, where whoever bought once is there for ever).
    """

    r: float
    alpha: float
    a: float
    b: float
    from_first: bool = True


class Spend(NamedTuple):
    """What a purchase brings (Gamma-Gamma): gamma(p) around each customer's own mean, whose scale is gamma(q, gamma)."""

    p: float
    q: float
    gamma: float


def to_weeks(summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Repeats, recency and age in weeks."""
    repeats, recency, age = (summary[c].to_numpy(float) for c in ("repeats_n", "recency_days", "age_days"))
    return repeats, recency / _WEEK, age / _WEEK


def score_buying(summary: pd.DataFrame, law: Buying) -> float:
    """The log-likelihood of these customers' purchases under the law. Source: equation 6 of Fader, Hardie & Lee 2005;
    for MBG/NBD Batislam, Denizel & Filiztekin 2007."""
    return _log_likelihood(np.log(law[:4]), *to_weeks(summary), law.from_first)


def _log_likelihood(logs: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray, from_first: bool) -> float:
    from scipy.special import betaln, gammaln

    r, alpha, a, b = np.exp(logs)
    stayed = x + from_first
    bought = gammaln(r + x) - gammaln(r) + r * logs[1] - (r + x) * np.log(alpha + age)
    there = betaln(a, b + stayed) - betaln(a, b)
    with np.errstate(divide="ignore"):
        left = np.where(stayed > 0, np.log(a) - np.log(np.maximum(b + stayed - 1, 1e-300)), -np.inf)
    left = left + (r + x) * (np.log(alpha + age) - np.log(alpha + last))
    return float((bought + there + np.logaddexp(left, 0.0)).sum())


def fit_buying(summary: pd.DataFrame, *, from_first: bool = True) -> Buying:
    """The law under which these purchases are likeliest (maximum likelihood).

    summary: from ``summarise_purchases``; customers who bought once belong to it.

    >>> months = pd.DataFrame({"repeats_n": [0.0, 1.0, 4.0, 9.0], "recency_days": [0.0, 90.0, 200.0, 350.0], "age_days": 360.0})
    >>> law = fit_buying(pd.concat([months] * 20))
    >>> 0.5 < law.r / law.alpha * 52 < 12
    True
    """
    x, last, age = to_weeks(summary)
    rate = max((x.sum() + 1) / max(age.sum(), 1.0), 1e-6)
    start = np.log([1.0, 1.0 / rate, 0.5, 2.0 + x.mean()])
    logs = _maximise(lambda logs: _log_likelihood(logs, x, last, age, from_first), start)
    return Buying(*np.exp(logs).tolist(), from_first)


def fit_spend(summary: pd.DataFrame) -> Spend:
    """The law under which these customers' mean amounts are likeliest, from those with a repeat purchase.

    Source: Fader & Hardie 2013, The Gamma-Gamma model of monetary value.
    """
    again = summary[(summary["repeats_n"] > 0) & (summary["mean_amount"] > 0)]
    x, mean = again["repeats_n"].to_numpy(float), again["mean_amount"].to_numpy(float)
    unit = float(np.median(mean))
    logs = _maximise(lambda logs: _spend_likelihood(logs, x, mean / unit), np.log([2.0, 3.0, 1.5]))
    p, q, gamma = np.exp(logs).tolist()
    return Spend(p, q, gamma * unit)


def _spend_likelihood(logs: np.ndarray, x: np.ndarray, mean: np.ndarray) -> float:
    from scipy.special import gammaln

    p, q, gamma = np.exp(logs)
    whole = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
    return float((whole + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * mean)).sum())


def _find_limits(n: int) -> np.ndarray:
    """Lowest and highest logarithm of each of n parameters. Where all customers leave alike, a and b run away together: a stops at
    100, so that no power of it overflows."""
    return np.array([(-9.0, 4.6 if (n, k) == (4, 2) else 12.0) for k in range(n)])


def _maximise(score: Any, start: np.ndarray) -> np.ndarray:
    """Logarithms of the parameters at which the score is highest."""
    from scipy.optimize import minimize

    for _ in range(2):  # begun again where it stopped: its first idea of the curvature may have misled it
        settings = {"method": "L-BFGS-B", "bounds": _find_limits(len(start)), "options": {"maxiter": 300, "ftol": 1e-13}}
        start = minimize(lambda logs: -score(logs), start, **settings).x
    return start


def _draw_parameters(score: Any, logs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Parameters as they might be too: normal around their logarithms with the curvature of the likelihood, which is
    held where the data hardly tell (as if a standard deviation of 2 were known)."""
    n, step = len(logs), 1e-3
    shifts = np.eye(n) * step
    curve = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            up, down = shifts[i], shifts[j]
            corners = score(logs + up + down) - score(logs + up - down) - score(logs - up + down) + score(logs - up - down)
            curve[i, j] = curve[j, i] = -corners / (4 * step**2)
    values, vectors = np.linalg.eigh(curve + np.eye(n) / 4)
    spread = vectors / np.sqrt(np.maximum(values, 0.25))
    return np.exp(np.clip(logs + rng.standard_normal((PARAMETER_DRAWS, n)) @ spread.T, *_find_limits(n).T))


def estimate_alive(summary: pd.DataFrame, law: Buying) -> np.ndarray:
    """Chance (0-1) that each customer still buys.

    >>> silent = pd.DataFrame({"repeats_n": [9.0, 9.0], "recency_days": [350.0, 100.0], "age_days": 360.0})
    >>> estimate_alive(silent, Buying(1.0, 4.0, 0.5, 3.0)).round(2).tolist()
    [0.95, 0.0]
    """
    x, last, age = to_weeks(summary)
    return _alive(x, last, age, law)


def _alive(x: np.ndarray, last: np.ndarray, age: np.ndarray, law: Any) -> np.ndarray:
    stayed = x + law.from_first
    silence = np.log(law.alpha + age) - np.log(law.alpha + last)
    odds = np.log(law.a) - np.log(np.maximum(law.b + stayed - 1, 1e-300)) + (law.r + x) * silence
    return np.where(stayed > 0, 1 / (1 + np.exp(np.minimum(odds, 700.0))), 1.0)


def estimate_purchases_if_alive(summary: pd.DataFrame, law: Buying, days: float) -> np.ndarray:
    """Purchases of each customer in the coming days, if it has not left yet.

    Source: the conditional expectation of Fader, Hardie & Lee 2005 (Batislam et al. 2007), its hypergeometric function
    turned by Euler's rule so that many purchases do not overflow it.

    >>> one = pd.DataFrame({"repeats_n": [4.0], "recency_days": [28.0], "age_days": [28.0]})
    >>> estimate_purchases_if_alive(one, Buying(1.0, 1.0, 1e-9, 1e9), 35).round(3).tolist()
    [5.0]
    """
    x, _, age = to_weeks(summary)
    return _buy_if_alive(x, age, law, days / _WEEK)


def _buy_if_alive(x: np.ndarray, age: np.ndarray, law: Buying, weeks: float) -> np.ndarray:
    from scipy.special import hyp2f1

    a = law.a if abs(law.a - 1) > 1e-5 else 1.00001
    stays = (law.alpha + age) / (law.alpha + age + weeks)
    flips = law.b + x + law.from_first
    left = stays ** (a - 1) * hyp2f1(a + flips - 1 - law.r - x, a - 1, a + flips - 1, 1 - stays)
    return (a + flips - 1) / (a - 1) * (1 - left)


def estimate_mean_amount(summary: pd.DataFrame, law: Spend) -> np.ndarray:
    """What a coming purchase of each customer brings: its own mean, pulled toward all customers' by how few it has.

    >>> one = pd.DataFrame({"repeats_n": [2.0], "mean_amount": [30.0]})
    >>> estimate_mean_amount(one, Spend(5.0, 3.0, 12.0)).tolist()
    [30.0]
    """
    x, mean = summary["repeats_n"].to_numpy(float), summary["mean_amount"].fillna(0.0).to_numpy(float)
    return law.p * (law.gamma + x * mean) / np.maximum(law.p * x + law.q - 1, 1e-9)


def draw_laws(summary: pd.DataFrame, buying: Buying, spend: Spend, seed: int) -> list[list[float]]:
    """The parameters of both laws in one row, then as many rows more as there are draws."""
    x, last, age = to_weeks(summary)
    again = summary[(summary["repeats_n"] > 0) & (summary["mean_amount"] > 0)]
    bought, mean = again["repeats_n"].to_numpy(float), again["mean_amount"].to_numpy(float)
    unit, rng = float(np.median(mean)), np.random.default_rng(seed)
    others = _draw_parameters(lambda logs: _log_likelihood(logs, x, last, age, True), np.log(buying[:4]), rng)
    amounts = _draw_parameters(lambda logs: _spend_likelihood(logs, bought, mean / unit), np.log([*spend[:2], spend.gamma / unit]), rng)
    return [[*buying[:4], *spend], *np.hstack([others, amounts * [1.0, 1.0, unit]]).tolist()]


class Laws(NamedTuple):
    """Parameters as columns, one set per draw, for many futures at once."""

    r: np.ndarray
    alpha: np.ndarray
    a: np.ndarray
    b: np.ndarray
    p: np.ndarray
    q: np.ndarray
    gamma: np.ndarray
    from_first: bool = True


def draw_futures(customer_id: str, x: float, last: float, age: float, mean: float, laws: Laws, seed: int) -> np.ndarray:
    """Revenue of one customer's next year in each of many futures, from random numbers that are its own."""
    key = int.from_bytes(hashlib.sha256(f"{seed}:{customer_id}".encode()).digest()[:16], "big")
    rng = np.random.Generator(np.random.Philox(key=key))
    there = rng.random(FUTURES) < _alive(x, last, age, laws)
    rate = rng.standard_gamma(laws.r + x) / (laws.alpha + age)
    leaves = np.clip(rng.beta(laws.a, laws.b + x + 1), 1e-12, 1.0)
    n = np.minimum(rng.poisson(rate * YEAR_DAYS / _WEEK), rng.geometric(leaves)) * there
    scale = (laws.gamma + x * mean) / rng.standard_gamma(laws.q + laws.p * x)
    return rng.standard_gamma(laws.p * n) * scale
