"""What each stage of a rep's report costs in the batch: the six chapters, then the page.

    python -m tests.benchmarks.chapters COMPANY STORE AS_OF SCRATCH JOBS REP…

Each rep is delivered in a fork of the process that the batch forks from. Prints the processor seconds of each stage.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

from .forks import in_forks
from .loop import NOTEBOOKS


def time_stages(rep_id: str, *, company: str, store: str, as_of: str, scratch: str) -> dict[str, float]:
    """Stage -> processor seconds."""
    from workbook_helpers.batch.rep import deliver
    from workbook_helpers.batch.tasks import Task

    notebooks, folder = tuple(map(str, NOTEBOOKS)), str(Path(scratch, "rep", rep_id.replace("/", "_")))
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    marks: list[tuple[str, float]] = []
    task = Task(rep_id=rep_id, as_of=as_of, company=company, notebooks=notebooks, folder=folder, scratch=scratch, store=store)
    deliver(task, lambda stage: marks.append((stage, time.process_time())))
    ends = [at for _, at in marks[1:]] + [time.process_time()]
    return {stage: end - at for (stage, at), end in zip(marks, ends, strict=True)}


def main(company: str, store: str, as_of: str, scratch: str, jobs: str, *reps: str) -> dict[str, dict[str, float]]:
    import workbook_helpers.batch.warm  # noqa: F401

    work = partial(time_stages, company=company, store=store, as_of=as_of, scratch=scratch)
    return {rep_id: stages for rep_id, stages, _ in in_forks(work, reps, jobs=int(jobs))}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
