"""Step 1, the deals: why they are won, what stopped the others, by which path they are reached, who takes them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, sum_money
from workbook_helpers.statistics import MIN_CASES


def _closed(opportunities: pd.DataFrame, period: Period) -> pd.DataFrame:
    done = opportunities["status"].isin(["won", "lost"]) & period.holds(opportunities["close_date"])
    return opportunities[done].sort_values("opportunity_id")


def _count_reasons(closed: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """what, label, won_n, lost_n, won_share and lost_share (of the won and lost deals that state it), amount."""
    parts = []
    for column in (c for c in columns if c in closed and closed[c].notna().any()):
        stated = closed.dropna(subset=[column])
        counts = pd.crosstab(stated[column], stated["status"]).reindex(columns=["won", "lost"], fill_value=0)
        shares = counts / counts.sum().where(counts.sum() > 0)
        part = pd.DataFrame({"label": counts.index.astype(str), "what": column.replace("_", " ")})
        for name in ("won", "lost"):
            part[f"{name}_n"], part[f"{name}_share"] = counts[name].to_numpy(), shares[name].astype(float).to_numpy()
        part["amount"] = sum_money(stated["amount"], stated[column]).reindex(counts.index).to_numpy()
        order = part["won_n"] + part["lost_n"]
        parts.append(part.assign(order=-order).sort_values(["order", "label"]).drop(columns="order"))
    names = ["what", "label", "won_n", "won_share", "lost_n", "lost_share", "amount"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


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
    won = _closed(opportunities, period).query("status == 'won'")
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
    deals = closed["status"].value_counts().reindex(["won", "lost"], fill_value=0)
    if deals.min() < MIN_CASES:
        return Answer("1.7", withheld=f"it needs at least {MIN_CASES} won and {MIN_CASES} lost deals in the period")
    touches = activities.merge(closed[["opportunity_id", "status", "close_date"]], on="opportunity_id")
    touches = touches[touches["activity_date"] <= touches["close_date"]]
    counts = pd.crosstab(touches["activity_type"], touches["status"]).reindex(columns=["won", "lost"], fill_value=0)
    counts = pd.concat([pd.DataFrame([counts.sum()], index=["all"]), counts]) / deals
    table = pd.DataFrame(
        {"label": counts.index, "won_touches_n": counts["won"].to_numpy(), "lost_touches_n": counts["lost"].to_numpy()}
    )
    table = table.sort_values(["won_touches_n", "label"], ascending=[False, True], ignore_index=True)
    return Answer("1.7", table, notes={"won_n": int(deals["won"]), "lost_n": int(deals["lost"]), "period": period})


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
    closed = _closed(opportunities, period).dropna(subset=["competitor"])
    label = pd.Series("", index=closed.index)
    if accounts is not None and column is not None:
        label = (
            closed["account_id"].map(accounts.drop_duplicates("account_id").set_index("account_id")[column]).fillna("")
        )
    closed = closed.assign(label=label, lost=closed["status"] == "lost", won=closed["status"] == "won")
    keys = ["competitor", "label"]
    table = closed.groupby(keys)[["won", "lost"]].sum().set_axis(["won_n", "lost_n"], axis=1)
    table["lost_amount"] = sum_money(closed["amount"].where(closed["lost"], 0.0), [closed[k] for k in keys])
    table = table.reset_index().sort_values(["lost_n", *keys], ascending=[False, True, True], ignore_index=True)
    if table.empty or table["lost_n"].sum() == 0:
        return Answer("2.4", withheld="no deal lost in the period names a competitor")
    return Answer("2.4", table, notes={"column": column, "period": period})
