"""Which way of dividing tells most, and what it must never take for a segment."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from workbook_helpers.data import prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.data.tables import Tables
from workbook_helpers.errors import ParameterError
from workbook_helpers.measure import Period
from workbook_helpers.steps import segmentation

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
COMPANY = SimpleNamespace(segments=("industry",))
FIELD = ROOT / "data" / "samples" / "field_sales"


def make_accounts(n=300, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "account_id": [f"A{i:04}" for i in range(n)], "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R1",
        "ultimate_parent_id": [f"A{i:04}" for i in range(n)], "industry": rng.choice(["X", "Y", "Z"], n), "coin": rng.choice(["a", "b"], n),
        "employees": rng.integers(1, 400, n).astype(float), "remark": [f"said {i}" for i in range(n)],
    })  # fmt: skip


def make_sales(accounts, seed=2):
    """X buys ten times as much as the others, this year and the year before."""
    rng = np.random.default_rng(seed)
    amount = np.where(accounts["industry"] == "X", 1_000.0, 100.0) * rng.lognormal(0, 0.5, len(accounts))
    parts = [accounts[["account_id"]].assign(sale_date=pd.Timestamp(day), amount=amount.round(2)) for day in ("2025-05-05", "2026-05-05")]
    return pd.concat(parts, ignore_index=True)


def learn(accounts, sales, opportunities=None):
    return segmentation.learn_segmentations(
        accounts=accounts, account_sales=sales, opportunities=opportunities, as_of=AS_OF, period=YEAR, company=COMPANY
    )


def choose(accounts, ranking, wanted=""):
    return segmentation.choose_segmentation(accounts=accounts, segmentations=ranking, columns=["industry"], wanted=wanted)


def test_the_column_that_makes_revenue_is_found_and_a_coin_is_not():
    accounts = make_accounts()
    ranking = learn(accounts, make_sales(accounts)).set_index("cut")
    assert ranking.index[0] == "industry" and ranking.at["industry", "revenue_share"] > 0.6
    assert ranking.at["coin", "told_share"] == 0 and ranking.at["coin", "revenue_low"] <= 0
    assert segmentation.choose_segmentation(
        accounts=segmentation.add_bands(accounts=accounts), segmentations=ranking.reset_index(), columns=["coin"]
    ).notes["column"] == "industry"  # fmt: skip


def test_the_order_of_the_rows_changes_nothing():
    accounts = make_accounts()
    sales = make_sales(accounts)
    shuffled = learn(accounts.sample(frac=1, random_state=1), sales.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(learn(accounts, sales), shuffled)


def test_names_ids_and_free_text_are_no_segments():
    accounts = make_accounts()
    cuts = set(learn(accounts, make_sales(accounts))["cut"])
    assert not cuts & {"account_name", "account_id", "rep_id", "remark", "ultimate_parent_id", "employees"}
    assert {"industry", "coin", "employees_band", "buying"} <= cuts


def test_a_column_that_states_the_outcome_is_refused():
    accounts = make_accounts()
    sales = make_sales(accounts)
    sales = sales[(sales["sale_date"] < "2026-01-01") | sales["account_id"].isin(accounts["account_id"].iloc[::2])]
    accounts["status_then"] = np.where(accounts["account_id"].isin(accounts["account_id"].iloc[::2]), "active", "gone")
    ranking = learn(accounts, sales).set_index("cut")
    assert ranking.at["status_then", "refused"] and ranking.at["status_then", "told_share"] == 0
    assert choose(segmentation.add_bands(accounts=accounts), ranking.reset_index()).notes["column"] == "industry"


def test_a_column_that_only_customers_have_is_not_chosen():
    accounts = make_accounts()
    sales = make_sales(accounts)
    prospects = accounts.assign(account_id=accounts["account_id"] + "p", ultimate_parent_id=accounts["account_id"] + "p")
    accounts["tier"], prospects["tier"] = accounts["industry"].str.lower(), None
    both = pd.concat([accounts, prospects], ignore_index=True)
    ranking = learn(both, sales)
    assert ranking.set_index("cut").at["tier", "prospects_share"] == 0
    assert choose(segmentation.add_bands(accounts=both), ranking).notes["column"] == "industry"


def test_the_analyst_chooses_a_column_a_number_or_two_columns():
    accounts = segmentation.add_bands(accounts=make_accounts())
    for wanted, column in (("coin", "coin"), ("employees", "employees_band"), ("industry, coin", "industry, coin")):
        answer = choose(accounts, None, wanted)
        assert (answer.notes["column"], answer.notes["why"]) == (column, "asked")
    pair = segmentation.add_pair(accounts, "industry, coin")["industry, coin"]
    assert pair.nunique() == 6
    with pytest.raises(ParameterError, match="no column of the accounts"):
        choose(accounts, None, "industri")
    with pytest.raises(ParameterError, match="more than two"):
        choose(accounts, None, "industry, coin, employees")


def test_without_a_team_the_companys_first_usable_segment_divides():
    accounts = segmentation.add_bands(accounts=make_accounts(8))
    assert choose(accounts, None).notes == {"column": "industry", "columns": ["industry"], "why": "first", "row": None, "wanted": None}
    assert choose(accounts.head(0), None).notes["column"] is None
    assert segmentation.choose_segmentation(accounts=None, segmentations=None, columns=[]).withheld
    assert segmentation.add_bands(accounts=None) is None


def test_no_way_of_dividing_is_chosen_that_leaves_this_book_in_crumbs():
    accounts = make_accounts()
    ranking = learn(accounts, make_sales(accounts))
    book = segmentation.add_bands(accounts=accounts).head(30).assign(industry=[f"I{i}" for i in range(30)])
    assert choose(book, ranking).notes["why"] == "first"


def test_open_leads_stand_under_their_own_label_or_their_accounts():
    accounts = pd.DataFrame({"account_id": list("abc"), "status": "prospect", "industry": ["X", "X", "Y"], "revenue_amount": 0.0,
                             "lead_source": ["Web", "Fair", "Web"]})  # fmt: skip
    leads = pd.DataFrame({"lead_source": ["Web", "Fair", "Web"], "account_id": ["a", None, "c"],
                          "converted_date": pd.to_datetime([None, None, "2026-01-01"])})  # fmt: skip
    answer = segmentation.summarise_segments(accounts=accounts, columns=["industry", "lead_source"], leads=leads)
    placed = answer.table.set_index(["cut", "label"])["leads_n"].to_dict()
    assert placed == {("industry", "X"): 1.0, ("industry", "Y"): 0.0, ("lead_source", "Web"): 1.0, ("lead_source", "Fair"): 1.0}
    assert answer.notes["leads_n"] == 2


def test_wins_stand_beside_the_team_without_this_rep():
    deals = pd.DataFrame({"opportunity_id": [f"D{i}" for i in range(8)], "account_id": "a", "rep_id": "R1", "close_date": pd.Timestamp(AS_OF),
                          "status": ["won"] * 6 + ["lost"] * 2})  # fmt: skip
    accounts = pd.DataFrame({"account_id": ["a", "b"], "industry": ["X", "Y"]})
    team = pd.DataFrame({"cut": "industry", "label": ["X", "Y"], "hits_n": [16.0, 5.0], "cases_n": [48.0, 10.0], "reps_n": 5.0, "strength": 40.0})
    rates = segmentation.compare_wins(opportunities=deals, accounts=accounts, column="industry", segment_wins=team, as_of=AS_OF)
    rates = rates.set_index("label")
    assert rates.at["X", "team_share"] == 0.25 and rates.at["X", "shrunk_share"] == pytest.approx((6 + 0.25 * 40) / 48)
    share = rates["won_weight"] / (rates["won_weight"] + rates["lost_weight"])
    assert share.tolist() == pytest.approx(rates["shrunk_share"].tolist()) and rates.at["Y", "shrunk_share"] == 0.5


def test_where_won_accounts_are_handed_over_no_win_rate_is_made_of_those_that_stay():
    deals = pd.DataFrame({"opportunity_id": [f"D{i:02}" for i in range(20)], "account_id": [f"a{i % 10}" for i in range(20)], "rep_id": "R1",
                          "close_date": pd.Timestamp(AS_OF), "status": (["won"] * 5 + ["lost"] * 5) * 2})  # fmt: skip
    stay = pd.DataFrame({"account_id": [f"a{i}" for i in range(5, 10)], "industry": "X"})
    every = pd.DataFrame({"account_id": [f"a{i}" for i in range(10)], "industry": "X"})
    rates = [segmentation.compare_wins(opportunities=deals, accounts=a, column="industry", segment_wins=None, as_of=AS_OF) for a in (stay, every)]
    assert rates[0].empty and rates[1]["rate_share"].tolist() == [0.5]


def test_in_the_sample_size_tells_what_customers_buy_and_veterinaries_leave_twice_as_often(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE, str(tmp_path))
    field = prepare(FIELD)
    books = Tables(field.company, field.as_of, field, tuple(rep["rep_id"] for rep in field.reps))
    ranking = segmentation.learn_segmentations(
        accounts=books.accounts, account_sales=books.account_sales, opportunities=books.opportunities, as_of=books.as_of,
        period=books.last_year, company=books.company,
    ).set_index("cut")  # fmt: skip
    assert ranking.at["employees_band", "revenue_share"] > 0.2 and ranking.at["industry", "retention_share"] > 0
    before, now = (books.account_sales[days.holds(books.account_sales["sale_date"])]["account_id"].unique()
                   for days in (books.last_year.years_earlier(), books.last_year))  # fmt: skip
    bought = books.accounts[books.accounts["account_id"].isin(before)].drop_duplicates("account_id")
    left = ~bought["account_id"].isin(now)
    vets = bought["industry"] == "Veterinary"
    assert 1.4 < left[vets].mean() / left[~vets].mean() < 3.0
