"""What was measured, beside what is required and what is aimed at, as a table that reads well on a screen and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

_HEADINGS = ("what", "median", "unit", "n", "min–max", "required", "aim", "")


@dataclass(frozen=True)
class Figure:
    """One figure. samples: the measured values. at_most or at_least: what is required of the median. aim: what is hoped for.

    >>> slow = Figure("processor time of the batch over the floor", "×", [1.7, 1.4, 1.6], at_most=1.5, aim=1.25)
    >>> slow.median, slow.verdict
    (1.6, 'not met')
    """

    what: str
    unit: str
    samples: Sequence[float]
    at_most: float | None = None
    at_least: float | None = None
    aim: float | None = None

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def verdict(self) -> str:
        if self._required is None:
            return ""
        if not self._reaches(self._required):
            return "not met"
        return "met" if self.aim is None or not self._reaches(self.aim) else "aim met"

    @property
    def _required(self) -> float | None:
        return self.at_most if self.at_least is None else self.at_least

    def _reaches(self, bound: float) -> bool:
        return self.median <= bound if self.at_least is None else self.median >= bound

    @property
    def cells(self) -> tuple[str, ...]:
        sign = "≤" if self.at_least is None else "≥"
        return (
            self.what,
            say(self.median),
            self.unit,
            str(len(self.samples)),
            f"{say(min(self.samples))}–{say(max(self.samples))}" if len(self.samples) > 1 else "",
            "" if self._required is None else f"{sign} {say(self._required)}",
            "" if self.aim is None else f"{sign} {say(self.aim)}",
            self.verdict,
        )


@dataclass(frozen=True)
class Section:
    """The figures of one point on one company. remarks: what else has to be known, a line each."""

    title: str
    figures: Sequence[Figure]
    remarks: Sequence[str] = field(default=())

    def __str__(self) -> str:
        lines = _table([_HEADINGS, *(figure.cells for figure in self.figures)]) if self.figures else []
        return "\n".join([f"### {self.title}", "", *lines, *([""] if lines and self.remarks else []), *self.remarks])


def say(value: float) -> str:
    """Three figures that count, as people write them.

    >>> [say(v) for v in (0.04567, 1.234, 12.34, 1234.5, 0, 10_000_000)]
    ['0.0457', '1.23', '12.3', '1,234', '0', '10,000,000']
    """
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    header, *others = (f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows)
    return [header, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *others]


def join(sections: Iterable[Section]) -> str:
    return "\n\n".join(map(str, sections)) + "\n"
