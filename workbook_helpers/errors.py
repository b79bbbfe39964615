"""What can go wrong, said so that the reader knows what to do next.

Every error says what was seen, what is allowed and what to do. A command ends in that text, never in a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def printable(text: str) -> str:
    """Text from data without what a terminal would obey; line breaks stay.

    >>> printable("Ana\\x1b[2J\\nBen")
    'Ana\ufffd[2J\\nBen'
    """
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


class WorkbookError(Exception):
    """Base of all errors that a user can meet. ``exit_code`` is what the command returns (docs: contract)."""

    exit_code = 2

    def __init__(self, seen: str, *, allowed: str = "", do: str = "") -> None:
        self.seen, self.allowed, self.do = seen, allowed, do
        super().__init__(" ".join(part for part in (seen, allowed, do) if part))


class SettingsError(WorkbookError):
    """``workbook.yml`` cannot be used."""


class InputDataError(WorkbookError):
    """An export cannot be used."""


class PlanInputError(WorkbookError):
    """A plan file, or an argument of a planning step, cannot be used."""


class ParameterError(WorkbookError):
    """A notebook was given a parameter that it does not have, or a value that is not plain data."""


class UnknownRepError(WorkbookError):
    """No rep of that id is known on the as-of date."""


class RunError(WorkbookError):
    """The environment failed: disk, kernel, another run in the same folder."""

    exit_code = 1


#: What each severity of a problem means, the worst first.
SEVERITIES = {"unusable": "table cannot be used", "set_aside": "set aside", "finding": "to mend"}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in the exports, in the reader's terms.

    severity: ``unusable`` (the table cannot be read), ``set_aside`` (the row takes part in nothing) or
    ``finding`` (the row counts, but planning on it would mislead).
    row: as a person counts in a spreadsheet, the header being row 1; None where it concerns the whole file.
    key: the id of the row, where it has one; value: what stands in the column.
    """

    severity: str
    table: str
    file: str
    row: int | None
    column: str | None
    value: str | None
    what: str
    fix: str
    key: str | None = None

    def __str__(self) -> str:
        place = [self.file or self.table]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.key and self.key != self.value:
            place.append(self.key[:60])
        if self.column:
            place.append(f"column {self.column}")
        if self.value is not None:
            place.append(f"value {self.value[:60]!r}")
        return f"{', '.join(place)}: {self.what}. {self.fix}"


def group_problems(problems: Iterable[Problem]) -> dict[str, list[list[Problem]]]:
    """table -> groups of the same severity, fault and remedy, the worst first; each group in the order of its rows.

    >>> late = Problem("finding", "orders", "o.csv", 7, "amount", "", "the amount is empty", "Fill it in.")
    >>> {table: [len(group) for group in groups] for table, groups in group_problems([late] * 12).items()}
    {'orders': [12]}
    """
    tables: dict[str, dict[tuple[str, str, str], list[Problem]]] = {}
    for problem in problems:
        kind = (problem.severity, problem.what, problem.fix)
        tables.setdefault(problem.table, {}).setdefault(kind, []).append(problem)
    order = list(SEVERITIES)
    return {table: sorted(kinds.values(), key=lambda group: order.index(group[0].severity)) for table, kinds in tables.items()}
