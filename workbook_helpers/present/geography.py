"""Chapter 1 to look at: the map of customers and prospects, distance bands, and where success can be repeated (1.6, 1.11)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbook_helpers.measure import Answer, say_number
from workbook_helpers.present import cells, markup
from workbook_helpers.present.look import COLOURS, figure, legend_below, shorten
from workbook_helpers.present.segments import say_label, say_name
from workbook_helpers.present.wording import as_count, as_list, as_money, as_share

#: A degree of latitude in kilometres.
_KM = 111.2
#: Places that are named on the map.
_NAMED = 5


def chart_map(answer: Answer, currency: str, ax: Axes | None = None) -> Axes | None:
    """Customers as circles by revenue, prospects hollow, rings of 50 and 100 km around the rep; None without coordinates.

    It needs no network: longitude is drawn as wide as it is at the book's own latitude.
    """
    if answer.withheld is not None:
        return None
    points, (latitude, longitude) = answer.notes["points"], answer.notes["home"]
    shown = points[points["status"].isin(["customer", "prospect"])]
    n = shown["status"].value_counts()
    prospects_n, customers_n = int(n.get("prospect", 0)), int(n.get("customer", 0))
    alt = f"Map of {as_count(customers_n, 'customer')} and {as_count(prospects_n, 'prospect')}; the table below counts them by distance."
    wide = max(float(np.cos(np.radians(points["latitude"].median()))), 0.1)
    high = _span(shown["latitude"]) / max(_span(shown["longitude"]) * wide, 1e-6)
    ax = figure(
        title=_say_near(answer), subtitle=f"Circles: customers, by revenue of a year ({currency}); hollow: prospects. {_say_home(answer)}",
        alt=alt, height=float(np.clip(6.4 * high, 2.6, 3.6)) + 0.9, ax=ax,
    )  # fmt: skip
    angle = np.linspace(0, 2 * np.pi, 90)
    for km in (50, 100) if answer.notes["near"] else ():
        ax.plot(longitude + km / _KM / wide * np.cos(angle), latitude + km / _KM * np.sin(angle), color="#d1d5db", lw=0.8, zorder=1)
    away = shown[shown["status"] == "prospect"]
    ring = {"facecolors": "none", "edgecolors": COLOURS["warn"], "lw": 0.9}
    ax.scatter(away["longitude"], away["latitude"], s=18, label="Prospects", zorder=3, **ring)
    ours = shown[shown["status"] == "customer"]
    top = max(float(ours["revenue_amount"].max()), 1.0) if len(ours) else 1.0
    size = 8 + 260 * ours["revenue_amount"].clip(lower=0) / top
    ax.scatter(ours["longitude"], ours["latitude"], s=size, color=COLOURS["own"], alpha=0.55, lw=0, label="Customers", zorder=2)
    if answer.notes["near"]:
        label = "Home" if answer.notes["at_home"] else "Middle of the customers"
        ax.plot([longitude], [latitude], marker="+", ms=11, mew=2, color=COLOURS["ink"], ls="", label=label)
    for row in _find_places(shown).itertuples():
        at = (row.longitude, row.latitude)
        ax.annotate(shorten(row.place, 18), at, xytext=(6, 6), textcoords="offset points", fontsize=8.5, zorder=4)
    ax.set_aspect(1 / wide, adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    legend_below(ax, ncols=3)
    return ax


def _span(values: pd.Series) -> float:
    return max(float(values.max() - values.min()), 0.3) if len(values) else 0.3


def _find_places(points: pd.DataFrame) -> pd.DataFrame:
    """The places with most accounts, each in the middle of its accounts, and none too near a larger one."""
    by = points[points["place"].notna()].groupby("place")
    places = by[["latitude", "longitude"]].median().assign(n=by.size()).reset_index()
    places = places.sort_values(["n", "place"], ascending=[False, True])
    apart = 0.1 * max(_span(points["latitude"]), _span(points["longitude"]))
    kept: list[int] = []
    for i in places.index:
        away = (places.loc[kept, ["latitude", "longitude"]] - places.loc[i, ["latitude", "longitude"]]).astype(float).abs()
        if (away.max(axis=1) > apart).all():
            kept.append(i)
    return places.loc[kept[:_NAMED]]


def _say_home(answer: Answer) -> str:
    if not answer.notes["near"]:
        return "No home is known."
    return "Rings: 50 and 100 km from home." if answer.notes["at_home"] else "Rings: 50 and 100 km from the middle of the customers."


def _say_near(answer: Answer) -> str:
    near = answer["near_prospects"]
    if not answer.notes["near"]:
        return f"Where the customers and {as_count(near.n, 'prospect')} are"
    where = "home" if answer.notes["at_home"] else "the middle of the customers (no home is known)"
    if not near.n:
        return f"No prospect has coordinates; customers are shown by distance from {where}"
    return f"{near.value:,.0f} of {as_count(near.n, 'prospect')} {'is' if near.value == 1 else 'are'} within 50 km of {where}"


def say_reach(answer: Answer) -> markup.Shown | None:
    """How many prospects are near, and how much of the revenue; nothing without coordinates, where places speak."""
    if answer.withheld is not None or not answer.notes["near"]:
        return None
    table, text = answer.table, _say_near(answer)
    near = table[table["far_km"] <= 50]
    if table["revenue_share"].notna().all() and near["revenue_amount"].sum() > 0:
        text += f", and {as_share(near['revenue_share'].sum())} of the year's revenue comes from there"
    if answer.notes["unknown_n"]:
        text += f"; {as_count(answer.notes['unknown_n'], 'account')} without coordinates left out"
    return markup.sentence(answer, f"{text}.", *answer.measures)


def table_reach(answer: Answer, currency: str) -> markup.Shown | None:
    """Customers, prospects and revenue by distance from the rep; nothing where that says nothing."""
    if answer.withheld is not None or not answer.notes["near"]:
        return None
    where = "home" if answer.notes["at_home"] else "the middle of the customers"
    columns: dict[str, tuple[str, markup.Kind]] = {
        "label": (f"From {where}", "text"),
        "customers_n": ("Customers", "count"),
        "prospects_n": ("Prospects", cells.Bar("count")),
        "revenue_amount": (f"Revenue of a year, {currency}", "money"),
        "revenue_share": ("Share", "share"),
    }
    return markup.table(answer.table, columns, caption="How far they are, as the crow flies.")


def say_places(answer: Answer) -> markup.Shown:
    """Where most prospects are."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    top = answer.table.head(3)
    whole = answer.table["prospects_n"].sum()
    if not whole:
        return markup.sentence(answer, "The book holds no prospect with a known place.")
    named = as_list([f"{r.label} ({r.prospects_n:,})" for r in top.itertuples() if r.prospects_n])
    if whole > 1 and top["prospects_n"].iloc[0] == 1:
        return markup.sentence(answer, f"The {as_count(whole, 'prospect')} are spread: no place holds two of them.")
    return markup.sentence(answer, f"Of {as_count(whole, 'prospect')}, most are in {named}.")


def table_places(answer: Answer, currency: str, limit: int = 10) -> markup.Shown | None:
    """Places with their prospects, customers and revenue."""
    if answer.withheld is not None:
        return None
    columns = {
        "label": (answer.notes["place"].replace("_", " ").capitalize(), "text"),
        "prospects_n": ("Prospects", "count"),
        "customers_n": ("Customers", "count"),
        "revenue_amount": (f"Revenue of a year, {currency}", "money"),
    }
    return markup.table(answer.table, columns, caption="Where prospects and customers are.", limit=limit)


def say_verticals(answer: Answer, currency: str) -> markup.Shown:
    """Where success could be repeated, what it could be worth, and whom to call first."""
    if answer.withheld is not None:
        return markup.sentence(answer, None)
    worth = answer["repeat_worth"]
    if worth.value is not None:
        row = answer.table.iloc[0]
        low, high = say_number(worth.low, "money", short=True), as_money(worth.high, currency)
        text = f"{_say_segment(answer, row['label'])}: {as_share(row['shrunk_share'])} of deals won and "
        text += f"{as_count(row['untouched_n'], 'prospect')} "
        text += f"that nobody touched for a year; one deal with each could be worth {low} to {high} a year"
        text += f". First: {as_list(list(row['names']))}." if row["names"] else "."
        return markup.sentence(answer, text, *answer.measures)
    proven = answer.table[(answer.table["customers_n"] >= 5) & (answer.table["untouched_n"] > 0)]
    if proven.empty:
        text = "No segment with five customers or more has prospects that were left alone for a year"
        best = answer.table[answer.table["prospects_n"] > 0].dropna(subset=["revenue_amount", "shrunk_share"])
        if len(best):
            row = best.loc[(best["revenue_amount"] * best["shrunk_share"]).idxmax()]
            text += f"; success pays most in {_say_segment(answer, row['label'], inside=True)}: {as_share(row['shrunk_share'])} of deals "
            text += f"won, {as_money(row['revenue_amount'], currency)} a year per customer, {as_count(row['prospects_n'], 'prospect')}"
        return markup.sentence(answer, f"{text}.")
    row = proven.sort_values(["untouched_n", "label"], ascending=[False, True]).iloc[0]
    text = f"{_say_segment(answer, row['label'])} has {as_count(row['customers_n'], 'customer')} and "
    text += f"{as_count(row['untouched_n'], 'prospect')} that nobody touched for a year; without closed deals of such accounts their "
    text += "worth is not estimated"
    text += f". First: {as_list(list(row['names']))}." if row["names"] else "."
    return markup.sentence(answer, text, *answer.measures)


def _say_segment(answer: Answer, label: str, *, inside: bool = False) -> str:
    """A segment in words, within a sentence or at its head."""
    said = say_label(answer.notes["column"], label)
    return said if inside else said[0].upper() + said[1:]


def table_verticals(answer: Answer, currency: str) -> markup.Shown | None:
    """Segments with their success and their untouched prospects."""
    if answer.withheld is not None or not answer.table["prospects_n"].sum():
        return None
    table = answer.table
    columns: dict[str, tuple[str, markup.Kind]] = {
        "label": (say_name(answer.notes["column"]).capitalize(), "text"),
        "customers_n": ("Customers", "count"),
        "revenue_amount": (f"Usual revenue per customer, {currency}", "money"),
        "shrunk_share": ("Deals won, steadied by the team's", cells.Range("low_share", "high_share")),
        "prospects_n": ("Prospects", "count"),
        "untouched_n": ("Untouched for a year", cells.Bar("count")),
        "worth_amount": (f"Could be worth, {currency}", "money"),
    }
    known = table["shrunk_share"].notna().any()
    left_out = [*([] if known else ["shrunk_share"]), *([] if known and table["worth_amount"].gt(0).any() else ["worth_amount"])]
    columns = {name: column for name, column in columns.items() if name not in left_out}
    line = " Line: 95 % interval." if known else ""
    return markup.table(table, columns, caption=f"Where success can be repeated.{line}", limit=8)
