"""Step 1, segments: how customers, lapsed customers, prospects and leads divide (1.1), and which way of dividing tells most.

A segmentation is a column of the accounts, a number among them cut into bands, or two columns together ("industry, region").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.errors import ParameterError
from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES, compare_with_team, count_hits, estimate_beta_prior, learn_hits

CUSTOMERS = Definition("customers", 1, "Customers", "count", "accounts that bought in the lapse window", roll_up="sum")
LAPSED = Definition("lapsed", 1, "Lapsed", "count", "accounts that bought, but not in the lapse window", roll_up="sum")
PROSPECTS = Definition("prospects", 1, "Prospects", "count", "accounts that never bought", roll_up="sum")
TOLD = Definition(
    "segment_told_share", 1, "Told by the segments", "share",
    "mean of what the segments tell of log revenue, of deals won and of customers kept, each where it is more than chance, else 0, and "
    "each on accounts left out of the sum: 1 − squared error with the segment's shrunk mean ÷ squared error with the rep's mean; 5 folds",
)  # fmt: skip

#: Columns of the accounts that name one account, its owner, its spot on the map or a day, and so divide nothing.
_NO_SEGMENT = ("rep_id", "territory_id", "latitude", "longitude", "postal_code")
_NAMES = ("_id", "_date", "name", "phone", "email", "address", "url")
#: Where the number of employees is cut, as statistical offices do; other numbers are cut at the team's quartiles.
_FIXED_EDGES = {"employees": (10.0, 50.0, 250.0)}
#: More labels than these are a list of names, fewer accounts than these teach nothing.
MOST_LABELS, LEAST_ACCOUNTS = 40, 50
#: Pairs are made of so many columns, those that tell most alone.
PAIRED = 6
#: A pair makes smaller groups: it is chosen, or named, only where it tells a quarter more than the best column alone.
PAIR_GAIN = 1.25
FOLDS = 5
#: A segment tells less than this of any yes or no that was not written down after the fact.
TOO_GOOD = 0.5
#: Wins by segment look back so many days, as wins by cut do.
WIN_DAYS = 3 * 365
#: One-sided 97.5 %: many ways of dividing are tried.
_Z = 1.96
OUTCOMES = ("revenue", "win", "retention")


def usable_columns(frame: pd.DataFrame | None, columns: Sequence[str]) -> list[str]:
    """Those of the columns by which the rows divide: at least two labels, and fewer labels than rows.

    >>> usable_columns(pd.DataFrame({"city": ["X", "X", "Y"], "region": ["N"] * 3, "id": ["1", "2", "3"]}), ["city",
    ...     "region", "id", "size"])
    ['city']
    """
    kept = dict.fromkeys(c for c in columns if frame is not None and c in frame)
    return [c for c in kept if 2 <= frame[c].nunique() < frame[c].notna().sum()]


# --- bands and pairs --------------------------------------------------------------------------------------------------


def learn_bands(*, accounts: pd.DataFrame | None, **_: object) -> pd.DataFrame:
    """Where the numbers of the accounts are cut into bands: column, edge (the first number of the next band).

    Employees at 10, 50 and 250; any other number at the quartiles, rounded to two figures. Text counts as a number where all of it
    is, with more than a dozen values.

    >>> learn_bands(accounts=pd.DataFrame({"account_id": list("abcdefgh"), "web_visits_n": range(8)}))["edge"].tolist()
    [1.8, 3.5, 5.2]
    """
    rows = []
    for column in [] if accounts is None else sorted(map(str, accounts.columns)):
        numbers = _find_numbers(accounts[column]) if _may_divide(column) else None
        if numbers is None:
            continue
        edges = _FIXED_EDGES.get(column) or [float(f"{edge:.2g}") for edge in numbers.quantile([0.25, 0.5, 0.75])]
        rows += [(column, edge) for edge in dict.fromkeys(edges) if numbers.min() < edge <= numbers.max()]
    return pd.DataFrame(rows, columns=["column", "edge"])


def _may_divide(column: str) -> bool:
    return column not in _NO_SEGMENT and not column.endswith(_NAMES)


def _find_numbers(values: pd.Series) -> pd.Series | None:
    """The column as numbers, where it is one of numbers and not of a few codes."""
    known = values.dropna()
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values) or known.nunique() < 5:
        return None
    if pd.api.types.is_numeric_dtype(values):
        return known.astype(float)
    numbers = pd.to_numeric(known, errors="coerce")
    return numbers.astype(float) if numbers.notna().all() and numbers.nunique() > 12 else None


def name_band(column: str) -> str:
    """
    >>> name_band("web_visits_n"), name_band("employees")
    ('web_visits_band', 'employees_band')
    """
    return f"{column.removesuffix('_n')}_band"


def add_bands(*, accounts: pd.DataFrame | None, bands: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """The accounts with a column of bands for each of their numbers, such as employees_band; None where there are no accounts.

    bands: the team's ``learn_bands``; without one the accounts themselves are cut.

    >>> bands = pd.DataFrame({"column": "employees", "edge": [10.0, 50.0]})
    >>> add_bands(accounts=pd.DataFrame({"employees": [9.0, 10.0, 70.0, None]}), bands=bands)["employees_band"].tolist()
    ['under 10', '10 to 49', '50 and more', None]
    """
    if accounts is None:
        return None
    bands = learn_bands(accounts=accounts) if bands is None or bands.empty else bands
    added = {}
    for column, edges in bands.groupby("column")["edge"]:
        if column in accounts and name_band(column) not in accounts:
            numbers = pd.to_numeric(accounts[column], errors="coerce").astype(float)
            labels = np.array([*_say_bands(edges.tolist()), None], dtype=object)
            place = np.where(numbers.notna(), np.digitize(numbers, edges.tolist()), -1)
            added[name_band(column)] = pd.Series(labels[place], accounts.index, dtype=object)
    return accounts.assign(**added)


def _say_bands(edges: Sequence[float]) -> list[str]:
    """The bands in words; between whole numbers a band ends one below the next."""
    whole = all(edge == int(edge) for edge in edges) and max(edges) < 10_000
    said = [f"{edge / 1e6:.3g} million" if edge >= 1e6 else f"{edge:,.0f}" if edge == int(edge) else f"{edge:,}" for edge in edges]
    ends = [f"{edge - 1:,.0f}" for edge in edges] if whole else said
    middle = [f"{said[i]} to {ends[i + 1]}" if edge + 1 < edges[i + 1] or not whole else said[i] for i, edge in enumerate(edges[:-1])]
    return [f"under {said[0]}", *middle, f"{said[-1]} and more"]


def add_pair(accounts: pd.DataFrame | None, cut: str | None) -> pd.DataFrame | None:
    """The accounts with the column that a pair such as "industry, region" names; a single column is there already.

    >>> add_pair(pd.DataFrame({"industry": ["X", "Y"], "size": ["big", None]}), "industry, size")["industry, size"].tolist()
    ['X, big', None]
    """
    if accounts is None or not cut or cut in accounts:
        return accounts
    return accounts.assign(**{cut: _join(accounts, cut)})


def _join(accounts: pd.DataFrame, cut: str) -> pd.Series:
    if cut in accounts:
        return accounts[cut]
    parts = [accounts[column] for column in cut.split(", ")]
    stated = np.all([part.notna() for part in parts], axis=0)
    words = zip(*(part.astype(str) for part in parts), strict=True)
    return pd.Series([", ".join(row) if whole else None for row, whole in zip(words, stated, strict=True)], accounts.index, dtype=object)


def _list_columns(accounts: pd.DataFrame) -> list[str]:
    """The columns, bands among them, that could divide these accounts: a few labels, stated for a fifth, none of them nearly all."""
    kept = []
    for column in sorted(map(str, accounts.columns)):
        stated = accounts[column].dropna()
        few = 2 <= stated.nunique() <= min(MOST_LABELS, len(stated) // MIN_CASES)
        number = pd.api.types.is_numeric_dtype(stated) and not pd.api.types.is_bool_dtype(stated)
        number = number or pd.api.types.is_datetime64_any_dtype(stated) or _find_numbers(stated) is not None
        if _may_divide(column) and few and not number:
            often = stated.astype(str).value_counts(normalize=True)
            if often.iloc[0] <= 0.95 and len(stated) >= len(accounts) / 5:
                kept.append(column)
    return kept


# --- which way of dividing tells most ---------------------------------------------------------------------------------


def learn_segmentations(
    *,
    accounts: pd.DataFrame | None,
    account_sales: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    as_of: date,
    period: Period,
    **_: object,
) -> pd.DataFrame:
    """Which ways of dividing the accounts tell most about them, found on accounts that were left out of the sum.

    Every column and band of the accounts, the pairs of the best six, and how they bought up to a year ago. What each tells, beyond
    whose book they stand in: of log revenue in the period (customers), of deals won (closed in three years), of customers kept (bought
    in the year before: again in the period). One row out per way: cut, labels_n, prospects_share (of the accounts that never bought,
    those it places), and per outcome _share (of the squared error; below 0: worse than the rep's mean), _low (its one-sided 97.5 %
    limit, ultimate parents as clusters) and _n; told_share: the mean of the shares whose limit is above 0; refused: the way states
    an outcome (a status, a tier that only customers have). Most told first.

    Method: five-fold cross-validation by ultimate parent; a label's mean is shrunk by its number of cases and by how much labels
    differ beyond chance (variance components by moments, as in empirical Bayes).
    """
    columns = ["cut", "labels_n", "prospects_share", *(f"{o}_{what}" for o in OUTCOMES for what in ("share", "low", "n"))]
    columns += ["told_share", "refused"]
    if accounts is None or account_sales is None or len(accounts) < LEAST_ACCOUNTS:
        return pd.DataFrame(columns=columns)
    known = accounts.drop_duplicates("account_id").sort_values("account_id", ignore_index=True)
    known = add_bands(accounts=known, bands=learn_bands(accounts=known))
    outcomes = _find_outcomes(known, account_sales, opportunities, period)
    never = ~known["account_id"].isin(account_sales["account_id"]).to_numpy()
    singles = [_measure(c, known[c], outcomes, never) for c in _list_columns(known)]
    singles.append(_measure("buying", _label_buying(known, account_sales, period.years_earlier().end), outcomes, never))
    best = sorted((row for row in singles if not row["refused"] and row["cut"] != "buying"), key=_rank)[:PAIRED]
    pairs = []
    for one, other in combinations(sorted(row["cut"] for row in best), 2):
        label = _join(known, f"{one}, {other}")
        if not _nested(known, one, other) and 2 <= label.nunique() <= min(MOST_LABELS, len(known) // 10):
            pairs.append(_measure(f"{one}, {other}", label, outcomes, never))
    return pd.DataFrame(sorted(singles + pairs, key=_rank), columns=columns)


def _rank(row: Mapping[str, Any]) -> tuple:
    return bool(row["refused"]), -row["told_share"], row["cut"].count(","), row["labels_n"], row["cut"]


def _nested(accounts: pd.DataFrame, one: str, other: str) -> bool:
    """Whether one of the columns says nearly nothing that the other does not: a city has one region, a band is cut from a number."""
    both = accounts[[one, other]].dropna().astype(str)
    pairs_n = both.value_counts()
    pairs_n = pairs_n[pairs_n >= max(2, len(both) // 200)].reset_index()
    return bool(len(pairs_n) <= max(pairs_n[one].nunique(), pairs_n[other].nunique()) + 1) if len(pairs_n) else True


def _find_outcomes(
    accounts: pd.DataFrame, sales: pd.DataFrame, opportunities: pd.DataFrame | None, period: Period
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Per outcome: which account each case belongs to, its value less the rep's mean, its fold, its cluster."""
    parent = accounts["ultimate_parent_id"].fillna(accounts["account_id"]) if "ultimate_parent_id" in accounts else accounts["account_id"]
    cluster = pd.factorize(parent, sort=True)[0]
    fold = np.random.default_rng(7).permutation(cluster.max() + 1) % FOLDS
    rep = pd.factorize(accounts["rep_id"], sort=True)[0] if "rep_id" in accounts else np.zeros(len(accounts), int)
    place = pd.Series(accounts.index, accounts["account_id"])

    def spent(days: Period) -> np.ndarray:
        inside = sales[days.holds(sales["sale_date"])]
        return sum_money(inside["amount"], inside["account_id"]).reindex(accounts["account_id"]).fillna(0.0).to_numpy()

    now, before = spent(period), spent(period.years_earlier())
    buyers, stayed = np.flatnonzero(now > 0), np.flatnonzero(before > 0)
    cases = {"revenue": (buyers, np.log(now[buyers])), "retention": (stayed, (now[stayed] > 0).astype(float))}
    if opportunities is not None:
        days = Period.ending(period.end, WIN_DAYS)
        closed = opportunities[opportunities["status"].isin(["won", "lost"]) & days.holds(opportunities["close_date"])]
        stays = _stay_with_their_deals(closed, place.index)
        closed = closed[closed["account_id"].isin(place.index) & stays].sort_values(["account_id", "opportunity_id"])
        cases["win"] = (place.reindex(closed["account_id"]).to_numpy(int), closed["status"].eq("won").to_numpy(float))
    found = {}
    for name, (account, value) in cases.items():
        if len(np.unique(cluster[account])) >= LEAST_ACCOUNTS and value.std() > 0:
            own = rep[account]
            means = np.bincount(own, value, rep.max() + 1) / np.maximum(np.bincount(own, minlength=rep.max() + 1), 1)
            found[name] = (account, value - means[own], fold[cluster[account]], cluster[account])
    return found


def _stay_with_their_deals(closed: pd.DataFrame, account_ids: pd.Index) -> bool:
    """Whether the accounts of won deals are there as often as those of lost ones: where customers are handed over, only the lost stay."""
    known, won = closed["account_id"].isin(account_ids), closed["status"] == "won"
    return bool(won.any() and known[won].mean() >= 0.8 * known[~won].mean()) if len(closed) and (~won).any() else True


def _label_buying(accounts: pd.DataFrame, sales: pd.DataFrame, day: date) -> pd.Series:
    """How each account had bought by that day: often or seldom, recently or not; missing for those that never had."""
    known = sales[(sales["sale_date"] <= pd.Timestamp(day)) & (sales["amount"] > 0)]
    by = known.drop_duplicates(["account_id", "sale_date"]).groupby("account_id")["sale_date"].agg(["size", "max"])
    by = by.reindex(accounts["account_id"])
    often, recent = by["size"].rank(pct=True) > 0.6, by["max"].rank(pct=True) > 0.4
    label = np.where(often, "often, ", "seldom, ") + np.where(recent, "recent", "silent").astype(object)
    return pd.Series(np.where(by["size"].notna(), label, None), accounts.index, dtype=object)


def _measure(cut: str, label: pd.Series, outcomes: Mapping[str, tuple], never: np.ndarray) -> dict[str, Any]:
    codes = pd.factorize(label, sort=False)[0]
    row: dict[str, Any] = {"cut": cut, "labels_n": float(label.nunique())}
    row["prospects_share"] = float((codes[never] >= 0).mean()) if never.any() else 1.0
    told = []
    for name in OUTCOMES:
        share, low, n = np.nan, np.nan, 0
        if name in outcomes and not (name == "win" and cut == "buying"):  # a deal stands at the end of what they had bought
            account, value, fold, cluster = outcomes[name]
            share, low = estimate_told_share(codes[account], value, fold, cluster)
            n = len(value)
            told.append(share if low > 0 else 0.0)
        row |= {f"{name}_share": share, f"{name}_low": low, f"{name}_n": float(n)}
    row["refused"] = bool(cut != "buying" and any(row[f"{name}_share"] > TOO_GOOD for name in ("win", "retention")))
    row["told_share"] = 0.0 if row["refused"] or not told else float(np.mean(told))
    return row


def estimate_told_share(codes: np.ndarray, values: np.ndarray, folds: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """How much of the spread of the values their labels tell, on cases left out of the sum; and its one-sided 97.5 % limit.

    codes: the label of each case, -1 where it is missing (then the mean is told). folds, clusters: of each case; a cluster stands in
    one fold. Returns 1 − squared error with the shrunk mean of the label ÷ squared error with the mean.

    >>> codes, clusters = np.arange(200) % 2, np.arange(200)
    >>> share, low = estimate_told_share(codes, codes * 2.0 + clusters // 2 % 2, clusters // 4 % 5, clusters)
    >>> round(share, 2), low > 0.6
    (0.8, True)
    """
    labels_n = int(codes.max(initial=-1)) + 1
    if labels_n < 2:
        return 0.0, 0.0
    place = np.where(codes >= 0, codes, labels_n)
    cell = folds * (labels_n + 1) + place
    shape = (FOLDS, labels_n + 1)
    n, sums, squares = (np.bincount(cell, w, FOLDS * (labels_n + 1)).reshape(shape) for w in (None, values, values**2))
    gain, error = np.empty(len(values)), np.empty(len(values))
    for k in range(FOLDS):
        n_k, s_k, q_k = (whole.sum(axis=0) - whole[k] for whole in (n, sums, squares))
        mean = s_k.sum() / max(n_k.sum(), 1)
        shift = _shrink(n_k[:-1], s_k[:-1], q_k[:-1], mean)
        here = folds == k
        error[here] = (values[here] - mean) ** 2
        gain[here] = error[here] - (values[here] - mean - np.append(shift, 0.0)[place[here]]) ** 2
    whole = error.sum()
    if not whole:
        return 0.0, 0.0
    by_cluster = np.bincount(clusters, gain)
    by_cluster = by_cluster[np.bincount(clusters) > 0]
    spread = np.sqrt(len(by_cluster) * by_cluster.var(ddof=1)) if len(by_cluster) > 1 else np.inf
    share = gain.sum() / whole
    return round(float(share), 6), round(float(share - _Z * spread / whole), 6)


def _shrink(n: np.ndarray, sums: np.ndarray, squares: np.ndarray, mean: float) -> np.ndarray:
    """How far each label's mean stands from the mean of all, shrunk; variance components by moments."""
    some = n > 0
    cases, labels = n[some].sum(), int(some.sum())
    means = np.divide(sums, n, out=np.full(len(n), mean), where=some)
    if labels < 2 or cases <= labels:
        return np.zeros(len(n))
    within = max(float((squares[some] - n[some] * means[some] ** 2).sum()), 0.0) / (cases - labels)
    between = float((n * (means - mean) ** 2).sum()) - (labels - 1) * within
    between = max(between / (cases - (n**2).sum() / cases), 0.0)
    return (means - mean) * np.divide(n * between, n * between + within, out=np.zeros(len(n)), where=n * between + within > 0)


@answers("1.1", TOLD, accounts=["account_id"])
def choose_segmentation(
    *, accounts: pd.DataFrame, segmentations: pd.DataFrame | None, columns: Sequence[str], wanted: str = ""
) -> Answer:
    """By which column, or pair of columns, this book is divided.

    accounts: from ``add_bands``. segmentations: the team's ``learn_segmentations``. columns: the company's segments, the first usable
    of which is the fallback. wanted: the analyst's own choice, a column or two with a comma between; raises ParameterError where the
    accounts have no such column. The best is the way that tells most, among those that place prospects too and divide this book into
    at least two groups of five accounts, with most accounts in such groups. Returns the ranking as table. notes: column (None where
    nothing divides), columns (it and the company's segments that divide), why (asked, told or first), row (its place in the ranking).

    >>> book = pd.DataFrame({"account_id": list("abcd"), "industry": ["X", "Y", "X", "Y"], "region": ["N", "N", "S", "S"]})
    >>> choose_segmentation(accounts=book, segmentations=None, columns=["industry"], wanted="region").notes["column"]
    'region'
    """
    ranking = segmentations if segmentations is not None else pd.DataFrame(columns=["cut", "told_share"])
    ranking = ranking.reset_index(drop=True).astype({c: float for c in ranking if c.endswith(("_share", "_low", "_n"))})
    usable = usable_columns(accounts, columns)
    asked = _find_wanted(accounts, wanted)
    told = ranking[(ranking["told_share"] > 0) & (ranking["cut"] != "buying")]
    if "prospects_share" in told:
        told = told[told["prospects_share"] >= 0.5]
    fitting = {cut: share for cut, share in zip(told["cut"], told["told_share"], strict=True)
               if all(c in accounts for c in cut.split(", ")) and _fits(_join(accounts, cut))}  # fmt: skip
    alone = max((share for cut, share in fitting.items() if "," not in cut), default=0.0)
    fitting = [cut for cut, share in fitting.items() if "," not in cut or share >= PAIR_GAIN * alone]
    if asked is not None and 2 <= _join(accounts, asked).nunique() < len(accounts):
        column, why = asked, "asked"
    elif fitting:
        column, why = fitting[0], "told"
    else:
        column, why = next(iter(usable), None), "first"
    found = ranking.index[ranking["cut"] == column]
    told_share = float(ranking.at[found[0], "told_share"]) if len(found) else None
    details = {"source": "accounts, sales, opportunities", "rows": ranking}
    reason = "the team is too small to tell, or there is none" if not len(found) else None
    measure = TOLD.withhold(reason, source=details["source"]) if told_share is None else TOLD.measure(told_share, **details)
    notes = {"column": column, "columns": list(dict.fromkeys([column, *usable] if column else usable)), "why": why,
             "row": int(found[0]) if len(found) else None, "wanted": asked}  # fmt: skip
    return Answer("1.1", ranking, (measure,), notes)


def _find_wanted(accounts: pd.DataFrame, wanted: str) -> str | None:
    """The columns that the analyst asks for, with bands for numbers; None where nothing is asked for."""
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    banded = [name_band(part) if name_band(part) in accounts else part for part in parts]
    unknown = [part for part, column in zip(parts, banded, strict=True) if column not in accounts]
    if unknown or len(parts) > 2:
        known = [c for c in accounts if _may_divide(str(c)) and accounts[c].nunique() >= 2]
        raise ParameterError(
            f"segment {wanted!r} is no column of the accounts, nor two of them." if unknown else f"segment {wanted!r} names more than two.",
            allowed=f"Columns: {', '.join(sorted(map(str, known))[:20])}.",
            do="Write one of them, or two with a comma between.",
        )
    return ", ".join(banded) or None


def _fits(label: pd.Series) -> bool:
    n = label.value_counts()
    groups = n[n >= MIN_CASES]
    return len(groups) >= 2 and groups.sum() >= 0.6 * len(label)


# --- wins by segment --------------------------------------------------------------------------------------------------


def learn_segment_wins(
    *, accounts: pd.DataFrame | None, opportunities: pd.DataFrame | None, as_of: date, **_: object
) -> pd.DataFrame:
    """What the team wins by segment over three years: cut, label, hits_n (won), cases_n (closed), reps_n, strength; for every column
    and band of the accounts.

    >>> from itertools import product
    >>> who = pd.DataFrame({"account_id": [f"a{i}" for i in range(60)], "industry": ["X", "Y"] * 30})
    >>> deals = pd.DataFrame({"opportunity_id": who["account_id"], "account_id": who["account_id"], "rep_id": "r",
    ...     "status": ["won", "lost"] * 30, "close_date": pd.Timestamp("2026-05-05")})
    >>> learn_segment_wins(accounts=who, opportunities=deals, as_of=date(2026, 9, 30))[["label", "hits_n"]].values.tolist()
    [['X', 30.0], ['Y', 0.0]]
    """
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength"]
    if accounts is None or opportunities is None or len(accounts) < LEAST_ACCOUNTS:
        return pd.DataFrame(columns=columns)
    known = accounts.drop_duplicates("account_id")
    known = add_bands(accounts=known, bands=learn_bands(accounts=known))
    cases = _label_wins(opportunities, known, _list_columns(known), as_of)
    return learn_hits(cases)[columns] if len(cases) else pd.DataFrame(columns=columns)


def _label_wins(opportunities: pd.DataFrame, accounts: pd.DataFrame, cuts: Sequence[str], as_of: date) -> pd.DataFrame:
    """One row per closed deal and cut: cut, label, hit, rep_id; none where the accounts of won deals are no longer there."""
    closed = opportunities["status"].isin(["won", "lost"]) & Period.ending(as_of, WIN_DAYS).holds(opportunities["close_date"])
    deals = opportunities[closed]
    if not _stay_with_their_deals(deals, pd.Index(accounts["account_id"])):
        deals = deals.head(0)
    traits = accounts.drop_duplicates("account_id").set_index("account_id")
    traits = traits.reindex(deals["account_id"]).set_axis(deals.index)
    base = deals.reindex(columns=["rep_id"]).assign(hit=deals["status"] == "won")
    parts = [base.assign(cut=cut, label=_join(traits, cut)) for cut in cuts]
    cases = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["rep_id", "hit", "cut", "label"])
    return cases[cases["label"].notna()].astype({"label": str, "hit": bool})


def compare_wins(
    *,
    opportunities: pd.DataFrame | None,
    accounts: pd.DataFrame | None,
    column: str | None,
    segment_wins: pd.DataFrame | None,
    as_of: date,
    in_team: bool = True,
) -> pd.DataFrame:
    """The rep's wins by the labels of one column, beside the team: see ``statistics.compare_with_team``; and hits and misses that the
    shrunk share is worth (won_weight, lost_weight), from which its interval follows. Labels without a closed deal stand with 0 cases.
    Nothing comes out where won accounts are handed over, so that only lost deals have their account in the book.

    >>> deals = pd.DataFrame({"account_id": list("abab"), "status": ["won", "lost", "won", "lost"], "rep_id": "r",
    ...     "close_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "industry": ["X", "Y"]})
    >>> rates = compare_wins(opportunities=deals, accounts=who, column="industry", segment_wins=None, as_of=date(2026, 9, 30))
    >>> rates[["label", "hits_n", "cases_n"]].values.tolist()
    [['X', 2.0, 2.0], ['Y', 0.0, 2.0]]
    """
    if opportunities is None or accounts is None or column is None:
        return pd.DataFrame(columns=["cut", "label", "shrunk_share", "cases_n", "won_weight", "lost_weight"])
    cases = _label_wins(opportunities, accounts, [column], as_of)
    if cases.empty and (segment_wins is None or segment_wins.empty):
        return pd.DataFrame(columns=["cut", "label", "shrunk_share", "cases_n", "won_weight", "lost_weight"])
    own = count_hits(cases)
    labels = set(accounts[column].dropna().astype(str)) - set(own["label"])
    own = pd.concat([own, pd.DataFrame({"cut": column, "label": sorted(labels), "hits_n": 0.0, "cases_n": 0.0})], ignore_index=True)
    team = segment_wins[segment_wins["cut"] == column] if segment_wins is not None and len(segment_wins) else None
    rates = compare_with_team(own, team, in_team=in_team)
    alone = estimate_beta_prior(own["hits_n"], own["cases_n"])
    mean, strength = rates["team_share"].fillna(alone.mean), rates["strength"].where(rates["team_share"].notna(), alone.strength)
    rates["won_weight"] = rates["hits_n"] + mean * strength
    rates["lost_weight"] = rates["cases_n"] - rates["hits_n"] + (1 - mean) * strength
    return rates


# --- how the book divides ---------------------------------------------------------------------------------------------


@answers("1.1", CUSTOMERS, LAPSED, PROSPECTS, accounts=["account_id"])
def summarise_segments(*, accounts: pd.DataFrame, columns: Sequence[str], leads: pd.DataFrame | None = None) -> Answer:
    """How customers, lapsed customers, prospects and leads divide.

    accounts: from ``score_accounts``. leads: those not converted yet count; each stands by its own column, else by its account's.
    One row out per column and label: cut, label, customers_n, lapsed_n, prospects_n, accounts_n, leads_n (missing where no lead can
    be placed), revenue_amount (last 365 days), revenue_share. Missing labels stand as "not stated". notes: leads_n.

    >>> frame = pd.DataFrame({"account_id": list("abc"), "status": ["customer", "prospect", "prospect"],
    ...     "industry": ["X", "X", "Y"], "revenue_amount": [5.0, 0.0, 0.0]})
    >>> summarise_segments(accounts=frame, columns=["industry"]).table[["label", "customers_n",
    ...     "prospects_n"]].values.tolist()
    [['X', 1, 1], ['Y', 0, 1]]
    """
    open_leads = leads
    if leads is not None and "converted_date" in leads:
        open_leads = leads[leads["converted_date"].isna()]
    rows = []
    for column in usable_columns(accounts, columns):
        label = accounts[column].fillna("not stated").astype(str)
        n = Counter(zip(label, accounts["status"], strict=True))
        leads_n = _place_leads(open_leads, accounts, column)
        part = []
        for name, revenue in sum_money(accounts["revenue_amount"], label).items():
            counts = [n[name, status] for status in ("customer", "lapsed", "prospect")]
            part.append((column, name, *counts, sum(counts), np.nan if leads_n is None else float(leads_n[name]), revenue))
        rows += sorted(part, key=lambda row: (-row[-1], -row[5], row[1]))
    columns_out = ["cut", "label", "customers_n", "lapsed_n", "prospects_n", "accounts_n", "leads_n", "revenue_amount"]
    table = pd.DataFrame(rows, columns=columns_out)
    revenue = total(accounts["revenue_amount"])
    table["revenue_share"] = table["revenue_amount"].astype(float) / revenue if revenue else np.nan
    kinds = {CUSTOMERS: "customer", LAPSED: "lapsed", PROSPECTS: "prospect"}
    found = {definition: int((accounts["status"] == status).sum()) for definition, status in kinds.items()}
    measures = tuple(d.measure(n, n=len(accounts), source="accounts, sales") for d, n in found.items())
    return Answer("1.1", table, measures, {"leads_n": None if open_leads is None else len(open_leads)})


def _place_leads(leads: pd.DataFrame | None, accounts: pd.DataFrame, column: str) -> Counter | None:
    """How many leads stand under each label; None where none can be placed."""
    if leads is None:
        return None
    label = leads.get(column)
    if "account_id" in leads:
        known = accounts.drop_duplicates("account_id").set_index("account_id")[column]
        by_account = leads["account_id"].map(known)
        label = by_account if label is None else label.fillna(by_account)
    return Counter(label.dropna().astype(str)) if label is not None and label.notna().any() else None


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "account_bands": (learn_bands, ("accounts",)),
    "segmentations": (learn_segmentations, ("accounts", "account_sales", "opportunities")),
    "segment_wins": (learn_segment_wins, ("accounts", "opportunities")),
}
