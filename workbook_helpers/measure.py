"""The small values that everything else is made of: a Period, a Measure, and an Answer.

A Measure is one headline number that knows its unit, n, interval, period, formula and source rows.
An Answer is what one planning step found out about one question: a table and its measures, or the reason why there is none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import wraps
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd

Dates = TypeVar("Dates", pd.Series, np.ndarray)

UNITS = ("money", "share", "count", "days", "hours", "ratio")

#: The measures that every rep's ``facts.json`` holds, in the order in which a plan is read.
HEADLINE_IDS = (
    "won_amount", "won_deals", "lost_deals", "win_rate", "win_rate_by_value", "mean_won_amount", "median_cycle_days",
    "open_deals", "open_amount", "overdue_amount", "revenue", "active_customers", "top_account_share", "pareto_share",
    "goal", "quota", "attainment", "booked_amount", "flow_amount", "likely_amount", "stretch_amount",
    "unidentified_amount", "expected_gap", "goal_probability", "pipeline_coverage", "pace", "forecast",
)  # fmt: skip


def total(values: Iterable[float]) -> float:
    """Sum of money or counts that does not depend on the order of the rows, to a hundredth of a cent.

    >>> total([0.1, 0.2, None, float("nan")])
    0.3
    """
    listed = values.tolist() if hasattr(values, "tolist") else values
    return round(math.fsum(v for v in listed if v is not None and v == v), 4) + 0.0


def sum_money(amounts: pd.Series, by: pd.Series | list[pd.Series]) -> pd.Series:
    """Money summed by group, row by row, as exact as ``total``. Missing amounts count as 0, rows with a missing key are left out.

    >>> sum_money(pd.Series([0.1, 0.2, 5.0]), pd.Series(["a", "a", "b"])).to_dict()
    {'a': 0.3, 'b': 5.0}
    """
    cents = np.rint(amounts.to_numpy(float, na_value=0.0) * 10_000).astype("int64")
    if not isinstance(by, pd.Series):
        return pd.Series(cents, amounts.index, name=amounts.name).groupby(by).sum() / 10_000
    places, keys = pd.factorize(by, sort=True)
    sums = np.zeros(len(keys) + 1, "int64")
    np.add.at(sums, places, cents)  # a missing key has place -1, the last
    return pd.Series(sums[:-1] / 10_000, pd.Index(keys, name=by.name), name=amounts.name)


def total_by(amounts: pd.Series, by: pd.Series) -> pd.Series:
    """``total`` of each group, for amounts with more digits than money has. Rows with a missing key are left out.

    >>> total_by(pd.Series([0.1, 0.2, 5.0]), pd.Series(["a", "a", "b"])).to_dict()
    {'a': 0.3, 'b': 5.0}
    """
    places, keys = pd.factorize(by, sort=True)
    groups: list[list[float]] = [[] for _ in range(len(keys) + 1)]  # a missing key has place -1, the last
    for place, amount in zip(places.tolist(), amounts.tolist(), strict=True):
        groups[place].append(amount)
    return pd.Series([total(group) for group in groups[:-1]], pd.Index(keys, name=by.name), float, amounts.name)


@dataclass(frozen=True)
class Period:
    """Days from ``start`` to ``end``, both included.

    >>> Period.ending(date(2026, 9, 30)).start
    datetime.date(2025, 10, 1)
    """

    start: date
    end: date

    @classmethod
    def ending(cls, last_day: date, days: int = 365) -> Period:
        """The ``days`` days whose last one is ``last_day``."""
        return cls(last_day - timedelta(days=days - 1), last_day)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    #: First days of the company's own fiscal periods; without any, quarters and months are those of the calendar.
    edges: ClassVar[tuple[date, ...]] = ()

    def spans(self, day: date) -> dict[str, Period]:
        """The quarter of this year and the month that hold the day, cut to the year; the company's own where ``edges`` say so.

        >>> Period(date(2026, 4, 1), date(2027, 3, 31)).spans(date(2026, 8, 9))["quarter"].start
        datetime.date(2026, 7, 1)
        """
        nominal = [(pd.Timestamp(self.start) + pd.DateOffset(months=3 * k)).date() for k in range(4)]
        starts = [nearest_day(first, self.edges) for first in nominal] + [self.end + timedelta(days=1)]
        k = max(k for k in range(4) if starts[k] <= day)
        month = pd.Timestamp(day).to_period("M")
        first, last = month.start_time.date(), month.end_time.date()
        before, after = [e for e in self.edges if e <= day], [e for e in self.edges if e > day]
        if before and after and 25 <= (after[0] - before[-1]).days <= 37:
            first, last = before[-1], after[0] - timedelta(days=1)
        return {
            "quarter": Period(starts[k], min(starts[k + 1] - timedelta(days=1), self.end)),
            "month": Period(max(first, self.start), min(last, self.end)),
        }

    def holds(self, dates: Dates) -> Dates:
        """True for each date inside the period; a missing date is outside. Takes datetime64 values, in a Series or an array."""
        days = np.asarray(dates)
        inside = (days >= np.datetime64(self.start)) & (days <= np.datetime64(self.end))
        return pd.Series(inside, dates.index, name=dates.name) if isinstance(dates, pd.Series) else inside

    def years_earlier(self, years: int = 1) -> Period:
        """The same days some years before; 29 February becomes 28 February.

        >>> Period(date(2024, 2, 29), date(2024, 3, 31)).years_earlier().start
        datetime.date(2023, 2, 28)
        """

        def back(day: date) -> date:
            try:
                return day.replace(year=day.year - years)
            except ValueError:
                return day.replace(year=day.year - years, day=28)

        return Period(back(self.start), back(self.end))

    @classmethod
    def past_windows(cls, last_day: date, days: int, first_day: date, *, every: int = 30) -> list[Period]:
        """Windows of so many days that lie between two days, the latest first, each starting ``every`` days before the last.

        >>> [w.end.isoformat() for w in Period.past_windows(date(2026, 3, 31), 31, date(2026, 1, 29))]
        ['2026-03-31', '2026-03-01']
        """
        windows = []
        while days > 0 and last_day - timedelta(days=days - 1) >= first_day:
            windows.append(cls.ending(last_day, days))
            last_day -= timedelta(days=every)
        return windows

    def __str__(self) -> str:
        return f"{say_date(self.start)} to {say_date(self.end)}"


@dataclass(frozen=True)
class FiscalYear(Period):
    """A fiscal year that knows the first days of the company's own periods (weeks, 4-4-5 months, quarters), in order.

    >>> weeks = tuple(date(2025, 12, 28) + timedelta(days=7 * k) for k in (0, 4, 8, 13, 17, 21, 26, 30, 34, 39, 43, 47, 52))
    >>> str(FiscalYear(weeks[0], date(2026, 12, 26), weeks).spans(date(2026, 3, 28))["quarter"])
    '28 Dec 2025 to 28 Mar 2026'
    """

    edges: tuple[date, ...] = ()


def nearest_day(day: date, edges: Iterable[date], *, within: int = 10) -> date:
    """The edge nearest to a day, or the day itself where none lies within so many days.

    >>> nearest_day(date(2026, 1, 1), [date(2025, 12, 28), date(2026, 1, 25)])
    datetime.date(2025, 12, 28)
    """
    nearest = min(edges, key=lambda edge: (abs((edge - day).days), edge), default=day)
    return nearest if abs((nearest - day).days) <= within else day


def say_date(day: date | None) -> str:
    """A date that nobody can misread.

    >>> say_date(date(2026, 3, 5))
    '5 Mar 2026'
    """
    if day is None or pd.isna(day):
        return "no date"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day} {months[day.month - 1]} {day.year}"


def say_number(value: float, unit: str = "count", *, short: bool = False) -> str:
    """A number as a salesperson writes it: no false digits, thousands marked, share as per cent.

    short: three figures for the first page ("1.24 million" instead of "1,240,000").

    >>> say_number(0.3412, "share"), say_number(1240000, "money"), say_number(1240000, "money", short=True)
    ('34 %', '1,240,000', '1.24 million')
    >>> say_number(-950.4, "money"), say_number(3.25, "ratio"), say_number(0.004, "share")
    ('-950', '3.2', '0.4 %')
    """
    if unit == "share":
        percent = 100 * value
        digits = 1 if 0 < abs(percent) < 1 or 99 < abs(percent) < 100 else 0
        return f"{percent:.{digits}f} %"
    if unit in ("ratio", "hours"):
        return f"{value:,.1f}"
    if short and abs(value) >= 999_500:
        return f"{value / 1e6:,.3g} million" if abs(value) < 999.5e6 else f"{value / 1e9:,.3g} billion"
    if short and abs(value) >= 1_000:
        step = 10 ** (int(math.log10(abs(value))) - 2)
        value = round(value / step) * step
    return f"{value:,.0f}" if round(value) else "0"


@dataclass(frozen=True)
class Measure:
    """One number with everything needed to believe it.

    value: raw and unrounded, never shrunk; None exactly when ``withheld`` gives the reason.
    unit: money (the company's currency), share (0-1), count, days, hours or ratio.
    low, high: the interval at ``level``. n: how many cases stand behind the value.
    cut: None for the whole book, else {column: value}.
    rows: the source rows that "see the math" shows; no part of the fact itself.
    """

    id: str
    step: int
    name: str
    value: float | None
    unit: str
    n: int | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    period_start: date | None = None
    period_end: date | None = None
    cut: Mapping[str, str] | None = None
    numerator: float | None = None
    denominator: float | None = None
    formula: str = ""
    source: str = ""
    team_value: float | None = None
    withheld: str | None = None
    rows: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"{self.id}: unit {self.unit!r} is not one of {', '.join(UNITS)}")
        if (self.value is None) != (self.withheld is not None):
            raise ValueError(f"{self.id}: a measure has either a value or a reason why it is withheld")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.id}: {self.value} is not a number that can be shown")

    @property
    def key(self) -> str:
        """The name of the measure where it stands beside others: id, and a mark of its cut. Safe as a file name.

        >>> Measure("win_rate", 1, "Win rate", .3, "share", cut={"industry": "Clinics"}).key
        'win_rate--industry-52867fea'
        """
        if self.cut is None:
            return self.id
        mark = hashlib.sha256(repr(sorted(self.cut.items())).encode()).hexdigest()[:8]
        return f"{self.id}--{'-'.join(sorted(self.cut))}-{mark}"

    def with_team(self, team_value: float | None) -> Measure:
        """The same measure with the team's figure beside it."""
        return dataclasses.replace(self, team_value=team_value)

    def say_value(self, *, short: bool = False) -> str:
        """The value as text, or "not known"."""
        return "not known" if self.value is None else say_number(self.value, self.unit, short=short)

    def say_interval(self) -> str:
        """ "27-42 %" as text, or nothing when there is no interval."""
        if self.low is None or self.high is None:
            return ""
        low, high = say_number(self.low, self.unit), say_number(self.high, self.unit)
        return f"{low.removesuffix(' %')}–{high}"

    def __str__(self) -> str:
        """
        >>> print(Measure("win_rate", 1, "Win rate", 0.34, "share", n=131, low=.27, high=.42, level=.95, team_value=.29))
        Win rate 34 % (27–42 %, n = 131; team 29 %)
        >>> print(Measure("win_rate", 1, "Win rate", 0.27, "share", cut={"kind": "expansion"}))
        Win rate, kind expansion 27 %
        """
        cut = [f"{column.replace('_', ' ')} {label}" for column, label in (self.cut or {}).items() if column != "all"]
        name = ", ".join([self.name, *cut])
        if self.withheld:
            return f"{name}: not shown, because {self.withheld}"
        inner = [self.say_interval(), f"n = {self.n:,}" if self.n is not None else ""]
        text = ", ".join(part for part in inner if part)
        team = f"team {say_number(self.team_value, self.unit)}" if self.team_value is not None else ""
        bracket = "; ".join(part for part in (text, team) if part)
        return f"{name} {self.say_value()}" + (f" ({bracket})" if bracket else "")

    def to_fact(self) -> dict[str, Any]:
        """The measure as ``facts.json`` holds it: plain JSON values, dates as ISO text."""
        fact = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "rows"}
        for key, value in fact.items():
            if isinstance(value, date):
                fact[key] = value.isoformat()
            elif isinstance(value, Mapping):
                fact[key] = dict(value)
            elif isinstance(value, float) or hasattr(value, "item"):
                fact[key] = _plain(value)
        return fact

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Measure:
        """The measure that ``to_fact`` wrote."""
        days = {k: date.fromisoformat(fact[k]) if fact[k] else None for k in ("period_start", "period_end")}
        return cls(**{**fact, **days})


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


@dataclass(frozen=True)
class Definition:
    """What a measure is, said once: the factory of its Measures.

    roll_up: how reps become a team. ``sum`` adds up (the team figure beside a rep is the mean per rep), ``ratio`` divides
    summed numerators by summed denominators, ``team`` is computed once from the team's rows, and so is ``distinct``, a count of what
    several reps may share (the team figure beside a rep is the mean per rep).

    >>> WON = Definition("won_deals", 1, "Deals won", "count", "number of deals won in the period", roll_up="sum")
    >>> print(WON.measure(12, n=12))
    Deals won 12 (n = 12)
    >>> print(WON.withhold("it needs table opportunities"))
    Deals won: not shown, because it needs table opportunities
    """

    id: str
    step: int
    name: str
    unit: str
    formula: str
    roll_up: str = "team"

    def measure(self, value: float, *, period: Period | None = None, **details: Any) -> Measure:
        """The measure with this value."""
        if period is not None:
            details |= {"period_start": period.start, "period_end": period.end}
        details.setdefault("formula", self.formula)
        return Measure(self.id, self.step, self.name, value, self.unit, **details)

    def ratio(self, numerator: float, denominator: float, *, period: Period | None = None, **details: Any) -> Measure:
        """numerator ÷ denominator with both kept, so that reps can be rolled up; withheld where nothing is divided by."""
        if not denominator:
            reason = details.pop("if_none", "there is nothing to divide by")
            return self.withhold(reason, period=period, numerator=numerator, denominator=denominator, **details)
        details.pop("if_none", None)
        return self.measure(numerator / denominator, period=period, numerator=numerator, denominator=denominator, **details)

    def withhold(self, reason: str, *, period: Period | None = None, **details: Any) -> Measure:
        """The measure without a value, and why. The reason completes "not shown, because ..."."""
        if period is not None:
            details |= {"period_start": period.start, "period_end": period.end}
        details.setdefault("formula", self.formula)
        return Measure(self.id, self.step, self.name, None, self.unit, withheld=reason, **details)


@dataclass(frozen=True)
class Answer:
    """What one step found out about one question of the workbook.

    question: its id in ``docs/questions.md``, for example "1.8".
    table: the rows to chart or list; empty when withheld. measures: the numbers that sum it up, in reading order.
    notes: single values that the sentence needs and that are no measures (a label, a count of something set aside).
    withheld: None, or the reason why the question is not answered; completes "Not answered, because ...".
    """

    question: str
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    measures: tuple[Measure, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    withheld: str | None = None

    def __getitem__(self, measure_id: str) -> Measure:
        """The measure of that id over the whole book.

        >>> Answer("1.5", measures=(Definition("won_deals", 1, "Deals won", "count", "").measure(3),))["won_deals"].value
        3
        """
        for measure in self.measures:
            if measure.id == measure_id and measure.cut is None:
                return measure
        raise KeyError(f"question {self.question} has no measure {measure_id!r}")


#: Frames that are no table of the company's: what they are made from.
_FRAMES = dict.fromkeys(("sales", "account_sales"), "orders or opportunities")


def lacking(**tables: tuple[pd.DataFrame | None, Iterable[str]]) -> str | None:
    """Why a question cannot be answered from these tables, or None when it can.

    A table that the company does not have is None; a column that it does not have is wholly empty.

    >>> lacking(orders=(None, ["amount"]))
    'it needs table orders with amount'
    >>> lacking(orders=(pd.DataFrame({"amount": [1.0], "margin": [None]}), ["amount", "margin"]))
    'it needs column margin of table orders'
    >>> lacking(sales=(pd.DataFrame({"product": [None]}), ["product"]))
    'it needs column product of table orders or opportunities'
    """
    for frame_name, (frame, columns) in tables.items():
        columns, name = list(columns), _FRAMES.get(frame_name, frame_name)
        if frame is None:
            return f"it needs table {name}" + (f" with {', '.join(columns)}" if columns else "")
        empty = [c for c in columns if c not in frame or (len(frame) and frame[c].isna().all())]
        if empty:
            return f"it needs column {', '.join(empty)} of table {name}"
    return None


def answers(question: str, *definitions: Definition, **needs: Iterable[str]) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Marks a step's function as the one that answers ``question``, and says what it needs.

    needs: parameter name = columns that must hold something. Where a table is None or a column wholly empty, the function is
    not called: the answer is withheld with that reason, and so is each of its measures, ``definitions``.
    """

    def decorate(function: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(function)
        def answer(*args: Any, **kwargs: Any) -> Answer:
            if args:
                raise TypeError(f"{function.__name__} takes its tables by name, so that a reader sees which is which")
            reason = lacking(**{name: (kwargs.get(name), columns) for name, columns in needs.items()})
            if reason is None:
                return function(**kwargs)
            return Answer(question, measures=tuple(d.withhold(reason) for d in definitions), withheld=reason)

        answer.question, answer.definitions, answer.needs = question, definitions, needs  # type: ignore[attr-defined]
        return answer

    return decorate
