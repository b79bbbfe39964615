"""Step 5, the moves: which named accounts, deals and next steps close the shortfall."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from workbook_helpers.measure import Answer, total

NOT_REBUILT = "what stood in the deals on that day cannot be rebuilt without stage_history"
#: The warnings of chapter 2.6 in words.
WARNINGS = {
    "overdue": "past its close date",
    "no_next_step": "no next step",
    "untouched": "untouched for 30 days",
    "old": "older than won deals",
    "pushed": "pushed to a later date",
}


def rank_moves(*, shortfall: float | None, moves: Mapping[str, pd.DataFrame | None]) -> Answer:
    """Which named moves close the shortfall, and whether their expected sum reaches it.

    shortfall: goal − booked − flow. moves: kind of move -> rows with account_id, what and expected_amount, the surest
    kind first: an account counts once, with the first kind that names it. One row per move out, largest first: kind,
    account_id, what, expected_amount, sum_amount (running). notes: expected (their sum), shortfall, enough (rows that
    reach it, None if none do).

    >>> deals = pd.DataFrame({"account_id": ["A"], "what": ["Deal"], "expected_amount": [60.0]})
    >>> space = pd.DataFrame({"account_id": ["A", "B"], "what": ["Gloves", "Masks"], "expected_amount": [90.0, 50.0]})
    >>> answer = rank_moves(shortfall=100.0, moves={"open deal": deals, "white space": space})
    >>> answer.table["sum_amount"].tolist(), answer.notes["enough"]
    ([60.0, 110.0], 2)
    """
    seen: set = set()
    parts = []
    for kind, frame in moves.items():
        if frame is None or frame.empty:
            continue
        rows = frame[["account_id", "what", "expected_amount"]].assign(kind=kind)
        rows = rows[~rows["account_id"].isin(list(seen)) & (rows["expected_amount"] > 0)]
        seen |= set(rows["account_id"].dropna())
        parts.append(rows)
    if not any(len(part) for part in parts):
        return Answer("5.14", withheld="no open deal is due, and without a win rate nothing can be expected of other moves")
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values(["expected_amount", "kind", "what"], ascending=[False, True, True]).reset_index(drop=True)
    table["sum_amount"] = table["expected_amount"].cumsum().round(4)
    reached = table.index[table["sum_amount"] >= (shortfall or 0.0)]
    enough = int(reached[0]) + 1 if len(reached) and shortfall and shortfall > 0 else None
    notes = {
        "expected": total(table["expected_amount"]),
        "shortfall": shortfall,
        "enough": enough,
        "by_kind": table.groupby("kind")["expected_amount"].sum().to_dict(),
    }
    return Answer("5.14", table[["kind", "account_id", "what", "expected_amount", "sum_amount"]], notes=notes)


def make_moves(*, rows: pd.DataFrame | None, amount: str, chance: float, year_share: float = 1.0) -> pd.DataFrame | None:
    """Rows of another chapter as moves: expected_amount = yearly amount × its chance × share of the year left.

    rows: account_id or customer_id, account_name and the column ``amount``; None or empty gives None. One row per row
    out: account_id, what (the account's name), expected_amount.

    >>> space = pd.DataFrame({"customer_id": ["A"], "account_name": ["Ant"], "white_space_amount": [100.0]})
    >>> make_moves(rows=space, amount="white_space_amount", chance=0.4, year_share=0.5).values.tolist()
    [['A', 'Ant', 20.0]]
    """
    if rows is None or rows.empty or not chance > 0:
        return None
    expected = (rows[amount].astype(float).fillna(0.0) * chance * year_share).round(2)
    who = rows["account_id"] if "account_id" in rows else rows["customer_id"]
    return pd.DataFrame({"account_id": who, "what": rows["account_name"], "expected_amount": expected})


def gather_moves(
    *, deals: Answer, saves: Answer, space: Answer, targets: Answer, rate: float, year_share: float
) -> dict[str, pd.DataFrame | None]:
    """The moves that four answers name, the surest kind first, as rank_moves takes them.

    deals: rank_deals. saves: customers to save (at_stake_amount). space: white space of customers
    (white_space_amount). targets: prospects to open (worth_amount). rate: chance that a move succeeds, the win rate.
    year_share: of the year, left.
    """
    found: dict[str, pd.DataFrame | None] = {}
    if deals.withheld is None:
        due = deals.table[deals.table["bucket"] != "overdue"]
        found["open deal"] = due.assign(what=due["account_name"])[["account_id", "what", "expected_amount"]]
    columns = {"save": "at_stake_amount", "white space": "white_space_amount", "target": "worth_amount"}
    for (kind, amount), answer in zip(columns.items(), (saves, space, targets), strict=True):
        rows = answer.table if answer.withheld is None and amount in answer.table else None
        if kind == "white space" and rows is not None:
            rows = rows[rows["status"] == "customer"]
        found[kind] = make_moves(rows=rows, amount=amount, chance=rate, year_share=year_share)
    return found


def rank_accounts(
    *,
    accounts: pd.DataFrame | None,
    flow: Answer,
    deals: pd.DataFrame | None,
    activities: pd.DataFrame | None,
    account_sales: pd.DataFrame | None,
    planned_steps: Mapping[str, str] | None = None,
) -> Answer:
    """Accounts by what they are expected to bring until the year ends: flow, and Σ probability × amount of deals due.

    planned_steps: account_id -> next step in the plan, which goes before the CRM's. One row per account with
    something to expect out, largest first: account_id, account_name, expected_amount, flow_amount, deal_amount
    (weighted), last_touch_date (activity, else sale), next_step, next_date (the first close date of a deal due).
    """
    if accounts is None:
        return Answer("5.17", withheld="it needs table accounts")
    table = accounts[["account_id", "account_name"]].copy()
    usual = flow.table.groupby("account_id")["amount"].agg(total) if len(flow.table) else pd.Series(dtype=float)
    table["flow_amount"] = table["account_id"].map(usual).astype(float).fillna(0.0)
    table["deal_amount"], table["next_step"], table["next_date"] = 0.0, None, pd.NaT
    if deals is not None and len(due := deals[deals["bucket"].isin(["likely", "stretch"])]):
        due = due.assign(weighted=(due["probability"] * due["amount"]).fillna(0.0)).sort_values(["close_date", "opportunity_id"])
        by = due.groupby("account_id")
        table["deal_amount"] = table["account_id"].map(by["weighted"].agg(total)).astype(float).fillna(0.0)
        table["next_step"] = table["account_id"].map(by["next_step"].first().to_dict())
        table["next_date"] = pd.to_datetime(table["account_id"].map(by["close_date"].first().to_dict()))
    planned = table["account_id"].map({k: v for k, v in (planned_steps or {}).items() if v})
    table["next_step"] = planned.where(planned.notna(), table["next_step"])
    touched = activities is not None and activities["account_id"].notna().any()
    last = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    for frame, column in ((activities, "activity_date"), (account_sales, "sale_date")):
        if frame is not None and len(frame):
            latest = frame.groupby("account_id")[column].max().to_dict()
            last = last.fillna(pd.to_datetime(table["account_id"].map(latest)))
    table["last_touch_date"] = last
    table["expected_amount"] = (table["flow_amount"] + table["deal_amount"]).round(2)
    table = table[table["expected_amount"] > 0].sort_values(["expected_amount", "account_id"], ascending=[False, True])
    if table.empty:
        unknown = deals is not None and not deals["state_known"].astype(bool).all()
        why = NOT_REBUILT if unknown else "no account has usual orders to come or a deal due before the year ends"
        return Answer("5.17", withheld=why)
    columns = [
        "account_id",
        "account_name",
        "expected_amount",
        "flow_amount",
        "deal_amount",
        "last_touch_date",
        "next_step",
        "next_date",
    ]
    return Answer(
        "5.17", table[columns].reset_index(drop=True), notes={"no_step_n": int(table["next_step"].isna().sum()), "touched": touched}
    )


def rank_deals(
    *,
    deals: pd.DataFrame | None,
    pipeline: Answer,
    accounts: pd.DataFrame | None,
    own_buckets: Mapping[str, str] | None = None,
) -> Answer:
    """Open deals that matter this year, by probability × amount, each with its warnings.

    deals: chance.estimate_chances. pipeline: pipeline_health.summarise_pipeline, whose warnings these are. own_buckets:
    opportunity_id -> the rep's own bucket in the plan. One row per deal due or overdue out: opportunity_id, account_id,
    account_name, stage, amount, probability, expected_amount, bucket, own_bucket, close_date, next_step, warning.
    """
    if deals is None or pipeline.withheld is not None:
        return Answer("5.17", withheld="it needs table opportunities")
    if not deals["state_known"].astype(bool).all():
        return Answer("5.17", withheld=NOT_REBUILT)
    table = deals[deals["bucket"].isin(["likely", "stretch", "overdue"])].copy()
    if table.empty:
        return Answer("5.17", table, withheld="no open deal is due before the year ends, and none is overdue")
    table["expected_amount"] = (table["probability"].fillna(0.0) * table["amount"].fillna(0.0)).round(2)
    names = {} if accounts is None else dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    table["account_name"] = [names.get(a, a) for a in table["account_id"]]
    table["own_bucket"] = [(own_buckets or {}).get(i) for i in table["opportunity_id"]]
    flags = pipeline.table.set_index("opportunity_id")[list(WARNINGS)].reindex(table["opportunity_id"]).eq(1)
    table["warning"] = ["; ".join(text for text, flag in zip(WARNINGS.values(), row, strict=True) if flag) for row in flags.to_numpy()]
    table = table.sort_values(["expected_amount", "opportunity_id"], ascending=[False, True]).reset_index(drop=True)
    columns = ["opportunity_id", "account_id", "account_name", "stage", "amount", "probability", "expected_amount"]
    columns += ["bucket", "own_bucket", "close_date", "next_step", "warning"]
    return Answer("5.17", table[columns], notes={"warned_n": int(table["warning"].ne("").sum())})
