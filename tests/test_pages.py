"""What the pages say can be done: their commands, links, places and settings exist."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from workbook_helpers.__main__ import cli
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import Company, load_company

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)


def spans(text: str) -> list[str]:
    """What is marked as code: spans within a line, and the lines of indented blocks."""
    return re.findall(r"(?<!`)`([^`\n]+)`", text) + re.findall(r"^ {4,}(.+)$", text, re.M)


def blocks(text: str) -> list[str]:
    return [match[0] for match in re.finditer(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.M)]


@each_page
def test_every_command_on_a_page_exists_with_its_options(page):
    known = {name: {option for p in command.params for option in p.opts} for name, command in cli.commands.items()}
    for code in spans(page.read_text(encoding="utf-8")):
        for name, rest in re.findall(r"(?:^|[\s/\\])workbook(?:\.exe)? (\w+)([^#|>&]*)", code):
            assert name in known, code
            assert set(re.findall(r"--[\w-]+", rest)) <= known[name] | {"--help"}, code
        if option := re.match(r"--[\w-]+", code):
            assert any(option[0] in options for options in known.values()), code


@each_page
def test_every_link_and_place_on_a_page_is_there(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for code in spans(text):
        if re.fullmatch(r"(docs|data|notebooks|workbook_helpers)/[\w./-]*", code):
            assert (ROOT / code).exists(), code


@each_page
def test_every_piece_of_settings_on_a_page_loads(page, tmp_path):
    settings = {"company" if name == "name" else name for name in Company.model_fields} | {"tables"}
    for block in blocks(page.read_text(encoding="utf-8")):
        key = re.match(r"\s*(\w+): ?", block)
        if key and key[1] in settings | set(TABLES):
            found = YAML(typ="safe", pure=True).load(block)
            tables = {name: found.pop(name) for name in list(found) if name in TABLES}
            least = {"reps": "reps.csv", "orders": "orders.csv"}
            whole = found | {"tables": least | found.get("tables", {}) | tables}
            with (tmp_path / "workbook.yml").open("w", encoding="utf-8") as file:
                YAML().dump(whole, file)
            assert load_company(tmp_path).tables


def test_the_readme_leads_to_every_page():
    readme = PAGES[0].read_text(encoding="utf-8")
    assert not [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in readme]
