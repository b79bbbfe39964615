"""The six chapters, found by glob, run for every kind of rep and company, and leave nothing on the page that does not belong there."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import papermill
import pytest
from conftest import ROOT, SHARED, small_tables, write_company

from workbook_helpers.batch import rep as batch, report
from workbook_helpers.batch.tasks import Task
from workbook_helpers.data import prepare
from workbook_helpers.data.store import STORE

CHAPTERS = sorted((ROOT / "notebooks").glob("0[1-9]*.ipynb"))
FIELD = ROOT / "data" / "samples" / "field_sales"
REGIONAL = ROOT / "tests" / "companies" / "regional_sales"


def only(*names: str) -> dict:
    return {name: rows for name, rows in small_tables().items() if name in names}


def open_company(kind: str, place: Path) -> Path:
    if kind == "field_sales":
        return FIELD
    if kind == "regional_sales":
        if not (SHARED / "datasets" / "ms_regional_sales").is_dir():
            pytest.skip("the public data set Regional Sales is not here")
        return REGIONAL
    return write_company(place / kind, only("reps", "accounts", *kind.split("_")[1:]) if "bare" not in kind else only("reps", kind.split("_")[-1]))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One store for all runs here, outside the companies' folders."""
    place = tmp_path_factory.mktemp("stores")
    before = os.environ.get(STORE)
    yield place
    os.environ.pop(STORE, None) if before is None else os.environ.update({STORE: before})


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("company", "rep_id", "as_of"),
    [
        pytest.param("field_sales", "R03", None, id="an ordinary rep"),
        pytest.param("field_sales", "R24", None, id="a rep hired last week"),
        pytest.param("field_sales", "R18", None, id="a rep with no deals"),
        pytest.param("field_sales", "R20", None, id="a leaver"),
        pytest.param("field_sales", "R12", None, id="a rep whose role has fewer than five"),
        pytest.param("field_sales", "H1", None, id="house accounts"),
        pytest.param("regional_sales", "4", None, id="real deals, no goal"),
        pytest.param("regional_sales", "15", None, id="a rep of a real company with nothing"),
        pytest.param("regional_sales", "4", "2021-03-31", id="a day that cannot be rebuilt"),
        pytest.param("with_orders", "R1", None, id="only orders"),
        pytest.param("with_opportunities", "R1", None, id="only opportunities"),
        pytest.param("bare_orders", "R1", None, id="only orders, no accounts"),
        pytest.param("bare_opportunities", "R2", None, id="only opportunities, no accounts"),
    ],
)
def test_every_chapter_runs_and_leaves_nothing_raw_on_the_page(company, rep_id, as_of, tmp_path, store):
    folder = open_company(company, tmp_path)
    os.environ[STORE] = str(store / company)
    day = prepare(folder, as_of=date.fromisoformat(as_of) if as_of else None).as_of.isoformat()
    task = Task(rep_id=rep_id, company=str(folder), as_of=day, notebooks=tuple(map(str, CHAPTERS)), folder="", scratch="", store="")
    executed = {path.stem: batch.run_notebook(path, task) for path in CHAPTERS}
    assert report.find_defects(executed) == []
    found = batch.collect_facts(executed)
    page = report.render_report(header=found["header"], notebooks=executed, facts=found["facts"])
    assert len(page) < 2_000_000
    for item in ("front-headline", "front-ladder", "front-landing", "front-pace", "front-levers", "front-accounts", "front-deals",
                 "front-save", "front-open", "front-actions", "front-behaviours"):  # fmt: skip
        assert f'id="{item}"' in page


def test_a_plain_kernel_finds_the_same_facts_as_the_batch(tmp_path, store, monkeypatch):
    """Chapters share rows and answers in the batch's process; a kernel of its own for each must find the same."""
    monkeypatch.setenv(STORE, str(store / "field_sales"))
    day = prepare(FIELD).as_of.isoformat()
    task = Task(rep_id="R03", company=str(FIELD), as_of=day, notebooks=tuple(map(str, CHAPTERS)), folder="", scratch="", store="")
    parameters = {"company": str(FIELD), "rep_id": "R03", "as_of": day}
    ours = {path.stem: batch.run_notebook(path, task) for path in CHAPTERS}
    theirs = {path.stem: papermill.execute_notebook(path, None, parameters, progress_bar=False, cwd=tmp_path) for path in CHAPTERS}
    assert batch.collect_facts(ours) == batch.collect_facts(theirs)


def test_the_template_runs_from_top_to_bottom():
    """nbval in its lax form proves that the template runs, not what it says."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", "--rootdir", str(ROOT / "notebooks"), "-c", os.devnull]
    done = subprocess.run([*command, str(ROOT / "notebooks" / "_template.ipynb")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
