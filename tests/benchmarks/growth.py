"""Growth: a rep among a thousand costs what a rep among fifty costs, and so does a rep among ten million order lines."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .again import run_again, time_unchanged, write_plan
from .clock import Cost, run
from .contests import CORES, Place, make_ready, run_batch, time_chapters
from .figures import Figure, Section
from .watch import Look, most_around, per_report, watch

Tell = Callable[[str], None]

_MB, _GB = 2**20, 2**30


@dataclass(frozen=True)
class Sizes:
    """few, many: reps with a small book each. crowd: reps with 2,000 order lines each. sampled: reps made in both."""

    few: int = 50
    many: int = 1_000
    crowd: int = 5_000
    sampled: int = 20


QUICK = Sizes(few=4, many=8, crowd=20, sampled=2)
_FEW_LINES, _MANY_LINES = 200, 2_000


def measure(room: Path, *, quick: bool, rounds: int, tell: Tell) -> Iterator[Section]:
    """Each section as soon as it is there, for it takes hours until all are."""
    sizes = QUICK if quick else Sizes()
    yield from _reps(room, sizes, rounds, tell)
    yield from _lines(room, sizes, tell)


def _reps(room: Path, sizes: Sizes, rounds: int, tell: Tell) -> list[Section]:
    few, many = (_make(room, reps, _FEW_LINES, tell) for reps in (sizes.few, sizes.many))
    (before, cost_before), (looks, cost), (after, cost_after) = (_watched(place, tell) for place in (few, many, few))
    alone = [per_report(seen, 2, sizes.few) for seen in (before, after)]
    first, last = per_report(looks, 2, sizes.few), per_report(looks, sizes.many - sizes.few, sizes.many)
    figures = []
    for n, unit in ((0, "s per rep"), (1, "processor s per rep")):
        usual = [*alone[0][n], *alone[1][n]]
        figures += [
            Figure(f"all of {sizes.few} reps", unit, usual),
            Figure(f"the first {sizes.few} of {sizes.many:,} reps", unit, first[n]),
            Figure(f"the last {sizes.few} of {sizes.many:,} reps", unit, last[n]),
            Figure(f"the last of {sizes.many:,} over all of {sizes.few}", "×", [s / median(usual) for s in last[n]], at_most=1.15),
        ]
    unit = "processor s per rep"
    figures += [
        Figure(f"{sizes.few} reps, start and end counted", unit, [one.processor / sizes.few for one in (cost_before, cost_after)]),
        Figure(f"{sizes.many:,} reps, start and end counted", unit, [cost.processor / sizes.many]),
        *_held(looks, sizes),
    ]
    return [
        Section(f"4. Growth: {sizes.many:,} reps against {sizes.few}, {_FEW_LINES} order lines each", figures),
        Section(f"5. Nothing twice, {sizes.many:,} reps", _unchanged(many, rounds, tell)),
    ]


def _held(looks: Sequence[Look], sizes: Sizes) -> list[Figure]:
    """Memory, open files, processes and temporary files, early and late in the run of many."""
    early, late, figures = sizes.few, sizes.many - sizes.few // 2, []
    for name, what, unit, size, bound in (
        ("largest", "largest process of a rep", "MB", _MB, 400),
        ("server", "warm server", "MB", _MB, None),
        ("run", "the run itself", "MB", _MB, None),
        ("open_files", "open files of run and server", "files", 1, None),
        ("processes", "processes besides the reps' own", "processes", 1, None),
        ("temporary", "temporary files", "files", 1, None),
    ):
        then, now = (most_around(looks, done, name, width=sizes.few // 2) / size for done in (early, late))
        figures.append(Figure(f"{what}, around report {early:,}", unit, [then]))
        figures.append(Figure(f"{what}, around report {late:,}", unit, [now], at_most=bound or max(1.05 * then, then + 2)))
    return figures


def _unchanged(place: Place, rounds: int, tell: Tell) -> list[Figure]:
    again = [seconds * 100 / len(place.everyone) for seconds in time_unchanged(place, rounds=rounds, tell=tell)]
    tell(f"{place.name}: one plan changed")
    write_plan(place)
    n, _ = run_again(place)
    return [
        Figure("nothing changed", "s per 100 reps", again, at_most=2),
        Figure("one plan changed: made again", "reports", [n], at_most=1),
    ]


def _lines(room: Path, sizes: Sizes, tell: Tell) -> list[Section]:
    few, crowd = (_write(room, reps, _MANY_LINES, tell) for reps in (sizes.few, sizes.crowd))
    lines, least = sizes.crowd * _MANY_LINES, sizes.few * _MANY_LINES
    figures = [*_preparation(crowd, tell), *_sampled({least: few, lines: crowd}, sizes, tell)]
    return [Section(f"4. Growth: {lines:,} order lines against {least:,}, {_MANY_LINES:,} for each rep", figures)]


def _preparation(company: Path, tell: Tell) -> list[Figure]:
    store = str(company.parent / "store")
    tell("preparation, then what the team teaches")
    prepared = run("tests.benchmarks.ready", str(company), "untaught", WORKBOOK_STORE=store).cost
    taught = run("tests.benchmarks.ready", str(company), WORKBOOK_STORE=store).cost
    return [
        *_of_preparation("preparation, validation included", prepared, seconds=120, memory=4),
        *_of_preparation("what the team teaches", taught),
    ]


def _sampled(companies: dict[int, Path], sizes: Sizes, tell: Tell) -> list[Figure]:
    """The same number of reps of each company, two at a time and in turn; then a run of all of these."""
    places = {lines: _sample(make_ready(folder, folder.parent), sizes.sampled) for lines, folder in companies.items()}
    seconds: dict[int, list[float]] = {lines: [] for lines in places}
    for n in range(sizes.sampled // CORES):
        for lines, place in places.items():
            tell(f"{lines:,} lines: reps, {n + 1} of {sizes.sampled // CORES}")
            seconds[lines] += [sum(stages.values()) for stages in time_chapters(place, n).values()]
    few, crowd = places
    figures = [Figure(f"a rep among {lines:,} lines", "processor s per rep", taken) for lines, taken in seconds.items()]
    figures.append(Figure("the second over the first", "×", [s / median(seconds[few]) for s in seconds[crowd]], at_most=1.15))
    for lines, place in places.items():
        tell(f"{lines:,} lines: a run of {sizes.sampled} reps")
        what = f"workbook run for {sizes.sampled} reps among {lines:,} lines, start and end counted"
        figures.append(Figure(what, "s", [run_batch(place).cost.wall]))
    return figures


def _of_preparation(what: str, cost: Cost, *, seconds: float | None = None, memory: float | None = None) -> list[Figure]:
    return [
        Figure(what, "s", [cost.wall], at_most=seconds),
        Figure(what, "processor s", [cost.processor]),
        Figure(what, "GB at most", [cost.peak / _GB], at_most=memory),
    ]


def _write(room: Path, reps: int, lines: int, tell: Tell) -> Path:
    tell(f"writing a company of {reps:,} reps with {lines:,} order lines each")
    folder = room / f"{reps}x{lines}" / "company"
    run("tests.benchmarks.company", str(folder), "--reps", str(reps), "--lines", str(lines))
    return folder


def _make(room: Path, reps: int, lines: int, tell: Tell) -> Place:
    folder = _write(room, reps, lines, tell)
    return make_ready(folder, folder.parent)


def _sample(place: Place, n: int) -> Place:
    """The same company, with n of its reps, evenly spread."""
    return place.only(place.reps[:: max(1, len(place.reps) // n)][:n])


def _watched(place: Place, tell: Tell) -> tuple[list[Look], Cost]:
    """A run of all reps, looked at while it goes on."""
    tell(f"{len(place.everyone):,} reps: all of them")
    shutil.rmtree(place.out, ignore_errors=True)
    own = place.out / place.as_of / ".run"
    with watch(own / "records", own / "scratch", Path(tempfile.gettempdir())) as looks:
        cost = run_batch(place).cost
    return looks, cost
