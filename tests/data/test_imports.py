"""Files from outside: what is read comes back as it was written, what is doubtful is refused in plain words."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.conftest import SHARED
from workbook_helpers.data import readers
from workbook_helpers.data.imports import DELIMITERS, FileOptions, Imported, load_export, load_exports
from workbook_helpers.errors import InputDataError, WorkbookError

OLE = bytes.fromhex("D0CF11E0A1B11AE1")  # how old and encrypted spreadsheets begin

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(tmp_path: Path, content: str | bytes, name: str = "t.csv", **options: str) -> Imported:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_export(path, FileOptions(**options))


def rows(imported: Imported, name: str = "t") -> list[tuple]:
    """The rows of a table, each with its row number first and without the file's name."""
    found = imported.tables[name].to_pylist()
    return [
        (row["_row"], *(value for column, value in row.items() if column not in ("_row", "_file"))) for row in found
    ]


def refusal(imported: Imported) -> str:
    """The text of the only problem, which must be that the file is unusable."""
    (problem,) = imported.problems
    assert problem.severity == "unusable" and not imported.tables and not imported.files
    return str(problem)


def problems(imported: Imported, severity: str) -> list[tuple]:
    return [(p.row, p.what) for p in imported.problems if p.severity == severity]


def xlsx(tmp_path: Path, *sheets: list[list], name: str = "t.xlsx", **options: bool) -> Path:
    path = tmp_path / name
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", **options}) as book:
        for cells in sheets:
            sheet = book.add_worksheet()
            for i, row in enumerate(cells):
                for j, value in enumerate(row):
                    (sheet.write_string if isinstance(value, str) else sheet.write)(i, j, value)
    return path


def repack(path: Path, part: str, old: str, new: str) -> Path:
    """Changes the text of one part of a spreadsheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


class TestValuesOfTextFiles:
    @pytest.mark.parametrize("text", [
        "00123", "NA", "None", "null", "NaN", "1E5", "INF", "TRUE", "1.234", "01/02/2026", "1e309",
        "003000000000000123", " R1", "R1\u200b", "e\u0301", "-", "#N/A", "=1+1",
    ])  # fmt: skip
    def test_a_text_stays_the_text_it_is(self, tmp_path, text):
        assert rows(read(tmp_path, f"Id,Value\nx,{text}\n")) == [(2, "x", text)]

    def test_an_id_beside_a_blank_keeps_all_its_digits(self, tmp_path):
        assert rows(read(tmp_path, "Id,N\n500300000000000123,1\n,2\n")) == [
            (2, "500300000000000123", "1"),
            (3, None, "2"),
        ]

    def test_empty_fields_are_missing_with_and_without_quotation_marks(self, tmp_path):
        assert rows(read(tmp_path, 'A,B,C\n,"",x\n')) == [(2, None, None, "x")]


class TestRowNumbers:
    def test_a_record_with_line_breaks_counts_as_one_row_and_blank_lines_count(self, tmp_path):
        imported = read(tmp_path, 'Id,Address\r\n1,"Main St\r\nUpper\n\nfloor"\r\n\r\n2,x\r\n,\r\n3,y\r\n')
        assert rows(imported) == [(2, "1", "Main St\r\nUpper\n\nfloor"), (4, "2", "x"), (6, "3", "y")]
        assert not imported.problems and imported.files[0].rows == 3

    def test_rows_set_aside_count_too(self, tmp_path):
        imported = read(tmp_path, "Id,Name\n1,a\n2\n3,c\n4,d,e\n5,f\n")
        assert rows(imported) == [(2, "1", "a"), (4, "3", "c"), (6, "5", "f")]
        assert [(p.row, p.value, p.what) for p in imported.problems] == [
            (3, "2", "has 1 field where the header has 2"),
            (5, "4,d,e", "has 3 fields where the header has 2"),
        ]
        assert imported.files[0].rows == 5

    def test_every_row_says_which_file_it_comes_from(self, tmp_path):
        assert read(tmp_path, "Id\n1\n", "a b.csv").tables["a b"]["_file"].to_pylist() == ["a b.csv"]


class TestShapeOfTextFiles:
    def test_a_delimiter_at_the_end_of_every_row_does_not_shift_the_columns(self, tmp_path):
        imported = read(tmp_path, "Id,Name,City\n" + "1,a,x,\n" * 300 + "2,b,y,oops\n3,c,z\n4,d,w,\n")
        assert rows(imported)[0] == (2, "1", "a", "x") and rows(imported)[-1] == (304, "4", "d", "w")
        assert len(problems(imported, "finding")) == 1
        assert problems(imported, "set_aside") == [
            (302, "has 4 fields where the header has 3"),
            (303, "has 3 fields where every other row has 4"),
        ]

    def test_a_delimiter_at_the_end_of_most_rows_is_refused(self, tmp_path):
        assert "3 rows do not fit the header" in refusal(read(tmp_path, "Id,Name\n1,a,\n2,b,\n3,c,oops\n4,d\n"))

    def test_a_delimiter_at_the_end_of_header_and_rows_is_no_column(self, tmp_path):
        imported = read(tmp_path, "Id;Name;\n1;a;\n")
        assert rows(imported) == [(2, "1", "a")] and not imported.problems

    def test_the_footer_of_a_crm_report_is_no_row_and_is_said_once(self, tmp_path):
        footer = '\n\n"Confidential Information - Do Not Distribute"\n"Copyright (c) 2000-2026 a company, inc."\n'
        footer += "Generated by: Ana\n"
        imported = read(tmp_path, '"Id","Amount"\n"1","100"' + footer)
        assert rows(imported) == [(2, "1", "100")]
        assert problems(imported, "finding") == [(4, "rows 4 to 6 are the footer of a report, and not read")]
        assert len(imported.problems) == 1 and imported.files[0].rows == 1

    def test_the_footer_of_a_crm_report_is_no_row_of_a_spreadsheet(self, tmp_path):
        lines = [["All deals"], ["Confidential Information - Do Not Distribute"], ["Generated By:  Ana Ruiz"], ["Harbor Supply"]]
        path = xlsx(tmp_path, [["Name", "Amount"], ["Copyright (c) Archive Ltd", 3], ["Clinic", 5], [], [], *lines])
        imported = load_export(path)
        assert rows(imported) == [(2, "Copyright (c) Archive Ltd", "3"), (3, "Clinic", "5")]
        assert problems(imported, "finding") == [(6, "rows 6 to 9 are the footer of a report, and not read")]

    def test_a_copy_that_breaks_off_within_a_row_is_refused(self, tmp_path):
        whole = "Id,Name,Amount\n1,Ana,100\n2,Ben,200\n"
        imported = read(tmp_path, whole + "3,Cl")
        assert "row 4: breaks off in its last row, which has 2 fields where the header has 3" in refusal(imported)
        assert problems(read(tmp_path, whole + "3,Cl\n"), "set_aside") == [(4, "has 2 fields where the header has 3")]
        assert rows(read(tmp_path, whole + "3,Cleo,300"))[-1] == (4, "3", "Cleo", "300")

    def test_a_row_with_one_filled_cell_is_no_footer(self, tmp_path):
        imported = read(tmp_path, "Product,Family\nGlove,PPE\nMask,\n")
        assert [row[1] for row in rows(imported)] == ["Glove", "Mask"] and not imported.problems

    def test_a_title_above_the_column_names_is_refused(self, tmp_path):
        assert "row 1 holds the column names" in refusal(
            read(tmp_path, "All deals 2026\n\nId,Name,Amount\n1,a,2\n2,b,3\n")
        )

    def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_row(self, tmp_path):
        assert "row 3: a quotation mark" in refusal(read(tmp_path, 'Id,Name\n1,a\n2,"Smith\n3,c\n'))

    def test_a_stray_quotation_mark_does_not_merge_two_rows(self, tmp_path):
        assert "row 2: a quotation mark" in refusal(read(tmp_path, 'Id,Name,X\n1,"Smith,x\n2,"Jones",y\n'))

    def test_a_text_longer_than_any_note_is_refused_and_a_long_note_is_read(self, tmp_path):
        assert rows(read(tmp_path, f'Id,Note\n1,"{"x" * 100_000}"\n')) == [(2, "1", "x" * 100_000)]
        assert "row 3: a quotation mark" in refusal(read(tmp_path, 'Id,Note\n1,a\n2,"' + "x\n" * 100_000 + '"\n'))

    def test_inches_inside_a_plain_text_are_read(self, tmp_path):
        assert rows(read(tmp_path, 'Id,Name\n1,5" pipe\n')) == [(2, "1", '5" pipe')]

    @pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", " \n"])
    def test_an_empty_file_is_refused(self, tmp_path, content):
        assert "is empty" in refusal(read(tmp_path, content))

    def test_a_file_of_column_names_alone_is_a_table_without_rows(self, tmp_path):
        imported = read(tmp_path, "Id,Name\n")
        assert rows(imported) == [] and imported.tables["t"].column_names == ["Id", "Name", "_file", "_row"]

    def test_zero_bytes_are_refused_with_their_row(self, tmp_path):
        assert "row 3: holds zero bytes" in refusal(read(tmp_path, b"Id,Name\n1,a\n2,b\0c\n"))

    def test_too_many_columns_are_refused(self, tmp_path):
        assert "3,000 columns" in refusal(read(tmp_path, "a," * 2999 + "b\n"))


class TestColumnNames:
    def test_names_lose_blanks_marks_and_invisible_characters(self, tmp_path):
        imported = read(tmp_path, '\ufeff Id ,"Deal\n name",Am\u200bount,Re\u0301gion\n1,a,2,x\n')
        assert imported.tables["t"].column_names[:4] == ["Id", "Deal name", "Amount", "R\u00e9gion"]

    def test_a_name_that_stands_twice_is_told_apart_by_its_column(self, tmp_path):
        imported = read(tmp_path, "Name,Id,name,_row\na,1,b,9\n")
        assert imported.tables["t"].column_names == [
            "Name (column 1)",
            "Id",
            "name (column 3)",
            "_row (column 4)",
            "_file",
            "_row",
        ]
        assert len(problems(imported, "finding")) == 3

    def test_a_column_without_name_gets_its_number_if_it_holds_something(self, tmp_path):
        imported = read(tmp_path, "Id,,Name,\n1,x,a,\n")
        assert imported.tables["t"].column_names == ["Id", "column_2", "Name", "_file", "_row"]
        assert problems(imported, "finding") == [(1, "column 2 has no name and is read as 'column_2'")]

    def test_a_row_that_names_few_columns_is_no_header(self, tmp_path):
        assert "does not look like the column names" in refusal(read(tmp_path, "Report,,,\n1,2,3,4\n"))


class TestEncoding:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_an_encoding_is_found(self, tmp_path, encoding):
        imported = read(tmp_path, 'Id;Name\n1;"M\u00fcller; S\u00f6hne"\n'.encode(encoding))
        assert rows(imported) == [(2, "1", "M\u00fcller; S\u00f6hne")]
        assert bool(imported.problems) == (encoding == "cp1252")

    def test_windows_text_is_said_with_the_first_row_that_shows_it(self, tmp_path):
        imported = read(tmp_path, b'Id,Name\n1,"a\nb"\n' + b"2,x\n" * 200_000 + b"3,caf\xe9\n")
        assert rows(imported)[-1] == (200_003, "3", "caf\u00e9")
        assert [p.row for p in imported.problems] == [200_003] and "cp1252" in imported.problems[0].what

    def test_a_mixture_of_utf8_and_something_else_is_refused(self, tmp_path):
        assert "row 3: mixes UTF-8" in refusal(read(tmp_path, "Id,Name\n1,é\n".encode() + b"2,caf\xe9\n"))

    def test_what_is_neither_is_refused_until_the_settings_name_it(self, tmp_path):
        content = b"Id,Name\n1,\x81\x8d\n"
        assert "`encoding:`" in refusal(read(tmp_path, content))
        assert rows(read(tmp_path, content, encoding="cp437")) == [(2, "1", "üì")]

    def test_a_named_encoding_that_does_not_fit_is_refused(self, tmp_path):
        assert "row 2: is not the ascii text" in refusal(read(tmp_path, "Id\né\n", encoding="ascii"))
        assert "'klingon' is no encoding" in refusal(read(tmp_path, "Id\né\n", encoding="klingon"))

    def test_utf16_without_mark_is_read_when_named(self, tmp_path):
        content = "Id,Name\n1,é\n".encode("utf-16-le")
        assert "utf-16-le" in refusal(read(tmp_path, content))
        assert rows(read(tmp_path, content, encoding="utf-16-le")) == [(2, "1", "é")]


class TestDelimiter:
    @pytest.mark.parametrize("delimiter", DELIMITERS)
    def test_the_delimiter_is_found(self, tmp_path, delimiter):
        content = f"Id{delimiter}Amount\n1{delimiter}1 2\n2{delimiter}3\n"
        assert rows(read(tmp_path, content)) == [(2, "1", "1 2"), (3, "2", "3")]

    def test_decimal_commas_do_not_hide_the_semicolon(self, tmp_path):
        assert rows(read(tmp_path, "Id;Amount\n1;1,5\n2;2,5\n")) == [(2, "1", "1,5"), (3, "2", "2,5")]

    def test_two_delimiters_that_both_fit_are_asked_for(self, tmp_path):
        content = "Id;Amount,EUR\n1;1,5\n2;2,5\n"
        assert "',' or ';'. Say which with `delimiter:`" in refusal(read(tmp_path, content))
        assert rows(read(tmp_path, content, delimiter=";")) == [(2, "1", "1,5"), (3, "2", "2,5")]

    def test_a_named_delimiter_must_be_one_character(self, tmp_path):
        assert "no delimiter" in refusal(read(tmp_path, "a::b\n", delimiter="::"))
        assert rows(read(tmp_path, "a\tb\n1\t2\n", delimiter="tab")) == [(2, "1", "2")]

    def test_the_line_that_excel_writes_for_itself_is_no_row(self, tmp_path):
        imported = read(tmp_path, "sep=;\nId;Name\n1;a\n2\n3;b\n")
        assert rows(imported) == [(2, "1", "a"), (4, "3", "b")] and imported.problems[0].row == 3


class TestSpreadsheets:
    def test_cells_become_the_text_that_a_person_sees(self, tmp_path):
        cells = [
            "00123",
            123,
            0.1 + 0.2,
            123456789012345,
            1e-7,
            True,
            dt.date(2026, 1, 31),
            dt.datetime(2026, 1, 31, 14, 30, 15),
            " NA",
        ]
        imported = load_export(xlsx(tmp_path, [[f"c{i}" for i in range(len(cells))], cells]))
        assert rows(imported) == [
            (
                2,
                "00123",
                "123",
                "0.3",
                "123456789012345",
                "0.0000001",
                "TRUE",
                "2026-01-31",
                "2026-01-31 14:30:15",
                " NA",
            )
        ]
        assert not imported.problems

    def test_dates_counted_from_1904_are_right(self, tmp_path):
        assert rows(load_export(xlsx(tmp_path, [["Day"], [dt.date(2026, 1, 31)]], date_1904=True))) == [
            (2, "2026-01-31")
        ]

    def test_every_sheet_is_a_table_and_a_cover_page_is_left_out(self, tmp_path):
        imported = load_export(
            xlsx(tmp_path, [["Id"], ["1"]], [["Id"], ["2"], ["3"]], [], [[], [], ["", "Notes", "by Ana"]])
        )
        assert {name: table.num_rows for name, table in imported.tables.items()} == {"t__Sheet1": 1, "t__Sheet2": 2}
        assert imported.files[0].rows == 3 and "sheet 'Sheet4' is not read" in imported.problems[0].what

    def test_the_only_sheet_has_the_name_of_the_file_too(self, tmp_path):
        imported = load_export(xlsx(tmp_path, [["Id"], [""], ["1"]]))
        assert rows(imported) == rows(imported, "t__Sheet1") == [(3, "1")] and imported.files[0].rows == 1

    def test_rows_with_an_error_or_a_formula_without_result_are_set_aside(self, tmp_path):
        path = tmp_path / "t.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_column("A1", ["Id", "1", "2", "3", "4", "5"])
            sheet.write("B1", "Amount")
            for row, result in enumerate([10, "#REF!", "", "#N/A"], 2):
                sheet.write_formula(f"B{row}", "=A1*2", None, result)
            sheet.write_formula("B6", '=""', None, "text")
        repack(path, "xl/worksheets/sheet1.xml", "<v>text</v>", "<v></v>")  # a result that is an empty text
        imported = load_export(path)
        assert rows(imported) == [(2, "1", "10"), (6, "5", None)]
        assert [(p.row, p.column, p.what) for p in imported.problems] == [
            (3, "Amount", "holds the error #REF!"),
            (4, "Amount", "holds a formula whose result was never saved"),
            (5, "Amount", "holds the error #N/A"),
        ]
        assert imported.files[0].rows == 5

    def test_hidden_rows_are_data_and_said(self, tmp_path):
        path = repack(
            xlsx(tmp_path, [["Id"], ["1"], ["2"]]), "xl/worksheets/sheet1.xml", '<row r="3"', '<row r="3" hidden="1"'
        )
        imported = load_export(path)
        assert len(rows(imported)) == 2 and "1 hidden or filtered rows" in imported.problems[0].what

    def test_ids_kept_as_numbers_of_18_digits_are_said_to_be_cut(self, tmp_path):
        imported = load_export(xlsx(tmp_path, [["Id"], ["x"], [500300000000000123]]))
        assert rows(imported)[1] == (3, "500300000000000000") and imported.problems[0].row == 3

    @pytest.mark.parametrize("reference", ["XFD1048576", "A1048576", "XFD2"])
    def test_a_stray_cell_far_away_does_not_exhaust_the_memory(self, tmp_path, reference, monkeypatch):
        monkeypatch.setattr(readers, "MAX_CELLS", 1_000_000)
        path = repack(xlsx(tmp_path, [["Id"], ["1"]]), "xl/worksheets/sheet1.xml", 'r="A2"', f'r="{reference}"')
        assert "stray cells" in refusal(load_export(path))

    def test_a_file_that_unpacks_to_too_much_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(readers, "MAX_UNPACKED", 1_000_000)
        path = xlsx(tmp_path, [["Id"], ["1"]])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/media/x", bytes(1_000_000))
        assert path.stat().st_size < 20_000 and "unpacks to" in refusal(load_export(path))

    def test_a_part_that_lies_about_its_size_is_refused(self, tmp_path):
        path = xlsx(tmp_path, [["Id"], *([f"{n:09}"] for n in range(5000))])
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
        path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
        assert "is damaged" in refusal(load_export(path))

    @pytest.mark.parametrize(("content", "said"), [
        (OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (OLE + bytes(500), "old Excel format"),
        (b"Id,Name\n1,a\n", "named like a spreadsheet but is none"),
        (b"PK\3\4 cut off", "cannot be read as a spreadsheet"),
        (b"", "named like a spreadsheet but is none"),
    ])  # fmt: skip
    def test_what_is_no_spreadsheet_is_named(self, tmp_path, content, said):
        assert said in refusal(read(tmp_path, content, "t.xlsx"))

    @pytest.mark.parametrize("ending", ["xls", "xlsb", "ods"])
    def test_other_kinds_of_spreadsheet_ask_for_xlsx(self, tmp_path, ending):
        assert "save it as .xlsx" in refusal(read(tmp_path, b"x", f"t.{ending}"))


class TestParquet:
    def test_typed_columns_become_exact_text(self, tmp_path):
        table = pa.table({
            "money": pa.array([Decimal("12345678901234567.80"), None], pa.decimal128(25, 2)),
            "tiny": pa.array([Decimal("0.0000000001"), Decimal(0)], pa.decimal128(20, 10)),
            "id": [500300000000000123, 7],
            "float": [123.0, float("nan")],
            "big": [1e20, 1e-7],
            "flag": [True, None],
            "day": [dt.date(2026, 1, 31), None],
            "midnight": pa.array([dt.datetime(2026, 1, 31), dt.datetime(2026, 1, 31, 14, 5)], pa.timestamp("ns")),
            "text": ["", " NA"],
            "kind": pa.array(["x", None]).dictionary_encode(),
            "list": [[1], [2]],
        })  # fmt: skip
        pq.write_table(table, tmp_path / "t.parquet")
        imported = load_export(tmp_path / "t.parquet")
        assert rows(imported) == [
            (2, "12345678901234567.80", "0.0000000001", "500300000000000123", "123", "100000000000000000000", "TRUE",
             "2026-01-31", "2026-01-31", None, "x"),
            (3, None, "0.0000000000", "7", None, "0.0000001", None, None, "2026-01-31 14:05:00", " NA", None),
        ]  # fmt: skip
        assert set(imported.tables["t"].schema.types) == {pa.string(), pa.int64()}
        assert [(p.severity, p.column) for p in imported.problems] == [("finding", "list")]

    def test_what_is_no_parquet_is_named(self, tmp_path):
        assert "cannot be read as Parquet" in refusal(read(tmp_path, b"PAR1 no", "t.parquet"))


class TestFolders:
    def test_every_readable_file_is_a_table_and_others_are_said(self, tmp_path):
        for name in ("a.csv", "b.tsv", ".hidden.csv", "~$c.xlsx", "notes.txt"):
            (tmp_path / name).write_text("Id\n1\n")
        (tmp_path / "older").mkdir()
        imported = load_exports(tmp_path)
        assert list(imported.tables) == ["a", "b"] and [f.name for f in imported.files] == ["a.csv", "b.tsv"]
        assert [(p.severity, p.file) for p in imported.problems] == [("finding", "notes.txt"), ("finding", "older")]

    def test_files_that_are_not_needed_are_not_read(self, tmp_path):
        for name in ("a.csv", "b.csv", "notes.txt"):
            (tmp_path / name).write_text("Id\n1\n")
        xlsx(tmp_path, [["Id"], ["1"]], [["Id"], ["2"]])
        imported = load_exports(tmp_path, only={"a", "t__Sheet2"})
        assert list(imported.tables) == ["a", "t__Sheet2"] and not imported.problems

    def test_the_settings_of_a_file_go_before_those_of_the_company(self, tmp_path):
        for name in ("a.csv", "b.csv"):
            (tmp_path / name).write_text("x;y,z\n1;2,3\n")
        imported = load_exports(
            tmp_path, options={"b": FileOptions(delimiter=",")}, company_wide=FileOptions(delimiter=";")
        )
        assert rows(imported, "a") == [(2, "1", "2,3")] and rows(imported, "b") == [(2, "1;2", "3")]

    def test_two_files_of_one_name_are_refused(self, tmp_path):
        for name in ("a.csv", "A.tsv", "b.csv"):
            (tmp_path / name).write_text("Id\n1\n")
        imported = load_exports(tmp_path)
        assert list(imported.tables) == ["b"] and [p.file for p in imported.problems] == ["A.tsv", "a.csv"]

    def test_a_link_that_leads_out_is_refused(self, tmp_path):
        (tmp_path / "secret.csv").write_text("Id\n1\n")
        inside = tmp_path / "exports"
        inside.mkdir()
        (inside / "a.csv").symlink_to(tmp_path / "secret.csv")
        assert "leads out of the exports folder" in refusal(load_exports(inside))

    def test_a_folder_without_exports_is_named(self, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        for folder in (tmp_path, tmp_path / "missing"):
            with pytest.raises(InputDataError, match=rf"{folder}.*\.csv"):
                load_exports(folder)

    def test_a_file_that_cannot_be_opened_is_named(self, tmp_path):
        (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
        assert "cannot be opened (No such file" in refusal(load_exports(tmp_path))

    def test_a_file_name_with_accents_taken_apart_is_put_together(self, tmp_path):
        (tmp_path / "Re\u0301gion.csv").write_text("Id\n1\n")
        assert list(load_exports(tmp_path, only={"R\u00e9gion"}).tables) == ["R\u00e9gion"]

    def test_a_file_name_that_is_no_text_is_refused_in_words_that_can_be_printed(self, tmp_path):
        try:
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.csv")).write_text("Id\n1\n")
        except OSError:
            pytest.skip("this file system refuses such names")
        assert "\ufffd.csv: has a name with bytes" in refusal(load_exports(tmp_path))


def expected(table: list[list[str]]) -> list[tuple]:
    """What must come back of written rows: blank ones left out, the others with their row number."""
    return [(n, *(cell or None for cell in row)) for n, row in enumerate(table, 2) if any(row)]


STYLES = [(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]  # minimal and \n leaves \r bare
letters = st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0")
cell = st.text(letters | st.sampled_from(",;\t|\"\n\r ' "), max_size=8)
western = st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=8)


@st.composite
def tables(draw, cells):
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=6)), [f"c{i}" for i in range(width)]


@relaxed
@given(
    tables(cell),
    st.sampled_from(DELIMITERS),
    st.sampled_from(STYLES),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_table_of_text_comes_back_cell_for_cell(tmp_path, table, delimiter, style, encoding):
    (table, header), (quoting, ending) = table, style
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows([header, *table])
    imported = read(tmp_path, out.getvalue().encode(encoding), delimiter=delimiter)
    assert not imported.problems
    assert rows(imported) == expected(table)
    assert imported.files[0].rows == len(expected(table))


@relaxed
@given(tables(western))
def test_any_windows_text_comes_back_when_the_encoding_is_named(tmp_path, table):
    table, header = table
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([header, *table])
    assert rows(read(tmp_path, out.getvalue().encode("cp1252"), encoding="cp1252", delimiter=",")) == expected(table)


@relaxed
@given(tables(st.text(st.sampled_from("ab1 é'\n\""), max_size=5)), st.sampled_from(DELIMITERS))
def test_the_delimiter_of_any_table_without_other_delimiters_is_found(tmp_path, table, delimiter):
    table, header = table
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *table])
    assert rows(read(tmp_path, out.getvalue())) == expected(table)


@relaxed
@given(st.binary(max_size=200) | st.text(st.sampled_from('ab",;\n\r\t'), max_size=60).map(str.encode),
       st.sampled_from(["csv", "xlsx", "parquet"]), st.sampled_from([None, ",", "utf-16", "x"]))  # fmt: skip
def test_bytes_of_any_kind_are_read_or_refused_but_never_crash(tmp_path, content, ending, option):
    imported = read(tmp_path, content, f"t.{ending}", encoding=option if option == "utf-16" else None, delimiter=option)
    assert imported.tables or [p for p in imported.problems if p.severity == "unusable"]
    with pytest.raises(WorkbookError):
        load_exports(tmp_path / "nothing here")


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    return xlsx(tmp_path_factory.mktemp("sound"), [["Id", "Name"], ["1", "a"], ["2", 3.5]]).read_bytes()


@relaxed
@given(data=st.data())
def test_a_damaged_spreadsheet_is_read_or_refused_but_never_crashes(tmp_path, sound, data):
    whole = bytearray(sound)
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    found = read(tmp_path, bytes(whole), "t.xlsx")
    assert found.tables or found.problems


@settings(relaxed, max_examples=30)
@given(
    tables(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=8))
)
def test_any_text_cells_of_a_spreadsheet_come_back(tmp_path, table):
    table, header = table
    assert rows(load_export(xlsx(tmp_path, [header, *table]))) == expected(table)


@pytest.mark.parametrize("name", ["adventureworks", "cdnow", "ms_regional_sales", "northwind", "us_market"])
def test_real_exports_are_read_as_the_csv_module_reads_them(name):
    folder = SHARED / "datasets" / name
    if not folder.is_dir():
        pytest.skip("the real exports are not part of the project")
    imported = load_exports(folder)
    assert {p.what for p in imported.problems} <= {"is not read"}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *records = csv.reader(file)
        assert imported.tables[path.stem].column_names[:-2] == header
        if len(records) < 20_001:
            assert rows(imported, path.stem) == expected(records)
