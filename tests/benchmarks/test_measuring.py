"""What the benchmark measures with: the floor does the batch's work, the clock misses nobody, the page gets its figures."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

from workbook_helpers.batch import rep as batch
from workbook_helpers.batch.report import FACTS
from workbook_helpers.batch.tasks import Task
from workbook_helpers.data import prepare
from workbook_helpers.data.store import STORE

from .__main__ import _COMPANIES, write_figures
from .again import change_row
from .clock import run
from .company import write_company
from .contests import Place
from .figures import Figure, Section
from .floor import run_notebooks
from .loop import NOTEBOOKS
from .points import POINTS
from .watch import watch

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted on Linux only")


def test_the_floor_finds_the_facts_of_the_batch_and_draws_its_charts(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE, str(tmp_path / "store"))
    company = write_company(tmp_path / "made", reps=1, lines=120, accounts=12, deals=12, activities=20, leads=6)
    day = prepare(company).as_of.isoformat()
    task = Task(rep_id="R00001", as_of=day, company=str(company), notebooks=(), folder="", scratch="", store="")
    executed = {path.stem: batch.run_notebook(path, task) for path in NOTEBOOKS}
    floor = run_notebooks("R00001", company=str(company), as_of=day)
    bundles = [notebook["cells"][-1]["shown"][FACTS] for notebook in floor]
    found = {(fact["id"], str(fact["cut"])): fact for bundle in bundles for fact in bundle["facts"]}
    assert found == {(fact["id"], str(fact["cut"])): fact for fact in batch.collect_facts(executed)["facts"]}
    drawn = sum(kind.startswith("image/") for notebook in floor for cell in notebook["cells"] for kind in cell["shown"])
    shown = [output for notebook in executed.values() for cell in notebook.cells for output in cell.get("outputs", [])]
    assert drawn == sum(kind.startswith("image/") for output in shown for kind in output.get("data", {})) > 0


@on_linux
def test_the_clock_counts_a_process_whose_parent_ended_before_it(tmp_path):
    busy = "import os, time\nif not os.fork():\n    while time.process_time() < 0.3: pass\n    os._exit(0)\n"
    (tmp_path / "lonely.py").write_text(busy)
    assert run("lonely", PYTHONPATH=str(tmp_path)).cost.processor >= 0.3


@on_linux
def test_a_command_that_fails_gives_no_figure(tmp_path):
    (tmp_path / "broken.py").write_text("raise SystemExit('no such rep')")
    with pytest.raises(RuntimeError, match="no such rep"):
        run("broken", PYTHONPATH=str(tmp_path))


def test_one_row_of_the_rep_is_changed_and_nothing_else(tmp_path):
    (exports := tmp_path / "field_sales" / "exports").mkdir(parents=True)
    before = ["OrderNo,SalesRep,NetAmount", "1,R1,5.00", "2,R1,7.00", "3,R2,1.00", "Total,,13.00"]
    (exports / "order_lines.csv").write_text("\n".join(before) + "\n", encoding="utf-8")
    change_row(Place(exports.parent, tmp_path, "", (), (), {"rep_id": "R1"}))
    after = (exports / "order_lines.csv").read_text(encoding="utf-8").splitlines()
    assert after == [*before[:2], "2,R1,8.00", *before[3:]]


@on_linux
def test_a_run_is_looked_at_with_its_server_while_it_goes_on(tmp_path):
    (records := tmp_path / "records").mkdir()
    (tmp_path / "left over").touch()
    server = "[sys.executable, '-c', 'import time; time.sleep(1)']"
    (tmp_path / "watched.py").write_text(
        f"import pathlib, subprocess, sys\npathlib.Path({str(records / 'R1.json')!r}).touch()\nsubprocess.run({server})\n"
    )
    with watch(records, tmp_path) as looks:
        run("watched", PYTHONPATH=str(tmp_path))
    assert looks[-1].done == 1
    assert looks[-1].processes == 2
    assert looks[-1].server > 0
    assert looks[-1].temporary >= 4


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("slow", "×", [1.2, 1.6, 9], at_most=1.5), "not met"),
        (Figure("fair", "×", [1.2, 1.4, 9], at_most=1.5, aim=1.25), "met"),
        (Figure("fast", "×", [1, 13, 14], at_least=8, aim=12), "aim met"),
        (Figure("told", "s", [3]), ""),
    ],
)
def test_the_median_is_held_against_what_is_required(figure, verdict):
    assert figure.verdict == verdict


def test_figures_take_the_place_that_their_marks_keep_and_no_other():
    page = "a\n<!-- x -->\nlast week\n<!-- /x -->\n<!-- y -->\nkept\n<!-- /y -->\n"
    written = write_figures(page, [("x", Section("New", [Figure("told", "s", [3])]))], "2026")
    assert "last week" not in written
    assert "| told |" in written
    assert written.endswith("<!-- y -->\nkept\n<!-- /y -->\n")
    with pytest.raises(SystemExit, match="no place"):
        write_figures(page, [("z", Section("Lost", []))], "2026")


def test_the_page_on_speed_has_a_place_for_every_figure():
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    names = [f"{point} {company}" for point in [*POINTS, "again"] for company in _COMPANIES]
    for name in [*names, "growth 0", "growth 1", "growth 2"]:
        assert f"<!-- {name} -->" in page
        assert f"<!-- /{name} -->" in page
