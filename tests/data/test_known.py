"""What a date knows, and whose row it is."""

from datetime import date

import pytest
from conftest import deal, open_deal, order, small_tables

from workbook_helpers.data import prepare

MAY = date(2026, 5, 15)


def deals(folder, as_of=None, **options):
    return prepare(folder, as_of=as_of, **options).read("opportunities").set_index("opportunity_id")


def sales_by_rep(folder, as_of=None):
    return prepare(folder, as_of=as_of).read("sales").groupby("rep_id")["amount"].sum().round(4).to_dict()


def test_the_default_day_is_the_last_day_on_which_something_happened(company):
    tables = small_tables()
    tables["opportunities"].append(open_deal(60, close_date="2027-12-31"))
    assert prepare(company(tables)).as_of == date(2026, 6, 30)


def test_rows_of_later_days_are_not_known(company):
    prepared = prepare(company(), as_of=MAY)
    assert prepared.read("orders")["order_date"].max().date() <= MAY
    assert prepared.view["counts"]["R1"]["orders"] == 17


def test_a_deal_closed_later_is_open_and_shows_nothing_of_its_later_fate(company):
    tables = small_tables()
    tables["opportunities"].append(deal(60, close_date="2026-06-01", stage="Close", competitor="Acme", next_step="sign"))
    row = deals(company(tables), MAY).loc["D060"]
    assert row["status"] == "open"
    assert row[["stage", "close_date", "amount", "competitor", "next_step", "outcome"]].isna().all()
    assert not row["state_known"]


@pytest.mark.parametrize("outcome", ["Won", "Lost", "Open"])
def test_what_became_of_a_deal_later_changes_nothing_on_an_earlier_day(company, outcome):
    def seen(**fate):
        tables = small_tables()
        tables["opportunities"] += [deal(60, close_date="2026-06-01") | fate, deal(61, close_date="2026-06-02")]
        return deals(company(tables), MAY)

    fate = {"outcome": outcome, "stage": "Qualify", "amount": "7", "close_date": "2026-06-20", "loss_reason": "price"}
    assert seen().equals(seen(**fate))


def test_stage_history_rebuilds_an_open_deal_as_it_stood(company):
    tables = small_tables()
    tables["opportunities"].append(deal(60, close_date="2026-06-01", amount="900"))
    tables["stage_history"] = [
        {"opportunity_id": "D060", "stage": "Qualify", "entered_date": "2026-03-01", "amount": "500", "close_date": "2026-07-01"},
        {"opportunity_id": "D060", "stage": "Develop", "entered_date": "2026-04-01", "amount": "600", "close_date": ""},
        {"opportunity_id": "D060", "stage": "Close", "entered_date": "2026-06-01", "amount": "900", "close_date": "2026-06-01"},
    ]
    row = deals(company(tables), MAY).loc["D060"]
    assert (row["stage"], row["amount"], str(row["close_date"].date())) == ("Develop", 600.0, "2026-07-01")
    assert row["state_known"]


def test_an_earlier_run_remembers_the_open_deals_of_its_day(company):
    folder = company()
    today = prepare(folder)
    tables = small_tables()
    tables["opportunities"].append(deal(70, created_date="2026-07-02", close_date="2026-07-05"))
    (folder / "exports" / "opportunities.csv").write_text((company(tables) / "exports" / "opportunities.csv").read_text())
    later = prepare(folder, as_of=today.as_of)
    assert later.fingerprint != today.fingerprint
    assert later.read("opportunities").equals(today.read("opportunities"))
    assert later.rep_fingerprints == today.rep_fingerprints


def test_shared_credit_adds_up_to_the_amount_to_the_cent(company):
    tables = small_tables()
    tables["orders"] = [order(1, amount="100.01")]
    tables["credits"] = [
        {"source_id": "O001", "rep_id": "R1", "credit_share": "0.3333", "kind": "revenue"},
        {"source_id": "O001", "rep_id": "R2", "credit_share": "0.6667", "kind": "revenue"},
        {"source_id": "O001", "rep_id": "R2", "credit_share": "1", "kind": "overlay"},
    ]
    shares = sales_by_rep(company(tables, credit="table"))
    assert shares == {"R1": 33.33, "R2": 66.68}


def test_shares_that_do_not_total_one_are_reported_and_the_rep_of_the_row_is_credited(company):
    tables = small_tables()
    tables["orders"] = [order(1, amount="100")]
    tables["credits"] = [{"source_id": "O001", "rep_id": "R2", "credit_share": "0.4", "kind": "revenue"}]
    folder = company(tables, credit="table")
    assert sales_by_rep(folder) == {"R1": 100.0}
    assert any(p.column == "credit_share" for p in prepare(folder).problems)


def test_a_row_without_rep_belongs_to_the_owner_of_that_day(company):
    tables = small_tables()
    tables["orders"] = [order(1, "", order_date="2026-02-01"), order(2, "", order_date="2026-06-01")]
    tables["account_owners"] = [
        {"account_id": "A1", "rep_id": "R2", "valid_from": "2025-01-01", "valid_to": "2026-03-31"},
        {"account_id": "A1", "rep_id": "R1", "valid_from": "2026-04-01", "valid_to": ""},
    ]
    assert sales_by_rep(company(tables)) == {"R1": 50.0, "R2": 50.0}


def test_an_inherited_order_stands_in_the_present_owners_customer_history_without_a_name(company):
    tables = small_tables()
    tables["orders"].append(order(77, "R2", account_id="A1", amount="11"))
    seen = prepare(company(tables)).read("account_sales", ["R1"])
    assert seen.loc[seen["sale_id"] == "O077", "inherited"].tolist() == [True]
    assert set(seen.columns) >= {"sale_id", "account_id", "amount", "inherited"}
    assert "R2" not in seen.to_string()


def test_money_is_converted_by_the_rate_of_the_day_and_said_where_there_is_none(company):
    tables = small_tables()
    tables["orders"] = [order(1, amount="100", currency="CAD"), order(2, amount="100", currency="EUR"), order(3, amount="100", currency="")]
    tables["rates"] = [
        {"currency": "CAD", "rate_date": "2026-01-01", "rate": "0.75"},
        {"currency": "CAD", "rate_date": "2026-06-01", "rate": "0.5"},
    ]
    folder = company(tables)
    assert sales_by_rep(folder) == {"R1": 275.0}
    assert prepare(folder).remarks == ["Amounts in EUR (1) have no rate for their day and are summed as they stand, as if they were USD."]


def test_branches_find_their_ultimate_parent_even_in_a_circle(company):
    tables = small_tables()
    tables["accounts"] += [
        {"account_id": "B1", "account_name": "x", "rep_id": "R1", "parent_account_id": "A2"},
        {"account_id": "C1", "account_name": "x", "rep_id": "R1", "parent_account_id": "C2"},
        {"account_id": "C2", "account_name": "x", "rep_id": "R1", "parent_account_id": "C1"},
    ]
    tops = prepare(company(tables)).read("accounts").set_index("account_id")["ultimate_parent_id"]
    assert tops["B1"] == "A1"
    assert tops.notna().all()


def test_every_finding_that_breaks_planning_is_found(company):
    tables = small_tables()
    tables["reps"].append({"rep_id": "R3", "rep_name": "Cy New"})
    tables["accounts"] += [
        {"account_id": "A4", "account_name": "Nobody's", "rep_id": ""},
        {"account_id": "a-4", "account_name": "Twin", "rep_id": "R9"},
    ]
    tables["opportunities"] += [
        deal(80, created_date="2026-05-01"),
        deal(81, amount=""),
        open_deal(82, close_date="2026-06-01"),
        open_deal(83, "R2", account_id="A1"),
        deal(84, "R9"),
        *(deal(n) for n in range(100, 220)),
        deal(85, amount="9000000"),
    ]
    tables["account_owners"] = [
        {"account_id": "A3", "rep_id": "R2", "valid_from": "2025-01-01", "valid_to": ""},
        {"account_id": "A3", "rep_id": "R1", "valid_from": "2026-01-01", "valid_to": ""},
    ]
    tables["orders"].append(order(88, account_id="ZZ"))
    found = {(p.table, p.what.split(" (")[0]) for p in prepare(company(tables)).problems if p.severity == "finding"}
    assert found >= {
        ("accounts", "has no owner"),
        ("accounts", "names a rep who is not in table reps"),
        ("accounts", "looks like another id"),
        ("account_owners", "belongs to two reps at once"),
        ("opportunities", "was closed before it was created"),
        ("opportunities", "was won without an amount"),
        ("opportunities", "is open past its close date"),
        ("opportunities", "belongs to another rep than its account does"),
        ("opportunities", "names a rep who is not in table reps"),
        ("opportunities", "is far out of the range of the others"),
        ("orders", "names an account that is not in table accounts"),
        ("reps", "has no deals and no orders"),
    }


def test_who_owned_an_open_deal_on_an_earlier_day_is_the_accounts_owner_then(company):
    def reps(rep_id):
        tables = small_tables()
        tables["opportunities"] += [deal(60, rep_id, close_date="2026-06-01"), deal(61, close_date="2026-06-02")]
        tables["account_owners"] = [{"account_id": "A1", "rep_id": "R1", "valid_from": "2025-01-01", "valid_to": ""}]
        return deals(company(tables), MAY)["rep_id"].to_dict()

    assert reps("R2") == reps("R1")


def test_who_owns_a_deal_later_changes_no_finding_of_an_earlier_day(company):
    def found(rep_id):
        tables = small_tables()
        late = {"created_date": "2026-03-01", "account_id": "A1"}
        tables["opportunities"] += [deal(60, rep_id, close_date="2026-06-01", **late), deal(61, close_date="2026-06-02")]
        tables["stage_history"] = [{"opportunity_id": "D060", "stage": "Qualify", "entered_date": "2026-03-01", "close_date": "2026-04-30"}]
        view = prepare(company(tables), as_of=MAY).view
        return view["findings"], view["problems"]

    assert found("R1")[0]["R1"] >= 1
    assert found("R2") == found("R1") == found("R9")


def test_a_parent_that_only_other_reps_know_is_not_named(company):
    tables = small_tables()
    tables["accounts"] += [
        {"account_id": "B1", "account_name": "x", "rep_id": "R1", "parent_account_id": "B2"},
        {"account_id": "B2", "account_name": "x", "rep_id": "R2", "parent_account_id": "B3"},
        {"account_id": "B3", "account_name": "x", "rep_id": "R3", "parent_account_id": ""},
    ]
    tables["reps"].append({"rep_id": "R3", "rep_name": "Cy New"})
    tops = prepare(company(tables)).read("accounts").set_index("account_id")["ultimate_parent_id"]
    assert tops["B1"].startswith("group ")
    assert tops["B2"] == "B3"


def test_huge_amounts_stop_nothing(company):
    tables = small_tables()
    tables["orders"].append(order(98, amount="9999999999999.99"))
    assert prepare(company(tables)).read("orders")["amount"].max() == 9999999999999.99


def test_amounts_in_several_currencies_without_rates_are_told_in_one_sentence(company):
    tables = small_tables()
    tables["orders"] = [order(n, currency=code) for n, code in enumerate(("CAD", "EUR", "EUR", "USD", ""))]
    expected = "Amounts in CAD, EUR (3) have no rate for their day and are summed as they stand, as if they were USD."
    assert prepare(company(tables)).remarks == [expected]


class TestTheSellerOwns:
    """``account_owner: seller``, for exports whose owners are out of date."""

    def sold(self):
        tables = small_tables()
        tables["accounts"] += [{"account_id": "A4", "account_name": "Shop Four", "rep_id": "R2", "industry": "Labs"}]
        tables["orders"] = [
            order(1, "R1", account_id="A3", order_date="2026-05-01"),
            order(2, "R2", account_id="A3", order_date="2026-04-01"),
            order(3, "R2", account_id="A1", order_date="2026-06-30", amount="10"),
            order(4, "R1", account_id="A1", order_date="2026-06-30", amount="20"),
        ]
        return tables

    def owners(self, folder, as_of=None):
        return prepare(folder, as_of=as_of).read("accounts").set_index("account_id")["rep_id"].to_dict()

    def test_the_rep_of_the_latest_order_owns_and_who_never_bought_goes_as_recorded(self, company):
        folder = company(self.sold(), account_owner="seller")
        assert self.owners(folder) == {"A1": "R1", "A2": "R1", "A3": "R1", "A4": "R2"}
        assert self.owners(company(self.sold()))["A3"] == "R2"
        assert self.owners(folder, date(2026, 4, 30))["A3"] == "R2"  # who sold later is not known yet

    def test_recorded_means_the_recorded_history_where_there_is_one(self, company):
        held = [{"account_id": a, "rep_id": "R1", "valid_from": "2026-01-01", "valid_to": ""} for a in ("A3", "A4")]
        folder = company(self.sold() | {"account_owners": held}, account_owner="seller")
        assert self.owners(folder, date(2026, 4, 30)) == {"A1": "R1", "A2": "R1", "A3": "R2", "A4": "R1"}

    def test_every_page_says_how_many_accounts_differ(self, company):
        remark = "An account belongs to the rep who sold to it last; for 1 of them the export names another."
        assert prepare(company(self.sold(), account_owner="seller")).remarks == [remark]

    def test_what_others_sold_before_is_inherited(self, company):
        sales = prepare(company(self.sold(), account_owner="seller")).read("account_sales")
        assert sales[sales["account_id"] == "A3"].set_index("sale_id")["inherited"].to_dict() == {"O001": False, "O002": True}

    def test_without_orders_the_latest_won_deal_counts(self, company):
        tables = self.sold() | {"opportunities": [deal(1, "R2", account_id="A1"), open_deal(2, "R1", account_id="A1")]}
        del tables["orders"]
        assert self.owners(company(tables, account_owner="seller"))["A1"] == "R2"


def test_a_sale_names_its_account_also_where_another_rep_owns_it(company):
    tables = small_tables()
    tables["orders"].append(order(60, "R2", account_id="A1", order_date="2026-06-30"))
    sales = prepare(company(tables)).read("sales")
    assert sales[sales["rep_id"] == "R2"].set_index("account_id")["account_name"].to_dict() == {"A3": "Lab Three", "A1": "Clinic One"}
