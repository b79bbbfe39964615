"""The win model over made-up companies: refused where traits mean nothing, used where they do; effects and chances are honest.

24 reps with about 125 deals each over three years; the figures are those of statistics that a sample company can recover.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest

from tests.proof.coverage import check_coverage
from workbook_helpers.steps import win_model

pytestmark = pytest.mark.proof

REPS, DEALS, COMPANIES = 24, 3_000, 1_000
PLANTED = {"competitor": -1.0, "referral": 0.8, "website": -0.5, "icp": 0.5}
PER_E, REP_SD, BASE = -0.25, 0.25, 0.30
AS_OF, DAY = pd.Timestamp("2026-09-30"), pd.Timestamp("2023-10-01")
TRAITS = ("competitor", "lead_source", "industry")
EFFECTS = ("competitor", "referral", "website", "icp")
SOURCES = np.array(["Referral", "Website", "Partner", "Event", "Call"], dtype=object)
INDUSTRIES = np.array([f"I{n}" for n in range(6)], dtype=object)


def chance(odds):
    return 1 / (1 + np.exp(-odds))


def make_company(seed, size):
    """Deals with traits, all decided or open on the last day, and the true effect of each trait. size: 1 as planted, 0 noise."""
    rng = np.random.default_rng([5, seed])
    rep = rng.integers(REPS, size=DEALS)
    source, industry = rng.choice(5, DEALS, p=[0.2, 0.3, 0.15, 0.15, 0.2]), rng.integers(6, size=DEALS)
    strong = rng.random(DEALS) < np.where(rep < 3, 0.52, 0.07)
    met = {"competitor": strong & (rep < 3), "referral": source == 0, "website": source == 1, "icp": industry < 2}
    log_amount = rng.normal(0, 0.8, DEALS)
    odds = size * (sum(PLANTED[name] * met[name] for name in EFFECTS) + PER_E * log_amount) + rng.normal(0, REP_SD, REPS)[rep]
    start = math.log(BASE / (1 - BASE)) - (odds.mean() if size else 0.0)
    odds = odds + start
    truth = {}
    for name in EFFECTS:
        without = odds - size * PLANTED[name] * met[name]
        truth[name] = float((chance(without + size * PLANTED[name]) - chance(without)).mean())
    created = DAY + pd.to_timedelta(rng.integers(0, 1_095, DEALS), "D")
    closed = created + pd.to_timedelta(np.maximum(6, rng.lognormal(np.log(84), 0.55, DEALS)).astype(int), "D")
    won = rng.random(DEALS) < chance(odds)
    status = np.where(closed > AS_OF, "open", np.where(won, "won", "lost"))
    deals = pd.DataFrame({
        "opportunity_id": np.char.add("D", np.arange(10_000, 10_000 + DEALS).astype(str)).astype(object),
        "rep_id": np.char.add("R", rep.astype(str)).astype(object), "status": status, "created_date": created, "close_date": closed,
        "competitor": np.where(met["competitor"], "Z", "none"), "lead_source": SOURCES[source], "industry": INDUSTRIES[industry],
        "log_amount": log_amount, **{f"has_{name}": np.where(met[name], "yes", "no") for name in EFFECTS},
    })  # fmt: skip
    return deals, truth


def snapshots(deals):
    horizon = win_model.usual_days(deals)
    deals = deals.drop(columns=[f"has_{name}" for name in EFFECTS])
    rows = win_model.list_snapshots(deals, None, stages=(), as_of=AS_OF.date(), horizon_days=horizon)
    rows["amount"] = np.exp(rows["log_amount"])
    return rows[rows["known_date"] <= AS_OF].reset_index(drop=True)


@cache
def forecasts(size, companies):
    return [win_model.check_model(snapshots(make_company(seed, size)[0]), TRAITS) for seed in range(companies)]


def share_used(size, companies):
    share = np.mean([win_model.may_be_used(tested) for tested in forecasts(size, companies)])
    print(f"size {size}: used in {share:.3f} of {companies:,} companies")
    return share


def test_where_traits_mean_nothing_the_model_is_refused():
    assert share_used(0.0, COMPANIES) <= 0.07


def test_where_traits_mean_something_the_model_is_used():
    assert share_used(1.0, 200) >= 0.80


def test_its_chances_are_those_observed_later():
    """The calibration slope's interval over companies holds 1 within the little that a ridge penalty shrinks; each fifth lies within its band."""
    slopes, hits, said, fifths = [], [], [], []
    for tested in forecasts(1.0, 200):
        odds, won = np.log(tested["chance"] / (1 - tested["chance"])).to_numpy(float), tested["won"].to_numpy(float)
        slopes.append(fit_slope(odds, won))
        groups = np.array_split(np.argsort(tested["chance"].to_numpy(float), kind="stable"), 5)
        hits.append([won[g].sum() for g in groups])
        said.append([tested["chance"].to_numpy(float)[g].sum() for g in groups])
        fifths.append([len(g) for g in groups])
    error = np.std(slopes, ddof=1) / math.sqrt(len(slopes))
    gaps = (np.array(hits) - np.array(said)).sum(axis=0) / np.array(fifths).sum(axis=0)
    print(f"slope {np.mean(slopes):.3f} ± {error:.3f}; gaps by fifth {gaps.round(4)}")
    assert abs(np.mean(slopes) - 1) <= 0.1
    assert np.abs(gaps).max() <= 0.02


def fit_slope(odds, won):
    beta, design = np.array([0.0, 1.0]), np.column_stack([np.ones(len(odds)), odds])
    for _ in range(20):
        p = chance(design @ beta)
        beta = beta + np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]), design.T @ (won - p))
    return beta[1]


def test_the_intervals_of_the_effects_hold_what_was_planted():
    hits = {name: [] for name in EFFECTS}
    for seed in range(COMPANIES):
        deals, truth = make_company(seed, 1.0)
        decided = deals[deals["status"] != "open"]
        decided = decided.assign(won=decided["status"].eq("won"), amount=np.exp(decided["log_amount"]))
        table = win_model.estimate_trait_effects(decided, [f"has_{name}" for name in EFFECTS])
        table = table[table["label"] == "yes"].set_index("trait")
        for name in EFFECTS:
            if f"has_{name}" in table.index:
                row = table.loc[f"has_{name}"]
                hits[name].append(row["low_effect_share"] <= truth[name] <= row["high_effect_share"])
    print({name: float(np.mean(held)) for name, held in hits.items()})
    for name in EFFECTS:
        assert 0.93 <= np.mean(hits[name]) <= 0.97, (name, np.mean(hits[name]))
    print(check_coverage(np.array([hits[name] for name in ("referral", "website", "icp")]).T.tolist(), 0.95))
