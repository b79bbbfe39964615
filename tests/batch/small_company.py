"""A company of a few reps for the batch tests: notebooks of two cells, facts made up, nothing read from disk."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from workbook_helpers.batch.run import Outcome, run_company
from workbook_helpers.data.prepared import OfRep
from workbook_helpers.data.settings import Company

PARAMETERS = 'company: str = "c"  # the folder\nrep_id: str = "R1"  # whose book\nas_of: str = ""  # the day'
HEADER = {
    "rep_name": "Rep", "role": "hunter", "territory": None, "company": "Small", "currency": "USD",
    "as_of": "2026-09-30",
    "plan": {"exists": False, "age_days": None, "signed_by": []}, "remarks": [],
    "data_light": {"rows_used": 1, "set_aside_n": 0, "set_aside_amount": 0.0, "findings_n": 0},
}  # fmt: skip


def make_notebook(*sources: str, facts: bool = True, parameters: str = PARAMETERS) -> dict:
    """A notebook with these code cells under one question; its last cell records every headline measure."""
    record = f"""
from workbook_helpers.measure import HEADLINE_IDS, Measure
class Recorded:
    def _repr_mimebundle_(self, include=None, exclude=None):
        facts = [Measure(i, 1, i, 1.0, "count", n=1).to_fact() for i in HEADLINE_IDS]
        rows = {{"won_deals": {{"columns": ["who", "amount"], "rows": [["=1+1", -5.0], [f"of {{rep_id}}", 2.0]]}}}}
        header = {HEADER!r} | {{"rep_id": rep_id}}
        bundle = {{"facts": facts, "rows": rows, "card": {{"question": f"What of {{rep_id}}?"}}, "header": header}}
        return {{"text/plain": "facts", "application/vnd.workbook.facts+json": bundle}}
Recorded()
"""
    nothing = (
        'from IPython.display import display\ndisplay({"application/vnd.workbook.facts+json": {"facts": []}}, raw=True)'
    )
    code = [*sources, record if facts else nothing]
    cells = [
        _cell("code", "parameters", parameters, ["parameters"]),
        _cell("markdown", "ask", "### 1.5 Where does it fall?"),
    ]
    cells += [_cell("code", f"c{n}", source) for n, source in enumerate(code)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, name: str, source: str, tags: list[str] | None = None) -> dict:
    cell = {"cell_type": kind, "id": name, "metadata": {"tags": tags} if tags else {}, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


class SmallCompany:
    """A folder with notebooks, and what ``prepare`` would say of the company."""

    def __init__(self, folder: Path, *sources: str, reps: int = 3) -> None:
        self.folder, self.out, self.notebooks = folder / "small", folder / "out", folder / "notebooks"
        self.folder.mkdir(exist_ok=True)
        self.notebooks.mkdir(exist_ok=True)
        self.reps = [f"R{n}" for n in range(1, reps + 1)]
        self.rows = {rep_id: f"rows of {rep_id}" for rep_id in self.reps}
        self.as_of, self.team = date(2026, 9, 30), "t"
        self.write("01_first", make_notebook(*sources))

    def write(self, stem: str, notebook: dict) -> None:
        (self.notebooks / f"{stem}.ipynb").write_text(json.dumps(notebook))

    def prepare(self, folder: Path, *, as_of: date | None = None, store: Path | None = None, teach: bool = True) -> SimpleNamespace:
        cards = [
            {
                "rep_id": r,
                "rep_name": f"Name of {r}",
                "role": "hunter",
                "team": None,
                "kind": "rep",
                "tenure_days": 9,
                "manager_id": None,
            }
            for r in self.reps
        ]
        view = {"remarks": [], "set_aside": [], "findings": {}, "problems": {}, "counts": {}}
        return SimpleNamespace(
            company=Company(folder=self.folder, name="Small", tables={"reps": "r.csv", "orders": "o.csv"}),
            as_of=as_of or self.as_of, folder=self.folder / ".workbook/f/day",
            fingerprint=repr(sorted(self.rows.items())),
            of_rep=lambda r: next((OfRep(card, "", {}, [], 0, []) for card in cards if card["rep_id"] == r), None), reps=cards, view=view, rep_fingerprints=self.rows, team_fingerprint=lambda role: self.team, team={"company": {}, "nobody": {}}, problems=[], remarks=[],
        )  # fmt: skip

    def run(self, **options) -> Outcome:
        options = {"out": self.out, "notebooks": self.notebooks, "prepare": self.prepare, "jobs": 2} | options
        return run_company(self.folder, **options)

    @property
    def day(self) -> Path:
        return self.out / self.as_of.isoformat()

    def manifest(self) -> dict:
        """rep_id -> what the manifest says."""
        return {rep["rep_id"]: rep for rep in json.loads((self.day / "manifest.json").read_bytes())["reps"]}

    def place(self, rep_id: str) -> Path:
        return self.day / self.manifest()[rep_id]["folder"]

    def statuses(self) -> dict[str, str]:
        return {rep_id: rep["status"] for rep_id, rep in self.manifest().items()}


def read_all(folder: Path) -> dict[str, bytes]:
    """Every published file below a folder."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return {name: content for name, content in found.items() if ".run/" not in name and not name.endswith("run.log")}
