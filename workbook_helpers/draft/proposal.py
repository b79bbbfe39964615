"""What ``workbook new`` proposes: where each table comes from, what holds for the company, and what a person must say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from workbook_helpers.data.convert import quote
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.draft.evidence import Sheet

#: Candidates that a question names at most.
NAMED = 6

_YAML_WORDS = ("no", "yes", "on", "off", "true", "false", "null", "y", "n")

#: The least that works is reps with one of these.
RESULTS = ("opportunities", "orders")


@dataclass(frozen=True)
class Answer:
    """One of our columns, as an export has it.

    name: the export's column; sheet: where it stands, if not in the table's own; sql: how a SELECT writes it, if not by its name.
    """

    column: str
    name: str = ""
    sql: str = ""
    says: str = ""
    sheet: Sheet | None = None

    @property
    def written(self) -> str:
        return self.sql or f"t.{quote(self.name)}"


@dataclass(frozen=True)
class Question:
    """What a person must say. place: the table it stands in, or "" for the company; needed: nothing runs without the answer.

    The candidates are answers, each a column; or lines of workbook.yml, each with what speaks for it; or plans, each a table.
    """

    place: str
    asks: str
    answers: tuple[Answer, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    plans: tuple[Plan, ...] = ()
    needed: bool = True


@dataclass
class Plan:
    """Where one table comes from. joins: what the SELECT adds to its sheet; select: a whole SELECT instead."""

    table: str
    sheet: Sheet
    columns: dict[str, Answer] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    select: str = ""
    questions: list[Question] = field(default_factory=list)
    dates: str | None = None
    decimal: str | None = None
    notes: list[str] = field(default_factory=list)

    def is_open(self) -> bool:
        return any(question.needed for question in self.questions)

    def needs_select(self) -> bool:
        answers = [*self.columns.values(), *(a for q in self.questions for a in q.answers)]
        return bool(self.select or self.joins or any(a.sql for a in answers))

    def asked(self) -> set[str]:
        """The columns that a question stands for."""
        return {answer.column for question in self.questions for answer in question.answers}

    def lacks(self) -> list[str]:
        """Required columns that nothing answers and nobody is asked for."""
        asked = self.asked()
        return [c.name for c in TABLES[self.table].columns if c.required and c.name not in self.columns and c.name not in asked]

    def fields(self, *kinds: str) -> list[tuple[Sheet, str]]:
        """The export's columns that are, or may come to be, read as one of these kinds, each with its sheet."""
        known = {c.name: c.kind for c in TABLES[self.table].columns}
        answers = [*self.columns.values(), *(a for question in self.questions for a in question.answers)]
        found = [(a.sheet or self.sheet, a.name) for a in answers if known[a.column] in kinds]
        return [(sheet, name) for sheet, name in dict.fromkeys(found) if name in sheet.columns]


@dataclass
class Proposal:
    """What ``workbook.yml`` will say. settings: key and value, as YAML, with what speaks for it; unused: sheets and why."""

    plans: list[Plan] = field(default_factory=list)
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    unused: list[tuple[str, str]] = field(default_factory=list)

    def plan(self, table: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.table == table), None)

    def rivals(self, table: str) -> bool:
        """Whether several files could hold this table, and a question stands for it."""
        return any(plan.table == table for question in self.questions for plan in question.plans)

    def all_questions(self) -> list[Question]:
        """All questions, those first without whose answers nothing runs."""
        found = [*self.questions, *(q for plan in self.plans for q in plan.questions)]
        return sorted(found, key=lambda question: not self.must_answer(question))

    def must_answer(self, question: Question) -> bool:
        """Whether nothing runs without the answer: what is open in a table that others can do without only leaves that table out."""
        plan = next((p for p in self.plans if question in p.questions), None)
        return question.needed and (plan is None or not self.is_left_out(plan))

    def is_left_out(self, plan: Plan) -> bool:
        """Whether a table waits as comments until its questions are answered, because the rest runs without it."""
        ready = {p.table for p in self.plans if not p.is_open()}
        return plan.is_open() and plan.table != "reps" and bool(plan.table not in RESULTS or ready & set(RESULTS))

    def place(self, question: Question) -> str:
        return next((p.sheet.said for p in self.plans if question in p.questions), "")


def text_yaml(value: str) -> str:
    """A text as YAML that reads back as that text.

    >>> text_yaml("Close Date"), text_yaml("%d.%m.%Y"), text_yaml("no"), text_yaml("1-Qualify: x")
    ('Close Date', '"%d.%m.%Y"', '"no"', '"1-Qualify: x"')
    """
    is_plain = re.fullmatch(r"[A-Za-z][\w ./()-]*[\w.)]|[A-Za-z]", value) and value.lower() not in _YAML_WORDS
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def yaml_list(values: Iterable[str]) -> str:
    """Texts as a YAML list on one line.

    >>> yaml_list(["Won", "no"])
    '[Won, "no"]'
    """
    return "[" + ", ".join(map(text_yaml, values)) + "]"
