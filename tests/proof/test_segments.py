"""What segments tell, and how much more often one buys than another, over many made-up companies."""

from __future__ import annotations

import numpy as np
import pytest

from tests.proof.coverage import check_coverage
from workbook_helpers.steps.product_mix import estimate_ratio_interval
from workbook_helpers.steps.segmentation import FOLDS, estimate_told_share

pytestmark = pytest.mark.proof
COMPANIES = 1_000
#: Planted: the part of the spread of log revenue that each column makes.
TRUTH = {"industry": 0.20, "size": 0.08}


def make_company(seed, accounts_n=500):
    """Log revenue of accounts under parents, two columns that make a part of it, and noise."""
    rng = np.random.default_rng([seed, 1])
    clusters = np.sort(rng.integers(0, int(accounts_n * 0.9), accounts_n))
    codes = {"industry": rng.integers(0, 6, accounts_n), "size": rng.integers(0, 4, accounts_n)}
    value = rng.normal(0, np.sqrt(1 - sum(TRUTH.values())), accounts_n)
    for name, share in TRUTH.items():
        effect = rng.normal(size=codes[name].max() + 1)[codes[name]]
        value += np.sqrt(share) * (effect - effect.mean()) / effect.std()
    folds = rng.permutation(clusters.max() + 1)[clusters] % FOLDS
    return codes, value - value.mean(), folds, clusters, rng


def test_columns_that_make_nothing_tell_nothing_in_at_least_95_of_100():
    told = []
    for seed in range(COMPANIES):
        _, value, folds, clusters, rng = make_company(seed)
        won = (rng.random(len(value)) < 0.3).astype(float)
        for outcome in (value, won - won.mean()):
            for labels_n in (2, 5, 12, 30):
                told.append(estimate_told_share(rng.integers(0, labels_n, len(value)), outcome, folds, clusters)[1] > 0)
    assert np.mean(told) <= 0.05, f"{100 * np.mean(told):.1f} % of {len(told):,} columns of noise tell something"


def test_planted_columns_are_found_in_their_order_and_near_their_part():
    shares, found = {name: [] for name in TRUTH}, []
    for seed in range(COMPANIES):
        codes, value, folds, clusters, _ = make_company(seed)
        told = {name: estimate_told_share(codes[name], value, folds, clusters) for name in TRUTH}
        found.append(told["industry"][0] > told["size"][0] and all(low > 0 for _, low in told.values()))
        for name in TRUTH:
            shares[name].append(told[name][0])
    assert np.mean(found) >= 0.9, f"{100 * np.mean(found):.1f} % of companies show both, in their order"
    for name, truth in TRUTH.items():
        assert abs(np.mean(shares[name]) - truth) <= 0.02, f"{name}: {np.mean(shares[name]):.3f} told of {truth}"


def test_the_interval_of_a_lift_holds_the_truth():
    hits = []
    for seed in range(COMPANIES):
        rng, held = np.random.default_rng([seed, 2]), []
        for _ in range(6):
            cases, others = int(rng.integers(8, 60)), int(rng.integers(20, 200))
            one, other = rng.uniform(0.1, 0.9, 2)
            bought, rest = int(rng.binomial(cases, one)), int(rng.binomial(others, other))
            if rest:
                low, high = estimate_ratio_interval(bought, cases, rest, others)
                held.append(low <= one / other <= high)
        hits.append(held)
    check_coverage(hits, 0.95)
