"""What is measured side by side: each contest runs once per round on a company that is ready, one after the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from .clock import Cost, Done, run

#: Everything is measured on two cores.
CORES = 2


@dataclass(frozen=True)
class Place:
    """A company that is ready. room: a folder for all that is written. reps: the ordinary ones that are measured.

    everyone: those that a batch makes, managers and house among them. plan: a rep without a plan, the plan's year and place.
    """

    company: Path
    room: Path
    as_of: str
    reps: tuple[str, ...]
    everyone: tuple[str, ...]
    plan: dict[str, Any]

    @property
    def name(self) -> str:
        return self.company.name

    @property
    def store(self) -> Path:
        return self.room / "store"

    @property
    def out(self) -> Path:
        return self.room / "out"

    def only(self, reps: Sequence[str]) -> Place:
        return replace(self, reps=tuple(reps), everyone=tuple(reps))


def make_ready(company: Path, room: Path) -> Place:
    """The company with all its reps, and its store written into the room."""
    said = json.loads(run("tests.benchmarks.ready", str(company), WORKBOOK_STORE=str(room / "store")).out)
    return Place(company, room, said["as_of"], tuple(said["kinds"]["rep"]), tuple(chain(*said["kinds"].values())), said["plan"])


def run_batch(place: Place, *, jobs: int = CORES) -> Done:
    """``workbook run`` for everyone in the place, into ``place.out``."""
    chosen = [option for rep_id in place.everyone for option in ("--rep", rep_id)]
    places = ["--store", str(place.store), "--out", str(place.out)]
    return run("workbook_helpers", "run", str(place.company), *chosen, *places, "--jobs", str(jobs))


def _fresh_batch(place: Place, jobs: int = CORES) -> Cost:
    cost = run_batch(place, jobs=jobs).cost
    shutil.rmtree(place.out)
    return cost


def _loop(place: Place, round_n: int, jobs: int) -> float:
    """Seconds by the clock per rep."""
    reps = [place.reps[(round_n * jobs + n) % len(place.reps)] for n in range(jobs)]
    out = place.room / "loop"
    done = run("tests.benchmarks.loop", str(place.company), place.as_of, str(out), str(jobs), *reps, WORKBOOK_STORE=str(place.store))
    shutil.rmtree(out)
    return float(done.out) / len(reps)


def _floor(place: Place, round_n: int) -> dict[str, Any]:
    what = ("warm", str(place.company), place.as_of, str(CORES), *place.everyone)
    return json.loads(run("tests.benchmarks.floor", *what, WORKBOOK_STORE=str(place.store)).out)


def _cold(place: Place, round_n: int) -> Cost:
    return run("tests.benchmarks.floor", "cold", str(place.company), place.as_of, place.reps[0], WORKBOOK_STORE=str(place.store)).cost


def time_chapters(place: Place, round_n: int) -> dict[str, dict[str, float]]:
    """Rep -> stage -> processor seconds, for as many reps of the round as there are cores."""
    reps = [place.reps[(round_n * CORES + n) % len(place.reps)] for n in range(min(CORES, len(place.reps)))]
    scratch = place.room / "scratch"
    what = (str(place.company), str(place.store), place.as_of, str(scratch), str(CORES), *reps)
    done = json.loads(run("tests.benchmarks.chapters", *what, WORKBOOK_STORE=str(place.store)).out)
    shutil.rmtree(scratch)
    return done


#: Name -> what runs in each round. Costs are of the whole contest, the loops' seconds are per rep.
CONTESTS: dict[str, Callable[[Place, int], Any]] = {
    "loop": lambda place, n: _loop(place, n, jobs=1),
    "batch": lambda place, n: _fresh_batch(place),
    "floor": _floor,
    "pool": lambda place, n: _loop(place, n, jobs=CORES),
    "first": lambda place, n: _fresh_batch(place.only(place.reps[:1]), jobs=1),
    "cold": _cold,
    "second": lambda place, n: _fresh_batch(place.only(place.reps[1:2]), jobs=1),
    "both": lambda place, n: _fresh_batch(place.only(place.reps[:2]), jobs=1),
    "chapters": time_chapters,
    "help": lambda place, n: run("workbook_helpers", "--help").cost,
}


def play(place: Place, wanted: Sequence[str], *, rounds: int, tell: Callable[[str], None]) -> dict[str, list[Any]]:
    """Contest -> what it gave in each round."""
    given: dict[str, list[Any]] = {name: [] for name in CONTESTS if name in wanted}
    for n in range(rounds):
        for name, samples in given.items():
            tell(f"{place.name}: round {n + 1} of {rounds}, {name}")
            samples.append(CONTESTS[name](place, n))
    return given
