"""The facts of one rep of the sample, held still. Write them anew with ``python -m tests.golden``, and read the difference."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from workbook_helpers.batch import rep as batch
from workbook_helpers.batch.tasks import Task
from workbook_helpers.data import prepare

ROOT = Path(__file__).resolve().parents[1]
FIELD = ROOT / "data" / "samples" / "field_sales"
GOLDEN = ROOT / "tests" / "golden_facts.json"
REP = "R03"


def facts_of_rep(folder: Path) -> list[dict[str, Any]]:
    """What facts.json of the rep holds, numbers to nine figures."""
    chapters = sorted((ROOT / "notebooks").glob("0[1-9]*.ipynb"))
    with tempfile.TemporaryDirectory() as place:
        day = prepare(folder).as_of.isoformat()
        task = Task(rep_id=REP, as_of=day, company=str(folder), notebooks=(), folder=place, scratch=place, store="")
        found = batch.collect_facts({path.stem: batch.run_notebook(path, task) for path in chapters})
    return [{key: _rounded(value) for key, value in fact.items()} for fact in found["facts"]]


def _rounded(value: Any) -> Any:
    return float(f"{value:.9g}") if isinstance(value, float) else value


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(facts_of_rep(FIELD), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
