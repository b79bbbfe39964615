"""The one door to HTML: what is asked of people, and where they write it."""

import pandas as pd
import pytest

from workbook_helpers.plan import ASKED, Plan
from workbook_helpers.present import markup


@pytest.mark.parametrize("question", sorted(ASKED))
def test_an_open_question_names_the_place_to_write_without_marks_of_its_own(question):
    shown = markup.asked(Plan(rep_id="R1", year=2026), question)
    field = ASKED[question].fields[0].removeprefix("private.").removeprefix("manager.")
    assert f"<code>{field}</code>" in shown.html
    assert "`" not in shown.html and "`" not in shown.text


def test_a_table_escapes_every_value_and_shows_missing_ones_as_a_dash():
    frame = pd.DataFrame({"who": ["<i>", None], "day": pd.to_datetime(["2026-03-05", None]), "amount": [float("nan"), 2.0]})
    columns = {"day": ("Day", "date"), "who": ("<Who>", "text"), "amount": ("USD", "money")}
    html = markup.table(frame, columns, caption="A & B").html
    assert "<i>" not in html and "&lt;i&gt;" in html and "&lt;Who&gt;" in html and "A &amp; B" in html
    assert html.count("–</td>") == 3 and html.index("5 Mar 2026") < html.index("&lt;i&gt;")


def test_a_table_says_how_many_rows_it_leaves_out():
    shown = markup.table(pd.DataFrame({"n": range(9)}), {"n": ("N", "count")}, caption="Nine.", limit=4)
    assert shown.html.count("<tr>") == 5 and "4 of 9 shown." in shown.html and shown.text == "Nine. (9 rows)"
