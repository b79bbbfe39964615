"""What the product costs on this machine, measured side by side: `make bench`, and `make bench-growth` for the long part.

    python -m tests.benchmarks                               everything but growth
    python -m tests.benchmarks --only floor --quick          one point, once, with two reps
    python -m tests.benchmarks --write docs/speed.md --date 2026-11-22

Everything is written into a temporary folder. Compare figures of one run with each other: seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from . import again, growth
from .clock import ROOT
from .contests import CORES, make_ready, play
from .figures import Section, join
from .points import POINTS, needs

_COMPANIES = {
    "field_sales": ROOT / "data" / "samples" / "field_sales",
    "adventureworks": ROOT / "tests" / "companies" / "adventureworks",
}
_PUBLIC_DATA = ROOT.parent / "shared" / "datasets"
_ROUNDS = 5


def measure(points: Sequence[str], companies: Iterable[str], room: Path, *, quick: bool) -> Iterable[tuple[str, Section]]:
    """The point's name with its figures, as soon as they are there."""
    rounds = 1 if quick else _ROUNDS
    beside = [name for name in POINTS if name in points]
    for company in companies if {*beside, "again"} & set(points) else ():
        if company != "field_sales" and not _PUBLIC_DATA.is_dir():
            _tell(f"{company}: left out, its public data are not beside this checkout")
            continue
        _tell(f"{company}: the store")
        place = make_ready(_COMPANIES[company], room / company)
        if quick:
            place = place.only(place.reps[:2])
        given = play(place, list(needs(beside)), rounds=rounds, tell=_tell)
        for name in beside:
            yield f"{name} {company}", Section(f"{POINTS[name].title}, {company}", POINTS[name].figures(place, given))
        if "again" in points:
            found = again.measure(place, quick=quick, rounds=rounds, tell=_tell)
            yield f"again {company}", Section(f"{found.title}, {company}", found.figures, found.remarks)
    if "growth" in points:
        for n, section in enumerate(growth.measure(room / "growth", quick=quick, rounds=rounds, tell=_tell)):
            yield f"growth {n}", section


def write_figures(page: str, sections: Iterable[tuple[str, Section]], line: str) -> str:
    """The page with each section in the place that its marks keep for it.

    >>> print(write_figures("<!-- a --><!-- /a -->", [("a", Section("T", [], ["r"]))], "2026"))
    <!-- a -->
    ### T
    <BLANKLINE>
    r
    <BLANKLINE>
    2026
    <!-- /a -->
    """
    for name, section in sections:
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if begin not in page:
            raise SystemExit(f"The page has no place marked {begin}")
        text = f"{begin}\n{section}\n\n{line}\n{end}"
        page = re.sub(f"{begin}.*?{end}", lambda _, text=text: text, page, flags=re.S)
    return page


def describe_machine() -> str:
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.is_file() else None
    cores = os.cpu_count() or 1
    said = f"{model[1] if model else platform.machine()}, {cores} core{'s' * (cores != 1)}, {CORES} of them used"
    return f"{said}, Python {platform.python_version()}"


def main() -> None:
    known = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known.add_argument("--only", action="append", choices=[*POINTS, "again", "growth"], help="this point; may be repeated")
    known.add_argument("--company", action="append", choices=list(_COMPANIES), help="this company; may be repeated")
    known.add_argument("--quick", action="store_true", help="one round with two reps: shows that it works, not how fast")
    known.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into this page too")
    known.add_argument("--date", type=date.fromisoformat, help="the day that the page gives for the figures")
    chosen = known.parse_args()
    if sys.platform != "linux":
        known.error("processor seconds of all descendants are counted on Linux only")
    if bool(chosen.write) != bool(chosen.date):
        known.error("--write and --date belong together")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that what was started is stopped too
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(describe_machine(), flush=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as room:
        (temporary := Path(room, "tmp")).mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        try:
            for name, section in measure(chosen.only or [*POINTS, "again"], chosen.company or _COMPANIES, Path(room), quick=chosen.quick):
                done.append((name, section))
                print(f"\n{join([section])}", flush=True)
        except RuntimeError as error:
            sys.exit(str(error))
    if chosen.write:
        line = f"Measured on {chosen.date.isoformat()}: {describe_machine()}."
        page = chosen.write.read_text(encoding="utf-8")
        chosen.write.write_text(write_figures(page, done, line), encoding="utf-8")


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
