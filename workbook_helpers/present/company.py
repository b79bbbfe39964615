"""The whole company before any plan: what was read, what to mend, and whose books there are. For whoever prepares the data."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from workbook_helpers.data import Prepared
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.errors import SEVERITIES, group_problems
from workbook_helpers.measure import say_date
from workbook_helpers.present.markup import Shown, note, table
from workbook_helpers.present.wording import as_count


def table_rows(company: Prepared) -> Shown:
    """Rows known, used and set aside by table, over all books."""
    used, aside = Counter[str](), Counter[str]()
    for counts in company.view["counts"].values():
        used.update({name: n for name, n in counts.items() if name in TABLES})
    for _, name, n, _, _ in company.view["set_aside"]:
        aside[name] += n
    rows = [(name, used[name] + aside[name], used[name], aside[name]) for name in TABLES if used[name] or aside[name]]
    columns = {"table": ("Table", "text"), "read_n": ("Rows known", "count"), "used_n": ("Used", "count"),
               "aside_n": ("Set aside", "count")}  # fmt: skip
    caption = f"{company.company.name}, rows of all books known on {say_date(company.as_of)}."
    return table(pd.DataFrame(rows, columns=list(columns)), columns, caption=caption, limit=len(rows))


def table_problems(company: Prepared) -> Shown:
    """What to mend, by table and kind, each with one example; ``workbook check`` lists every row."""
    rows = [
        (name, SEVERITIES[found[0].severity], len(found), found[0].what, found[0].fix, str(found[0]).split(f": {found[0].what}")[0])
        for name, groups in group_problems(company.problems).items()
        for found in groups
    ]
    if not rows:
        return note("No row of these exports is wrong.")
    columns = {"table": ("Table", "text"), "severity": ("Outcome", "text"), "rows_n": ("Rows", "count"),
               "what": ("What is wrong", "text"), "fix": ("What to do", "text"), "example": ("For example", "text")}  # fmt: skip
    caption = f"{as_count(len(company.problems), 'problem')}; workbook check lists every row."
    return table(pd.DataFrame(rows, columns=list(columns)), columns, caption=caption, limit=len(rows))


def table_reps(company: Prepared) -> Shown:
    """Everyone who owns business on the day: the ids are what the parameter ``rep_id`` takes."""
    columns = {"rep_id": ("Id", "text"), "rep_name": ("Name", "text"), "role": ("Role", "text"), "team": ("Team", "text"),
               "kind": ("Kind", "text"), "tenure_days": ("Days here", "count")}  # fmt: skip
    rows = [[values.get(column) for column in columns] for values in company.reps]
    caption = f"{as_count(len(rows), 'owner')} known on {say_date(company.as_of)}."
    return table(pd.DataFrame(rows, columns=list(columns)), columns, caption=caption, limit=len(rows))
