"""What chapter 1 says of segments, seasons and places: true for any numbers, and short where there are none."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workbook_helpers.measure import Answer, Period
from workbook_helpers.present import geography as places, segments
from workbook_helpers.steps import geography, product_mix, seasonality, segmentation

AS_OF = date(2026, 9, 30)
YEAR = Period.ending(AS_OF)
NOTHING = Answer("1.1", withheld="it needs table accounts")


def make_ranking(**more):
    row = {"cut": "industry", "labels_n": 3.0, "prospects_share": 1.0, "revenue_share": 0.21, "revenue_low": 0.1, "revenue_n": 300.0,
           "win_share": 0.01, "win_low": -0.01, "win_n": 200.0, "retention_share": None, "retention_low": None, "retention_n": 0.0,
           "told_share": 0.1, "refused": False}  # fmt: skip
    pair = row | {"cut": "employees_band, industry", "told_share": 0.2}
    return pd.DataFrame([pair, row | more])


def make_book(n=20):
    ids = [f"A{i:02}" for i in range(n)]
    return pd.DataFrame({
        "account_id": ids, "account_name": [f"<b>{i}</b>" for i in ids], "status": ["customer", "prospect"] * (n // 2), "industry": ["X", "X", "Y", "Y"] * (n // 4),
        "employees_band": [f"{i}" for i in range(n)], "revenue_amount": [50.0, 0.0] * (n // 2), "city": ["Ulm", "Bonn"] * (n // 2),
        "latitude": np.linspace(50, 51, n), "longitude": 10.0, "last_touch_date": pd.NaT, "buying": ["often, recent", None, "seldom, silent", None] * (n // 4),
        "usual_gap_days": np.nan, "last_date": pd.Timestamp("2025-11-05"),
    })  # fmt: skip


def choose(ranking, wanted=""):
    answer = segmentation.choose_segmentation(accounts=make_book(), segmentations=ranking, columns=["industry"], wanted=wanted)
    return segments.say_segmentation(answer).text


def test_it_says_what_divides_best_what_that_tells_and_what_would_tell_more():
    text = choose(make_ranking())
    assert text.startswith("Industry divides this business best: it tells 21 % of how much customers")
    assert "won" not in text and "Employees with industry would tell more" in text


def test_it_says_when_nothing_tells_and_when_nobody_taught():
    assert "none that fits this book tells more than chance" in choose(make_ranking(told_share=0.0, revenue_low=-0.1).tail(1))
    assert "teams of five or more" in choose(None)
    assert choose(None, "city").startswith("Divided by city, as asked")


def test_the_table_of_segments_holds_ten_rows_at_most_and_escapes_what_it_shows():
    book = make_book(40).assign(industry=[f"<i>{i}</i>" for i in range(20)] * 2)
    answer = segmentation.summarise_segments(accounts=book, columns=["industry", "buying"])
    html = str(segments.table_segments(answer, "USD", "industry").html)
    assert html.count("<tr>") == 11 and "<i>0" not in html and "Buys often, bought recently" in html and "The 8 largest of 20" in html


@pytest.mark.parametrize("say", [
    segments.say_segmentation, segments.say_segments, segments.say_mix, segments.say_next_products, segments.say_season, places.say_places,
    lambda answer: places.say_verticals(answer, "USD"),
])  # fmt: skip
def test_what_is_withheld_gives_its_reason(say):
    assert say(NOTHING).text == "Not answered: it needs table accounts."


@pytest.mark.parametrize("show", [
    segments.table_segments, segments.table_mix, places.table_reach, places.table_places, places.table_verticals, places.chart_map,
    segments.say_season_buyers, lambda answer, _: segments.table_season(answer), lambda answer, _: places.say_reach(answer),
])  # fmt: skip
def test_what_is_withheld_shows_no_empty_table(show):
    assert show(NOTHING, "USD") is None


def test_the_mix_names_the_surest_difference_or_says_that_there_is_none():
    book = make_book().assign(status="customer")
    sales = pd.DataFrame({"account_id": book["account_id"], "product": np.where(book["industry"] == "X", "P", "Q"), "amount": 1.0,
                          "sale_date": pd.Timestamp("2026-05-05")})  # fmt: skip
    apart = product_mix.summarise_mix(sales=sales, accounts=book, column="industry", period=YEAR)
    assert segments.say_mix(apart).text == "Industry X buys P, and none of the others does: 10 of its 10 customers."
    alike = product_mix.summarise_mix(sales=sales.assign(product="P"), accounts=book, column="industry", period=YEAR)
    assert "buy much the same" in segments.say_mix(alike).text and "none differs" in segments.table_mix(alike, "USD").text


def test_the_season_says_the_teams_months_with_their_range():
    sales = pd.DataFrame([(f"A{i}", day, 200.0 if day.month == 12 else 100.0) for i in range(9)
                          for day in pd.date_range("2023-10-02", AS_OF, freq="W")], columns=["account_id", "sale_date", "amount"])  # fmt: skip
    cuts = seasonality.learn_season_cuts(sales=sales.assign(product=None), company=type("C", (), {"segments": ()}), as_of=AS_OF)
    answer = seasonality.summarise_season(sales=sales, as_of=AS_OF, season_cuts=cuts)
    text = segments.say_season(answer).text
    assert "most in December" in text and "range" in text and "2 years stand beside it" in text
    assert str(segments.table_season(answer).html).count("<tr>") == 3


def test_seasonal_buyers_are_named_with_month_and_amount():
    sales = pd.DataFrame({"account_id": "A00", "sale_date": pd.to_datetime(["2023-12-01", "2024-12-01", "2025-12-01"]), "amount": 40.0})
    answer = seasonality.rank_season_buyers(sales=sales, accounts=make_book(), as_of=AS_OF)
    text = segments.say_season_buyers(answer, "USD").text
    assert text == "1 customer usually buys from October to December and has not yet, for 40 USD in all: <b>A00</b> (December, 40 USD)."
    assert "<b>" not in str(segments.say_season_buyers(answer, "USD").html)


def test_the_map_draws_and_says_what_it_shows():
    answer = geography.summarise_reach(accounts=make_book(), home=(50.5, 10.0))
    drawn = places.chart_map(answer, "USD")
    shown, about = drawn._repr_mimebundle_()
    assert shown["image/png"] and "10 customers and 10 prospects" in about["image/png"]["alt"]
    assert "within 50 km of home" in places.say_reach(answer).text and "From home" in str(places.table_reach(answer, "USD").html)


def test_far_apart_customers_without_a_home_are_shown_by_place_alone():
    answer = geography.summarise_reach(accounts=make_book().assign(latitude=np.linspace(-60, 60, 20)))
    assert places.say_reach(answer) is None and places.table_reach(answer, "USD") is None and places.chart_map(answer, "USD") is not None


def test_worth_is_said_as_a_range_with_names():
    compared = pd.DataFrame({"cut": "industry", "label": ["X", "Y"], "cases_n": 20.0, "won_weight": [8.0, 2.0], "lost_weight": [12.0, 18.0]})
    answer = geography.summarise_verticals(accounts=make_book(), compared=compared, column="industry", as_of=AS_OF)
    text = places.say_verticals(answer, "USD").text
    assert text.startswith("Industry X: 40 % of deals won and 5 prospects that nobody touched for a year") and "First:" in text
    without = geography.summarise_verticals(accounts=make_book(), compared=pd.DataFrame(), column="industry", as_of=AS_OF)
    assert "not estimated" in places.say_verticals(without, "USD").text and "Could be worth" not in str(places.table_verticals(without, "USD").html)
