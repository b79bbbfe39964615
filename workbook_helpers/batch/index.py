"""The index: one page that rolls the team up and says which three talks to have first.

Everything is made from the reps' facts and the team's figures; nothing but sums is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from workbook_helpers.batch import report
from workbook_helpers.batch.manifest import PDF
from workbook_helpers.measure import say_number, total
from workbook_helpers.present.wording import as_list

#: The team ladder: what adds up to the goal, from sure to missing.
LADDER = (
    ("booked_amount", "Booked"), ("flow_amount", "Flow to come"), ("likely_amount", "Likely"),
    ("stretch_amount", "Stretch"), ("unidentified_amount", "No source yet"),
)  # fmt: skip

#: Who can own business; each a row of its own, so that totals close.
KINDS = {
    "rep": "Reps", "manager": "Carried by managers", "house": "House accounts", "vacant": "Vacant territories",
    "leaver": "Leavers", "nobody": "Nobody (no owner known)",
}  # fmt: skip

#: How the index can be sorted; the first is the default and the order of the printed page.
SORTS = (
    ("stake", "Money at stake"), ("chance", "Lowest chance"), ("pace", "Slowest pace"), ("goal", "Largest goal"),
    ("plan", "Plan missing or oldest"), ("name", "Name"),
)  # fmt: skip

#: Which rows can be picked out; the keys are classes of the rows.
SHOWS = (("all", "Everyone"), ("no-plan", "Plan missing, old or unsigned"), ("low-chance", "Chance below half"),
         ("no-report", "No report"))  # fmt: skip

#: A plan is reviewed every quarter; a week of grace.
STALE_DAYS = 99

#: What is compared with the last run, summed over the reps of both.
_WATCHED = (("booked_amount", "Booked"), ("open_amount", "Open deals"), ("unidentified_amount", "No source yet"))

#: So many are named one by one; of more, the number is told.
_NAMED = 10

_STATUS = {"failed": "report failed", "not_asked": "not asked for in this run", "stale": "report older than the data"}


def render_index(*, run: Mapping[str, Any], reps: Sequence[Mapping[str, Any]], team: Mapping[str, Any]) -> str:
    """The index of one run as one HTML page that needs nothing else and runs nothing.

    run: company, currency, as_of (date or ISO text), days_left (days of the fiscal year after as_of, or None),
        data_light {rows_used, set_aside_n, set_aside_amount, findings_n}, remarks (texts),
        previous (None, or {as_of, facts {rep_id: {measure id: fact}}}: the last run before this one).
    reps, one each, in any order: rep_id, rep_name, role, team, manager (name or None), kind (see KINDS), folder,
        status (done, failed, not_asked, stale), reason (text or None), tenure_days (int or None),
        plan {exists, complete_share (0-1 or None), age_days (or None), signed_by (texts)},
        facts {measure id: fact} (whole-book facts only; empty without a report),
        card {question, behaviours, promises} (texts, each may be missing). pdf: whether there is one; may be missing.
    team: measures {measure id: fact} (computed once from the team's rows), target (the company's, money or None),
        over_assignment (share or None), nobody {rows_n, amount: rows set aside that
        belong to nobody; facts: sums of the rows that do count and have no owner we know}, missing (names of those
        who are not in the totals).
    Sums run over the reps with status ``done``. Amounts are in the company's currency.
    """
    orders = {key: sorted(reps, key=by) for key, by in _rank_keys().items()}
    ranks = {key: {rep["rep_id"]: n for n, rep in enumerate(order)} for key, order in orders.items()}
    reps = orders["stake"]
    managers = sorted({rep.get("manager") or "" for rep in reps})
    unknown, lack = _find_unknown(reps), _find_lack(reps)
    nobody = {"kind": "nobody", "status": "done", "facts": team["nobody"].get("facts") or {}}
    ladder = summarise_ladder([*reps, nobody] if nobody["facts"] else reps)
    day = report.say_day(run["as_of"])
    page = report.environment().get_template("index.html").render(
        run=run,
        as_of=day,
        running=report.say_running(f"{report.clip(run['company'], 60)}, as of {day}, {run['currency']}"),
        counts=_say_counts(reps),
        failed=[_person(rep) | {"reason": rep.get("reason")} for rep in reps if rep["status"] == "failed"],
        data_light=report.say_data_light(run["data_light"], run["currency"]),
        nobody=_say_nobody(team["nobody"], run["currency"]),
        missing=team["missing"],
        steps=LADDER,
        ladder=_scale(ladder, team["target"]),
        target=_cell(team["target"]),
        target_at=_share(team["target"], _reach(ladder, team["target"])),
        cascade=_say_cascade(ladder[-1], team, run["currency"]),
        landing=_say_landing(team["measures"], run["currency"]),
        previous_day=report.say_day(run["previous"]["as_of"]) if run["previous"] else "",
        changes=list_changes(reps, run["previous"], currency=run["currency"]),
        talks=choose_talks(reps, currency=run["currency"], days_left=run["days_left"]),
        sorts=SORTS,
        shows=SHOWS,
        managers=managers if len(managers) > 1 else [],
        unknown=" ".join(filter(None, (_say_unknown(unknown), lack and f"Weekly behaviours are {lack}."))),
        rows=[_row(rep, ranks, managers, lack) for rep in reps],
    )  # fmt: skip
    return report.whole(page)


def summarise_ladder(reps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sums per kind of owner, and of all together in the last row; kinds that nobody has are left out.

    Each row: label, n, and ``sums`` {measure id: sum to the cent, or None where no rep has a value} for the steps of
    the ladder, goal and quota.

    >>> rows = summarise_ladder([{"kind": "rep", "status": "done", "facts": {"goal": {"value": 0.1}}},
    ...                          {"kind": "house", "status": "done", "facts": {"goal": {"value": 0.2}}}])
    >>> [(row["label"], row["sums"]["goal"]) for row in rows]
    [('Reps', 0.1), ('House accounts', 0.2), ('Together', 0.3)]
    """
    done = [rep for rep in reps if rep["status"] == "done"]
    groups = [(label, [rep for rep in done if rep["kind"] == kind]) for kind, label in KINDS.items()]
    groups = [(label, own) for label, own in groups if own] + [("Together", done)]
    ids = [*(step for step, _ in LADDER), "goal", "quota"]
    return [
        {"label": label, "n": sum(rep["kind"] != "nobody" for rep in own), "sums": {i: _sum(own, i) for i in ids}}
        for label, own in groups
    ]


def choose_talks(reps: Iterable[Mapping[str, Any]], *, currency: str, days_left: int | None) -> list[dict[str, Any]]:
    """The three reps to talk to first, each for another reason, with the reason in words and a link to the place.

    In this order: the largest part of a goal without a source; the most money missing where the chance of the goal is
    below half and time is left; the largest quota without a plan, else with one older than a quarter, else unsigned.
    Places left over go to the most money at stake. Nobody is named twice; managers without a quota, house accounts,
    vacant territories, leavers and reps without a report are not talked to.
    """
    people = [rep for rep in reps if _plans(rep) and rep["status"] == "done"]
    people.sort(key=lambda rep: (rep["rep_name"], rep["rep_id"]))

    def money(amount: float) -> str:
        return f"{say_number(amount, 'money', short=True)} {currency}"

    def chance(rep: Mapping) -> float:
        share = _value(rep, "goal_probability")
        return _stake(rep) if days_left and share is not None and share < 0.5 else 0.0

    def say_chance(rep: Mapping) -> str:
        share = _say_chance(_value(rep, "goal_probability"))
        missing = money(_stake(rep))
        return f"The chance of the goal is {share} with {days_left} days left; {missing} is expected to be missing."

    def say_lacking(rep: Mapping) -> str:
        return f"{_lacking_plan(rep['plan'])} A quota of {money(_value(rep, 'quota'))} stands on it."

    def plan_worth(rep: Mapping) -> tuple[int, float]:
        quota = _value(rep, "quota") or 0.0
        return (_plan_rank(rep["plan"]), quota) if quota > 0 and _lacking_plan(rep["plan"]) else (0, 0.0)

    rules: tuple[tuple[Callable, Callable, str], ...] = (
        (lambda r: _value(r, "unidentified_amount") or 0.0,
         lambda r: f"{money(_value(r, 'unidentified_amount'))} of the goal has no source yet.", "front-headline"),
        (chance, say_chance, "front-landing"),
        (plan_worth, say_lacking, "top"),
        *[(_stake, lambda r: f"{money(_stake(r))} of the goal is expected to be missing.", "front-ladder")] * 3,
    )  # fmt: skip
    talks: list[dict[str, Any]] = []
    for worth, say, place in rules:
        nothing = (0, 0.0) if worth is plan_worth else 0.0
        left = [r for r in people if worth(r) > nothing and r["rep_id"] not in {t["rep_id"] for t in talks}]
        if left and len(talks) < 3:
            rep = max(left, key=worth)
            talks.append(_person(rep, place) | {"reason": say(rep), "question": rep["card"].get("question")})
    return talks


def list_changes(
    reps: Iterable[Mapping[str, Any]], previous: Mapping[str, Any] | None, *, currency: str
) -> list[dict[str, Any]]:
    """What moved since the last run: sums over reps in both, the three largest moves of a rep, who came and who went.

    Each change: text, and name and link where it is about one rep. Empty when there is no earlier run.
    """
    if previous is None:
        return []
    then = {rep_id: {"facts": facts} for rep_id, facts in previous["facts"].items()}
    reps = list(reps)
    both = [(rep, then[rep["rep_id"]]) for rep in reps if rep["status"] == "done" and rep["rep_id"] in then]
    changes: list[dict[str, Any]] = []
    for step, label in _WATCHED:
        known = [(now, old) for now, old in both if _value(now, step) is not None and _value(old, step) is not None]
        if known:
            now, old = (_sum(side, step) for side in zip(*known, strict=True))
            changes.append({"text": f"{label}: {_say_move(now, old, currency)}"})
    moves = [(_value(now, "expected_gap"), _value(old, "expected_gap"), now) for now, old in both]
    moves = [(now, old, rep) for now, old, rep in moves if now is not None and old is not None and round(now - old)]
    moves.sort(key=lambda move: (-abs(move[0] - move[1]), move[2]["rep_name"], move[2]["rep_id"]))
    for now, old, rep in moves[:3]:
        changes.append(_person(rep, "front-ladder") | {"text": f"expected gap {_say_move(now, old, currency)}"})
    new = [rep for rep in reps if rep["status"] == "done" and rep["rep_id"] not in then]
    changes += [_person(rep) | {"text": "new since the last run."} for rep in new[:_NAMED]]
    if len(new) > _NAMED:
        changes.append({"text": f"{len(new) - _NAMED:,} more are new since the last run."})
    gone = len(set(then) - {rep["rep_id"] for rep in reps})
    if gone:
        changes.append({"text": f"{gone:,} of the last run no longer here."})
    return changes or [{"text": "Nothing moved."}]


def _value(rep: Mapping, measure: str) -> float | None:
    return (rep["facts"].get(measure) or {}).get("value")


def _sum(reps: Iterable[Mapping], measure: str) -> float | None:
    values = [v for v in (_value(rep, measure) for rep in reps) if v is not None]
    return total(values) if values else None


def _plans(rep: Mapping) -> bool:
    """Whether somebody stands behind the row who plans: a rep, or a manager who carries a quota.

    >>> _plans({"kind": "manager", "facts": {"quota": {"value": 625000.0}}}), _plans({"kind": "manager", "facts": {}})
    (True, False)
    """
    return rep["kind"] == "rep" or rep["kind"] == "manager" and bool(_value(rep, "quota"))


def _stake(rep: Mapping) -> float:
    """Money at stake: what is expected to be missing from the goal, else what has no source yet."""
    gap = _value(rep, "expected_gap")
    return max(gap if gap is not None else _value(rep, "unidentified_amount") or 0.0, 0.0)


def _lacking_plan(plan: Mapping) -> str:
    """What a plan lacks, as a sentence, or nothing."""
    if not plan["exists"]:
        return "There is no plan for this year."
    if (plan.get("age_days") or 0) > STALE_DAYS:
        return f"The plan is {report.say_age(plan['age_days'])}."
    return "" if plan.get("signed_by") else "The plan is not signed."


def _plan_rank(plan: Mapping) -> int:
    """How much a plan lacks: 3 there is none, 2 it is old, 1 it is unsigned or whole."""
    return 3 if not plan["exists"] else 2 if (plan.get("age_days") or 0) > STALE_DAYS else 1


def _rank_keys() -> dict[str, Callable[[Mapping], tuple]]:
    """What each sort goes by; reps come first, what is not known comes last, and names settle what is equal."""

    def up(measure: Callable[[Mapping], float | None]) -> Callable[[Mapping], tuple]:
        def key(rep: Mapping) -> tuple:
            value = measure(rep)
            return (rep["kind"] != "rep", value is None, value or 0.0, str(rep["rep_name"]).casefold(), rep["rep_id"])

        return key

    def age(rep: Mapping) -> float | None:
        if not _plans(rep):
            return None
        return -(rep["plan"].get("age_days") or 0) if rep["plan"]["exists"] else float("-inf")

    return {
        "stake": up(lambda r: -_stake(r) if r["facts"] else None),
        "chance": up(lambda r: _value(r, "goal_probability")),
        "pace": up(lambda r: _value(r, "pace")),
        "goal": up(lambda r: None if _value(r, "goal") is None else -_value(r, "goal")),
        "plan": up(age),
        "name": up(lambda r: 0.0),
    }


def _person(rep: Mapping, place: str = "") -> dict[str, Any]:
    """Name and link of a rep: the report, the page that says why there is none, or nothing."""
    page = {"done": "report.html", "stale": "report.html", "failed": "failed.html"}.get(rep["status"])
    link = f"{quote(rep['folder'])}/{page}" + (f"#{place}" if place else "") if page and rep["folder"] else ""
    return {"rep_id": rep["rep_id"], "name": rep["rep_name"], "link": link}


#: What a cell of the list says of a measure; a cell stays blank where it is not known.
_CELLS = {"quota": "Effective quota", "goal": "Goal", "unidentified_amount": "No source yet", "expected_gap": "Expected gap",
          "goal_probability": "Chance", "forecast": "Landing", "pace": "Pace"}  # fmt: skip


def _find_unknown(reps: Iterable[Mapping]) -> list[str]:
    """The measures that no rep of the list knows: said once instead of in every line."""
    done = [rep for rep in reps if rep["status"] == "done"]
    return [i for i in _CELLS if done and all(_value(rep, i) is None for rep in done)]


def _find_lack(reps: Iterable[Mapping]) -> str:
    """Why nobody's weekly behaviours are known, where it is the same for all: said once instead of in every line."""
    said = {rep["card"].get("behaviours") or "" for rep in reps if rep["status"] == "done"}
    return said.pop() if len(said) == 1 and next(iter(said)).startswith("not known: ") else ""


def _say_unknown(unknown: Sequence[str]) -> str:
    """
    >>> _say_unknown(["goal", "pace"]), _say_unknown([])
    ('Not known for anybody: goal and pace.', '')
    """
    return f"Not known for anybody: {as_list([_CELLS[i].lower() for i in unknown])}." if unknown else ""


def _row(rep: Mapping, ranks: Mapping, managers: Sequence[str], lack: str) -> dict[str, Any]:
    """One line of the index: its links, ranks, marks for the filters, and the lines of its seven cells."""
    plan, card = rep["plan"], {} if rep["kind"] == "leaver" else rep["card"]  # nothing is asked of who has left
    chance = _value(rep, "goal_probability")
    lacking = _lacking_plan(plan) if _plans(rep) else ""
    low = chance is not None and chance < 0.5
    marks = {"no-plan": bool(lacking), "low-chance": low, "no-report": rep["status"] != "done"}
    complete = plan.get("complete_share") if plan["exists"] else None
    cells = (
        ("Plan", [f"{say_number(complete, 'share')} complete" if complete is not None else "",
                  report.say_plan(plan) if _plans(rep) else "No plan needed"]),
        ("Effective quota and goal", [_say(rep, "quota"), _say(rep, "goal")]),
        ("Gap", [_say(rep, "unidentified_amount"), _say_gap(rep)]),
        ("Chance and landing", [_say_own_chance(rep), _say_range(rep["facts"].get("landing") or rep["facts"].get("forecast"))]),
        ("Pace and behaviours", [_say(rep, "pace", unit="share"), (card.get("behaviours") or "").replace(lack, "")]),
        ("Promises and question", [card.get("promises") or "", card.get("question") or ""]),
    )  # fmt: skip
    if rep["status"] != "done":
        cells = (("Plan", [report.clip(rep.get("reason"), 200)]), *((label, []) for label, _ in cells[1:]))
    return _person(rep) | {
        "pdf": f"{quote(rep['folder'])}/{PDF}" if rep.get("pdf") else "",
        "about": [" · ".join(t for t in (rep.get("role"), rep.get("team")) if t), _say_tenure(rep)],
        "mark": _STATUS.get(rep["status"]) or ("" if rep["kind"] == "rep" else KINDS[rep["kind"]]),
        "manager": managers.index(rep.get("manager") or ""),
        "classes": [mark for mark, on in marks.items() if on],
        "ranks": "".join(f"--{key}:{rank[rep['rep_id']]};" for key, rank in ranks.items()),
        "cells": [(label, [line for line in lines if line]) for label, lines in cells],
    }


def _say(rep: Mapping, measure: str, unit: str | None = None) -> str:
    fact = rep["facts"].get(measure) or {}
    if fact.get("value") is None:
        return ""
    return f"{_CELLS[measure]} {say_number(fact['value'], unit or fact['unit'], short=True)}"


def _say_gap(rep: Mapping) -> str:
    """
    >>> _say_gap({"facts": {"expected_gap": {"value": -335000.0}}})
    '335,000 above goal'
    """
    gap = _value(rep, "expected_gap")
    if gap is not None and round(gap) < 0:
        return f"{say_number(-gap, 'money', short=True)} above goal"
    return "" if gap is None else f"Expected gap {say_number(gap, 'money', short=True)}"


def _say_own_chance(rep: Mapping) -> str:
    chance = _value(rep, "goal_probability")
    return "" if chance is None else f"Chance {_say_chance(chance)}"


def _say_chance(share: float) -> str:
    """A chance, which is never certain, rounded as in the reports.

    >>> _say_chance(0.9996), _say_chance(0.0), _say_chance(0.0096)
    ('above 99 %', 'below 1 %', '1 %')
    """
    return "above 99 %" if share >= 0.995 else "below 1 %" if share < 0.005 else say_number(round(share, 2), "share")


def _say_range(fact: Mapping | None) -> str:
    """
    >>> _say_range({"value": 1250000, "low": 1100000, "high": 1400000})
    'Lands at 1.1 million to 1.4 million'
    """
    if not fact or fact["value"] is None:
        return ""
    if fact.get("low") is None or fact.get("high") in (None, fact["low"]):
        return f"Lands at {say_number(fact['value'], 'money', short=True)}"
    return f"Lands at {say_number(fact['low'], 'money', short=True)} to {say_number(fact['high'], 'money', short=True)}"


def _say_tenure(rep: Mapping) -> str:
    """
    >>> _say_tenure({"tenure_days": 800, "facts": {}})
    '2.2 years here'
    >>> _say_tenure({"tenure_days": 20, "facts": {"ramp_share": {"value": 0.4}}})
    '20 days here, 40 % ramped'
    """
    days, ramp = rep.get("tenure_days"), _value(rep, "ramp_share")
    if days is None:
        return ""
    text = f"{days:,} days here" if days < 365 else f"{days / 365.25:.1f} years here"
    return text if ramp is None or ramp >= 1 else f"{text}, {say_number(ramp, 'share')} ramped"


def _say_move(now: float, old: float, currency: str) -> str:
    """
    >>> _say_move(300, 400, "USD")
    '300 USD, 100 less than then.'
    """
    move = now - old
    change = f"{say_number(abs(move), 'money', short=True)} {'more' if move > 0 else 'less'} than then"
    return f"{say_number(now, 'money', short=True)} {currency}, {change if round(move) else 'unchanged'}."


def _say_counts(reps: Sequence[Mapping]) -> str:
    """
    >>> _say_counts([{"status": "done"}, {"status": "failed"}])
    '1 of 2 reports made; 1 report failed.'
    """
    counts = {status: sum(rep["status"] == status for rep in reps) for status in ("done", *_STATUS)}
    others = [f"{counts[status]:,} {text}" for status, text in _STATUS.items() if counts[status]]
    return "; ".join([f"{counts['done']:,} of {len(reps):,} reports made", *others]) + "."


def _say_nobody(nobody: Mapping, currency: str) -> str:
    if not nobody["rows_n"]:
        return ""
    amount = f", {say_number(nobody['amount'], 'money')} {currency}" if nobody.get("amount") else ""
    rows = "1 row that was set aside belongs" if nobody["rows_n"] == 1 else f"{nobody['rows_n']:,} rows that were set aside belong"
    return f"{rows} to nobody{amount}; it is in no total below."


def _say_cascade(together: Mapping, team: Mapping, currency: str) -> str:
    """The reps' quotas against the company's target."""
    target, over, quota = team["target"], team["over_assignment"], together["sums"]["quota"]
    if target is None:
        return "The company's target is not known, so over-assignment is not shown."
    sources = total(together["sums"][step] for step, _ in LADDER[:-1])
    share = say_number(sources / target, "share") if target else ""
    reach = f" What has a source, stretch included, comes to {share} of it." if share else ""
    if over is None or quota is None:
        return f"The company's target is {say_number(target, 'money')} {currency}; no quotas are known.{reach}"
    word = "more than" if over >= 0 else "less than"
    return (f"The reps' quotas are {say_number(abs(over), 'share')} {word} the company's target of "
            f"{say_number(target, 'money')} {currency} (over-assignment).{reach}")  # fmt: skip


def _say_landing(measures: Mapping, currency: str) -> str:
    """Where the team lands, from the team's own figures."""
    forecast, chance = measures.get("landing") or measures.get("forecast") or {}, measures.get("goal_probability") or {}
    if forecast.get("value") is None:
        return f"Not shown, because {forecast.get('withheld') or 'it was not computed for the team'}."
    text = f"{say_number(forecast['value'], 'money', short=True)} {currency}"
    if forecast.get("low") is not None and forecast["low"] == forecast.get("high"):
        text = f"The year ends at {text}: nothing more is expected"
    elif forecast.get("low") is not None and forecast.get("high") is not None:
        low, high = (say_number(forecast[k], "money", short=True) for k in ("low", "high"))
        level = f", {say_number(forecast['level'], 'share')} sure" if forecast.get("level") else ""
        who = "Those who carry a quota land between" if (measures.get("quota") or {}).get("value") else "The team lands between"
        text = f"{who} {low} and {high} {currency}{level}; the middle is {text}"
    if chance.get("value") is not None:
        text += f". The chance of the quotas together is {_say_chance(chance['value'])}"
    return text + "."


def _reach(ladder: Sequence[Mapping], target: float | None) -> float:
    """What a full bar stands for."""
    sums = [total(max(row["sums"][step] or 0.0, 0.0) for step, _ in LADDER) for row in ladder]
    return max([*sums, target or 0.0])


def _share(amount: float | None, whole: float) -> float | None:
    return None if amount is None or not whole else round(100 * max(amount, 0.0) / whole, 2)


def _cell(amount: float | None) -> dict[str, str]:
    """An amount as it is shown and, to the cent, as it is."""
    if amount is None:
        return {"text": "–", "exact": ""}
    return {"text": say_number(amount, "money"), "exact": f"{amount:.2f}"}


def _scale(ladder: list[dict[str, Any]], target: float | None) -> list[dict[str, Any]]:
    """The ladder's rows with what the page draws: bars in hundredths of the longest, and cells."""
    reach = _reach(ladder, target)
    ids = [*(step for step, _ in LADDER), "goal", "quota"]
    return [
        row | {"bars": [(step, _share(row["sums"][step], reach)) for step, _ in LADDER],
               "cells": [(i, _cell(row["sums"][i])) for i in ids]}
        for row in ladder
    ]  # fmt: skip
