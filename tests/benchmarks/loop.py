"""The plain loop: papermill, then nbconvert, one notebook after another, as the documentation of both shows.

    python -m tests.benchmarks.loop COMPANY AS_OF OUT JOBS REP…

Each notebook runs in a kernel of its own. Prints the seconds from the first notebook to the last page; neither the
loop's own imports nor the preparation of the store are counted.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0[1-9]_*.ipynb"))


def make_report(rep_id: str, *, company: str, as_of: str, out: Path) -> None:
    """The six notebooks of one rep, executed and shown as HTML."""
    import papermill
    from nbconvert import HTMLExporter

    place = out / rep_id
    place.mkdir(parents=True)
    for notebook in NOTEBOOKS:
        executed = place / notebook.name
        papermill.execute_notebook(notebook, executed, parameters={"company": company, "rep_id": rep_id, "as_of": as_of})
        page, _ = HTMLExporter().from_filename(str(executed))
        executed.with_suffix(".html").write_text(page, encoding="utf-8")


def main(company: str, as_of: str, out: str, jobs: str, *reps: str) -> float:
    import nbconvert  # noqa: F401
    import papermill  # noqa: F401

    make, began = partial(make_report, company=company, as_of=as_of, out=Path(out)), time.perf_counter()
    if jobs == "1":
        for rep_id in reps:
            make(rep_id)
    else:
        with ProcessPoolExecutor(int(jobs)) as pool:
            list(pool.map(make, reps))
    return time.perf_counter() - began


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
