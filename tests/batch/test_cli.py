"""The commands: what they print, and the exit code that they end with."""

import subprocess
import sys
import time

import pytest
from small_company import SmallCompany

from workbook_helpers import __main__ as command, data
from workbook_helpers.batch import run
from workbook_helpers.data import UnusableError
from workbook_helpers.errors import Problem, SettingsError


@pytest.fixture
def workbook(monkeypatch, capfd):
    """Runs a command; gives its exit code, what it printed, and what it complained of."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbook", *map(str, arguments)])
        monkeypatch.setattr("signal.signal", lambda *given: None)
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code or 0, *capfd.readouterr()

    return call


@pytest.fixture
def company(tmp_path, monkeypatch):
    small = SmallCompany(tmp_path, "assert rep_id != 'R2'")
    monkeypatch.setattr(data, "prepare", small.prepare)
    monkeypatch.setattr(run, "NOTEBOOKS", small.notebooks)
    return small


def test_help_shows_a_real_example_and_loads_nothing_heavy(workbook):
    for arguments in (["--help"], ["run", "--help"], ["check", "--help"]):
        code, shown, _ = workbook(*arguments)
        assert code == 0 and "workbook " in shown and "data/samples/field_sales" in shown
    heavy = "{'pandas', 'matplotlib', 'papermill', 'IPython', 'duckdb'}"
    code = f"import sys, workbook_helpers.__main__; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_ends_with_the_place_of_the_index(workbook, company):
    code, shown, said = workbook("run", company.folder, "--out", company.out, "--rep", "R1", "--rep", "R3")
    assert (code, shown) == (0, f"2 of 2 reports are there, 0 of them unchanged. Index: {company.day / 'index.html'}\n")
    assert "2 of 2: " in said


def test_run_says_who_has_no_report_and_why_and_ends_with_3(workbook, company):
    code, shown, said = workbook("run", company.folder, "--out", company.out, "--jobs", 1)
    assert code == 3 and shown.startswith("2 of 3 reports are there")
    assert "R2: no report. 01_first, 1.5 Where does it fall?: a cell failed with AssertionError\n" in said


def test_run_says_how_many_rows_were_set_aside(workbook, company, monkeypatch):
    prepared = company.prepare(company.folder)
    prepared.view["set_aside"] = [["R1", "reps", 2, 0.0, "twins"], ["", "orders", 1, 5.0, "x"], ["R2", "orders", 3, 7.0, "y"]]
    monkeypatch.setattr(data, "prepare", lambda *given, **options: prepared)
    _, shown, _ = workbook("run", company.folder, "--out", company.out, "--rep", "R1")
    assert shown.splitlines()[-1] == f"Rows that were set aside: 2 of reps, 4 of orders. `workbook check {company.folder}` names them."


def test_check_begins_with_what_every_page_must_say(workbook, company, monkeypatch):
    prepared = company.prepare(company.folder)
    prepared.view["remarks"] = ["3 amounts in CAD have no rate."]
    monkeypatch.setattr(data, "prepare", lambda *given, **options: prepared)
    assert workbook("check", company.folder)[1] == "3 amounts in CAD have no rate.\nNo row is wrong.\n"


def test_out_is_reports_and_the_name_of_the_company_folder(workbook, company, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert workbook("run", "small", "--rep", "R1", "--as-of", "2026-03-31")[0] == 0
    assert (tmp_path / "reports/small/2026-03-31/manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rep", "R9"], "Nearest ids: R"),
        (["--as-of", "31.3.2026"], "not a day"),
        (["--jobs", "0"], "--jobs"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_a_wrong_command_is_one_clear_line_and_ends_with_2(workbook, company, arguments, told):
    code, _, said = workbook("run", company.folder, "--out", company.out, *arguments)
    assert code == 2 and told in said.splitlines()[-1] and "Traceback" not in said


def test_wrong_settings_end_with_2_and_a_full_disk_with_1(workbook, company, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    code, _, said = workbook("run", company.folder, "--out", tmp_path / "file/out")
    assert code == 1 and len(said.splitlines()) == 1

    def refuse(*given, **options):
        raise SettingsError("workbook.yml: no tables.\x1b[2J", do="Name them.")

    monkeypatch.setattr(data, "prepare", refuse)
    assert workbook("run", company.folder)[::2] == (2, "workbook.yml: no tables.\ufffd[2J Name them.\n")


def test_what_nobody_expected_is_one_line_that_says_where_the_details_are(workbook, company, monkeypatch):
    monkeypatch.setattr(run._Run, "make_reports", lambda *given, **options: {}["secret"])
    code, _, said = workbook("run", company.folder, "--out", company.out)
    assert code == 1
    assert said.splitlines()[1:] == [f"The run stopped: KeyError, which nobody expected. Details are in {company.day / 'run.log'}."]
    assert "secret" in (company.day / "run.log").read_text()


PROBLEMS = [
    Problem("finding", "orders", "o.csv", n, "amount", "=1", "the amount is text", "Write a number.")
    for n in range(2, 14)
]


def test_check_groups_problems_shows_ten_of_each_and_writes_them_all(workbook, company, monkeypatch):
    prepared = company.prepare(company.folder)
    prepared.problems = [
        *PROBLEMS,
        Problem("set_aside", "reps", "r.csv", 3, "rep_id", None, "the id is empty", "Fill it in."),
    ]
    monkeypatch.setattr(data, "prepare", lambda *given, **options: prepared)
    code, shown, _ = workbook("check", company.folder)
    lines = shown.splitlines()
    assert code == 0
    assert lines[:3] == [
        "orders",
        "  12 to mend: the amount is text. Write a number.",
        "    o.csv, row 2, column amount, value '=1'",
    ]
    assert lines[12] == f"    and 2 more, all in {company.folder / '.workbook/problems.csv'}"
    assert lines[13:15] == ["reps", "  1 set aside: the id is empty. Fill it in."]
    whole = (company.folder / ".workbook/problems.csv").read_text().splitlines()
    assert len(whole) == 14 and ",'=1," in whole[1]
    assert workbook("check", company.folder, "--strict")[0] == 2


def test_check_ends_with_2_when_a_table_cannot_be_used(workbook, company, monkeypatch, tmp_path):
    def refuse(*given, **options):
        raise UnusableError(
            [Problem("unusable", "orders", "o.csv", None, None, None, "it is empty", "Export it again.")]
        )

    monkeypatch.setattr(data, "prepare", refuse)
    code, shown, _ = workbook("check", company.folder, "--store", tmp_path / "store")
    assert code == 2 and "  1 table cannot be used: it is empty. Export it again." in shown
    assert (tmp_path / "store/problems.csv").is_file()


def test_check_of_sound_data_says_so(workbook, company):
    assert workbook("check", company.folder) == (0, "No row is wrong.\n", "")


def test_help_is_there_at_once():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "workbook_helpers", "--help"], check=True, capture_output=True)
    assert (
        time.perf_counter() - began < 2
    )  # half a second on an idle machine; what matters is that nothing heavy is loaded


def test_new_ends_with_0_when_it_runs_and_with_2_when_a_question_is_open(workbook, tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "orders.csv").write_text("Order No,Customer,Date,Net,Rep\n1,C1,2026-05-01,50,Ana\n")
    code, shown, _ = workbook("new", tmp_path / "sure", "--exports", exports)
    assert code == 0 and "It runs as it stands." in shown
    (exports / "orders.csv").write_text("Order No,Customer,Date,Net,Rep\n1,C1,03/04/2026,50,Ana\n")
    code, shown, _ = workbook("new", tmp_path / "open", "--exports", exports)
    assert code == 2 and "To be answered first" in shown and (tmp_path / "open" / "workbook.yml").is_file()
    assert workbook("new", tmp_path / "open", "--exports", exports)[0] == 2
