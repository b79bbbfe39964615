"""One rep: the notebooks run one after another, and what they found becomes the rep's folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from papermill.utils import chdir

from workbook_helpers import errors
from workbook_helpers.batch import report
from workbook_helpers.batch.engine import unfinished_cell
from workbook_helpers.batch.files import digest, to_csv, to_json, write_file, write_folder
from workbook_helpers.batch.manifest import PDF
from workbook_helpers.batch.parameters import OF_A_REP, check_parameters
from workbook_helpers.batch.pdf import PrintError, print_page
from workbook_helpers.batch.tasks import Delivered, Failure, Task
from workbook_helpers.data import SHARED, open_book
from workbook_helpers.measure import HEADLINE_IDS

#: The errors whose text is written for a reader and may stand on a page; of others, only the kind is told.
_PLAIN_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.WorkbookError)
}

_BY_US = {"engine_name": "workbook", "kernel_name": "python3"}


class RepFailed(Exception):
    """No report for this rep; carries the Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def deliver(task: Task, enter: Callable[[str], None] = lambda stage: None) -> Delivered:
    """Runs the rep's notebooks, writes the rep's folder, prints the PDF if one is wanted, and says what is there.

    enter: called with the name of each stage as it begins, so that somebody outside can hold a clock.
    A report stands whether or not its PDF could be made. Raises RepFailed, or RunError when the disk is at fault.
    """
    made = task.made or _make_report(task, enter)
    if task.printer:
        enter("pdf")
        made = _add_pdf(made, task)
    return made


def _make_report(task: Task, enter: Callable[[str], None]) -> Delivered:
    executed: dict[str, NotebookNode] = {}
    enter("start")
    _open_book(task)
    for path in map(Path, task.notebooks):
        enter(path.stem)
        executed[path.stem] = run_notebook(path, task)
    enter("report")
    found = collect_facts(executed)
    files = {
        "report.html": report.render_report(header=found["header"], notebooks=executed, facts=found["facts"]).encode(),
        "facts.json": to_json(found["facts"]),
        **{f"tables/{key}.csv": to_csv(table["columns"], table["rows"]) for key, table in found["rows"].items()},
        **{f"notebooks/{stem}.ipynb": publish(notebook) for stem, notebook in executed.items()},
    }
    said = {"card": found["card"], "plan": found["header"].get("plan") or {}}
    return Delivered(write_folder(Path(task.folder), files, scratch=Path(task.scratch)), said)


def _open_book(task: Task) -> None:
    """Reads and computes what several chapters share, before the first of them; what fails fails again in the chapter that needs it."""
    company = Path(task.company)
    with chdir(company.parent), suppress(Exception):
        book = open_book(company.name, task.rep_id, task.as_of)
        for name in SHARED:
            getattr(book, name)


def _add_pdf(made: Delivered, task: Task) -> Delivered:
    """``report.pdf``, printed from the ``report.html`` beside it."""
    folder = Path(task.folder)
    try:
        page = (folder / "report.html").read_text("utf-8")
        write_file(folder / PDF, print_page(page, printer=task.printer, day=date.fromisoformat(task.as_of)))
    except PrintError as error:
        return replace(made, lacks=f"the page could not be printed: {error}")
    return replace(made, files=dict(sorted({**made.files, PDF: digest(folder / PDF)}.items())))


def run_notebook(path: Path, task: Task) -> NotebookNode:
    """The executed notebook. It knows the company's folder by name alone: no output holds a path of this machine."""
    company = Path(task.company)
    parameters = {"company": company.name, "rep_id": task.rep_id, "as_of": task.as_of}
    notebook = load_notebook_node(str(path))
    try:
        check_parameters(notebook, parameters, filled=OF_A_REP)
        executed = _execute(parameterize_notebook(notebook, parameters, **_BY_US), company.parent)
    except errors.ParameterError as error:
        raise RepFailed(Failure(str(error), path.stem)) from None
    except PapermillExecutionError as error:
        raise RepFailed(
            Failure(_say(error), path.stem, _find_question(notebook, error.source), details=str(error))
        ) from None
    left = unfinished_cell(executed)
    if left is not None:
        raise RepFailed(
            Failure("the notebook did not run to its last cell", path.stem, details=executed.cells[left].source)
        )
    return executed


def _execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """What ``papermill.execute_notebook`` does, but for the notebook that it writes at the end: nobody would read it."""
    with chdir(folder):
        executed = papermill_engines.execute_notebook_with_engine(nb=notebook, progress_bar=False, **_BY_US)
    raise_for_execution_errors(executed, None)
    return executed


def collect_facts(executed: Mapping[str, NotebookNode]) -> dict[str, Any]:
    """What the notebooks' last cells recorded, together: header, facts (headline measures first), rows and card.

    Raises RepFailed when a notebook recorded nothing, a measure was recorded twice, or a headline measure is missing.
    """
    found: dict[str, Any] = {"header": {}, "facts": [], "rows": {}, "card": {}}
    recorded_by: dict[str, str] = {}
    for stem, notebook in executed.items():
        bundle = _last_bundle(notebook)
        if bundle is None:
            raise RepFailed(Failure("its last cell records no measures", stem))
        for fact in bundle["facts"]:
            key = f"{fact['id']} {fact['cut'] or ''}".strip()
            if key in recorded_by:
                raise RepFailed(Failure(f"measure {key} was recorded by {recorded_by[key]} already", stem))
            recorded_by[key] = stem
        found["facts"] += bundle["facts"]
        for part in ("rows", "card", "header"):
            found[part] |= bundle.get(part) or {}
    missing = [measure for measure in HEADLINE_IDS if measure not in recorded_by]
    if missing:
        raise RepFailed(Failure(f"no notebook recorded {', '.join(missing)}"))
    order = {measure: n for n, measure in enumerate(HEADLINE_IDS)}
    found["facts"].sort(key=lambda fact: order.get(fact["id"], len(order)) if not fact["cut"] else len(order))
    return found


def publish(notebook: NotebookNode) -> bytes:
    """The executed notebook as others may have it: no times, paths, random ids or warnings; rows stand in ``tables/``."""
    cells = []
    for cell in notebook.cells:
        metadata = {k: v for k, v in cell.metadata.items() if k not in ("papermill", "execution") and (k, v) != ("tags", [])}
        cell = NotebookNode(cell, metadata=metadata)
        if "injected-parameters" in metadata.get("tags", []):
            cell.id = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = [_without_rows(output) for output in cell.outputs if output.get("name") != "stderr"]
        cells.append(cell)
    metadata = {k: v for k, v in notebook.metadata.items() if k != "papermill"}
    return (nbformat.v4.writes(NotebookNode(notebook, cells=cells, metadata=metadata)) + "\n").encode()


def _without_rows(output: NotebookNode) -> NotebookNode:
    bundle = output.get("data", {}).get(report.FACTS)
    if bundle is None:
        return output
    return NotebookNode(output, data={**output.data, report.FACTS: {k: v for k, v in bundle.items() if k != "rows"}})


def _last_bundle(notebook: NotebookNode) -> Mapping[str, Any] | None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for output in code[-1].outputs if code else []:
        if report.FACTS in output.get("data", {}):
            return output.data[report.FACTS]
    return None


def _say(error: PapermillExecutionError) -> str:
    if error.ename in _PLAIN_ERRORS:
        return str(error.evalue)
    if error.ename == "MemoryError":
        return "it needs more memory than a report may take"
    if error.ename == "SystemExit":
        return str(error.evalue)
    return f"a cell failed with {error.ename}"


def _find_question(notebook: NotebookNode, source: str) -> str:
    """The heading under which the cell with that source stands."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = next(_headings(cell.source), heading)
        elif cell.source == source:
            return heading
    return ""


def _headings(markdown: str) -> Iterator[str]:
    lines = [line.lstrip("# ").strip() for line in markdown.splitlines() if line.startswith("#")]
    return iter(lines[-1:])
