"""Step 1, places: where customers and prospects are, how far from the rep, and in which segments success can be repeated (1.6, 1.11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money
from workbook_helpers.statistics import MIN_CASES, draw_uniforms, estimate_beta_quantiles

NEAR_PROSPECTS = Definition(
    "near_prospects", 1, "Prospects within 50 km", "count",
    "prospects at most 50 km from the rep's home, or where it is not known from the middle of the book's customers (great circle)",
)  # fmt: skip
EXPECTED_WORTH = Definition(
    "repeat_worth", 1, "Worth of one deal with each untouched prospect", "money",
    "best segment: win rate, shrunk toward the team's × median yearly revenue of its customers × prospects nobody touched for a year; "
    "range: four in five of 1,000 draws of the win rate (beta) and of the median (customers drawn again)",
)  # fmt: skip

#: Where a band of distance from the rep ends, in kilometres; the last has no end.
BANDS_KM = (25, 50, 100)
_EARTH_KM = 6371.0088
DRAWS, SEED = 1000, 11


@answers("1.6", accounts=["account_id"])
def summarise_places(
    *, accounts: pd.DataFrame, columns: Sequence[str] = ("city", "postal_code", "region", "country")
) -> Answer:
    """Where the prospects are: by the finest place that holds them together, most prospects first.

    accounts: from ``score_accounts``. Returns label, customers_n, prospects_n, revenue_amount (last 365 days). notes:
    place.

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "city": ["X", "Y", "Y"], "revenue_amount": [5.0, 0.0, 0.0]})
    >>> summarise_places(accounts=frame).table[["label", "prospects_n"]].values.tolist()
    [['Y', 2], ['X', 0]]
    """
    place = next((c for c in columns if c in accounts and 2 <= accounts[c].nunique() < accounts[c].notna().sum()), None)
    if place is None:
        return Answer("1.6", withheld=f"it needs accounts that differ in one of the columns {', '.join(columns)}")
    n = Counter(zip(accounts[place], accounts["status"], strict=True))
    revenue = sum_money(accounts["revenue_amount"], accounts[place])
    rows = [(label, n[label, "customer"], n[label, "prospect"], amount) for label, amount in revenue.items()]
    rows = sorted(rows, key=lambda row: (-row[2], -row[3], row[0]))
    table = pd.DataFrame(rows, columns=["label", "customers_n", "prospects_n", "revenue_amount"])
    return Answer("1.6", table, notes={"place": place})


def measure_distance(latitude: pd.Series, longitude: pd.Series, home: tuple[float, float]) -> pd.Series:
    """Kilometres as the crow flies (great circle, haversine). home: latitude, longitude.

    >>> berlin_to_paris = measure_distance(pd.Series([48.8566]), pd.Series([2.3522]), (52.52, 13.405))
    >>> float(berlin_to_paris.round().iloc[0])
    877.0
    """
    here, there = np.radians(home[0]), np.radians(latitude.astype(float))
    half = np.sin((there - here) / 2) ** 2
    half += np.cos(here) * np.cos(there) * np.sin(np.radians(longitude.astype(float) - home[1]) / 2) ** 2
    return 2 * _EARTH_KM * np.arcsin(np.sqrt(half.clip(upper=1.0)))


@answers("1.6", NEAR_PROSPECTS, accounts=["account_id", "latitude", "longitude"])
def summarise_reach(*, accounts: pd.DataFrame, home: tuple[float | None, float | None] = (None, None)) -> Answer:
    """How far customers, prospects and revenue lie from the rep, in bands of distance.

    accounts: from ``score_accounts``. home: the rep's latitude and longitude; where it is not known, the middle (median) of the book's
    customers stands for it. One row out per band: label, far_km (where it ends; missing for the last), customers_n, prospects_n,
    revenue_amount (last 365 days), revenue_share. notes: points (the accounts with coordinates: account_name, place, latitude,
    longitude, status, revenue_amount, distance_km), home, at_home (whether it is the rep's), near (whether distance from there says
    anything: a home, or a middle with a quarter of the accounts within 100 km), unknown_n (accounts without coordinates).

    >>> who = pd.DataFrame({"account_id": list("ab"), "account_name": ["A", "B"], "status": ["customer", "prospect"],
    ...     "latitude": [52.5, 53.0], "longitude": [13.4, 13.4], "revenue_amount": [9.0, 0.0]})
    >>> summarise_reach(accounts=who, home=(52.5, 13.4)).table[["label", "customers_n", "prospects_n"]].values.tolist()
    [['up to 25 km', 1, 0], ['25 to 50 km', 0, 0], ['50 to 100 km', 0, 1], ['over 100 km', 0, 0]]
    """
    latitude, longitude = (pd.to_numeric(accounts[c], errors="coerce") for c in ("latitude", "longitude"))
    known = accounts[latitude.between(-90, 90) & longitude.between(-180, 180)]
    known = known.assign(latitude=latitude, longitude=longitude).sort_values("account_id", ignore_index=True)
    if known.empty:
        return Answer("1.6", withheld="it needs accounts with latitude and longitude")
    at_home = all(value is not None and value == value for value in home)
    if not at_home:
        middle = known[known["status"] == "customer"] if (known["status"] == "customer").any() else known
        home = (float(middle["latitude"].median()), float(middle["longitude"].median()))
    known["distance_km"] = measure_distance(known["latitude"], known["longitude"], home).round(3)
    known["place"] = known.get("city")
    band = np.digitize(known["distance_km"], BANDS_KM, right=True)
    rows, whole = [], known["revenue_amount"].sum()
    for k in range(len(BANDS_KM) + 1):
        here, n = known[band == k], Counter(known.loc[band == k, "status"])
        below, end = (0, *BANDS_KM)[k], BANDS_KM[k] if k < len(BANDS_KM) else np.nan
        label = f"up to {end} km" if not k else f"over {below} km" if k == len(BANDS_KM) else f"{below} to {end} km"
        revenue = round(float(here["revenue_amount"].sum()), 4)
        rows.append((label, end, n["customer"], n["prospect"], revenue, revenue / whole if whole else np.nan))
    table = pd.DataFrame(rows, columns=["label", "far_km", "customers_n", "prospects_n", "revenue_amount", "revenue_share"])
    points = known[["account_name", "place", "latitude", "longitude", "status", "revenue_amount", "distance_km"]]
    near = points[(points["status"] == "prospect") & (points["distance_km"] <= 50)].sort_values(["distance_km", "account_name"])
    measure = NEAR_PROSPECTS.measure(len(near), n=int((points["status"] == "prospect").sum()), source="accounts",
                                     rows=near[["account_name", "place", "distance_km"]])  # fmt: skip
    near_middle = at_home or bool((known["distance_km"] <= BANDS_KM[-1]).mean() >= 0.25)
    notes = {"points": points, "home": home, "at_home": at_home, "near": near_middle, "unknown_n": len(accounts) - len(known)}
    return Answer("1.6", table, (measure,), notes)


@answers("1.11", EXPECTED_WORTH, accounts=["account_id"])
def summarise_verticals(*, accounts: pd.DataFrame, compared: pd.DataFrame, column: str | None, as_of: date) -> Answer:
    """Where success can be repeated: per segment the customers, the win rate, the prospects nobody touched for a year, and what they
    could be worth.

    accounts: from ``score_accounts``, with potential_amount where it is known. compared: ``segmentation.compare_wins`` (empty where
    there are no deals). Returns label, customers_n, revenue_amount (a customer's median, last 365 days; missing below five customers),
    shrunk_share with low_share and high_share (95 %), cases_n, prospects_n, untouched_n, worth_amount (shrunk_share × revenue_amount ×
    untouched_n: one deal with each), worth_low and worth_high (four in five), names (up to three untouched prospects, those who
    could spend most first); most worth first, then most customers.

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "industry": ["X", "X", "Y"],
    ...     "revenue_amount": [5.0, 0.0, 0.0], "last_touch_date": pd.to_datetime([None, "2026-09-01", None])})
    >>> answer = summarise_verticals(accounts=frame, compared=pd.DataFrame(), column="industry", as_of=date(2026, 9,
    ...     30))
    >>> answer.table[["label", "customers_n", "prospects_n", "untouched_n"]].values.tolist()
    [['X', 1, 1, 0], ['Y', 0, 1, 1]]
    """
    if column is None:
        return Answer("1.11", withheld="no column of the accounts divides them into segments")
    known = accounts.sort_values("account_id")
    label = known[column].where(known[column].isna(), known[column].astype(str))
    alone = (known["status"] == "prospect") & ~Period.ending(as_of).holds(known["last_touch_date"])
    n, left_alone = Counter(zip(label, known["status"], strict=True)), Counter(label[alone])
    rates = compared[compared["cut"] == column].set_index("label") if len(compared) else compared
    rows = []
    for name in sorted(label.dropna().unique()):
        spent = np.sort(known.loc[(label == name) & (known["status"] == "customer"), "revenue_amount"].to_numpy(float))
        rate = rates.loc[name] if name in rates.index else None
        rows.append((name, n[name, "customer"], n[name, "prospect"], left_alone[name],
                     *_estimate_worth(name, spent, rate, left_alone[name]), _name_largest(known[alone & (label == name)])))  # fmt: skip
    names = ["label", "customers_n", "prospects_n", "untouched_n", "revenue_amount", "shrunk_share", "low_share", "high_share", "cases_n",
             "worth_amount", "worth_low", "worth_high", "names"]  # fmt: skip
    order = sorted(rows, key=lambda row: (-np.nan_to_num(row[9]), -row[1], -row[3], row[0]))
    table = pd.DataFrame(order, columns=names)
    notes = {"column": column}
    if not len(table) or not table["worth_amount"].iloc[0] > 0:
        why = "no segment has five customers, closed deals and a prospect that was left alone for a year"
        return Answer("1.11", table, (EXPECTED_WORTH.withhold(why, source="accounts, opportunities, sales"),), notes)
    top = table.iloc[0]
    measure = EXPECTED_WORTH.measure(
        float(top["worth_amount"]), low=float(top["worth_low"]), high=float(top["worth_high"]), level=0.8, n=int(top["untouched_n"]),
        source="accounts, opportunities, sales", rows=table.drop(columns="names"),
    )  # fmt: skip
    return Answer("1.11", table, (measure,), notes)


def _name_largest(prospects: pd.DataFrame) -> tuple[str, ...]:
    if "account_name" not in prospects:
        return ()
    if "potential_amount" in prospects:
        prospects = prospects.sort_values("potential_amount", ascending=False, kind="stable", na_position="last")
    return tuple(prospects["account_name"].head(3))


def _estimate_worth(name: str, spent: np.ndarray, rate: pd.Series | None, untouched_n: int) -> tuple[float, ...]:
    """revenue_amount, shrunk_share, low_share, high_share, cases_n, worth_amount, worth_low, worth_high."""
    from scipy.special import betaincinv

    usual = float(np.median(spent)) if len(spent) >= MIN_CASES else np.nan
    if rate is None or not rate["won_weight"] > 0 or not rate["lost_weight"] > 0:
        return (usual, *[np.nan] * 7)
    won, lost = float(rate["won_weight"]), float(rate["lost_weight"])
    low, high = betaincinv(won, lost, 0.025), betaincinv(won, lost, 0.975)
    share = won / (won + lost)
    if np.isnan(usual):
        return (usual, share, low, high, float(rate["cases_n"]), *[np.nan] * 3)
    if not untouched_n:
        return (usual, share, low, high, float(rate["cases_n"]), 0.0, 0.0, 0.0)
    chances = estimate_beta_quantiles(won, lost, draw_uniforms(SEED, f"{name}:rate", DRAWS))
    drawn = spent[(draw_uniforms(SEED, f"{name}:spent", DRAWS * len(spent)) * len(spent)).astype(int)]
    worth = chances * np.median(drawn.reshape(DRAWS, len(spent)), axis=1) * untouched_n
    worth_low, worth_high = np.quantile(worth, [0.1, 0.9]).round(2)
    return (usual, share, low, high, float(rate["cases_n"]), round(share * usual * untouched_n, 2), worth_low, worth_high)
