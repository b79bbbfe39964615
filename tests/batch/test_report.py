"""The report page: order, honesty about what is missing, and nothing that runs or asks the network."""

import base64
import re
import struct
import zlib
from html import unescape

import pandas as pd
import pytest
from markupsafe import escape
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from workbook_helpers.batch.report import FACTS, FRONT, PARTS, POLICY, find_defects, render_failed, render_report
from workbook_helpers.present import cells as table_cells, markup

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</style><script>alert(2)</script>",
    "</title><h1>x",
    "**bold** [a](http://evil.example) $1,200 to $3,400",
    "{{ 7 * 7 }} {% raw %}",
    "\u202egnp.exe \u05d0\u05d1\u05d2 \U0001f600",
    '"; } body { display: none } \\',
]


def make_png(width=1037, height=432):
    """The smallest white picture of that size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")).decode()


def shown(html, *tags, plain="text", **more):
    output = new_output("display_data", {"text/html": str(html), "text/plain": plain, **more})
    return new_code_cell("book.something()", outputs=[output], metadata={"tags": list(tags)})


def sentence(text, *tags):
    math = (
        '<details class="math"><summary>See the math</summary>'
        '<section class="measure"><dl><dt>Formula</dt><dd>won</dd></dl></section></details>'
    )
    return shown(f'<div class="shown tex2jax_ignore"><p class="finding">{escape(text)}</p>{math}</div>', *tags)


def table(
    *tags,
    columns=("Account", "Expected, USD", "Last touch", "Next step"),
    rows=5,
    text="Saint Catherine's Regional Clinic",
):
    head = "".join(f'<th scope="col" class="text">{escape(c)}</th>' for c in columns)
    body = "".join(
        f'<tr><td class="text">{escape(text)} {n}</td>'
        + "".join('<td class="number">123,400</td>' for _ in columns[1:]) + "</tr>"
        for n in range(rows)
    )  # fmt: skip
    return shown(
        '<div class="shown"><div class="table-scroll"><table class="data"><caption>Sorted by amount.</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>", *tags)  # fmt: skip


def chart(*tags, png=None, alt="Bars: booked 60 %, flow 20 %"):
    metadata = {"image/png": {"alt": alt}} if alt else {}
    output = new_output("display_data", {"image/png": png or make_png(), "text/plain": "bars"}, metadata=metadata)
    return new_code_cell("show.chart()", outputs=[output], metadata={"tags": list(tags)})


def provenance():
    html = '<dl class="provenance"><dt>Measures recorded</dt><dd>12</dd></dl>'
    return shown(html, **{FACTS: {"facts": [], "rows": {}, "card": {}, "provenance": {"secret": "not printed"}}})


def make_notebooks(text="Bay Clinic", png=None):
    """Two chapters that fill every place of the report, with ``text`` in each of them."""
    place = {tag: sentence(f"{tag}: {text}", tag) for tag, *_ in (*FRONT, *PARTS)}
    place |= {"front:ladder": chart("front:ladder", png=png), "front:accounts": table("front:accounts", text=text)}
    customers = [
        new_markdown_cell("# Who are my customers?\n\nFor the rep."),
        new_code_cell("company = 'x'", metadata={"tags": ["parameters"]}),
        new_markdown_cell("Left out.", metadata={"tags": ["remove-cell"]}),
        new_markdown_cell(
            "### 1.5 Where does conversion fall?\n\nBy stage. [Next](05_goals.ipynb), [map](00_start_here.ipynb)."
        ),
        sentence(f"It falls at Propose: {text}"),
        chart(png=png),
        place["where-i-am"],
        new_markdown_cell("### 1.8 Which few accounts yield 80 %?"),
        place["front:accounts"],
        table(text=text, columns=[f"Column {n}" for n in range(14)], rows=20),
        new_markdown_cell("## What this cannot tell you\n\nWhy."),
        provenance(),
    ]
    goals = [new_markdown_cell("# Where does the year land?"), new_markdown_cell("### 5.3 How probable is the goal?")]
    goals += [cell for tag, cell in place.items() if tag not in ("where-i-am", "front:accounts")]
    goals += [new_markdown_cell("## What this cannot tell you"), provenance()]
    return {"01_customer_understanding": new_notebook(cells=customers), "05_goals": new_notebook(cells=goals)}


def make_header(text="Ana Ortiz"):
    return {
        "rep_id": text, "rep_name": text, "role": text, "territory": text, "company": text, "currency": "USD",
        "as_of": "2026-09-30", "plan": {"exists": True, "age_days": 43, "signed_by": ["rep"]},
        "data_light": {"rows_used": 1234, "set_aside_n": 3, "set_aside_amount": 950.0, "findings_n": 2},
        "remarks": [f"Amounts stand as exported. {text}"],
    }  # fmt: skip


def render(text="Ana Ortiz", notebooks=None, facts=()):
    return render_report(
        header=make_header(text), notebooks=make_notebooks(text) if notebooks is None else notebooks, facts=facts
    )


def check_page(page):
    """What holds for every page of ours."""
    assert page.startswith("<!doctype html>")
    assert re.search(r"<head>\s*<(.+?)>", page)[1] == f'meta http-equiv="Content-Security-Policy" content="{POLICY}"'
    assert not re.search(r"<(script|form|iframe|frame|object|embed|link|base|svg|video|audio)\b", page, re.I)
    assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r'"[^"]*"', '""', page))
    assert not re.search(r'\b(?:src|href|action|data|poster)="(?!data:image/png|#|[\w%./-]+(?:\.html|\.csv))', page)
    assert "url(" not in page and "@import" not in page
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert {link for link in re.findall(r'href="#([^"]*)"', page)} <= set(ids)
    assert all(re.search(r'alt="[^"]+"', image) for image in re.findall(r"<img[^>]*>", page))


def test_the_page_is_safe_and_whole():
    page = render()
    check_page(page)
    assert len(page.encode()) < 2_000_000


def test_the_first_page_is_in_order_then_the_parts_then_the_evidence():
    page = render()
    places = [
        "Ana Ortiz</bdi></h1>",
        "Plan 43 days old, signed by rep.",
        "1,234 rows used; 3 set aside (950 USD); 2 findings to mend.",
    ]
    places += [f'id="{tag.replace(":", "-")}"' for tag, *_ in FRONT] + ['id="contents"']
    places += [f'id="{tag}"' for tag, _ in PARTS] + [
        'id="evidence"',
        'id="customer-understanding"',
        'id="goals"',
        'id="provenance"',
    ]
    found = [page.index(place) for place in places]
    assert found == sorted(found)


def test_a_lifted_cell_moves_and_leaves_a_link():
    page = render()
    evidence = page[page.index('id="evidence"') :]
    for tag, *_ in (*FRONT, *PARTS):
        if tag not in ("front:ladder", "front:accounts"):
            assert page.count(f"{tag}: Ana") == 1
        assert f'Stands above: <a href="#{tag.replace(":", "-")}">' in evidence
        assert f"{tag}: Ana" not in evidence


@pytest.mark.parametrize("tag", [tag for tag, *_ in FRONT])
def test_an_empty_item_says_why(tag):
    empty = {"05_goals": new_notebook(cells=[new_code_cell("chart", metadata={"tags": [tag]})])}
    anchor = tag.replace(":", "-")

    def item(page):
        return re.search(f'id="{anchor}">(.*?)</section>', page, re.S)[1]

    assert "Nothing to show here for this book." in item(render(notebooks=empty))
    assert "Not shown: no notebook of this run answers it." in item(render(notebooks={}))
    reasons = dict((t, ids) for t, _, ids in FRONT)[tag]
    facts = [{"id": i, "cut": None, "value": None, "withheld": "it needs table <quotas>"} for i in reasons]
    if facts:
        assert "Not shown, because it needs table &lt;quotas&gt;." in item(render(notebooks=empty, facts=facts))


def test_contents_name_every_chapter_and_question():
    contents = re.search(r'id="contents".*?</nav>', render(), re.S)[0]
    for text in (
        "Who are my customers?",
        "Where does the year land?",
        "1.5 Where does conversion fall?",
        "1.8 Which few",
        "5.3 How",
    ):
        assert text in contents


def test_links_to_other_notebooks_go_to_their_chapters():
    page = render()
    assert '<a href="#goals">Next</a>' in page
    assert "<a>map</a>" in page


def test_markup_comes_before_plain_text_and_the_facts_are_not_printed():
    page = render()
    assert "<pre>text" not in page and "not printed" not in page and "Left out." not in page
    assert "Measures recorded" in page[page.index('id="provenance"') :]
    assert page.index("Measures recorded") > page.index('id="provenance"')


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text):
    page = render(text)
    check_page(page)
    read = unescape(re.sub(r"<[^>]*>", "", page[page.index("<body") :]))
    places = 5 + 1 + len(FRONT) + len(PARTS) - 2 + 1  # head, remark, lifted sentences, one left in the chapter
    assert read.count(text) >= places


def test_markup_that_slipped_through_is_cleaned():
    cells = [
        shown('<p onclick="x()">kept</p><script>alert(1)</script><iframe src="data:text/html,x"></iframe>'),
        shown('<a href="http://evil.example">a</a><a href="javascript:x">b</a><a href="tables/win_rate.csv">c</a>'),
        shown(
            '<img src="http://evil.example/x.png" alt="x"><style>p{}</style><h1 id="top" style="position:fixed">h</h1>'
        ),
        new_markdown_cell('<img src=x onerror="alert(1)"> <form><input></form>'),
    ]
    page = render(notebooks={"01_x": new_notebook(cells=cells)})
    body = page[page.index("<body") :]
    assert "kept" in body and '<a href="tables/win_rate.csv">c</a>' in body
    assert not re.search(r"evil|javascript|onclick|onerror|<form|<input|position:fixed|<style|alert", body)
    assert body.count('id="top"') == 1


def test_a_picture_in_a_cell_keeps_its_place_and_no_other_style_passes():
    rates = pd.DataFrame({"rate_share": [0.5], "low_share": [0.25], "high_share": [0.75]})
    drawn = markup.table(rates, {"rate_share": ("Rate", table_cells.Range("low_share", "high_share"))}, caption="Rates")
    evil = '<i style="left:0.0%;background:url(x)">x</i><i style="position:fixed;left:1.0%">y</i><span style="left:1.0%">z</span>'
    page = render(notebooks={"01_x": new_notebook(cells=[shown(str(drawn.html)), shown(evil)])})
    body = page[page.index("<body") :]
    assert 'style="left:25.0%;width:50.0%"' in body and 'class="dot" style="left:50.0%"' in body
    assert not re.search(r"url\(|position:fixed|<span style", body)


def test_very_long_and_broken_text():
    page = render("x" * 10_000 + "\ud800")
    page.encode("utf-8")
    head = page[page.index("<header>") : page.index("</header>")]
    assert len(head) < 12_000  # names are cut, remarks are not
    assert len(re.search(r"<title>(.*?)</title>", page, re.S)[1]) < 120


def test_prices_are_no_mathematics():
    nb = new_notebook(cells=[new_markdown_cell("from $1,200 to $3,400 and a_b_c")])
    assert "from $1,200 to $3,400 and a_b_c" in render(notebooks={"01_x": nb})


def test_the_same_input_gives_the_same_page():
    assert render() == render()


def test_defects_are_named():
    cells = [
        chart(alt=None),
        new_code_cell("1", outputs=[new_output("stream", name="stderr", text="FutureWarning: x")]),
        new_code_cell("2", outputs=[new_output("execute_result", {"text/plain": "3"})]),
        shown("<p>x</p>", "front:ladders"),
    ]
    found = find_defects({"01_x": new_notebook(cells=cells)})
    assert [line.split(": ")[0] for line in found] == [f"01_x, cell {n}" for n in (1, 2, 3, 4)]
    assert find_defects(make_notebooks()) == []


def test_streams_and_errors_do_not_show():
    outputs = [
        new_output("stream", name="stdout", text="printed"),
        new_output("error", ename="KeyError", evalue="tell", traceback=["/home/x"]),
    ]
    page = render(notebooks={"01_x": new_notebook(cells=[new_code_cell("x", outputs=outputs)])})
    assert "printed" not in page and "KeyError" not in page and "/home/x" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_a_failed_report_says_what_and_what_to_do(text):
    page = render_failed(header=make_header(text), notebook=text, question=text, reason=text, do=text)
    check_page(page)
    assert unescape(re.sub(r"<[^>]*>", "", page[page.index("<body") :])).count(text) == 7


def test_the_style_that_only_jupyterlab_needs_stays_out_of_a_report():
    html = markup.note("left")._repr_mimebundle_()["text/html"]
    assert "<style>" in html
    page = render(notebooks={"01_x": new_notebook(cells=[shown(html)])})
    assert page.count("<style") == 1 and "left" in page and ".shown table :is(" not in page
