"""What is read, what is set aside, and what the reader is told."""

import pytest
from conftest import deal, order, small_tables
from hypothesis import given, settings, strategies as st

from workbook_helpers.data import UnusableError, prepare


def problems(folder, severity="set_aside"):
    return [p for p in prepare(folder).problems if p.severity == severity]


def orders(folder):
    return prepare(folder).read("orders")


def with_order(company, **more):
    tables = small_tables()
    tables["orders"].append(order(99, **more))
    return company(tables)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("amount", "", "is empty"),
        ("amount", "12,34,5", "is not an amount"),
        ("amount", "1e5", "is not an amount"),
        ("amount", "n/a", "is not an amount"),
        ("order_date", "31/04/2026", "is not a day of the calendar"),
        ("order_date", "2026-02-30", "is not a day of the calendar"),
        ("order_date", "0206-05-01", "is not a day of the calendar"),
        ("account_id", "", "is empty"),
        ("order_id", "Grand Total", "is a row of totals"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside_with_file_row_column_value_and_reason(company, column, value, what):
    folder = with_order(company, **{column: value})
    (problem,) = problems(folder)
    assert (problem.file, problem.row, problem.column) == ("orders.csv", 21, column)
    assert (problem.value or "") == value
    assert problem.what.startswith(what)
    assert problem.fix
    assert "O099" not in set(orders(folder)["order_id"])


def test_all_failures_are_reported_together(company):
    tables = small_tables()
    tables["orders"] += [order(90, amount="x"), order(91, order_date="soon"), order(92, amount="", order_date="")]
    assert len(problems(company(tables))) == 4


def test_tables_that_cannot_be_used_are_all_named_at_once(company):
    tables = small_tables()
    tables["orders"] = [{"order_id": "1", "account_id": "A1"}]
    tables["accounts"] = [{"account_id": "A1"}]
    with pytest.raises(UnusableError) as error:
        prepare(company(tables))
    assert "order_date, amount" in str(error.value)
    assert "account_name" in str(error.value)


@pytest.mark.parametrize("text", ["00123", "NA", "null", "None", "1E5", "TRUE", "=1+1", "123456789012345678"])
def test_ids_stay_text_as_they_are_written(company, text):
    folder = with_order(company, account_id=text)
    assert text in set(orders(folder)["account_id"])


def test_blanks_and_invisible_characters_make_no_second_id(company):
    folder = with_order(company, account_id=" A1\u200b\u00a0", order_id="O 99")
    found = orders(folder)
    assert found.loc[found["order_id"] == "O 99", "account_id"].tolist() == ["A1"]


@pytest.mark.parametrize(("text", "value"), [("1,234.50", 1234.5), ("-12.5", -12.5), ("+7", 7.0), (".5", 0.5), ("1234567.89", 1234567.89)])
def test_amounts_are_read_as_people_write_them(company, text, value):
    found = orders(with_order(company, amount=text))
    assert found.loc[found["order_id"] == "O099", "amount"].tolist() == [value]


def test_a_decimal_comma_is_detected_where_it_is_certain(company):
    tables = small_tables()
    for row in tables["orders"]:
        row["amount"] = "1.234,50"
    assert set(orders(company(tables))["amount"]) == {1234.5}


def test_an_amount_that_reads_two_ways_is_asked_about(company):
    tables = small_tables()
    for row in tables["orders"]:
        row["amount"] = "1,234"
    with pytest.raises(UnusableError, match="decimal point or a decimal comma"):
        prepare(company(tables))
    assert set(orders(company(tables, decimal="."))["amount"]) == {1234.0}
    assert set(orders(company(tables, decimal=","))["amount"]) == {1.234}


def test_a_date_format_is_detected_where_it_is_certain_and_asked_for_where_not(company):
    tables = small_tables()
    for n, row in enumerate(tables["orders"]):
        row["order_date"] = f"{n % 12 + 1:02}/{n % 9 + 1:02}/2026"
    with pytest.raises(UnusableError, match="%d/%m/%Y or %m/%d/%Y"):
        prepare(company(tables))
    tables["orders"][0]["order_date"] = "03/25/2026"
    assert orders(company(tables))["order_date"].max().year == 2026


def test_a_time_of_day_does_not_disturb_a_date(company):
    found = orders(with_order(company, order_date="2026-05-01T23:59:00Z"))
    assert str(found.loc[found["order_id"] == "O099", "order_date"].item().date()) == "2026-05-01"


def test_the_same_row_twice_counts_once_and_contradicting_rows_are_all_set_aside(company):
    tables = small_tables()
    tables["opportunities"] += [deal(0), deal(1, amount="999.00")]
    folder = company(tables)
    found = prepare(folder).read("opportunities")["opportunity_id"].tolist()
    assert found.count("D000") == 1
    assert "D001" not in found
    assert sorted((p.value, p.what) for p in problems(folder)) == [
        ("D000", "stands here again; the first one counts"),
        ("D001", "names 2 rows that contradict each other"),
        ("D001", "names 2 rows that contradict each other"),
    ]


def test_a_bad_value_in_a_column_that_need_not_be_filled_keeps_the_row(company):
    tables = small_tables()
    tables["opportunities"].append(deal(50, probability="70"))
    folder = company(tables)
    assert "D050" in set(prepare(folder).read("opportunities")["opportunity_id"])
    assert [p.what for p in problems(folder, "finding") if p.column == "probability"] == ["is above 1"]


def test_a_closed_deal_without_a_close_date_is_set_aside(company):
    tables = small_tables()
    tables["opportunities"].append(deal(50, close_date=""))
    (problem,) = problems(company(tables))
    assert (problem.column, problem.value) == ("close_date", "D050")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=8))
def test_rows_used_and_rows_set_aside_are_all_the_rows_there_are(tmp_path_factory, cells):
    from conftest import write_company

    clean = [("".join(c for c in a if c.isprintable()), "".join(c for c in b if c.isprintable())) for a, b in cells]
    tables = small_tables()
    tables["orders"] += [order(100 + n, amount=a, order_date=b) for n, (a, b) in enumerate(clean)]
    folder = write_company(tmp_path_factory.mktemp("made"), tables, dates="%Y-%m-%d", decimal=".")
    aside = {p.row for p in problems(folder) if p.table == "orders"}
    assert len(orders(folder)) + len(aside) == len(tables["orders"])


def salesforce_ids(company, settings):
    """Accounts have ids of 18 characters, orders those of 15; two accounts differ only in capitals."""
    tables = small_tables()
    short = {"A1": "001D000000IqhSL", "A2": "001D000000Iqhsl", "A3": "001D000000AbCdE"}
    whole = {"A1": "001D000000IqhSLIAZ", "A2": "001D000000IqhslIAB", "A3": "001D000000AbCdEIAV"}
    for row in tables["accounts"]:
        row |= {"account_id": whole[row["account_id"]], "parent_account_id": whole.get(row["parent_account_id"], "")}
    for row in (*tables["orders"], *tables["opportunities"]):
        row["account_id"] = short[row["account_id"]]
    return company(tables, **settings)


def test_short_salesforce_ids_are_completed_in_every_id_column(company):
    prepared = prepare(salesforce_ids(company, {"ids": "salesforce"}))
    assert set(prepared.read("orders")["account_id"]) == {"001D000000IqhSLIAZ", "001D000000AbCdEIAV"}
    assert set(prepared.read("opportunities")["account_id"]) == {"001D000000IqhSLIAZ", "001D000000AbCdEIAV"}
    assert set(prepared.read("reps")["rep_id"]) == {"R1", "R2"}
    assert not [p for p in prepared.problems if p.column == "account_id"]


def test_ids_stay_as_they_are_where_no_setting_says_otherwise(company):
    assert "001D000000IqhSL" in set(prepare(salesforce_ids(company, {})).read("orders")["account_id"])


def test_a_salesforce_id_whose_ending_does_not_fit_is_a_finding_and_counts(company):
    folder = salesforce_ids(company, {"ids": "salesforce"})
    path = folder / "exports" / "accounts.csv"
    path.write_text(path.read_text().replace("001D000000AbCdEIAV", "001d000000abcdeIAV"))
    (problem,) = (p for p in problems(folder, "finding") if "last three characters" in p.what)
    assert (problem.row, problem.column, problem.value) == (4, "account_id", "001d000000abcdeIAV")
    assert "001d000000abcdeIAV" in set(prepare(folder).read("accounts")["account_id"])


def test_short_ids_that_differ_only_in_capitals_are_no_twins(company):
    tables = small_tables()
    for row, key in zip(tables["accounts"], ("001D000000IqhSL", "001D000000Iqhsl", "A3"), strict=True):
        row |= {"account_id": key, "parent_account_id": ""}
    tables["accounts"].append({"account_id": "a3", "account_name": "Lab Three", "rep_id": "R2"})
    twins = {p.value for p in problems(company(tables), "finding") if "looks like another id" in p.what}
    assert twins == {"A3", "a3"}


def test_a_quota_without_an_end_lasts_until_the_next_and_the_last_one_until_the_fiscal_year_ends(company):
    starts = ("2025-12-28", "2026-03-30", "2026-03-30", "2026-07-01")
    quotas = [{"rep_id": "R1", "period_start": day, "quota": str(n), "period_end": ""} for n, day in enumerate(starts)]
    quotas.append({"rep_id": "R2", "period_start": "2026-05-01", "quota": "9", "period_end": "2026-05-31"})
    tables = small_tables() | {"quotas": quotas[:2] + quotas[3:]}
    read = prepare(company(tables, fiscal_year_start="12-28")).read("quotas")
    assert read["period_end"].dt.date.map(str).tolist() == ["2026-03-29", "2026-06-30", "2026-12-27", "2026-05-31"]
    for row in tables["quotas"]:
        del row["period_end"]
    assert prepare(company(tables)).read("quotas")["period_end"].dt.date.map(str).tolist()[2:] == ["2026-12-31"] * 2
    doubled = company(tables | {"quotas": quotas[:4]})
    assert len(problems(doubled)) == 2 and "contradict" in problems(doubled)[0].what
