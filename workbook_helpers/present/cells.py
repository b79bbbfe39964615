"""Small pictures inside the cells of a table: a bar, a range with its dot, a shade. They cost a thousandth of a chart's time.

Each is a kind of column for ``markup.table``, where a unit could stand. The number is always written beside the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

#: Shades of a cell, from none to full.
SHADES = 10

#: How the pictures look, in JupyterLab and in a report.
STYLE = (
    ".bar-cell, .range-cell { display: inline-block; position: relative; vertical-align: middle; margin-left: .5em; height: .8em } "
    ".bar-cell { width: 5em } .bar-cell i { display: block; height: 100%; background: #0173b2 } "
    ".range-cell { width: 9em; border-bottom: 1px solid #9ca3af } .range-cell i { position: absolute; display: block } "
    ".range-cell .span { top: .3em; height: .25em; background: #0173b299 } "
    ".range-cell .dot { top: .15em; width: .55em; height: .55em; margin-left: -.27em; border-radius: 50%; background: #0173b2 } "
    ".range-cell .mark { top: -.1em; width: .16em; height: 1em; margin-left: -.08em; background: currentColor } "
    + " ".join(f".shade-{n} {{ background: rgba(1, 115, 178, {n * 0.055:.3f}) }}" for n in range(1, SHADES + 1))
)


@dataclass(frozen=True)
class Bar:
    """A bar beside the number; the largest number of the column fills it, and below 0 there is none."""

    unit: str

    def draw(self, frame: pd.DataFrame, name: str) -> list[Markup]:
        """One picture per row.

        >>> Bar("money").draw(pd.DataFrame({"amount": [50.0, 100.0]}), "amount")[0]
        Markup('<span class="bar-cell"><i class="own" style="width:50.0%"></i></span>')
        """
        values = frame[name].to_numpy(float)
        top = np.nanmax(values, initial=0.0) or 1.0
        return [Markup('<span class="bar-cell"><i class="own" style="width:{}%"></i></span>').format(_percent(v / top)) for v in values]


@dataclass(frozen=True)
class Range:
    """A dot between its limits on a line from 0 to ``top``. low, high, mark: columns of the frame; mark, maybe None: a second figure to
    compare with, as an upright stroke. A missing number draws nothing."""

    low: str
    high: str
    mark: str | None = None
    unit: str = "share"
    top: float = 1.0

    def draw(self, frame: pd.DataFrame, name: str) -> list[Markup]:
        """One picture per row.

        >>> rates = pd.DataFrame({"rate_share": [0.5], "low_share": [0.25], "high_share": [0.75]})
        >>> Range("low_share", "high_share").draw(rates, "rate_share")[0].count("<i ")
        2
        """
        columns = [name, self.low, self.high, *([self.mark] if self.mark else [])]
        rows = frame[columns].to_numpy(float) / self.top
        return [self._line(*row) for row in rows]

    def _line(self, at: float, low: float, high: float, mark: float = math.nan) -> Markup:
        parts = []
        if not math.isnan(low) and not math.isnan(high):
            width = max(min(high, 1.0) - max(low, 0.0), 0.0)
            parts.append(Markup('<i class="span" style="left:{}%;width:{}%"></i>').format(_percent(low), _percent(width)))
        for kind, value in (("mark", mark), ("dot", at)):
            if not math.isnan(value):
                parts.append(Markup('<i class="{}" style="left:{}%"></i>').format(kind, _percent(value)))
        return Markup('<span class="range-cell">{}</span>').format(Markup("").join(parts)) if parts else Markup("")


@dataclass(frozen=True)
class Shade:
    """The larger the number, the darker its cell. top: the number of the darkest shade; None: the column's largest."""

    unit: str
    top: float | None = None

    def classes(self, frame: pd.DataFrame, name: str) -> list[str]:
        """One class per row.

        >>> Shade("share").classes(pd.DataFrame({"share": [0.0, 0.4, None]}), "share")
        ['shade-0', 'shade-10', 'shade-0']
        """
        values = np.nan_to_num(frame[name].to_numpy(float)).clip(min=0.0)
        top = self.top or values.max(initial=0.0) or 1.0
        return [f"shade-{math.ceil(SHADES * min(v / top, 1.0))}" for v in values]


def _percent(share: float) -> float:
    return round(100 * min(max(0.0 if math.isnan(share) else share, 0.0), 1.0), 1)
