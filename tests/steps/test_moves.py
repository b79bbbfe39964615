"""Named moves, accounts and deals: nobody counts twice, and warnings are true."""

from datetime import date

import pandas as pd

from workbook_helpers.measure import Answer
from workbook_helpers.steps import moves, pipeline_health

DAY = pd.Timestamp


def make_chances():
    return pd.DataFrame(
        {
            "opportunity_id": ["D1", "D2", "D3"],
            "account_id": ["A", "B", "B"],
            "stage": "Propose",
            "state_known": True,
            "amount": [100.0, 50.0, 70.0],
            "probability": [0.2, 0.8, 0.5],
            "bucket": ["stretch", "likely", "overdue"],
            "created_date": [DAY("2026-01-01"), DAY("2026-09-01"), DAY("2026-01-01")],
            "close_date": [DAY("2026-12-01"), DAY("2026-11-01"), DAY("2026-08-01")],
            "next_step": [None, "demo", None],
        }
    )


def test_deals_are_ranked_by_chance_times_amount_and_warned():
    deals = make_chances()
    pipeline = pipeline_health.summarise_pipeline(opportunities=deals.assign(status="open"), as_of=date(2026, 9, 30))
    answer = moves.rank_deals(deals=deals, pipeline=pipeline, accounts=None)
    table = answer.table
    assert table["opportunity_id"].tolist() == ["D2", "D3", "D1"] and table["expected_amount"].tolist() == [40, 35, 20]
    assert table["warning"].tolist() == ["", "past its close date; no next step", "no next step"]


def test_a_touch_of_the_account_is_a_touch_of_its_deals():
    deals = make_chances()
    touched = pd.DataFrame({"account_id": ["A"], "opportunity_id": [None], "activity_date": [DAY("2026-09-20")]})
    pipeline = pipeline_health.summarise_pipeline(opportunities=deals.assign(status="open"), activities=touched, as_of=date(2026, 9, 30))
    warning = moves.rank_deals(deals=deals, pipeline=pipeline, accounts=None).table.set_index("opportunity_id")["warning"]
    assert "untouched" not in warning["D1"] and "untouched for 30 days" in warning["D3"]


def test_accounts_expect_flow_and_weighted_deals_due():
    accounts = pd.DataFrame({"account_id": ["A", "B", "C"], "account_name": ["Ant", "Bee", "Cat"]})
    flow = Answer("5.2", pd.DataFrame({"account_id": ["A"], "amount": [30.0], "source": ["usual orders"]}))
    sales = pd.DataFrame({"account_id": ["A"], "sale_date": [DAY("2026-05-05")]})
    touched = pd.DataFrame({"account_id": ["B"], "activity_date": [DAY("2026-09-09")]})
    answer = moves.rank_accounts(
        accounts=accounts,
        flow=flow,
        deals=make_chances(),
        activities=touched,
        account_sales=sales,
        planned_steps={"A": "call"},
    )
    table = answer.table.set_index("account_name")
    assert table["expected_amount"].to_dict() == {"Ant": 50.0, "Bee": 40.0}  # the overdue deal counts nowhere
    assert table.loc["Ant", "next_step"] == "call" and table.loc["Bee", "next_step"] == "demo"
    assert table["last_touch_date"].tolist() == [DAY("2026-05-05"), DAY("2026-09-09")]


def test_moves_that_do_not_reach():
    rows = pd.DataFrame({"account_id": ["A"], "what": ["x"], "expected_amount": [10.0]})
    answer = moves.rank_moves(shortfall=100.0, moves={"open deal": rows, "save": None})
    assert answer.notes["enough"] is None and answer.notes["expected"] == 10
    assert moves.rank_moves(shortfall=1.0, moves={}).withheld
