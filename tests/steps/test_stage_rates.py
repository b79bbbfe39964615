"""Step 1, stages: from today's stages where there is no history, and the open deals that stay too long."""

from datetime import date

import pandas as pd
import pytest

from workbook_helpers.steps import stage_rates

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
STAGES = ("Qualify", "Propose", "Close")
COMPANY = type("Settings", (), {"stages": STAGES})


def make_deals(stages, statuses, rep_id="R1"):
    n = len(stages)
    return pd.DataFrame({
        "opportunity_id": [f"{rep_id}-{i:03}" for i in range(n)], "rep_id": rep_id, "account_id": "A", "status": statuses, "stage": stages,
        "amount": [100.0 + i for i in range(n)], "created_date": DAY - pd.Timedelta(days=300), "close_date": DAY - pd.Timedelta(days=270),
    })  # fmt: skip


def read(deals, history=None, rates=None):
    return stage_rates.summarise_stage_conversion(opportunities=deals, stage_history=history, stages=STAGES, as_of=AS_OF, stage_rates=rates)


def test_without_history_a_deal_has_come_as_far_as_it_stands_and_the_answer_says_so():
    deals = make_deals(["Close"] * 5 + ["Propose"] * 3 + ["Qualify"] * 2, ["won"] * 4 + ["lost"] * 6)
    answer = read(deals)
    assert answer.table[["hits_n", "cases_n"]].values.tolist() == [[8, 10], [5, 8], [4, 5]] and answer.notes["assumed"]


@pytest.mark.parametrize("stages, why", [
    (["Close"] * 20 + ["Qualify"] * 30, "nine in ten lost deals stand in Qualify"),
    (["Close"] * 20 + ["Qualify"] * 15 + ["Propose"] * 15, "no lost deal stands in Close"),
    (["Won"] * 20 + ["Lost"] * 30, "the stages of lost deals are not those of the settings"),
])  # fmt: skip
def test_stages_that_give_the_outcome_away_answer_nothing_and_teach_nothing(stages, why):
    deals = make_deals(stages, ["won"] * 20 + ["lost"] * 30)
    assert read(deals).withheld == f"it needs table stage_history with entered_date: {why}"
    given = {"opportunities": deals, "stage_history": None, "as_of": AS_OF, "period": None, "company": COMPANY}
    team = stage_rates.summarise_stage_rates(**given)
    assert team.empty
    own = make_deals(["Close"] * 5 + ["Propose"] * 3 + ["Qualify"] * 2, ["won"] * 4 + ["lost"] * 6)
    assert "today's stages of the team's closed deals give the outcome away" in read(own, rates=team).withheld


def test_a_leak_is_beyond_chance_only_where_few_reps_would_show_it():
    others = [make_deals(["Close"] * 40 + ["Qualify"] * 10, ["won"] * 30 + ["lost"] * 20, f"R{n}") for n in range(2, 7)]
    few, many = (make_deals(["Close"] * k + ["Qualify"] * (50 - k), ["won"] * (k - 4) + ["lost"] * (54 - k)) for k in (38, 22))
    for own, seen in ((few, False), (many, True)):
        rates = stage_rates.summarise_stage_rates(
            opportunities=pd.concat([own, *others]), stage_history=None, as_of=AS_OF, period=None, company=COMPANY
        )
        answer = read(own, rates=rates)
        assert answer.notes["leak"] is not None and answer.notes["beyond_chance"] is seen


def test_a_deal_that_returns_to_its_stage_has_stayed_there_all_the_days_together():
    won = make_deals(["Close"] * 5, "won")
    entries = [(deal, stage, DAY - pd.Timedelta(days=300 - day)) for deal in won["opportunity_id"]
               for stage, day in (("Qualify", 0), ("Qualify", 10), ("Propose", 20), ("Close", 25))]  # fmt: skip
    mine = make_deals(["Qualify", "Qualify"], "open", "R2").assign(close_date=DAY + pd.Timedelta(days=30))
    entries += [("R2-000", "Qualify", DAY - pd.Timedelta(days=300)), ("R2-000", "Qualify", DAY - pd.Timedelta(days=5))]
    entries += [("R2-001", "Qualify", DAY - pd.Timedelta(days=19))]
    history = pd.DataFrame(entries, columns=["opportunity_id", "stage", "entered_date"])
    rates = stage_rates.summarise_stage_rates(opportunities=won, stage_history=history, as_of=AS_OF, period=None, company=COMPANY)
    assert rates["usual_days"].tolist() == [20, 5, 5] and rates["long_days"].tolist() == [20, 5, 5]
    answer = stage_rates.rank_ageing(opportunities=mine, stage_history=history, stage_rates=rates, as_of=AS_OF)
    assert answer.table[["opportunity_id", "stay_days"]].values.tolist() == [["R2-000", 300]]
    assert answer.notes == {"open_n": 2, "amount": 100.0, "by_stage": True}


def test_the_largest_deal_that_stays_too_long_stands_first():
    won = make_deals(["Close"] * 6, "won")
    mine = make_deals(["Qualify"] * 3, "open", "R2")
    answer = stage_rates.rank_ageing(opportunities=pd.concat([won, mine]), stage_history=None, stage_rates=None, as_of=AS_OF)
    assert answer.table["amount"].tolist() == [102, 101, 100] and not answer.notes["by_stage"]
    assert stage_rates.rank_ageing(opportunities=won, stage_history=None, stage_rates=None, as_of=AS_OF).withheld == "no deal is open"
