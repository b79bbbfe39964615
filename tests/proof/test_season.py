"""The seasonal index and its intervals, over many made-up companies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from tests.proof.coverage import check_coverage
from workbook_helpers.data import prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.steps import seasonality, tracking

pytestmark = pytest.mark.proof
FIELD = ROOT / "data" / "samples" / "field_sales"
SEASON = np.array([0.92, 0.88, 1.04, 0.98, 1.02, 0.95, 0.75, 0.80, 1.10, 1.25, 1.16, 1.15])


def make_company(seed: int) -> np.ndarray:
    """Money by account and month, three years from January: 80 to 800 customers of very unlike size, who grow, and leave for good."""
    rng = np.random.default_rng([seed, 3])
    n, months = int(rng.integers(80, 800)), 36
    potential = rng.lognormal(0, 1.68, n)
    rate = (9 * potential**0.65 / (potential**0.65).mean()).clip(1, 104)
    size = potential / rate
    growth = 1.06 ** (np.arange(months) / 12)
    alive = np.arange(months)[None, :] < (rng.exponential(1 / 0.12, n) * 12)[:, None]
    orders = rng.poisson(rate[:, None] / 12 * np.tile(SEASON, 3) * growth) * alive
    spread = np.sqrt(np.expm1(0.4**2) / np.maximum(orders, 1))  # of the mean of so many lognormal orders, moment by moment
    return np.where(orders > 0, orders * size[:, None] * rng.lognormal(-np.log1p(spread**2) / 2, np.sqrt(np.log1p(spread**2))), 0.0)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_of_a_month_holds_the_planted_season(level):
    truth, hits = SEASON / SEASON.mean(), []
    for seed in range(10_000, 11_000):
        season = seasonality.estimate_season(make_company(seed), 1, level=level, draws=200)
        hits.append(((season["low"] <= truth) & (truth <= season["high"])).tolist())
    check_coverage(hits, level)


def test_the_season_of_the_sample_is_held_and_is_the_one_that_spreads_the_goal(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE, str(tmp_path))
    field = prepare(FIELD)
    truth = YAML(typ="safe").load((FIELD / "truth.yml").read_text(encoding="utf-8"))["buying"]["season"]["value"]
    sales, planted = field.read("sales"), pd.Series(truth, index=range(1, 13))
    learned = seasonality.learn_season_cuts(
        sales=sales, products=field.read("products"), accounts=field.read("accounts"), company=field.company, as_of=field.as_of
    )
    all_of_it = learned[learned["cut"] == "all"].set_index("month")
    assert ((all_of_it["low"] <= planted) & (planted <= all_of_it["high"])).sum() >= 10
    pace = tracking.learn_season(sales=sales, as_of=field.as_of).set_index("month")["index"]
    assert (all_of_it["index"] - pace).abs().max() < 1e-6
