"""The floor: the code cells of the six notebooks, run once in one process; what a front end would show is made, figures drawn.

    python -m tests.benchmarks.floor warm COMPANY AS_OF JOBS REP…      each rep in a fork of a process that is warm
    python -m tests.benchmarks.floor cold COMPANY AS_OF REP            one rep in a fresh process, imports included

No kernel, no shell, no files. Prints, for each rep, the processor seconds, and of each notebook its seconds and its charts.
"""

from __future__ import annotations

import ast
import json
import sys
import time
from functools import partial
from typing import Any

from .forks import in_forks
from .loop import NOTEBOOKS


def run_notebooks(rep_id: str, *, company: str, as_of: str) -> list[dict[str, Any]]:
    """What the cells of each notebook show to a front end, in order, with the processor seconds each cell took."""
    return [_run_notebook(path, {"company": company, "rep_id": rep_id, "as_of": as_of}) for path in NOTEBOOKS]


def _run_notebook(path: Any, parameters: dict[str, str]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = []
    for cell in json.loads(path.read_bytes())["cells"]:
        if cell["cell_type"] != "code":
            continue
        began = time.process_time()
        shown = show(run_cell("".join(cell["source"]), namespace))
        cells.append({"seconds": time.process_time() - began, "shown": shown})
        if "parameters" in cell["metadata"].get("tags", []):
            namespace |= parameters
    return {"stem": path.stem, "cells": cells}


def run_cell(source: str, namespace: dict[str, Any]) -> Any:
    """Runs the lines of a cell and gives the value of its last one, as a notebook does.

    >>> run_cell("n = 3\\nn + 1", {})
    4
    """
    lines = ast.parse(source)
    last = ast.Expression(lines.body.pop().value) if lines.body and isinstance(lines.body[-1], ast.Expr) else None  # type: ignore[attr-defined]
    exec(compile(lines, "cell", "exec"), namespace)
    return None if last is None else eval(compile(last, "cell", "eval"), namespace)


def show(value: Any) -> dict[str, Any]:
    """What a front end would be given: kind -> content."""
    if value is None:
        return {}
    if hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_()
        return bundle[0] if isinstance(bundle, tuple) else bundle
    if hasattr(value, "_repr_html_"):
        return {"text/html": value._repr_html_(), "text/plain": repr(value)}
    return {"text/plain": repr(value)}


def summarise(rep_id: str, *, company: str, as_of: str) -> dict[str, dict[str, Any]]:
    """Notebook -> its processor seconds, and those of each cell that shows a chart."""
    return {
        done["stem"]: {
            "seconds": sum(cell["seconds"] for cell in done["cells"]),
            "charts": [cell["seconds"] for cell in done["cells"] if any(kind.startswith("image/") for kind in cell["shown"])],
        }
        for done in run_notebooks(rep_id, company=company, as_of=as_of)
    }


def main(kind: str, company: str, as_of: str, *rest: str) -> dict[str, Any]:
    work = partial(summarise, company=company, as_of=as_of)
    if kind == "cold":
        return {rest[0]: {"notebooks": work(rest[0])}}
    import workbook_helpers.batch.warm  # noqa: F401

    jobs, *reps = rest
    return {rep_id: {"notebooks": made, "seconds": seconds} for rep_id, made, seconds in in_forks(work, reps, jobs=int(jobs))}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
