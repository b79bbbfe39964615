"""Nothing twice, nothing half."""

import os
import random
import time
from datetime import date

import pytest
from conftest import SHARED, order, small_tables, write_company

from workbook_helpers.data import UnusableError, build, prepare, store
from workbook_helpers.errors import RunError, SettingsError


def test_unchanged_inputs_are_not_read_twice(company, monkeypatch):
    folder = company()
    first = prepare(folder)
    monkeypatch.setattr(store, "_sha256", lambda path: pytest.fail("read again"))
    monkeypatch.setattr(store, "write_view", lambda *a, **k: pytest.fail("built again"))
    monkeypatch.setattr(store, "read_problems", lambda folder: pytest.fail("problems of all reps read"))
    assert prepare(folder).fingerprint == first.fingerprint


def test_a_failure_leaves_no_half_snapshot(company, monkeypatch):
    folder = company()

    def fail(*args):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(build, "_describe_reps", fail)
        with pytest.raises(RunError, match="no space"):
            prepare(folder)
    assert not list((folder / ".workbook").rglob("view.json"))
    assert not list((folder / ".workbook").rglob(".2026*"))
    assert prepare(folder).reps


def test_the_order_of_rows_changes_nothing(company):
    tables = small_tables()
    shuffled = {name: random.Random(3).sample(rows, len(rows)) for name, rows in tables.items()}
    a, b = prepare(company(tables)), prepare(company(shuffled))
    assert a.rep_fingerprints == b.rep_fingerprints
    assert a.team == b.team
    assert a.read("orders").equals(b.read("orders"))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "fails"),
        ("SELECT * FROM '/etc/passwd'", "fails"),
        ("COPY reps TO '/tmp/x.csv'", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("SELECT * FROM nowhere", "fails"),
        ("ATTACH '/tmp/x.db'", "one SELECT"),
    ],
)
def test_a_select_reaches_nothing_but_the_exports(company, sql, said):
    folder = company(tables={**small_tables()})
    text = (folder / "workbook.yml").read_text().replace("accounts: accounts.csv", f'accounts: {{select: "{sql}"}}')
    (folder / "workbook.yml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        prepare(folder)


def test_a_select_keeps_file_and_row_for_its_messages(company):
    tables = small_tables()
    tables["accounts"].append({"account_id": "", "account_name": "Lost", "rep_id": "R1"})
    folder = company(tables)
    text = (folder / "workbook.yml").read_text()
    text = text.replace("accounts: accounts.csv", "accounts: {select: 'SELECT *, _file, _row FROM accounts'}")
    (folder / "workbook.yml").write_text(text)
    (problem,) = (p for p in prepare(folder).problems if p.severity == "set_aside")
    assert (problem.file, problem.row, problem.column) == ("accounts.csv", 5, "account_id")


def split_deals(company, **columns):
    """A company whose deals stand in two files; columns: what the second one calls them."""
    tables = small_tables()
    deals = tables.pop("opportunities")
    tables["deals_2025"] = deals[:6]
    tables["deals_2026"] = [{columns.get(c, c): v for c, v in row.items()} for row in reversed(deals[6:])]
    folder = company(tables)
    text = (folder / "workbook.yml").read_text()
    lines = [line for line in text.splitlines() if "deals_20" not in line]
    (folder / "workbook.yml").write_text("\n".join([*lines, "  opportunities: {file: deals_*.csv}"]))
    return folder


def test_a_table_in_several_files_is_the_same_table(company):
    split, whole = prepare(split_deals(company)), prepare(company())
    assert split.rep_fingerprints == whole.rep_fingerprints


def test_a_table_in_several_files_keeps_file_and_row(company):
    folder = split_deals(company)
    path = folder / "exports" / "deals_2026.csv"
    path.write_text(path.read_text().replace("100.00", "a hundred", 1))
    problem = next(p for p in prepare(folder).problems if p.value == "a hundred")
    assert (problem.file, problem.row) == ("deals_2026.csv", 2)


def test_a_new_file_that_fits_the_pattern_is_read(company):
    folder = split_deals(company)
    prepare(folder)
    exports = folder / "exports"
    text = (exports / "deals_2026.csv").read_text().replace("D0", "E0")
    (exports / "deals_2027.csv").write_text(text)
    assert prepare(folder).read("opportunities")["opportunity_id"].str.startswith("E0").sum() == 8


def test_files_may_be_listed(company):
    folder = split_deals(company)
    text = (folder / "workbook.yml").read_text().replace("deals_*.csv", "[deals_2025.csv, deals_2026.csv]")
    (folder / "workbook.yml").write_text(text)
    assert len(prepare(folder).read("opportunities")) == 14


def test_a_column_that_one_of_several_files_lacks_is_an_error_naming_that_file(company):
    folder = split_deals(company, amount="value")
    with pytest.raises(UnusableError, match=r"deals_2026\.csv has no column 'amount'"):
        prepare(folder)


def test_a_pattern_that_no_file_fits_is_an_error(company):
    folder = split_deals(company)
    text = (folder / "workbook.yml").read_text().replace("deals_*.csv", "leads_*.csv")
    (folder / "workbook.yml").write_text(text)
    with pytest.raises(UnusableError, match=r"there is no export leads_\*\.csv"):
        prepare(folder)


def test_a_select_reads_a_file_whose_name_holds_blanks(company):
    folder = company()
    (folder / "exports" / "accounts.csv").rename(folder / "exports" / "Accounts of 2026.csv")
    text = (folder / "workbook.yml").read_text()
    text = text.replace("accounts: accounts.csv", """accounts: {select: 'SELECT * FROM "Accounts of 2026"'}""")
    (folder / "workbook.yml").write_text(text)
    assert len(prepare(folder).read("accounts")) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("curency: EUR", "did you mean 'currency'"),
        ("quota_counts: profit", "quota_counts"),
        ("fiscal_year_start: April", "MM-DD"),
        ("stages: [a", "not YAML"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(company, line, said):
    folder = company()
    (folder / "workbook.yml").write_text((folder / "workbook.yml").read_text() + f"\n{line}\n")
    with pytest.raises(SettingsError, match=said):
        prepare(folder)


def test_published_totals_of_regional_sales_are_met(tmp_path):
    if not (SHARED / "datasets" / "ms_regional_sales").is_dir():
        pytest.skip("the public data set Regional Sales is not here")
    from conftest import ROOT

    prepared = prepare(ROOT / "tests" / "companies" / "regional_sales", store=tmp_path)
    deals = prepared.read("opportunities")
    assert deals["status"].value_counts().to_dict() == {"lost": 7385, "won": 7282, "open": 5333}
    assert deals["rep_id"].nunique() == 19
    assert len(prepared.reps) == 20


def age(*folders, days=8):
    """As if they had last been used so many days ago."""
    for folder in folders:
        os.utime(folder, (time.time() - days * 24 * 3600,) * 2)


def test_what_no_day_names_goes_a_week_after_its_last_use(company):
    folder = company()
    before, earlier = prepare(folder, teach=False), prepare(folder, as_of=date(2026, 5, 15), teach=False)
    (folder / "workbook.yml").write_text((folder / "workbook.yml").read_text() + "\nseed: 8\n")
    killed = before.folder.parent / ".checked-killed"
    not_ours = folder / ".workbook" / "notes" / "of last year"
    for made in (killed, not_ours):
        made.mkdir(parents=True)
    age(before.folder, before.folder.parent / "checked", killed, not_ours)
    after = prepare(folder, teach=False)
    assert not_ours.is_dir()
    assert after.folder.is_dir() and not before.folder.exists() and not killed.exists() and not (before.folder.parent / "checked").exists()
    assert earlier.folder.is_dir()  # used less than a week ago


def test_what_is_used_stays_however_old_it_is(company):
    folder = company()
    used = prepare(folder, teach=False)
    age(used.folder, used.folder.parent / "checked")
    prepare(folder, teach=False)
    prepare(folder, as_of=date(2026, 5, 15), teach=False)
    assert used.folder.is_dir() and prepare(folder, teach=False).read("orders").equals(used.read("orders"))


def test_an_import_that_a_day_names_stays_however_old_it_is(company):
    folder = company()
    first = prepare(folder, teach=False).folder.parent / "checked"
    tables = small_tables()
    tables["orders"].append(order(99, order_date="2026-07-31"))
    write_company(folder, tables)
    age(first)
    assert prepare(folder, teach=False).as_of == date(2026, 7, 31) and first.is_dir()
