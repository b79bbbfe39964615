"""Step 1, why deals are won: the traits that go with winning, and a model of it that must beat the stage's own rate (1.4).

Renewals are left out: whether a contract goes on is another question (1.9). Nothing is read that a deal's end has written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, answers
from workbook_helpers.renewals import find_renewals
from workbook_helpers.statistics import FALSE_DISCOVERY, estimate_wilson_interval

#: Columns of a deal that tell something before it is decided, besides the segments of its account.
DEAL_TRAITS = ("kind", "product", "lead_source", "competitor")
#: A label stands alone with so many deals of so many reps; the others of its column are taken together.
LABEL_DEALS, LABEL_REPS, MOST_LABELS = 30, 3, 8
#: Fewer decided deals than this teach no effect, and fewer rows no model.
LEAST_DEALS = 150
#: So many deals the rate of a stage is worth for the rate of one kind at it, and the rate of all for the rate of a stage.
BASE_STRENGTH = 20.0
#: Later deals are forecast in so many steps, each from what was known before it.
STEPS = 4
ANY = ""

SKILL = Definition(
    "win_model_skill", 1, "Error of the stage's rate that the win model takes away", "share",
    "1 − Brier score of the model ÷ Brier score of the stage's rate, on later deals; Brier score: mean of (chance − won)²",
)  # fmt: skip
RELIABILITY = Definition(
    "win_model_reliability", 1, "Won", "share",
    "later deals in five groups of equal size by the model's chance: won ÷ deals; band: binomial 95 %",
)  # fmt: skip
EFFECT = Definition(
    "win_trait_effect", 1, "Win rate, all else equal", "share",
    "average marginal effect: mean chance with the trait; beside it the mean chance of the other deals",
)  # fmt: skip


# --- The rows -----------------------------------------------------------------------------------------------------------


def describe_deals(*, opportunities: pd.DataFrame, accounts: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """Every deal once, renewals left out, by id: opportunity_id, rep_id, status, created_date, close_date and its traits.

    columns: the company's segments, read from the deal where it has them, else from its account. A deal that several reps are
    credited with counts for the one with the largest part.

    >>> deals = pd.DataFrame({"opportunity_id": ["a", "a"], "rep_id": ["s", "r"], "credit_share": [0.4, 0.6], "status": "won",
    ...     "kind": "new", "account_id": "k", "created_date": pd.Timestamp("2026-05-01"), "close_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": ["k"], "region": ["N"]})
    >>> describe_deals(opportunities=deals, accounts=who, columns=["region"])[["rep_id", "kind", "region"]].values.tolist()
    [['r', 'new', 'N']]
    """
    deals = opportunities[opportunities["created_date"].notna()]
    deals = deals.assign(part=-deals["credit_share"] if "credit_share" in deals else -1.0)
    deals = deals.sort_values(["opportunity_id", "part", "rep_id"]).drop_duplicates("opportunity_id")
    deals = deals[~find_renewals(deals)].reset_index(drop=True)
    known = None
    if accounts is not None and "account_id" in deals:
        known = accounts.drop_duplicates("account_id").set_index("account_id").reindex(deals["account_id"]).set_axis(deals.index)
    kept = deals[["opportunity_id", "rep_id", "status", "created_date", "close_date"]].copy()
    for column in dict.fromkeys([*DEAL_TRAITS, *columns]):
        source = deals if column in deals and deals[column].notna().any() else known
        if source is not None and column in source and source[column].notna().any():
            kept[column] = source[column].astype(object)
    return kept


def list_traits(deals: pd.DataFrame) -> list[str]:
    """The columns of ``describe_deals`` that are traits."""
    return [c for c in deals if c not in ("opportunity_id", "rep_id", "status", "created_date", "close_date")]


def find_refused(deals: pd.DataFrame) -> dict[str, str]:
    """Traits that the end of a deal seems to have written, and why: filled on won, lost and open deals to shares that chance does not
    explain, over all deals or those of one kind. A competitor must be seen on open deals to be believed.

    >>> deals = pd.DataFrame({"status": ["won"] * 40 + ["lost"] * 40 + ["open"] * 40, "kind": "new"})
    >>> find_refused(deals.assign(competitor=[None] * 40 + ["Z"] * 40 + [None] * 40))
    {'competitor': 'noted on 0 % of won, 100 % of lost and 0 % of open deals'}
    >>> find_refused(deals.assign(competitor="Z"))
    {}
    """
    refused = {}
    groups = [deals, *(group for _, group in deals.groupby("kind"))] if "kind" in deals else [deals]
    for column in list_traits(deals):
        for group in groups:
            counts = group[column].notna().groupby(group["status"]).agg(["mean", "size"]).reindex(["won", "lost", "open"])
            if column == "competitor" and group is deals and not counts.at["open", "size"] >= 20:
                refused[column] = "too few open deals show whether it is noted before the end"
                break
            if any(_differ(counts.loc[a], counts.loc[b]) for a, b in (("won", "lost"), ("won", "open"), ("lost", "open"))):
                won, lost, open_ = (f"{100 * share:.0f} %" for share in counts["mean"].fillna(0.0))
                refused[column] = f"noted on {won} of won, {lost} of lost and {open_} of open deals"
                break
    return refused


def _differ(one: pd.Series, other: pd.Series) -> bool:
    if not min(one["size"], other["size"]) >= 20:
        return False
    both = (one["mean"] * one["size"] + other["mean"] * other["size"]) / (one["size"] + other["size"])
    error = math.sqrt(max(both * (1 - both), 1e-9) * (1 / one["size"] + 1 / other["size"]))
    gap = abs(one["mean"] - other["mean"])
    return gap > 0.1 and gap > 3 * error


def usual_days(deals: pd.DataFrame) -> float:
    """Within how many days of their creation nine in ten decided deals were decided."""
    done = deals[deals["status"].isin(["won", "lost"])]
    return float((done["close_date"] - done["created_date"]).dt.days.quantile(0.9)) if len(done) else 0.0


def list_snapshots(
    deals: pd.DataFrame, stage_history: pd.DataFrame | None, *, stages: Sequence[str], as_of: date, horizon_days: float
) -> pd.DataFrame:
    """One row per deal and quarter end at which it was open, as it stood then: the deal's columns, snapshot_date, age_days, stage and
    amount (missing without stage_history), won (by the end of the horizon), known_date (when that is decided).

    >>> day = pd.Timestamp("2026-03-31")
    >>> deals = pd.DataFrame({"opportunity_id": ["a", "b"], "rep_id": "r", "status": ["won", "lost"],
    ...     "created_date": pd.to_datetime(["2026-03-01", "2026-01-01"]), "close_date": pd.to_datetime(["2026-05-01", "2026-03-01"])})
    >>> rows = list_snapshots(deals, None, stages=(), as_of=date(2026, 6, 30), horizon_days=90)
    >>> rows[["opportunity_id", "snapshot_date", "age_days", "won"]].astype(str).values.tolist()
    [['a', '2026-03-31', '30.0', 'True']]
    """
    done = deals["status"].isin(["won", "lost"])
    ends = pd.date_range(deals.loc[done, "close_date"].min(), pd.Timestamp(as_of), freq="QE") if done.any() else pd.DatetimeIndex([])
    days = ends.to_numpy("datetime64[ns]")
    created = deals["created_date"].to_numpy("datetime64[ns]")[:, None]
    closed = deals["close_date"].where(done, pd.Timestamp.max.floor("D")).to_numpy("datetime64[ns]")[:, None]
    deal, day = np.nonzero((created <= days) & (closed > days))
    rows = deals.iloc[deal].reset_index(drop=True)
    rows["snapshot_date"] = days[day]
    rows["age_days"] = (rows["snapshot_date"] - rows["created_date"]).dt.days.astype(float)
    rows["known_date"] = rows["snapshot_date"] + pd.Timedelta(days=horizon_days)
    rows["won"] = rows["status"].eq("won") & (rows["close_date"] <= rows["known_date"])
    return _add_state(rows, stage_history, stages)


def _add_state(rows: pd.DataFrame, stage_history: pd.DataFrame | None, stages: Sequence[str]) -> pd.DataFrame:
    """Adds stage and amount as they stood on snapshot_date."""
    if stage_history is None or stage_history.empty:
        return rows.assign(stage=None, amount=np.nan)
    place = {stage: n for n, stage in enumerate(stages)}
    entries = stage_history.reindex(columns=["opportunity_id", "entered_date", "stage", "amount"])
    entries = entries[entries["entered_date"].notna() & entries["opportunity_id"].isin(set(rows["opportunity_id"]))]
    entries = entries.assign(place=entries["stage"].map(place), amount=entries["amount"].astype(float))
    entries = entries.sort_values(["entered_date", "place", "stage", "amount", "opportunity_id"])
    entries["amount"] = entries.groupby("opportunity_id")["amount"].ffill()
    entries["snapshot_date"] = entries["entered_date"].astype("datetime64[ns]")
    entries["opportunity_id"] = entries["opportunity_id"].astype(object)
    order = rows.astype({"opportunity_id": object, "snapshot_date": "datetime64[ns]"}).reset_index(names="row")
    found = pd.merge_asof(
        order.sort_values(["snapshot_date", "row"])[["row", "opportunity_id", "snapshot_date"]],
        entries[["opportunity_id", "snapshot_date", "stage", "amount"]], on="snapshot_date", by="opportunity_id",
    ).sort_values("row")  # fmt: skip
    return rows.assign(stage=found["stage"].astype(object).to_numpy(), amount=found["amount"].to_numpy(float))


def _keep_labels(rows: pd.DataFrame, traits: Sequence[str]) -> dict[str, list[str]]:
    """Per trait the labels that stand alone, the commonest first; a missing value is the label ''."""
    kept, deals, reps = {}, pd.factorize(rows["opportunity_id"])[0], pd.factorize(rows["rep_id"])[0]
    for trait in traits:
        codes, labels = pd.factorize(_labels(rows, trait), sort=True)
        deals_n, reps_n = (_count_pairs(codes, of, len(labels)) for of in (deals, reps))
        order = np.lexsort((np.arange(len(labels)), -deals_n))
        enough = [n for n in order if deals_n[n] >= LABEL_DEALS and reps_n[n] >= LABEL_REPS][:MOST_LABELS]
        if enough and len(labels) > 1:
            kept[trait] = [labels[n] for n in enough]
    return kept


def _labels(rows: pd.DataFrame, trait: str) -> np.ndarray:
    values = rows[trait].to_numpy(object)
    return np.where(pd.isna(values), ANY, values)


def _count_pairs(codes: np.ndarray, others: np.ndarray, size: int) -> np.ndarray:
    """How many different others go with each code."""
    pairs = np.unique(codes * (others.max(initial=0) + 1) + others)
    return np.bincount(pairs // (others.max(initial=0) + 1), minlength=size)


# --- What goes with winning -----------------------------------------------------------------------------------------------

_TRAIT_COLUMNS = ["trait", "label", "rate_share", "low_share", "high_share", "others_share", "effect_share", "low_effect_share",
                  "high_effect_share", "deals_n", "reps_n", "q_value"]  # fmt: skip


def estimate_trait_effects(deals: pd.DataFrame, traits: Sequence[str]) -> pd.DataFrame:
    """How much more or less often deals with a trait are won than the others, all other traits equal.

    deals: opportunity_id, rep_id, won (bool), the traits, and where known created_date (its quarter is held equal too) and amount (from
    before the end). One row per label that
    stands alone, and one for twice the amount: trait, label, rate_share (mean chance if every deal had it) with its limits, others_share
    (mean chance of the other deals), effect_share (the difference, in shares of deals) with its limits, deals_n, reps_n, q_value
    (Benjamini-Hochberg over the rows). Empty under 150 deals, five reps, or 30 won or lost.
    Sources: Firth's penalised likelihood (Heinze & Schemper 2002), which stays finite where a label is always won; average
    marginal effects; intervals from a jackknife over reps, one Newton step for each rep left out (MacKinnon, Nielsen & Webb 2023), with
    Student's t for reps - 1, or for one more than the reps that carry the label, if fewer: what three reps' books say is less sure than
    it looks, and the proof measures how much.
    """
    from scipy.stats import false_discovery_control, t as student

    deals = deals.sort_values("opportunity_id", ignore_index=True)
    won, reps = deals["won"].to_numpy(float), pd.factorize(deals["rep_id"])[0]
    labels = _keep_labels(deals, traits)
    reps_n = reps.max(initial=-1) + 1
    if len(deals) < LEAST_DEALS or reps_n < 5 or min(won.sum(), (1 - won).sum()) < LABEL_DEALS:
        return pd.DataFrame(columns=_TRAIT_COLUMNS)
    quarter = {}
    if "created_date" in deals:
        deals = deals.assign(_quarter=deals["created_date"].dt.to_period("Q").astype(str))
        sizes = deals["_quarter"].value_counts()
        quarter = {"_quarter": sorted(sizes.index[sizes >= LABEL_DEALS])}
    design, places = _lay_out(deals, labels | quarter)
    beta, left_out = _fit_firth(design, won, reps)
    betas = np.vstack([beta, left_out])
    score = design @ betas.T
    rows = []
    for trait, kept in labels.items():
        codes, columns = places[trait]
        own = np.zeros((len(kept) + 1, len(betas)))
        own[columns >= 0] = betas[:, columns[columns >= 0]].T
        rest = score - own[codes]
        means = np.array([_chance(rest + effect).mean(axis=0) for effect in own])
        weight = np.bincount(codes, minlength=len(own)).astype(float)
        for n, label in enumerate(kept):
            if label != ANY:
                others = weight.copy()
                others[n] = 0.0
                mine = codes == n
                carried = min(_count_even(reps[mine]), _count_even(reps[~mine]))
                rows.append((trait, label, means[n], others @ means / others.sum(), int(mine.sum()), len(set(reps[mine])), carried))
    if "amount" in places:
        double = score + math.log(2) * betas[:, places["amount"][1][0]]
        rows.append(("amount", "twice as much", _chance(double).mean(axis=0), _chance(score).mean(axis=0), len(deals), reps_n, reps_n))
    if not rows:
        return pd.DataFrame(columns=_TRAIT_COLUMNS)
    effects = np.array([row[2] - row[3] for row in rows])
    error = np.sqrt((reps_n - 1) / reps_n * ((effects[:, 1:] - effects[:, :1]) ** 2).sum(axis=1))
    freedom = np.minimum(reps_n - 1, np.array([row[6] for row in rows]) + 1)
    reach, effect = error * student.ppf(0.975, freedom), effects[:, 0]
    p = 2 * student.sf(np.abs(effect) / np.maximum(error, 1e-12), freedom)
    table = pd.DataFrame({"trait": [row[0] for row in rows], "label": [str(row[1]) for row in rows]})
    table["rate_share"], table["others_share"] = [row[2][0] for row in rows], [row[3][0] for row in rows]
    table["effect_share"] = effect
    table["low_effect_share"], table["high_effect_share"] = effect - reach, effect + reach
    table["low_share"] = (table["others_share"] + table["low_effect_share"]).clip(0.0, 1.0)
    table["high_share"] = (table["others_share"] + table["high_effect_share"]).clip(0.0, 1.0)
    table["deals_n"], table["reps_n"] = [float(row[4]) for row in rows], [float(row[5]) for row in rows]
    table["q_value"] = false_discovery_control(p)
    numbers = table.select_dtypes("number").columns
    return table.assign(**{c: table[c].round(9) for c in numbers})[_TRAIT_COLUMNS]


def _count_even(reps: np.ndarray) -> float:
    """How many reps with equally many deals each would carry as much (the inverse of the sum of squared shares)."""
    counts = np.bincount(reps) if len(reps) else np.ones(1)
    return float(counts.sum() ** 2 / (counts.astype(float) ** 2).sum())


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(log_odds, -35.0, 35.0)))


def _lay_out(deals: pd.DataFrame, labels: Mapping[str, Sequence[str]]) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """The design matrix, a column of ones first; per trait each deal's label (the last: all others) and the column of each label.

    The commonest label of a trait has no column: the others are measured from it.
    """
    parts, places, width = [np.ones((len(deals), 1))], {}, 1
    for trait, kept in labels.items():
        codes = pd.Index(kept, dtype=object).get_indexer(_labels(deals, trait))
        codes = np.where(codes < 0, len(kept), codes)
        columns = np.full(len(kept) + 1, -1)
        used = [n for n in range(1, len(kept) + 1) if (codes == n).any()]
        columns[used] = width + np.arange(len(used))
        parts.append((codes[:, None] == np.array(used, int)).astype(float))
        places[trait], width = (codes, columns), width + len(used)
    if "amount" in deals and deals["amount"].gt(0).mean() > 0.9 and deals["amount"].nunique() > 1:
        log = np.log(deals["amount"].where(deals["amount"] > 0))
        parts.append((log - log.mean()).fillna(0.0).to_numpy()[:, None])
        places["amount"] = (np.zeros(0, int), np.array([width]))
    return np.hstack(parts), places


def _fit_firth(design: np.ndarray, won: np.ndarray, reps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients by Firth's penalised likelihood, and those with each rep left out, one Newton step away."""
    beta = np.zeros(design.shape[1])
    tiny = 1e-9 * np.eye(len(beta))
    for _ in range(50):
        chance = _chance(design @ beta)
        weighted = design * (chance * (1 - chance))[:, None]
        information = design.T @ weighted + tiny
        leverage = np.einsum("ij,ji->i", weighted, np.linalg.solve(information, design.T))
        residual = won - chance + leverage * (0.5 - chance)
        step = np.linalg.solve(information, design.T @ residual)
        beta = beta + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    left_out = []
    for rep in range(reps.max() + 1):
        own = reps == rep
        rest = information - design[own].T @ weighted[own] + 1e-6 * np.eye(len(beta))
        left_out.append(beta - np.linalg.solve(rest, design[own].T @ residual[own]))
    return beta, np.array(left_out)


def learn_win_traits(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, stage_history: pd.DataFrame | None, as_of: date,
    period: Any, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """``estimate_trait_effects`` over the team's decided deals that were created long enough ago for nine in ten to be decided.

    A trait that the end of a deal seems to have written is left out (``find_refused``); the amount is the first of the history.
    """
    if opportunities is None or opportunities.empty:
        return pd.DataFrame(columns=_TRAIT_COLUMNS)
    deals = describe_deals(opportunities=opportunities, accounts=accounts, columns=company.segments)
    refused = find_refused(deals)
    old = deals["created_date"] <= pd.Timestamp(as_of) - pd.Timedelta(days=usual_days(deals))
    decided = deals[old & deals["status"].isin(["won", "lost"])]
    decided = decided.assign(won=decided["status"].eq("won"))
    if stage_history is not None and "amount" in stage_history:
        first = stage_history[stage_history["amount"].notna()].sort_values(["opportunity_id", "entered_date", "amount"])
        first = first.drop_duplicates("opportunity_id").set_index("opportunity_id")["amount"].astype(float)
        decided["amount"] = first.reindex(decided["opportunity_id"]).to_numpy()
    return estimate_trait_effects(decided, [t for t in list_traits(deals) if t not in refused])


# --- The model, and whether it may be used -----------------------------------------------------------------------------------

#: part: check, refused, fifth, base, weight or centre; cut and label name the row; value, low, high, n are its numbers.
_MODEL_COLUMNS = ["part", "cut", "label", "value", "low", "high", "n"]


def fit_model(rows: pd.DataFrame, traits: Sequence[str]) -> pd.DataFrame:
    """The chance to be won within the horizon: part (base, weight, centre), cut, label, value.

    rows: ``list_snapshots``. Base: the rate won by kind and stage, shrunk to the stage's and that to all. The model is a
    logistic regression with a ridge penalty (scikit-learn, C = 0.1) on the base's log-odds, the age, the amount where it is known, and the
    labels that stand alone.
    """
    from sklearn.linear_model import LogisticRegression

    base = _learn_base(rows)
    labels = _keep_labels(rows, traits)
    numbers = {"base": _log_odds(_read_base(rows, base)), "age": np.log1p(rows["age_days"].to_numpy(float))}
    amount = np.log(rows["amount"].where(rows["amount"] > 0).to_numpy(float))
    if np.isfinite(amount).mean() > 0.9:
        numbers["amount"] = np.where(np.isfinite(amount), amount, np.nanmean(amount))
    centre = {name: float(values.mean()) for name, values in numbers.items()}
    spread = {name: float(values.std()) or 1.0 for name, values in numbers.items()}
    names = [(name, ANY) for name in numbers] + [(trait, label) for trait, kept in labels.items() for label in kept]
    columns = [(values - centre[name]) / spread[name] for name, values in numbers.items()]
    for trait, kept in labels.items():
        codes = pd.Index(kept, dtype=object).get_indexer(_labels(rows, trait))
        columns += [(codes == n).astype(float) for n in range(len(kept))]
    fitted = LogisticRegression(C=0.1, solver="newton-cholesky", max_iter=200).fit(np.column_stack(columns), rows["won"].to_numpy(bool))
    weights = [w / spread.get(name, 1.0) for (name, _), w in zip(names, fitted.coef_[0], strict=True)]
    start = float(fitted.intercept_[0]) - sum(w * centre[name] for (name, _), w in zip(names, weights, strict=True) if name in centre)
    lines = [("base", kind, stage, rate) for (kind, stage), rate in base.items()]
    lines += [("weight", "start", ANY, start), *(("weight", *name, float(w)) for name, w in zip(names, weights, strict=True))]
    lines += [("centre", name, ANY, value) for name, value in centre.items()]
    model = pd.DataFrame(lines, columns=["part", "cut", "label", "value"])
    return model.assign(value=model["value"].round(9))


def _log_odds(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0.001, 0.999)
    return np.log(share / (1 - share))


def _learn_base(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(kind, stage) -> rate won; '' stands for any. A kind that fewer than three reps have gets no rate of its own."""
    won, reps = rows["won"].to_numpy(float), rows["rep_id"].to_numpy(object)
    stages, kinds = _labels(rows, "stage"), _kinds(rows)
    base = {(ANY, ANY): float(won.mean())}
    for stage in sorted(set(stages)):
        there = stages == stage
        base[ANY, stage] = _shrink(won[there], base[ANY, ANY]) if stage != ANY else base[ANY, ANY]
        for kind in sorted(set(kinds[there]) - {ANY}):
            of_kind = there & (kinds == kind)
            if len(set(reps[of_kind])) >= LABEL_REPS:
                base[kind, stage] = _shrink(won[of_kind], base[ANY, stage])
    return base


def _shrink(won: np.ndarray, prior: float) -> float:
    return float((won.sum() + BASE_STRENGTH * prior) / (len(won) + BASE_STRENGTH))


def _kinds(rows: pd.DataFrame) -> np.ndarray:
    return _labels(rows, "kind") if "kind" in rows else np.full(len(rows), ANY, dtype=object)


def _read_base(rows: pd.DataFrame, base: Mapping[tuple[str, str], float]) -> np.ndarray:
    pairs = zip(_kinds(rows), _labels(rows, "stage"), strict=True)
    return np.array([base.get((k, s), base.get((ANY, s), base[ANY, ANY])) for k, s in pairs], float)


def predict(rows: pd.DataFrame, model: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The model's chance and the base rate of each row: arithmetic on the stored numbers alone.

    >>> rows = pd.DataFrame({"stage": ["Close"], "age_days": [0.0], "amount": [1.0], "source": ["Web"]})
    >>> model = pd.DataFrame([("base", "", "", 0.5), ("weight", "start", "", 0.0), ("weight", "source", "Web", math.log(3))],
    ...     columns=["part", "cut", "label", "value"])
    >>> [float(p[0].round(6)) for p in predict(rows, model)]
    [0.75, 0.5]
    """
    parts: dict[str, dict[tuple[str, str], float]] = {"centre": {}}
    for part, cut, label, value in zip(*(model[c] for c in ("part", "cut", "label", "value")), strict=True):
        parts.setdefault(part, {})[cut, label] = value
    base = _read_base(rows, parts["base"])
    amount = np.log(rows["amount"].where(rows["amount"] > 0).to_numpy(float))
    amount = np.where(np.isfinite(amount), amount, parts["centre"].get(("amount", ANY), 0.0))
    given = {"start": np.ones(len(rows)), "base": _log_odds(base), "age": np.log1p(rows["age_days"].to_numpy(float)), "amount": amount}
    score = np.zeros(len(rows))
    has = {cut: _labels(rows, cut) for cut in {cut for cut, _ in parts["weight"]} if cut not in given and cut in rows}
    for (cut, label), weight in parts["weight"].items():
        if cut in given:
            score += weight * given[cut]
        elif cut in has:
            score += weight * (has[cut] == label)
    return _chance(score), base


def check_model(rows: pd.DataFrame, traits: Sequence[str]) -> pd.DataFrame:
    """Forecasts the later half of the quarter ends, each step from what was decided before it: rows with chance and base.

    rows: ``list_snapshots`` whose horizon has passed. Empty where nothing earlier is there to learn from.
    """
    columns = ["opportunity_id", "rep_id", "snapshot_date", "known_date", "won", "stage", "amount", "age_days"]
    rows = rows[list(dict.fromkeys([*columns, *(c for c in ("kind",) if c in rows), *traits]))]
    days, tested = np.sort(rows["snapshot_date"].unique()), []
    for step in np.array_split(days[len(days) // 3 :], STEPS):
        if not len(step):
            continue
        known = rows[rows["known_date"] <= step[0]]
        if len(known) < LEAST_DEALS or min(known["won"].sum(), (~known["won"]).sum()) < LABEL_DEALS:
            continue
        later = rows[rows["snapshot_date"].isin(step)]
        chance, base = predict(later, fit_model(known, traits))
        tested.append(later[["opportunity_id", "rep_id", "won"]].assign(chance=chance, base=base))
    return pd.concat(tested, ignore_index=True) if tested else pd.DataFrame(columns=["opportunity_id", "rep_id", "won", "chance", "base"])


def estimate_gain(tested: pd.DataFrame) -> tuple[float, float, float]:
    """The mean gain in Brier score over the base rate, with 95 % limits; reps are the clusters.

    >>> rows = pd.DataFrame({"rep_id": list("abcdef"), "won": True, "chance": 0.9, "base": 0.5})
    >>> [round(x, 2) for x in estimate_gain(rows)]
    [0.24, 0.24, 0.24]
    """
    from scipy.stats import t as student

    won = tested["won"].to_numpy(float)
    better = (tested["base"].to_numpy(float) - won) ** 2 - (tested["chance"].to_numpy(float) - won) ** 2
    gain, codes = better.mean(), pd.factorize(tested["rep_id"], sort=True)[0]
    reps_n = codes.max() + 1
    by_rep = np.bincount(codes, weights=better - gain)
    reach = student.ppf(0.975, reps_n - 1) * math.sqrt((by_rep**2).sum() * reps_n / (reps_n - 1)) / len(won)
    return float(gain), float(gain - reach), float(gain + reach)


def may_be_used(tested: pd.DataFrame) -> bool:
    """Whether the model beats the base rate by more than chance, and also one rate for all: where the win rate moves about, a model that
    beats the stage may still be far off."""
    won, chance = tested["won"].to_numpy(float), tested["chance"].to_numpy(float)
    return bool(estimate_gain(tested)[1] > 0 and ((chance - won) ** 2).mean() < won.mean() * (1 - won.mean()))


def _sum_up(tested: pd.DataFrame) -> list[tuple[str, str, str, float, float, float, float]]:
    """The lines of parts check and fifth."""
    won, chance, base = (tested[c].to_numpy(float) for c in ("won", "chance", "base"))
    gain, low, high = estimate_gain(tested)
    n = float(len(tested))
    errors = {"brier": ((chance - won) ** 2).mean(), "base_brier": ((base - won) ** 2).mean()}
    errors["one_rate_brier"] = won.mean() * (1 - won.mean())
    lines = [("check", ANY, name, float(value), math.nan, math.nan, n) for name, value in errors.items()]
    lines += [("check", ANY, "gain", gain, low, high, n), ("check", ANY, "used", float(may_be_used(tested)), math.nan, math.nan, n)]
    order = np.lexsort((tested["opportunity_id"].to_numpy(str), chance.round(12)))
    for k, group in enumerate(np.array_split(order, 5)):
        hits = int(won[group].sum())
        limits = estimate_wilson_interval(hits, len(group))
        lines.append(("fifth", f"{chance[group].mean():.6f}", str(k + 1), hits / len(group), *limits, float(len(group))))
    return lines


def learn_win_model(
    *, opportunities: pd.DataFrame | None, accounts: pd.DataFrame | None, stage_history: pd.DataFrame | None, as_of: date,
    period: Any, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """The win model of a team, and its test: part, cut, label, value, low, high, n.

    check: horizon_days, deals (tested), reps, brier, base_brier, one_rate_brier (of the share that was won in the end, said of every deal),
    gain (with 95 % limits), used (1 where ``may_be_used``). refused: a column and why it is not read. fifth: the tested rows by chance
    (cut: mean chance), value the share won, with its binomial band. base, weight, centre: ``fit_model``, from every row decided by the
    as-of date.
    """
    empty = pd.DataFrame(columns=_MODEL_COLUMNS)
    if opportunities is None or opportunities.empty:
        return empty
    deals = describe_deals(opportunities=opportunities, accounts=accounts, columns=company.segments)
    refused = find_refused(deals)
    traits = [trait for trait in list_traits(deals) if trait not in refused]
    horizon_days = usual_days(deals)
    rows = list_snapshots(deals, stage_history, stages=company.stages, as_of=as_of, horizon_days=horizon_days)
    rows = rows[rows["known_date"] <= pd.Timestamp(as_of)].reset_index(drop=True)
    tested = check_model(rows, traits) if len(rows) else rows
    if len(tested) < LEAST_DEALS or tested["rep_id"].nunique() < 5:
        return empty
    if stage_history is None:
        refused |= {"stage": "what it was before the end is not known without stage_history"}
    if rows["amount"].notna().mean() <= 0.9:
        refused |= {"amount": "what it was before the end is not known without amounts in stage_history"}
    facts = {"horizon_days": horizon_days, "deals": tested["opportunity_id"].nunique(), "reps": tested["rep_id"].nunique()}
    lines = [("check", ANY, name, float(value), math.nan, math.nan, float(len(tested))) for name, value in facts.items()]
    lines += _sum_up(tested) + [("refused", c, why, math.nan, math.nan, math.nan, math.nan) for c, why in refused.items()]
    model = pd.DataFrame(lines, columns=_MODEL_COLUMNS)
    model = model.assign(**{c: model[c].round(9) for c in ("value", "low", "high")})
    return pd.concat([model, fit_model(rows, traits).reindex(columns=_MODEL_COLUMNS)], ignore_index=True)


# --- What a rep sees ------------------------------------------------------------------------------------------------------------


def _read_check(win_model: pd.DataFrame | None) -> dict[str, Any]:
    if win_model is None or win_model.empty:
        return {}
    lines = win_model[win_model["part"] == "check"].set_index("label")["value"]
    return lines.to_dict()


_NO_TEAM = "it takes five reps of this role with at least 150 decided deals, renewals apart, to learn what goes with winning"


@answers("1.4", opportunities=["created_date"])
def summarise_win_traits(
    *, opportunities: pd.DataFrame, win_traits: pd.DataFrame | None = None, win_model: pd.DataFrame | None = None
) -> Answer:
    """Which traits go with winning in this team beyond chance, and whether the win model may be used.

    win_traits, win_model: the team's ``learn_win_traits`` and ``learn_win_model``. One row out per trait whose q-value is at most .05,
    strongest first, with own_n (this rep's deals that have it; missing for a trait of the account). notes: tested_n (traits looked
    at), used (None where the model could not be tested), moved (better than the stage, but off the mark), deals_n and horizon_days of its
    test, refused (column -> why it is not read).

    >>> deals = pd.DataFrame({"opportunity_id": ["a"], "created_date": pd.Timestamp("2026-05-05"), "lead_source": "Referral"})
    >>> traits = pd.DataFrame([["lead_source", "Referral", .5, .45, .55, .3, .2, .15, .25, 90.0, 6.0, .001]], columns=_TRAIT_COLUMNS)
    >>> answer = summarise_win_traits(opportunities=deals, win_traits=traits)
    >>> answer.table[["label", "effect_share", "own_n"]].values.tolist(), answer.notes["used"]
    ([['Referral', 0.2, 1.0]], None)
    """
    if win_traits is None or win_traits.empty:
        return Answer("1.4", withheld=_NO_TEAM)
    found = win_traits[win_traits["q_value"] <= FALSE_DISCOVERY]
    found = found.assign(size=-found["effect_share"].abs()).sort_values(["size", "trait", "label"], ignore_index=True)
    own = [float((opportunities[r.trait] == r.label).sum()) if r.trait in opportunities else np.nan for r in found.itertuples()]
    own = [n if trait != "amount" else np.nan for n, trait in zip(own, found["trait"], strict=True)]
    check = _read_check(win_model)
    notes = {"tested_n": len(win_traits), "used": None, "refused": {}}
    measures = [
        EFFECT.measure(row.rate_share, low=row.low_share, high=row.high_share, level=0.95, n=int(row.deals_n), cut={row.trait: row.label},
                       formula=f"{EFFECT.formula}: {100 * row.others_share:.0f} %. Firth regression, reps as clusters; false discovery "
                       f"rate over {len(win_traits)} traits: {row.q_value:.3f}")
        for row in found.head(3).itertuples()
    ]  # fmt: skip
    if check:
        lines = win_model.set_index(["part", "label"])
        gain = lines.loc[("check", "gain")]
        worse = check["base_brier"]
        used = bool(check["used"])
        notes |= {"used": used, "moved": bool(gain["low"] > 0 and not used), "deals_n": int(check["deals"])}
        notes["horizon_days"] = check["horizon_days"]
        refused = win_model[win_model["part"] == "refused"]
        notes["refused"] = dict(zip(refused["cut"], refused["label"], strict=True))
        skill = SKILL.measure(
            gain["value"] / worse, low=gain["low"] / worse, high=gain["high"] / worse, level=0.95, n=int(gain["n"]),
            formula=f"1 − {check['brier']:.4f} ÷ {worse:.4f}: Brier scores, mean of (chance − won)², of the model and of the stage's "
            f"rate, for winning within {check['horizon_days']:.0f} days of a quarter end; reps as clusters. Used only where the lower "
            f"limit is above 0 and the model's score below {check['one_rate_brier']:.4f}, that of one rate for all",
        )  # fmt: skip
        fifths = win_model[win_model["part"] == "fifth"]
        measures += [skill] + [
            RELIABILITY.measure(row.value, low=row.low, high=row.high, level=0.95, n=int(row.n),
                                cut={"predicted": f"{100 * float(row.cut):.0f} %"})
            for row in fifths.itertuples()
        ]  # fmt: skip
    return Answer("1.4", found.drop(columns="size").assign(own_n=own), tuple(measures), notes)


def estimate_win_chances(
    *, opportunities: pd.DataFrame, accounts: pd.DataFrame | None, stage_history: pd.DataFrame | None, win_model: pd.DataFrame, as_of: date,
    stages: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """The chance of every open deal, renewals apart, to be won within the model's horizon: opportunity_id, stage (of the history),
    probability, base_probability (the rate of its kind and stage). win_model: ``learn_win_model``. Empty where there is no model.

    >>> deals = pd.DataFrame({"opportunity_id": ["a"], "rep_id": "r", "status": "open", "created_date": pd.Timestamp("2026-09-30"),
    ...     "close_date": pd.NaT, "lead_source": "Web"})
    >>> model = pd.DataFrame([("base", "", "", 0.5), ("weight", "start", "", 0.0), ("weight", "lead_source", "Web", -math.log(3))],
    ...     columns=["part", "cut", "label", "value"])
    >>> estimate_win_chances(opportunities=deals, accounts=None, stage_history=None, win_model=model,
    ...     as_of=date(2026, 9, 30)).round(6).values.tolist()
    [['a', None, 0.25, 0.5]]
    """
    columns = ["opportunity_id", "stage", "probability", "base_probability"]
    if win_model.empty or not (win_model["part"] == "base").any():
        return pd.DataFrame(columns=columns)
    needed = [c for c in win_model.loc[win_model["part"] == "weight", "cut"].unique() if c not in ("start", "base", "age", "amount")]
    deals = describe_deals(opportunities=opportunities[opportunities["status"] == "open"], accounts=accounts, columns=needed)
    day = pd.Timestamp(as_of)
    rows = deals.assign(snapshot_date=day, age_days=(day - deals["created_date"]).dt.days.astype(float))
    rows = _add_state(rows, stage_history, stages)
    chance, base = predict(rows, win_model)
    return rows[["opportunity_id", "stage"]].assign(probability=chance, base_probability=base)


@answers("1.4", opportunities=["created_date"])
def rank_apart(
    *,
    opportunities: pd.DataFrame,
    accounts: pd.DataFrame | None,
    stage_history: pd.DataFrame | None,
    win_model: pd.DataFrame | None,
    as_of: date,
    stages: Sequence[str] = (),
) -> Answer:
    """The open deals whose traits put them furthest above or below the rate of their stage, furthest first; only where the model is used.

    Returns opportunity_id, account_name, stage, amount, probability, base_probability, apart_share. notes: horizon_days.
    """
    check = _read_check(win_model)
    if not check.get("used"):
        return Answer("1.4", withheld="the win model is not used" if check else _NO_TEAM)
    chances = estimate_win_chances(
        opportunities=opportunities, accounts=accounts, stage_history=stage_history, win_model=win_model, as_of=as_of, stages=stages
    )
    if chances.empty:
        return Answer("1.4", withheld="no deal is open")
    known = opportunities.drop_duplicates("opportunity_id").set_index("opportunity_id").reindex(chances["opportunity_id"])
    table = chances.assign(amount=known["amount"].to_numpy(), account_id=known["account_id"].to_numpy())
    names = {} if accounts is None else dict(zip(accounts["account_id"], accounts["account_name"], strict=True))
    table["account_name"] = table["account_id"].map(names).astype(object)
    table["apart_share"] = (table["probability"] - table["base_probability"]).round(9)
    table = table.assign(size=-table["apart_share"].abs()).sort_values(["size", "opportunity_id"], ignore_index=True)
    return Answer("1.4", table.drop(columns="size"), notes={"horizon_days": check["horizon_days"], "open_n": len(table)})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "win_traits": (learn_win_traits, ("opportunities", "accounts", "stage_history")),
    "win_model": (learn_win_model, ("opportunities", "accounts", "stage_history")),
}
