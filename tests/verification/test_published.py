"""Every figure on the page of published figures agrees, from the same functions that print it."""

from __future__ import annotations

import pytest

from tests.verification.published import CHECKS, ROOT, Absent


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_published_figure_is_reproduced(check):
    try:
        figures = check()
    except Absent as why:
        pytest.skip(str(why))
    assert figures and not [(f.what, f.published, f.ours) for f in figures if not f.agrees]


def test_the_page_names_every_figure():
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    assert "NO |" not in page and "BG/NBD" in page and page.count("| yes |") >= 10
