"""Over many made-up companies: do the intervals of drivers and of summed potential hold the truth, and is potential ranked rightly?"""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.proof.coverage import check_coverage
from workbook_helpers.measure import Period
from workbook_helpers.steps import potential

pytestmark = pytest.mark.proof

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
QUANTILE, COMPANIES, REPS, CUSTOMERS, PROSPECTS = 0.8, 400, 12, 25, 30
COMPANY = SimpleNamespace(peers=("industry",), segments=(), potential_quantile=QUANTILE)
CONTEXT = {"as_of": AS_OF, "period": YEAR, "company": COMPANY}
#: Log potential of the industries; half of the rest of the log-sd of 1.68 goes with the number of employees.
INDUSTRIES = {"Clinic": 0.0, "Dental": -0.3, "Laboratory": 0.6, "Veterinary": 0.2}
SHARES, SIZE_SLOPE, HEADS_SD, REP_SD = (0.4, 0.3, 0.15, 0.15), 0.8, 1.3, 0.2
REST_SD = float(np.sqrt(1.68**2 - (SIZE_SLOPE * HEADS_SD) ** 2 - REP_SD**2))
#: Median yearly potential; share of wallet of a median customer; orders a year of that potential, which grow with its power .65.
MIDDLE, WALLET, ORDERS, ORDER_SD = 12_000.0, 0.5, 12.0, 0.4


def make_company(seed: int, n_rep: int = CUSTOMERS + PROSPECTS) -> pd.DataFrame:
    """Accounts with traits, true yearly potential, and what they would spend with us in the year if they are customers."""
    rng = np.random.default_rng(seed)
    n = REPS * n_rep
    rep = np.repeat(np.arange(REPS), n_rep)
    industry = rng.choice(list(INDUSTRIES), n, p=SHARES)
    heads = rng.normal(0.0, HEADS_SD, n)
    log = SIZE_SLOPE * heads + pd.Series(industry).map(INDUSTRIES).to_numpy() + rng.normal(0, REP_SD, REPS)[rep] + rng.normal(0, REST_SD, n)
    amount = MIDDLE * np.exp(log)
    rate = np.clip(ORDERS * (amount / MIDDLE) ** 0.65, 1.0, 104.0)
    orders = np.maximum(rng.poisson(rate), 1)
    spent = amount * WALLET * np.exp(rng.normal(0, 0.2, n)) * orders / rate * np.exp(rng.normal(0, ORDER_SD, n) / np.sqrt(orders))
    return pd.DataFrame({
        "account_id": [f"A{i:05}" for i in range(n)], "rep_id": [f"R{r:02}" for r in rep], "industry": industry,
        "employees": np.exp(3.0 + heads), "potential": amount, "spent": spent, "buys": np.tile(np.arange(n_rep) < CUSTOMERS, REPS),
        "last_touch_date": pd.NaT, "account_name": "",
    })  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> SimpleNamespace:
    """What spend goes with in the population: log slope of size, and its quantile by traits, from a company too large to vary."""
    rows = pd.concat([make_company(10_000_000 + seed, 1_000) for seed in range(60)], ignore_index=True)
    heads = np.log(rows["employees"])
    flags = [(rows["industry"] == name).to_numpy(float) for name in list(INDUSTRIES)[1:]]
    x = np.column_stack([np.ones(len(rows)), heads, *flags])
    fitted = np.linalg.lstsq(x, np.log(rows["spent"]), rcond=None)[0]
    rest = np.quantile(np.log(rows["spent"]) - x @ fitted, QUANTILE)
    return SimpleNamespace(fitted=fitted, rest=rest)


@pytest.fixture(scope="module")
def companies(truth) -> pd.DataFrame:
    """One row per company: whether each interval held its truth, and how well potential was ranked."""
    found = []
    for seed in range(COMPANIES):
        rows = make_company(seed)
        buyers = rows[rows["buys"]]
        sales = pd.DataFrame({"account_id": buyers["account_id"], "amount": buyers["spent"], "sale_date": pd.Timestamp(AS_OF)})
        model = potential.learn_spend_model(accounts=rows, sales=sales, market=None, **CONTEXT)
        peers = potential.learn_peer_spend(accounts=rows, sales=sales, **CONTEXT)
        one = {"drivers": _hold_drivers(model, truth)}
        scored = potential.score_potential(
            accounts=rows[~rows["buys"]].assign(revenue_amount=0.0, status="prospect"), peer_spend=peers, spend_model=model,
            ways=pd.DataFrame({"way": ["regression"], "chosen": 1.0}), peers=COMPANY.peers, quantile=QUANTILE,
        )  # fmt: skip
        of_reps = [rep for _, rep in scored.groupby("rep_id")]
        spaces = [potential.summarise_penetration(accounts=rep, spend_model=model)["white_space"] for rep in of_reps[:3]]
        one["sums"] = [bool(space.low <= _true_sum(rep, truth) <= space.high) for space, rep in zip(spaces, of_reps, strict=False)]
        for way in ("regression", "bottom_up"):
            one[way] = scored[f"{way}_amount"].rank().corr(scored["potential"].rank())
        found.append(one)
    return pd.DataFrame(found)


def _hold_drivers(model: pd.DataFrame, truth: SimpleNamespace) -> list[bool]:
    """Whether the interval of twice the employees, and of each industry against all customers, held the truth."""
    effect = dict(zip(INDUSTRIES, [0.0, *truth.fitted[2:]], strict=True))
    held = []
    for row in model[~model["cut"].isin(["intercept", "rest"])].itertuples():
        right = truth.fitted[1] * np.log(2) if not row.label else effect[row.label] - _mean_effect(model, effect)
        held.append(bool(np.log(row.low_times) <= right <= np.log(row.high_times)))
    return held


def _mean_effect(model: pd.DataFrame, effect: dict[str, float]) -> float:
    """Of this company's customers: the mix of industries is what it is, and no part of what is estimated."""
    listed = model[model["label"] != ""]
    first = next(name for name in INDUSTRIES if name not in set(listed["label"]))
    return effect[first] + sum((effect[r.label] - effect[first]) * r.centre for r in listed.itertuples())


def _true_sum(rest: pd.DataFrame, truth: SimpleNamespace) -> float:
    """What these accounts would spend if each spent the quantile of all customers with its traits."""
    flags = [(rest["industry"] == name).to_numpy(float) for name in list(INDUSTRIES)[1:]]
    x = np.column_stack([np.ones(len(rest)), np.log(rest["employees"]), *flags])
    return float(np.exp(x @ truth.fitted + truth.rest).sum())


def test_intervals_of_drivers_hold_the_truth(companies):
    print(check_coverage(companies["drivers"].tolist(), 0.95))


def test_intervals_of_a_books_white_space_hold_the_truth(companies):
    print(check_coverage(companies["sums"].tolist(), 0.95))


def test_accounts_never_sold_to_are_ranked_by_what_their_traits_can_tell(companies):
    reached = np.sqrt((SIZE_SLOPE * HEADS_SD) ** 2 / 1.68**2)  # the correlation of log potential with the size
    for way, least in {"regression": 0.9, "bottom_up": 0.75}.items():
        agreed = companies[way].mean()
        print(f"{way}: rank agreement {agreed:.2f}, of {reached:.2f} by the size alone")
        assert agreed > least * reached
