"""A company made ready, before anything is measured that needs it ready.

    python -m tests.benchmarks.ready COMPANY [untaught]

The store is what WORKBOOK_STORE names. Prints the day, the reps of each kind, and a rep without a plan with the plan's place.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main(company: str, taught: str = "taught") -> dict[str, Any]:
    from workbook_helpers.data import prepare
    from workbook_helpers.plan import plan_path

    prepared = prepare(company, teach=taught == "taught")
    settings, kinds = prepared.company, dict[str, list[str]]()
    for card in prepared.reps:
        kinds.setdefault(card["kind"], []).append(card["rep_id"])
    year = settings.plan_year(prepared.as_of)
    paths = {rep_id: plan_path(settings.folder, rep_id, year) for rep_id in kinds["rep"]}
    unplanned = next(rep_id for rep_id, path in paths.items() if not path.is_file())
    plan = {"rep_id": unplanned, "year": year, "path": str(paths[unplanned])}
    return {"as_of": prepared.as_of.isoformat(), "kinds": kinds, "plan": plan}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
