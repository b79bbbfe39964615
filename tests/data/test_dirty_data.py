"""What can be wrong in a company's folder or on the command line, and the line that the reader then gets."""

import csv
import io
import json
import sys
from datetime import date, timedelta

import pytest
from conftest import deal, order, small_tables

from workbook_helpers import __main__ as command
from workbook_helpers.batch.files import to_csv
from workbook_helpers.data import find_rep, prepare, store
from workbook_helpers.data.settings import WEIGHTS
from workbook_helpers.errors import RunError, UnknownRepError
from workbook_helpers.names import is_safe_name, safe_name
from workbook_helpers.steps.quality import COMPONENTS


@pytest.fixture
def workbook(monkeypatch, capfd):
    """Runs a command on a company's folder; gives its exit code and all that it printed, the folder called C."""

    def call(name, folder, *arguments):
        monkeypatch.setattr(sys, "argv", ["workbook", name, str(folder), *map(str, arguments)])
        monkeypatch.setattr("signal.signal", lambda *given: None)
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code or 0, "".join(capfd.readouterr()).replace(str(folder), "C")

    return call


def with_settings(folder, *lines, instead_of=None):
    """The same company with more lines in workbook.yml, or with these instead of one."""
    file = folder / "workbook.yml"
    written, added = file.read_text(), "\n".join(lines)
    file.write_text(written.replace(instead_of, added) if instead_of else f"{written}\n{added}\n")
    return folder


def header_only(folder, *names):
    for name in names:
        file = folder / "exports" / f"{name}.csv"
        file.write_text(file.read_text().splitlines()[0] + "\n")
    return folder


# ------------------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("weights: {potential: -1}", "weights.potential: must be 0 or more (found '-1')"),
        ("weights: {potential: .nan}", "weights.potential: must be a number (found '.nan')"),
        ("weights: {potential: nan}", "weights.potential: must be a finite number (found 'nan')"),
        ("weights: {potential: inf}", "weights.potential: must be a finite number (found 'inf')"),
        ("weights: {potential: 0, revenue: 0}", "weights: they add up to 0; give at least one component some weight"),
        ("weights: {potental: 1}", "weights: there is no component 'potental'; did you mean 'potential'?"),
        ("calls: {A: -2}", "calls.A: must be 0 or more (found '-2')"),
        ("calls: {A: nan}", "calls.A: must be a finite number (found 'nan')"),
        ("calls: {}", "calls: must name at least one"),
        ("seed: -1", "seed: must be 0 or more (found '-1')"),
        ("currency: ''", "currency: must not be empty"),
        ("currency:", "currency: must be a text"),
        ("company_target: {2026: -5}", "company_target.2026: must be 0 or more (found '-5')"),
        ("company_target: {26: 5}", "company_target.26: must be 1900 or more (found '26')"),
        ("road_factor: inf", "road_factor: must be 10 or less (found 'inf')"),
        ("road_factor: 0.5", "road_factor: must be 1 or more (found '0.5')"),
        ("speed_km_per_hour: inf", "speed_km_per_hour: must be 1000 or less (found 'inf')"),
        ("speed_km_per_hour: nan", "speed_km_per_hour: must be 1000 or less (found 'nan')"),
        ("hours_per_call: inf", "hours_per_call: must be 24 or less (found 'inf')"),
        ("goal_paths: 1000000000", "goal_paths: must be 1000000 or less (found '1000000000')"),
        ("goal_paths: many", "goal_paths: must be a whole number (found 'many')"),
        ("lapsed_after_days: 0", "lapsed_after_days: must be more than 0 (found '0')"),
        ("potential_quantile: 1", "potential_quantile: must be less than 1 (found '1')"),
        ('dates: "%Q"', "dates: say where day (%d), month (%m) and year (%Y) stand"),
        ('dates: "%m/%Y"', "dates: say where day (%d), month (%m) and year (%Y) stand"),
        ('dates: "%d/%m/%Y %H:%M"', "stand, without the time of day, for example"),
        ("decimal: ;", "decimal: must be '.' or ',' (found ';')"),
        ("quota_counts: profit", "quota_counts: must be 'bookings', 'revenue', 'margin', 'recurring' or 'units' (found 'profit')"),
        ("fiscal_year_start: 02-30", "fiscal_year_start: write month and day as MM-DD"),
        ("segments: [industry, Industry]", "segments: 'industry' stands twice or is empty"),
        ("outcomes: {won: [Won], lost: [won]}", "outcomes: 'won' cannot mean won and lost; keep it in one of the two"),
        ("curency: EUR", "there is no key 'curency'; did you mean 'currency'?"),
        ("seed: 1\nseed: 2", 'is not YAML (found duplicate key "seed"); keep one of the two'),
        ("x: &a [y, y]\nz: *a", "*a points elsewhere; write the value itself"),
        ("x: !!python/name:os.system y", "is a tag; leave it out"),
        ("x: " + "[" * 3000, "is nested too deeply; close the brackets"),
        ("- x: " * 3000, "is not YAML"),
        ("company: a\0b", "holds a character that YAML does not allow; delete it and type it anew"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line_with_its_place_and_what_is_allowed(company, workbook, line, said):
    code, shown = workbook("check", with_settings(company(), line))
    assert code == 2 and len(shown.splitlines()) == 1
    assert shown.startswith(f"C/workbook.yml line {14 + line.count(chr(10))}: ") and said in shown


def test_every_wrong_setting_is_named_at_once(company, workbook):
    code, shown = workbook("check", with_settings(company(), "seed: -1", "currency: ''", "peers: ['']"))
    assert code == 2
    assert sorted(line.split(": ")[0] for line in shown.splitlines()) == [f"C/workbook.yml line {n}" for n in (14, 15, 16)]


def test_another_form_of_the_file_is_refused(company, workbook):
    assert "workbook.yml line 1: format: must be 1 (found '2')" in workbook("check", company(format=2))[1]


def test_a_stage_listed_twice_is_refused(company, workbook):
    assert "'close' stands twice" in workbook("check", company(stages=["Qualify", "Close", "close"]))[1]


def test_credit_by_table_needs_the_table(company, workbook):
    code, shown = workbook("check", company(credit="table"))
    assert (code, shown) == (
        2,
        "C/workbook.yml: credit: table needs table `credits`; name its export under tables:, or write credit: own.\n",
    )


def test_the_components_that_settings_weigh_are_those_that_are_graded():
    assert set(WEIGHTS) == set(COMPONENTS)


@pytest.mark.parametrize("setting", ["segments", "peers"])
def test_a_column_that_accounts_do_not_have_is_refused_with_those_they_have(company, workbook, setting):
    code, shown = workbook("check", company(**{setting: ["industry", "sise"]}))
    assert code == 2
    assert f"`{setting}` names a column that accounts do not have; they have account_id, account_name" in shown
    assert f"workbook.yml, column {setting}, value 'sise'" in shown


def test_segments_may_name_a_column_of_deals_or_of_the_companys_own(company):
    tables = small_tables()
    tables["accounts"][0]["beds"] = "12"
    assert prepare(company(tables, segments=["beds", "competitor"]), teach=False)


def test_a_settings_file_in_another_encoding_is_said(company, workbook):
    folder = company()
    (folder / "workbook.yml").write_bytes("company: Müller\n".encode("cp1252"))
    assert workbook("check", folder)[1] == "C/workbook.yml: this is not UTF-8 text. Save it as UTF-8.\n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT account_id, account_id, account_name FROM accounts", "several columns the name 'account_id', 'account_id'. Give each its own"),
        ('SELECT *, 1 AS "Industry" FROM accounts', "several columns the name 'industry', 'Industry'. Give each its own"),
        ("SELECT account_id AS id FROM accounts", "there is no column for account_id, account_name. Found: id."),
        ("SELECT account_nmae FROM accounts", 'Referenced column "account_nmae" not found'),
        ("SELECT CAST(account_id AS INTEGER) AS account_id, account_name FROM accounts", "Could not convert string 'A1' to INT32"),
        ("", "give either `file:` or `select:`"),
    ],
)  # fmt: skip
def test_a_select_that_cannot_be_used_says_why(company, workbook, sql, said):
    folder = with_settings(company(), f"  accounts:\n    select: >-\n      {sql}", instead_of="  accounts: accounts.csv")
    code, shown = workbook("check", folder)
    assert code == 2 and said in shown and "Traceback" not in shown


def test_a_long_error_of_a_select_is_cut_to_one_line(company, workbook):
    sql = "SELECT account_id FROM " + " JOIN ".join(f"accounts_{'x' * 50}{n}" for n in range(50))
    folder = with_settings(company(), f"  accounts:\n    select: {sql}", instead_of="  accounts: accounts.csv")
    shown = workbook("check", folder)[1]
    assert len(shown) < 500 and len(shown.splitlines()) == 1


# ---------------------------------------------------------------------------------------------------- empty and stray rows


@pytest.mark.parametrize("names", [["reps"], ["orders", "opportunities"]])
def test_a_table_of_column_names_alone_that_is_needed_cannot_be_used(company, workbook, names):
    code, shown = workbook("check", header_only(company(), *names))
    assert code == 2
    for name in names:
        assert f"{name}\n  1 table cannot be used: holds no row that can be used. Export it with its rows." in shown


def test_a_table_of_column_names_alone_that_is_not_needed_is_said(company, workbook):
    code, shown = workbook("check", header_only(company(), "opportunities"))
    assert code == 0 and "opportunities\n  1 to mend: holds no row that can be used." in shown


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [("orders", order(99, order_date="2199-05-01"), "order_date"),
     ("opportunities", deal(99, close_date="2199-05-01"), "close_date"),
     ("opportunities", deal(99, created_date="2199-05-01", close_date="2199-06-01"), "created_date")],
)  # fmt: skip
def test_one_date_far_in_the_future_does_not_move_the_day_of_the_plan(company, workbook, table, row, column):
    tables = small_tables()
    tables[table].append(row)
    folder = company(tables)
    assert prepare(folder, teach=False).as_of.isoformat() == "2026-06-30"
    code, shown = workbook("check", folder)
    assert code == 0
    assert shown.startswith("Dates far after all others (up to 2199-0")
    assert "set aside: lies more than a year after everything else in the exports, which end on 2026-06-30. Mend the date." in shown
    key = next(iter(row.values()))
    assert f"{table}.csv, row {len(tables[table]) + 1}, {key}, column {column}, value '2199-0" in shown


def test_an_account_dated_far_in_the_future_stays_and_its_date_counts_as_missing(company):
    tables = small_tables()
    tables["accounts"][0]["created_date"] = "2199-05-01"
    prepared = prepare(company(tables), teach=False)
    assert "A1" in set(prepared.read("accounts")["account_id"])
    assert [p.severity for p in prepared.problems if p.column == "created_date"] == ["finding"]


def test_a_date_far_in_the_future_changes_nothing_on_an_earlier_day(company):
    tables = small_tables()
    tables["orders"].append(order(99, order_date="2199-05-01"))
    sound, stray = (prepare(company(t), as_of=date(2026, 5, 1), teach=False) for t in (small_tables(), tables))
    assert sound.view == stray.view


def test_many_rows_after_a_year_of_silence_are_no_slip(company):
    tables = small_tables()
    tables["orders"] += [order(n, order_date=f"2028-01-{n - 59:02}") for n in range(60, 70)]
    assert prepare(company(tables), teach=False).as_of.isoformat() == "2028-01-10"


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2025-01-09", "2027-07-02", "9999-12-31"])
def test_a_day_of_which_the_exports_say_nothing_is_refused(company, workbook, day):
    code, shown = workbook("run", company(), "--as-of", day)
    assert code == 2 and shown.startswith(f"The as-of date {day} is ")
    assert shown.endswith("They reach from 2025-01-10 to 2026-06-30. Name a day between 2025-01-10 and 2027-07-01.\n")


# --------------------------------------------------------------------------------------------- ids, twins and territories


def test_an_id_without_its_zeros_is_answered_with_the_one_it_looks_like(company, workbook):
    tables = json.loads(json.dumps(small_tables()).replace('"R1"', '"000412"'))
    code, shown = workbook("run", company(tables), "--rep", "412")
    assert code == 2 and "No rep '412' is known on 2026-06-30. It looks like 000412. Ids are text: keep zeros" in shown


def test_an_id_on_the_command_line_is_the_text_that_was_typed(company):
    tables = json.loads(json.dumps(small_tables()).replace('"R1"', '"00123"').replace('"R2"', '"NO"'))
    prepared = prepare(company(tables), teach=False)
    assert [find_rep(prepared, rep_id)["rep_id"] for rep_id in ("00123", "NO")] == ["00123", "NO"]
    for other in ("123", "False", "1e5", "None", "", "-rf", "../../x", "NO\x1b[2J"):
        with pytest.raises(UnknownRepError, match="No rep .* is known on 2026-06-30"):
            find_rep(prepared, other)


HOSTILE_IDS = ["../../x", "/etc/x", "CON", "con", "a:b", "-rf", "x" * 300, "Rep", "rep", "é", "e\u0301", "", ".", "nul.txt", "a\nb", "\ud800"]


def test_an_id_names_no_path_no_device_and_no_other_ids_file():
    names = [safe_name(text) for text in HOSTILE_IDS]
    assert len({name.lower() for name in names}) == len(HOSTILE_IDS)
    assert all(is_safe_name(name) and len(name) < 50 for name in names)


def test_letters_put_together_in_two_ways_make_one_id(company):
    tables = json.loads(json.dumps(small_tables()).replace('"R1"', '"Ren\\u00e9"'))
    tables["orders"].append(order(99, "Rene\u0301 "))
    orders = prepare(company(tables), teach=False).read("orders")
    assert orders.set_index("order_id").loc["O099", "rep_id"] == "Ren\u00e9"


def test_a_date_written_in_another_way_than_most_is_set_aside_and_shown(company, workbook):
    tables = small_tables()
    for row, day in zip(tables["orders"], ("25/03/2026", "03/25/2026", "26/03/2026"), strict=False):
        row["order_date"] = day
    code, shown = workbook("check", company(tables))
    assert code == 0 and "1 set aside: is not a day of the calendar written as %d/%m/%Y." in shown
    assert "orders.csv, row 3, O001, column order_date, value '03/25/2026'" in shown


def with_territories(company, *territories, **more):
    tables = small_tables()
    places = {"A1": ("Chile", "Lima"), "A2": ("Peru", "Lima"), "A3": ("Peru", "Cusco")}
    for account in tables["accounts"]:
        account["country"], account["city"] = places[account["account_id"]]
        account |= more
    tables["territories"] = [{"territory_id": i, "territory_name": n, "rep_id": r} for i, n, r in territories]
    return company(tables)


def found(folder, table):
    return [(p.key, p.column, p.what) for p in prepare(folder, teach=False).problems if p.table == table]


def test_an_empty_first_day_of_a_territory_means_always_and_an_unreadable_one_does_not(company):
    tables = small_tables()
    tables["territories"] = [
        {"territory_id": "T1", "territory_name": " North ", "rep_id": "R1", "valid_from": ""},
        {"territory_id": "T1", "territory_name": " North ", "rep_id": "R1", "valid_from": ""},
        {"territory_id": "T2", "territory_name": "South", "rep_id": "R2", "valid_from": "soon"},
    ]
    prepared = prepare(company(tables), teach=False)
    assert [rep["territory"] for rep in prepared.reps] == ["North", None]
    assert [p.what.split(" of ")[0] for p in prepared.problems if p.table == "territories"] == ["stands here again; the first one counts", "is not a day"]


def test_an_empty_first_day_of_an_ownership_means_always(company):
    tables = small_tables()
    tables["account_owners"] = [{"account_id": "A3", "rep_id": "R1", "valid_from": "", "valid_to": ""}]
    owned = prepare(company(tables), teach=False).read("accounts").set_index("account_id")["rep_id"]
    assert owned["A3"] == "R1"


def test_a_territory_name_that_stands_twice_is_named(company):
    what = "is the name of several territories with different ids"
    folder = with_territories(company, ("1", "Lima", "R1"), ("2", "lima", "R2"), ("3", "Cusco", "R2"))
    assert found(folder, "territories") == [("1", "territory_name", what), ("2", "territory_name", what)]


def test_accounts_in_a_country_without_any_territory_are_named_where_that_can_be_known(company):
    what = "lies in a country where no account lies in any territory"
    folder = with_territories(company, ("1", "Cusco", "R2"))
    assert found(folder, "accounts") == [("A1", "country", what)]
    assert not found(with_territories(company, ("1", "Nowhere", "R2")), "accounts")


def test_a_rep_who_sells_outside_the_own_territories_is_named(company):
    folder = with_territories(company, ("1", "Cusco", "R1"), ("2", "Lima", "R2"))
    what = "has territories in which none of the rep's accounts is known to lie"
    assert found(folder, "reps") == [("R1", "rep_id", what), ("R2", "rep_id", what)]


def test_an_account_that_names_an_unknown_territory_is_named(company):
    folder = with_territories(company, ("1", "Lima", "R1"), territory_id="9")
    assert len([p for p in found(folder, "accounts") if p[2] == "names a territory that is not in table territories"]) == 3


# ------------------------------------------------------------------------------------------------------ disk and output


@pytest.mark.parametrize("name", ["check", "run"])
def test_a_store_that_cannot_be_written_is_one_clear_line(company, workbook, tmp_path, name):
    (tmp_path / "file").touch()
    code, shown = workbook(name, company(), "--store", tmp_path / "file/store")
    assert code == 1 and len(shown.splitlines()) == 1
    assert shown.endswith("Not a directory. Free some space, see that you may write there, or name another folder with --store.\n")


def test_a_full_disk_under_the_store_is_one_clear_line(company, monkeypatch):
    def fill(*given, **more):
        raise OSError(28, "No space left on device", "/store/x.parquet")

    monkeypatch.setattr(store, "write_view", fill)
    with pytest.raises(RunError, match="/store/x.parquet: No space left on device. Free some space"):
        prepare(company())


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1+1", "\x0b=1", " =1", "\u200b=1", "\ufeff@x",
     "＝1+1", "＋1", "－1", "＠x", "﹦1", "\n＝1"],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    written = io.StringIO(to_csv(["x"], [[text]]).decode(), newline="")
    assert list(csv.reader(written))[1] == ["'" + text]


@pytest.mark.parametrize(("cell", "written"), [(-12.5, "-12.5"), (-3, "-3"), ("a=b", "a=b"), ("x-1", "x-1"), (None, '""')])
def test_numbers_and_plain_text_stay_as_they_are(cell, written):
    assert to_csv(["x"], [[cell]]).decode() == f"x\r\n{written}\r\n"


def test_an_error_of_several_lines_is_shown_in_several_lines(company, workbook, monkeypatch):
    tables = small_tables()
    tables["orders"] = [{"order_id": "1"}]
    tables["accounts"] = [{"account_id": "A1"}]
    code, shown = workbook("run", company(tables))
    assert code == 2 and len(shown.splitlines()) == 2 and "\ufffd" not in shown


# --------------------------------------------------------------------------------------------- the company's own calendar


def weeks_of(first_day, *weeks):
    """Fiscal periods of so many weeks, one after another."""
    rows = []
    for n, length in enumerate(weeks):
        last_day = first_day + timedelta(days=7 * length - 1)
        rows.append({"period": f"P{n}", "period_start": first_day.isoformat(), "period_end": last_day.isoformat()})
        first_day = last_day + timedelta(days=1)
    return rows


def with_periods(company, rows, **settings):
    tables = small_tables()
    tables["periods"] = rows
    return prepare(company(tables, **settings), teach=False)


def test_fiscal_year_quarter_and_month_follow_the_companys_periods(company):
    prepared = with_periods(company, weeks_of(date(2025, 12, 28), *(4, 4, 5) * 4))
    year = prepared.company.fiscal_year(prepared.as_of)
    assert (year.start, year.end) == (date(2025, 12, 28), date(2026, 12, 26))
    spans = year.spans(date(2026, 6, 28))
    assert str(spans["quarter"]) == "28 Jun 2026 to 26 Sep 2026"
    assert str(spans["month"]) == "28 Jun 2026 to 25 Jul 2026"
    assert prepared.company.plan_year(date(2025, 12, 30)) == prepared.company.plan_year(date(2026, 12, 26)) == 2026
    assert not [p for p in prepared.problems if p.table == "periods"]


def test_a_year_of_53_weeks_begins_and_ends_where_its_periods_say(company):
    prepared = with_periods(company, weeks_of(date(2026, 1, 4), 13, 13, 13, 14), fiscal_year_start="01-01")
    year = prepared.company.fiscal_year(date(2026, 6, 30))
    assert (year.start, year.end, year.days) == (date(2026, 1, 4), date(2027, 1, 9), 53 * 7)
    assert str(year.spans(date(2027, 1, 9))["quarter"]) == "4 Oct 2026 to 9 Jan 2027"


def test_without_periods_the_calendar_counts(company):
    year = prepare(company(), teach=False).company.fiscal_year(date(2026, 5, 15))
    assert [str(span) for span in year.spans(date(2026, 5, 15)).values()] == ["1 Apr 2026 to 30 Jun 2026", "1 May 2026 to 31 May 2026"]


def test_periods_that_do_not_hold_the_year_are_said_and_the_calendar_counts(company, workbook):
    tables = small_tables()
    tables["periods"] = weeks_of(date(2023, 12, 31), *(13,) * 4)
    folder = company(tables)
    shown = workbook("check", folder)[1]
    assert "periods.csv, column period_start, value '2026-01-01'" in shown
    assert "no period begins or ends near; the calendar counts instead. Add the periods of that year" in shown
    assert prepare(folder, teach=False).company.fiscal_year(date(2026, 6, 30)).start == date(2026, 1, 1)


def test_a_period_that_ends_before_it_begins_is_named(company):
    rows = [*weeks_of(date(2025, 12, 28), *(13,) * 4), {"period": "X", "period_start": "2026-03-05", "period_end": "2026-03-01"}]
    assert [p.what for p in with_periods(company, rows).problems if p.table == "periods"] == ["ends before it begins"]
