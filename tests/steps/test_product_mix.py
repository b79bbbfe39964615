"""What segments buy, what goes together, and what comes next: by hand, and what must hold whatever the rows are."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Period
from workbook_helpers.steps import product_mix
from workbook_helpers.steps.product_mix import estimate_ratio_interval

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)


def make_book(dental=20, others=20):
    """Dental practices buy masks and resin, the others masks alone."""
    ids = [f"A{i:02}" for i in range(dental + others)]
    accounts = pd.DataFrame({"account_id": ids, "account_name": ids, "status": "customer", "industry": ["Dental"] * dental + ["Clinic"] * others})
    masks = pd.DataFrame({"account_id": ids, "product": "Masks"})
    resin = pd.DataFrame({"account_id": ids[:dental], "product": "Resin"})
    sales = pd.concat([masks, resin], ignore_index=True).assign(amount=10.0, sale_date=pd.Timestamp("2026-05-05"), rep_id="R1")
    return accounts, sales


def test_one_large_account_moves_money_but_no_lift():
    accounts, sales = make_book()
    huge = sales.assign(amount=sales["amount"].where(sales.index != 0, 1e6))
    plain, moved = (product_mix.summarise_mix(sales=s, accounts=accounts, column="industry", period=YEAR).table for s in (sales, huge))
    of = ["label", "product"]
    plain, moved = plain.sort_values(of, ignore_index=True), moved.sort_values(of, ignore_index=True)
    assert plain["lift"].equals(moved["lift"]) and not plain["share"].equals(moved["share"])


def test_a_segment_that_buys_more_by_more_than_chance_is_found_and_equal_ones_are_not():
    accounts, sales = make_book()
    sales = pd.concat([sales, sales.iloc[-1:].assign(account_id="A39")], ignore_index=True)
    answer = product_mix.summarise_mix(sales=sales, accounts=accounts, column="industry", period=YEAR)
    row = answer.table.iloc[answer.notes["row"]]
    assert (row["label"], row["product"], row["lift"]) == ("Dental", "Resin", 20.0)
    assert answer["mix_lift"].low > 1 and not answer.table.set_index(["label", "product"]).at[("Dental", "Masks"), "apart"]


def test_a_product_that_none_of_the_others_buys_has_no_ratio_and_is_named():
    accounts, sales = make_book()
    answer = product_mix.summarise_mix(sales=sales, accounts=accounts, column="industry", period=YEAR)
    row = answer.table.iloc[answer.notes["row"]]
    assert np.isnan(row["lift"]) and row["apart"] and "none of the others" in answer["mix_lift"].withheld


def test_several_ways_of_dividing_are_tested_together():
    accounts, sales = make_book()
    accounts["coin"] = ["a", "b"] * 20
    alone = product_mix.summarise_mix(sales=sales, accounts=accounts, column="industry", period=YEAR).table
    both = product_mix.summarise_mix(sales=sales, accounts=accounts, column="coin", others=["industry"], period=YEAR).table
    assert list(both["cut"].unique()) == ["coin", "industry"]
    assert both.loc[both["cut"] == "industry", "q_value"].min() > alone["q_value"].min()


def test_the_order_of_the_rows_changes_nothing():
    accounts, sales = make_book()
    shuffled = sales.sample(frac=1, random_state=3)
    one, other = (product_mix.summarise_mix(sales=s, accounts=a, column="industry", period=YEAR).table
                  for s, a in ((sales, accounts), (shuffled, accounts.iloc[::-1])))  # fmt: skip
    pd.testing.assert_frame_equal(one, other)
    pairs = [product_mix.learn_bought_together(account_sales=s, products=None, as_of=AS_OF) for s in (sales, shuffled)]
    pd.testing.assert_frame_equal(*pairs)


@pytest.mark.parametrize("counts", [(5, 5, 5, 5), (1, 8, 40, 80), (0, 9, 7, 30), (9, 9, 1, 200)])
def test_the_interval_of_a_ratio_holds_the_ratio(counts):
    hits, cases, others, n = counts
    low, high = estimate_ratio_interval(*counts)
    assert 0 <= low <= (hits / cases) / (others / n) <= high


def test_what_is_bought_together_needs_five_accounts_and_nothing_later():
    _, sales = make_book(dental=4)
    assert product_mix.learn_bought_together(account_sales=sales, products=None, as_of=AS_OF)["product"].tolist() == ["Masks"]
    assert product_mix.learn_bought_together(account_sales=sales, products=None, as_of=date(2026, 5, 4)).empty


def test_the_next_product_is_one_that_is_lacked_and_each_customer_has_one():
    accounts, sales = make_book()
    pairs = product_mix.learn_bought_together(account_sales=sales, products=None, as_of=AS_OF)
    ranked = product_mix.rank_next_products(sales=sales, accounts=accounts, bought_together=pairs)
    assert set(ranked["product"]) == {"Resin"} and set(ranked["because"]) == {"Masks"}
    assert len(ranked) == ranked["account_id"].nunique() == 20
    assert ranked["chance_share"].iloc[0] == pytest.approx((20 + 0.5 * 20) / 60)


def test_many_products_are_taken_by_family():
    ids = [f"A{i:03}" for i in range(80)]
    sales = pd.DataFrame({"account_id": ids * 2, "product": [f"P{i}" for i in range(160)], "amount": 1.0,
                          "sale_date": pd.Timestamp("2026-05-05")})  # fmt: skip
    products = pd.DataFrame({"product": [f"P{i}" for i in range(160)], "family": ["F"] * 80 + ["G"] * 80})
    pairs = product_mix.learn_bought_together(account_sales=sales, products=products, as_of=AS_OF)
    assert set(pairs["product"]) == {"F", "G"}
    held = product_mix.rank_next_products(
        sales=sales.head(80), accounts=pd.DataFrame({"account_id": ids, "account_name": ids}), bought_together=pairs, products=products
    )
    assert set(held["product"]) == {"G"} and set(held["because"]) == {"F"}


def test_looking_back_counts_only_what_was_bought_afterwards():
    ids = [f"A{i:02}" for i in range(30)]
    before = pd.DataFrame({"account_id": ids, "product": "Masks", "sale_date": pd.Timestamp("2025-03-01")})
    more = pd.DataFrame({"account_id": ids[:10], "product": "Gloves", "sale_date": pd.Timestamp("2025-03-01")})
    later = pd.DataFrame({"account_id": ids[10:20], "product": ["Gloves"] * 4 + ["Masks"] * 6, "sale_date": pd.Timestamp("2026-03-01")})
    sales = pd.concat([before, more, later], ignore_index=True).assign(amount=5.0, rep_id="R1")
    check = product_mix.learn_next_check(account_sales=sales, products=None, period=YEAR)
    assert check[["accounts_n", "hits_n", "common_hits_n"]].values.tolist() == [[10.0, 4.0, 4.0]]


def test_without_a_team_the_reason_is_said():
    accounts, sales = make_book()
    assert "team" in product_mix.summarise_next_products(sales=sales, accounts=accounts, bought_together=None).withheld
