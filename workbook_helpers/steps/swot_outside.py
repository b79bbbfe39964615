"""Step 2: what lies outside, opportunities (2.3) and threats (2.4), each as a line with its money and the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Measure, Period, answers, sum_money, total
from workbook_helpers.statistics import FALSE_DISCOVERY, MIN_CASES, BetaPrior, estimate_shrunk_rate, estimate_wilson_interval

#: Deals count that were closed in so many days.
COMPARE_DAYS = 3 * 365
#: Fewer deals that name a rival or a reason are not tested.
TESTED_CASES = 10
#: A label that holds more of the book than this says nothing about a part of it.
WHOLE_SHARE = 0.8
#: Two lines about the same accounts are one: so much of a line's money may stand in earlier lines.
OVERLAP_SHARE = 0.6
#: A customer of this share of the revenue is one that the book depends on.
LARGE_SHARE = 0.2
#: Slipping deals matter from this share of the open amount on.
SLIPPING_SHARE = 0.1
#: How many cases the rate to expect outweighs, where a rival's own rate is priced.
RIVAL_STRENGTH = 20.0

IDLE = Definition(
    "idle_white_space", 2, "White space nobody works on", "money",
    "potential not sold yet of accounts without purchase, activity or new deal for a year", roll_up="sum",
)  # fmt: skip
OPPORTUNITY = Definition(
    "opportunity_amount", 2, "Not sold there yet, a year", "money",
    "potential − sales of the last 365 days, of the accounts that the line names", roll_up="sum",
)  # fmt: skip
THREAT = Definition(
    "threat_amount", 2, "Money under threat", "money",
    "rivals and reasons: lost a year beyond what is to expect; customers: at stake, or the year's revenue; deals: open amount",
    roll_up="sum",
)  # fmt: skip

_LINE = ["evidence", "kind", "cut", "label", "value", "low_value", "high_value", "n", "amount", "names", "ids", "share", "other_share"]


#: The columns of a line's rows that hold names, ids and money.
_ACCOUNTS = ("account_name", "account_id", "white_space_amount")
_CUSTOMERS = ("account_name", "customer_id", "at_stake_amount")
_DEALS = ("opportunity_id", "opportunity_id", "amount")


def _line(evidence: str, kind: str, rows: pd.DataFrame, columns: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """One line; its money and ids are those of its rows, its names those of the first three."""
    name, key, money = columns
    amount = total(rows[money])
    fixed = {"evidence": evidence, "kind": kind, "n": len(rows), "names": tuple(rows[name].head(3)), "ids": tuple(rows[key]), "rows": rows}
    return dict.fromkeys(_LINE, np.nan) | {"cut": "all", "label": "all", "value": amount, "amount": amount} | fixed | more


def _measures(definition: Definition, lines: Sequence[dict[str, Any]], name: str) -> tuple[Measure, ...]:
    return tuple(
        definition.measure(line["amount"], n=int(line["n"]), rows=line["rows"], source="accounts, sales, activities, opportunities",
                           cut={name: line["kind"]} | ({} if line["cut"] == "all" else {line["cut"]: line["label"]}))
        for line in lines
    )  # fmt: skip


def _control(p_values: Sequence[float]) -> np.ndarray:
    """Benjamini-Hochberg q-values; none for none."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(np.asarray(p_values, float)) if len(p_values) else np.zeros(0)


def _members(accounts: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, str, np.ndarray]]:
    """cut, label and which accounts, for labels of five accounts or more that are not nearly the whole book."""
    found = []
    for column in (c for c in dict.fromkeys(columns) if c in accounts):
        stated = accounts[column].notna().to_numpy()
        labels = accounts[column].astype(str).to_numpy()
        for label in sorted(set(labels[stated])):
            inside = stated & (labels == label)
            if MIN_CASES <= inside.sum() <= WHOLE_SHARE * len(accounts):
                found.append((column, label, inside))
    return found


# --- 2.3: opportunities -------------------------------------------------------------------------------------------------


def learn_growth(
    *, accounts: pd.DataFrame | None, account_sales: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """Which segments grow faster than the rest: sales of the last 365 days against the 365 before, for the team's accounts.

    Returns cut, label, accounts_n, reps_n, growth_share (0.2: a fifth more), rest_growth_share (of all other accounts), p_value
    and q_value (over all labels). Accounts are the cases: the error of the logarithm of growth ÷ growth elsewhere is the
    infinitesimal jackknife over accounts (Efron 1981), held against Student's t. Empty where sales do not go back two years.

    >>> from types import SimpleNamespace
    >>> who = pd.DataFrame({"account_id": list("abcdefghij"), "rep_id": list("rstrstrstr"), "industry": ["X"] * 5 + ["Y"] * 5})
    >>> old, new = pd.Timestamp("2024-10-01"), pd.Timestamp("2026-09-01")
    >>> sold = pd.concat([who.assign(sale_date=old, amount=10.0), who.assign(sale_date=new, amount=[20.0] * 5 + [10.0] * 5)])
    >>> learn_growth(accounts=who, account_sales=sold, as_of=date(2026, 9, 30), period=None,
    ...     company=SimpleNamespace(segments=("industry",)))[["label", "growth_share", "rest_growth_share"]].values.tolist()
    [['X', 1.0, 0.0], ['Y', 0.0, 1.0]]
    """
    columns = ["cut", "label", "accounts_n", "reps_n", "growth_share", "rest_growth_share", "p_value", "q_value"]
    if accounts is None or account_sales is None or account_sales.empty or accounts.empty:
        return pd.DataFrame(columns=columns)
    if account_sales["sale_date"].min() > pd.Timestamp(as_of) - pd.Timedelta(days=699):
        return pd.DataFrame(columns=columns)
    year = Period.ending(as_of)
    before = Period.ending(year.start - timedelta(days=1))
    known = accounts.drop_duplicates("account_id").sort_values("account_id", ignore_index=True)
    now_amount, before_amount = (
        known["account_id"].map(sum_money(account_sales["amount"].where(span.holds(account_sales["sale_date"]), 0.0),
                                          account_sales["account_id"])).fillna(0.0).clip(lower=0.0).to_numpy()
        for span in (year, before)
    )  # fmt: skip
    rows = []
    for cut, label, inside in _members(known, [*company.segments, "region", "city"]):
        part = [_grow(now_amount[chosen], before_amount[chosen]) for chosen in (inside, ~inside)]
        if None in part:
            continue
        (own, own_error), (rest, rest_error) = part
        buyers_n = int(((now_amount > 0) | (before_amount > 0))[inside].sum())
        p_value = _t_test(np.log(own / rest), np.hypot(own_error, rest_error), buyers_n - 1)
        rows.append((cut, label, float(buyers_n), float(known.loc[inside, "rep_id"].nunique()), own - 1, rest - 1, p_value))
    table = pd.DataFrame(rows, columns=columns[:-1])
    table["q_value"] = _control(table["p_value"])
    return table.round(dict.fromkeys(columns[4:], 9))


def _grow(now: np.ndarray, before: np.ndarray) -> tuple[float, float] | None:
    """Sales now ÷ before, and the standard error of its logarithm over accounts; None where there is nothing to divide."""
    n = int(((now > 0) | (before > 0)).sum())
    if n < MIN_CASES or now.sum() <= 0 or before.sum() <= 0:
        return None
    influence = now / now.sum() - before / before.sum()
    return float(now.sum() / before.sum()), float(np.sqrt((influence**2).sum() * n / (n - 1)))


def _t_test(found: float, error: float, spare: int) -> float:
    from scipy.stats import t as student

    if error <= 0:
        return 1.0
    return float(2 * student.sf(abs(found) / error, max(spare, 1)))


@answers("2.3", IDLE, accounts=["potential_amount"])
def rank_opportunities(
    *, accounts: pd.DataFrame, activities: pd.DataFrame | None, columns: Sequence[str], as_of: date, growth: pd.DataFrame | None = None
) -> Answer:
    """Where something can be won that is not worked on: by segment and area, most money first.

    accounts: from ``potential.score_potential``. growth: the team's ``learn_growth``. kind: coverage (a label's share of the touches of the
    last 365 days, other_share, is below its share of the potential, share, beyond chance and by a fifth; amount: white space of
    those left alone, else all of it), idle (potential of accounts without purchase, activity or new deal for a year, where that is commoner
    than in the whole book; unsold: the same where no touch is known), growth (sales of the label rose faster in the team, share, than
    elsewhere, other_share; amount: white space of its accounts here). Labels of five accounts or more; a line whose accounts mostly
    stand in an earlier one is left out. Accounts are the cases of the test (infinitesimal jackknife, Benjamini-Hochberg over all labels).
    ids: its accounts, most
    white space first; names: of the first three. notes: tested_n, looked.

    >>> frame = pd.DataFrame({"account_id": list("abcdefg"), "account_name": list("ABCDEFG"), "city": ["X"] * 5 + ["Y"] * 2,
    ...     "potential_amount": 10.0, "white_space_amount": 10.0, "last_date": pd.NaT,
    ...     "last_touch_date": pd.to_datetime([None] * 5 + ["2026-09-01"] * 2)})
    >>> answer = rank_opportunities(accounts=frame, activities=None, columns=["city"], as_of=date(2026, 9, 30))
    >>> answer.table[["evidence", "n", "amount", "names"]].values.tolist(), answer["idle_white_space"].value
    ([['white_space[city=X]', 5, 50.0, ('A', 'B', 'C')]], 50.0)
    """
    year = Period.ending(as_of)
    known = accounts[accounts["potential_amount"].notna()].sort_values(["white_space_amount", "account_id"], ascending=[False, True])
    known = known.reset_index(drop=True)
    idle = ~(year.holds(known["last_date"]) | year.holds(known["last_touch_date"])).to_numpy()
    space = known["white_space_amount"].fillna(0.0).to_numpy(float)
    potential = known["potential_amount"].to_numpy(float)
    labels = _members(known, [*columns, "region", "city"])
    shown = known.reindex(columns=["account_id", "account_name", "white_space_amount", "last_touch_date"])
    left = "idle" if known["last_touch_date"].notna().any() else "unsold"
    lines, looked = [], []
    touches = _count_touches(known, activities, year)
    tested = _test_coverage(potential, touches, labels)
    for (cut, label, inside), (share, touch_share, q_value) in zip(labels, tested, strict=True):
        looked += [f"coverage[{cut}={label}]", f"white_space[{cut}={label}]"]
        alone = inside & idle & (space > 0)
        if q_value <= FALSE_DISCOVERY and touch_share < 0.8 * share:
            rows = shown[alone if alone.any() else inside & (space > 0)]
            more = {"share": share, "other_share": touch_share, "cut": cut, "label": label}
            lines.append(_line(f"coverage[{cut}={label}]", "coverage", rows, _ACCOUNTS, **more))
        elif alone.sum() >= MIN_CASES and _share(space, alone, inside) > _share(space, idle, space > 0):
            rows = shown[alone]
            more = {"share": len(rows) / inside.sum(), "cut": cut, "label": label}
            lines.append(_line(f"white_space[{cut}={label}]", left, rows, _ACCOUNTS, **more))
    lines += _rising(growth, labels, shown, space, looked)
    lines = _without_overlap([line for line in lines if line["amount"] > 0])
    rows = shown[idle & (space > 0)]
    if not lines and len(rows):
        lines = [_line("white_space", left, rows, _ACCOUNTS, share=len(rows) / len(known))]
    measure = IDLE.measure(total(space[idle]), n=int(idle.sum()), source="accounts, sales, activities", rows=rows)
    table = pd.DataFrame(lines, columns=_LINE)
    tested_n = len(labels) * (touches is not None) + (0 if growth is None else len(growth))
    notes = {"tested_n": tested_n, "looked": tuple(looked)}
    return Answer("2.3", table, (measure, *_measures(OPPORTUNITY, lines, "opportunity")), notes)


def _share(space: np.ndarray, part: np.ndarray, whole: np.ndarray) -> float:
    return float(space[part].sum() / max(space[whole].sum(), 1e-9))


def _count_touches(accounts: pd.DataFrame, activities: pd.DataFrame | None, year: Period) -> np.ndarray | None:
    if activities is None or "account_id" not in activities:
        return None
    inside = activities.loc[year.holds(activities["activity_date"]), "account_id"]
    n = accounts["account_id"].map(inside.value_counts()).fillna(0.0).to_numpy(float)
    return n if n.sum() >= 3 * TESTED_CASES else None


def _test_coverage(
    potential: np.ndarray, touches: np.ndarray | None, labels: Sequence[tuple[str, str, np.ndarray]]
) -> list[tuple[float, float, float]]:
    """Per label: share of the potential, share of the touches, q-value of their difference."""
    if touches is None or potential.sum() <= 0 or not labels:
        return [(np.nan, np.nan, 1.0)] * len(labels)
    found, p_values = [], []
    for _, _, inside in labels:
        share, touch_share = potential[inside].sum() / potential.sum(), touches[inside].sum() / touches.sum()
        found.append((float(share), float(touch_share)))
        if share <= 0 or touch_share <= 0:
            p_values.append(1.0)
            continue
        influence = (inside / touch_share - 1) * touches / touches.sum() - (inside / share - 1) * potential / potential.sum()
        influence /= 1 - inside * (potential / potential[inside].sum()).clip(max=0.9)  # one large account must not look sure of itself
        p_values.append(_t_test(np.log(touch_share / share), float(np.sqrt((influence**2).sum())), int(inside.sum()) - 1))
    return [(*shares, float(q)) for shares, q in zip(found, _control(p_values), strict=True)]


def _rising(
    growth: pd.DataFrame | None, labels: Sequence[tuple[str, str, np.ndarray]], shown: pd.DataFrame, space: np.ndarray, looked: list[str]
) -> list[dict[str, Any]]:
    """Lines for the labels that grew beyond chance and stand in this book."""
    if growth is None or growth.empty:
        return []
    here, lines = {(cut, label): inside for cut, label, inside in labels}, []
    for row in growth.itertuples():
        name, inside = f"growth[{row.cut}={row.label}]", here.get((row.cut, str(row.label)))
        looked.append(name)
        if inside is None or row.q_value > FALSE_DISCOVERY or row.growth_share <= max(row.rest_growth_share, 0.0):
            continue
        rows = shown[inside & (space > 0)]
        more = {"share": row.growth_share, "other_share": row.rest_growth_share, "value": row.growth_share}
        lines.append(_line(name, "growth", rows, _ACCOUNTS, cut=row.cut, label=row.label, **more))
    return lines


def _without_overlap(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines by money, without those of a kind whose accounts stand mostly in earlier lines of that kind."""
    kept: list[dict[str, Any]] = []
    for line in sorted(lines, key=lambda line: (-line["amount"], line["evidence"])):
        alike = [other for other in kept if (other["kind"] == "growth") == (line["kind"] == "growth")]
        seen = set().union(*(set(other["rows"]["account_id"]) for other in alike))
        again = total(line["rows"].loc[line["rows"]["account_id"].isin(list(seen)), "white_space_amount"])
        if again <= OVERLAP_SHARE * line["amount"]:
            kept.append(line)
    return kept


# --- 2.4: threats -------------------------------------------------------------------------------------------------------


def _closed(opportunities: pd.DataFrame, as_of: date) -> pd.DataFrame:
    done = opportunities["status"].isin(["won", "lost"]) & Period.ending(as_of, COMPARE_DAYS).holds(opportunities["close_date"])
    return opportunities[done].sort_values("opportunity_id", ignore_index=True)


def learn_rivals(*, opportunities: pd.DataFrame | None, as_of: date, **_: object) -> pd.DataFrame:
    """How often the team's closed deals of three years name each rival, and its lost deals each reason.

    Returns cut (competitor or loss_reason), label, named_n, base_n (the closed deals, or only the lost ones where lost_only: the field is
    filled far less often on won deals), lost_only, reps_n (who name it) and strength: how many cases the team's share is worth as
    knowledge about one rep, from the median of the reps' squared residuals, so that a few reps' rival does not hide
    itself (beta-binomial; with few reps the spread counts for more).

    >>> deals = pd.DataFrame({"opportunity_id": list("abcd"), "rep_id": list("rrss"), "status": ["won", "lost"] * 2,
    ...     "close_date": pd.Timestamp("2026-05-05"), "competitor": [None, "Z", None, "Z"]})
    >>> learn_rivals(opportunities=deals, as_of=date(2026, 9, 30))[["cut", "label", "named_n", "base_n", "lost_only"]].values.tolist()
    [['competitor', 'Z', 2.0, 2.0, True]]
    """
    columns = ["cut", "label", "named_n", "base_n", "lost_only", "reps_n", "strength"]
    if opportunities is None:
        return pd.DataFrame(columns=columns)
    deals, rows = _closed(opportunities, as_of), []
    for cut in ("competitor", "loss_reason"):
        if cut not in deals or deals[cut].notna().sum() == 0:
            continue
        filled = deals.groupby("status")[cut].agg(["count", "size"])
        shares = (filled["count"] / filled["size"]).reindex(["won", "lost"]).fillna(0.0)
        lost_only = bool(cut == "loss_reason" or shares["won"] < 0.5 * shares["lost"])
        base = deals[deals["status"] == "lost"] if lost_only else deals
        n = base.groupby("rep_id").size()
        named = base.groupby([cut, "rep_id"]).size()
        for label in sorted(base[cut].dropna().unique(), key=str):
            hits = named[label].reindex(n.index).fillna(0.0)
            strength = _robust_strength(hits.to_numpy(float), n.to_numpy(float))
            rows.append((cut, str(label), float(hits.sum()), float(n.sum()), lost_only, float((hits > 0).sum()), strength))
    return pd.DataFrame(rows, columns=columns)


def _robust_strength(hits: np.ndarray, cases: np.ndarray) -> float:
    """How many cases a team's rate is worth, from the middle of the members."""
    hits, cases = hits[cases >= TESTED_CASES], cases[cases >= TESTED_CASES]
    if len(cases) < 3:
        return 20.0
    usual = float(np.clip(np.median((hits + 0.5) / (cases + 1)), 0.01, 0.99))
    squares = (hits - cases * usual) ** 2 / (cases * usual * (1 - usual))
    spread = float(np.median(squares)) / 0.4549 * (1 + 6 / len(cases))
    alike = max((spread - 1) / (float(np.median(cases)) - 1), 1e-3)
    return float(np.clip(1 / alike - 1, 2.0, 1000.0))


def _test_named(own: pd.DataFrame, rivals: pd.DataFrame, as_of: date, in_team: bool) -> tuple[pd.DataFrame, int]:
    """Every rival and reason of this book tested: met more often than by the team, and won less often than against others.

    Returns cut, label, lost_only, hits_n (deals that name it) of base_n, usual_share (of the team without this rep), won_n, others_share
    (won where others are named, else without it), amount (a year), often_q and harder_q (1: not tested); and the tests made.
    """
    from scipy.stats import betabinom

    deals, years, rows = _closed(own, as_of), COMPARE_DAYS / 365, []
    won = deals["status"].eq("won").to_numpy()
    for row in rivals.itertuples():
        stated = deals[row.cut].notna().to_numpy()
        named = (deals[row.cut].astype(str) == row.label).to_numpy() & (~won if row.lost_only else stated)
        n, hits = int((~won).sum() if row.lost_only else len(deals)), int(named.sum())
        rest_n, rest_hits = row.base_n - in_team * n, row.named_n - in_team * hits
        if n < TESTED_CASES or hits < MIN_CASES or rest_n < TESTED_CASES:
            continue
        others = stated & ~named if (stated & ~named).sum() >= TESTED_CASES else ~named
        against = int((named & won).sum()), int((others & won).sum()), int(others.sum()), float(deals.loc[named, "amount"].mean())
        rows.append((row.cut, row.label, bool(row.lost_only), hits, n, (rest_hits + 0.5) / (rest_n + 1), row.strength, rest_n, *against))
    names = ["cut", "label", "lost_only", "hits_n", "base_n", "usual_share", "strength", "rest_n", "won_n", "others_won_n", "others_n",
             "mean_amount"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    if table.empty:
        return table, 0
    usual, worth = table["usual_share"], 1 / (1 / (table["strength"] + 1) + 1 / (table["rest_n"] + 1)) - 1
    often = betabinom.sf(table["hits_n"] - 1, table["base_n"], usual * worth, (1 - usual) * worth)
    both = (~table["lost_only"] & (table["others_n"] >= TESTED_CASES)).to_numpy()
    lost_n = table["others_n"] - table["others_won_n"]
    harder = betabinom.cdf(table["won_n"], table["hits_n"], table["others_won_n"] + 0.5, lost_n + 0.5)
    q_values = _control([*often, *harder[both]])
    table["often_q"], table["harder_q"] = q_values[: len(table)], 1.0
    table.loc[both, "harder_q"] = q_values[len(table) :]
    table["others_share"] = (table["others_won_n"] + 0.5) / (table["others_n"] + 1)
    sure = estimate_shrunk_rate(table["won_n"], table["hits_n"], BetaPrior(table["others_share"], RIVAL_STRENGTH))
    extra = np.where(table["lost_only"], table["hits_n"] - usual * table["base_n"], (table["others_share"] - sure) * table["hits_n"])
    table["amount"] = (extra.clip(min=0.0) * table["mean_amount"] / years).round(2)
    return table, len(q_values)


def _name_rivals(
    tests: pd.DataFrame, opportunities: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str], as_of: date
) -> list[dict[str, Any]]:
    lines = []
    for test in tests.itertuples():
        often, harder = test.often_q <= FALSE_DISCOVERY, test.harder_q <= FALSE_DISCOVERY
        worse = test.lost_only or test.won_n < test.others_share * test.hits_n
        if not (harder or (often and worse)) or test.amount != test.amount:
            continue
        deals = _closed(opportunities, as_of)
        named = deals[(deals[test.cut].astype(str) == test.label) & (~deals["status"].eq("won") if test.lost_only else True)]
        named = named.sort_values(["amount", "opportunity_id"], ascending=[False, True])
        rows = named.reindex(columns=["opportunity_id", "account_id", "status", "close_date", "amount"]).reset_index(drop=True)
        rate = (test.hits_n, test.base_n) if test.lost_only else (test.won_n, test.hits_n)
        low, high = estimate_wilson_interval(*rate)
        more = {"cut": test.cut, "label": test.label, "value": rate[0] / rate[1], "low_value": low, "high_value": high,
                "share": test.hits_n / test.base_n, "other_share": test.usual_share, "where": _find_place(named, accounts, columns),
                "won_share": test.won_n / test.hits_n, "others_share": test.others_share, "lost_only": test.lost_only}  # fmt: skip
        kind = "rival" if test.cut == "competitor" else "loss reason"
        lines.append(_line(f"{test.cut}[{test.label}]", kind, rows, _DEALS, amount=test.amount, **more))
    return lines


def _find_place(named: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str]) -> str:
    """The area or segment in which at least half of these deals stand; empty where none does."""
    if accounts is None or "account_id" not in named:
        return ""
    known = accounts.drop_duplicates("account_id").set_index("account_id")
    for column in ("region", "city", *columns):
        if column in known:
            labels = named["account_id"].map(known[column]).dropna().astype(str).value_counts(sort=False).sort_index(kind="stable")
            if len(labels) and labels.max() >= 0.5 * len(named):
                return str(labels.idxmax())
    return ""


@answers("2.4")
def rank_threats(
    *,
    opportunities: pd.DataFrame | None,
    accounts: pd.DataFrame | None,
    columns: Sequence[str],
    as_of: date,
    rivals: pd.DataFrame | None,
    retention: Answer,
    concentration: Answer,
    pipeline: Answer,
    in_team: bool = True,
) -> Answer:
    """What endangers success here, most money first: rivals and loss reasons beyond chance, customers leaving, dependence, slipping deals.

    rivals: the team's ``learn_rivals``; retention, concentration: of step 1; pipeline: ``summarise_pipeline``; each may be withheld. A
    rival stands where this book meets it more often than the team without this rep and wins less often against it than against
    others, or where it wins less often beyond chance (beta-binomial, Benjamini-Hochberg over all rivals and reasons looked at); one that is
    noted on lost deals only is told by how often it is met. kind: rival, loss reason, silent, falling, dependence, slipping. ids: its
    customers or deals, most money first; names: of the first three. notes: tested_n, looked, lost_only.

    >>> nothing = Answer("x", withheld="no")
    >>> rank_threats(opportunities=None, accounts=None, columns=[], as_of=date(2026, 9, 30), rivals=None, retention=nothing,
    ...     concentration=nothing, pipeline=nothing).withheld
    'no deal, falling customer or large customer is known'
    """
    if opportunities is None and retention.withheld and concentration.withheld:
        return Answer("2.4", withheld="no deal, falling customer or large customer is known")
    lines, tested_n, looked = [], 0, []
    if opportunities is not None and rivals is not None and len(rivals):
        tests, tested_n = _test_named(opportunities, rivals, as_of, in_team)
        looked = [f"{cut}[{label}]" for cut, label in zip(tests["cut"], tests["label"], strict=True)]
        lines += _name_rivals(tests, opportunities, accounts, columns, as_of)
    if retention.withheld is None:
        for sign in ("silent", "falling"):
            rows = retention.table[retention.table["sign"] == sign].reset_index(drop=True)
            looked.append(f"at_stake_amount[sign={sign}]")
            if len(rows):
                stakes = tuple(zip(rows["customer_id"], rows["account_name"], rows["at_stake_amount"], strict=True))
                more = {"cut": "sign", "label": sign, "stakes": stakes}
                lines.append(_line(looked[-1], sign, rows, _CUSTOMERS, **more))
    if concentration.withheld is None:
        rows = concentration.table[concentration.table["share"] >= LARGE_SHARE].head(1).reset_index(drop=True)
        looked.append("top_account_share")
        if len(rows):
            share = float(rows["share"].iloc[0])
            columns_of = ("account_name", "customer_id", "amount")
            lines.append(_line("top_account_share", "dependence", rows, columns_of, value=share, share=share))
    if pipeline.withheld is None and len(pipeline.table):
        table = pipeline.table
        rows = table[(table["overdue"] == 1) | (table["pushed"] == 1)].sort_values(["amount", "opportunity_id"], ascending=[False, True])
        share = total(rows["amount"]) / (total(table["amount"]) or 1.0)
        looked.append("slipping_amount")
        if share >= SLIPPING_SHARE:
            rows = rows[["opportunity_id", "account_id", "stage", "amount", "close_date"]].reset_index(drop=True)
            lines.append(_line("slipping_amount", "slipping", rows, _DEALS, share=share))
    lines = sorted(lines, key=lambda line: (-line["amount"], line["evidence"]))
    table = pd.DataFrame(lines, columns=[*_LINE, "where", "won_share", "others_share", "lost_only", "stakes"])
    return Answer("2.4", table, _measures(THREAT, lines, "threat"), {"tested_n": tested_n, "looked": tuple(looked)})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "segment_growth": (learn_growth, ("accounts", "account_sales")),
    "named_rivals": (learn_rivals, ("opportunities",)),
}
