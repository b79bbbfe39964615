"""Over made-up companies whose customers leave at a known hazard: who is flagged, who is missed, and who is flagged in vain."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.steps import customers, worth

pytestmark = pytest.mark.proof

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
COMPANIES, CUSTOMERS, HISTORY = 40, 250, 1095
#: Hazard of leaving a year: ordinary, and in the segment that leaves twice as often (every fifth customer).
HAZARDS = (0.12, 0.24)


def make_company(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three years of sales of Poisson buyers who leave at a hazard in time (no law of the workbook's), and their fates:
    segment (0 or 1) and left_days (days since leaving; missing for those still there)."""
    rng, rows, fates = np.random.default_rng(seed), [], {}
    for i in range(CUSTOMERS):
        name, segment = f"{seed}-{i:03}", int(i % 5 == 0)
        yearly = float(np.clip(rng.lognormal(np.log(6.0), 0.7), 1, 104))
        start = rng.uniform(-1.5 * HISTORY, 0.7 * HISTORY)
        end = start + rng.exponential(365 / HAZARDS[segment])
        first, last = max(start, 0.0), min(end, HISTORY)
        days = rng.uniform(first, max(last, first), rng.poisson(yearly * max(0.0, last - first) / 365))
        amounts = 100 * rng.lognormal(0, 0.5) * rng.lognormal(0, 0.4, len(days))
        rows += [(name, DAY - pd.Timedelta(days=int(HISTORY - day)), round(amount, 2)) for day, amount in zip(days, amounts, strict=True)]
        fates[name] = (segment, HISTORY - end if end <= HISTORY else np.nan)
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"]).astype({"sale_date": "datetime64[ns]"})
    return sales, pd.DataFrame.from_dict(fates, orient="index", columns=["segment", "left_days"])


@pytest.fixture(scope="module")
def judged():
    """One row per customer: company, segment, left_days, purchases_n, lapsed, sign, chance (missing: bought once)."""
    found, settings = [], SimpleNamespace(has=lambda table: table == "orders", seed=7)
    for seed in range(8000, 8000 + COMPANIES):
        sales, fates = make_company(seed)
        asked = {"account_sales": sales, "accounts": None, "as_of": AS_OF, "company": settings}
        laws = {"buying": worth.learn_buying(**asked), "check": worth.check_buying(**asked)}
        saves = customers.summarise_retention(sales=sales, accounts=None, as_of=AS_OF).table
        answer = worth.estimate_worth(sales=sales, accounts=None, contracts=None, retention=None, as_of=AS_OF, **laws)
        bought = sales.groupby("account_id")["sale_date"].agg(purchases_n="nunique", last_date="max")
        table = bought.join(fates).assign(company=seed, basis=answer.notes["basis"])
        table["sign"] = saves.set_index("customer_id")["sign"].reindex(table.index).fillna("")
        table["chance"] = answer.table.set_index("customer_id")["alive_share"].reindex(table.index)
        found.append(table.assign(lapsed=(DAY - table["last_date"]).dt.days > 365))
    return pd.concat(found)


@pytest.fixture(scope="module")
def recent(judged):
    """Those who are not lapsed: whom a rep can still save."""
    return judged[~judged["lapsed"]]


def test_most_of_those_who_left_are_flagged_and_few_of_those_who_stayed(recent):
    known = recent[recent["purchases_n"] >= 4]
    left, silent = known["left_days"].between(90, 365), known["sign"].eq("silent")
    stayed = known["left_days"].isna()
    found, vain, true = silent[left].mean(), silent[stayed].mean(), (~stayed)[silent].mean()
    others = (~stayed)[known["sign"].eq("")].mean()
    print(f"flagged silent: {found:.1%} of {left.sum():,} who left 90-365 days ago, {vain:.1%} of {stayed.sum():,} who stayed;")
    print(f"of those flagged {true:.1%} had left, of those without a sign {others:.1%}")
    assert found >= 0.85 and vain <= 0.15 and true >= 8 * others


def test_falling_sales_without_silence_tell_of_less_and_not_of_leaving(recent):
    gone = recent["left_days"].notna()
    share = gone[recent["sign"].eq("falling")].mean()
    print(f"of those who buy less {share:.1%} had left, of all {gone.mean():.1%}")
    assert share < gone.mean()


def test_the_chance_tells_who_left_better_than_the_sign_and_is_about_right(recent):
    known = recent[recent["chance"].notna()]
    there = known["left_days"].isna()
    ranks = known["chance"].rank()
    n = there.sum()
    area = (ranks[there].sum() - n * (n + 1) / 2) / (n * (len(known) - n))
    silent = known["sign"].eq("silent")
    same = known["chance"].rank(method="first") <= silent.sum()
    found = [float((~there)[rows].sum() / (~there).sum()) for rows in (same, silent)]
    print(f"area under the curve {area:.3f}; as many lowest chances as silent signs hold {found[0]:.1%} of those who left, the signs {found[1]:.1%}")
    print(f"mean chance {known['chance'].mean():.3f}, still there {there.mean():.3f}; law used in {known['basis'].eq('buying').mean():.0%}")
    assert area >= 0.85 and found[0] >= found[1] and abs(known["chance"].mean() - there.mean()) < 0.06


def test_the_segment_that_leaves_twice_as_often_is_seen_to(judged):
    known = judged[judged["chance"].notna()]
    odds = (1 - known["chance"]).groupby(known["segment"]).mean()
    left = known["left_days"].notna().groupby(known["segment"]).mean()
    print(f"mean chance of having left: {odds[0]:.3f} ordinary, {odds[1]:.3f} in the segment; truly {left[0]:.3f} and {left[1]:.3f}")
    assert 1.25 < odds[1] / odds[0] < left[1] / left[0] + 0.1
