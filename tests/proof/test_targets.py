"""Over many made-up companies: a planted profile is found by going back in time, and noise is claimed to be nothing."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from workbook_helpers.measure import Period
from workbook_helpers.steps import targets

pytestmark = pytest.mark.proof

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
CONTEXT = {"as_of": AS_OF, "period": Period.ending(AS_OF), "company": SimpleNamespace(peers=("industry",), segments=("source", "region"))}
ACCOUNTS, BOUGHT_BEFORE, BEGIN_A_YEAR = 1_400, 0.35, 0.12


def make_company(seed: int, log_odds: float) -> pd.DataFrame:
    """Accounts with three traits; one industry in five buys, and begins to buy, more often by these log-odds."""
    rng = np.random.default_rng(seed)
    industry = rng.choice(list("VWXYZ"), ACCOUNTS)
    pull = log_odds * (industry == "X")
    before = rng.random(ACCOUNTS) < 1 / (1 + np.exp(-np.log(BOUGHT_BEFORE / (1 - BOUGHT_BEFORE)) - pull))
    began = rng.random(ACCOUNTS) < 1 / (1 + np.exp(-np.log(BEGIN_A_YEAR / (1 - BEGIN_A_YEAR)) - pull))
    first = pd.to_datetime(np.where(before, DAY - pd.Timedelta(days=800), np.where(began, DAY - pd.Timedelta(days=100), np.datetime64("NaT"))))
    return pd.DataFrame({
        "account_id": [f"A{i:04}" for i in range(ACCOUNTS)], "rep_id": [f"R{i % 20:02}" for i in range(ACCOUNTS)], "industry": industry,
        "source": rng.choice(list("abcd"), ACCOUNTS), "region": rng.choice([f"S{k}" for k in range(12)], ACCOUNTS),
        "employees_band": rng.choice(list(("1-9 employees", "10-49 employees", "50-249 employees")), ACCOUNTS), "first_date": first,
        "earlier_amount": np.where(before, rng.lognormal(9.0, 1.68, ACCOUNTS) * np.exp(pull), 0.0),
    })  # fmt: skip


def claims(log_odds: float, seeds: range) -> list[bool]:
    """Whether each company's ranking of a year ago is said to have foretold who began to buy."""
    checks = [targets.learn_target_check(scored_accounts=make_company(seed, log_odds), **CONTEXT) for seed in seeds]
    return [bool(targets.read_check(check)["beats_chance"]) for check in checks]


def test_a_planted_profile_is_found():
    found = claims(1.2, range(200))
    print(f"planted: found in {np.mean(found):.0%} of {len(found)} companies")
    assert np.mean(found) >= 0.8


def test_noise_is_claimed_to_be_nothing():
    found = claims(0.0, range(10_000, 11_000))
    most = binom.ppf(0.999, len(found), 0.05)
    print(f"noise: claimed in {sum(found)} of {len(found):,} companies, at most {most:.0f} allowed")
    assert sum(found) <= most


def test_the_interval_of_a_lift_holds_the_truth():
    """Of traits drawn as the estimator supposes: the share of best in each trait varies around that of all."""
    held, rng = [], np.random.default_rng(77)
    for _ in range(1_200):
        share = rng.beta(0.2 * targets.TRAIT_STRENGTH, 0.8 * targets.TRAIT_STRENGTH)
        n = int(rng.integers(20, 200))
        low, high = targets.estimate_lift_interval(rng.binomial(n, share), n, 0.2)
        held.append(low <= share / 0.2 <= high)
    print(f"lift: {np.mean(held):.1%} of {len(held):,} intervals hold the truth")
    assert 0.93 <= np.mean(held) <= 0.97
