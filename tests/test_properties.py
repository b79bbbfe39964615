"""What holds always, for any company: the whole job is run on six reps and bent in every way that must not matter.

Property 6, planted truths within their intervals, is held by ``test_sample.py`` as far as one company can show it.
"""

from __future__ import annotations

import csv
import json
import math
import random
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, write_company
from six_reps import AS_OF, REPS, STAGES, canary, six_reps

from workbook_helpers.batch.engine import unfinished_cell
from workbook_helpers.batch.run import run_company
from workbook_helpers.measure import HEADLINE_IDS, total

PLAN = """format: 1
rep_id: {rep}
year: 2026
vision: The first call of every clinic, says {mark}
goal: {{amount: 130000, why: two more labs}}
actions: [{{id: a1, what: call {mark}, owner: rep, due: 2026-06-10, metric: met, status: open}}]
"""


def write(place: Path, tables) -> Path:
    folder = write_company(place / "six_reps", tables, stages=STAGES, quota_counts="revenue", company_target={2026: 700000})
    for rep in REPS[:3]:
        plans = folder / "plans" / rep
        plans.mkdir(parents=True)
        (plans / "2026.yml").write_text(PLAN.format(rep=rep, mark=canary(rep)))
        (plans / "2026.private.yml").write_text(f"format: 1\nrep_id: {rep}\nyear: 2026\naims: [\"secret{canary(rep)}\"]\n")
    return folder


def run(folder: Path, out: Path, **options) -> Path:
    outcome = run_company(folder, out=out, as_of=AS_OF, **({"jobs": 2} | options))
    assert outcome.exit_code == 0, (out / AS_OF.isoformat() / "run.log").read_text()
    return out / AS_OF.isoformat()


def read(folder: Path) -> dict[str, bytes]:
    """Everything that is published, by its place."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and ".run" not in p.parts and p.name != "run.log")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def of_rep(files: dict[str, bytes], rep: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith(f"{rep.lower()}-")}


def facts_of(files: dict[str, bytes], rep: str) -> dict[str, dict]:
    (facts,) = (json.loads(c) for name, c in of_rep(files, rep).items() if name.endswith("/facts.json"))
    return {fact["id"]: fact for fact in facts if fact["cut"] is None}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    place = tmp_path_factory.mktemp("base")
    return read(run(write(place, six_reps()), place / "out"))


def test_every_headline_measure_stands_in_every_reps_facts_once(base):
    for rep in REPS:
        (facts,) = (json.loads(c) for name, c in of_rep(base, rep).items() if name.endswith("/facts.json"))
        ids = [fact["id"] for fact in facts if fact["cut"] is None]
        for headline in HEADLINE_IDS:
            assert ids.count(headline) == 1, (rep, headline)
        for fact in facts:
            assert (fact["value"] is None) == (fact["withheld"] is not None)
            for bound in ("value", "low", "high"):
                assert fact[bound] is None or math.isfinite(fact[bound])


def test_order_place_workers_and_a_second_run_change_no_byte(base, tmp_path):
    tables = {name: random.Random(5).sample(list(rows), len(list(rows))) for name, rows in six_reps().items()}
    again = read(run(write(tmp_path / "elsewhere" / "deeper", tables), tmp_path / "out", jobs=1, reps=["R2", "R6"]))
    for rep in ("R2", "R6"):
        assert of_rep(again, rep) == of_rep(base, rep)


def bend_later_rows(tables):
    """Adds, changes and removes what is dated after the as-of date, and what became of the deals open on it."""
    rng, day = random.Random(3), AS_OF.isoformat()
    for name, column in (("orders", "order_date"), ("activities", "activity_date"), ("leads", "created_date"),
                         ("stage_history", "entered_date"), ("opportunities", "created_date")):  # fmt: skip
        later = [row for row in tables[name] if row[column] > day]
        tables[name] = [row for row in tables[name] if row[column] <= day] + later[1:]
    tables["orders"] += [{**tables["orders"][0], "order_id": f"new{k}", "order_date": "2026-06-15", "amount": "99999"} for k in range(9)]
    tables["account_owners"].append({"account_id": "100", "rep_id": "R3", "valid_from": "2026-06-01", "valid_to": ""})
    for row in tables["opportunities"]:
        if row["close_date"] > day and row["outcome"] != "Open":
            row.update(outcome=rng.choice(["Won", "Lost", "Open"]), stage=rng.choice(STAGES), amount="1", close_date="2026-07-30",
                       loss_reason="bent", win_reason="bent", next_step="bent", competitor="bent")  # fmt: skip
    return tables


def test_rows_after_the_as_of_date_and_the_later_fate_of_open_deals_change_no_byte(base, tmp_path):
    later = read(run(write(tmp_path, bend_later_rows(six_reps())), tmp_path / "out", reps=["R2", "R4"]))
    for rep in ("R2", "R4"):
        assert of_rep(later, rep) == of_rep(base, rep)


def test_reps_add_up_to_the_team_and_the_team_to_the_exports(base):
    tables, team = six_reps(), json.loads(base["team.json"])
    measures = {m["id"]: m for m in team["measures"]}
    for name in ("revenue", "won_amount", "booked_amount", "quota", "won_deals"):
        assert measures[name]["value"] == total(facts_of(base, rep)[name]["value"] for rep in REPS), name
    won = [r for r in tables["opportunities"] if r["outcome"] == "Won" and "2025-06-01" <= r["close_date"] <= AS_OF.isoformat()]
    assert measures["won_amount"]["value"] == total(float(r["amount"]) for r in won)
    booked = [r for r in tables["orders"] if "2026-01-01" <= r["order_date"] <= AS_OF.isoformat()]
    assert measures["booked_amount"]["value"] == total(float(r["amount"]) for r in booked)
    rates = [facts_of(base, rep)["win_rate"] for rep in REPS]
    counts = [total(f[side] for f in rates if f[side]) for side in ("numerator", "denominator")]
    assert measures["win_rate"]["value"] == pytest.approx(counts[0] / counts[1], abs=1e-15)


def test_the_ladder_adds_up_to_the_goal(base):
    for rep in REPS[:5]:
        facts = facts_of(base, rep)
        rungs = total(facts[i]["value"] or 0 for i in ("booked_amount", "flow_amount", "likely_amount", "stretch_amount"))
        missing = facts["unidentified_amount"]["value"]
        assert missing == max(0.0, total([facts["goal"]["value"], -rungs]))


@pytest.mark.parametrize("rep", REPS)
def test_a_reps_folder_holds_nothing_of_another_reps(base, rep):
    others = [canary(other).encode() for other in REPS if other != rep]
    for name, content in of_rep(base, rep).items():
        assert not [mark for mark in others if mark in content], name


def test_private_aims_stand_nowhere(base):
    assert not [name for name, content in base.items() if b"secretcanary" in content]


class Page(HTMLParser):
    """The tags and the attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


def test_no_text_from_the_data_runs_or_renders(base):
    for name, content in base.items():
        if name.endswith(".html"):
            page = Page(content.decode())
            assert not page.tags & {"script", "iframe", "object", "embed", "form", "base", "svg", "math"}, name
            assert not [key for key, _ in page.attributes if key.startswith("on")], name
            addresses = [value for key, value in page.attributes if key in ("href", "src", "action", "formaction")]
            assert not [a for a in addresses if not re.match(r"#|tables/|data:image/png|r\d-|index\.html", a)], name
    for rep in REPS[:5]:
        (page,) = (c.decode() for name, c in of_rep(base, rep).items() if name.endswith("report.html"))
        assert "&lt;script&gt;" in page


def test_no_cell_of_a_spreadsheet_computes(base):
    for name, content in base.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(content.decode().splitlines()) for cell in row]
            live = [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r")) and not re.fullmatch(r"-?[\d.]+(e-?\d+)?", c)]
            assert not live, name


def test_published_notebooks_are_valid_and_were_run_to_the_end(base):
    notebooks = [nbformat.reads(content.decode(), as_version=4) for name, content in base.items() if name.endswith(".ipynb")]
    assert len(notebooks) == 6 * len(REPS)
    for notebook in notebooks:
        nbformat.validate(notebook)
        assert unfinished_cell(notebook) is None


def test_no_published_file_says_where_the_company_lies(base, tmp_path_factory):
    place = str(tmp_path_factory.getbasetemp()).encode()
    places = (place, str(ROOT).encode())
    assert not [name for name, content in base.items() if any(p in content for p in places)]


def test_the_as_of_date_stands_on_every_page(base):
    for name, content in base.items():
        if name.endswith(".html"):
            assert "31 May 2026" in content.decode(), name
    assert date.fromisoformat(json.loads(base["manifest.json"])["as_of"]) == AS_OF
