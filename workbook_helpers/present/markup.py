"""The one door where text becomes HTML. Whatever comes from data is escaped here, and nowhere else is markup written.

Every function returns a Shown, which a notebook displays and the report takes over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from workbook_helpers.data import Book
from workbook_helpers.measure import Answer, Measure, say_date, say_number
from workbook_helpers.plan import ASKED, Plan, plan_age_days, say_answer, signed_by, summarise_completeness
from workbook_helpers.present import cells
from workbook_helpers.present.wording import as_count

#: What a column of a table holds: a unit, or a picture with one.
Kind = str | cells.Bar | cells.Range | cells.Shade

FACTS = "application/vnd.workbook.facts+json"

#: "See the math" shows this many source rows; the CSV beside the report holds them all.
ROWS_SHOWN = 20

#: JupyterLab sets every cell of a table to the right, and knows no findings; reports leave this out and bring their own style.
_IN_JUPYTER = (
    "<style>.shown table :is(.text, .date), .shown caption { text-align: left } .shown .date { white-space: nowrap } "
    ".shown .finding { font-weight: 600 } .shown .note { font-style: italic } .shown .table-scroll { overflow-x: auto } "
    f"{cells.STYLE}</style>"
)

#: What the last word of a column's name says of its unit.
_ENDS = {
    "share": ("_share", "share", "probability", "chance", "weight"),
    "days": ("_days",), "count": ("_n",), "hours": ("_hours",), "money": ("amount", "spend"),
}  # fmt: skip
#: Columns that only the steps need.
_TECHNICAL = ("rep_id", "state_known", "strength")


class Shown:
    """Something to look at: escaped markup, with its plain text for places that show no markup."""

    def __init__(self, html: Markup, text: str, data: Mapping[str, Any] | None = None) -> None:
        # JupyterLab typesets "$" as mathematics unless the class says not to.
        self.html = Markup('<div class="shown tex2jax_ignore">{}</div>').format(html)
        self.text, self.data = text, dict(data or {})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": _IN_JUPYTER + str(self.html), "text/plain": self.text, **self.data}

    def __repr__(self) -> str:
        return self.text


def note(text: str) -> Shown:
    """A remark beside the findings.

    >>> note("a < b").html
    Markup('<div class="shown tex2jax_ignore"><p class="note">a &lt; b</p></div>')
    """
    return Shown(Markup('<p class="note">{}</p>').format(text), text)


def sentence(answer: Answer, text: str | None, *measures: Measure) -> Shown:
    """The answer in a sentence, its measures behind "see the math"; where it is withheld, the reason instead."""
    if answer.withheld is not None:
        return note(f"Not answered: {answer.withheld}.")
    parts = [Markup('<p class="finding">{}</p>').format(text)]
    if measures:
        frames = {id(m.rows): m.rows for m in measures if m.rows is not None and len(m.rows)}
        listed = {key: _list_rows(frame) for key, frame in frames.items()}  # several measures stand on the same rows
        math_parts = Markup("").join(_math(m, listed.get(id(m.rows))) for m in measures)
        parts.append(Markup('<details class="math"><summary>See the math</summary>{}</details>').format(math_parts))
    return Shown(Markup("").join(parts), text or "")


def table(
    frame: pd.DataFrame, columns: Mapping[str, tuple[str, Kind]], *, caption: str, limit: int = ROWS_SHOWN
) -> Shown:
    """The frame as a table. columns: column -> (title, unit), where unit is a measure's unit, ``text`` or ``date``, or a picture with
    such a unit (``cells.Bar``, ``Range``, ``Shade``).

    >>> columns = {"who": ("Who", "text"), "amount": ("USD", "money")}
    >>> shown = table(pd.DataFrame({"who": ["<b>"], "amount": [1234.5]}), columns, caption="Two")
    >>> "&lt;b&gt;" in shown.html and "1,234" in shown.html
    True
    """
    head = Markup("").join(
        Markup('<th scope="col" class="{}">{}</th>').format(_side(unit), title) for title, unit in columns.values()
    )
    top = frame.head(limit)
    drawn = [_draw(top, name, unit) for name, (_, unit) in columns.items()]
    body = Markup("".join(f"<tr>{''.join(row)}</tr>" for row in zip(*drawn, strict=True)))
    shown = f" {limit} of {len(frame):,} shown." if len(frame) > limit else ""
    html = Markup(
        '<div class="table-scroll"><table class="data"><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(caption + shown, head, body)
    return Shown(html, f"{caption} ({as_count(len(frame), 'row')})")


def _draw(frame: pd.DataFrame, name: str, kind: Kind) -> list[str]:
    """The cells of one column, from top to bottom."""
    if isinstance(kind, str):
        return [f'<td class="{_side(kind)}">{escape(say_cell(value, kind))}</td>' for value in frame[name]]
    said = [escape(say_cell(value, kind.unit)) for value in frame[name]]
    if isinstance(kind, cells.Shade):
        pairs = zip(kind.classes(frame, name), said, strict=True)
        return [f'<td class="{_side(kind)} {shade}">{text}</td>' for shade, text in pairs]
    return [f'<td class="{_side(kind)}">{text} {picture}</td>' for text, picture in zip(said, kind.draw(frame, name), strict=True)]


def say_cell(value: Any, unit: str) -> str:
    """One value of a table as text.

    >>> say_cell(0.25, "share"), say_cell(None, "money"), say_cell(pd.Timestamp("2026-03-05"), "date")
    ('25 %', '–', '5 Mar 2026')
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if unit == "date":
        return say_date(pd.Timestamp(value))
    if unit == "text":
        return str(value)
    return say_number(value, unit)


def _side(kind: Kind) -> str:
    unit = kind if isinstance(kind, str) else kind.unit
    return unit if unit in ("text", "date") else "number"


def _math(measure: Measure, listed: Markup | None) -> Markup:
    """One measure opened: formula, inputs, interval, period, and its largest source rows."""
    lines = [("Formula", measure.formula)]
    if measure.numerator is not None and measure.denominator is not None:
        inputs = f"{_plain_number(measure.numerator)} ÷ {_plain_number(measure.denominator)}"
        lines.append(("Inputs", inputs))
    if measure.low is not None and measure.level is not None:
        lines.append((f"{100 * measure.level:.0f} % interval", measure.say_interval()))
    if measure.period_start and measure.period_end:
        lines.append(("Period", f"{say_date(measure.period_start)} to {say_date(measure.period_end)}"))
    if measure.source:
        lines.append(("Source", measure.source))
    rows = Markup("")
    if listed is not None:
        link = Markup('<p class="csv">{}: <a href="tables/{}.csv">tables/{}.csv</a></p>')
        rows = listed + link.format(as_count(len(measure.rows), "row"), measure.key, measure.key)
    terms = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(k, v) for k, v in lines if v)
    return Markup('<section class="measure"><h5>{}</h5><dl>{}</dl>{}</section>').format(str(measure), terms, rows)


def _list_rows(rows: pd.DataFrame) -> Markup:
    """Source rows as a table, largest first."""
    frame = rows[[c for c in rows if c not in _TECHNICAL]]
    numbers = (c for c in frame if pd.api.types.is_numeric_dtype(frame[c]))
    key = "amount" if "amount" in frame else next(numbers, None)
    if key is not None:
        frame = frame.iloc[np.argsort(-np.abs(frame[key].to_numpy(dtype=float)), kind="stable")]
    kinds = {c: (c.replace("_", " "), _kind(frame[c])) for c in frame}
    return table(frame, kinds, caption="The rows behind it, largest first." if len(frame) > 1 else "The row behind it.").html


def _kind(column: pd.Series) -> str:
    """The unit of a source column, told from its name as everywhere in this project; else from its size.

    >>> columns = {"chance": [1.0], "usual_gap_days": [31.0], "calls_n": [4.0], "amount": [0.5], "index": [1.25]}
    >>> [_kind(pd.Series(values, name=name)) for name, values in columns.items()]
    ['share', 'days', 'count', 'money', 'ratio']
    """
    name = str(column.name)
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "text"
    for unit, ends in _ENDS.items():
        if name.endswith(ends):
            return unit
    known = column.dropna().astype(float)
    whole = (known % 1 == 0).all() or known.abs().max() >= 1_000
    return "count" if whole else "ratio"


def _plain_number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def cover(book: Book) -> Shown:
    """Whose book this is, and on which day; and what was assumed, where a parameter was empty and nothing chosen."""
    pairs = [
        ("Rep", book.rep.rep_name),
        ("Territory", book.rep.territory or "not given"),
        ("Role", book.rep.role or "not given"),
        ("As of", say_date(book.as_of)),
        ("Company", f"{book.company.name}, amounts in {book.company.currency}"),
    ]
    terms = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(k, v) for k, v in pairs)
    assumed = Markup("").join(note(line).html for line in book.assumed)
    return Shown(Markup('<dl class="cover">{}</dl>').format(terms) + assumed, "; ".join(f"{k}: {v}" for k, v in pairs))


def coverage(book: Book, *, whole: bool = False) -> Shown:
    """What the numbers stand on: rows read, used and set aside per table, what is to mend, and what was assumed.

    whole: with the rows by table, even where none was set aside; one chapter of a report needs them.
    """
    read = book.read
    used, aside = int(read["used_n"].sum()), int(read["set_aside_n"].sum())
    text = f"{as_count(used, 'row')} of this book {'was' if used == 1 else 'were'} used"
    text += f", {aside:,} set aside." if aside else "; none was set aside."
    finding = Markup('<p class="finding">{}</p>').format(text)
    if not whole and not aside:
        return Shown(finding, text)
    columns = {
        "table": ("Table", "text"),
        "read_n": ("Rows known", "count"),
        "used_n": ("Used", "count"),
        "set_aside_n": ("Set aside", "count"),
        "set_aside_amount": (f"Amount set aside, {book.company.currency}", "money"),
        "why": ("Why", "text"),
    }
    listed = table(read, columns, caption=f"Rows of this book known on {say_date(book.as_of)}.", limit=len(read))
    remarks = Markup("").join(note(remark).html for remark in book.remarks)
    folded = Markup('<details class="covers"><summary>Rows by table, and what to mend</summary>{}{}</details>').format(
        listed.html, _to_mend(book.problems)
    )
    return Shown(finding + folded + remarks, text)


def _to_mend(problems: pd.DataFrame) -> Markup:
    """The first rows that people can mend, each with its id and what to do."""
    if problems.empty:
        return Markup("")
    columns = {"table": ("Table", "text"), "key": ("Id", "text"), "column": ("Column", "text"), "value": ("Value", "text"),
               "what": ("What is wrong", "text"), "fix": ("What to do", "text")}  # fmt: skip
    return table(problems, columns, caption="What to mend.", limit=10).html


def asked(plan: Plan, question: str) -> Shown:
    """What the plan says to a question that only people can answer, or where to write it."""
    prompt, said = ASKED[question].prompt, say_answer(plan, question)
    if said:
        items = Markup("").join(Markup("<li>{}</li>").format(line) for line in said)
        html = Markup('<div class="asked"><p>{}</p><ul>{}</ul></div>').format(prompt, items)
        return Shown(html, f"{prompt} {'; '.join(said)}")
    fields = ASKED[question].fields
    file, dot, _ = fields[0].partition(".")
    inside = file + dot if file in ("private", "manager") else ""
    names = [field.removeprefix(inside) for field in fields]
    text = "{} Nobody has answered yet: write it under {} in the plan."
    if inside:  # says nothing of whether that file is filled
        prompt, text = prompt.removesuffix(" Only you see this."), "{} Write it under {} in " + f"{plan.year}.{file}.yml: only you see it."
    code = Markup(" or ").join(Markup("<code>{}</code>").format(name) for name in names)
    html = Markup('<div class="asked open"><p>{}</p></div>').format(Markup(text).format(prompt, code))
    return Shown(html, text.format(prompt, " or ".join(names)))


def facts(book: Book, *answers: Answer, card: Mapping[str, str] | None = None) -> Shown:
    """The last cell of a notebook: records every measure, and says what this run stood on."""
    measures = [m for answer in answers for m in book.beside_team(answer).measures]
    keys, provenance = [m.key for m in measures], book.provenance
    twice = sorted({k for k in keys if keys.count(k) > 1})
    if twice:
        raise ValueError(f"recorded twice: {', '.join(twice)}")
    bundle = {
        "facts": [m.to_fact() for m in measures],
        "rows": {m.key: _rows(m.rows) for m in measures if m.rows is not None},
        "card": dict(card or {}),
        "header": header(book),
        "provenance": provenance,
    }
    lines = [("Measures recorded", len(measures)), *((k.replace("_", " "), v) for k, v in provenance.items())]
    terms = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(k, v) for k, v in lines)
    html = Markup('<dl class="provenance">{}</dl>').format(terms)
    return Shown(html, f"{len(measures)} measures recorded", {FACTS: bundle})


def header(book: Book) -> dict[str, Any]:
    """What the report's first lines say of the rep, the plan and the data (plain JSON values)."""
    return {
        "rep_id": book.rep.rep_id,
        "rep_name": book.rep.rep_name,
        "role": book.rep.role,
        "territory": book.rep.territory,
        "company": book.company.name,
        "currency": book.company.currency,
        "as_of": book.as_of.isoformat(),
        "plan": {
            "exists": book.plan_exists,
            "complete_share": float(summarise_completeness(book.plan, book.as_of)["complete"].mean()),
            "age_days": plan_age_days(book.plan, book.as_of),
            "signed_by": signed_by(book.plan, book.as_of),
        },
        "data_light": {
            "rows_used": int(book.read["used_n"].sum()),
            "set_aside_n": int(book.read["set_aside_n"].sum()),
            "set_aside_amount": float(book.read["set_aside_amount"].sum()),
            "findings_n": int(book.findings_n),
        },
        "remarks": list(book.remarks),
    }


def _rows(frame: pd.DataFrame) -> dict[str, list]:
    def plain(value: Any) -> Any:
        if value is None or value != value:  # NaN and NaT differ from themselves
            return None
        if isinstance(value, date):
            return value.isoformat()[:10]
        return value.item() if hasattr(value, "item") else value

    columns = [[plain(value) for value in column] for _, column in frame.items()]
    return {"columns": [str(c) for c in frame.columns], "rows": [list(row) for row in zip(*columns, strict=True)]}


def paragraphs(lines: Iterable[str]) -> Shown:
    """A list of plain lines, for questions to talk about.

    >>> paragraphs(["a & b"]).text
    '• a & b'
    """
    lines = list(lines)
    items = Markup("").join(Markup("<li>{}</li>").format(escape(line)) for line in lines)
    return Shown(Markup('<ul class="questions">{}</ul>').format(items), "\n".join(f"• {line}" for line in lines))
