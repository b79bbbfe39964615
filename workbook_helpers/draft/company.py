"""``workbook new``: reads an unknown folder of exports, and writes and says a first ``workbook.yml``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from workbook_helpers.data.convert import quote
from workbook_helpers.data.imports import READABLE, Imported, load_exports
from workbook_helpers.data.readers import shorten
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import FILE_NAME
from workbook_helpers.data.store import UnusableError, prepare
from workbook_helpers.draft.evidence import Evidence, find_sheets
from workbook_helpers.draft.proposal import Plan, Proposal, Question, text_yaml
from workbook_helpers.draft.propose import propose
from workbook_helpers.errors import SettingsError, WorkbookError

_HEAD = """\
# Written by `workbook new` from what the exports hold. docs/data.md says what every key means.
# Where a QUESTION stands, take the # off the one line that is right.
format: 1
"""


@dataclass(frozen=True)
class Draft:
    """A first ``workbook.yml``: where it stands, what is said about it, and whether ``workbook check`` would pass as it stands."""

    path: Path
    lines: tuple[str, ...]
    runs: bool


def draft_company(folder: Path, exports: Path | None = None) -> Draft:
    """Writes ``<folder>/workbook.yml`` from the exports, and checks it.

    folder: the company's folder. exports: where they lie, if not in ``<folder>/exports`` or in the folder itself; they are read in place.
    Raises SettingsError where a workbook.yml is there already, InputDataError where there is no export.
    """
    path = folder / FILE_NAME
    if path.exists():
        raise SettingsError(f"{path}: there is one already, and it is never overwritten.", do="Move it away, or name another folder.")
    place = exports or _find_exports(folder)
    imported = load_exports(place)
    sheets = find_sheets(imported.tables)
    with duckdb.connect() as con:
        proposal = propose(Evidence(con, imported.tables, sheets), sheets)
    folder.mkdir(parents=True, exist_ok=True)
    text = write_settings(proposal, folder.resolve().name, _relative(place, folder))
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    wrong = _try(folder)
    return Draft(path, tuple(_say(proposal, imported, place, path, wrong)), not wrong)


def _find_exports(folder: Path) -> Path:
    inner = folder / "exports"
    if inner.is_dir() or not (folder.is_dir() and any(p.suffix.lower() in READABLE for p in folder.iterdir())):
        return inner
    return folder


def _relative(exports: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(exports.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return str(exports.resolve())


def _try(folder: Path) -> str:
    """What ``workbook check`` would refuse; nothing where it would pass."""
    try:
        prepare(folder, teach=False)
    except UnusableError as error:
        return "\n".join(str(p) for p in error.problems if p.severity == "unusable")
    except WorkbookError as error:
        return str(error)
    return ""


# ---------------------------------------------------------------------------------------------------------------- workbook.yml


def write_settings(proposal: Proposal, company: str, exports: str) -> str:
    """The text of ``workbook.yml``: what is certain as it stands, every question as lines that wait for their # to be taken off.

    >>> print(write_settings(Proposal(settings={"decimal": ('","', "fits every value")}), "Harbor", "exports").splitlines()[4])
    decimal: ","  # fits every value
    """
    numbers = _number(proposal)
    lines = [f"company: {text_yaml(company)}"]
    lines += [f"{key}: {value}" + (f"  # {_plain(why)}" if why else "") for key, (value, why) in proposal.settings.items()]
    for question in proposal.questions:
        if not question.place:
            lines += _ask(question, numbers[id(question)], "")
    if not any("currency:" in line for line in lines):
        lines.append("# currency: USD  # the exports name none")
    lines += ["# fiscal_year_start: 01-01", f"exports: {text_yaml(exports)}", "", "tables:"]
    for plan in sorted(proposal.plans, key=lambda p: list(TABLES).index(p.table)):
        block = _table(plan, numbers)
        lines += block if not proposal.is_left_out(plan) else [f"  # {line[2:]}" for line in block]
    for question in proposal.questions:
        if question.place:
            lines += _ask(question, numbers[id(question)], "  ")
            for plan in question.plans:
                lines += [f"  # {line[2:]}" for line in _table(plan, numbers)]
    return _HEAD + "\n".join(lines) + "\n"


def _number(proposal: Proposal) -> dict[int, int]:
    """Every question's number; what is asked about a table that is itself in question has the number of that question."""
    numbers = {}
    for n, question in enumerate(proposal.all_questions(), 1):
        numbers |= {id(q): n for q in (question, *(inner for plan in question.plans for inner in plan.questions))}
    return numbers


def _ask(question: Question, number: int, indent: str) -> list[str]:
    return [f"{indent}# QUESTION {number}: {_plain(question.asks)}"] + [
        f"{indent}# {line}" + (f"  # {_plain(why)}" if why else "") for line, why in question.lines
    ]


def _table(plan: Plan, numbers: dict[int, int]) -> list[str]:
    body = _select(plan, numbers) if plan.needs_select() else _file(plan, numbers)
    for key in ("dates", "decimal"):
        if value := getattr(plan, key):
            body.append(f"    {key}: {text_yaml(value)}")
    for question in plan.questions:
        if question.lines:
            body += _ask(question, numbers[id(question)], "    ")
    return [f"  {plan.table}:", *body]


def _file(plan: Plan, numbers: dict[int, int]) -> list[str]:
    file = plan.sheet.file
    lines = [f"    file: {text_yaml(file) if isinstance(file, str) else '[' + ', '.join(map(text_yaml, file)) + ']'}"]
    lines += [f"    sheet: {text_yaml(plan.sheet.sheet)}"] if plan.sheet.sheet else []
    asked = [q for q in plan.questions if q.answers]
    renamed = [f"      {c}: {text_yaml(a.name)}" for c, a in plan.columns.items() if c != a.name]
    if asked and not renamed:
        renamed = [f"      {c}: {text_yaml(a.name)}" for c, a in list(plan.columns.items())[:1]]
    for question in asked:
        renamed.append(f"      # QUESTION {numbers[id(question)]}: {_plain(question.asks)}")
        renamed += [f"      # {a.column}: {text_yaml(a.name)}  # {_plain(a.says)}" for a in question.answers]
    return lines + (["    columns:", *renamed] if renamed else [])


def _select(plan: Plan, numbers: dict[int, int]) -> list[str]:
    if plan.select:
        return ["    select: |", *(f"      {line}" for line in plan.select.splitlines())]
    items = [f"{a.written} AS {c}," for c, a in plan.columns.items()]
    for question in (q for q in plan.questions if q.answers):
        items.append(f"-- QUESTION {numbers[id(question)]}: {_plain(question.asks)} Take the -- off one line.")
        items += [f"-- {a.written} AS {a.column},  -- {_plain(a.says)}" for a in question.answers]
    own = [a.name for a in plan.columns.values() if a.name in plan.sheet.columns and not a.sql]
    rest = f"t.* EXCLUDE ({', '.join(map(quote, own))})" if TABLES[plan.table].own_columns and own else "t._file, t._row"
    source = f"FROM {plan.sheet.relation} t"
    return [
        "    select: |",
        "      SELECT",
        *(f"        {item}" for item in items),
        f"        {rest}",
        *(f"      {part}" for part in (source, *plan.joins)),
    ]


def _plain(text: str) -> str:
    """A text from the exports that stays on its line of a comment."""
    return shorten("".join(c if c.isprintable() else " " for c in text), 140)


# ---------------------------------------------------------------------------------------------------------------------- words


def _say(proposal: Proposal, imported: Imported, exports: Path, path: Path, wrong: str) -> Iterable[str]:
    many = "1 file" if len(imported.files) == 1 else f"{len(imported.files)} files"
    yield f"Read {many} in {exports}, every row."
    for problem in imported.problems:
        if not problem.what.startswith("is not read"):
            yield f"  {problem}"
    for plan in proposal.plans:
        yield ""
        yield f"{plan.sheet.said} ({plan.sheet.rows_n:,} rows): {plan.table}" + (
            ", left out until answered" if proposal.is_left_out(plan) else ""
        )
        for note in plan.notes:
            yield f"  {note}"
        if not plan.select:
            yield from _say_columns(plan)
    if proposal.settings:
        yield ""
        yield "For the whole company"
        yield from (f"  {key}: {value}" + (f" ({why})" if why else "") for key, (value, why) in proposal.settings.items())
    if proposal.unused:
        yield ""
        yield "Not used"
        yield from (f"  {name}: {why}" for name, why in proposal.unused)
    needed = [q for q in proposal.all_questions() if proposal.must_answer(q)]
    others = [q for q in proposal.all_questions() if not proposal.must_answer(q)]
    numbers = _number(proposal)
    for title, questions in (("To be answered first", needed), ("To be answered when you can; it runs without", others)):
        if questions:
            yield ""
            yield title
        for question in questions:
            where = f" ({proposal.place(question)})" if question.place not in ("", "tables") else ""
            yield f"  {numbers[id(question)]}. {question.asks}{where}"
            yield from (f"       {a.column}: {a.says if a.sql else f'{a.name}  {a.says}'}" for a in question.answers)
            yield from (f"       {line}  {why}".rstrip() for line, why in question.lines)
            yield from (f"       {plan.sheet.said}  {plan.sheet.rows_n:,} rows" for plan in question.plans)
    yield ""
    yield f"Written: {path}"
    if wrong and needed:
        yield f"Next: answer the {len(needed)} of the first kind there (each is a QUESTION), then: workbook check {path.parent}"
    elif wrong:
        yield "It does not run as it stands:"
        yield from (f"  {line}" for line in wrong.splitlines())
        yield f"Next: mend that, then: workbook check {path.parent}"
    else:
        yield f"It runs as it stands. Next: workbook check {path.parent}, then: workbook run {path.parent}"


def _say_columns(plan: Plan) -> Iterable[str]:
    renamed = [f"{c} = {a.says if a.sql else a.name}" for c, a in plan.columns.items() if c != a.name]
    same = [c for c, a in plan.columns.items() if c == a.name]
    if renamed:
        yield "  certain: " + "; ".join(renamed)
    if same:
        yield "  under our own names: " + ", ".join(same)
