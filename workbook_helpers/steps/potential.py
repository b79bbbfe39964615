"""Step 3, potential: what each account could spend, three ways; what goes with spend; how far we are in (3.2, 3.4).

``score_potential`` takes the accounts of ``customers.score_accounts`` and adds what each could spend a year: bottom-up
(what comparable customers spend), by regression (what its traits go with) and top-down (its part of the market table).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import FALSE_DISCOVERY, MIN_CASES, estimate_wilson_interval

#: Size bands by number of employees, as statistical offices cut them.
SIZE_BANDS = {"1-9 employees": 0, "10-49 employees": 10, "50-249 employees": 50, "250 and more employees": 250}
#: The ways to a potential, in the order in which one stands in for another.
WAYS = ("bottom_up", "regression", "top_down")
#: A regression of spend is fitted to so many customers at least, with one coefficient for every so many of them, and so many labels
#: of a column at most.
MIN_CUSTOMERS, CUSTOMERS_PER_COEFFICIENT, LABELS = 30, 10, 6
#: So many customers must have grown before one way to a potential is preferred to another.
MIN_GREW = 30
_PLACES = ("region", "state", "city", "postal_code", "country", "county", "territory_id")

PENETRATION = Definition("penetration", 3, "Penetration", "share", "customers ÷ accounts of the book", roll_up="ratio")
POTENTIAL = Definition(
    "potential", 3, "Potential", "money",
    "sum over accounts of what each could spend a year by the way chosen, at least own spend", roll_up="sum",
)  # fmt: skip
SHARE_OF_WALLET = Definition(
    "share_of_wallet", 3, "Share of wallet", "share",
    "sales of the last 365 days to customers ÷ their potential", roll_up="ratio",
)  # fmt: skip
WHITE_SPACE = Definition(
    "white_space", 3, "White space", "money", "potential − sales of the last 365 days", roll_up="sum"
)
SPEND_FIT = Definition(
    "spend_fit", 3, "Differences in spend that the traits tell", "share",
    "1 − squared error of log spend, each customer foretold by the others ÷ its variance",
)  # fmt: skip


# --- What the team teaches: comparable customers ----------------------------------------------------------------------


def band_sizes(employees: pd.Series) -> pd.Series:
    """The size band of each number of employees; missing where the number is.

    >>> band_sizes(pd.Series([9, 10, None])).tolist()
    ['1-9 employees', '10-49 employees', None]
    """
    names = np.array([None, *SIZE_BANDS], dtype=object)
    numbers = employees.astype(float)
    band = names[np.digitize(numbers.fillna(-1.0), list(SIZE_BANDS.values()))]
    return pd.Series(band, index=employees.index, dtype=object)


def _peer_labels(accounts: pd.DataFrame, peers: Sequence[str]) -> dict[str, pd.Series]:
    """cut -> label of each account, the finest first: peers and size, peers alone, all."""
    columns = [c for c in peers if c in accounts and accounts[c].notna().any()]
    named = [accounts[c] for c in columns]
    if columns and "employees" in accounts and accounts["employees"].notna().any():
        named.append(band_sizes(accounts["employees"]))
    labels = {}
    for used in dict.fromkeys((len(named), len(columns))):
        if used:
            cut = ", ".join([*columns, "size"][:used])
            stated = np.all([part.notna() for part in named[:used]], axis=0)
            words = zip(*(part.astype(str) for part in named[:used]), strict=True)
            said = [", ".join(row) if whole else None for row, whole in zip(words, stated, strict=True)]
            labels[cut] = pd.Series(said, index=accounts.index, dtype=object)
    labels["all"] = pd.Series("all", index=accounts.index, dtype=object)
    return labels


def learn_peer_spend(
    *, accounts: pd.DataFrame | None, sales: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """What the team's customers spend in the period, by comparable accounts.

    Comparable: alike in the columns ``company.peers`` and the band of employees, else in the columns alone, else any
    customer. Returns cut, label, accounts_n (customers with net sales above 0), reps_n, median_amount, quantile_amount
    (of the group, pulled toward the next wider group by its number of customers).
    Method: normal-unbiased quantile of log spend; empirical Bayes between groups, by moments.

    >>> from types import SimpleNamespace
    >>> who = pd.DataFrame({"account_id": list("abcde"), "rep_id": "r", "industry": "X", "employees": 12.0})
    >>> sold = pd.DataFrame({"account_id": list("abcde"), "amount": [1.0, 10.0, 100.0, 1000.0, 10000.0],
    ...     "sale_date": pd.Timestamp("2026-05-05")})
    >>> spend = learn_peer_spend(accounts=who, sales=sold, as_of=date(2026, 9, 30),
    ...     period=Period.ending(date(2026, 9, 30)),
    ...     company=SimpleNamespace(peers=["industry"], potential_quantile=0.5))
    >>> spend[["label", "median_amount", "quantile_amount"]].values.tolist()
    [['X, 10-49 employees', 100.0, 100.0], ['X', 100.0, 100.0], ['all', 100.0, 100.0]]
    """
    buyers = _find_buyers(accounts, sales, period)
    return _summarise_spend(buyers, company.peers, company.potential_quantile)


def _find_buyers(accounts: pd.DataFrame | None, sales: pd.DataFrame | None, period: Period) -> pd.DataFrame:
    """Accounts with net sales above 0 in the period, and how much (spent), by account."""
    if accounts is None or sales is None:
        return pd.DataFrame({"account_id": [], "rep_id": [], "spent": []})
    inside = sales[period.holds(sales["sale_date"])]
    spent = sum_money(inside["amount"], inside["account_id"])
    buyers = accounts.assign(spent=accounts["account_id"].map(spent).astype(float))
    return buyers[buyers["spent"] > 0].sort_values("account_id", ignore_index=True)


def _summarise_spend(buyers: pd.DataFrame, peers: Sequence[str], quantile: float) -> pd.DataFrame:
    columns = ["cut", "label", "accounts_n", "reps_n", "median_amount", "quantile_amount"]
    if buyers.empty:
        return pd.DataFrame(columns=columns)
    logs, labels = np.log(buyers["spent"].to_numpy(float)), _peer_labels(buyers, peers)
    parts, wider = [], None
    for cut in reversed(list(labels)):
        label = labels[cut]
        by = buyers.groupby(label.rename("label"))
        part = pd.DataFrame({"accounts_n": by.size().astype(float), "reps_n": by["rep_id"].nunique().astype(float)})
        part["median_amount"] = by["spent"].median()
        groups = {name: logs[rows] for name, rows in by.indices.items()}
        part["own"] = [float(np.quantile(groups[name], quantile, method="normal_unbiased")) for name in part.index]
        part["log"] = part["own"]
        if wider is not None:
            part["to"] = [wider[0][wider[1].iloc[rows[0]]] for rows in by.indices.values()]
            part["log"] = _pull(part, groups, quantile)
        wider = (part["log"], label)
        parts.insert(0, part.reset_index().assign(cut=cut, quantile_amount=np.exp(part["log"]).round(2).to_numpy()))
    return pd.concat(parts, ignore_index=True)[columns]


def _pull(part: pd.DataFrame, groups: Mapping[str, np.ndarray], quantile: float) -> pd.Series:
    """Each group's log quantile (own) pulled toward the wider one's (to) by its size."""
    from scipy.special import ndtri

    n = part["accounts_n"]
    free = total(n - 1)
    spread = total(((groups[name] - groups[name].mean()) ** 2).sum() for name in part.index) / free if free > 0 else 0.0
    density = math.exp(-(ndtri(quantile) ** 2) / 2) / math.sqrt(2 * math.pi)
    noise = spread * quantile * (1 - quantile) / density**2  # variance of one group's quantile, times its size
    apart = total(n * (part["own"] - part["to"]) ** 2) - noise * len(part)
    between = max(apart / total(n), 0.0)
    strength = min(noise / between, 1000.0) if between > 0 else 1000.0
    weight = n / (n + strength) if noise > 0 else 1.0
    return (weight * part["own"] + (1 - weight) * part["to"]).round(10)


# --- What the team teaches: traits that go with spend -----------------------------------------------------------------


def _market_areas(accounts: pd.DataFrame, market: pd.DataFrame | None) -> pd.Series:
    """The area of the market table that each account lies in: by the column whose values name most of the areas."""
    none = pd.Series(None, index=accounts.index, dtype=object)
    if market is None or market.empty:
        return none
    areas = set(market["area"])
    columns = [c for c in _PLACES if c in accounts]
    place = max(columns, key=lambda c: accounts[c].isin(areas).sum(), default=None)
    return none if place is None else accounts[place].astype(object).where(accounts[place].isin(areas), None)


def _numbers(accounts: pd.DataFrame, market: pd.DataFrame | None) -> dict[str, pd.Series]:
    """Traits that are numbers, as logarithms: size, and the income of the account's area."""
    found = {}
    for column in ("employees", "annual_revenue"):
        if column in accounts and not found:
            numbers = accounts[column].astype(float)
            logs = np.log(numbers.where(numbers > 0))
            if logs.notna().mean() > 0.5 and logs.nunique() > 2:
                found[column] = logs
    if market is not None and market["income"].notna().any():
        income = market.dropna(subset=["income"]).groupby("area")["income"].median()
        logs = np.log(_market_areas(accounts, market).map(income).astype(float))
        if logs.notna().mean() > 0.5 and logs.nunique() > 4:
            found["area_income"] = logs
    return found


def learn_spend_model(
    *, accounts: pd.DataFrame | None, sales: pd.DataFrame | None, market: pd.DataFrame | None, as_of: date,
    period: Period, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """What goes with the spend of the team's customers in the period: a regression of its logarithm on their traits.

    Traits, chosen beforehand and not by how well they fit: the size (employees, else annual_revenue), the columns
    ``company.peers`` and ``company.segments``, the income of the area in the market table; at most two traits below 60
    customers, else three, and one coefficient for every ten customers. Of a column the six commonest labels count
    beside the first, with five customers of three reps each; the others stand together with the first.
    One row per term: cut (intercept, the trait, or rest), label, estimate (log spend), centre (what is taken off the
    trait), customers_n, reps_n, times with low_times and high_times (95 %: for twice the number, or for the label
    against all customers), sure (1 where more than chance, at a false discovery rate of 5 %), fit_share (out of sample,
    each customer foretold by the others), and covariance_0 … in the order of the rows. "rest" is the quantile
    ``company.potential_quantile`` of what the traits leave unsaid. No rows
    below 30 customers. Method: least squares; standard errors by rep from ten reps on, else HC3.
    """
    buyers = _find_buyers(accounts, sales, period)
    if len(buyers) < MIN_CUSTOMERS:
        return pd.DataFrame(columns=["cut", "label", "estimate", "centre", "customers_n", "reps_n", "fit_share"])
    spent, design = np.log(buyers["spent"].to_numpy(float)), _choose_terms(buyers, market, company)
    x = np.column_stack([np.ones(len(buyers)), *(column for _, _, column, _ in design)])
    estimate, covariance, degrees = _fit(x, spent, buyers["rep_id"].to_numpy())
    hat = np.einsum("ij,jk,ik->i", x, np.linalg.pinv(x.T @ x), x)
    left_out = (spent - x @ estimate) / np.clip(1 - hat, 1e-9, None)
    n = len(spent)
    without = (spent - spent.mean()) * n / (n - 1)
    fit = 1 - float((left_out**2).sum() / (without**2).sum()) if without.any() else 0.0
    rest, error = _rest(left_out, company.potential_quantile)
    whole_n = ("", 0.0, n, buyers["rep_id"].nunique())
    rows = [("intercept", *whole_n), *_describe(design, buyers), ("rest", *whole_n)]
    table = pd.DataFrame(rows, columns=["cut", "label", "centre", "customers_n", "reps_n"])
    table["estimate"] = [*estimate, rest]
    whole = np.zeros((len(table), len(table)))
    whole[:-1, :-1], whole[-1, -1] = covariance, error**2
    table["fit_share"] = fit
    table = pd.concat([table, _say_times(table, whole, degrees)], axis=1)
    parts = pd.DataFrame(whole, columns=[f"covariance_{k}" for k in range(len(whole))])
    return pd.concat([table, parts], axis=1).round(10).astype({"customers_n": float, "reps_n": float})


def _choose_terms(buyers: pd.DataFrame, market: pd.DataFrame | None, company: Any) -> list[tuple[str, str, np.ndarray, float]]:
    """(cut, label, centred column, centre) for every coefficient that so many customers can carry."""
    n = len(buyers)
    room, traits_n = n // CUSTOMERS_PER_COEFFICIENT - 1, 2 if n < 2 * MIN_CUSTOMERS else 3
    numbers = _numbers(buyers, market)
    size = next((c for c in numbers if c != "area_income"), None)
    order = [size, *company.peers, *company.segments, "area_income"]
    terms: list[tuple[str, str, np.ndarray, float]] = []
    for trait in dict.fromkeys(order):
        if trait in numbers:
            found = [_centred(trait, "", numbers[trait])]
        elif trait is not None and trait in buyers:
            found = [_centred(trait, label, (buyers[trait] == label).astype(float).where(buyers[trait].notna()))
                     for label in _known_labels(buyers, trait)]  # fmt: skip
        else:
            continue
        columns = [column for _, _, column, _ in [*terms, *found]]
        whole = np.column_stack([np.ones(n), *columns])
        fits = found and len(columns) <= room and np.linalg.matrix_rank(whole) == whole.shape[1]
        if fits and len({cut for cut, *_ in terms}) < traits_n:
            terms += found
    return terms


def _centred(cut: str, label: str, values: pd.Series) -> tuple[str, str, np.ndarray, float]:
    centre = round(total(values.dropna()) / max(int(values.notna().sum()), 1), 10)
    return cut, label, (values - centre).fillna(0.0).to_numpy(float), centre


def _known_labels(buyers: pd.DataFrame, trait: str) -> list[str]:
    """The commonest labels with five customers of three reps, but for the first, against which they stand."""
    by = buyers.groupby(trait)["rep_id"].agg(["size", "nunique"]).reset_index()
    by = by[(by["size"] >= MIN_CASES) & (by["nunique"] >= 3)].sort_values(["size", trait], ascending=[False, True])
    return by[trait].tolist()[1 : LABELS + 1]


def _fit(x: np.ndarray, y: np.ndarray, reps: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, their covariance, and the degrees of freedom of their intervals."""
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(y, x).fit()
    codes, names = pd.factorize(reps, sort=True)
    if len(names) >= 10:
        robust = fitted.get_robustcov_results("cluster", groups=codes)
        return fitted.params, robust.cov_params(), len(names) - 1
    return fitted.params, fitted.get_robustcov_results("HC3").cov_params(), len(y) - x.shape[1]


def _rest(left_out: np.ndarray, quantile: float) -> tuple[float, float]:
    """The quantile of what is left unsaid, and its standard error, as for a normal distribution."""
    from scipy.special import ndtri

    density = math.exp(-(ndtri(quantile) ** 2) / 2) / math.sqrt(2 * math.pi)
    error = float(np.std(left_out)) * math.sqrt(quantile * (1 - quantile) / len(left_out)) / density
    return float(np.quantile(left_out, quantile, method="normal_unbiased")), error


def _describe(design: list[tuple[str, str, np.ndarray, float]], buyers: pd.DataFrame) -> list[tuple]:
    rows = []
    for cut, label, _, centre in design:
        inside = buyers[buyers[cut] == label] if label else buyers
        rows.append((cut, label, centre, len(inside), inside["rep_id"].nunique()))
    return rows


def _say_times(table: pd.DataFrame, covariance: np.ndarray, degrees: int) -> pd.DataFrame:
    """times, low_times, high_times, sure: for twice the number, or for the label against all customers together.

    Method: t intervals; sure by Benjamini and Hochberg over all of them.
    """
    from scipy.special import stdtr, stdtrit

    estimate, centre = table["estimate"].to_numpy(), table["centre"].to_numpy()
    t = float(stdtrit(degrees, 0.975))
    rows = []
    for k, (cut, label) in enumerate(zip(table["cut"], table["label"], strict=True)):
        if cut in ("intercept", "rest"):
            rows.append((np.nan, np.nan, np.nan, np.nan))
            continue
        weights = np.zeros(len(table))
        weights[k] = math.log(2)
        if label:
            alike = ((table["cut"] == cut) & (table["label"] != "")).to_numpy()
            weights = np.where(alike, -centre, 0.0)
            weights[k] += 1.0
        middle = float(weights @ estimate)
        error = math.sqrt(max(float(weights @ covariance @ weights), 1e-18))
        chance = 2 * float(stdtr(degrees, -abs(middle) / error))
        rows.append((*(math.exp(v) for v in (middle, middle - t * error, middle + t * error)), chance))
    said = pd.DataFrame(rows, columns=["times", "low_times", "high_times", "chance"])
    order = said["chance"].rank(method="first")
    passes = said["chance"] <= FALSE_DISCOVERY * order / max(int(said["chance"].notna().sum()), 1)
    last = order[passes].max() if passes.any() else 0
    return said.drop(columns="chance").assign(sure=(order <= last).astype(float))


def _spread_terms(accounts: pd.DataFrame, model: pd.DataFrame, market: pd.DataFrame | None) -> np.ndarray:
    """One row per account, one column per term of the model; what is not known of an account counts as the average."""
    terms = list(zip(model["cut"], model["label"], model["centre"], strict=True))
    texts = {cut for cut, label, _ in terms if label and cut in accounts}
    stated = {cut: accounts[cut].notna().to_numpy() for cut in texts}
    values = {cut: accounts[cut].to_numpy(object) for cut in texts}
    numbers, columns = _numbers_of(accounts, model, market), np.zeros((len(accounts), len(terms)))
    for k, (cut, label, centre) in enumerate(terms):
        if cut in ("intercept", "rest"):
            columns[:, k] = 1.0
        elif not label:
            columns[:, k] = np.nan_to_num(numbers[cut].to_numpy(float) - centre)
        elif cut in texts:
            columns[:, k] = np.where(stated[cut], [value == label for value in values[cut]] - np.float64(centre), 0.0)
    return columns


def _numbers_of(accounts: pd.DataFrame, model: pd.DataFrame, market: pd.DataFrame | None) -> dict[str, pd.Series]:
    found = {}
    for cut in model.loc[model["label"] == "", "cut"]:
        if cut == "area_income" and market is not None:
            income = market.dropna(subset=["income"]).groupby("area")["income"].median()
            numbers = _market_areas(accounts, market).map(income).astype(float)
        else:
            numbers = accounts[cut].astype(float) if cut in accounts else pd.Series(np.nan, index=accounts.index)
        found[cut] = np.log(numbers.where(numbers > 0))
    return found


def _is_whole(model: pd.DataFrame | None) -> bool:
    """Whether the model came through with every term: one that too few reps stand behind takes it all away."""
    return model is not None and len(model) > 0 and len(model) == sum(c.startswith("covariance_") for c in model)


# --- What the team teaches: which way foretold best -------------------------------------------------------------------


def learn_potential_ways(
    *, accounts: pd.DataFrame | None, sales: pd.DataFrame | None, market: pd.DataFrame | None, as_of: date,
    period: Period, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """Which way to a potential was nearest: made a year ago, against what customers that grew have spent since.

    Only those that bought in the year before and more in the period can show that there was room. The accounts' traits
    and the market table are as exported; their own spend helps no way. Returns way, tested_n (customers that grew, for
    whom every way is known), reps_n, times (it missed the spend of half of them by this factor or less), rank_share
    (Spearman's rank correlation), chosen (1 for the way that missed least; bottom_up where fewer than 30 grew).
    """
    columns = ["way", "tested_n", "reps_n", "times", "rank_share", "chosen"]
    if accounts is None or sales is None or accounts.empty:
        return pd.DataFrame(columns=columns)
    earlier = Period.ending(period.start - timedelta(days=1))
    then = accounts
    if "created_date" in accounts and accounts["created_date"].notna().any():
        then = accounts[~(accounts["created_date"] > pd.Timestamp(earlier.end))]
    context = {"accounts": then, "sales": sales, "as_of": earlier.end, "period": earlier, "company": company}
    bought = {}
    for name, one in (("before", earlier), ("since", period)):
        inside = sales[one.holds(sales["sale_date"])]
        bought[name] = then["account_id"].map(sum_money(inside["amount"], inside["account_id"])).astype(float).fillna(0.0)
    _, _, each = _tell_ways(
        then, learn_peer_spend(**context), company.peers, learn_spend_model(**context, market=market), market, _market_areas(then, market)
    )
    grew = (bought["before"] > 0) & (bought["since"] > bought["before"])
    known = [way for way in WAYS if each.loc[grew, way].notna().sum() >= MIN_GREW]
    if not known:
        return pd.DataFrame([("bottom_up", float(grew.sum()), np.nan, np.nan, np.nan, 1.0)], columns=columns)
    grew &= each[known].notna().all(axis=1)
    rows = []
    for way in known:
        amount, since = each.loc[grew, way], bought["since"][grew]
        missed = float(np.median(np.abs(np.log(amount / since)))) if len(since) else np.nan
        agree = float(amount.rank().corr(since.rank())) if len(since) > 2 else np.nan
        rows.append((way, float(grew.sum()), float(then.loc[grew, "rep_id"].nunique()), math.exp(missed), agree, 0.0))
    table = pd.DataFrame(rows, columns=columns).round(10)
    best = table["times"].idxmin() if grew.sum() >= MIN_GREW else 0
    return table.assign(chosen=(table.index == best).astype(float))


# --- One book: potential of every account -----------------------------------------------------------------------------


def score_potential(
    *, accounts: pd.DataFrame | None, peer_spend: pd.DataFrame | None, peers: Sequence[str], quantile: float,
    spend_model: pd.DataFrame | None = None, ways: pd.DataFrame | None = None, market: pd.DataFrame | None = None,
) -> pd.DataFrame | None:  # fmt: skip
    """What each account could spend with us in a year: one row per account in, the same row with more columns out.

    accounts: from ``customers.score_accounts``. peer_spend, spend_model, ways: the team's ``learn_peer_spend``,
    ``learn_spend_model``, ``learn_potential_ways``; without peer_spend the rep's own customers stand for it. Adds
    employees_band, market_area (its area in the market table), peers (who was compared) and, in money a year, each at least
    own spend and missing where it is not known: bottom_up_amount (what comparable customers spend at this quantile),
    regression_amount (the same for its traits), top_down_amount (its cell of the market table by employees, else by
    establishments), potential_amount (the chosen way, else the next that is known) with potential_way, potential_low_amount and
    potential_high_amount (least and most of the ways; with one way alone, from what the middle comparable customer
    spends), wallet_share and white_space_amount (potential − revenue).

    >>> who = pd.DataFrame({"account_id": ["a", "b"], "rep_id": "r", "industry": "X", "revenue_amount": [9.0, 0.0]})
    >>> spend = pd.DataFrame({"cut": ["industry"], "label": ["X"], "accounts_n": [6.0], "median_amount": [2.0],
    ...     "quantile_amount": [5.0]})
    >>> scored = score_potential(accounts=who, peer_spend=spend, peers=["industry"], quantile=0.8)
    >>> scored[["potential_low_amount", "potential_amount", "white_space_amount"]].values.tolist()
    [[9.0, 9.0, 0.0], [2.0, 5.0, 5.0]]
    """
    if accounts is None:
        return None
    known = peer_spend
    if known is None or known.empty:
        own = accounts.assign(spent=accounts["revenue_amount"]).sort_values("account_id")
        known = _summarise_spend(own[own["spent"] > 0].reset_index(drop=True), peers, quantile)
    revenue, areas = accounts["revenue_amount"].clip(lower=0.0), _market_areas(accounts, market)
    compared, middle, each = _tell_ways(accounts, known, peers, spend_model, market, areas)
    each = each.clip(lower=revenue, axis=0).round(2)
    chosen = ways.loc[ways["chosen"] == 1, "way"].tolist() if ways is not None and len(ways) else []
    potential, way = pd.Series(np.nan, index=accounts.index), pd.Series(None, index=accounts.index, dtype=object)
    for name in dict.fromkeys([*chosen, *WAYS]):
        way = way.mask(potential.isna() & each[name].notna(), name)
        potential = potential.fillna(each[name])
    potential = potential.fillna(revenue.where(revenue > 0)).round(2)
    low = each.min(axis=1).mask(each.notna().sum(axis=1) == 1, np.fmin(middle.clip(lower=revenue), potential))
    employees = accounts["employees"] if "employees" in accounts else pd.Series(np.nan, index=accounts.index)
    return accounts.assign(
        employees_band=band_sizes(employees), market_area=areas, peers=compared,
        **{f"{name}_amount": each[name] for name in WAYS}, potential_amount=potential, potential_way=way,
        potential_low_amount=low.fillna(potential).round(2), potential_high_amount=each.max(axis=1).fillna(potential),
        wallet_share=(revenue / potential).where(potential > 0).clip(0, 1),
        white_space_amount=(potential - revenue).clip(lower=0.0),
    )  # fmt: skip


def _tell_ways(
    accounts: pd.DataFrame, peer_spend: pd.DataFrame, peers: Sequence[str], model: pd.DataFrame | None,
    market: pd.DataFrame | None, areas: pd.Series,
) -> tuple[pd.Series, pd.Series, pd.DataFrame]:  # fmt: skip
    """With whom each account is compared, what the middle one of those spends, and what each way says, own spend aside."""
    compared, amounts, middle = _compare(accounts, peer_spend[peer_spend["accounts_n"] >= MIN_CASES], peers)
    found = {"bottom_up": amounts, "regression": _predict(accounts, model, market), "top_down": _take_part(accounts, areas, market)}
    return compared, middle, pd.DataFrame(found, index=accounts.index, dtype=float)


def _compare(accounts: pd.DataFrame, known: pd.DataFrame, peers: Sequence[str]) -> tuple[pd.Series, pd.Series, pd.Series]:
    """With whom each account is compared, what those spend at the quantile, and what the middle one spends."""
    usual = {(r.cut, r.label): (r.quantile_amount, r.median_amount) for r in known.itertuples()}
    high, middle = pd.Series(np.nan, index=accounts.index), pd.Series(np.nan, index=accounts.index)
    compared = pd.Series(None, index=accounts.index, dtype=object)
    for cut, label in _peer_labels(accounts, peers).items():
        pairs = [usual.get((cut, name), (np.nan, np.nan)) for name in label]
        amount = pd.Series([pair[0] for pair in pairs], index=accounts.index, dtype=float)
        compared = compared.mask(high.isna() & amount.notna(), label if cut != "all" else "all customers")
        high = high.fillna(amount)
        middle = middle.fillna(pd.Series([pair[1] for pair in pairs], index=accounts.index, dtype=float))
    return compared, high, middle


def _predict(accounts: pd.DataFrame, model: pd.DataFrame | None, market: pd.DataFrame | None) -> pd.Series:
    """What an account with these traits spends at the quantile; not known where they foretell no better than the mean."""
    if not _is_whole(model) or accounts.empty or not model["fit_share"].iloc[0] > 0:
        return pd.Series(np.nan, index=accounts.index)
    logs = _spread_terms(accounts, model, market) @ model["estimate"].to_numpy(float)
    return pd.Series(np.exp(np.round(logs, 10)), index=accounts.index)


def _take_part(accounts: pd.DataFrame, areas: pd.Series, market: pd.DataFrame | None) -> pd.Series:
    """The account's part of what its area and industry spend: by its employees, else one establishment's."""
    part = pd.Series(np.nan, index=accounts.index)
    if market is None or not market["spend"].notna().any() or not areas.notna().any():
        return part
    industry = accounts.get("industry", part)
    heads = accounts["employees"].to_numpy(float, na_value=np.nan) if "employees" in accounts else part.to_numpy()
    keys, wanted = zip(market["area"], market["industry"], strict=True), ["spend", "employees_n", "establishments_n"]
    cells = dict(zip(keys, market[wanted].to_numpy(float, na_value=np.nan), strict=True))
    unknown = np.full(3, np.nan)
    cell = np.array([cells.get(key, unknown) for key in zip(areas, industry, strict=True)]).reshape(-1, 3)
    spend, employees, places = cell[:, 0], np.where(cell[:, 1] > 0, cell[:, 1], np.nan), np.where(cell[:, 2] > 0, cell[:, 2], np.nan)
    by_heads = spend * heads / employees
    return pd.Series(np.fmin(np.where(np.isnan(by_heads), spend / places, by_heads), spend), index=accounts.index)


@answers("3.3", accounts=["account_id"])
def summarise_ways(*, accounts: pd.DataFrame, ways: pd.DataFrame | None) -> Answer:
    """The ways to this book's potential side by side, and which one is used.

    accounts: from ``score_potential``. ways: the team's ``learn_potential_ways``. Returns way, accounts_n (whose
    potential it tells), potential_amount, white_space_amount, tested_n, times (the factor by which it missed what half
    of the customers that grew have spent since, or less), chosen; in the order of WAYS. notes: compared (whether the
    choice stands on such a test), spread (most ÷ least of the potentials over the accounts that every way tells).

    >>> who = pd.DataFrame({"account_id": ["a"], "potential_amount": [9.0], "bottom_up_amount": [9.0], "regression_amount": [6.0],
    ...     "top_down_amount": [None], "revenue_amount": [5.0], "potential_way": ["bottom_up"]})
    >>> answer = summarise_ways(accounts=who, ways=None)
    >>> answer.table[["way", "potential_amount", "chosen"]].values.tolist(), answer.notes["spread"]
    ([['bottom_up', 9.0, True], ['regression', 6.0, False]], 1.5)
    """
    each = accounts[[f"{way}_amount" for way in WAYS]].astype(float).set_axis(list(WAYS), axis=1)
    each = each[[way for way in WAYS if each[way].notna().any()]]
    if each.empty or not len(each.columns):
        return Answer("3.3", withheld=f"fewer than {MIN_CASES} customers of the team are comparable, and there is no market table")
    most = accounts["potential_way"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index[0]
    tested = ways.set_index("way") if ways is not None and len(ways) else pd.DataFrame(columns=["tested_n", "times"])
    revenue = accounts["revenue_amount"].clip(lower=0.0)
    rows = [
        (way, int(each[way].notna().sum()), total(each[way]), total((each[way] - revenue).clip(lower=0.0)),
         *(float(tested[c].get(way, np.nan)) for c in ("tested_n", "times")), way == most)
        for way in each
    ]  # fmt: skip
    names = ["way", "accounts_n", "potential_amount", "white_space_amount", "tested_n", "times", "chosen"]
    shared = each.dropna().sum()
    spread = float(shared.max() / shared.min()) if len(each.columns) > 1 and shared.min() > 0 else np.nan
    table = pd.DataFrame(rows, columns=names)
    return Answer("3.3", table, notes={"compared": bool((table["times"].notna()).sum() > 1), "spread": spread})


# --- 3.2: what drives spend -------------------------------------------------------------------------------------------


@answers("3.2", SPEND_FIT, accounts=["account_id"])
def summarise_drivers(*, accounts: pd.DataFrame, spend_model: pd.DataFrame | None) -> Answer:
    """What goes with the spend of the company's customers: one row per trait or label, the widest difference first.

    spend_model: the team's ``learn_spend_model``. Returns cut, label (empty for a number), customers_n, times,
    low_times, high_times (95 %), sure (more than chance, over all of them). A number's times are for twice as much of it, a
    label's against all customers. notes: customers_n. It shows what goes together, not what causes it.

    >>> model = pd.DataFrame({"cut": ["intercept", "employees", "rest"], "label": "", "customers_n": 40.0,
    ...     "times": [None, 1.4, None], "low_times": [None, 1.2, None], "high_times": [None, 1.6, None],
    ...     "sure": [0.0, 1.0, 0.0], "fit_share": 0.3, "covariance_0": 0.0, "covariance_1": 0.0, "covariance_2": 0.0})
    >>> found = summarise_drivers(accounts=pd.DataFrame({"account_id": ["a"]}), spend_model=model)
    >>> found.table[["cut", "times", "sure"]].values.tolist()
    [['employees', 1.4, True]]
    """
    if not _is_whole(spend_model):
        why = f"it needs at least {MIN_CUSTOMERS} customers of three reps that bought in the last 365 days"
        return Answer("3.2", measures=(SPEND_FIT.withhold(why),), withheld=why)
    n, fit = int(spend_model["customers_n"].max()), float(spend_model["fit_share"].iloc[0])
    measures = (SPEND_FIT.measure(fit, n=n, source="accounts, sales"),)
    table = spend_model[~spend_model["cut"].isin(["intercept", "rest"])]
    table = table[["cut", "label", "customers_n", "times", "low_times", "high_times", "sure"]].infer_objects()
    if table.empty:
        why = "no trait of the customers is known well enough"
        return Answer("3.2", measures=(SPEND_FIT.withhold(why),), withheld=why)
    far = np.abs(np.log(table["times"].astype(float)))
    table = table.assign(sure=table["sure"] == 1, far=far.round(9))
    table = table.sort_values(["sure", "far", "cut", "label"], ascending=[False, False, True, True], ignore_index=True)
    return Answer("3.2", table.drop(columns="far"), measures, {"customers_n": n})


# --- 3.4: penetration and white space ---------------------------------------------------------------------------------


@answers("3.4", PENETRATION, POTENTIAL, SHARE_OF_WALLET, WHITE_SPACE, accounts=["account_id"])
def summarise_penetration(
    *, accounts: pd.DataFrame, together: bool = True, spend_model: pd.DataFrame | None = None, market: pd.DataFrame | None = None
) -> Answer:  # fmt: skip
    """How far we are in: penetration, share of wallet, and where white space lies, largest first.

    accounts: from ``score_potential``. together: branches stand with their ultimate parent. spend_model, market: with
    what potential was scored; where the regression tells it, potential and white space have 95 % intervals: how sure
    it is of the sum (the other ways may lie outside). Returns customer_id, account_name, accounts_n, status,
    revenue_amount, potential_amount, potential_low_amount, potential_high_amount, wallet_share, white_space_amount,
    peers, last_touch_date. notes: unknown_n, way (of most accounts), ways (way -> its white space).

    >>> who = pd.DataFrame({"account_id": list("abcde"), "account_name": list("ABCDE"),
    ...     "status": ["customer"] * 2 + ["prospect"] * 3, "potential_way": "bottom_up",
    ...     "revenue_amount": [6.0, 4.0, 0.0, 0.0, 0.0], "potential_amount": 10.0, "bottom_up_amount": 10.0,
    ...     "potential_low_amount": 10.0, "potential_high_amount": 10.0,
    ...     "white_space_amount": [4.0, 6.0, 10.0, 10.0, 10.0], "peers": "X", "last_touch_date": pd.NaT})
    >>> answer = summarise_penetration(accounts=who)
    >>> answer["penetration"].value, answer["share_of_wallet"].value, answer["white_space"].value
    (0.4, 0.5, 40.0)
    """
    n, customer = len(accounts), accounts["status"] == "customer"
    details = {"n": n, "source": "accounts, sales"}
    if n < MIN_CASES:
        penetration = PENETRATION.withhold(f"the book holds only {n} accounts", **details)
    else:
        low, high = estimate_wilson_interval(int(customer.sum()), n)
        penetration = PENETRATION.ratio(int(customer.sum()), n, low=low, high=high, level=0.95, **details)
    known = accounts[accounts["potential_amount"].notna()]
    if known.empty:
        why = f"no account buys, and fewer than {MIN_CASES} customers of the team are comparable"
        withheld = tuple(d.withhold(why) for d in (POTENTIAL, SHARE_OF_WALLET, WHITE_SPACE))
        return Answer("3.4", measures=(penetration, *withheld), withheld=why)
    buying = known[known["status"] == "customer"]
    table = _gather(known, together)
    sums = {name: total(table[name]) for name in ("potential_amount", "white_space_amount")}
    rows = table[["customer_id", "account_name", "revenue_amount", "potential_amount", "white_space_amount"]]
    details = {"n": len(known), "source": "accounts, sales", "rows": rows}
    share = _estimate_error(known, sums["white_space_amount"], spend_model, market)
    limits = {name: {} for name in sums}
    if share is not None:
        free = sums["white_space_amount"]
        for name, value in sums.items():
            low, high = (value - free + free * math.exp(sign * 1.959964 * share) for sign in (-1, 1))
            limits[name] = {"low": round(low, 2), "high": round(high, 2), "level": 0.95}
    measures = (
        penetration,
        POTENTIAL.measure(sums["potential_amount"], **details, **limits["potential_amount"]),
        SHARE_OF_WALLET.ratio(total(buying["revenue_amount"].clip(lower=0)), total(buying["potential_amount"]),
                              n=len(buying), source="accounts, sales", if_none="no account is a customer"),
        WHITE_SPACE.measure(sums["white_space_amount"], **details, **limits["white_space_amount"]),
    )  # fmt: skip
    revenue = known["revenue_amount"].clip(lower=0.0)
    columns = {way: f"{way}_amount" for way in WAYS if f"{way}_amount" in known and known[f"{way}_amount"].notna().any()}
    ways = {way: total((known[column] - revenue).clip(lower=0.0)) for way, column in columns.items()}
    most = known["potential_way"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    notes = {"unknown_n": n - len(known), "way": most.index[0] if len(most) else None, "ways": ways}
    return Answer("3.4", table, measures, notes)


def _estimate_error(known: pd.DataFrame, free: float, model: pd.DataFrame | None, market: pd.DataFrame | None) -> float | None:
    """Standard error of the logarithm of the white space, by the delta method; None where not the regression alone tells it.

    Only an account whose potential lies above its own spend moves with what the team has taught.
    """
    moves = known[known["white_space_amount"] > 0]
    if not free > 0 or not _is_whole(model) or not (moves["potential_way"] == "regression").all():
        return None
    pull = moves["potential_amount"].to_numpy(float) @ _spread_terms(moves, model, market)
    covariance = model[[f"covariance_{k}" for k in range(len(model))]].to_numpy(float)
    return round(math.sqrt(float(pull @ covariance @ pull)) / free, 10)


def _gather(accounts: pd.DataFrame, together: bool) -> pd.DataFrame:
    """One row per ultimate parent (or account), its largest account first in everything that is text."""
    key = accounts["ultimate_parent_id"] if together and "ultimate_parent_id" in accounts else accounts["account_id"]
    rank = accounts["status"].map({"customer": 0, "lapsed": 1, "prospect": 2})
    frame = accounts.assign(customer_id=key, rank=rank, main=accounts["account_id"] != key)
    frame = frame.sort_values(["rank", "main", "potential_amount", "account_id"], ascending=[True, True, False, True])
    by = frame.groupby("customer_id")
    table = by[["account_name", "status", "peers"]].first()
    table["accounts_n"], table["last_touch_date"] = by.size(), by["last_touch_date"].max()
    for name in ("revenue_amount", "potential_amount", "potential_low_amount", "potential_high_amount", "white_space_amount"):
        table[name] = sum_money(frame[name], frame["customer_id"])
    table["wallet_share"] = (
        (table["revenue_amount"] / table["potential_amount"]).where(table["potential_amount"] > 0).clip(0, 1)
    )
    return table.reset_index().sort_values("white_space_amount", ascending=False, kind="stable", ignore_index=True)


# --- 3.4: white space by product --------------------------------------------------------------------------------------


def learn_product_shares(
    *, accounts: pd.DataFrame | None, sales: pd.DataFrame | None, products: pd.DataFrame | None, as_of: date,
    period: Period, company: Any,
) -> pd.DataFrame:  # fmt: skip
    """How much of their spend the team's customers give each product, by comparable accounts (``company.peers``, else all).

    Products stand together by family where known. Returns cut, label, product, buyers_n, customers_n, reps_n, share
    (the middle one of its buyers' spend), for products with five buyers.
    """
    buyers = _find_buyers(accounts, sales, period)
    inside = None if sales is None else sales[period.holds(sales["sale_date"])]
    return _summarise_products(buyers, inside, products, company.peers)


def _sum_products(sold: pd.DataFrame, products: pd.DataFrame | None) -> pd.DataFrame:
    """account_id, product (family where known), amount above 0, and share of all that the account spent on products."""
    named = sold["product"].astype(object)
    if products is not None and products["family"].notna().any():
        known = products[products["family"].notna()].drop_duplicates("product").set_index("product")["family"]
        named = named.map(known).astype(object).where(named.isin(known.index), named)
    sums = sum_money(sold["amount"], [sold["account_id"], named.rename("product")])
    table = sums[sums > 0].rename("amount").reset_index()
    whole = sum_money(table["amount"], table["account_id"])
    return table.assign(share=table["amount"] / table["account_id"].map(whole))


def _summarise_products(
    buyers: pd.DataFrame, sold: pd.DataFrame | None, products: pd.DataFrame | None, peers: Sequence[str]
) -> pd.DataFrame:
    columns = ["cut", "label", "product", "buyers_n", "customers_n", "reps_n", "share"]
    if buyers.empty or sold is None or not sold["product"].notna().any():
        return pd.DataFrame(columns=columns)
    parts, bought = [], _sum_products(sold[sold["product"].notna() & sold["account_id"].isin(buyers["account_id"])], products)
    reps = bought["account_id"].map(buyers.drop_duplicates("account_id").set_index("account_id")["rep_id"])
    for cut, label in _product_labels(buyers, peers).items():
        of_account = label.set_axis(buyers["account_id"])
        of_account = of_account[~of_account.index.duplicated()]
        n = of_account[of_account.index.isin(bought["account_id"])].value_counts()
        by = bought.assign(label=bought["account_id"].map(of_account), rep_id=reps).groupby(["label", "product"])
        part = by.agg(buyers_n=("share", "size"), reps_n=("rep_id", "nunique"), share=("share", "median")).reset_index()
        parts.append(part.assign(cut=cut, customers_n=part["label"].map(n)))
    table = pd.concat(parts, ignore_index=True)[columns]
    table = table[table["buyers_n"] >= MIN_CASES].astype({"buyers_n": float, "customers_n": float, "reps_n": float})
    return table.assign(share=table["share"].round(10)).reset_index(drop=True)


def _product_labels(accounts: pd.DataFrame, peers: Sequence[str]) -> dict[str, pd.Series]:
    """Who is alike in what it buys: by the columns of the peers, without the size; else everybody."""
    return _peer_labels(accounts.drop(columns="employees", errors="ignore"), peers)


@answers("3.4", sales=["product"], accounts=["account_id"])
def summarise_missing_products(
    *, sales: pd.DataFrame, accounts: pd.DataFrame, period: Period, products: pd.DataFrame | None = None,
    product_shares: pd.DataFrame | None = None, peers: Sequence[str] = (), most: int = 6,
) -> Answer:  # fmt: skip
    """White space by product: what each customer would buy more of if it bought as those do that are like it.

    accounts: customers from ``score_potential``. product_shares: the team's ``learn_product_shares``; without one the
    book's own customers stand for it. The ``most`` products with most buyers in the book count. Usual is the middle
    share that a product has in all that its comparable buyers spend (alike in the columns ``peers``, else all).
    Returns one row per customer that bought and product: account_id, account_name, product, bought_amount,
    buyers_share (of comparable customers), revenue_amount, and expected_amount, the order: what is missing to the usual
    share with the rest of its spend as it is; where it buys none, times buyers_share; all products of an account
    together at most its white space. notes: buyers_n.

    >>> sold = pd.DataFrame({"account_id": list("abcdef") + list("abcde"), "product": ["P"] * 6 + ["Q"] * 5,
    ...     "amount": [30.0] * 6 + [10.0] * 5, "sale_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": list("abcdef"), "account_name": list("ABCDEF"), "status": "customer",
    ...     "rep_id": "r", "revenue_amount": [40.0] * 5 + [30.0], "white_space_amount": 50.0})
    >>> answer = summarise_missing_products(sales=sold, accounts=who, period=Period.ending(date(2026, 9, 30)))
    >>> answer.table[["account_name", "product", "expected_amount", "buyers_share"]].round(2).values.tolist()[0]
    ['F', 'Q', 8.33, 0.83]
    """
    who = accounts[accounts["status"] == "customer"].sort_values("account_id").drop_duplicates("account_id")
    sold = sales[period.holds(sales["sale_date"]) & sales["product"].notna() & sales["account_id"].isin(who["account_id"])]
    bought = _sum_products(sold, products)
    if bought["account_id"].nunique() < MIN_CASES or bought["product"].nunique() < 2:
        return Answer("3.4", withheld=f"fewer than {MIN_CASES} customers bought in the period, or they all bought one product")
    who = who[who["account_id"].isin(bought["account_id"])].reset_index(drop=True)
    known = product_shares
    if known is None or known.empty:
        known = _summarise_products(who.assign(rep_id=""), sold, products, peers)
    usual = {(r.cut, r.label, r.product): (r.share, r.buyers_n / r.customers_n) for r in known.itertuples()}
    groups = set(zip(known["cut"], known["label"], strict=True))
    alike: list[tuple[str, str]] = [("all", "all")] * len(who)
    for cut, label in reversed(_product_labels(who, peers).items()):
        alike = [(cut, one) if (cut, one) in groups else was for one, was in zip(label, alike, strict=True)]
    amounts = bought.pivot(index="account_id", columns="product", values="amount").reindex(who["account_id"]).fillna(0.0)
    n = (amounts > 0).sum()
    names = sorted(n.index, key=lambda product: (-n[product], product))[:most]
    whole, each = amounts.sum(axis=1).to_numpy(), {}
    for product in names:
        share, common = np.array([usual.get((*group, product), (0.0, 0.0)) for group in alike]).T
        part, share = amounts[product].to_numpy(), share.clip(0.0, 0.5)
        missing = (share / (1 - share) * (whole - part) - part).clip(min=0.0)
        each[product] = (part, missing * np.where(part > 0, 1.0, common), common)
    room = who["white_space_amount"].to_numpy(float)
    asked = np.sum([missing for _, missing, _ in each.values()], axis=0)
    scale = np.where(asked > 0, np.minimum(1.0, np.nan_to_num(room) / np.where(asked > 0, asked, 1.0)), 1.0)
    table = pd.concat([
        who[["account_id", "account_name", "revenue_amount"]].assign(
            product=product, bought_amount=part, expected_amount=(missing * scale).round(2), buyers_share=common
        )
        for product, (part, missing, common) in each.items()
    ])  # fmt: skip
    table = table.sort_values(["expected_amount", "account_id", "product"], ascending=[False, True, True], ignore_index=True)
    return Answer("3.4", table, notes={"buyers_n": len(who)})


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "peer_spend": (learn_peer_spend, ("accounts", "sales")),
    "spend_model": (learn_spend_model, ("accounts", "sales", "market")),
    "potential_ways": (learn_potential_ways, ("accounts", "sales", "market")),
    "product_shares": (learn_product_shares, ("accounts", "sales", "products")),
}
