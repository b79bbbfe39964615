"""Stages over made-up companies: a leak is found, and the intervals of a rep's rates hold the truth."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.proof.coverage import check_coverage
from workbook_helpers.steps import stage_rates

pytestmark = pytest.mark.proof

STAGES = ("Qualify", "Discover", "Propose", "Close")
PASS, LEAK = (0.78, 0.74, 0.65, 0.80), 0.40
REPS, LEAKING, DEALS = 24, 4, 112  # about 65 of a rep's deals reach Propose
AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp("2025-06-01")
SETTINGS = type("Settings", (), {"stages": STAGES})


def make_company(seed):
    """One row per deal, and its path; the first reps lose more in Propose."""
    rng = np.random.default_rng([6, seed])
    rep = np.repeat(np.arange(REPS), DEALS)
    rates = np.tile(PASS, (len(rep), 1))
    rates[rep < LEAKING, 2] = LEAK
    passed = np.cumprod(rng.random(rates.shape) < rates, axis=1).sum(axis=1)
    ids = np.char.add("D", np.arange(10_000, 10_000 + len(rep)).astype(str)).astype(object)
    deals = pd.DataFrame({
        "opportunity_id": ids, "rep_id": np.char.add("R", rep.astype(str)).astype(object), "created_date": DAY,
        "status": np.where(passed == len(STAGES), "won", "lost"), "close_date": DAY + pd.Timedelta(days=80),
    })  # fmt: skip
    deal, stage = np.nonzero(np.arange(len(STAGES)) <= passed[:, None])
    path = pd.DataFrame({"opportunity_id": ids[deal], "stage": np.array(STAGES, dtype=object)[stage],
                         "entered_date": DAY + pd.to_timedelta(10 * stage, "D")})  # fmt: skip
    return deals, path


def read(seed, reps):
    """The team's rates, and the stage conversion of these reps."""
    deals, path = make_company(seed)
    team = stage_rates.summarise_stage_rates(opportunities=deals, stage_history=path, as_of=AS_OF, period=None, company=SETTINGS)
    for rep in reps:
        own = deals[deals["rep_id"] == f"R{rep}"]
        given = {"opportunities": own, "stage_history": path[path["opportunity_id"].isin(own["opportunity_id"])]}
        yield rep, stage_rates.summarise_stage_conversion(**given, stages=STAGES, as_of=AS_OF, stage_rates=team)


def test_a_leak_of_the_planted_size_is_found_and_none_where_there_is_none():
    found, invented = [], []
    for seed in range(60):
        for rep, stages in read(seed, range(2 * LEAKING)):
            seen = stages.notes["beyond_chance"] and stages.notes["leak"]
            found += [seen == "Propose"] if rep < LEAKING else []
            invented += [bool(seen)] if rep >= LEAKING else []
    print(f"{len(found)} leaks, found {np.mean(found):.3f}; {len(invented)} reps without, said of {np.mean(invented):.3f}")
    assert np.mean(found) >= 0.80
    assert np.mean(invented) <= 0.07


def test_the_intervals_of_the_rates_hold_the_truth():
    hits = []
    for seed in range(250):
        held = []
        for rep, stages in read(seed, (0, 6, 12, 18)):
            truth = np.array([*PASS[:2], LEAK if rep < LEAKING else PASS[2], PASS[3]])
            table = stages.table
            held += ((table["low_share"] <= truth) & (truth <= table["high_share"])).tolist()
        hits.append(held)
    print(check_coverage(hits, 0.95))
