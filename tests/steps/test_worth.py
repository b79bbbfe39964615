"""What customers will bring: laws of buying by hand, and what must hold whatever the rows are."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers import buying
from workbook_helpers.measure import total
from workbook_helpers.steps import worth

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
LAW = buying.Buying(0.8, 6.0, 0.6, 3.0)
ORDERS = SimpleNamespace(has=lambda name: name == "orders", seed=7)


def make_summary(repeats, recency, age):
    return pd.DataFrame({"repeats_n": np.array(repeats, float), "recency_days": np.array(recency, float), "age_days": np.array(age, float)})


def simulate_sales(customers_n=300, years=3, seed=1, every=1):
    """Customers who come over the years, buy by the law and leave."""
    law, rng, rows, days = buying.Buying(2.0, 8.0, 0.5, 6.0), np.random.default_rng(seed), [], years * 365
    for i in range(customers_n):
        rate, leaves = rng.gamma(law.r) / law.alpha / 7, rng.beta(law.a, law.b)
        day, scale = rng.uniform(-days / 2, days * 0.9), 200 * rng.lognormal(0, 0.5)
        while day < days:
            if day >= 0:
                rows.append((f"C{i:04}", DAY - pd.Timedelta(days=int((days - day) // every) * every), round(scale * rng.lognormal(0, 0.3), 2)))
            if rng.random() < leaves:
                break
            day += rng.exponential(1 / rate)
    return pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"]).astype({"sale_date": "datetime64[ns]"})


@pytest.fixture(scope="module")
def sales():
    return simulate_sales()


@pytest.fixture(scope="module")
def learned(sales):
    asked = {"account_sales": sales, "accounts": None, "as_of": AS_OF, "company": ORDERS}
    return worth.learn_buying(**asked), worth.check_buying(**asked)


def estimate(sales, learned=(None, None), **more):
    asked = {"accounts": None, "contracts": None, "retention": None, "as_of": AS_OF, "buying": learned[0], "check": learned[1]} | more
    return worth.estimate_worth(sales=sales, **asked)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0.05, 5), st.floats(0.5, 60), st.floats(0.05, 4), st.floats(0.2, 30), st.integers(1, 300), st.floats(0.05, 1), st.floats(50, 2000)
)
def test_the_chance_falls_with_silence_and_purchases_grow_with_time(r, alpha, a, b, repeats, share, age):
    law = buying.Buying(r, alpha, a, b)
    summary = make_summary([repeats] * 2, [share * age, share * age], [age, age * 1.5])
    alive = buying.estimate_alive(summary, law)
    assert 0 <= alive[1] <= alive[0] <= 1
    counts = [buying.estimate_purchases_if_alive(summary, law, days)[0] for days in (30, 90, 365)]
    assert np.isfinite(counts).all() and 0 <= counts[0] <= counts[1] <= counts[2]
    assert counts[2] <= (r + repeats) / (alpha + age / 7) * 365 / 7 * (1 + 1e-9)  # no more than if nobody ever left


def test_expected_purchases_are_those_of_many_futures():
    rng, n = np.random.default_rng(3), 400_000
    x, age, weeks = 5, 200.0, 52.0
    rate, leaves = rng.gamma(LAW.r + x, size=n) / (LAW.alpha + age / 7), rng.beta(LAW.a, LAW.b + x + 1, size=n)
    bought = np.minimum(rng.poisson(rate * weeks), rng.geometric(leaves))
    expected = buying.estimate_purchases_if_alive(make_summary([x], [180], [age]), LAW, weeks * 7)[0]
    assert expected == pytest.approx(bought.mean(), rel=0.01)


def test_a_law_whose_formula_has_a_gap_at_one_is_smooth_there():
    summary = make_summary([3], [60], [90])
    near = [buying.estimate_purchases_if_alive(summary, LAW._replace(a=a), 365)[0] for a in (0.999, 1.0, 1.001)]
    assert near == pytest.approx([near[1]] * 3, rel=0.002)


def test_the_parameters_come_back_from_what_they_made():
    rng, rows = np.random.default_rng(5), []
    for _ in range(4000):
        rate, leaves, age = rng.gamma(LAW.r) / LAW.alpha, rng.beta(LAW.a, LAW.b), rng.uniform(52, 156)
        n, last, now = 0, 0.0, 0.0
        while rng.random() >= leaves:
            now += rng.exponential(1 / rate)
            if now > age:
                break
            n, last = n + 1, now
        rows.append((n, last * 7, age * 7))
    summary = make_summary(*np.array(rows).T)
    law = buying.fit_buying(summary)
    assert buying.score_buying(summary, law) >= buying.score_buying(summary, LAW) - 1e-6
    assert law[:2] == pytest.approx(LAW[:2], rel=0.15) and law.a / (law.a + law.b) == pytest.approx(LAW.a / (LAW.a + LAW.b), abs=0.04)


def test_a_day_is_one_purchase_branches_count_with_their_parent_and_returns_are_none():
    days = [DAY, DAY, DAY - pd.Timedelta(days=7), DAY - pd.Timedelta(days=21), DAY + pd.Timedelta(days=1)]
    sold = pd.DataFrame({"account_id": list("aabaa"), "sale_date": days, "amount": [5.0, 3.0, 6.0, -2.0, 99.0]})
    accounts = pd.DataFrame({"account_id": list("ab"), "account_name": list("AB"), "ultimate_parent_id": "a"})
    purchases = worth.list_purchases(sales=sold, accounts=accounts, as_of=AS_OF)
    summary = worth.summarise_purchases(purchases=purchases, until=AS_OF).iloc[0]
    assert (summary["customer_id"], summary["repeats_n"], summary["recency_days"], summary["age_days"], summary["mean_amount"]) == ("a", 1, 7, 7, 8)
    assert summary["usual_amount"] == 7


def test_what_is_free_was_bought_and_what_came_back_was_not():
    sold = pd.DataFrame({"account_id": list("abb"), "sale_date": DAY, "amount": [0.0, 5.0, -5.0]})
    assert worth.list_purchases(sales=sold, accounts=None, as_of=AS_OF)["customer_id"].tolist() == ["a"]


def test_the_law_is_used_where_it_foretold_the_last_year(learned):
    buying, check = learned
    assert set(buying["group"]) == {"established", "new"} and check["reason"].eq("").all() and check["wins"].iloc[0] > 0
    assert check["expected_n"].sum() == pytest.approx(check["actual_n"].sum(), rel=0.1)


def test_a_book_is_worth_its_customers_and_whoever_bought_once_is_left_out(sales, learned):
    book = sales[sales["account_id"] < "C0100"]
    answer = estimate(book, learned)
    table = answer.table
    assert answer.notes["basis"] == "buying"
    assert answer["expected_revenue"].value == total(table["expected_amount"])
    assert table["alive_share"].between(0, 1).all() and (table["expected_amount"] <= table["if_alive_amount"] + 0.01).all()
    assert table["expected_amount"].is_monotonic_decreasing and (table["value_amount"] < 3 * table["if_alive_amount"] + 0.01).all()
    expected = answer["expected_revenue"]
    assert expected.low < expected.value < expected.high and expected.level == 0.8
    bought = book.groupby("account_id")["sale_date"].agg(["nunique", "max"])
    assert set(table["customer_id"]) <= set(bought[bought["nunique"] > 1].index)
    assert answer.notes["once_n"] == ((bought["nunique"] == 1) & (bought["max"] >= DAY - pd.Timedelta(days=365))).sum()


@settings(deadline=None, max_examples=5)
@given(st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_future_changes_what_customers_are_worth(sales, learned, random):
    book = sales[sales["account_id"] < "C0030"]
    answer, order = estimate(book, learned), list(range(len(book)))
    random.shuffle(order)
    later = pd.DataFrame({"account_id": ["C0001"], "sale_date": [DAY + pd.Timedelta(days=1)], "amount": [9e6]})
    again = estimate(pd.concat([book.iloc[order], later]), learned)
    pd.testing.assert_frame_equal(again.table, answer.table)
    assert [(m.value, m.low, m.high) for m in again.measures] == [(m.value, m.low, m.high) for m in answer.measures]


def test_a_customers_futures_are_its_own_whoever_else_is_in_the_book(sales, learned):
    few, many = (estimate(sales[sales["account_id"] < last], learned).table.set_index("customer_id") for last in ("C0010", "C0050"))
    columns = ["expected_amount", "low_amount", "high_amount", "at_risk_amount"]
    pd.testing.assert_frame_equal(few[columns].sort_index(), many.loc[few.index, columns].sort_index())


def test_learning_does_not_hang_on_the_order_of_the_rows(sales, learned):
    again = worth.learn_buying(account_sales=sales.sample(frac=1.0, random_state=1), accounts=None, as_of=AS_OF, company=ORDERS)
    pd.testing.assert_frame_equal(again, learned[0])


@pytest.mark.parametrize(("sold", "company", "why"), [
    (simulate_sales(every=91), ORDERS, "follow a calendar"),
    (simulate_sales(40), ORDERS, "at least 50 are needed"),
    (simulate_sales(), SimpleNamespace(has=lambda name: name == "contracts", seed=7), "by contract"),
    (simulate_sales(years=3).query("sale_date > '2026-01-01'"), ORDERS, "less than a year"),
])  # fmt: skip
def test_business_of_another_kind_falls_back_and_says_why(sold, company, why):
    asked = {"account_sales": sold, "accounts": None, "as_of": AS_OF, "company": company}
    buying, check = worth.learn_buying(**asked), worth.check_buying(**asked)
    assert buying.empty and why in check["reason"].iloc[0]
    answer = estimate(sold, (buying, check), retention=pd.DataFrame({"basis": ["orders"], "ratio": [0.9]}))
    year = sold[sold["sale_date"] > DAY - pd.Timedelta(days=365)]
    assert answer.notes["basis"] == "orders" and why in answer.notes["why"]
    assert answer["expected_revenue"].value == pytest.approx(year["amount"].sum() * (1.0 if "year" in why else 0.9), rel=1e-5)
    assert answer.table["alive_share"].isna().all() and why in answer["revenue_at_risk"].withheld


def test_contracts_run_to_their_end_and_then_go_on_at_the_renewal_ratio():
    signed = pd.DataFrame({
        "account_id": ["a", "b", "c"], "start_date": DAY - pd.Timedelta(days=100), "amount_per_year": [100.0, 100.0, 100.0],
        "end_date": [DAY + pd.Timedelta(days=730), DAY, DAY - pd.Timedelta(days=1)],
    })  # fmt: skip
    sold = pd.DataFrame({"account_id": list("abc"), "sale_date": DAY, "amount": 5.0})
    answer = estimate(sold, contracts=signed, retention=pd.DataFrame({"basis": ["contracts"], "ratio": [0.5]}))
    assert answer.table[["customer_id", "expected_amount"]].values.tolist() == [["a", 100.0], ["b", 50.0]]
    years = [1 / 1.1 ** (k + 0.5) for k in range(3)]
    assert answer.table["value_amount"].tolist() == pytest.approx([100 * (years[0] + years[1] + 0.5 * years[2]), 100 * sum(w * 0.5 ** (k + 1) for k, w in enumerate(years))], abs=0.01)


def test_a_book_without_sales_is_worth_nothing_and_says_so(sales, learned):
    answer = estimate(sales.head(0), learned)
    assert answer["expected_revenue"].value == 0 and answer.table.empty


def test_each_customer_at_risk_stands_once_with_the_larger_story():
    known = pd.DataFrame({
        "customer_id": list("abcd"), "account_name": list("ABCD"), "alive_share": [0.2, 0.95, 0.5, 0.99],
        "at_risk_amount": [80.0, 5.0, 40.0, 1.0], "silence_days": 50.0,
    })  # fmt: skip
    saves = pd.DataFrame({"customer_id": list("abe"), "account_name": list("ABE"), "sign": ["silent", "falling", "silent"], "at_stake_amount": [100.0, 60.0, 7.0]})
    table = worth.rank_at_risk(worth=known, saves=saves).table
    assert table[["customer_id", "sign", "at_risk_amount"]].values.tolist() == [["a", "silent", 80.0], ["b", "falling", 60.0], ["c", "unsure", 40.0], ["e", "silent", 7.0]]
    assert worth.rank_at_risk(worth=pd.DataFrame(), saves=pd.DataFrame()).table.empty
