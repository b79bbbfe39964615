"""Step 3, potential: three ways to it, what goes with spend, and white space."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given, settings, strategies as st
from ruamel.yaml import YAML

from workbook_helpers.data import open_book, prepare
from workbook_helpers.data.store import STORE
from workbook_helpers.measure import Period, total
from workbook_helpers.steps import potential

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
DAY = pd.Timestamp(AS_OF)
COMPANY = SimpleNamespace(peers=("industry",), segments=("industry", "region"), potential_quantile=0.8)
CONTEXT = {"as_of": AS_OF, "period": YEAR, "company": COMPANY}


def make_accounts(revenue, **more):
    n = len(revenue)
    ids = [f"A{i:03}" for i in range(n)]
    frame = pd.DataFrame({
        "account_id": ids, "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R1", "ultimate_parent_id": ids,
        "industry": ["X" if i % 2 else "Y" for i in range(n)], "region": "N", "employees": 20.0,
        "revenue_amount": np.array(revenue, float), "status": ["customer" if r > 0 else "prospect" for r in revenue],
        "last_touch_date": pd.NaT,
    })  # fmt: skip
    return frame.astype({"last_touch_date": "datetime64[ns]"}).assign(**more)


def make_sales(accounts, amounts, day=DAY):
    return pd.DataFrame({"account_id": accounts["account_id"], "amount": np.asarray(amounts, float), "sale_date": day})


def make_market(**more):
    return pd.DataFrame({"area": ["N"], "industry": ["X"], "establishments_n": [4.0], "employees_n": [100.0], "population_n": [None],
                         "income": [np.nan], "spend": [800.0]}).assign(**more)  # fmt: skip


def score(accounts, peer_spend=None, **more):
    return potential.score_potential(accounts=accounts, peer_spend=peer_spend, peers=["industry"], quantile=0.8, **more)


def make_company(n=300, seed=1):
    """Spend that rises as the number of employees and is twice as high in industry X."""
    rng = np.random.default_rng(seed)
    accounts = make_accounts([1.0] * n, employees=np.exp(rng.normal(3, 1, n)).round() + 1, rep_id=[f"R{i % 12:02}" for i in range(n)])
    spent = accounts["employees"] * np.where(accounts["industry"] == "X", 2.0, 1.0) * np.exp(rng.normal(4, 0.5, n))
    return accounts, spent.to_numpy()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1e6).map(lambda x: round(x, 2)), max_size=30), st.randoms(use_true_random=False))
def test_potential_is_at_least_own_spend_lies_in_its_range_and_knows_no_order(revenue, random):
    accounts = make_accounts(revenue)
    before = accounts.copy()
    scored = score(accounts)
    known = scored[scored["potential_amount"].notna()]
    assert (known["potential_amount"] >= known["revenue_amount"].round(2)).all()
    assert (known["potential_low_amount"] <= known["potential_amount"]).all()
    assert (known["potential_high_amount"] >= known["potential_amount"]).all()
    assert scored["wallet_share"].dropna().between(0, 1).all() and (scored["white_space_amount"].dropna() >= 0).all()
    order = list(range(len(accounts)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(score(accounts.iloc[order]).sort_index(), scored)
    pd.testing.assert_frame_equal(accounts, before)
    answer = potential.summarise_penetration(accounts=scored)
    for share in ("penetration", "share_of_wallet"):
        assert answer[share].value is None or 0 <= answer[share].value <= 1
    if not answer.withheld:
        assert answer["white_space"].value == total(answer.table["white_space_amount"])


def test_peers_are_the_finest_group_with_five_customers():
    accounts = make_accounts([10.0] * 5 + [0.0] * 5).assign(industry=["X"] * 5 + ["X", "X", "Z", None, "X"])
    accounts["employees"] = [20.0] * 5 + [20.0, 500.0, 20.0, 20.0, np.nan]
    scored = score(accounts)
    assert scored["peers"].tolist()[5:] == ["X, 10-49 employees", "X", "all customers", "all customers", "X"]
    assert scored["bottom_up_amount"].tolist() == [10.0] * 10


def test_with_too_few_customers_potential_is_not_known():
    scored = score(make_accounts([10.0, 0.0]))
    assert scored["potential_amount"].tolist()[0] == 10.0 and np.isnan(scored["potential_amount"].iloc[1])
    empty = potential.summarise_penetration(accounts=score(make_accounts([0.0, 0.0])))
    assert empty.withheld and {m.id for m in empty.measures} == {"penetration", "potential", "share_of_wallet", "white_space"}
    assert potential.summarise_penetration(accounts=score(make_accounts([]))).withheld
    assert score(None) is None


def test_a_small_group_is_pulled_toward_the_wider_one_and_a_large_one_is_not():
    spread = np.exp(np.linspace(-1, 1, 40))
    accounts = make_accounts([1.0] * 45, industry=["X"] * 40 + ["Y"] * 5)
    sales = make_sales(accounts, [*(10 * spread), *(1_000 * spread[::8])])
    spend = potential.learn_peer_spend(accounts=accounts.drop(columns="employees"), sales=sales, **CONTEXT).set_index("label")
    own = {"X": np.quantile(np.log(10 * spread), 0.8), "Y": np.quantile(np.log(1_000 * spread[::8]), 0.8)}
    log = np.log(spend["quantile_amount"])
    assert abs(log["X"] - own["X"]) < 0.1 and log["all"] < log["Y"] < own["Y"] + 0.3


def test_the_team_teaches_spend_of_the_year_and_nothing_later():
    accounts = make_accounts([1.0] * 6)
    sales = make_sales(accounts, [10.0, 20.0, 30.0, 40.0, 50.0, 999.0], [DAY] * 5 + [DAY + pd.Timedelta(days=1)])
    spend = potential.learn_peer_spend(accounts=accounts, sales=sales, **CONTEXT)
    every = spend.set_index("cut").loc["all"]
    assert (every["accounts_n"], every["median_amount"], every["reps_n"]) == (5, 30.0, 1) and 40 < every["quantile_amount"] < 50
    assert potential.learn_peer_spend(accounts=None, sales=sales, **CONTEXT).empty


def test_bands_of_employees_begin_where_they_are_named():
    bands = potential.band_sizes(pd.Series([9.0, 10.0, 49.0, 50.0, 250.0, np.nan])).tolist()
    assert bands == ["1-9 employees", *["10-49 employees"] * 2, "50-249 employees", "250 and more employees", None]


def test_the_regression_finds_what_was_planted_and_says_it_in_times():
    accounts, spent = make_company()
    model = potential.learn_spend_model(accounts=accounts, sales=make_sales(accounts, spent), market=None, **CONTEXT)
    answer = potential.summarise_drivers(accounts=accounts, spend_model=model)
    size = answer.table[answer.table["cut"] == "employees"].iloc[0]
    kind = answer.table[answer.table["cut"] == "industry"].iloc[0]
    assert size["low_times"] < 2 < size["high_times"] and size["sure"] and kind["sure"]
    expected = {"X": 2**0.5, "Y": 0.5**0.5}[kind["label"]]
    assert kind["low_times"] < expected < kind["high_times"]
    assert 0.5 < answer["spend_fit"].value < 1
    scored = score(accounts.assign(revenue_amount=0.0), potential.learn_peer_spend(accounts=accounts, sales=make_sales(accounts, spent), **CONTEXT),
                   spend_model=model)  # fmt: skip
    assert (spent < scored["regression_amount"]).mean() == pytest.approx(0.8, abs=0.03)


def test_rows_in_another_order_teach_the_same():
    accounts, spent = make_company()
    sales = make_sales(accounts, spent)
    for learn in (potential.learn_spend_model, potential.learn_potential_ways):
        one = learn(accounts=accounts, sales=sales, market=make_market(), **CONTEXT)
        two = learn(accounts=accounts.iloc[::-1], sales=sales.sample(frac=1, random_state=3), market=make_market(), **CONTEXT)
        pd.testing.assert_frame_equal(one, two)
    one = potential.learn_peer_spend(accounts=accounts, sales=sales, **CONTEXT)
    pd.testing.assert_frame_equal(one, potential.learn_peer_spend(accounts=accounts.iloc[::-1], sales=sales.iloc[::-1], **CONTEXT))


def test_below_thirty_customers_no_driver_is_named():
    accounts, spent = make_company(29)
    model = potential.learn_spend_model(accounts=accounts, sales=make_sales(accounts, spent), market=None, **CONTEXT)
    answer = potential.summarise_drivers(accounts=accounts, spend_model=model)
    assert model.empty and "at least 30 customers" in answer.withheld and answer["spend_fit"].withheld


def test_a_regression_that_foretells_nothing_tells_no_potential():
    accounts, _ = make_company(60)
    noise = np.exp(np.random.default_rng(5).normal(0, 1, 60))
    model = potential.learn_spend_model(accounts=accounts, sales=make_sales(accounts, noise), market=None, **CONTEXT)
    scored = score(accounts, spend_model=model.assign(fit_share=-0.02))
    assert scored["regression_amount"].isna().all()


def test_a_model_that_lost_a_term_is_not_used():
    accounts, spent = make_company()
    model = potential.learn_spend_model(accounts=accounts, sales=make_sales(accounts, spent), market=None, **CONTEXT)
    assert score(accounts, spend_model=model.iloc[:-1])["regression_amount"].isna().all()


def test_top_down_is_the_accounts_part_by_employees_else_by_establishments():
    accounts = make_accounts([0.0] * 4, industry=["X", "X", "Z", "X"], employees=[25.0, np.nan, 25.0, 900.0])
    scored = score(accounts, market=make_market())
    assert scored["top_down_amount"].fillna(-1).tolist() == [200.0, 200.0, -1, 800.0]
    assert scored["market_area"].tolist() == ["N"] * 4


def test_the_way_that_came_nearest_is_used_and_the_others_give_the_range():
    accounts, spent = make_company()
    before = DAY - pd.Timedelta(days=400)
    sales = pd.concat([make_sales(accounts, spent, before), make_sales(accounts, 1.1 * spent)], ignore_index=True)
    ways = potential.learn_potential_ways(accounts=accounts, sales=sales, market=None, **CONTEXT)
    assert ways.set_index("way")["times"]["regression"] < ways.set_index("way")["times"]["bottom_up"]
    assert ways.loc[ways["chosen"] == 1, "way"].tolist() == ["regression"]
    context = {"accounts": accounts, "sales": sales, **CONTEXT}
    scored = score(accounts, potential.learn_peer_spend(**context), spend_model=potential.learn_spend_model(**context, market=None), ways=ways)
    assert set(scored["potential_way"]) == {"regression"}
    assert (scored["potential_low_amount"] <= scored["potential_high_amount"]).all()
    assert (scored["potential_low_amount"] < scored["potential_high_amount"]).mean() > 0.9
    answer = potential.summarise_ways(accounts=scored, ways=ways)
    assert answer.table.loc[answer.table["chosen"], "way"].tolist() == ["regression"] and answer.notes["compared"]


def test_without_a_year_before_comparable_customers_are_taken():
    accounts, spent = make_company()
    ways = potential.learn_potential_ways(accounts=accounts, sales=make_sales(accounts, spent), market=None, **CONTEXT)
    assert ways[["way", "chosen"]].values.tolist() == [["bottom_up", 1.0]]


def test_the_interval_holds_the_sum_and_is_wider_where_fewer_teach():
    widths = []
    for n in (60, 600):
        accounts, spent = make_company(n)
        context = {"accounts": accounts, "sales": make_sales(accounts, spent), **CONTEXT}
        peers, model = potential.learn_peer_spend(**context), potential.learn_spend_model(**context, market=None)
        ways, rest = pd.DataFrame({"way": ["regression"], "chosen": 1.0}), accounts.head(40).assign(revenue_amount=0.0, status="prospect")
        scored = score(rest, peers, spend_model=model, ways=ways)
        assert potential.summarise_penetration(accounts=score(rest, peers), spend_model=model)["white_space"].low is None
        space = potential.summarise_penetration(accounts=scored, spend_model=model)["white_space"]
        assert space.low < space.value < space.high and space.level == 0.95
        widths.append((space.high - space.low) / space.value)
    assert widths[0] > 1.5 * widths[1]


def test_branches_stand_with_their_parent():
    accounts = score(make_accounts([10.0] * 5 + [0.0] * 2)).assign(ultimate_parent_id=["P"] * 2 + list("cdefg"))
    table = potential.summarise_penetration(accounts=accounts).table
    assert len(table) == 6 and table.set_index("customer_id").loc["P", "accounts_n"] == 2
    assert len(potential.summarise_penetration(accounts=accounts, together=False).table) == 7


def make_bought(rows):
    return pd.DataFrame(rows, columns=["account_id", "product", "amount"]).assign(sale_date=DAY)


def test_white_space_by_product_is_what_customers_alike_spend_and_never_more_than_the_accounts():
    sales = make_bought([(f"A{i:03}", p, a) for i in range(6) for p, a in (("P", 60.0), ("Q", 40.0)) if (i, p) != (5, "Q")])
    accounts = make_accounts([100.0] * 5 + [60.0], white_space_amount=[0.0] * 5 + [20.0])
    answer = potential.summarise_missing_products(sales=sales, accounts=accounts, period=YEAR)
    first = answer.table.iloc[0]
    assert first[["account_id", "product"]].tolist() == ["A005", "Q"] and first["buyers_share"] == pytest.approx(5 / 6)
    assert first["expected_amount"] == 20.0
    roomy = potential.summarise_missing_products(sales=sales, accounts=accounts.assign(white_space_amount=1e6), period=YEAR)
    assert roomy.table.iloc[0]["expected_amount"] == pytest.approx(40.0 * 5 / 6, abs=0.01)
    assert potential.summarise_missing_products(sales=sales.head(4), accounts=accounts, period=YEAR).withheld


def test_a_product_that_those_alike_do_not_buy_is_no_white_space():
    sales = make_bought([(f"A{i:03}", p, 50.0) for i in range(20) for p in ("P", "Q" if i < 10 else "R")])
    accounts = make_accounts([100.0] * 20, industry=["X"] * 10 + ["Y"] * 10, rep_id=[f"R{i % 5}" for i in range(20)], white_space_amount=1e6)
    shares = potential.learn_product_shares(accounts=accounts, sales=sales, products=None, **CONTEXT)
    answer = potential.summarise_missing_products(sales=sales, accounts=accounts, period=YEAR, product_shares=shares, peers=["industry"])
    gaps = answer.table[answer.table["expected_amount"] > 0]
    assert gaps.empty and set(answer.table["product"]) == {"P", "Q", "R"}


# --- what is planted in the sample ---


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """All accounts of the sample with their potential as the reports tell it, and the truth."""
    folder = ROOT / "data" / "samples" / "field_sales"
    truth = YAML(typ="safe").load((folder / "truth.yml").read_text(encoding="utf-8"))["territories"]["potential"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(tmp_path_factory.mktemp("store")))
        books = [open_book(folder, rep["rep_id"]) for rep in prepare(folder).reps]
        frames = [book.scored_accounts for book in books if len(book.scored_accounts)]
    accounts = pd.concat(frames, ignore_index=True)
    return accounts.assign(truth=accounts["account_id"].map(truth)), books[0].team.tables


def test_the_samples_potential_is_ranked_rightly_also_where_nobody_has_sold_yet(sample):
    accounts, _ = sample
    for status in ("customer", "prospect"):
        rows = accounts[accounts["status"] == status]
        assert rows["potential_amount"].rank().corr(rows["truth"].rank()) > 0.7, status
    assert total(accounts["potential_low_amount"]) < accounts["truth"].sum() < total(accounts["potential_high_amount"])


def test_the_samples_targets_are_laboratories_and_surgery_centers(sample):
    _, learned = sample
    traits = learned["best_traits"]
    kinds = traits[traits["cut"] == "industry"].sort_values("log_odds", ascending=False)
    assert set(kinds["label"].head(2)) == {"Laboratory", "Surgery center"}
    assert traits[traits["low_lift"] > 1].sort_values("lift")["label"].iloc[-1] == "250 and more employees"
