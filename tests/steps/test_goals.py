"""Step 5: the ladder adds up, flow is last year times retention, and what it takes is worked back by hand."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from workbook_helpers.measure import Period
from workbook_helpers.steps import chance, effort, goals

AS_OF = date(2026, 9, 30)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
NO_TEAM = pd.DataFrame()


def make_deals(rows):
    """(id, account, status, amount, created, closes[, kind]) to a frame with the columns of a book."""
    rows = [(*row, None)[:7] for row in rows]
    deals = pd.DataFrame(rows, columns=["opportunity_id", "account_id", "status", "amount", "created_date", "close_date", "kind"])
    deals = deals.assign(stage="Propose", next_step=None, state_known=True, competitor=None)
    dates = {"created_date": "datetime64[ns]", "close_date": "datetime64[ns]", "amount": float}
    return deals.astype(dates)


def make_sales(rows):
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"]).astype({"sale_date": "datetime64[ns]", "amount": float})
    return sales.assign(sale_id=[f"S{i}" for i in range(len(sales))], source="order", margin=None, quantity=None)


def make_quotas(amount=1000.0, relief=0.0):
    days = {"period_start": [pd.Timestamp("2026-01-01")], "period_end": [pd.Timestamp("2026-12-31")]}
    return pd.DataFrame({**days, "quota": [amount], "relief": [relief]})


CLOSED = [(f"C{i}", "Z", "won" if i < 6 else "lost", 10.0, "2025-01-01", "2025-06-01") for i in range(10)]


def make_ladder(deals, sales, *, goal=1000.0, retention=NO_TEAM, contracts=None, counts="revenue"):
    credited = goals.summarise_credited(quota_counts=counts, sales=sales, opportunities=deals, contracts=contracts)
    target = goals.summarise_goal(credited=credited, quotas=make_quotas(), goal_amount=goal, as_of=AS_OF, fiscal_year=YEAR)
    flow = goals.estimate_flow(
        account_sales=sales, contracts=contracts, opportunities=deals, retention=retention,
        quota_counts=counts, as_of=AS_OF, fiscal_year=YEAR,
    )  # fmt: skip
    chances = chance.estimate_chances(opportunities=deals, stage_history=None, stage_wins=NO_TEAM, as_of=AS_OF, fiscal_year=YEAR)
    ladder = goals.summarise_ladder(goal=target, flow=flow, deals=chances, quota_counts=counts, fiscal_year=YEAR)
    return target, flow, chances, ladder


money = st.decimals(min_value=0, max_value=5000, places=2).map(float)
deal = st.tuples(money, st.sampled_from(["2026-08-01", "2026-10-15", "2026-12-31", "2027-01-01", None]))
sale = st.tuples(st.sampled_from("ABC"), st.sampled_from(["2025-10-20", "2025-12-31", "2026-03-01", "2026-09-30"]), money)


@settings(max_examples=40, deadline=None)
@given(st.lists(deal, max_size=8), st.lists(sale, min_size=1, max_size=12), money, st.randoms(use_true_random=False))
def test_ladder_adds_up_to_the_goal_and_does_not_depend_on_order(open_deals, sold, goal, random):
    rows = [(f"D{i}", "A", "open", amount, "2026-05-01", day) for i, (amount, day) in enumerate(open_deals)]
    deals, sales = make_deals(CLOSED + rows), make_sales(sold)
    before = deals.copy(deep=True), sales.copy(deep=True)
    _, _, chances, ladder = make_ladder(deals, sales, goal=goal)
    assert round(ladder.table["amount"].sum() - ladder.notes["surplus"] - goal, 2) == 0
    assert set(chances["bucket"]) <= {"likely", "stretch", "overdue", "later", "no date"} and chances["opportunity_id"].is_unique
    named = ladder.table.set_index("rung")["amount"][["likely", "stretch"]].sum()
    aside = sum(ladder.notes[f"{b}_amount"] for b in ("overdue", "later", "no_date"))
    assert named + aside == pytest.approx(sum(amount for amount, _ in open_deals), abs=0.005)
    pd.testing.assert_frame_equal(deals, before[0])
    pd.testing.assert_frame_equal(sales, before[1])
    mixed = (
        deals.sample(frac=1, random_state=random.randrange(99)),
        sales.sample(frac=1, random_state=random.randrange(99)),
    )
    again = make_ladder(*mixed, goal=goal)[3]
    assert [m.value for m in again.measures] == [m.value for m in ladder.measures]


def test_ladder_by_hand():
    deals = make_deals(
        [
            *CLOSED,
            ("D1", "A", "open", 200.0, "2026-05-01", "2026-11-01"),  # due: likely, 6 of 10 were won
            ("D2", "B", "open", 900.0, "2026-05-01", "2027-02-01"),  # after the year
            ("D3", "B", "open", 70.0, "2026-05-01", "2026-09-01"),  # overdue
        ]
    )
    sales = make_sales([("A", "2025-11-15", 100.0), ("A", "2026-02-01", 300.0)])
    target, flow, _, ladder = make_ladder(deals, sales)
    assert target["booked_amount"].value == 300 and target["attainment"].value == 0.3
    assert flow["flow_amount"].value == 100
    assert ladder["likely_amount"].value == 200 and ladder["stretch_amount"].value == 0
    assert "win_reason" not in ladder["likely_amount"].rows and "probability" in ladder["likely_amount"].rows
    assert ladder["unidentified_amount"].value == 1000 - 300 - 100 - 200
    assert ladder["expected_gap"].value == pytest.approx(1000 - 300 - 100 - 0.6 * 200)
    assert ladder["pipeline_coverage"].value == pytest.approx(200 / 600)
    assert (ladder.notes["overdue_amount"], ladder.notes["later_amount"]) == (70, 900)


def test_a_goal_that_is_met_has_no_coverage():
    ladder = make_ladder(make_deals(CLOSED), make_sales([("A", "2026-02-01", 1500.0)]))[3]
    assert ladder["pipeline_coverage"].withheld == "met: nothing left to cover"
    assert ladder["unidentified_amount"].value == 0 and ladder.notes["surplus"] == 500


def test_nothing_is_claimed_of_deals_that_cannot_be_rebuilt():
    deals = make_deals([*CLOSED, ("D1", "A", "open", 200.0, "2026-05-01", None)])
    deals.loc[deals["status"] == "open", "state_known"] = False
    ladder = make_ladder(deals, make_sales([("A", "2026-02-01", 1.0)]))[3]
    assert all("stage_history" in m.withheld for m in ladder.measures)


def test_without_orders_or_contracts_flow_is_withheld_and_counts_as_nothing():
    target, flow, _, ladder = make_ladder(make_deals(CLOSED), None, counts="bookings")
    assert "nothing recurring is known" in flow["flow_amount"].withheld
    assert ladder["unidentified_amount"].value == 1000 and "Flow to come" in ladder.notes["counted_as_nothing"]
    assert target["booked_amount"].value == 0


def test_a_company_with_only_orders_has_no_pipeline_and_says_so():
    ladder = make_ladder(None, make_sales([("A", "2025-11-15", 100.0)]))[3]
    assert ladder["likely_amount"].withheld == "it needs table opportunities"
    assert ladder["unidentified_amount"].value == 900


def test_deals_and_orders_are_never_added():
    deals = make_deals([("W", "A", "won", 500.0, "2026-01-01", "2026-02-01")])
    sales = make_sales([("A", "2026-02-01", 30.0)])
    sums = {c: goals.summarise_credited(quota_counts=c, sales=sales, opportunities=deals)["amount"].sum() for c in ("bookings", "revenue")}
    assert sums == {"bookings": 500, "revenue": 30}


def test_contract_with_an_open_renewal_deal_goes_by_the_deal():
    contracts = pd.DataFrame(
        {
            "account_id": ["A", "B"],
            "start_date": pd.Timestamp("2025-11-01"),
            "end_date": pd.Timestamp("2026-10-31"),
            "amount_per_year": 50.0,
        }
    )
    deals = make_deals([*CLOSED, ("D1", "A", "open", 55.0, "2026-08-01", "2026-10-31", "renewal")])
    _, flow, _, ladder = make_ladder(deals, None, contracts=contracts, counts="bookings")
    assert flow.table["account_id"].tolist() == ["B"] and flow["flow_amount"].value == 50
    assert ladder["likely_amount"].value == 55


def test_a_renewal_deal_takes_the_contract_and_leaves_the_usual_orders():
    contracts = pd.DataFrame(
        {"account_id": ["A", "B"], "start_date": pd.Timestamp("2025-11-01"), "end_date": pd.Timestamp("2026-10-31"),
         "amount_per_year": 50.0}
    )  # fmt: skip
    deals = make_deals([*CLOSED, ("D1", "A", "open", 55.0, "2026-08-01", "2026-10-31", "renewal")])
    sales = make_sales([(a, d, m) for a, m in (("A", 100.0), ("B", 30.0)) for d in ("2025-11-15", "2026-02-01")])
    table = make_ladder(deals, sales, contracts=contracts)[1].table
    assert table.values.tolist() == [
        ["A", 100.0, "usual orders"], ["B", 50.0, "contract renewal"], ["B", 30.0, "usual orders"]
    ]  # fmt: skip


def test_the_order_of_a_won_deal_is_no_usual_order():
    """The deal closes before the window and is ordered inside it; half of its credit is the rep's."""
    won = ("W", "A", "won", 400.0, "2025-08-01", "2025-09-28")
    sales = make_sales([("A", "2025-10-05", 800.0), ("A", "2025-11-15", 100.0), ("A", "2026-02-01", 1.0)])
    deals = make_deals([*CLOSED, won]).assign(credit_share=0.5)
    assert make_ladder(deals, sales.assign(inherited=False))[1]["flow_amount"].value == 100


def test_a_large_inherited_line_is_a_one_off_and_named():
    sales = make_sales([("A", "2025-10-05", 800.0), ("A", "2025-11-15", 100.0), ("A", "2026-02-01", 100.0)])
    flow = make_ladder(make_deals(CLOSED), sales.assign(inherited=True))[1]
    assert flow["flow_amount"].value == 100 and flow.notes["one_off_n"] == 1


def test_flow_of_silent_customers_is_kept_and_named():
    often = [("A", f"2025-{month:02}-15", 10.0) for month in range(5, 13)]
    notes = make_ladder(make_deals(CLOSED), make_sales([*often, ("B", "2025-11-15", 7.0), ("B", "2026-09-01", 1.0)]))[1]
    assert notes["flow_amount"].value == 37 and (notes.notes["silent_n"], notes.notes["silent_amount"]) == (1, 30)


def test_retention_of_the_team_scales_usual_orders():
    team = pd.DataFrame({"basis": ["orders"], "ratio": [0.8]})
    flow = make_ladder(make_deals(CLOSED), make_sales([("A", "2025-11-15", 100.0), ("A", "2026-02-01", 1.0)]), retention=team)[1]
    assert flow["flow_amount"].value == 80


def test_a_customer_who_has_lapsed_brings_no_flow():
    sales = make_sales([("A", "2025-11-15", 100.0)])
    flow = goals.estimate_flow(
        account_sales=sales, contracts=None, opportunities=None, retention=NO_TEAM, quota_counts="revenue",
        as_of=AS_OF, fiscal_year=YEAR, lapsed_after_days=180,
    )  # fmt: skip
    assert flow["flow_amount"].value == 0


def test_quota_less_relief_and_only_periods_inside_the_year():
    quotas = pd.concat([make_quotas(1000.0, 100.0), make_quotas().assign(period_start=pd.Timestamp("2025-07-01"))])
    answer = goals.summarise_goal(credited=None, quotas=quotas, goal_amount=None, as_of=AS_OF, fiscal_year=YEAR)
    assert answer["quota"].value == answer["goal"].value == 900


def test_no_goal_is_said():
    answer = goals.summarise_goal(credited=None, quotas=None, goal_amount=None, as_of=AS_OF, fiscal_year=YEAR)
    assert answer["goal"].withheld == "neither the plan nor table quotas names one"


def test_required_coverage_as_published():
    assert round(goals.estimate_required_coverage(win_rate=0.22), 1) == 4.5


def test_what_it_takes_by_hand():
    won = [(f"W{i}", "A", "won", 20.0, "2026-01-01", "2026-02-01") for i in range(5)]
    deals = make_deals(won)
    target, flow, *_ = make_ladder(deals, None, goal=300.0, counts="bookings")
    calls = pd.DataFrame({"team": None, "activity_type": ["visit"] * 15, "activity_date": pd.Timestamp("2026-03-01")})
    needs = effort.estimate_needs(
        goal=target,
        flow=flow,
        opportunities=deals,
        activities=calls,
        activity_rates=NO_TEAM,
        base_rate=0.25,
        as_of=AS_OF,
        fiscal_year=YEAR,
    )
    rows = needs.table.set_index("step")["needed"]
    assert rows["to bring in"] == 200 and rows["deals to win"] == 10 and rows["pipeline it takes"] == 800 and rows["visit"] == 30


def test_income_is_worked_back_to_what_must_be_sold():
    target, flow, *_ = make_ladder(make_deals(CLOSED), None, goal=500.0, counts="bookings")
    needs = effort.estimate_needs(
        goal=target, flow=flow, opportunities=None, activities=None, activity_rates=NO_TEAM, base_rate=float("nan"),
        income=110.0, base_salary=50.0, on_target_earnings=100.0, as_of=AS_OF, fiscal_year=YEAR,
    )  # fmt: skip
    rows = needs.table.set_index("step")["needed"]
    assert rows["attainment it takes"] == pytest.approx(1.2) and rows["to bring in"] == pytest.approx(1.2 * 1000)


def test_assumptions_beside_the_past():
    answer = effort.compare_assumptions(
        assumptions={"win_rate": 0.9}, opportunities=make_deals(CLOSED), sales=None, as_of=date(2025, 12, 31)
    )
    row = answer.table.set_index("assumption").loc["win_rate"]
    assert row["year_1"] == 0.6 and pd.isna(row["year_2"]) and row["stretch"]
    assert answer.notes["stretched"] == ("win_rate",)


def test_the_orders_it_takes_are_orders_and_not_their_lines():
    lines = make_sales([("A", f"2026-0{month}-01", 50.0) for month in range(1, 7) for _ in range(2)])
    lines["sale_id"] = [f"O{n // 2}" for n in range(len(lines))]
    goal, flow, *_ = make_ladder(None, lines)
    table = effort.estimate_needs(
        goal=goal, flow=flow, opportunities=None, activities=None, sales=lines, activity_rates=None, base_rate=float("nan"),
        as_of=AS_OF, fiscal_year=YEAR,
    ).table.set_index("step")  # fmt: skip
    assert table.loc["orders to win", "ratio"] == 100
