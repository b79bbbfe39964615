"""One rep's executed notebooks in, one self-contained page out: first page, three parts, the evidence by step.

Cells are lifted to the front by their tags (see FRONT and PARTS); a link stays where they stood. Whatever came out of a
notebook is cleaned with an explicit allow-list, everything else is escaped by the templates, and the page's policy lets
nothing run and asks nobody for anything.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import mistune
import nh3
from markupsafe import Markup
from nbformat import NotebookNode

from workbook_helpers.measure import say_date, say_number
from workbook_helpers.present import cells
from workbook_helpers.present.wording import as_count

#: Nothing runs, nothing is fetched; the first element of every page's head.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

FACTS = "application/vnd.workbook.facts+json"

#: Items 3-12 of the first page: tag, heading, and the measures whose reason is told where the item is empty.
FRONT = (
    ("front:headline", "What is needed", ("unidentified_amount", "expected_gap", "goal")),
    ("front:ladder", "Where the goal comes from", ("goal", "booked_amount", "flow_amount", "likely_amount")),
    ("front:landing", "Where the year lands", ("forecast", "goal_probability")),
    ("front:pace", "Pace", ("pace",)),
    ("front:levers", "Three levers to four in five", ("goal_probability",)),
    ("front:accounts", "Five accounts", ("revenue",)),
    ("front:deals", "Five deals", ("open_deals",)),
    ("front:save", "Three customers to save", ("active_customers",)),
    ("front:open", "Three prospects to open", ()),
    ("front:actions", "Promised, kept, and this month", ()),
    ("front:behaviours", "Each week, and one question", ()),
)  # fmt: skip

#: What follows the first page: tag, heading.
PARTS = (
    ("where-i-am", "Where I am"),
    ("closes-the-gap", "What closes the gap"),
    ("this-month", "This month"),
)

_LIFTED = {tag: heading for tag, heading, *_ in (*FRONT, *PARTS)}
_WRONG_ROW = (
    "Is a row wrong? Note it in the plan's list of wrong data. Figures follow the source until it is mended there."
)

_TAGS = {
    "a", "abbr", "b", "bdi", "blockquote", "br", "caption", "code", "col", "colgroup", "data", "dd", "details", "div",
    "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p",
    "pre", "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "time", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"class", "id", "dir", "lang"},
    "a": {"href"}, "abbr": {"title"}, "data": {"value"}, "details": {"open"}, "img": {"src", "alt"},
    "i": {"style"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}, "time": {"datetime"},
}  # fmt: skip
_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+")
#: Where a picture inside a cell begins, and how wide it is; no other style comes from a notebook.
_PLACE = re.compile(r"((left|width):\d{1,3}\.\d%;?){1,2}")
_LINK = re.compile(r"#[\w.-]+|tables/[\w.-]+\.csv")
_NOTEBOOK = re.compile(r"(?:\d+_)?(\w+)\.ipynb")
_QUESTION = re.compile(r"([0-9MT])\.([0-9]+)\b")


@dataclass
class _Chapter:
    """One notebook on its way into the page: its anchor, title, questions and what stays in the evidence."""

    anchor: str
    title: str
    parts: list[Markup] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)
    provenance: list[Markup] = field(default_factory=list)
    #: anchor and text of the heading last passed
    here: tuple[str, str] = ("", "")


def render_report(*, header: Mapping[str, Any], notebooks: Mapping[str, NotebookNode], facts: Iterable[Mapping]) -> str:
    """The report of one rep as one HTML page that needs nothing else and runs nothing.

    header: what ``present.markup.header(book)`` returns: rep_id, rep_name, role and territory (text or None), company,
        currency, as_of (date or ISO text), plan {exists, age_days (or None), signed_by (texts)}, data_light {rows_used,
        set_aside_n, set_aside_amount, findings_n}, remarks (texts). Optional: how_to_mark_wrong (text).
    notebooks: stem -> executed notebook, in the order of the chapters.
    facts: the measures of all notebooks as ``facts.json`` holds them; they say why an empty item is empty.
    The caller removes nothing beforehand. Cells tagged ``remove-cell`` are left out; code, printed text and errors
    never show. ``find_defects`` says what in the notebooks is not fit for a report.
    """
    taken: set[str] = {"top", "contents", "evidence", "provenance", *map(_anchor, _LIFTED)}
    lifted: dict[str, list[tuple[tuple[str, str], Markup]]] = {tag: [] for tag in _LIFTED}
    chapters = [_read_chapter(stem, notebook, lifted, taken) for stem, notebook in notebooks.items()]
    reasons = {f["id"]: f["withheld"] for f in facts if f.get("cut") is None and f.get("withheld")}
    page = (
        environment()
        .get_template("report.html")
        .render(
            header=header,
            as_of=say_day(header["as_of"]),
            plan=say_plan(header["plan"]),
            data_light=say_data_light(header["data_light"], header["currency"]),
            wrong_row=header.get("how_to_mark_wrong") or _WRONG_ROW,
            front=[
                _item(tag, title, lifted[tag], [reasons[m] for m in ids if m in reasons]) for tag, title, ids in FRONT
            ],
            sections=[_item(tag, title, lifted[tag], []) for tag, title in PARTS],
            chapters=chapters,
            running=say_running(
                f"{clip(header['rep_name'], 60)}, {clip(header['company'], 60)}, as of {say_day(header['as_of'])}"
            ),
        )
    )
    return _drop_dead_links(whole(page))


def render_failed(*, header: Mapping[str, Any], notebook: str, question: str, reason: str, do: str) -> str:
    """The page that stands alone in the folder of a rep whose report could not be made.

    header: rep_id, rep_name, company, as_of (date or ISO text).
    notebook: the stem that failed, or "" when none was reached. question: the heading above the failing cell, or "".
    reason: what was seen, in plain words, without traceback or path. do: what to do next.
    """
    day = say_day(header["as_of"])
    told = {"notebook": notebook, "question": question, "reason": reason, "do": do}
    page = environment().get_template("failed.html")
    return whole(page.render(header=header, as_of=day, running=say_running(f"as of {day}"), **told))


def find_defects(notebooks: Mapping[str, NotebookNode]) -> list[str]:
    """What executed notebooks hold that has no place in a report: one line each, none when all is well.

    Printed text and warnings, errors, charts without alternative text, bare Python values, unknown front tags.
    """
    found = []
    for stem, notebook in notebooks.items():
        for number, cell in enumerate(notebook.cells, 1):
            for what in _defects(cell):
                found.append(f"{stem}, cell {number}: {what}")
    return found


def clip(text: Any, length: int = 120) -> str:
    """Text for a place of limited room, on one line.

    >>> clip("a\\n b"), clip("x" * 200, 5)
    ('a b', 'xxxx…')
    """
    line = " ".join(str("" if text is None else text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def whole(text: str) -> str:
    """The text without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def say_data_light(light: Mapping[str, Any], currency: str) -> str:
    """How much of the data counts.

    >>> say_data_light({"rows_used": 1200, "set_aside_n": 2, "set_aside_amount": 950.0, "findings_n": 1}, "USD")
    '1,200 rows used; 2 set aside (950 USD); 1 finding to mend.'
    """
    aside = light["set_aside_n"]
    amount = f" ({say_number(light['set_aside_amount'], 'money')} {currency})" if light.get("set_aside_amount") else ""
    parts = [f"{as_count(light['rows_used'], 'row')} used", f"{aside:,} set aside{amount}" if aside else "none set aside"]
    if n := light.get("findings_n"):
        parts.append(f"{as_count(n, 'finding')} to mend")
    return "; ".join(parts) + "."


@cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("workbook_helpers", "batch"),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    style = files("workbook_helpers.present").joinpath("report.css").read_text("utf-8")
    made.globals |= {"policy": POLICY, "style": Markup(style + cells.STYLE)}
    made.filters["clip"] = clip
    return made


def _read_chapter(stem: str, notebook: NotebookNode, lifted: dict, taken: set[str]) -> _Chapter:
    """Sorts a notebook's cells: lifted, provenance, or left in the chapter."""
    name = re.sub(r"^\d+_", "", stem)
    chapter = _Chapter(_unique(_slug(name), taken), title=name.replace("_", " ").capitalize())
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "remove-cell" in tags:
            continue
        html = _outputs(cell) if cell.cell_type == "code" else _markdown(cell.source, chapter, taken)
        tag = next((t for t in _LIFTED if t in tags), None)
        if tag:
            lifted[tag].append((chapter.here, html))
            html = Markup('<p class="moved">Stands above: <a href="#{}">{}</a>.</p>').format(_anchor(tag), _LIFTED[tag])
            if chapter.parts[-1:] == [html]:
                continue
        if cell.cell_type == "code" and any(FACTS in output.get("data", {}) for output in cell.outputs):
            chapter.provenance.append(html)
        elif html:
            chapter.parts.append(html)
    return chapter


class _Headings(mistune.HTMLRenderer):
    """Markdown whose headings fit under the page's own, each with an anchor; the chapter learns its questions."""

    def __init__(self, chapter: _Chapter, taken: set[str]) -> None:
        super().__init__(escape=False)
        self.chapter, self.taken, self.anchors = chapter, taken, list[str]()

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        title = Markup(text).striptags()
        if level == 1:  # the page prints the chapter's title itself
            self.chapter.title = title
            return ""
        question = _QUESTION.match(title)
        anchor = "q-{}-{}".format(*question.groups()) if question else f"{self.chapter.anchor}-{_slug(title)}"
        anchor = _unique(anchor, self.taken)
        self.chapter.here = (anchor, title)
        if question:
            self.chapter.questions.append((anchor, title))
        size = 4 if level < 4 else 5
        self.anchors.append(anchor)
        return f'<h{size} id="{anchor}">{text}</h{size}>\n'


def _markdown(source: str, chapter: _Chapter, taken: set[str]) -> Markup:
    headings = _Headings(chapter, taken)
    return _clean(str(mistune.create_markdown(renderer=headings, plugins=["table"])(source)), headings.anchors)


def _outputs(cell: NotebookNode) -> Markup:
    """What a code cell shows, cleaned: markup before picture before plain text; nothing else."""
    shown = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            shown.append(_clean("".join(data["text/html"])))
        elif "image/png" in data:
            shown.append(_picture("".join(data["image/png"]), _alt(output)))
        elif "text/plain" in data:
            shown.append(Markup("<pre>{}</pre>").format(whole("".join(data["text/plain"]))))
    return Markup("\n").join(shown)


def _clean(html: str, anchors: Iterable[str] = ()) -> Markup:
    """Only what the allow-list names. The only ids are the page's own ``anchors``, so that no two of a page meet."""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "id":
            return value if value in anchors else None
        if attribute == "style":
            return value if _PLACE.fullmatch(value) else None
        if attribute == "src":
            return value if _PICTURE.fullmatch(value) else None
        if attribute == "href":
            other = _NOTEBOOK.fullmatch(value)
            return f"#{_slug(other[1])}" if other else value if _LINK.fullmatch(value) else None
        return value

    return Markup(nh3.clean(whole(html), tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=keep, link_rel=None,
                            url_schemes={"data"}))  # fmt: skip


def _picture(encoded: str, alt: str | None) -> Markup:
    """A chart on its card, at the size it was drawn for: charts have 144 dots to the inch, pages 96."""
    encoded = "".join(encoded.split())
    width, height = struct.unpack(">II", base64.b64decode(encoded[:32])[16:24])
    return Markup(
        '<figure class="chart"><img src="data:image/png;base64,{}" alt="{}" width="{}" height="{}"></figure>'
    ).format(encoded, whole(alt or "A chart without a description"), round(width / 1.5), round(height / 1.5))


def _alt(output: Mapping) -> str | None:
    return output.get("metadata", {}).get("image/png", {}).get("alt")


def _item(tag: str, title: str, cells: list[tuple[tuple[str, str], Markup]], reasons: list[str]) -> dict[str, Any]:
    """A lifted item: its cells grouped by the question they answer, or the reason why it is empty."""
    groups: list[dict[str, Any]] = []
    for (anchor, question), html in cells:
        if not html:
            continue
        if not groups or groups[-1]["anchor"] != anchor:
            groups.append({"anchor": anchor, "question": question, "cells": []})
        groups[-1]["cells"].append(html)
    if reasons:
        empty = f"Not shown, because {'; '.join(dict.fromkeys(reasons))}."
    elif cells:
        empty = "Nothing to show here for this book."
    else:
        empty = "Not shown: no notebook of this run answers it."
    return {"anchor": _anchor(tag), "title": title, "groups": groups, "empty": "" if groups else empty}


def _defects(cell: NotebookNode) -> Iterator[str]:
    for tag in cell.metadata.get("tags", []):
        if tag.startswith("front:") and tag not in _LIFTED:
            yield f"tag {tag!r} is not one of {', '.join(t for t, *_ in FRONT)}"
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if output.output_type == "stream":
            yield f"prints {clip(''.join(output.text), 80)!r}"
        elif output.output_type == "error":
            yield f"failed with {output.ename}"
        elif "text/html" in data:
            continue
        elif "image/png" in data:
            if not _alt(output):
                yield "a chart has no alternative text"
        else:
            yield f"shows bare text {clip(''.join(data.get('text/plain', '')), 80)!r}"


def say_plan(plan: Mapping[str, Any]) -> str:
    """The plan's age and signature.

    >>> say_plan({"exists": True, "age_days": 12, "signed_by": ["rep", "manager"]})
    'Plan 12 days old, signed by rep and manager.'
    >>> say_plan({"exists": False, "age_days": None, "signed_by": []})
    'No plan for this year yet.'
    """
    if not plan["exists"]:
        return "No plan for this year yet."
    signed = plan.get("signed_by") or []
    signed = [signed] if isinstance(signed, str) else [str(who) for who in signed]
    return f"Plan {say_age(plan.get('age_days'))}, {'signed by ' + ' and '.join(signed) if signed else 'not signed'}."


def say_age(days: int | None) -> str:
    """
    >>> say_age(1), say_age(0), say_age(None)
    ('1 day old', 'of today', 'of unknown age')
    """
    if days is None:
        return "of unknown age"
    return "of today" if days == 0 else f"{days:,} day{'' if days == 1 else 's'} old"


def say_day(day: date | str) -> str:
    return say_date(date.fromisoformat(day) if isinstance(day, str) else day)


def say_running(text: str) -> Markup:
    """A text as a CSS string for the margin of printed pages, every unusual character as its number."""
    return Markup("".join(c if c.isascii() and (c.isalnum() or c in " ,.-") else f"\\{ord(c):x} " for c in text))


def _anchor(tag: str) -> str:
    return tag.replace(":", "-")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "x"


def _unique(anchor: str, taken: set[str]) -> str:
    name, n = anchor, 1
    while name in taken:
        n += 1
        name = f"{anchor}-{n}"
    taken.add(name)
    return name


def _drop_dead_links(page: str) -> str:
    """Unlinks what points to nothing. Texts stay as they are: "<" is escaped in text, quotation marks in attributes."""
    there = set(re.findall(r'<\w[^<>]*\sid="([^"]+)"', page))
    return re.sub(r'<a href="#([^"]+)"', lambda m: m[0] if m[1] in there else "<a", page)
