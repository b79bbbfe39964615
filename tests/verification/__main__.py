"""Published figures beside ours: ``make verify`` prints them.

    python -m tests.verification                              prints the table
    python -m tests.verification --write docs/verification.md  writes it between the two marks of that page as well

Exit 1 where a figure differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .published import CHECKS, ELSEWHERE, Absent

BEGIN, END = "<!-- figures: begin (written by python -m tests.verification) -->", "<!-- figures: end -->"


def _say(numbers: dict[str, float], published: dict[str, float]) -> str:
    """The numbers with as many digits as the published ones have."""
    digits = {name: len(f"{value:.4f}".rstrip("0").partition(".")[2]) for name, value in published.items()}
    return ", ".join((f"{name} " if len(published) > 1 else "") + f"{numbers[name]:,.{digits[name]}f}" for name in published)


def make_table() -> tuple[str, bool]:
    """The table as Markdown, and whether every figure agrees."""
    lines, agreed = ["| what | data | published | ours | agrees | source |", "|---|---|---|---|---|---|"], True
    for check in CHECKS:
        try:
            figures = check()
        except Absent as why:
            lines.append(f"| {check.__name__.removeprefix('check_')} | {why} | – | – | not checked | |")
            continue
        for one in figures:
            agreed = agreed and one.agrees
            both = [_say(numbers, one.published) for numbers in (one.published, one.ours)]
            lines.append(f"| {one.what} | {one.data} | {both[0]} | {both[1]} | {'yes' if one.agrees else 'NO'} | {one.source} |")
    lines += [f"| {what} | | | see `{where}` | | |" for what, where in ELSEWHERE]
    return "\n".join(lines), agreed


def main() -> int:
    asked = argparse.ArgumentParser(description="Published figures beside ours.")
    asked.add_argument("--write", type=Path, help="the page whose table is written anew")
    path = asked.parse_args().write
    table, agreed = make_table()
    print(table)
    if path is not None:
        page = path.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
