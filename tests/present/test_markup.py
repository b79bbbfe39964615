"""The one door to HTML: what is asked of people, and where they write it."""

import pytest

from workbook_helpers.plan import ASKED, Plan
from workbook_helpers.present import markup


@pytest.mark.parametrize("question", sorted(ASKED))
def test_an_open_question_names_the_place_to_write_without_marks_of_its_own(question):
    shown = markup.asked(Plan(rep_id="R1", year=2026), question)
    field = ASKED[question].fields[0].removeprefix("private.").removeprefix("manager.")
    assert f"<code>{field}</code>" in shown.html
    assert "`" not in shown.html and "`" not in shown.text
