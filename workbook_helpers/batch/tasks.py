"""What travels between the run and a rep's process: a Task there, a Delivered or a Failure back. Plain values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """One rep's report to make.

    company: the company's folder. notebooks: their paths, in order. folder: where the report goes.
    scratch: a folder on the same disk for what is half done. store: where ``open_book`` finds the prepared company.
    printer: what makes ``report.pdf``, or "" where none is wanted. made: a current report that lacks only its PDF.
    addresses: where company and reports stand, if in an object store. All paths are absolute.
    """

    rep_id: str
    as_of: str
    company: str
    notebooks: tuple[str, ...]
    folder: str
    scratch: str
    store: str
    printer: str = ""
    made: Delivered | None = None
    addresses: Addresses | None = None


@dataclass(frozen=True)
class Addresses:
    """The company's folder and that of the day's reports in an object store.

    view: the prepared company, as a path in its store. fingerprint: of its inputs. run: one run's mark.
    """

    company: str
    out: str
    view: str
    fingerprint: str
    run: str


@dataclass(frozen=True)
class Delivered:
    """A report in its folder. files: name -> sha256. said: the rep's card and plan, which the index repeats.

    lacks: why there is no PDF although one was wanted, in plain words; else None.
    """

    files: Mapping[str, str]
    said: Mapping[str, Any]
    lacks: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why there is no report. reason: plain words for anyone. details: for ``run.log`` alone."""

    reason: str
    notebook: str = ""
    question: str = ""
    details: str = field(default="", repr=False)

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.notebook, self.question) if part)
        return f"{place}: {self.reason}" if place else self.reason
