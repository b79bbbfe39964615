"""Nothing twice: what a run costs and makes again when nothing, one plan, or one row has changed."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from .contests import Place, make_ready, run_batch
from .figures import Figure, Section

#: Company -> the export of which one row is changed, its column of reps, and its column of amounts.
_ROWS = {
    "field_sales": ("order_lines.csv", "SalesRep", "NetAmount"),
    "adventureworks": ("dw_FactResellerSales.csv", "EmployeeKey", "SalesAmount"),
}

TITLE = "5. Nothing twice"


def measure(place: Place, *, quick: bool, rounds: int, tell: Callable[[str], None]) -> Section:
    """A copy of the company is run, and run again after each change. quick: two of its reps are."""
    copy = _copy(place.company, place.room / "again" / place.name)
    place = make_ready(copy, copy.parent)
    if quick:
        place = place.only([place.plan["rep_id"], next(rep_id for rep_id in place.reps if rep_id != place.plan["rep_id"])])
    n = len(place.everyone)
    tell(f"{place.name}: {n} reps, once")
    run_batch(place)
    figures = [Figure(f"nothing changed, {n} reps", "s", time_unchanged(place, rounds=rounds, tell=tell), at_most=2)]
    remarks = []
    for what, change, bound in (("one plan", write_plan, 1), ("one row", change_row, None)):
        tell(f"{place.name}: {what} changed")
        change(place)
        anew, said = run_again(place)
        figures.append(Figure(f"{what} changed: made again, of {n}", "reports", [anew], at_most=bound))
        remarks.append(f"- {what} changed, and the run says: {said}")
    return Section(TITLE, figures, remarks)


def time_unchanged(place: Place, *, rounds: int, tell: Callable[[str], None]) -> list[float]:
    """Seconds of a run that finds every report as it should be."""
    seconds = []
    for n in range(rounds):
        tell(f"{place.name}: nothing changed, {n + 1} of {rounds}")
        seconds.append(run_batch(place).cost.wall)
    return seconds


def run_again(place: Place) -> tuple[int, str]:
    """How many reports a run wrote anew, and what it said of them."""
    before = _reports(place)
    done = run_batch(place)
    said = done.out.partition(" Index: ")[0].strip()
    return sum(before.get(path) != written for path, written in _reports(place).items()), said


def write_plan(place: Place) -> None:
    """A rep who had no plan has one."""
    path = Path(place.plan["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    rep_id, year = place.plan["rep_id"], place.plan["year"]
    path.write_text(f'format: 1\nrep_id: "{rep_id}"\nyear: {year}\nvision: First in the valley\n', encoding="utf-8")


def change_row(place: Place) -> None:
    """The last row of one rep has another amount."""
    name, rep, amount = _ROWS[place.name]
    path = place.company / "exports" / name
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    row = next(row for row in reversed(rows) if row[header.index(rep)] == place.plan["rep_id"])
    row[header.index(amount)] = f"{float(row[header.index(amount)]) + 1:.2f}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _copy(company: Path, target: Path) -> Path:
    """The company's settings, plans and exports, wherever these lie."""
    settings = (company / "workbook.yml").read_text(encoding="utf-8")
    exports = re.search(r"^exports: *(\S+)", settings, re.M)
    (target / "exports").mkdir(parents=True)
    for path in (company / (exports[1] if exports else "exports")).iterdir():
        shutil.copyfile(path, target / "exports" / path.name)
    if (company / "plans").is_dir():
        shutil.copytree(company / "plans", target / "plans")
    (target / "workbook.yml").write_text(re.sub(r"^exports: .*", "exports: exports", settings, flags=re.M), encoding="utf-8")
    return target


def _reports(place: Place) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in place.out.glob("*/*/report.html")}
