"""The public market of the United States, by the SELECT of docs/public_market.md, read where the files lie."""

from __future__ import annotations

import csv

import pytest
from conftest import ROOT, SHARED

from workbook_helpers.data import open_book
from workbook_helpers.data.store import STORE
from workbook_helpers.steps import market

FILES = SHARED / "datasets" / "us_market"
COMPANY = ROOT / "tests" / "companies" / "us_market"
PAGE = (ROOT / "docs" / "public_market.md").read_text(encoding="utf-8")


def test_the_page_shows_the_select_that_is_tested():
    settings = (COMPANY / "workbook.yml").read_text(encoding="utf-8")
    assert settings[settings.index("  market:\n") :] in PAGE
    accounts = PAGE[PAGE.index("LEFT JOIN (SELECT zip") :].split("```")[0]
    assert all(line.strip() in settings for line in accounts.strip().splitlines())


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    if not FILES.is_dir():
        pytest.skip("the public files of the United States are not here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(tmp_path_factory.mktemp("store")))
        yield open_book(COMPANY, "R1")


def read(name: str) -> list[dict[str, str]]:
    with (FILES / name).open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if not row["FIPS"].endswith("000")]


def test_sums_agree_with_the_files(book):
    people = {row["FIPS"]: int(row["POP_ESTIMATE_2018"].replace(",", "") or 0) for row in read("usda_county_population_2010_2018.csv")}
    jobs = {row["FIPS"]: row for row in read("usda_county_jobs.csv") if row["NumCivEmployed"] and row["FIPS"] in people}
    by_area = book.market.groupby("area")
    assert len(by_area) == len(jobs) and len(book.market) == 10 * len(jobs)
    assert by_area["population_n"].first().sum() == sum(people[fips] for fips in jobs)
    employed = sum(int(row["NumCivEmployed"]) for row in jobs.values())
    assert abs(book.market["employees_n"].sum() - employed) < 0.0001 * employed
    income = {row["FIPS"]: float(row["MedHHInc"]) for row in read("usda_county_income.csv") if row["FIPS"] == "24510"}
    assert by_area["income"].first()["Baltimore city, MD"] == income["24510"]


def test_each_account_lies_in_its_county_and_the_known_part_is_told_by_employees(book):
    accounts = book.scored_accounts
    assert accounts["market_area"].tolist() == ["Adams County, PA", "Baltimore city, MD", "Baltimore County, MD"]
    answer = market.summarise_market(market=book.market, accounts=accounts)
    assert answer.notes["counted"] == "employees" and 0 < answer["known_share"].value < 0.001
    assert answer["market_spend"].withheld == "it needs column spend of table market"
