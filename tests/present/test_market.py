"""Chapter 3 as people see it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Period
from workbook_helpers.present import market as show, potential as show_potential
from workbook_helpers.steps import leads, market, potential, targets

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("3.1", withheld="it needs table market")
FUNCTIONS = [(module, name) for module in (show, show_potential) for name in dir(module) if getattr(module, name, None).__class__.__name__ == "function"
             and getattr(module, name).__module__ == module.__name__]  # fmt: skip


def make_accounts(**more):
    n = 8
    frame = pd.DataFrame({
        "account_id": [f"A{i}" for i in range(n)], "account_name": [f"Name {i}" for i in range(n)], "rep_id": "R1",
        "industry": ["X", "Y"] * 4, "region": "N", "status": ["customer"] * 5 + ["prospect"] * 3, "open_n": 0.0,
        "revenue_amount": [90.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 0.0], "last_touch_date": pd.NaT,
        "first_date": [DAY - pd.Timedelta(days=900)] * 4 + [DAY] + [pd.NaT] * 3,
    })  # fmt: skip
    frame = frame.astype({"last_touch_date": "datetime64[ns]"})
    return potential.score_potential(accounts=frame, peer_spend=None, peers=[], quantile=0.8, market=make_market()).assign(**more)


def make_market():
    return pd.DataFrame({"area": ["N"], "industry": ["X"], "establishments_n": [16.0], "employees_n": [np.nan], "population_n": [70_000.0],
                         "income": [51_000.0], "spend": [8e6]})  # fmt: skip


def call(module, name, answer):
    function = getattr(module, name)
    needed = function.__code__.co_varnames[: function.__code__.co_argcount]
    return function(answer, **{n: "USD" for n in needed if n == "currency"})


@pytest.mark.parametrize(("module", "name"), [f for f in FUNCTIONS if f[1].startswith("say_") and f[1] not in ("say_questions", "say_check")])
def test_a_withheld_answer_says_its_reason(module, name):
    assert call(module, name, WITHHELD).text == "Not answered: it needs table market."


@pytest.mark.parametrize(("module", "name"), [f for f in FUNCTIONS if f[1].startswith("table_")] + [(show, "say_check")])
def test_a_withheld_answer_shows_nothing(module, name):
    assert call(module, name, WITHHELD) is None


def test_white_space_is_said_in_money_with_the_range_of_the_ways():
    answer = potential.summarise_penetration(accounts=make_accounts())
    text = show_potential.say_penetration(answer, "USD").text
    assert text.startswith(f"{answer['white_space'].value:,.0f} USD a year of potential is not sold yet (by the different ways ")
    assert "62 % of the accounts are customers" in text
    html = show_potential.table_white_space(answer, "USD").html
    assert "all customers" in html and "–500,000" in html


def test_each_way_stands_with_the_one_that_is_used():
    answer = potential.summarise_ways(accounts=make_accounts(), ways=None)
    assert show_potential.say_ways(answer).text.startswith("Potential is told by comparable customers, because too few customers grew")
    ways = pd.DataFrame({"way": ["bottom_up", "top_down"], "tested_n": 40.0, "times": [2.0, 3.0], "chosen": [1.0, 0.0]})
    text = show_potential.say_ways(potential.summarise_ways(accounts=make_accounts(), ways=ways)).text
    assert "nearest to what 40 customers that grew have spent since, half of them within a factor of 2.0" in text
    assert "comparable customers (used)" in show_potential.table_ways(answer, "USD").html


def test_drivers_are_said_in_times_and_never_as_causes():
    table = pd.DataFrame({"cut": ["employees", "industry"], "label": ["", "X"], "customers_n": 40.0, "times": [1.4, 2.1], "low_times": [1.2, 1.6],
                          "high_times": [1.6, 2.8], "sure": True})  # fmt: skip
    answer = Answer("3.2", table, (potential.SPEND_FIT.measure(0.35),), {"customers_n": 40})
    said = show_potential.say_drivers(answer)
    assert said.text.startswith("Twice the employees go with 1.4 times (1.2–1.6) the spend; at the same size industry X goes with 2.1 times (1.6–2.8)")
    assert "not what causes it" in said.text and "causes " not in said.text.replace("not what causes it", "")
    assert "range-cell" in show_potential.table_drivers(answer).html
    none = Answer("3.2", table.assign(sure=False), answer.measures, {"customers_n": 40})
    assert "no trait is sure" in show_potential.say_drivers(none).text


def test_products_are_shaded_where_bought_and_promised_where_not():
    rows = [(f"A{i}", p, 64.0) for i in range(8) for p in ("Gloves", "<b>") if (i, p) != (7, "<b>")]
    sales = pd.DataFrame(rows, columns=["account_id", "product", "amount"]).assign(sale_date=DAY)
    missing = potential.summarise_missing_products(sales=sales, accounts=make_accounts(white_space_amount=99.0, status="customer"), period=Period.ending(AS_OF))
    shown = show_potential.table_missing_products(missing, "USD").html
    assert "shade-10" in shown and "+56" in shown and "<b>" not in shown
    assert "<b> to Name 7 (+56)" in show_potential.say_missing_products(missing, "USD").text
    space = potential.summarise_penetration(accounts=make_accounts())
    assert "(+56)" in show_potential.table_white_space(space, "USD", missing).html


def test_targets_are_explained_in_words():
    answer = targets.rank_targets(accounts=make_accounts(), best_traits=None, columns=["industry"])
    assert show.say_targets(answer).text.startswith("Open Name 6 first: X, 1.2 times as common among the best customers. No trait surely")
    html = show.table_targets(answer, "USD").html
    assert "X, 1.2 times as common" in html and "no trait sets it apart" in html
    assert show.say_check(answer).text.startswith("Whether such a ranking foretells who buys cannot be checked: fewer than 20")


@pytest.mark.parametrize(("found_n", "says"), [(30.0, ": the ranking helps."), (8.0, "not who will buy.")])
def test_a_ranking_that_foretold_no_more_than_chance_says_so(found_n, says):
    check = pd.DataFrame({"way": ["lift"], "prospects_n": 300.0, "began_n": 80.0, "top_n": 30.0, "found_n": found_n, "reps_n": 9.0, "chosen": 1.0})
    answer = targets.rank_targets(accounts=make_accounts(), best_traits=None, columns=["industry"], check=check)
    assert show.say_check(answer).text.endswith(says) and "chance would put 8 there" in show.say_check(answer).text


def test_sisters_are_named():
    accounts = make_accounts(ultimate_parent_id=["P", "b", "c", "d", "e", "f", "P", "P"])
    html = show.table_targets(targets.rank_targets(accounts=accounts, best_traits=None, columns=["industry"]), "USD").html
    assert "same parent as customer Name 0" in html and "2 accounts of one parent" in html


def test_the_market_and_its_size():
    answer = market.summarise_market(market=make_market(), accounts=make_accounts())
    text = show.say_market(answer, "USD").text
    assert text.startswith("The book knows 25 % of the establishments in its areas; they spend 8 million USD") and "70,000 people" in text
    assert "16" in show.table_market(answer, "USD").html
    size = market.summarise_size(accounts=make_accounts(), as_of=AS_OF, market=make_market(), smallest_employees=None)
    said, html = show.say_size(size, "USD").text, show.table_size(size, "USD").html
    assert said.startswith("Of the serviceable market of") and "8,000,000" in html
    assert "Serviceable, where five customers or more buy: area N" in html and "market.industries" in html


def make_leads():
    n = 12
    return pd.DataFrame({
        "lead_id": [f"L{i}" for i in range(n)], "rep_id": "R1", "account_id": None, "created_date": DAY - pd.Timedelta(days=99), "lead_source": "Web",
        "wants_it": "yes", "uses_it_well": ["yes"] * 6 + ["no"] * 6, "event_date": DAY, "converted_date": [DAY] * 3 + [pd.NaT] * 9,
    })  # fmt: skip


def test_qualified_leads_stand_beside_the_others():
    answer = leads.summarise_leads(leads=make_leads(), as_of=AS_OF)
    assert show.say_leads(answer, "USD").text == "6 of 12 leads old enough to have converted are qualified; 50 % of them converted, 0 % of the others."
    html = show.table_leads(answer, "USD").html
    assert "Web, not qualified" in html and "range-cell" in html and "Won a lead" not in html
    assert show.table_to_do(answer).text == "Open leads with a date to act by. (9 rows)"


def test_questions_are_three():
    answer = potential.summarise_penetration(accounts=make_accounts())
    ranked = targets.rank_targets(accounts=make_accounts(), best_traits=None, columns=["industry"])
    assert show.say_questions(answer, ranked).text.count("•") == 3 == show.say_questions(WITHHELD, WITHHELD).text.count("•")
