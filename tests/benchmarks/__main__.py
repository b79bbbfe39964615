"""`make bench`: what the main job costs on this machine, in wall and processor seconds.

Prints one line per measurement. Absolute times depend on the machine; compare lines of one run with each other.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REGIONAL = ROOT / "tests" / "companies" / "regional_sales"
DEALS = 1_000_000

SETTINGS = """format: 1
company: Million Deals
stages: [Qualify, Develop, Propose, Close]
tables: {reps: reps.csv, opportunities: opportunities.csv}
"""


def write_million_deals(folder: Path) -> Path:
    """A company of 1,000 reps and a million deals over three years."""
    rng = random.Random(7)
    exports = folder / "exports"
    exports.mkdir(parents=True)
    (folder / "workbook.yml").write_text(SETTINGS, encoding="utf-8")
    with (exports / "reps.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("rep_id", "rep_name"), *((f"R{n:04}", f"Rep {n}") for n in range(1000))])
    outcomes = [("Won", "Close"), ("Lost", "Qualify"), ("Open", "Develop")]
    with (exports / "opportunities.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("opportunity_id", "rep_id", "stage", "outcome", "amount", "created_date", "close_date", "account_id"))
        for n in range(DEALS):
            outcome, stage = rng.choice(outcomes)
            day, later = rng.randrange(12, 29), rng.randrange(1, 12)
            year = 2024 + n % 3
            row = (f"D{n:07}", f"R{n % 1000:04}", stage, outcome, f"{rng.lognormvariate(9, 1):.2f}")
            writer.writerow((*row, f"{year}-{later:02}-{day - 11:02}", f"{year}-{later + 1:02}-{day:02}", f"A{n % 50000:05}"))
    return folder


def measure(title: str, *command: str) -> None:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "workbook_helpers", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall = time.perf_counter() - start
    print(f"{title:<52} {wall:7.1f} s wall {cpu:7.1f} s processor {after.ru_maxrss / 1024:7.0f} MB peak  exit {done.returncode}")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        measure("workbook --help", "--help")
        million = write_million_deals(folder / "million")
        measure(f"workbook check, {DEALS:,} deals", "check", str(million))
        measure(f"workbook check again, {DEALS:,} deals", "check", str(million))
        for name, company in (("field_sales", ROOT / "data" / "samples" / "field_sales"), ("regional_sales", REGIONAL)):
            if company == REGIONAL and not (ROOT.parent / "shared" / "datasets").is_dir():
                print("regional_sales: its public data are not here")
                continue
            options = ["--out", str(folder / name), "--store", str(folder / f"{name}.store"), "--jobs", "2"]
            measure(f"workbook run {name} --jobs 2", "run", str(company), *options)
            measure(f"workbook run {name} again, nothing changed", "run", str(company), *options)


if __name__ == "__main__":
    main()
