"""What customers are worth, as people see it: plain words, the finding first, and silence where nothing is known."""

from datetime import date

import pandas as pd

from workbook_helpers.measure import Answer
from workbook_helpers.present import worth as show
from workbook_helpers.steps import worth

AS_OF = date(2026, 9, 30)
DAY = pd.Timestamp(AS_OF)
WITHHELD = Answer("1.9", withheld="it needs table orders")
#: Words of specialists: behind "see the math" only.
SPECIALIST = ("BG/NBD", "Gamma", "P(", "bootstrap", "posterior", "likelihood", "AUC")


def make_sales():
    days = [DAY - pd.Timedelta(days=d) for d in (300, 270, 240, 210)]
    rows = [(name, day, 25.0) for name in "ABCDEF" for day in days] + [("G", DAY, 5.0)]
    sales = pd.DataFrame(rows, columns=["account_id", "sale_date", "amount"])
    return sales.assign(account_name="<b>" + sales["account_id"])


def estimate(reason=""):
    law = {"r": 1.0, "alpha": 4.0, "a": 0.5, "b": 5.0, "p": 6.0, "q": 4.0, "gamma": 15.0}
    buying = pd.DataFrame([{"group": "established", "draw": k, **law, "customers_n": 90, "history_days": 900} for k in range(21)])
    check = pd.DataFrame({"reason": [reason] * 2, "tenth": [1, 2], "customers_n": 45, "expected_n": 40.0, "plain_n": 60.0, "actual_n": 50.0})
    check = check.assign(expected_amount=100.0, actual_amount=121.0, held_days=365.0, wins=0.2)
    ratio = pd.DataFrame({"basis": ["orders"], "ratio": [0.9]})
    return worth.estimate_worth(sales=make_sales(), accounts=None, contracts=None, buying=buying, check=check, retention=ratio, as_of=AS_OF)


def test_a_withheld_answer_has_no_table():
    assert show.table_at_risk(WITHHELD, "USD") is None


def test_a_withheld_answer_says_its_reason():
    assert show.say_worth(WITHHELD, "USD").text == "Not answered: it needs table orders."


def test_what_customers_will_bring_comes_with_its_doubt_and_its_check():
    answer = estimate()
    text = show.say_worth(answer, "USD").text
    assert text.startswith("Today's 6 customers are expected to bring ") and "four times in five" in text and "later year counts 10 % less" in text
    assert "80 purchases were expected, 100 came; half of what was missed in money is counted on (+10 %)." in text
    assert text.endswith("1 customer who bought only once is not in it.")
    assert not [word for word in SPECIALIST if word in text]
    html = show.say_worth(answer, "USD").html
    assert "&lt;b&gt;A" in html and "<b>" not in html


def test_where_no_law_holds_the_plain_rule_and_its_reason_are_said():
    answer = estimate("all purchases fall on 40 days")
    text = show.say_worth(answer, "USD").text
    assert ": as much as last year. Nobody's chance of leaving is given: all purchases fall on 40 days." in text


def test_a_customer_that_may_leave_comes_with_its_sign():
    saves = pd.DataFrame({
        "customer_id": ["A", "Z"], "account_name": ["A", "Z"], "sign": ["silent", "falling"], "at_stake_amount": [100.0, 60.0],
        "silence_days": [210.0, 5.0], "usual_gap_days": [30.0, 9.0], "revenue_amount": [50.0, 40.0], "earlier_amount": [0.0, 100.0],
    })  # fmt: skip
    html = show.table_at_risk(worth.rank_at_risk(worth=estimate().table, saves=saves), "USD").html
    assert "silent for 210 days; usually buys every 30" in html and "bought 60 % less than the year before" in html
    plain = show.table_at_risk(worth.rank_at_risk(worth=pd.DataFrame(), saves=saves), "USD").html
    assert "Chance" not in plain


def test_the_first_page_names_three_customers_in_four_columns():
    saves = pd.DataFrame({
        "customer_id": list("abcd"), "account_name": list("ABCD"), "accounts_n": 1, "sign": "silent", "silence_days": 90.0, "usual_gap_days": 20.0,
        "last_date": pd.Timestamp("2026-06-01"), "earlier_amount": 5.0, "revenue_amount": 1.0, "at_stake_amount": [4.0, 3.0, 2.0, 1.0],
    })  # fmt: skip
    html = show.table_saves(worth.rank_at_risk(worth=pd.DataFrame(), saves=saves), "USD").html
    assert html.count("<tr>") == 4 and html.count("<th ") == 4 and ">D</td>" not in html
