"""Over made-up companies that buy by known laws: does the worth of a book hold what then comes, as often as it promises?"""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.proof.coverage import check_coverage
from workbook_helpers.steps import worth

pytestmark = pytest.mark.proof

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
COMPANIES, CUSTOMERS, BOOKS = 180, 300, 6
HISTORY, AHEAD = 1095.0, 365.0


def make_company(seed: int) -> tuple[pd.DataFrame, set[str], pd.Series]:
    """Three years of sales, who has left by the end of them, and what each customer buys in the year after.

    Half of the customers came before the exports begin, as in life. Time in days from the exports' start.
    """
    rng = np.random.default_rng(seed)
    r, rate, a, b = rng.uniform(0.8, 2.5), rng.uniform(0.1, 0.3), rng.uniform(0.4, 1.2), rng.uniform(5, 14)
    rows, gone, ahead = [], set(), {}
    for i in range(CUSTOMERS):
        name, weekly, leaves = f"{seed}-{i:03}", rng.gamma(r) * rate / r, rng.beta(a, b)
        scale, now, left = 100 / rng.gamma(4.0), rng.uniform(-HISTORY, HISTORY), False
        ahead[name] = 0.0
        while not left and now <= HISTORY + AHEAD:
            amount = round(rng.gamma(4.0) * scale, 2)
            if 0 <= now <= HISTORY:
                rows.append((name, DAY - pd.Timedelta(days=int(HISTORY - now)), amount))
            elif now > HISTORY:
                ahead[name] += amount
            left = rng.random() < leaves
            if left and now <= HISTORY:
                gone.add(name)
            now += rng.exponential(7 / weekly)
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"]).astype({"sale_date": "datetime64[ns]"})
    return sales, gone, pd.Series(ahead)


@pytest.fixture(scope="module")
def companies():
    """Per company: the worth of each of its books, beside who had left and what came."""
    found, settings = [], SimpleNamespace(has=lambda table: table == "orders", seed=7)
    for seed in range(7000, 7000 + COMPANIES):
        sales, gone, ahead = make_company(seed)
        asked = {"account_sales": sales, "accounts": None, "as_of": AS_OF, "company": settings}
        buying, check = worth.learn_buying(**asked), worth.check_buying(**asked)
        book = sales["account_id"].str[-3:].astype(int) % BOOKS
        answers = [
            worth.estimate_worth(
                sales=sales[book == k], accounts=None, contracts=None, buying=buying, check=check, retention=None, as_of=AS_OF
            )
            for k in range(BOOKS)
        ]
        found.append((answers, gone, ahead, check))
    return found


def used(answers):
    return [answer for answer in answers if answer.notes["basis"] == "buying"]


def test_the_law_is_used_where_it_holds(companies):
    assert sum(check["reason"].eq("").all() for *_, check in companies) >= 0.95 * COMPANIES


def test_the_year_to_come_lies_within_the_interval_of_a_book_four_times_in_five(companies):
    hits = []
    for answers, _, ahead, _ in companies:
        pairs = [(answer["expected_revenue"], ahead[answer.table["customer_id"]].sum()) for answer in used(answers)]
        hits.append([bool(expected.low <= came <= expected.high) for expected, came in pairs])
    print(check_coverage([one for one in hits if one], 0.80))


def test_what_is_expected_is_what_comes_in_every_fifth(companies):
    rows = []
    for k, (answers, _, ahead, _) in enumerate(companies):
        for answer in used(answers):
            rows.append(pd.DataFrame({"company": k, "expected": answer.table["expected_amount"], "came": ahead[answer.table["customer_id"]].to_numpy()}))
    table = pd.concat(rows)
    table["fifth"] = pd.qcut(table["expected"].rank(method="first"), 5, labels=False)
    for fifth, part in table.groupby("fifth"):
        by_company = part.groupby("company")[["expected", "came"]].sum()
        ratio = by_company["came"].sum() / by_company["expected"].sum()
        missed = by_company["came"] - ratio * by_company["expected"]
        error = np.sqrt((missed**2).sum()) / by_company["expected"].sum()
        print(f"fifth {fifth + 1}: {ratio:.3f} of what was expected came (standard error {error:.3f}, {len(part):,} customers)")
        assert abs(ratio - 1) < max(3 * error, 0.05)


def test_as_many_still_buy_as_the_chances_say_in_every_fifth(companies):
    rows = []
    for k, (answers, gone, _, _) in enumerate(companies):
        for answer in used(answers):
            known = answer.table
            rows.append(pd.DataFrame({"company": k, "chance": known["alive_share"], "there": ~known["customer_id"].isin(gone)}))
    table = pd.concat(rows)
    table["fifth"] = pd.qcut(table["chance"].rank(method="first"), 5, labels=False)
    for fifth, part in table.groupby("fifth"):
        assert len(part) >= 500
        gaps = (part["there"] - part["chance"]).groupby(part["company"]).sum()
        gap, error = gaps.sum() / len(part), np.sqrt((gaps**2).sum()) / len(part)
        print(f"fifth {fifth + 1}: chance {part['chance'].mean():.3f}, still there {part['there'].mean():.3f} (error {error:.4f}, n {len(part):,})")
        assert abs(gap) < max(3 * error, 0.01)
