"""What a team teaches, and to whom."""

import pandas as pd
from conftest import order

from workbook_helpers.data import prepare
from workbook_helpers.data.team import STEPS, open_team_figures


def make_tables(reps_n):
    reps = [{"rep_id": f"R{n}", "rep_name": f"Rep {n}", "role": "farmer"} for n in range(reps_n)]
    reps.append({"rep_id": "M1", "rep_name": "Mona", "role": "manager"})
    days = pd.date_range("2024-01-05", "2026-06-30", freq="MS").strftime("%Y-%m-%d")
    orders = [order(n, rep["rep_id"], account_id=f"A{rep['rep_id']}", order_date=day) for n, day in enumerate(days) for rep in reps]
    accounts = [{"account_id": f"A{rep['rep_id']}", "account_name": "X", "rep_id": rep["rep_id"]} for rep in reps]
    return {"reps": reps, "accounts": accounts, "orders": orders}


def test_a_manager_who_sells_sees_the_calendar_of_all_reps_and_is_compared_with_nobody(company):
    team = open_team_figures(prepare(company(make_tables(5), quota_counts="revenue")), "manager")
    assert len(team.tables["season"]) == 12 and "territories" not in team.tables and not team.values


def test_a_company_of_few_reps_teaches_nothing(company):
    team = open_team_figures(prepare(company(make_tables(3), quota_counts="revenue")), "manager")
    assert not team.tables


def test_what_the_team_could_not_learn_is_a_missing_number(company):
    tables = make_tables(5)
    tables["orders"] = [row for row in tables["orders"] if row["order_date"] >= "2026-01-01"]
    team = open_team_figures(prepare(company(tables, quota_counts="revenue")), "farmer")
    assert team.tables["retention"]["ratio"].isna().all() and team.tables["retention"]["ratio"].dtype == float


def test_no_two_steps_teach_under_one_name():
    names = [name for step in STEPS for name in getattr(step, "LEARNED", {})]
    assert sorted(names) == sorted(set(names))
