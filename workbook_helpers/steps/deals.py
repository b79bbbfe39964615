"""Step 1, the deals: why they are won, what stopped the others, by which path they are reached, who takes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES, estimate_wilson_interval, learn_hits

#: What is written into a deal of this outcome, and counted among those that state it.
NAMED = {"win_reason": "won", "pain_point": "won", "loss_reason": "lost", "competitor": "lost"}


def _closed(opportunities: pd.DataFrame, period: Period) -> pd.DataFrame:
    done = opportunities["status"].isin(["won", "lost"]) & period.holds(opportunities["close_date"])
    return opportunities[done].sort_values("opportunity_id")


def _count_reasons(closed: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """what, label, won_n, lost_n, won_share and lost_share (of the won and lost deals that state it), amount."""
    rows = []
    for column in (c for c in columns if c in closed):
        stated = closed[closed[column].notna()]
        n = Counter(zip(stated[column], stated["status"], strict=True)) + Counter(stated["status"])
        part = []
        for label, amount in sum_money(stated["amount"], stated[column]).items():
            won, lost = n[label, "won"], n[label, "lost"]
            won_share, lost_share = (hits / of if of else np.nan for hits, of in ((won, n["won"]), (lost, n["lost"])))
            part.append((column.replace("_", " "), str(label), won, won_share, lost, lost_share, amount))
        rows += sorted(part, key=lambda row: (-row[2] - row[4], row[1]))
    return pd.DataFrame(rows, columns=["what", "label", "won_n", "won_share", "lost_n", "lost_share", "amount"])


def _list_named(closed: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """One row per deal that states the column and per label that any deal states: cut (the column), label, hit (this deal's), rep_id."""
    parts = []
    for column in (c for c in columns if c in closed):
        stated = closed[(closed["status"] == NAMED[column]) & closed[column].notna()]
        labels = np.array(sorted(stated[column].astype(str).unique()), dtype=object)
        cases = stated.reindex(columns=["rep_id"]).iloc[np.repeat(np.arange(len(stated)), len(labels))].reset_index(drop=True)
        cases["label"] = np.tile(labels, len(stated))
        cases["cut"], cases["hit"] = column, np.repeat(stated[column].astype(str).to_numpy(object), len(labels)) == cases["label"]
        parts.append(cases)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"cut": [], "label": [], "hit": [], "rep_id": []})


def learn_reasons(*, opportunities: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """What the team's deals closed in the year put down: cut (column), label, hits_n, cases_n, reps_n (that name it), strength.

    >>> deals = pd.DataFrame({"opportunity_id": list("ab"), "rep_id": list("rs"), "status": "lost", "loss_reason": ["Price", "Fit"],
    ...     "close_date": pd.Timestamp("2026-05-05")})
    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> learn_reasons(opportunities=deals, as_of=None, period=year, company=None)[["label", "hits_n", "cases_n", "reps_n"]].values.tolist()
    [['Fit', 1.0, 2.0, 1.0], ['Price', 1.0, 2.0, 1.0]]
    """
    columns = ["cut", "label", "hits_n", "cases_n", "reps_n", "strength"]
    cases = _list_named(_closed(opportunities, period), list(NAMED)) if opportunities is not None else pd.DataFrame()
    if cases.empty:
        return pd.DataFrame(columns=columns)
    named = cases[cases["hit"]].groupby(["cut", "label"])["rep_id"].nunique()
    table = learn_hits(cases)
    table["reps_n"] = named.reindex(list(zip(table["cut"], table["label"], strict=True))).astype(float).to_numpy()
    return table[columns]


def _beside_team(table: pd.DataFrame, outcome: str, reasons: pd.DataFrame | None, in_team: bool) -> pd.DataFrame:
    """The counted reasons with low_share, high_share and team_share of the outcome they belong to; missing below five deals."""
    learned = [] if reasons is None else zip(*(reasons[c] for c in ("cut", "label", "hits_n", "cases_n")), strict=True)
    team = {(cut.replace("_", " "), label): (hits, cases) for cut, label, hits, cases in learned}
    belong = [column.replace("_", " ") for column, of in NAMED.items() if of == outcome]
    stated, rows = table.groupby("what")[f"{outcome}_n"].sum(), []
    for what, label, hits in zip(table["what"], table["label"], table[f"{outcome}_n"], strict=True):
        n = int(stated[what]) if what in belong else 0
        all_hits, all_n = team.get((what, label), (0.0, 0.0))
        rest_hits, rest_n = (all_hits - hits, all_n - n) if in_team else (all_hits, all_n)
        limits = estimate_wilson_interval(int(hits), n) if n >= MIN_CASES else (np.nan, np.nan)
        rows.append((*limits, rest_hits / rest_n if n and rest_n >= MIN_CASES else np.nan))
    return table.assign(**dict(zip(("low_share", "high_share", "team_share"), np.array(rows, float).reshape(-1, 3).T, strict=True)))


@answers("1.3", opportunities=["close_date"])
def summarise_reasons(
    *, opportunities: pd.DataFrame, period: Period, reasons: pd.DataFrame | None = None, in_team: bool = True
) -> Answer:
    """Why customers buy: win reasons and pain points of the won deals, counted. One row out per reason; see
    ``_count_reasons``. reasons: the team's ``learn_reasons``, if any; adds low_share, high_share (95 % Wilson) and team_share (the rest of
    the team).

    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "status": "won", "amount": 1.0,
    ...     "win_reason": ["fit"] * 4 + ["price"] * 2,
    ...     "pain_point": None, "close_date": pd.Timestamp("2026-05-05")})
    >>> summarise_reasons(opportunities=deals, period=year).table[["label",
    ...     "won_n"]].values.tolist()
    [['fit', 4], ['price', 2]]
    """
    closed = _closed(opportunities, period)
    won = closed[closed["status"] == "won"]
    if opportunities.reindex(columns=["win_reason", "pain_point"]).isna().all(axis=None) and len(opportunities):
        return Answer("1.3", withheld="it needs column win_reason or pain_point of table opportunities")
    table = _count_reasons(won, ["win_reason", "pain_point"])
    if table["won_n"].sum() < MIN_CASES:
        return Answer("1.3", withheld=f"fewer than {MIN_CASES} deals won in the period state a reason")
    table = _beside_team(table, "won", reasons, in_team)
    return Answer("1.3", table, notes={"won_n": len(won), "period": period})


@answers("1.4", opportunities=["close_date"])
def summarise_decisions(
    *, opportunities: pd.DataFrame, period: Period, reasons: pd.DataFrame | None = None, in_team: bool = True
) -> Answer:
    """What tipped the decision and what stopped the others: reasons, competitors, sources counted by outcome, and
    discounts. reasons: the team's ``learn_reasons``, if any; adds low_share, high_share and team_share as ``summarise_reasons``.

    notes: discount_won, discount_lost: median discount (0-1), or None below five deals that state one.

    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdef"), "status": "lost", "amount": 1.0,
    ...     "loss_reason": ["price"] * 5 + ["fit"],
    ...     "close_date": pd.Timestamp("2026-05-05")})
    >>> answer = summarise_decisions(opportunities=deals, period=year)
    >>> answer.table[["label", "lost_n"]].values.tolist(), answer.notes["discount_won"]
    ([['price', 5], ['fit', 1]], None)
    """
    closed = _closed(opportunities, period)
    if len(closed) < MIN_CASES:
        return Answer("1.4", withheld=f"fewer than {MIN_CASES} deals were closed in the period")
    table = _count_reasons(closed, ["loss_reason", "competitor", "win_reason", "lead_source"])
    if table.empty:
        return Answer(
            "1.4", withheld="it needs column loss_reason, competitor, win_reason or lead_source of table opportunities"
        )
    table = _beside_team(table, "lost", reasons, in_team)
    given = closed.reindex(columns=["status", "discount_share"]).dropna().groupby("status")["discount_share"]
    medians = given.median().astype(float)[given.size() >= MIN_CASES].to_dict()
    notes = {
        "discount_won": medians.get("won"),
        "discount_lost": medians.get("lost"),
        "closed_n": len(closed),
        "won_n": int((closed["status"] == "won").sum()),
        "period": period,
    }
    return Answer("1.4", table, notes=notes)


#: Random draws of accounts behind each interval of the path.
_DRAWS = 500
MONTH_DAYS = 365.25 / 12


@answers("1.7", opportunities=["close_date"], activities=["opportunity_id", "activity_date"])
def summarise_path(
    *,
    opportunities: pd.DataFrame,
    activities: pd.DataFrame,
    period: Period,
    stage_history: pd.DataFrame | None = None,
    seed: int = 7,
) -> Answer:
    """How a deal is reached: touches up to the decision, their kinds and pace, who began, and the steps to the signature; won beside lost.

    One row out per figure: what (touches, kind, pace, start, steps), label, unit (ratio, days or share), and won and lost with limits
    won_low, won_high, lost_low, lost_high (95 %; whole accounts are drawn). A touch of no kind or after the decision counts nowhere. Every
    figure is a sum over deals ÷ a sum over deals. notes: won_n, lost_n (deals), won_days, lost_days (mean from created to
    decided), period.

    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdefghij"), "status": ["won"] * 5 + ["lost"] * 5, "amount": 1.0,
    ...     "account_id": list("abcdefghij"), "created_date": pd.Timestamp("2026-04-25"), "close_date": pd.Timestamp("2026-05-05")})
    >>> calls = pd.DataFrame({"opportunity_id": list("abcde"), "activity_type": "call",
    ...     "activity_date": pd.Timestamp("2026-05-01")})
    >>> path = summarise_path(opportunities=deals, activities=calls, period=year).table
    >>> path[["what", "label", "won", "lost"]].round(2).values.tolist()[:3]
    [['touches', 'all', 1.0, 0.0], ['kind', 'call', 1.0, 0.0], ['pace', 'touches a month', 3.04, 0.0]]
    """
    closed = _closed(opportunities, period).drop_duplicates("opportunity_id")
    deals = Counter(closed["status"])
    if min(deals["won"], deals["lost"]) < MIN_CASES:
        return Answer("1.7", withheld=f"it needs at least {MIN_CASES} won and {MIN_CASES} lost deals in the period")
    touches = _touches_before(closed, activities)
    figures = _path_figures(closed, touches, stage_history)
    account = pd.factorize(closed.reindex(columns=["account_id"])["account_id"].fillna(closed["opportunity_id"]), sort=True)[0]
    drawn = np.random.default_rng(seed).multinomial(account.max() + 1, [1 / (account.max() + 1)] * (account.max() + 1), size=_DRAWS)
    rows = []
    for what, label, unit, over, under in figures:
        row = {"what": what, "label": label, "unit": unit}
        for status in ("won", "lost"):
            of = (closed["status"] == status).to_numpy()
            row |= dict(zip((status, f"{status}_low", f"{status}_high"), _ratio(over[of], under[of], account[of], drawn), strict=True))
        rows.append(row)
    life = (closed["close_date"] - closed["created_date"]).dt.days.groupby(closed["status"]).mean() if "created_date" in closed else {}
    notes = {"won_n": deals["won"], "lost_n": deals["lost"], "period": period, "touches_n": len(touches)}
    notes |= {f"{status}_days": float(life.get(status, np.nan)) for status in ("won", "lost")}
    return Answer("1.7", pd.DataFrame(rows), notes=notes)


def _touches_before(closed: pd.DataFrame, activities: pd.DataFrame) -> pd.DataFrame:
    """The touches of these deals up to their decision, in order: place (of the deal), activity_type, activity_date, team."""
    places = dict(zip(closed["opportunity_id"], range(len(closed)), strict=True))
    touches = activities.reindex(columns=["opportunity_id", "activity_type", "activity_date", "team"])
    touches = touches[touches["activity_type"].notna() & touches["opportunity_id"].isin(places)]
    touches = touches.assign(place=touches["opportunity_id"].map(places).astype(int))
    decided = closed["close_date"].to_numpy()[touches["place"]]
    return touches[touches["activity_date"] <= decided].sort_values(["place", "activity_date", "activity_type", "team"])


def _path_figures(
    closed: pd.DataFrame, touches: pd.DataFrame, stage_history: pd.DataFrame | None
) -> list[tuple[str, str, str, np.ndarray, np.ndarray]]:
    """what, label, unit, and per deal what is summed and what it is divided by."""
    n, every = len(closed), np.ones(len(closed))

    def count(rows: pd.DataFrame) -> np.ndarray:
        return np.bincount(rows["place"], minlength=n).astype(float)

    all_n = count(touches)
    kinds = touches.groupby("activity_type").size().reset_index(name="n").sort_values(["n", "activity_type"], ascending=[False, True])
    figures = [("touches", "all", "ratio", all_n, every)]
    figures += [("kind", str(k), "ratio", count(touches[touches["activity_type"] == k]), every) for k in kinds["activity_type"].head(3)]
    first, last = touches.groupby("place")["activity_date"].min(), touches.groupby("place")["activity_date"].max()
    touched = (all_n > 0).astype(float)

    def days(start: pd.Series, end: pd.Series) -> np.ndarray:
        gap = (end.reindex(range(n)).reset_index(drop=True) - start.reindex(range(n)).reset_index(drop=True)).dt.days
        return gap.fillna(0.0).to_numpy(float)

    decided = closed["close_date"].reset_index(drop=True)
    if "created_date" in closed and len(touches):
        created = closed["created_date"].reset_index(drop=True)
        life = (decided - created).dt.days.clip(lower=1).fillna(0.0).to_numpy(float)
        figures.append(("pace", "touches a month", "ratio", all_n * MONTH_DAYS, life))
        figures.append(("pace", "days from creation to the first touch", "days", days(created, first) * touched, touched))
    if len(touches):
        figures.append(("pace", "days between touches", "days", days(first, last), np.maximum(all_n - 1, 0.0)))
        figures.append(("pace", "days from the first touch to the decision", "days", days(first, decided) * touched, touched))
        opening = touches.drop_duplicates("place")
        teams = opening["team"].dropna()
        if len(teams):
            common = sorted(Counter(teams).items(), key=lambda pair: (-pair[1], pair[0]))[0][0]
            named = count(opening[opening["team"].notna()])
            figures.append(("start", f"first touch by {common}", "share", count(opening[opening["team"] == common]), named))
    if stage_history is not None:
        entries = stage_history[stage_history["opportunity_id"].isin(set(closed["opportunity_id"]))]
        steps = entries.groupby("opportunity_id")["stage"].nunique().reindex(closed["opportunity_id"]).fillna(0.0).to_numpy(float)
        if steps.any():
            figures.append(("steps", "stages passed through", "ratio", steps, (steps > 0).astype(float)))
    return figures


def _ratio(over: np.ndarray, under: np.ndarray, account: np.ndarray, drawn: np.ndarray) -> tuple[float, float, float]:
    """Σ over ÷ Σ under with its 95 % bootstrap limits; missing where fewer than five deals are divided by."""
    if (under > 0).sum() < MIN_CASES:
        return (np.nan,) * 3
    width = drawn.shape[1]
    sums = [np.bincount(account, weights=values, minlength=width) for values in (over, under)]
    top, bottom = (drawn @ values for values in sums)
    ratios = top[bottom > 0] / bottom[bottom > 0]
    low, high = np.quantile(ratios, [0.025, 0.975]) if len(ratios) else (np.nan, np.nan)
    return tuple(round(float(value), 9) for value in (over.sum() / under.sum(), low, high))


@answers("2.4", opportunities=["competitor"])
def summarise_rivals(
    *, opportunities: pd.DataFrame, accounts: pd.DataFrame | None, column: str | None, period: Period
) -> Answer:
    """Who takes deals from us, and in which segment most of them: competitor, label, won_n, lost_n, lost_amount; most
    lost first.

    A count of what was typed at closing: where competitors are noted only on lost deals it says nothing about their
    strength.

    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> deals = pd.DataFrame({"opportunity_id": list("abc"), "account_id": list("abc"), "status": "lost",
    ...     "amount": 2.0, "competitor": "Z",
    ...     "close_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": list("abc"), "region": ["N", "N", "S"]})
    >>> rivals = summarise_rivals(opportunities=deals, accounts=who, column="region", period=year)
    >>> rivals.table.values.tolist()
    [['Z', 'N', 0, 2, 4.0], ['Z', 'S', 0, 1, 2.0]]
    """
    closed = _closed(opportunities, period)
    closed = closed[closed["competitor"].notna()]
    place = {}
    if accounts is not None and column is not None:
        known = accounts.drop_duplicates("account_id")
        place = dict(zip(known["account_id"], known[column].astype(object).where(known[column].notna(), ""), strict=True))
    deals = defaultdict(list)
    for rival, account, status, amount in zip(*(closed[c] for c in ("competitor", "account_id", "status", "amount")), strict=True):
        deals[rival, place.get(account, "")].append((status, amount))
    rows = []
    for key, found in deals.items():
        lost = [amount for status, amount in found if status == "lost"]
        rows.append((*key, len(found) - len(lost), len(lost), total(lost)))
    rows = sorted(rows, key=lambda row: (-row[3], *row[:2]))
    table = pd.DataFrame(rows, columns=["competitor", "label", "won_n", "lost_n", "lost_amount"])
    if table.empty or table["lost_n"].sum() == 0:
        return Answer("2.4", withheld="no deal lost in the period names a competitor")
    return Answer("2.4", table, notes={"column": column, "period": period})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"reasons": (learn_reasons, ("opportunities",))}
