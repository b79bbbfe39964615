"""Step 3: potential among peers, white space, and targets that look like the best customers."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.measure import Period, total
from workbook_helpers.steps import geography, market

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
DAY = pd.Timestamp(AS_OF)
COMPANY = type("Settings", (), {"peers": ("industry",), "segments": ("industry", "region"), "potential_quantile": 0.8})


def make_accounts(revenue, **more):
    n = len(revenue)
    ids = [f"A{i:02}" for i in range(n)]
    frame = pd.DataFrame({
        "account_id": ids, "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R1", "ultimate_parent_id": ids,
        "industry": ["X" if i % 2 else "Y" for i in range(n)], "region": "N", "employees": 20.0,
        "revenue_amount": np.array(revenue, float), "status": ["customer" if r > 0 else "prospect" for r in revenue],
        "open_n": 0.0, "last_touch_date": pd.NaT, "last_date": pd.NaT,
    })  # fmt: skip
    return frame.astype({"last_touch_date": "datetime64[ns]", "last_date": "datetime64[ns]"}).assign(**more)


def score(accounts, peer_spend=None):
    return market.score_potential(accounts=accounts, peer_spend=peer_spend, peers=["industry"], quantile=0.8)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1e6).map(lambda x: round(x, 2)), max_size=30), st.randoms(use_true_random=False))
def test_potential_is_at_least_own_spend_and_knows_no_order(revenue, random):
    accounts = make_accounts(revenue)
    before = accounts.copy()
    scored = score(accounts)
    known = scored["potential_amount"].notna()
    assert (scored.loc[known, "potential_amount"] >= accounts.loc[known, "revenue_amount"].round(2)).all()
    assert scored["wallet_share"].dropna().between(0, 1).all() and (scored["white_space_amount"].dropna() >= 0).all()
    order = list(range(len(accounts)))
    random.shuffle(order)
    again = score(accounts.iloc[order]).sort_index()
    pd.testing.assert_frame_equal(again, scored)
    pd.testing.assert_frame_equal(accounts, before)
    answer = market.summarise_penetration(accounts=scored)
    for share in ("penetration", "share_of_wallet"):
        assert answer[share].value is None or 0 <= answer[share].value <= 1
    if not answer.withheld:
        assert answer["white_space"].value == total(answer.table["white_space_amount"])


def test_peers_are_the_finest_group_with_five_customers():
    accounts = make_accounts([10.0] * 5 + [0.0] * 5).assign(industry=["X"] * 5 + ["X", "X", "Z", None, "X"])
    accounts["employees"] = [20.0] * 5 + [20.0, 500.0, 20.0, 20.0, np.nan]
    scored = score(accounts)
    assert scored["peers"].tolist()[5:] == ["X, 10-49 employees", "X", "all customers", "all customers", "X"]
    assert scored["potential_amount"].tolist() == [10.0] * 10


def test_with_too_few_customers_potential_is_not_known():
    scored = score(make_accounts([10.0, 0.0]))
    assert scored["potential_amount"].tolist()[0] == 10.0 and np.isnan(scored["potential_amount"].iloc[1])
    empty = market.summarise_penetration(accounts=score(make_accounts([0.0, 0.0])))
    assert empty.withheld and {m.id for m in empty.measures} == {
        "penetration",
        "potential",
        "share_of_wallet",
        "white_space",
    }


def test_the_team_teaches_spend_of_the_year_and_nothing_later():
    accounts = make_accounts([1.0] * 6)
    sales = pd.DataFrame({"account_id": accounts["account_id"], "amount": [10.0, 20.0, 30.0, 40.0, 50.0, 999.0]})
    sales["sale_date"] = [DAY] * 5 + [DAY + pd.Timedelta(days=1)]
    spend = market.learn_peer_spend(accounts=accounts, sales=sales, as_of=AS_OF, period=YEAR, company=COMPANY)
    every = spend.set_index("cut").loc["all"]
    assert (every["accounts_n"], every["median_amount"], every["quantile_amount"], every["reps_n"]) == (
        5,
        30.0,
        42.0,
        1,
    )
    assert market.learn_peer_spend(accounts=None, sales=sales, as_of=AS_OF, period=YEAR, company=COMPANY).empty


def test_bands_of_employees_begin_where_they_are_named():
    employees = [9.0] * 5 + [10.0] * 6 + [49.0] * 5 + [50.0] * 5 + [250.0] * 5 + [np.nan] * 5
    answer = market.summarise_drivers(accounts=make_accounts([1.0] * 31, employees=employees), columns=[])
    counted = dict(zip(answer.table["label"], answer.table["customers_n"], strict=True))
    assert counted == {"1-9 employees": 5, "10-49 employees": 11, "50-249 employees": 5, "250 and more employees": 5}


def test_branches_stand_with_their_parent():
    accounts = score(make_accounts([10.0] * 5 + [0.0] * 2)).assign(ultimate_parent_id=["P"] * 2 + list("cdefg"))
    table = market.summarise_penetration(accounts=accounts).table
    assert len(table) == 6 and table.set_index("customer_id").loc["P", "accounts_n"] == 2
    assert len(market.summarise_penetration(accounts=accounts, together=False).table) == 7


def test_the_market_is_matched_where_areas_have_our_names():
    table = pd.DataFrame(
        {
            "area": ["N", "N", "S"],
            "industry": ["X", "Y", "X"],
            "establishments_n": [10.0, 2.0, 50.0],
            "spend": [5.0, 7.0, 9.0],
        }
    )
    answer = market.summarise_market(market=table, accounts=make_accounts([1.0, 0.0, 0.0]))
    assert answer["market_spend"].value == 12.0 and answer["known_share"].value == 3 / 12
    assert answer.table[["industry", "accounts_n", "known_share"]].values.tolist() == [["X", 1.0, 0.1], ["Y", 2.0, 1.0]]
    elsewhere = market.summarise_market(market=table.assign(area="W"), accounts=make_accounts([1.0]))
    assert elsewhere.withheld and elsewhere["market_spend"].withheld
    assert market.summarise_market(market=None, accounts=make_accounts([1.0])).withheld.startswith(
        "it needs table market"
    )


def test_the_market_by_two_ways():
    table = pd.DataFrame({"area": ["N"], "industry": ["X"], "establishments_n": [10.0], "spend": [500.0]})
    accounts = score(make_accounts([10.0] * 5))
    size = market.summarise_market(market=table, accounts=accounts)
    ways = market.summarise_size(market=size, penetration=market.summarise_penetration(accounts=accounts))
    assert ways.table["amount"].tolist() == [500.0, 50.0] and ways.notes["spread"] == 10.0


def make_targets():
    """Ten customers in X, of which the large ones are the best; prospects in X and Y."""
    accounts = make_accounts([100.0] * 3 + [1.0] * 7 + [0.0] * 20)
    accounts["industry"] = ["X"] * 10 + ["X"] * 4 + ["Y"] * 16
    return score(accounts)


def test_prospects_like_the_best_come_first_and_say_why():
    accounts = make_targets()
    answer = market.rank_targets(accounts=accounts, best_traits=None, columns=["industry"])
    first = answer.table.iloc[0]
    assert first["account_id"] == "A10" and first["score"] > 1 and first["why"] == "X, 1.5 times as common among the best customers"
    assert answer.table["worth_amount"].is_monotonic_decreasing and len(answer.table) == 20


def test_prospects_with_an_open_deal_or_of_one_parent_are_put_right():
    accounts = make_targets()
    accounts.loc[10, "open_n"] = 1.0
    accounts.loc[[11, 12], "ultimate_parent_id"] = "A00"
    answer = market.rank_targets(accounts=accounts, best_traits=None, columns=["industry"])
    assert "A10" not in set(answer.table["account_id"]) and answer.notes["in_work_n"] == 1
    row = answer.table[answer.table["account_id"] == "A11"].iloc[0]
    assert row["sister"] == "Name 0" and row["accounts_n"] == 2 and "A12" not in set(answer.table["account_id"])
    apart = market.rank_targets(accounts=accounts, best_traits=None, columns=["industry"], together=False)
    assert {"A11", "A12"} <= set(apart.table["account_id"])


def test_no_prospect_and_no_lesson_are_said():
    assert (
        "no prospect"
        in market.rank_targets(
            accounts=score(make_accounts([1.0] * 6)), best_traits=None, columns=["industry"]
        ).withheld
    )
    assert (
        "no trait"
        in market.rank_targets(
            accounts=score(make_accounts([1.0, 0.0])), best_traits=None, columns=["industry"]
        ).withheld
    )
    assert market.rank_targets(accounts=None, best_traits=None, columns=[]).withheld


def test_lift_by_hand():
    accounts = make_accounts([1.0] * 10).assign(industry=["X"] * 5 + ["Y"] * 5)
    sales = pd.DataFrame({"account_id": accounts["account_id"], "amount": [50.0, 60.0] + [1.0] * 8, "sale_date": DAY})
    traits = market.learn_best_traits(accounts=accounts, sales=sales, as_of=AS_OF, period=YEAR, company=COMPANY)
    row = traits[traits["label"] == "X"].iloc[0]
    assert (row["best_n"], row["accounts_n"]) == (2, 5) and row["lift"] == pytest.approx((2 + 0.2 * 20) / 25 / 0.2)


def test_missing_products_name_the_commonest_gap():
    sales = pd.DataFrame({
        "account_id": ["A00", "A01", "A02", "A03", "A04", "A00"], "product": ["P", "P", "P", "P", "Q", "Q"],
        "amount": 1.0, "sale_date": DAY,
    })  # fmt: skip
    answer = market.summarise_missing_products(sales=sales, accounts=make_accounts([1.0] * 5), period=YEAR)
    assert answer.table.iloc[0][["account_id", "product", "buyers_share"]].tolist() == ["A04", "P", 0.8]
    assert "A00" not in set(answer.table["account_id"])


def test_an_empty_book_is_answered_with_reasons():
    empty = score(make_accounts([]))
    assert market.summarise_penetration(accounts=empty).withheld
    assert (
        geography.summarise_places(accounts=empty).withheld
        and market.summarise_drivers(accounts=empty, columns=["industry"]).withheld
    )
    assert market.rank_targets(accounts=empty, best_traits=None, columns=["industry"]).withheld
    assert market.summarise_leads(leads=None, as_of=AS_OF).withheld.startswith("it needs table leads")


def test_untouched_prospects_stand_beside_success():
    accounts = make_accounts([1.0, 1.0, 0.0, 0.0]).assign(industry=["X", "Y", "X", "X"])
    accounts.loc[2, "last_touch_date"] = DAY
    answer = geography.summarise_verticals(accounts=accounts, compared=pd.DataFrame(), column="industry", as_of=AS_OF)
    assert answer.table[["label", "prospects_n", "untouched_n"]].values.tolist() == [["X", 2, 1], ["Y", 0, 0]]
