"""Step 2: what follows (2.5): strengths and weaknesses paired with opportunities and threats, each pair one move that names accounts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pandas as pd

from workbook_helpers.measure import Answer, total

#: So many moves are proposed, and so many of one kind of pair.
MOVES, MOVES_PER_PAIR = 6, 2
#: A move names so many accounts or deals.
NAMES = 3
#: Open deals may be named by their rival; customers by what they have at stake.
_CUSTOMERS = ("silent", "falling")

_MOVE = ["pair", "move", "inside", "outside", "measure", "cut", "label", "outside_kind", "outside_label", "names", "amount"]


def pair_lines(
    *,
    strengths: Answer,
    weaknesses: Answer,
    opportunities: Answer,
    threats: Answer,
    accounts: pd.DataFrame | None,
    deals: pd.DataFrame | None,
    pipeline: Answer,
    said: Iterable[Any] = (),
) -> Answer:
    """Moves that follow from the lines that stand: SO, ST, WO and WT, most money first within each, at most six.

    strengths, weaknesses, opportunities, threats: ``swot.judge_lines``; a line of the rep's own counts where it is accepted or edited
    and names a cut. accounts: from ``potential.score_potential``. deals: the rep's opportunities, whose open ones a rival may be named
    in. pipeline: ``summarise_pipeline``. said: pairings of the plan (pair, rests_on, text, verdict).
    Returns pair, move (grow, first, use, visit, broaden, settle, help), inside and outside (the ids of the evidence it rests on), measure,
    cut and label of the inside line, outside_kind, outside_label, names (accounts or deals, three with most money), amount (theirs: white
    space, at stake, or open), verdict and said (the rep's words where edited or own). Rejected moves are left out. notes: rejected (texts),
    inside_n, outside_n (lines that stand).

    >>> strong = pd.DataFrame({"evidence": ["win_rate[industry=X]"], "measure": "win_rate", "cut": "industry", "label": "X",
    ...     "verdict": "open", "origin": "data"})
    >>> open_ = pd.DataFrame({"evidence": ["white_space[city=Y]"], "kind": "idle", "cut": "city", "label": "Y", "ids": [("a",)],
    ...     "verdict": "open", "origin": "data"})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"], "industry": "X", "city": ["Y", "Z"],
    ...     "white_space_amount": [9.0, 99.0]})
    >>> none = Answer("2.4", withheld="no")
    >>> pair_lines(strengths=Answer("2.1", strong), weaknesses=none, opportunities=Answer("2.3", open_), threats=none, accounts=who,
    ...     deals=None, pipeline=none).table[["pair", "move", "names", "amount"]].values.tolist()
    [['so', 'grow', ('A',), 9.0]]
    """
    sides = {"s": _standing(strengths), "w": _standing(weaknesses), "o": _standing(opportunities), "t": _standing(threats)}
    frames = (accounts, deals, pipeline.table if pipeline.withheld is None else None)
    found = []
    for inner, outer in ("so", "st", "wo", "wt"):
        moves = [_propose(inner, outer, inside, outside, *frames) for inside, outside in product(sides[inner], sides[outer])]
        found += _best([move for move in moves if move is not None])
    most = sorted(found, key=lambda move: (-move["amount"], move["inside"], move["outside"]))[:MOVES]
    found = [move for move in found if move in most]
    return _judge(found, list(said), {"inside_n": len(sides["s"]) + len(sides["w"]), "outside_n": len(sides["o"]) + len(sides["t"])})


def _standing(lines: Answer) -> list[dict[str, Any]]:
    """The lines of data that the rep did not reject, and the rep's own that are accepted and name a cut."""
    if lines.withheld is not None and lines.table.empty:
        return []
    rows = lines.table.to_dict("records")
    return [r for r in rows if r["origin"] == "data" or (r["verdict"] in ("accepted", "edited") and r["cut"] not in ("all", "sign"))]


def _best(moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The moves with most money, without those that name only what an earlier one names."""
    kept: list[dict[str, Any]] = []
    for move in sorted(moves, key=lambda move: (-move["amount"], move["inside"], move["outside"])):
        seen = {name for other in kept for name in other["names"]}
        if len(kept) < MOVES_PER_PAIR and not set(move["names"]) <= seen:
            kept.append(move)
    return kept


def _propose(
    inner: str, outer: str, inside: dict[str, Any], outside: dict[str, Any],
    accounts: pd.DataFrame | None, deals: pd.DataFrame | None, pipeline: pd.DataFrame | None,
) -> dict[str, Any] | None:  # fmt: skip
    """The one move for a pair of lines; None where it could name nobody."""
    kind = outside.get("kind")
    if outer == "o":
        move, rows = _open_accounts(inner, inside, outside, accounts)
    elif kind == "rival":
        move, rows = ("use" if inner == "s" else "help"), _open_deals(deals, "competitor", outside["label"])
    elif kind == "slipping":
        move, rows = "settle", _slipping(inside, outside, pipeline, accounts)
    elif kind in _CUSTOMERS:
        move, rows = "visit", _customers(inside, outside["stakes"], accounts)
    elif kind == "dependence" and inner == "s":
        move, rows = "broaden", _open_accounts("s", inside, {"cut": "all"}, accounts)[1]
        rows = rows if rows is None else rows[~rows["name"].isin(outside["names"])]
    else:
        return None
    if rows is None or rows.empty:
        return None
    top = rows.sort_values(["amount", "name"], ascending=[False, True]).head(NAMES)
    names = {"pair": inner + outer, "move": move, "inside": inside["evidence"], "outside": outside["evidence"]}
    names |= {key: inside[key] for key in ("measure", "cut", "label")} | {"outside_kind": kind, "outside_label": outside["label"]}
    return names | {"names": tuple(top["name"]), "amount": total(top["amount"])}


def _labelled(accounts: pd.DataFrame, line: dict[str, Any]) -> pd.Series | None:
    """Which accounts have the line's label; None where accounts do not know its cut."""
    if line["cut"] not in accounts or line["cut"] == "all":
        return None
    return accounts[line["cut"]].notna() & (accounts[line["cut"]].astype(str) == str(line["label"]))


def _open_accounts(
    inner: str, inside: dict[str, Any], outside: dict[str, Any], accounts: pd.DataFrame | None
) -> tuple[str, pd.DataFrame | None]:
    """Accounts with white space of the opportunity: those of the strong label; those outside the weak one; else the line's own."""
    if accounts is None or "white_space_amount" not in accounts:
        return "grow", None
    there, own = _labelled(accounts, outside), _labelled(accounts, inside)
    chosen = accounts["white_space_amount"] > 0
    if outside.get("origin") == "data":
        chosen &= accounts["account_id"].isin(list(outside["ids"]))
    elif there is not None:
        chosen &= there
    move = "grow" if inner == "s" else "help" if own is None else "first"
    if own is not None:
        chosen &= own if inner == "s" else ~own
    rows = accounts[chosen]
    return move, pd.DataFrame({"name": rows["account_name"], "amount": rows["white_space_amount"]})


def _open_deals(deals: pd.DataFrame | None, column: str, label: str) -> pd.DataFrame | None:
    if deals is None or column not in deals:
        return None
    rows = deals[(deals["status"] == "open") & (deals[column].astype(str) == str(label))]
    return pd.DataFrame({"name": rows["opportunity_id"], "amount": rows["amount"].fillna(0.0)})


def _slipping(
    inside: dict[str, Any], outside: dict[str, Any], pipeline: pd.DataFrame | None, accounts: pd.DataFrame | None
) -> pd.DataFrame | None:
    """Slipping deals at the leaking stage, or with accounts of the line's label; all where the line names neither."""
    if pipeline is None:
        return None
    rows = pipeline[(pipeline["overdue"] == 1) | (pipeline["pushed"] == 1)]
    if inside["cut"] == "stage":
        rows = rows[rows["stage"].astype(str) == str(inside["label"])]
    elif accounts is not None and (own := _labelled(accounts, inside)) is not None:
        rows = rows[rows["account_id"].isin(accounts.loc[own, "account_id"])]
    return pd.DataFrame({"name": rows["opportunity_id"], "amount": rows["amount"].fillna(0.0)})


def _customers(inside: dict[str, Any], stakes: Iterable[Any], accounts: pd.DataFrame | None) -> pd.DataFrame | None:
    """Customers at risk that have the line's label; all of them where the line is about keeping customers."""
    frame = pd.DataFrame(list(stakes), columns=["account_id", "name", "amount"])
    own = None if accounts is None else _labelled(accounts, inside)
    if own is None:
        return frame if inside["measure"] == "kept_customers" else None
    return frame[frame["account_id"].isin(accounts.loc[own, "account_id"])]


def _judge(moves: list[dict[str, Any]], said: list[Any], notes: dict[str, Any]) -> Answer:
    """The moves with the rep's verdict beside each, then the rep's own pairings."""
    by_evidence = {(line.pair, frozenset(line.rests_on)): line for line in said if line.rests_on}
    rows, rejected, used = [], [], set()
    for move in moves:
        key = (move["pair"], frozenset((move["inside"], move["outside"])))
        line = by_evidence.get(key)
        used.add(key)
        if line is not None and line.verdict == "rejected":
            rejected.append(line.text or " and ".join(sorted(key[1])))
            continue
        words = line.text if line is not None and line.verdict == "edited" else ""
        rows.append(move | {"verdict": "open" if line is None else line.verdict, "said": words, "origin": "data"})
    for line in said:
        if (line.pair, frozenset(line.rests_on)) in used and line.rests_on:
            continue
        if line.verdict == "rejected":
            rejected.append(line.text or line.id)
        else:
            empty = dict.fromkeys(_MOVE) | {"names": (), "amount": None}
            rows.append(empty | {"pair": line.pair, "verdict": line.verdict, "said": line.text or line.id, "origin": "rep"})
    table = pd.DataFrame(rows, columns=[*_MOVE, "verdict", "said", "origin"])
    return Answer("2.5", table, notes=notes | {"rejected": tuple(rejected), "proposed_n": len(moves)})
