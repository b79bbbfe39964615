"""docs/questions.md says where each question is answered; the notebooks' headings hold it to that."""

from __future__ import annotations

import json
import re

from conftest import ROOT

PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([\dMT]+\.\d+) \|.*\| ([^|]+) \|$", PAGE, re.M))


def answered() -> dict[str, str]:
    """Question id -> the chapter that has a heading for it."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("0[1-9]*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for question in re.findall(r"^### (\d\.\d+) ", "".join(cell["source"]), re.M):
                    found[question] = f"chapter {path.stem[1]}"
    return found


def test_every_question_that_a_chapter_heads_is_listed_under_that_chapter():
    for question, chapter in answered().items():
        assert chapter in ROWS[question], (question, ROWS[question])


def test_no_question_is_listed_under_a_chapter_that_does_not_head_it():
    heads = answered()
    for question, where in ROWS.items():
        for chapter in re.findall(r"chapter \d", where):
            assert heads.get(question) == chapter or "worksheet" in where, (question, where)
