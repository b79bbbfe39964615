"""Step 3, leads: is a lead qualified, what are qualified leads worth beside the others, and which must be acted on (3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Period, answers, total
from workbook_helpers.statistics import MIN_CASES, compare_with_team, count_hits, learn_hits

#: The deal of a converted lead is created at most so many days after the conversion.
DEAL_WITHIN_DAYS = 90
_SIGNS = ("wants_it", "uses_it_well", "event_date")


def _judge(leads: pd.DataFrame, as_of: date, said: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Adds wants, uses, act (a day to act by is known) and asked (nothing of the three is filled), and converted.

    What people wrote into the plan goes before what the CRM holds.
    """
    judged = leads.copy()
    for name in ("wants_it", "uses_it_well"):
        words = judged[name].astype(str).str.strip().str.lower()
        judged[name] = np.where(judged[name].isna(), None, words.isin(["yes", "true", "1", "1.0", "y", "x"]))
    for lead_id, entry in (said or {}).items():
        rows = judged["lead_id"] == lead_id
        for name in _SIGNS:
            value = getattr(entry, name, None)
            if value is not None and rows.any():
                judged.loc[rows, name] = pd.Timestamp(value) if name == "event_date" else value
    judged["asked"] = judged[list(_SIGNS)].isna().all(axis=1)
    judged["signs_n"] = (judged["wants_it"] == True).astype(int) + (judged["uses_it_well"] == True) + judged["event_date"].notna()  # noqa: E712
    judged["qualified"] = judged["signs_n"] == len(_SIGNS)
    judged["converted"] = judged["converted_date"] <= pd.Timestamp(as_of)
    return judged


def _find_decided(judged: pd.DataFrame, as_of: date, decided_days: float | None) -> tuple[pd.DataFrame, float]:
    """The leads old enough to have converted, and that age: nine in ten conversions took no longer."""
    if decided_days is None:
        took = (judged["converted_date"] - judged["created_date"]).dt.days[judged["converted"]]
        decided_days = float(took.quantile(0.9)) if len(took) else 0.0
    return judged[judged["created_date"] <= pd.Timestamp(as_of) - pd.Timedelta(days=decided_days)], decided_days


def _list_cases(decided: pd.DataFrame) -> pd.DataFrame:
    """One row per lead and cut: cut, label, hit, rep_id."""
    labels = np.where(decided["qualified"], "qualified", "not qualified")
    parts = [decided.assign(cut="qualification", label=labels)]
    for sure, name in ((True, "qualified"), (False, "not qualified")):
        part = decided[(decided["qualified"] == sure) & decided["lead_source"].notna()]
        parts.append(part.assign(cut=f"lead_source, {name}", label=part["lead_source"]))
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(hit=rows["converted"])[["cut", "label", "hit", "rep_id", "lead_id"]]


def learn_lead_rates(*, leads: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """How the team's leads convert, qualified and not, in all and by source: see ``statistics.learn_hits``; and decided_days."""
    if leads is None or leads.empty:
        return pd.DataFrame(columns=["cut", "label", "hits_n", "cases_n", "reps_n", "strength", "decided_days"])
    decided, days = _find_decided(_judge(leads[leads["created_date"] <= pd.Timestamp(as_of)], as_of), as_of, None)
    return learn_hits(_list_cases(decided)).assign(decided_days=days)


def _find_won(leads: pd.DataFrame, opportunities: pd.DataFrame | None, as_of: date) -> pd.Series:
    """What each lead brought: won deals of its account, created from the conversion to 90 days after it; each deal once."""
    won = pd.Series(0.0, index=leads.index)
    if opportunities is None or opportunities.empty:
        return won
    came = leads.loc[leads["converted"] & leads["account_id"].notna(), ["lead_id", "account_id", "converted_date"]]
    deals = opportunities[(opportunities["status"] == "won") & (opportunities["close_date"] <= pd.Timestamp(as_of))]
    pairs = came.merge(deals[["opportunity_id", "account_id", "created_date", "amount"]], on="account_id")
    wait = (pairs["created_date"] - pairs["converted_date"]).dt.days
    pairs = pairs[wait.between(0, DEAL_WITHIN_DAYS)].assign(wait=wait).sort_values(["wait", "lead_id", "opportunity_id"])
    pairs = pairs.drop_duplicates("opportunity_id")
    return leads["lead_id"].map(pairs.groupby("lead_id")["amount"].agg(total)).astype(float).fillna(0.0)


@answers("3.7", leads=["lead_id"])
def summarise_leads(
    *, leads: pd.DataFrame, as_of: date, opportunities: pd.DataFrame | None = None, lead_rates: pd.DataFrame | None = None,
    said: Mapping[str, Any] | None = None, accounts: pd.DataFrame | None = None, in_team: bool = True,
) -> Answer:  # fmt: skip
    """Is a lead qualified: wants it, uses it well, has a date to act by? Leads and their conversion, qualified beside the rest.

    wants_it, uses_it_well: yes, true, 1, y or x means yes. said: lead_id -> what the plan says (wants_it, uses_it_well,
    event_date), which goes before the leads' own. accounts name the leads' accounts. lead_rates: the team's
    ``learn_lead_rates``; in_team: they hold this rep's leads too. Only leads old enough to have converted count: nine in
    ten conversions took no longer.
    Returns cut (qualification; lead_source, qualified; lead_source, not qualified), label, hits_n, cases_n and the
    columns of ``statistics.compare_with_team``, and won_amount (won deals of the lead's account, created up to 90 days
    after it converted, per lead). notes: leads_n, asked_n (leads of which nothing is filled), filled (share of leads by
    column), decided_days, has_deals, and to_do: open leads with a date to act by, the qualified first (lead_id,
    account_name, lead_source, signs_n, event_date).

    >>> leads = pd.DataFrame({"lead_id": list("abcdef"), "wants_it": ["yes"] * 5 + ["no"], "uses_it_well": "yes",
    ...     "lead_source": None, "rep_id": "r", "account_id": None, "created_date": pd.Timestamp("2025-05-05"),
    ...     "event_date": pd.Timestamp("2026-12-01"), "converted_date": pd.to_datetime(["2026-05-05"] + [None] * 5)})
    >>> found = summarise_leads(leads=leads, as_of=date(2026, 9, 30))
    >>> found.table[["label", "cases_n", "rate_share"]].values.tolist()
    [['qualified', 5.0, 0.2], ['not qualified', 1.0, nan]]
    """
    known = leads[leads["created_date"] <= pd.Timestamp(as_of)].sort_values("lead_id", ignore_index=True)
    if known.empty:
        return Answer("3.7", withheld="the rep has no leads")
    judged = _judge(known, as_of, said)
    notes: dict[str, Any] = {
        "leads_n": len(judged), "asked_n": int(judged["asked"].sum()), "filled": {c: float(judged[c].notna().mean()) for c in _SIGNS},
        "to_do": _list_to_do(judged, accounts, as_of), "has_deals": opportunities is not None and not opportunities.empty,
    }  # fmt: skip
    if judged[list(_SIGNS)].isna().all(axis=None):
        why = "it needs columns wants_it, uses_it_well and event_date of table leads, or qualification in the plan"
        return Answer("3.7", notes=notes, withheld=why)
    days = None if lead_rates is None or lead_rates.empty else float(lead_rates["decided_days"].max())
    decided, days = _find_decided(judged, as_of, days)
    if len(decided) < MIN_CASES:
        why = f"fewer than {MIN_CASES} leads are old enough to have converted ({days:.0f} days)"
        return Answer("3.7", notes=notes, withheld=why)
    cases = _list_cases(decided)
    table = compare_with_team(count_hits(cases), lead_rates, in_team=in_team)
    brought = cases["lead_id"].map(_find_won(decided, opportunities, as_of).set_axis(decided["lead_id"])).astype(float)
    won = brought.groupby([cases["cut"], cases["label"]]).agg(total)
    keys = pd.MultiIndex.from_frame(table[["cut", "label"]])
    table["won_amount"] = (won.reindex(keys).to_numpy() / table["cases_n"]).where(table["cases_n"] >= MIN_CASES).round(2)
    first = {"qualified": 0, "not qualified": 1}
    order = table["cut"].eq("qualification").map({True: 0, False: 1}), table["label"].map(first).fillna(2)
    table = table.assign(group=order[0], place=order[1]).sort_values(["group", "place"], kind="stable", ignore_index=True)
    return Answer("3.7", table.drop(columns=["group", "place"]), notes=notes | {"decided_days": days})


def _list_to_do(judged: pd.DataFrame, accounts: pd.DataFrame | None, as_of: date) -> pd.DataFrame:
    """Open leads with a date to act by still ahead: those with most signs first, then the nearest date."""
    ahead = judged[~judged["converted"] & (judged["event_date"] >= pd.Timestamp(as_of))]
    ahead = ahead.sort_values(["signs_n", "event_date", "lead_id"], ascending=[False, True, True], ignore_index=True)
    names = {} if accounts is None else dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    ahead["account_name"] = ahead["account_id"].map(names).astype(object)
    return ahead[["lead_id", "account_name", "lead_source", "signs_n", "event_date"]]


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {"lead_rates": (learn_lead_rates, ("leads",))}
