"""Is the plan complete, current, signed and kept? Only what is dated on or before the as-of date counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd

from workbook_helpers.plan.model import Action, Plan, PlanFile, Signature, content_of, write_value

#: What grows with the year and is not what somebody signed.
_RECORD = ("signed", "comments", "reviews", "wrong_data", "session", "saved")
_PROGRESS = ("status", "done")


def take_as_of(plan: Plan, as_of: date) -> Plan:
    """The plan without the reviews, comments, signatures, wrong-data marks and save dated after the as-of date.

    >>> late = Plan(rep_id="R01", year=2026, comments=[{"who": "rep", "date": "2026-05-01", "text": "done"}])
    >>> take_as_of(late, date(2026, 4, 30)).comments
    []
    """
    known = {
        name: [e for e in getattr(plan, name) if e.date <= as_of]
        for name in ("reviews", "comments", "signed", "wrong_data")
    }
    return plan.model_copy(
        update=known | {"saved": plan.saved if plan.saved and plan.saved <= as_of else None}, deep=True
    )


def hash_content(plan: Plan) -> str:
    """sha256 of what is signed: the plan without its record (signatures, comments, reviews, marks) and progress.

    Ticking off an action leaves a signature valid; changing what, who or when does not. The order of keys is no matter.

    >>> a = Plan(rep_id="R01", year=2026, actions=[{"id": "a1", "what": "call"}])
    >>> b = Plan(rep_id="R01", year=2026, actions=[{"id": "a1", "what": "call", "status": "done"}])
    >>> c = Plan(rep_id="R01", year=2026, actions=[{"id": "a1", "what": "visit"}])
    >>> hash_content(a) == hash_content(b), hash_content(a) == hash_content(c)
    (True, False)
    """
    content = {key: value for key, value in content_of(plan).items() if key not in _RECORD}
    if "actions" in content:
        content["actions"] = [{k: v for k, v in action.items() if k not in _PROGRESS} for action in content["actions"]]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=write_value).encode()).hexdigest()


def sign_plan(plan: Plan, *, who: str, on: date) -> Plan:
    """A copy of the plan with one more signature: who signs, on which day, and the hash of what they sign.

    >>> sign_plan(Plan(rep_id="R01", year=2026), who="rep", on=date(2026, 2, 12)).signed[0].who
    'rep'
    """
    signature = Signature(who=who, date=on, sha256=hash_content(plan))
    return plan.model_copy(update={"signed": [*plan.signed, signature]}, deep=True)


def is_signed(plan: Plan, as_of: date, *, who: str | None = None) -> bool:
    """Whether somebody (or ``who``) signed by the date what the plan says now. False once the content changed.

    >>> signed = sign_plan(Plan(rep_id="R01", year=2026), who="rep", on=date(2026, 2, 12))
    >>> is_signed(signed, date(2026, 2, 11)), is_signed(signed.model_copy(update={"vision": "new"}), date(2026, 3, 1))
    (False, False)
    """
    names = signed_by(plan, as_of)
    return bool(names) if who is None else who in names


def signed_by(plan: Plan, as_of: date) -> list[str]:
    """Whose signatures, made by the date, hold for what the plan says now: each name once, in the order of signing.

    >>> signed_by(sign_plan(Plan(rep_id="R01", year=2026), who="rep", on=date(2026, 2, 12)), date(2026, 3, 1))
    ['rep']
    """
    now = hash_content(plan)
    return list(dict.fromkeys(s.who for s in plan.signed if s.sha256 == now and s.date <= as_of))


def plan_age_days(plan: Plan, as_of: date) -> int | None:
    """Days since the plan was last saved, signed or reviewed by the dates in the file; None where it holds none.

    >>> reviewed = Plan(rep_id="R01", year=2026, saved="2026-02-01", reviews=[{"date": "2026-04-08"}])
    >>> plan_age_days(reviewed, date(2026, 4, 18))
    10
    """
    known = take_as_of(plan, as_of)
    days = [entry.date for entry in (*known.reviews, *known.signed)] + ([known.saved] if known.saved else [])
    return (as_of - max(days)).days if days else None


def promises(plan: Plan, as_of: date) -> pd.DataFrame:
    """Actions that are due by the as-of date, or that a review up to then names as promised or kept.

    One row per action: action_id, what, owner, due_date, state, done_date; by due date, then id.
    state: kept; late (done after it was due); broken (due, and not done); dropped; coming (promised, due later).
    A review that says "kept" settles it. A status of done without a day counts as kept: nobody says since when.

    >>> plan = Plan(rep_id="R01", year=2026, actions=[
    ...     {"id": "a1", "what": "two demos", "due": "2026-03-15", "done": "2026-03-10"},
    ...     {"id": "a2", "what": "visit", "due": "2026-03-20"}, {"id": "a3", "what": "fair", "due": "2026-09-01"}])
    >>> promises(plan, date(2026, 4, 1))[["action_id", "state"]].values.tolist()
    [['a1', 'kept'], ['a2', 'broken']]
    """
    reviews = [review for review in plan.reviews if review.date <= as_of]
    kept = {one for review in reviews for one in review.kept}
    named = kept | {one for review in reviews for one in review.promised}
    actions = {action.id: action for action in plan.actions}
    actions |= {one: Action(id=one, owner="") for one in sorted(named - set(actions))}
    rows = [
        (a.id, a.what, a.owner, a.due, _judge(a, kept, as_of), a.done if a.done and a.done <= as_of else None)
        for a in sorted(actions.values(), key=lambda a: (a.due or date.max, a.id))
        if a.id in named or (a.due and a.due <= as_of)
    ]
    frame = pd.DataFrame(rows, columns=["action_id", "what", "owner", "due_date", "state", "done_date"], dtype=object)
    return frame.astype({"due_date": "datetime64[ns]", "done_date": "datetime64[ns]"})


def _judge(action: Action, kept: set[str], as_of: date) -> str:
    done = action.done <= as_of if action.done else action.status == "done"
    if action.id in kept:
        return "kept"
    if done:
        return "late" if action.done and action.due and action.done > action.due else "kept"
    if action.status == "dropped":
        return "dropped"
    return "broken" if action.due is None or action.due <= as_of else "coming"


def _lack_actions(plan: Plan) -> str:
    live = [action for action in plan.actions if action.status != "dropped"]
    vague = [a.id for a in live if not (a.what and a.due and a.owner and a.metric)]
    if len(live) < 3:
        return f"at least three actions (there are {len(live)})"
    return f"what, owner, due date or metric of {', '.join(vague)}" if vague else ""


def _lack_swot(plan: Plan) -> str:
    judged = {line.quadrant for line in plan.swot if line.verdict in ("accepted", "edited")}
    judged |= {"threat"} if plan.threats else set()
    lacking = [quadrant for quadrant in ("strength", "weakness", "opportunity", "threat") if quadrant not in judged]
    return f"an accepted {', '.join(lacking)}" if lacking else ""


def _lack(**words: Callable[[Plan], Any]) -> Callable[[Plan], str]:
    return lambda plan: ", ".join(word.replace("_", " ") for word, holds in words.items() if not holds(plan))


#: Section -> what is missing in words; nothing when it is complete. In the order in which a plan is written.
_SECTIONS: dict[str, Callable[[Plan], str]] = {
    "Customers": _lack(
        why_customers_buy=lambda p: p.pains, what_tipped_or_stopped_a_purchase=lambda p: p.tipped or p.stopped
    ),
    "Strengths and threats": _lack_swot,
    "Values": _lack(core_values=lambda p: p.core_values, how_you_win_best=lambda p: p.works_best),
    "Market": _lack(what_your_market_is=lambda p: p.market.definition, what_is_unique_to_us=lambda p: p.market.unique),
    "Territory": _lack(your_own_rating=lambda p: p.territory_rating.value),
    "Goal": _lack(vision=lambda p: p.vision, amount=lambda p: p.goal.amount, why=lambda p: p.goal.why),
    "Assumptions": _lack(
        attrition=lambda p: p.assumptions.attrition_share is not None,
        deal_size=lambda p: p.assumptions.mean_won_amount is not None,
        win_rate=lambda p: p.assumptions.win_rate is not None,
        cycle=lambda p: p.assumptions.cycle_days is not None,
    ),
    "Choices": _lack(what_to_pursue=lambda p: p.pursue, what_to_leave=lambda p: p.leave),
    "Coverage": _lack(calls_by_tier=lambda p: p.coverage.calls_by_tier, targets=lambda p: p.targets),
    "Obstacles and crew": _lack(
        obstacles=lambda p: p.obstacles, initiatives=lambda p: p.initiatives, who_works_with_whom=lambda p: p.crew
    ),
    "Actions": _lack_actions,
}


def summarise_completeness(plan: Plan, as_of: date) -> pd.DataFrame:
    """Which sections of a plan are complete on the as-of date (question M.1).

    One row per section, in the order of the plan: section, complete, missing (in words; "" when complete). The last
    section is "Signature": the rep's and the manager's, on what the plan says now.

    >>> empty = summarise_completeness(Plan(rep_id="R01", year=2026), date(2026, 3, 1))
    >>> empty.loc[empty["section"] == "Goal", "missing"].item(), int(empty["complete"].sum())
    ('vision, amount, why', 0)
    """
    missing = {section: lack(plan) for section, lack in _SECTIONS.items()}
    names = signed_by(plan, as_of)
    unsigned = [who for who in ("rep", "manager") if who not in names]
    missing["Signature"] = " and ".join(f"the {who}'s signature" for who in unsigned)
    return pd.DataFrame(
        {"section": list(missing), "complete": [not m for m in missing.values()], "missing": list(missing.values())}
    )


def compare_plans(old: PlanFile, new: PlanFile) -> pd.DataFrame:
    """What changed between two plans, or two versions of one: field, before, after, as text; None where nothing stood.

    One row per changed value. Entries of lists are known by their id; one without an id that was edited is two rows,
    the old one gone and the new one come.

    >>> before = Plan(rep_id="R01", year=2026, goal={"amount": 5}, actions=[{"id": "a1", "what": "call"}])
    >>> after = Plan(rep_id="R01", year=2026, goal={"amount": 6}, actions=[{"id": "a2"}, {"id": "a1", "what": "call"}])
    >>> compare_plans(before, after).values.tolist()
    [['goal.amount', '5', '6'], ['actions[a2].id', None, 'a2']]
    """
    was, now = (_flatten({**content_of(plan), "saved": None}, "") for plan in (old, new))
    rows = [(key[0], was.get(key), now.get(key)) for key in {**now, **was} if was.get(key) != now.get(key)]
    return pd.DataFrame(rows, columns=["field", "before", "after"], dtype=object)


def _flatten(value: Any, field: str) -> dict[tuple[str, str], str]:
    """Each filled-in value as text, under its field and (for a list's entry without an id) what tells it apart."""
    flat: dict[tuple[str, str], str] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            flat |= _flatten(inner, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and "id" in item:
                flat |= _flatten(item, f"{field}[{item['id']}]")
            else:
                text = ", ".join(f"{inner[0]} {said}" for inner, said in _flatten(item, "").items()).strip()
                flat[field, text] = text
    elif value is not None:
        flat[field, ""] = write_value(value)
    return flat
