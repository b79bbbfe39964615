"""PDFs: what is printed, what may not get in, and when they are made again."""

import contextlib
import http.server
import re
import shutil
import subprocess
import threading
import zlib
from datetime import date

import pytest
from small_company import SmallCompany, read_all
from test_report import render

from workbook_helpers.batch import pdf
from workbook_helpers.batch.pdf import PrintError, find_printer, print_page
from workbook_helpers.errors import RunError

DAY = date(2026, 9, 30)
CHROMIUM = next(filter(None, map(shutil.which, pdf._CHROMIUMS)), "chromium")

needs_text = pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext (poppler-utils) is not installed")


@pytest.fixture(params=[CHROMIUM, pdf.WEASYPRINT], ids=["chromium", "weasyprint"], scope="module")
def printer(request):
    """An engine that works here."""
    try:
        print_page("<p>Trial</p>", printer=request.param, day=DAY)
    except PrintError as error:
        pytest.skip(f"{request.param} does not work here: {error}")
    return request.param


@pytest.fixture
def any_printer():
    try:
        return find_printer()
    except RunError as error:
        pytest.skip(str(error))


def text_of(printed, *options):
    return subprocess.run(["pdftotext", *options, "-", "-"], input=printed, capture_output=True, check=True).stdout.decode()


def inside(printed):
    """Every byte of a PDF, unpacked."""
    parts = [printed]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", printed, re.DOTALL):
        try:
            parts.append(zlib.decompressobj().decompress(stream))
        except zlib.error:
            continue
    return b"".join(parts)


@needs_text
def test_a_report_prints_whole_numbered_and_dated_on_the_as_of_date(printer):
    page = render("Ana Ortiz")
    printed = print_page(page, printer=printer, day=DAY)
    assert printed == print_page(page, printer=printer, day=DAY)
    text = text_of(printed, "-layout")
    pages = text.split("\f")[:-1]
    for number, sheet in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in sheet
        assert "Ana Ortiz, Ana Ortiz, as of 30 Sep 2026" in sheet
    for said in ("What closes the gap", "1.5 Where does conversion fall?", "“See the math” in report.html"):
        assert said in text
    assert re.search(r"^Ana Ortiz 19(\s+123,400){13}$", text, re.M)
    appendix = next(n for n, sheet in enumerate(pages) if "The evidence by step" in sheet)
    assert appendix <= 8
    known = inside(printed)
    assert set(re.findall(rb"/(?:Creation|Mod)Date ?\(D:(\d{8})", known)) == {b"20260930"}
    assert b"/Lang" in known and b"/Outlines" in known and b"/StructTreeRoot" in known and b"/Alt" in known


@needs_text
def test_no_word_of_a_wide_table_stands_outside_the_paper(printer):
    boxes = text_of(print_page(render(), printer=printer, day=DAY), "-bbox")
    width = float(re.search(r'<page width="([\d.]+)"', boxes)[1])
    assert all(float(left) >= 0 and float(right) <= width for left, right in re.findall(r'<word xMin="([-\d.]+)"[^>]*xMax="([-\d.]+)"', boxes))


@needs_text
def test_a_hostile_page_gets_no_file_no_host_and_no_script(printer, tmp_path):
    secret = tmp_path / "secret.html"
    secret.write_text("CANARYFILE")
    asked = []

    class Host(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *given):
            pass

    host = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    places = [secret.as_uri(), f"http://127.0.0.1:{host.server_port}/x", f"http://localhost:{host.server_port}/x"]
    try:
        page = "<!doctype html><html><body><p>visible</p><script>document.body.textContent = 'SCRIPT' + 'RAN'</script>" + "".join(
            f"""<link rel=attachment href="{place}"><link rel=stylesheet href="{place}"><style>@import url("{place}");
            body {{ background: url("{place}") }}</style><iframe src="{place}"></iframe><object data="{place}"></object>
            <embed src="{place}"><img src="{place}"><a rel=attachment href="{place}">link</a><script src="{place}"></script>
            <svg><image href="{place}"/><use href="{place}#x"/></svg>"""
            for place in places
        )  # fmt: skip
        printed = print_page(page, printer=printer, day=DAY)
        text = text_of(printed)
        assert "visible" in text and "CANARYFILE" not in text and "SCRIPTRAN" not in text
        assert b"CANARYFILE" not in inside(printed)
        for place in places[:2]:
            with contextlib.suppress(PrintError):
                sent_away = f'<meta http-equiv=refresh content="0;url={place}"><p>visible</p>'
                assert "CANARYFILE" not in text_of(print_page(sent_away, printer=printer, day=DAY))
    finally:
        host.shutdown()
        host.server_close()
    assert asked == []


def test_an_engine_that_does_not_work_is_said_with_both_ways_to_mend_it(monkeypatch, tmp_path):
    monkeypatch.setenv(pdf.SETTING, str(tmp_path / "nothing"))
    with pytest.raises(RunError, match=r"No PDF can be made here .*Install Chromium.*WORKBOOK_PDF=.*pip install .*\[pdf\]") as caught:
        find_printer()
    assert caught.value.exit_code == 1


def test_an_engine_that_hangs_is_stopped(tmp_path):
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    hangs.chmod(0o700)
    with pytest.raises(PrintError, match="not done within 0.5 seconds"):
        print_page("<p>x</p>", printer=str(hangs), day=DAY, seconds=0.5)


def test_without_an_engine_a_run_stops_before_it_starts_and_leaves_what_was_there(tmp_path, monkeypatch):
    company = SmallCompany(tmp_path, reps=1)
    company.run()
    before = read_all(company.day)
    monkeypatch.setenv(pdf.SETTING, str(tmp_path / "nothing"))
    with pytest.raises(RunError, match="No PDF"):
        company.run(pdf=True)
    assert read_all(company.day) == before
    assert company.run().kept == ("R1",)


def test_a_pdf_is_made_where_one_is_missing_and_goes_when_its_report_changes(tmp_path, any_printer):
    company = SmallCompany(tmp_path, reps=2)
    company.run()
    pages = {rep_id: (company.place(rep_id) / "report.html").stat().st_mtime_ns for rep_id in company.reps}
    assert company.run(pdf=True, reps=["R1"]).exit_code == 0
    assert (company.place("R1") / "report.html").stat().st_mtime_ns == pages["R1"]  # printed, not made again
    assert "report.pdf" in company.manifest()["R1"]["files"] and "report.pdf" not in company.manifest()["R2"]["files"]
    index = (company.day / "index.html").read_text()
    assert re.findall(r'href="([^"]+)">PDF<', index) == [f"{company.place('R1').name}/report.pdf"]
    assert company.run(pdf=True).kept == ("R1",)
    assert company.run().kept == ("R1", "R2")
    assert (company.place("R1") / "report.pdf").is_file()
    company.rows["R1"] = "changed"
    assert company.run().kept == ("R2",)
    assert not (company.place("R1") / "report.pdf").exists()
    company.run(pdf=True)
    (company.place("R2") / "report.pdf").write_bytes(b"touched")
    assert company.run(pdf=True).kept == ("R1",)


def test_a_report_stands_without_the_pdf_that_could_not_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr("workbook_helpers.batch.run.find_printer", lambda: str(tmp_path / "nothing"))
    company = SmallCompany(tmp_path, reps=1)
    outcome = company.run(pdf=True)
    assert outcome.exit_code == 3 and company.statuses() == {"R1": "done"}
    assert "could not be printed" in outcome.failed[0].reason
    assert (company.place("R1") / "report.html").is_file() and not (company.place("R1") / "report.pdf").exists()
    assert company.run().exit_code == 0
