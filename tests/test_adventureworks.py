"""A second real company: reseller orders, quarterly quotas, managers who sell, and resellers that changed hands."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal

import pytest
from conftest import ROOT, SHARED

from workbook_helpers.batch.run import run_company
from workbook_helpers.data import prepare

EXPORTS = SHARED / "datasets" / "adventureworks"
COMPANY = ROOT / "tests" / "companies" / "adventureworks"
MANAGERS = {"272", "290", "294"}
RUN = ("294", "290")  # two of the managers: the smallest books

pytestmark = pytest.mark.skipif(not EXPORTS.is_dir(), reason="the AdventureWorks exports are not beside this checkout")


def rows(name):
    with (EXPORTS / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def sold():
    """The order lines as exported: rep, reseller, day, amount, order, currency."""
    names = ("EmployeeKey", "ResellerKey", "OrderDate", "SalesAmount", "SalesOrderNumber", "CurrencyKey")
    return [tuple(row[n] for n in names) for row in rows("dw_FactResellerSales")]


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("adventureworks")


@pytest.fixture(scope="session")
def prepared(store):
    return prepare(COMPANY, store=store)


@pytest.fixture(scope="session")
def delivered(prepared, store, tmp_path_factory):
    done = run_company(COMPANY, reps=RUN, jobs=1, store=store, out=tmp_path_factory.mktemp("reports"))
    assert not done.failed
    return done.index.parent


def facts(folder, rep_id):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    place = next(rep["folder"] for rep in manifest["reps"] if rep["rep_id"] == rep_id)
    found = json.loads((folder / place / "facts.json").read_text(encoding="utf-8"))
    return {fact["id"]: fact["value"] for fact in found if fact["cut"] is None}


def cents(values):
    return sum((Decimal(str(v)) for v in values), Decimal(0)).quantize(Decimal("0.01"))


def test_the_published_totals_are_reproduced(prepared):
    orders, quotas = prepared.read("orders"), prepared.read("quotas")
    assert (len(orders), cents(orders["amount"])) == (60_855, Decimal("80450596.98"))
    assert (len(quotas), cents(quotas["quota"])) == (163, Decimal("95714000.00"))
    assert len(prepared.reps) == 17 and not [p for p in prepared.problems if p.severity != "finding"]


def test_every_reps_sales_are_the_exports_to_the_cent(prepared, sold):
    expected = defaultdict(list)
    for rep_id, _, _, amount, _, _ in sold:
        expected[rep_id].append(amount)
    found = prepared.read("sales").groupby("rep_id")["amount"].agg(list)
    assert {rep: cents(amounts) for rep, amounts in found.items()} == {rep: cents(amounts) for rep, amounts in expected.items()}
    assert cents(prepared.read("account_sales")["amount"]) == Decimal("80450596.98")  # each line in one present owner's book


def test_quotas_follow_each_other_without_gap_and_the_last_ends_with_the_fiscal_year(prepared):
    for _, quotas in prepared.read("quotas").groupby("rep_id"):
        ends, starts = quotas["period_end"].iloc[:-1], quotas["period_start"].iloc[1:]
        assert ((starts.to_numpy() - ends.to_numpy()).astype("timedelta64[D]").astype(int) == 1).all()
        assert str(quotas["period_end"].iloc[-1].date()) == "2013-12-27"


def test_a_reseller_belongs_to_who_sold_to_it_last_and_what_others_sold_before_is_inherited(prepared, sold):
    sellers, latest = defaultdict(set), {}
    for rep_id, reseller, *_ in sorted(sold, key=lambda row: row[2]):
        sellers[reseller].add(rep_id)
        latest[reseller] = rep_id
    shared = {reseller for reseller, reps in sellers.items() if len(reps) > 1}
    assert (len(sellers), len(shared)) == (635, 210)
    accounts = prepared.read("accounts").set_index("account_id")["rep_id"]
    assert all(accounts[reseller] == rep_id for reseller, rep_id in latest.items())
    bought = prepared.read("account_sales")
    assert set(bought.loc[bought["inherited"], "account_id"]) == shared


def test_five_currencies_without_rates_are_one_remark(prepared, sold):
    foreign = sum(row[5] != "100" for row in sold)
    remarks = [text for text in prepared.remarks if "no rate" in text]
    assert remarks == [
        f"Amounts in AUD, CAD, EUR, GBP ({foreign:,}) have no rate for their day and are summed as they stand, as if they were USD."
    ]


def test_the_figures_of_the_company_are_the_exports_to_the_cent(prepared, sold):
    year = [row for row in sold if row[2][:10] >= "2012-11-30"]
    quotas = [row["SalesAmountQuota"] for row in rows("dw_FactSalesQuota") if row["Date"] >= "2012-12-28"]
    company = {i: fact["value"] for i, fact in prepared.team["company"].items()}
    assert cents([company["revenue"]]) == cents(row[3] for row in year)
    assert cents([company["quota"]]) == cents(quotas)
    assert company["active_customers"] == len({row[1] for row in year})


def test_a_manager_who_sells_has_a_full_report_a_quota_and_a_place_in_the_index(delivered, prepared, sold):
    assert {rep["rep_id"] for rep in prepared.reps if rep["kind"] == "manager"} == MANAGERS
    together = []
    for rep_id in RUN:
        found = facts(delivered, rep_id)
        own = [row for row in sold if row[0] == rep_id and row[2][:10] >= "2012-12-28"]
        quota = [row["SalesAmountQuota"] for row in rows("dw_FactSalesQuota") if row["EmployeeKey"] == rep_id and row["Date"] >= "2012-12-28"]
        assert cents([found["booked_amount"]]) == cents(row[3] for row in own)
        assert cents([found["quota"]]) == cents(quota) and found["attainment"] == found["booked_amount"] / found["quota"]
        assert found["active_customers"] == len({row[1] for row in own if row[2][:10] >= "2012-11-30"})
        together += [row[3] for row in own]
    team = json.loads((delivered / "team.json").read_text(encoding="utf-8"))
    booked = next(fact["value"] for fact in team["measures"] if fact["id"] == "booked_amount")
    assert cents([booked]) == cents(together)
    index = (delivered / "index.html").read_text(encoding="utf-8")
    assert "Carried by managers" in index and "Syed Abbas" in index and "No plan needed" not in index.split("Syed Abbas")[-1][:2000]


def test_a_report_names_no_other_seller_and_no_reseller_that_is_not_its_own(delivered, prepared):
    manifest = json.loads((delivered / "manifest.json").read_text(encoding="utf-8"))
    own = {rep_id: set(prepared.read("sales").query("rep_id == @rep_id")["account_id"]) for rep_id in RUN}
    accounts = prepared.read("accounts")
    for rep in manifest["reps"]:
        if rep["rep_id"] not in RUN:
            continue
        folder = delivered / rep["folder"]
        text = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".html", ".json", ".csv", ".ipynb"))
        others = [r["rep_name"] for r in prepared.reps if r["rep_id"] != rep["rep_id"]]
        assert not [name for name in others if name in text]
        theirs = accounts[(accounts["rep_id"] != rep["rep_id"]) & ~accounts["account_id"].isin(own[rep["rep_id"]])]
        mine = set(accounts["account_name"]) - set(theirs["account_name"])
        hidden = [name for name in theirs["account_name"] if name not in mine and not any(name in m for m in mine)]
        assert not [name for name in hidden if name in text]


def test_sections_without_deals_name_the_table_and_the_rest_still_answers(delivered):
    page = next(delivered.glob("294-*/report.html")).read_text(encoding="utf-8")
    assert "it needs table opportunities" in page
    assert "in these last days the team sold nothing" in page  # the order calendar ends on 29 November
    assert "orders." in page and "Inherited and created:" in page
