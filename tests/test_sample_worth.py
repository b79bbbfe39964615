"""Who has left is planted in the sample: the chance that a customer still buys tells it, as far as purchases can."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from workbook_helpers.data import prepare
from workbook_helpers.steps import worth

FIELD = ROOT / "data" / "samples" / "field_sales"
TRUTH = YAML(typ="safe").load((FIELD / "truth.yml").read_text(encoding="utf-8"))["buying"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The check, and every account's worth with whether it is still there and its industry."""
    field = prepare(FIELD, store=tmp_path_factory.mktemp("store"), teach=False)
    sales, accounts = field.read("account_sales"), field.read("accounts")
    asked = {"account_sales": sales, "accounts": None, "as_of": field.as_of, "company": field.company}
    check = worth.check_buying(**asked)
    answer = worth.estimate_worth(
        sales=sales, accounts=None, contracts=None, buying=worth.learn_buying(**asked), check=check, retention=None, as_of=field.as_of
    )
    gone = answer.table["customer_id"].isin(TRUTH["churned_accounts"])
    industry = answer.table["customer_id"].map(accounts.set_index("account_id")["industry"])
    return check, answer.table.assign(there=~gone, industry=industry)


def measure_area(table: pd.DataFrame) -> float:
    """How often one who is still there has the higher chance of the two, of all pairs with one who left."""
    ranks, n = table["alive_share"].rank(), table["there"].sum()
    return (ranks[table["there"]].sum() - n * (n + 1) / 2) / (n * (len(table) - n))


def test_the_law_would_have_foretold_the_last_year_better_than_the_count_before(learned):
    check, _ = learned
    assert check["reason"].eq("").all() and check["wins"].iloc[0] > 0.1
    assert check["expected_n"].sum() == pytest.approx(check["actual_n"].sum(), rel=0.15)


def test_the_chance_tells_those_who_left_from_those_who_are_there(learned):
    _, table = learned
    assert measure_area(table) > 0.92 and measure_area(table[table["silence_days"] <= 365]) > 0.84


def test_the_segment_whose_customers_leave_twice_as_often_shows_it(learned):
    _, table = learned
    left = (1 - table["alive_share"]).groupby(table["industry"] == "Veterinary").mean()
    assert TRUTH["churn"]["value"]["Veterinary"] == 2 * TRUTH["churn"]["value"]["ordinary"]
    assert 1.4 < left[True] / left[False] < 2.6
