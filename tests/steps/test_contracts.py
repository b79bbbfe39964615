"""What recurs, and which contracts end next: small books whose answers can be checked by hand."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.measure import Period
from workbook_helpers.renewals import find_due_contracts
from workbook_helpers.steps import contracts, goals

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def sign(*rows):
    """(account, amount, first day, last day) as contracts."""
    frame = pd.DataFrame(rows, columns=["account_id", "amount_per_year", "start_date", "end_date"])
    return frame.astype({"start_date": "datetime64[ns]", "end_date": "datetime64[ns]"})


def renew(account, status, closes, number=0):
    return {"opportunity_id": f"D{number}{account}", "account_id": account, "kind": "Renewal", "status": status, "stage": "Propose", "amount": 10.0,
            "close_date": pd.Timestamp(closes)}  # fmt: skip


DUE = sign(*((a, 10.0, "2026-01-01", "2026-12-31") for a in "OWLN"), ("M", 7.0, "2026-01-01", "2026-12-31"), ("M", 3.0, "2026-05-01", "2026-12-31"))
DEALS = pd.DataFrame([renew("O", "open", "2026-12-20"), renew("W", "won", "2026-09-10"), renew("L", "lost", "2026-09-10"), renew("N", "won", "2025-12-20")])


def test_a_contract_is_open_won_lost_or_undecided_by_the_deals_near_its_end():
    found = find_due_contracts(DUE, DEALS, YEAR).set_index("account_id")
    assert found["renewal"].fillna("").to_dict() == {"O": "open", "W": "won", "L": "lost", "N": "", "M": ""}
    assert found.at["M", "amount"] == 10.0


@pytest.mark.parametrize(("counts", "kept"), [("bookings", {"M", "N"}), ("recurring", {"M", "N", "W"})])
def test_flow_holds_each_renewal_once(counts, kept):
    retention = pd.DataFrame({"basis": ["contracts"], "ratio": [0.8]})
    flow = goals.estimate_flow(
        account_sales=None, contracts=DUE, opportunities=DEALS, retention=retention, quota_counts=counts, as_of=AS_OF, fiscal_year=YEAR
    )
    assert set(flow.table["account_id"]) == kept and flow.notes["by_deal_n"] == 1
    assert flow["flow_amount"].value == 16.0 + (10.0 if counts == "recurring" else 0.0)  # what is won is sure


def test_few_contracts_stray_further_than_many():
    retention = pd.DataFrame({"basis": ["contracts"], "ratio": [0.8]})
    known = {"account_sales": None, "opportunities": None, "retention": retention, "quota_counts": "recurring", "as_of": AS_OF, "fiscal_year": YEAR}
    many = sign(*((f"A{i}", 10.0, "2026-01-01", "2026-12-31") for i in range(100)))
    spreads = [goals.estimate_flow(contracts=frame, **known).notes["spread"] for frame in (DUE, many)]
    assert spreads[0] == pytest.approx((0.25 / 5) ** 0.5) and spreads[1] == pytest.approx(0.05)


def test_undecided_contracts_come_with_the_largest_first_and_books_without_contracts_are_answered():
    answer = contracts.rank_renewals(contracts=DUE, opportunities=DEALS, accounts=None, as_of=AS_OF)
    assert answer.table["account_id"].tolist() == ["M", "N", "O"] and answer.notes["no_deal_n"] == 2
    accounts = pd.DataFrame({"account_id": [], "account_name": [], "last_touch_date": pd.to_datetime([])})
    for empty in (accounts, None):
        none = contracts.rank_renewals(contracts=DUE.head(0), opportunities=DEALS, accounts=empty, as_of=AS_OF)
        assert none["renewals_due_amount"].value == 0
        recurring = contracts.summarise_recurring(contracts=DUE.head(0), accounts=empty, columns=["account_name"], as_of=AS_OF)
        assert recurring["recurring_amount"].value == 0 and "no customers" in recurring["net_retention"].withheld


def test_growth_is_in_net_retention_and_never_in_gross():
    rows = [(a, 10.0, "2025-01-01", "2026-12-31") for a in "abcde"]
    answer = contracts.summarise_recurring(contracts=sign(*rows, ("a", 5.0, "2026-03-01", "2026-12-31")), accounts=None, columns=[], as_of=AS_OF)
    assert (answer["gross_retention"].value, answer["net_retention"].value) == (1.0, 1.1)


def test_a_cohort_of_contracts_shrinks_as_they_end():
    starts = [DAY - pd.Timedelta(days=1000)] * 6 + [DAY - pd.Timedelta(days=600)] * 5
    ends = [DAY - pd.Timedelta(days=d) for d in (500, 100, -9, -9, -9, -9)] + [DAY + pd.Timedelta(days=9)] * 5
    signed = pd.DataFrame({"account_id": list("abcdefghijk"), "start_date": starts, "end_date": ends, "amount_per_year": 10.0})
    signed.loc[len(signed)] = ["z", DAY - pd.Timedelta(days=1100), DAY - pd.Timedelta(days=900), 1.0]
    table = contracts.summarise_cohorts(contracts=signed, as_of=AS_OF).table
    assert table[["customers_n", "share_1", "share_2"]].fillna(-1).values.tolist() == [[6, 5 / 6, 4 / 6], [5, 1.0, -1]]
    assert table["kept_share"].tolist() == [40 / 60, 1.0]
    assert contracts.summarise_cohorts(contracts=signed[signed["start_date"] > DAY - pd.Timedelta(days=650)], as_of=AS_OF).withheld
