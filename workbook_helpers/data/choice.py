"""What an empty parameter of a notebook means: the company, rep and day that somebody chose, else the bundled sample.

``workbook lab`` tells its kernels the choice in the environment. The batch fills every parameter, so no choice reaches a report.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from workbook_helpers.data.prepared import Prepared

#: Names in the environment; rep and day count for the chosen company only.
COMPANY, REP, AS_OF = "WORKBOOK_COMPANY", "WORKBOOK_REP", "WORKBOOK_AS_OF"

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "field_sales"


@dataclass(frozen=True)
class Choice:
    """Company, rep and day as given, chosen or assumed; ``said`` tells in a sentence each what was assumed."""

    company: Path
    rep_id: str
    as_of: str | date
    said: tuple[str, ...] = ()


def choose(company: str | Path, rep_id: str, as_of: str | date, chosen: Mapping[str, str] = os.environ) -> Choice:
    """Fills what is empty from the choice; a rep that is still empty then is for ``first_rep`` to find.

    >>> choose("acme", "R1", "", {"WORKBOOK_AS_OF": "2026-06-30"}).as_of
    ''
    >>> choose("", "", "", {"WORKBOOK_COMPANY": "/acme", "WORKBOOK_REP": "R7"}).rep_id
    'R7'
    >>> choose("", "R1", "", {}).said
    ('No company is named or chosen: this is the bundled sample.',)
    """
    if str(company):
        return Choice(Path(company), rep_id, as_of)
    if not chosen.get(COMPANY):
        return Choice(SAMPLE, rep_id, as_of, ("No company is named or chosen: this is the bundled sample.",))
    return Choice(Path(chosen[COMPANY]), rep_id or chosen.get(REP, ""), as_of or chosen.get(AS_OF, ""))


def first_rep(prepared: Prepared) -> tuple[str, str]:
    """The first selling rep by id, else the first of all, and the sentence that says so."""
    selling = [values for values in prepared.reps if values["kind"] == "rep"] or prepared.reps
    rep_id = min(values["rep_id"] for values in selling)
    return rep_id, f"No rep is named or chosen: {rep_id} is the first of {len(selling):,}."
