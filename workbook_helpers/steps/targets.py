"""Step 3, targets: what sets the best customers apart, which prospects look like them, and whether that foretold anything (3.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers
from workbook_helpers.statistics import MIN_CASES, BetaPrior, estimate_shrunk_rate, estimate_wilson_interval

#: The best customers are this share of the customers, by revenue.
BEST_SHARE = 0.2
#: How many accounts of an average trait a trait's own share among the best must outweigh.
TRAIT_STRENGTH = 20.0
#: So many accounts must have begun to buy within a year before a ranking is said to have foretold them.
MIN_BEGAN = 20
#: A trait is left out where the share of accounts of which it is known differs by more than this between buyers and others.
FILLED_APART = 0.1
#: How strongly the model of who buys is held back: the usual size of a trait's log-odds.
TRAIT_SD = 0.5

TOP_TENTH = Definition(
    "target_hits", 3, "New customers found in the top tenth", "share",
    "accounts ranked a year ago with what was known then: those of the top tenth that bought since ÷ all that bought since",
)  # fmt: skip


def _find_traits(accounts: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of text by which accounts are alike: the company's own, and the size band."""
    wanted = dict.fromkeys([*columns, "employees_band"])
    return accounts[[c for c in wanted if c in accounts and accounts[c].notna().any()]].astype(object)


def _drop_told_by_buying(traits: pd.DataFrame, bought: np.ndarray) -> pd.DataFrame:
    """Without columns that buying itself fills: known of the buyers, and seldom of the others, or the other way round."""
    if bought.sum() < MIN_CASES or (~bought).sum() < MIN_CASES:
        return traits
    filled = traits.notna().to_numpy()
    apart = np.abs(filled[bought].mean(axis=0) - filled[~bought].mean(axis=0))
    return traits.loc[:, apart <= FILLED_APART]


# --- What the team teaches --------------------------------------------------------------------------------------------


def learn_best_traits(*, scored_accounts: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """Traits that set the team's best customers (the top fifth by revenue) and its buyers apart from all its accounts.

    scored_accounts: from ``score_potential``. Traits: the columns ``company.segments`` and ``company.peers``, and
    employees_band. Returns cut, label, best_n, accounts_n, reps_n, lift with low_lift and high_lift (95 %): share of best
    among the accounts with the trait, shrunk by its number of accounts, ÷ share of best among all; and log_odds: of
    having bought at all beside the other accounts, all traits together. It says who they are, not why.
    Methods: ideal customer profile by lift, a beta-binomial; logistic regression held back by a normal prior.

    >>> from types import SimpleNamespace
    >>> who = pd.DataFrame({"account_id": list("abcdefghij"), "rep_id": "r", "industry": ["X"] * 5 + ["Y"] * 5,
    ...     "revenue_amount": [9.0, 1.0, 1.0, 1.0, 1.0] + [0.0] * 5, "status": ["customer"] * 5 + ["prospect"] * 5})
    >>> traits = learn_best_traits(scored_accounts=who, as_of=date(2026, 9, 30), period=None,
    ...     company=SimpleNamespace(segments=["industry"], peers=[]))
    >>> traits[["label", "best_n", "accounts_n", "lift"]].round(2).values.tolist()
    [['X', 1.0, 5.0, 1.2], ['Y', 0.0, 5.0, 0.8]]
    """
    if scored_accounts is None or scored_accounts.empty:
        return _summarise_traits(pd.DataFrame(), pd.Series(dtype=float), pd.Series(dtype=bool), [])
    bought = scored_accounts["status"] != "prospect"
    return _summarise_traits(scored_accounts, scored_accounts["revenue_amount"], bought, [*company.segments, *company.peers])


def _summarise_traits(accounts: pd.DataFrame, spent: pd.Series, bought: pd.Series, columns: Sequence[str]) -> pd.DataFrame:
    names = ["cut", "label", "best_n", "accounts_n", "reps_n", "lift", "low_lift", "high_lift", "log_odds"]
    if (spent > 0).sum() < MIN_CASES:
        return pd.DataFrame(columns=names)
    best = (spent > 0) & (spent >= spent[spent > 0].quantile(1 - BEST_SHARE))
    base, parts = float(best.mean()), []
    traits = _drop_told_by_buying(_find_traits(accounts, columns), bought.to_numpy(bool))
    prior = BetaPrior(base, TRAIT_STRENGTH)
    for cut in traits:
        by = pd.DataFrame({"label": traits[cut], "best": best, "rep_id": accounts["rep_id"]}).groupby("label")
        part = by.agg(best_n=("best", "sum"), accounts_n=("best", "size"), reps_n=("rep_id", "nunique")).astype(float)
        part["lift"] = estimate_shrunk_rate(part["best_n"], part["accounts_n"], prior) / base
        part["low_lift"], part["high_lift"] = estimate_lift_interval(part["best_n"], part["accounts_n"], base)
        parts.append(part.reset_index().assign(cut=cut).sort_values(["lift", "label"], ascending=[False, True]))
    if not parts:
        return pd.DataFrame(columns=names)
    table = pd.concat(parts, ignore_index=True)
    return table.assign(log_odds=_weigh(traits, bought.to_numpy(bool), table))[names]


def estimate_lift_interval(best_n: pd.Series | int, accounts_n: pd.Series | int, base: float) -> tuple[Any, Any]:
    """95 % limits of the lift of a trait: best_n of its accounts_n are among the best, ``base`` (0-1) of all accounts are.

    Method: quantiles of the beta distribution that remains of the prior of TRAIT_STRENGTH accounts at the base share.

    >>> [round(float(limit), 2) for limit in estimate_lift_interval(0, 0, 0.5)]
    [0.58, 1.42]
    """
    from scipy.special import betaincinv

    a, b = best_n + base * TRAIT_STRENGTH, accounts_n - best_n + (1 - base) * TRAIT_STRENGTH
    low, high = (np.round(betaincinv(a, b, chance) / base, 10) for chance in (0.025, 0.975))
    return low, high


def _weigh(traits: pd.DataFrame, bought: np.ndarray, table: pd.DataFrame) -> list[float]:
    """Log-odds of having bought by trait, in the order of the table; 0 where all or none have."""
    if bought.all() or not bought.any():
        return [0.0] * len(table)
    from sklearn.linear_model import LogisticRegression

    cells = traits.groupby([traits[c].fillna("") for c in traits], sort=True)
    where = cells.ngroup().to_numpy()
    n, hits = np.bincount(where), np.bincount(where, weights=bought)
    first = traits.iloc[np.unique(where, return_index=True)[1]]
    flags = np.column_stack([(first[cut] == label).to_numpy(float) for cut, label in zip(table["cut"], table["label"], strict=True)])
    flags -= flags.T @ n / n.sum()
    model = LogisticRegression(C=TRAIT_SD**2, tol=1e-9, max_iter=1000)
    weights = np.concatenate([hits, n - hits])
    model.fit(np.vstack([flags, flags]), np.repeat([1, 0], len(n)), sample_weight=weights)
    return model.coef_[0].round(8).tolist()


def learn_target_check(*, scored_accounts: pd.DataFrame | None, as_of: date, period: Period, company: Any) -> pd.DataFrame:
    """Whether the ranking would have found those that began to buy: prospects of a year ago, ranked with what was known then.

    Known then: purchases up to a year ago, and accounts created by then (traits as exported). One row per way (lift:
    like the best customers; odds: like those that bought): way, prospects_n, began_n (bought first within the last
    year), top_n (the tenth that ranked highest, ties shared out), found_n (of those that began, in the top tenth),
    reps_n, chosen (1 for the way with most found; lift where they are level or where fewer than 20 began).
    """
    columns = ["way", "prospects_n", "began_n", "top_n", "found_n", "reps_n", "chosen"]
    if scored_accounts is None or scored_accounts.empty or "first_date" not in scored_accounts:
        return pd.DataFrame(columns=columns)
    start = pd.Timestamp(period.start)
    accounts = scored_accounts.sort_values("account_id", ignore_index=True)
    if "created_date" in accounts:
        accounts = accounts[~(accounts["created_date"] >= start)].reset_index(drop=True)
    before = accounts["first_date"] < start
    best = _summarise_traits(accounts, accounts["earlier_amount"], before, [*company.segments, *company.peers])
    prospects = accounts[~before].reset_index(drop=True)
    began = prospects["first_date"].notna().to_numpy()
    if best.empty or len(prospects) < 10:
        return pd.DataFrame(columns=columns)
    rows, top = [], len(prospects) // 10
    for way in ("lift", "odds"):
        score, _ = _score(prospects, best, [*company.segments, *company.peers], way)
        rows.append((way, len(prospects), began.sum(), top, _count_top(score.to_numpy(), began, top), prospects["rep_id"].nunique(), 0.0))
    table = pd.DataFrame(rows, columns=columns).astype({c: float for c in columns[1:]})
    best_way = 1 if began.sum() >= MIN_BEGAN and table["found_n"].iloc[1] > table["found_n"].iloc[0] else 0
    return table.assign(chosen=(table.index == best_way).astype(float))


def _count_top(score: np.ndarray, began: np.ndarray, top: int) -> float:
    """How many of those that began stand in the top; accounts that share the last place share what is left of it."""
    last = np.sort(score)[-top]
    above, level = score > last, score == last
    share = (top - above.sum()) / level.sum()
    return round(float(began[above].sum() + share * began[level].sum()), 6)


# --- One book ---------------------------------------------------------------------------------------------------------


def _score(accounts: pd.DataFrame, best_traits: pd.DataFrame, columns: Sequence[str], way: str) -> tuple[pd.Series, pd.DataFrame]:
    """How much each account looks like the best (1: as the average account), and the factor of each of its traits."""
    traits = _find_traits(accounts, columns)
    factors = best_traits["lift"] if way == "lift" else np.exp(best_traits["log_odds"])
    known = dict(zip(zip(best_traits["cut"], best_traits["label"], strict=True), factors.astype(float), strict=True))
    each = pd.DataFrame({c: [known.get((c, label), np.nan) for label in traits[c]] for c in traits}, index=accounts.index)
    logs = np.log(each)
    score = np.exp(logs.mean(axis=1) if way == "lift" else logs.sum(axis=1)) if len(each.columns) else pd.Series(1.0, index=accounts.index)
    return score.fillna(1.0).round(9), each


@answers("3.6", TOP_TENTH, accounts=["account_id"])
def rank_targets(
    *, accounts: pd.DataFrame, best_traits: pd.DataFrame | None, columns: Sequence[str], together: bool = True,
    check: pd.DataFrame | None = None,
) -> Answer:  # fmt: skip
    """Which prospects to open: those most like the best customers, and with most to spend, first.

    accounts: from ``score_potential``. best_traits: the team's ``learn_best_traits``; without one the rep's own
    accounts teach it. check: the team's ``learn_target_check``. Prospects with an open deal are being opened already
    and are left out. together: branches stand with their ultimate parent. Returns account_id, account_name, accounts_n
    (prospects of that parent), score (1 is an average account: geometric mean of the lifts of its traits, or the odds
    of buying where these foretold more), why (its strongest traits), sister (a customer of the same parent, or None),
    potential_amount, potential_low_amount, potential_high_amount, worth_amount (score × potential, the order),
    last_touch_date. notes: profile (the traits that chance does not explain: label, lift, low_lift, high_lift, best_n,
    accounts_n; strongest first), in_work_n, check (began_n, found_n, prospects_n and beats_chance, or None).

    >>> who = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"], "status": "prospect",
    ...     "industry": ["X", "Y"], "open_n": 0.0, "potential_low_amount": 5.0, "potential_high_amount": 10.0,
    ...     "potential_amount": 10.0, "last_touch_date": pd.NaT})
    >>> best = pd.DataFrame({"cut": "industry", "label": ["X", "Y"], "best_n": [9.0, 0.0], "accounts_n": 20.0,
    ...     "lift": [2.0, 0.5], "low_lift": [1.2, 0.2], "high_lift": [3.0, 0.9], "log_odds": 0.0})
    >>> rank_targets(accounts=who, best_traits=best, columns=["industry"]).table[["account_name", "score", "why",
    ...     "worth_amount"]].values.tolist()
    [['A', 2.0, 'X, 2.0 times as common among the best customers', 20.0], ['B', 0.5, '', 5.0]]
    """
    if best_traits is None or best_traits.empty:
        own = accounts if "rep_id" in accounts else accounts.assign(rep_id="")
        best_traits = _summarise_traits(own, accounts["revenue_amount"], accounts["status"] != "prospect", columns)
    found = read_check(check)
    measure = TOP_TENTH.withhold(f"fewer than {MIN_BEGAN} accounts of the company began to buy in the last 365 days")
    if found is not None:
        measure = TOP_TENTH.measure(
            found["share"], low=found["low"], high=found["high"], level=0.95, n=found["began_n"], source="accounts, sales"
        )
    prospects = accounts[(accounts["status"] == "prospect")].sort_values("account_id", ignore_index=True)
    if prospects.empty:
        return Answer("3.6", measures=(measure,), withheld="the book holds no prospect (an account that never bought)")
    way = "odds" if found is not None and found["way"] == "odds" else "lift"
    prospects["score"], each = _score(prospects, best_traits, columns, way)
    if not each.notna().any(axis=None):
        why = f"no trait of the prospects is known among at least {MIN_CASES} customers"
        return Answer("3.6", measures=(measure,), withheld=why)
    traits = _find_traits(prospects, columns)
    pairs = zip(traits.itertuples(index=False, name=None), each.itertuples(index=False, name=None), strict=True)
    prospects["why"] = [_say_traits(*pair, way) for pair in pairs]
    key = "ultimate_parent_id" if together and "ultimate_parent_id" in accounts else "account_id"
    buying = accounts[accounts["status"] == "customer"].sort_values("account_id").drop_duplicates(key)
    prospects["sister"] = prospects[key].map(buying.set_index(key)["account_name"].to_dict()).astype(object)
    prospects["worth_amount"] = (prospects["score"] * prospects["potential_amount"]).round(2)
    free = prospects[prospects["open_n"] == 0]
    free = free.sort_values(["worth_amount", "score", "account_id"], ascending=[False, False, True])
    by = free.groupby(key, sort=False)
    table = by.head(1).assign(accounts_n=by["account_id"].size().to_numpy())
    shown = ["account_id", "account_name", "accounts_n", "score", "why", "sister", "potential_amount", "potential_low_amount",
             "potential_high_amount", "worth_amount", "last_touch_date"]  # fmt: skip
    notes = {"profile": find_profile(best_traits), "in_work_n": len(prospects) - len(free), "check": found}
    if table.empty:
        return Answer("3.6", measures=(measure,), notes=notes, withheld="every prospect of the book has an open deal already")
    return Answer("3.6", table[shown].reset_index(drop=True), (measure,), notes)


def find_profile(best_traits: pd.DataFrame) -> list[dict[str, Any]]:
    """Traits of ``learn_best_traits`` whose lift chance does not explain, strongest first, at most five: one dict each."""
    strong = best_traits[(best_traits["low_lift"] > 1) & (best_traits["best_n"] >= MIN_CASES)]
    strong = strong.sort_values(["lift", "cut", "label"], ascending=[False, True, True])
    return strong[["cut", "label", "lift", "low_lift", "high_lift", "best_n", "accounts_n"]].head(5).to_dict("records")


def read_check(check: pd.DataFrame | None) -> dict[str, Any] | None:
    """What ``learn_target_check`` has shown of the way chosen; None where too few began to buy.

    way, began_n, found_n, prospects_n, share (found ÷ began) with low and high (95 % Wilson), and beats_chance: even the low
    limit, at 97.5 % because the better of two ways is looked at, lies above the share of prospects that the top holds.
    """
    if check is None or check.empty or not (check["began_n"] >= MIN_BEGAN).all():
        return None
    row = check[check["chosen"] == 1].iloc[0]
    n, top_share = int(row["began_n"]), row["top_n"] / row["prospects_n"]
    low, high = estimate_wilson_interval(min(round(row["found_n"]), n), n, level=0.95)
    surely = estimate_wilson_interval(int(row["found_n"]), n, level=0.975).low  # the better of two ways: each gets half the doubt
    return {
        "way": row["way"], "began_n": n, "found_n": float(row["found_n"]), "prospects_n": int(row["prospects_n"]),
        "share": float(row["found_n"] / n), "low": low, "high": high, "beats_chance": bool(surely > top_share),
    }  # fmt: skip


def _say_traits(labels: Sequence[str], factors: Sequence[float], way: str) -> str:
    known = [(label, f) for label, f in zip(labels, factors, strict=True) if not math.isnan(f) and f > 1.1]
    strong = sorted(known, key=lambda pair: -pair[1])[:2]
    if not strong:
        return ""
    names, times = " and ".join(str(label) for label, _ in strong), " and ".join(f"{f:.1f}" for _, f in strong)
    said = "times as common among the best customers" if way == "lift" else "times the odds of buying"
    return f"{names}, {times} {said}"


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "best_traits": (learn_best_traits, ("scored_accounts",)),
    "target_check": (learn_target_check, ("scored_accounts",)),
}
