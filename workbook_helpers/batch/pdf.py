"""A report's page as a PDF: printed by an installed Chromium, else by WeasyPrint. Neither may ask for a file or a host.

Chromium is handed the page through a pipe, so the page has no address of its own, and what has none may not open a file;
scripts are off, and every host is behind a proxy that is not there. WeasyPrint may fetch nothing but ``data:``.
Chromium comes first: measured on reports of 27 pages it takes a third of WeasyPrint's time, and prints what a browser shows.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

from workbook_helpers.errors import RunError

#: Names the one engine to use: the full path of a Chromium, or ``weasyprint``.
SETTING = "WORKBOOK_PDF"

WEASYPRINT = "weasyprint"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_CHROMIUMS_OF_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-breakpad",
    "--disable-component-update", "--disable-background-networking", "--no-first-run", "--user-agent=Territory Planning Workbook",
    "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
)  # fmt: skip

#: Hands our two pipes on as the descriptors that Chromium looks for.
_START = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'

#: How long one report may take to print, in seconds by the clock on the wall.
PRINT_SECONDS = 120.0

_PAGE = "<!doctype html><html lang='en'><title>Trial</title><p>Trial</p></html>"
#: What WeasyPrint needs otherwise: it cannot break a grid over pages.
_FOR_WEASYPRINT = """@page { size: Letter } @media print {
  .items, dl, .columns { display: block !important } dt { break-after: avoid }
  .item { display: inline-block; width: 48%; margin-right: 1%; vertical-align: top }
  #front-headline, #front-accounts, #front-deals { width: 100% } }"""
_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:(\d{8})\d{6}[^)]*\)")


class PrintError(Exception):
    """The page could not be printed; the text says why in plain words."""


def find_printer() -> str:
    """The first engine that prints a trial page: the path of a Chromium, or ``weasyprint``.

    Raises RunError that names both ways to mend it.
    """
    named = os.environ.get(SETTING)
    tried = []
    for printer in [named] if named else _installed():
        try:
            print_page(_PAGE, printer=printer, day=date(2000, 1, 1))
            return printer
        except PrintError as error:
            tried.append(f"{printer}: {error}")
    raise RunError(
        f"No PDF can be made here ({'; '.join(tried)}).",
        do=f"Install Chromium or Chrome (or name it: {SETTING}=/path/to/chromium), or install WeasyPrint with "
        "`pip install 'territory-planning-workbook[pdf]'` and the system's Pango library.",
    )


def print_page(page: str, *, printer: str, day: date, seconds: float = PRINT_SECONDS) -> bytes:
    """The page as a PDF with outline, tags and alternative texts, dated on the day, the same bytes every time.

    page: a whole HTML document. printer: from ``find_printer``. Raises PrintError.
    """
    printed = _print_weasyprint(page, day) if printer == WEASYPRINT else _print_chromium(page, printer, seconds)
    return _DATES.sub(lambda found: _dated(found, day), printed)


def _installed() -> Iterator[str]:
    if sys.platform != "win32":  # a pipe is handed on in another way there
        yield from filter(None, map(shutil.which, _CHROMIUMS))
        yield from filter(os.path.exists, _CHROMIUMS_OF_MACOS)
    yield WEASYPRINT


def _dated(found: re.Match[bytes], day: date) -> bytes:
    """The date of the report in place of today's, as long as that was: a PDF counts its bytes."""
    return found[0].replace(found[0][found[0].index(b"D:") + 2 :][:14], f"{day:%Y%m%d}000000".encode())


def _print_weasyprint(page: str, day: date) -> bytes:
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: Pango is missing
        raise PrintError(f"it is not installed, or Pango is missing ({str(error).splitlines()[0][:120]})") from None
    try:
        fetcher = URLFetcher(allowed_protocols=["data"])
        style = weasyprint.CSS(string=_FOR_WEASYPRINT, url_fetcher=fetcher)
        document = weasyprint.HTML(string=page, url_fetcher=fetcher).render(stylesheets=[style], pdf_tags=True)
        document.metadata.created = document.metadata.modified = day.isoformat()
        return document.write_pdf(pdf_tags=True)
    except Exception as error:  # its own assertions, for one
        raise PrintError(f"WeasyPrint failed with {type(error).__name__}") from error


def _print_chromium(page: str, program: str, seconds: float) -> bytes:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, _started(program, profile) as process:
        began, clock = time.monotonic(), threading.Timer(seconds, process.kill)
        clock.start()
        try:
            browser = _Pipe(process)
            target = next(t for t in browser.call("Target.getTargets")["targetInfos"] if t["type"] == "page")["targetId"]
            session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            browser.call("Emulation.setScriptExecutionDisabled", session, value=True)
            frame = browser.call("Page.getFrameTree", session)["frameTree"]["frame"]["id"]
            browser.call("Page.setDocumentContent", session, frameId=frame, html=page)
            wanted = {"printBackground": True, "generateTaggedPDF": True, "generateDocumentOutline": True}
            return base64.b64decode(browser.call("Page.printToPDF", session, **wanted)["data"])
        except (OSError, KeyError, StopIteration, ValueError):
            why = f"was not done within {seconds:g} seconds" if time.monotonic() - began >= seconds else "ended before the PDF was there"
            raise PrintError(f"it {why}") from None
        finally:
            clock.cancel()


@contextlib.contextmanager
def _started(program: str, profile: str) -> Iterator[subprocess.Popen]:
    """Chromium with our pipes as its descriptors 3 and 4; it ends when they close, at the latest when we are done."""
    command = ["/bin/sh", "-c", _START, "sh", program, *_FLAGS, f"--user-data-dir={profile}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # it does not start as root otherwise
    process = subprocess.Popen(
        [*command, "about:blank"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=profile, env=os.environ | {"TMPDIR": "."},  # its socket's name must be short, and our folders' may be long
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class _Pipe:
    """Questions and answers of the DevTools protocol: JSON, each ended by a zero byte."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process, self._asked, self._answers = process, 0, self._read()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        question = {"id": self._asked, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self._process.stdin.write(json.dumps(question).encode() + b"\0")
        self._process.stdin.flush()
        return next(answer for answer in self._answers if answer.get("id") == self._asked)["result"]  # the others are events

    def _read(self) -> Iterator[dict[str, Any]]:
        rest = b""
        while chunk := self._process.stdout.read1():
            *whole, rest = (rest + chunk).split(b"\0")
            yield from map(json.loads, whole)
