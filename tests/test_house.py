"""The rules that keep the house in order: who may import whom, how a notebook is built, and where dependencies are named."""

from __future__ import annotations

import ast
import json
import re
import statistics
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "workbook_helpers"

#: Who may import whom: only what stands further left. Rooms of one place in the list do not import each other.
SHARED_BY_ALL = ("buying", "errors", "measure", "names", "renewals", "families", "statistics")
ROOMS = (SHARED_BY_ALL, ("steps",), ("plan",), ("data",), ("draft",), ("present",), ("screen",), ("batch",), ("__main__",))

#: Libraries that stand in one room only.
HOMES = {
    "matplotlib": {"present"},
    "seaborn": {"present"},
    "PIL": {"present"},
    "papermill": {"batch"},
    "nbconvert": {"batch"},
    "distributed": {"batch"},
    "fsspec": {"batch"},
    "duckdb": {"data", "draft"},
    "ipywidgets": {"screen"},
    "ruamel": {"plan", "data"},
    "click": {"__main__"},
}

NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
CHAPTERS = [p for p in NOTEBOOKS if re.match(r"0[1-9]_", p.name)]


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name} imports by a relative name"
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path):
    places = {room: n for n, rooms in enumerate(ROOMS) for room in rooms}
    if path == PACKAGE / "__init__.py":
        return
    here = room_of(path)
    for name in imports(path):
        if name.startswith("workbook_helpers."):
            other = name.split(".")[1]
            if other != here:
                assert places[other] < places[here] or here in ROOMS[0], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "steps").glob("*.py")), ids=lambda p: p.name)
def test_steps_never_import_each_other(path):
    assert not [name for name in imports(path) if name.startswith("workbook_helpers.steps.")]


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_library_stands_in_its_room_only(path):
    for name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or room_of(path) in homes, f"{path.name} imports {name}"


def cells(path: Path, kind: str = "code") -> list[dict]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def tags(cell: dict) -> list[str]:
    return cell.get("metadata", {}).get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_stored_without_outputs_and_with_stable_cell_ids(path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    assert stored["metadata"]["kernelspec"]["name"] == "python3"
    ids = [c["id"] for c in stored["cells"]]
    assert len(ids) == len(set(ids))
    for cell in cells(path):
        assert not cell["outputs"]
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_prose_one_call_one_output(path):
    code = [c for c in cells(path) if "parameters" not in tags(c)]
    lengths = [len(source(c).splitlines()) for c in code]
    assert statistics.median(lengths) <= 4
    assert max(lengths) <= 15
    for cell in code:
        tree = ast.parse(source(cell))
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda)], source(cell)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "workbook_helpers" or node.module == "datetime", node.module
                assert not any(name.name.startswith("_") for name in node.names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_parameters_are_written_one_to_a_line_with_type_default_and_meaning(path):
    (cell,) = [c for c in cells(path) if "parameters" in tags(c)]
    names = []
    for line in source(cell).splitlines():
        match = re.fullmatch(r"(\w+): (str|int|float|bool|list) = ([^=#]+)  # [^=#]+", line)
        assert match, line
        ast.literal_eval(match[3])
        names.append(match[1])
    assert names[:3] == ["company", "rep_id", "as_of"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.name)
def test_a_chapter_ends_with_its_limits_its_questions_and_its_facts(path):
    prose = "\n".join(source(c) for c in cells(path, "markdown"))
    assert re.search(r"^## What this cannot tell you", prose, re.M)
    assert re.search(r"^## Three questions to talk about", prose, re.M)
    assert "markup.facts(" in source(cells(path)[-1])


def test_there_is_one_chapter_for_each_of_the_six_steps():
    assert [p.stem[:2] for p in CHAPTERS] == ["01", "02", "03", "04", "05", "06"]


def test_every_dependency_says_what_it_is_for():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if re.match(r'\s+"[\w.-]+[><=]', line):
            assert re.search(r",\s+# \w+", line), line


def test_conda_and_pip_ask_for_the_same_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    conda_names = {"python-duckdb": "duckdb", "matplotlib-base": "matplotlib"}
    listed = re.findall(r"^  - ([\w.-]+)([><=][^\s]+)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.M)
    conda = {conda_names.get(name, name): span for name, span in listed}
    pip = dict(re.match(r"([\w.-]+)(.*)", need).groups() for need in wanted)
    assert conda == pip | {"python": project["requires-python"]}


def test_the_lock_holds_every_dependency_and_no_index():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for need in [*project["dependencies"], *chain(*project["optional-dependencies"].values())]:
        name = re.match(r"[\w.-]+", need)[0].replace("_", "-").lower()
        assert re.search(rf"^{re.escape(name)}==", lock.replace("ruamel-yaml", "ruamel.yaml"), re.M), name
    assert "://" not in lock


def test_no_file_depends_on_todays_date():
    for path in [*modules(), *NOTEBOOKS]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"date\.today\(|datetime\.now\(|Timestamp\.(now|today)\(|utcnow\(", text), path.name
