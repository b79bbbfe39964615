"""The page that describes a company's folder keeps up with the code."""

from conftest import ROOT

from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import Company

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_every_setting_is_described():
    for name in Company.model_fields:
        assert name == "folder" or f"`{'company' if name == 'name' else name}`" in PAGE


def test_every_table_and_column_is_described():
    for table in TABLES.values():
        section = PAGE.split(f"### {table.name}\n")[1].split("\n### ")[0]
        for column in table.columns:
            name = f"**{column.name}**" if column.required else column.name
            assert f"| {name}{' †' if column.filled else ''} |" in section
