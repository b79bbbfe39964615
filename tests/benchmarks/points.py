"""The points that are measured side by side: which contests each needs, and the figures it makes of their samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import mean
from typing import Any

from .clock import Cost
from .contests import CORES, Place
from .figures import Figure

Samples = dict[str, list[Any]]


@dataclass(frozen=True)
class Point:
    """One question. needs: the contests that answer it. figures: of the place and the contests' samples."""

    title: str
    needs: tuple[str, ...]
    figures: Callable[[Place, Samples], Sequence[Figure]]


def _starts(given: Samples) -> list[Cost]:
    """What a run costs apart from its reps, in each round: of two reps made apart, less both made together."""
    runs = zip(given["first"], given["second"], given["both"], strict=True)
    return [Cost(a.wall + b.wall - both.wall, a.processor + b.processor - both.processor) for a, b, both in runs]


def _against_loop(place: Place, given: Samples) -> list[Figure]:
    n = len(place.everyone)
    starts = [start.wall for start in _starts(given)]
    whole = [batch.wall / n for batch in given["batch"]]
    warm = [(batch.wall - start) / n for batch, start in zip(given["batch"], starts, strict=True)]
    ten = [start / 10 + seconds for start, seconds in zip(starts, warm, strict=True)]

    def over(loop: str, ours: Sequence[float]) -> list[float]:
        return [theirs / seconds for theirs, seconds in zip(given[loop], ours, strict=True)]

    return [
        Figure("plain loop", "reps per minute", [60 / s for s in given["loop"]]),
        Figure(f"plain loop in {CORES} processes", "reps per minute", [60 / s for s in given["pool"]]),
        Figure(f"workbook run, {n} reps, {CORES} at a time", "reps per minute", [60 / s for s in whole]),
        Figure("workbook run over the plain loop", "×", over("loop", whole), at_least=8, aim=12),
        Figure("the same, without start and end of the run", "×", over("loop", warm)),
        Figure("the same, ten reps with start and end (computed)", "×", over("loop", ten)),
        Figure(f"workbook run over the loop in {CORES} processes", "×", over("pool", whole), at_least=4),
    ]


def _against_floor(place: Place, given: Samples) -> list[Figure]:
    n = len(place.everyone)
    floor = [mean(rep["seconds"] for rep in done.values()) for done in given["floor"]]
    start = [cost.processor for cost in _starts(given)]
    whole = [batch.processor / n for batch in given["batch"]]
    warm = [(batch.processor - s) / n for batch, s in zip(given["batch"], start, strict=True)]

    def over(seconds: list[float]) -> list[float]:
        return [ours / least for ours, least in zip(seconds, floor, strict=True)]

    return [
        Figure("floor: the cells alone", "processor s per rep", floor),
        Figure(f"workbook run, {n} reps, everything counted", "processor s per rep", whole),
        Figure("start and end of a run, whatever its reps", "processor s", start),
        Figure("workbook run over floor, everything counted", "×", over(whole), at_most=1.5, aim=1.25),
        Figure("workbook run over floor, without start and end", "×", over(warm)),
    ]


def _chapters(place: Place, given: Samples) -> list[Figure]:
    reps = [stages for done in given["chapters"] for stages in done.values()]
    drawn = [rep["notebooks"] for done in given["floor"] for rep in done.values()]
    bound: dict[str, float] = {"at_most": 0.7, "aim": 0.6}
    stages = [Figure(s, "processor s per rep", [rep[s] for rep in reps], **bound if s in drawn[0] else {}) for s in reps[0]]
    return [
        *stages,
        Figure("all stages", "processor s per rep", [sum(rep.values()) for rep in reps]),
        Figure("charts", "per rep", [sum(len(one["charts"]) for one in rep.values()) for rep in drawn]),
        Figure("a chart, drawn", "processor s", [s for rep in drawn for one in rep.values() for s in one["charts"]], aim=0.1),
    ]


def _one_rep(place: Place, given: Samples) -> list[Figure]:
    pairs = list(zip(given["first"], given["cold"], strict=True))
    return [
        Figure("workbook run --rep X", "s", [run.wall for run, _ in pairs]),
        Figure("its cells in a fresh process: imports + floor", "s", [cold.wall for _, cold in pairs]),
        Figure("run over imports + floor, by the clock", "×", [run.wall / cold.wall for run, cold in pairs], at_most=1.5),
        Figure("run over imports + floor, processor", "×", [run.processor / cold.processor for run, cold in pairs]),
        Figure("workbook --help", "s", [cost.wall for cost in given["help"]], at_most=0.5),
    ]


POINTS = {
    "loop": Point("1. Against the plain loop", ("loop", "pool", "batch", "first", "second", "both"), _against_loop),
    "floor": Point("2. Against the floor", ("batch", "floor", "first", "second", "both"), _against_floor),
    "chapters": Point("3. What a chapter costs", ("chapters", "floor"), _chapters),
    "one": Point("6. One rep now", ("first", "cold", "help"), _one_rep),
}


def needs(names: Sequence[str]) -> set[str]:
    """The contests that these points need."""
    return set(chain.from_iterable(POINTS[name].needs for name in names))
