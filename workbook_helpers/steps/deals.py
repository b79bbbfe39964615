"""Step 1, the deals: why they are won, what stopped the others, by which path they are reached, who takes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES


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


@answers("1.3", opportunities=["close_date"])
def summarise_reasons(*, opportunities: pd.DataFrame, period: Period) -> Answer:
    """Why customers buy: win reasons and pain points of the won deals, counted. One row out per reason; see
    ``_count_reasons``.

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
    return Answer("1.3", table, notes={"won_n": len(won), "period": period})


@answers("1.4", opportunities=["close_date"])
def summarise_decisions(*, opportunities: pd.DataFrame, period: Period) -> Answer:
    """What tipped the decision and what stopped the others: reasons, competitors, sources counted by outcome, and
    discounts.

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


@answers("1.7", opportunities=["close_date"], activities=["opportunity_id", "activity_date"])
def summarise_path(*, opportunities: pd.DataFrame, activities: pd.DataFrame, period: Period) -> Answer:
    """How a deal is reached: touches up to the decision, by kind of activity, won beside lost.

    One row out per activity_type and "all": label, won_touches_n, lost_touches_n (mean per deal). notes: won_n, lost_n
    (deals).

    >>> year = Period.ending(pd.Timestamp("2026-09-30").date())
    >>> deals = pd.DataFrame({"opportunity_id": list("abcdefghij"), "status": ["won"] * 5 + ["lost"] * 5, "amount": 1.0,
    ...     "close_date": pd.Timestamp("2026-05-05")})
    >>> calls = pd.DataFrame({"opportunity_id": list("abcde"), "activity_type": "call",
    ...     "activity_date": pd.Timestamp("2026-05-01")})
    >>> summarise_path(opportunities=deals, activities=calls, period=year).table.values.tolist()
    [['all', 1.0, 0.0], ['call', 1.0, 0.0]]
    """
    closed = _closed(opportunities, period)
    deals = Counter(closed["status"])
    if min(deals["won"], deals["lost"]) < MIN_CASES:
        return Answer("1.7", withheld=f"it needs at least {MIN_CASES} won and {MIN_CASES} lost deals in the period")
    deal = closed.set_index("opportunity_id").reindex(activities["opportunity_id"]).set_axis(activities.index)
    in_time = activities["activity_type"].notna() & (activities["activity_date"] <= deal["close_date"])
    n = Counter(zip(activities.loc[in_time, "activity_type"], deal.loc[in_time, "status"], strict=True))
    n += Counter(("all", status) for _, status in n.elements())
    rows = [(kind, n[kind, "won"] / deals["won"], n[kind, "lost"] / deals["lost"]) for kind in {"all", *(kind for kind, _ in n)}]
    rows = sorted(rows, key=lambda row: (-row[1], row[0]))
    table = pd.DataFrame(rows, columns=["label", "won_touches_n", "lost_touches_n"])
    return Answer("1.7", table, notes={"won_n": deals["won"], "lost_n": deals["lost"], "period": period})


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
