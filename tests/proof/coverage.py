"""How often intervals hold the truth, over many made-up companies: a company is one cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def check_coverage(hits: Sequence[Sequence[bool]], promise: float, *, least: int = 1_000) -> str:
    """Refuses a share of held truths further than three cluster-robust standard errors from the promise.

    hits: per company, whether each of its intervals held its truth. promise: 0-1. Also refuses fewer than ``least`` intervals, and
    companies too few to tell (the standard error must be below 2 points for 80 %, 1.2 for 95 %). Returns what was found, in words.

    >>> check_coverage([[True] * 19 + [False]] * 60, 0.95)
    '1,200 intervals of 60 companies: 95.0 % hold the truth (promised 95 %, standard error 0.0 points)'
    """
    held, n = np.array([sum(one) for one in hits], float), np.array([len(one) for one in hits], float)
    assert n.sum() >= least, f"only {n.sum():.0f} intervals"
    share = held.sum() / n.sum()
    error = float(np.sqrt(((held - share * n) ** 2).sum()) / n.sum() * np.sqrt(len(n) / (len(n) - 1)))
    said = f"{n.sum():,.0f} intervals of {len(n):,} companies: {100 * share:.1f} % hold the truth"
    said += f" (promised {100 * promise:.0f} %, standard error {100 * error:.1f} points)"
    assert error < (0.012 if promise > 0.9 else 0.02), f"too few companies to tell: {said}"
    assert abs(share - promise) <= 3 * max(error, np.sqrt(promise * (1 - promise) / n.sum())), said
    return said
