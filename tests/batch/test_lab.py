"""JupyterLab on a company: what is copied, what is told to the kernels, and a server that really hands the notebook out."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import pytest
from conftest import ROOT
from small_company import make_notebook

from workbook_helpers.batch.lab import FIRST, copy_notebooks, lab_command, prepare_lab
from workbook_helpers.data import open_book
from workbook_helpers.data.choice import AS_OF, COMPANY, REP, SAMPLE
from workbook_helpers.errors import InputDataError, SettingsError, UnknownRepError

NAME = "01_first.ipynb"


@pytest.fixture
def product(tmp_path):
    """A folder of notebooks that can be changed, and the folder that they are copied into."""
    write(tmp_path / "product", "1")
    (tmp_path / "product/_template.ipynb").write_text("{}")
    return tmp_path / "product", tmp_path / "copies"


def write(folder, *sources, name=NAME):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(make_notebook(*sources)))


def code(folder):
    return json.loads((folder / NAME).read_text())["cells"][2]["source"]


def test_notebooks_are_copied_once_and_the_template_is_not(product):
    source, target = product
    (source / "plans").mkdir()
    write(source / "plans", "2", name="account_plan.ipynb")
    assert copy_notebooks(source, target) == []
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*.ipynb")) == [NAME, "plans/account_plan.ipynb"]


def test_an_unedited_copy_follows_the_product_also_when_it_has_outputs(product):
    source, target = product
    copy_notebooks(source, target)
    ran = json.loads((target / NAME).read_text())
    ran["cells"][2] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}], "execution_count": 7}
    (target / NAME).write_text(json.dumps(ran))
    assert copy_notebooks(source, target) == []
    assert json.loads((target / NAME).read_text()) == ran  # nothing new: its outputs stay
    write(source, "2")
    assert copy_notebooks(source, target) == []
    assert code(target) == "2"


@pytest.mark.parametrize("edit", [lambda path: write(path.parent, "mine"), lambda path: path.write_text("no notebook")])
def test_an_edited_copy_is_kept_and_named(product, edit):
    source, target = product
    copy_notebooks(source, target)
    edit(target / NAME)
    kept = (target / NAME).read_bytes()
    write(source, "2")
    assert copy_notebooks(source, target) == [NAME]
    assert (target / NAME).read_bytes() == kept
    (target / NAME).rename(target / "mine.ipynb")
    assert copy_notebooks(source, target) == [] and code(target) == "2"


def test_a_file_that_was_there_before_is_nobodys_copy(product):
    source, target = product
    write(target, "mine")
    assert copy_notebooks(source, target) == [NAME] and code(target) == "mine"


def test_the_kernels_are_told_what_was_chosen(company):
    place = company()
    folder, told, edited = prepare_lab(place, rep_id="R2", as_of=date(2026, 5, 31))
    assert folder == place.resolve() / "notebooks" and edited == []
    assert told == {COMPANY: str(place.resolve()), REP: "R2", AS_OF: "2026-05-31"}
    assert (folder / FIRST).is_file() and not (folder / "_template.ipynb").exists()


def test_what_cannot_be_used_is_said_in_one_line_before_anything_is_copied(company, tmp_path):
    broken = company()
    (broken / "exports/orders.csv").write_text("nothing,of,use\n1,2,3\n")
    with pytest.raises(InputDataError, match=r"^These tables cannot be used: orders\. `workbook check .*` says why\.$"):
        prepare_lab(broken)
    with pytest.raises(SettingsError):
        prepare_lab(tmp_path)
    with pytest.raises(UnknownRepError):
        prepare_lab(company(), rep_id="R9")
    assert not (broken / "notebooks").exists()


def test_the_command_starts_jupyterlab_of_this_environment_on_the_copies(tmp_path):
    command = lab_command(tmp_path, browser=False, port=8899)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {f"--LabApp.default_url=/lab/tree/{FIRST}", f"--ServerApp.root_dir={tmp_path}", "--no-browser", "--ServerApp.port=8899"} <= set(command)
    assert "--no-browser" not in lab_command(tmp_path)


def test_an_empty_parameter_means_the_choice_else_the_sample_and_says_so(company, monkeypatch):
    for name in (COMPANY, REP, AS_OF):
        monkeypatch.delenv(name, raising=False)
    place = str(company())
    assert open_book(place, "R2").assumed == ()
    monkeypatch.setenv(COMPANY, place)
    book = open_book("", "", "")
    assert (book.rep.rep_id, book.assumed) == ("R1", ("No rep is named or chosen: R1 is the first of 2.",))
    monkeypatch.setenv(REP, "R2")
    monkeypatch.setenv(AS_OF, "2026-05-31")
    book = open_book("", "", "")
    assert (book.rep.rep_id, book.as_of, book.assumed) == ("R2", date(2026, 5, 31), ())
    assert open_book("", "R1", "2026-04-30").rep.rep_id == "R1"
    assert open_book(place, "R1").as_of == date(2026, 6, 30)  # a company named by hand is not the chosen one


def test_without_a_choice_the_sample_opens_with_its_first_selling_rep(monkeypatch):
    monkeypatch.delenv(COMPANY, raising=False)
    book = open_book()
    assert book.company.folder.resolve() == SAMPLE and book.rep.kind == "rep"
    assert len(book.assumed) == 2 and "bundled sample" in book.assumed[0]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("sample", sorted(p.parent for p in (ROOT / "data/samples").glob("*/workbook.yml")), ids=lambda p: p.name)
def test_the_first_notebook_runs_for_every_sample(sample, monkeypatch):
    import papermill

    from workbook_helpers.batch import engine, report

    monkeypatch.setenv(COMPANY, str(sample))
    ran = papermill.execute_notebook(ROOT / "notebooks" / FIRST, None, engine_name="workbook", kernel_name="python3", progress_bar=False)
    assert engine.unfinished_cell(ran) is None and report.find_defects({"00_start_here": ran}) == []
    shown = "".join(o["data"].get("text/html", "") for c in ran.cells if c.cell_type == "code" for o in c.outputs)
    assert "No rep is named or chosen" in shown and "Set aside" in shown and "Days here" in shown


def test_a_server_hands_the_first_notebook_out_and_dies_with_its_command(company):
    place = company()
    command = [sys.executable, "-m", "workbook_helpers", "lab", str(place), "--no-browser"]
    said = place / "said"
    with said.open("wb") as file, subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file) as lab:
        try:
            address = _wait_for(said, r"(http://127\.0\.0\.1:\d+)/lab/tree/00_start_here\.ipynb\?token=(\w+)")
            with _open_when_ready(f"{address[1]}/api/contents/{FIRST}?token={address[2]}") as answer:
                assert json.load(answer)["content"]["cells"][0]["source"].startswith("# 0 · Start here")
        finally:
            lab.terminate()
    assert lab.returncode == 143
    with pytest.raises(OSError):
        urllib.request.urlopen(address[1], timeout=5)


def _wait_for(said: Path, pattern: str) -> re.Match:
    for _ in range(600):
        if found := re.search(pattern, said.read_text()):
            return found
        time.sleep(0.1)
    raise AssertionError(said.read_text())


def _open_when_ready(address: str):
    """The server says its address a moment before it listens."""
    for _ in range(200):
        try:
            return urllib.request.urlopen(address, timeout=20)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"nothing listens at {address}")
