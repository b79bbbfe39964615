"""Northwind: customers all over the world, territories in one country. The workbook says so, and guesses nothing."""

import csv

import pytest
from conftest import ROOT, SHARED

from workbook_helpers.data import prepare

FOLDER = ROOT / "tests" / "companies" / "northwind"
EXPORTS = SHARED / "datasets" / "northwind"

pytestmark = pytest.mark.skipif(not EXPORTS.is_dir(), reason="the public data set Northwind is not here")


@pytest.fixture(scope="module")
def northwind(tmp_path_factory):
    return prepare(FOLDER, store=tmp_path_factory.mktemp("store"), teach=False)


def exported(name):
    with (EXPORTS / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def named(northwind, column):
    return {p.key: p for p in northwind.problems if p.column == column}


def test_every_order_line_is_read_to_the_cent(northwind):
    lines = exported("order_details")
    total = sum(round(float(d["UnitPrice"]) * int(d["Quantity"]) * (1 - float(d["Discount"])), 4) for d in lines)
    orders = northwind.read("orders")
    assert len(orders) == len(lines) == 2155
    assert round(orders["amount"].sum(), 2) == round(total, 2) == 1265793.04
    assert orders["product"].notna().all()


def test_the_plan_speaks_from_the_last_order(northwind):
    assert northwind.as_of.isoformat() == "1998-05-06" == max(o["OrderDate"] for o in exported("orders"))


def test_customers_in_countries_without_any_territory_are_named(northwind):
    abroad = {c["CustomerID"]: c["Country"] for c in exported("customers") if c["Country"] != "USA"}
    assert {key: p.value for key, p in named(northwind, "country").items()} == abroad
    assert len(set(abroad.values())) == 20
    assert {p.what for p in named(northwind, "country").values()} == {"lies in a country where no account lies in any territory"}


def test_the_territory_name_that_stands_twice_is_named(northwind):
    assert {key: (p.row, p.value) for key, p in named(northwind, "territory_name").items()} == {
        "10019": (14, "New York"),
        "10038": (15, "New York"),
    }


def test_territories_that_nobody_holds_are_set_aside_and_the_others_hold_always(northwind):
    aside = {p.key for p in northwind.problems if p.table == "territories" and p.severity == "set_aside"}
    assert aside == {t["TerritoryID"] for t in exported("territories")} - {e["TerritoryID"] for e in exported("employeeterritories")}
    assert all(rep["territory"] for rep in northwind.reps)


def test_customers_without_an_order_have_no_owner(northwind):
    silent = {c["CustomerID"] for c in exported("customers")} - {o["CustomerID"] for o in exported("orders")}
    nobodys = {p.key for p in northwind.problems if p.table == "accounts" and p.what == "has no owner"}
    assert nobodys == silent == {"FISSA", "PARIS"}


def test_line_breaks_inside_a_field_shift_no_row_number(northwind):
    assert any("\n" in e["Address"] for e in exported("employees"))
    rows = {p.key: p.row for p in northwind.problems if p.table == "reps"}
    assert rows == {e["EmployeeID"]: n for n, e in enumerate(exported("employees"), 2)}


def test_reps_who_sell_outside_their_territories_are_named(northwind):
    what = "has territories in which none of the rep's accounts is known to lie"
    assert [p.what for p in northwind.problems if p.table == "reps"] == [what] * 9


def test_trailing_blanks_make_no_other_name(northwind, company, tmp_path):
    padded = company({"reps": [{"rep_id": "1 ", "rep_name": "Nancy Davolio" + " " * 40}],
                      "orders": [{"order_id": "1", "account_id": "A", "order_date": "1998-05-06", "amount": "1", "rep_id": "1"}],
                      "territories": [{"territory_id": "06897  ", "territory_name": "Wilton" + " " * 44, "rep_id": "1"}]})  # fmt: skip
    (rep,) = prepare(padded, teach=False).reps
    assert (rep["rep_id"], rep["rep_name"], rep["territory"]) == ("1", "Nancy Davolio", "Wilton")
