"""Step 3: what the market is, how far we are in, and which prospects to open next.

One frame flows through: ``score_potential`` takes the accounts of ``customers.score_accounts`` and adds what each could
spend.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from workbook_helpers.measure import Answer, Definition, Period, answers, sum_money, total
from workbook_helpers.statistics import MIN_CASES, BetaPrior, estimate_shrunk_rate, estimate_wilson_interval

#: Size bands by number of employees, as statistical offices cut them.
SIZE_BANDS = {"1-9 employees": 0, "10-49 employees": 10, "50-249 employees": 50, "250 and more employees": 250}
#: The best customers are this share of the customers, by revenue.
BEST_SHARE = 0.2
#: How many accounts of an average trait a trait's own share among the best must outweigh.
TRAIT_STRENGTH = 20.0

PENETRATION = Definition("penetration", 3, "Penetration", "share", "customers ÷ accounts of the book", roll_up="ratio")
POTENTIAL = Definition(
    "potential", 3, "Potential", "money",
    "sum over accounts of what comparable customers spend a year (upper quantile), at least own spend", roll_up="sum",
)  # fmt: skip
SHARE_OF_WALLET = Definition(
    "share_of_wallet", 3, "Share of wallet", "share",
    "sales of the last 365 days to customers ÷ their potential", roll_up="ratio",
)  # fmt: skip
WHITE_SPACE = Definition(
    "white_space", 3, "White space", "money", "potential − sales of the last 365 days", roll_up="sum"
)
MARKET_SPEND = Definition(
    "market_spend", 3, "Market", "money", "sum of spend over the areas where the rep has accounts", roll_up="team"
)
KNOWN_SHARE = Definition(
    "known_share", 3, "Known part of the market", "share",
    "accounts of the book ÷ establishments, in the areas of the book", roll_up="ratio",
)  # fmt: skip


# --- 3.1: the market --------------------------------------------------------------------------------------------------


@answers("3.1", MARKET_SPEND, KNOWN_SHARE, market=["area", "establishments_n"], accounts=["account_id"])
def summarise_market(
    *,
    market: pd.DataFrame,
    accounts: pd.DataFrame,
    columns: Sequence[str] = ("region", "city", "postal_code", "country", "territory_id"),
) -> Answer:
    """What the market of this book is: areas where the rep has accounts, beside the accounts known there.

    market: area, industry, establishments_n, spend. Its areas are matched with the column of the accounts that names
    most of them. Where accounts have an industry that the market names too, areas are cut by it. Returns area,
    industry, establishments_n, spend, accounts_n, customers_n, known_share (accounts ÷ establishments, at most 1); most
    unknown establishments first.

    >>> market = pd.DataFrame({"area": ["N", "S"], "industry": "X", "establishments_n": [10.0, 99.0], "spend": [100.0,
    ...     900.0]})
    >>> who = pd.DataFrame({"account_id": ["a", "b"], "region": "N", "industry": "X", "status": ["customer",
    ...     "prospect"]})
    >>> summarise_market(market=market, accounts=who).table[["area", "accounts_n", "known_share"]].values.tolist()
    [['N', 2.0, 0.2]]
    """
    areas = set(market["area"])
    place = max((c for c in columns if c in accounts), key=lambda c: accounts[c].isin(areas).sum(), default=None)
    inside = accounts[accounts[place].isin(areas)] if place else accounts.head(0)
    if inside.empty:
        why = f"no area of table market stands in column {', '.join(columns)} of the accounts"
        return Answer("3.1", measures=(MARKET_SPEND.withhold(why), KNOWN_SHARE.withhold(why)), withheld=why)
    keys = ["area"]
    if "industry" in inside and inside["industry"].isin(set(market["industry"].dropna())).any():
        keys = ["area", "industry"]
    own = inside.rename(columns={place: "area"})
    accounts_n = Counter(zip(*(own[key] for key in keys), strict=True))
    customers = own[own["status"] == "customer"]
    customers_n = Counter(zip(*(customers[key] for key in keys), strict=True))
    here = market[market["area"].isin(set(own["area"]))]
    table = here.groupby(keys)[["establishments_n", "spend"]].sum(min_count=1).reset_index()
    for name, n in {"accounts_n": accounts_n, "customers_n": customers_n}.items():
        table[name] = [float(n[area]) for area in zip(*(table[key] for key in keys), strict=True)]
    table["known_share"] = (
        (table["accounts_n"] / table["establishments_n"]).where(table["establishments_n"] > 0).clip(upper=1.0)
    )
    unknown = table["establishments_n"] - table["accounts_n"]
    table = table.loc[unknown.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
    n, found = total(table["establishments_n"]), table[["accounts_n", "establishments_n"]].min(axis=1)
    spend = here["spend"].dropna()
    why = "it needs column spend of table market"
    measures = (
        MARKET_SPEND.measure(total(spend), source="market", rows=table) if len(spend) else MARKET_SPEND.withhold(why),
        KNOWN_SHARE.ratio(total(found), n, source="market, accounts", if_none="the market table counts nothing there"),
    )
    return Answer("3.1", table, measures, {"place": place})


# --- 3.2, 3.3, 3.4: potential, penetration, white space ---------------------------------------------------------------


def _size_band(employees: pd.Series) -> pd.Series:
    names = np.array([np.nan, *SIZE_BANDS], dtype=object)
    band = names[np.digitize(employees.astype(float), list(SIZE_BANDS.values()))]
    return pd.Series(band, index=employees.index, dtype=object).where(employees.notna())


def _peer_labels(accounts: pd.DataFrame, peers: Sequence[str]) -> dict[str, pd.Series]:
    """cut -> label of each account, the finest first: peers and size, peers alone, all."""
    columns = [c for c in peers if c in accounts and accounts[c].notna().any()]
    named = [accounts[c] for c in columns]
    if columns and "employees" in accounts and accounts["employees"].notna().any():
        named.append(_size_band(accounts["employees"]))
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
    customer. Returns cut, label, accounts_n (customers with net sales above 0), reps_n, median_amount, quantile_amount.

    >>> from types import SimpleNamespace
    >>> who = pd.DataFrame({"account_id": list("abcde"), "rep_id": "r", "industry": "X", "employees": 12.0})
    >>> sold = pd.DataFrame({"account_id": list("abcde"), "amount": [1.0, 2.0, 3.0, 4.0, 5.0],
    ...     "sale_date": pd.Timestamp("2026-05-05")})
    >>> spend = learn_peer_spend(accounts=who, sales=sold, as_of=date(2026, 9, 30), period=Period.ending(date(2026, 9,
    ...     30)),
    ...     company=SimpleNamespace(peers=["industry"], potential_quantile=0.75))
    >>> spend[["label", "median_amount", "quantile_amount"]].values.tolist()
    [['X, 10-49 employees', 3.0, 4.0], ['X', 3.0, 4.0], ['all', 3.0, 4.0]]
    """
    columns = ["cut", "label", "accounts_n", "reps_n", "median_amount", "quantile_amount"]
    if accounts is None or sales is None or accounts.empty or sales.empty:
        return pd.DataFrame(columns=columns)
    inside = sales[period.holds(sales["sale_date"])]
    spent = sum_money(inside["amount"], inside["account_id"])
    buyers = accounts.assign(spent=accounts["account_id"].map(spent).astype(float))
    return _summarise_spend(buyers[buyers["spent"] > 0], company.peers, company.potential_quantile)[columns]


def _summarise_spend(buyers: pd.DataFrame, peers: Sequence[str], quantile: float) -> pd.DataFrame:
    parts = []
    for cut, label in _peer_labels(buyers, peers).items():
        by = buyers.groupby(label.rename("label"))
        part = pd.DataFrame({"accounts_n": by.size().astype(float), "reps_n": by["rep_id"].nunique().astype(float)})
        part["median_amount"], part["quantile_amount"] = by["spent"].median(), by["spent"].quantile(quantile)
        parts.append(part.reset_index().assign(cut=cut))
    return pd.concat(parts, ignore_index=True)


def score_potential(
    *, accounts: pd.DataFrame | None, peer_spend: pd.DataFrame | None, peers: Sequence[str], quantile: float
) -> pd.DataFrame | None:
    """What each account could spend with us in a year: one row per account in, the same row with more columns out.

    accounts: from ``customers.score_accounts``. peer_spend: the team's ``learn_peer_spend``; without one the rep's own
    customers stand for it. Adds potential_amount (what comparable customers spend at this quantile, at least own spend;
    missing when fewer than five customers are comparable and the account buys nothing), peers (who was compared),
    wallet_share and white_space_amount (potential − revenue). Method: upper quantile among peers.

    >>> who = pd.DataFrame({"account_id": ["a", "b"], "rep_id": "r", "industry": "X", "revenue_amount": [9.0, 0.0]})
    >>> spend = pd.DataFrame({"cut": ["industry"], "label": ["X"], "accounts_n": [6.0], "quantile_amount": [5.0]})
    >>> scored = score_potential(accounts=who, peer_spend=spend, peers=["industry"], quantile=0.8)
    >>> scored[["potential_amount", "white_space_amount"]].values.tolist()
    [[9.0, 0.0], [5.0, 5.0]]
    """
    if accounts is None:
        return None
    own = accounts.assign(spent=accounts["revenue_amount"])
    known = peer_spend
    if known is None or known.empty:
        known = _summarise_spend(own[own["spent"] > 0], peers, quantile)
    known = known[known["accounts_n"] >= MIN_CASES]
    usual = {(r.cut, r.label): r.quantile_amount for r in known.itertuples()}
    potential = pd.Series(np.nan, index=accounts.index)
    compared = pd.Series(None, index=accounts.index, dtype=object)
    for cut, label in _peer_labels(accounts, peers).items():
        amount = pd.Series([usual.get((cut, name), np.nan) for name in label], index=accounts.index)
        compared = compared.mask(potential.isna() & amount.notna(), label if cut != "all" else "all customers")
        potential = potential.fillna(amount)
    revenue = accounts["revenue_amount"].clip(lower=0.0)
    potential = potential.clip(lower=revenue).fillna(revenue.where(revenue > 0)).round(2)
    return accounts.assign(
        potential_amount=potential, peers=compared, wallet_share=(revenue / potential).where(potential > 0).clip(0, 1),
        white_space_amount=(potential - revenue).clip(lower=0.0),
    )  # fmt: skip


@answers("3.2", accounts=["revenue_amount"])
def summarise_drivers(*, accounts: pd.DataFrame, columns: Sequence[str]) -> Answer:
    """Which traits go with spend: median yearly spend of customers by label, for labels of five customers or more.

    Returns cut, label, customers_n, median_amount, times (÷ median of all customers), widest trait first. It shows what
    goes together, not why.

    >>> who = pd.DataFrame({"revenue_amount": [1.0] * 5 + [3.0] * 5, "industry": ["X"] * 5 + ["Y"] * 5})
    >>> summarise_drivers(accounts=who, columns=["industry"]).table[["label", "median_amount", "times"]].values.tolist()
    [['Y', 3.0, 1.5], ['X', 1.0, 0.5]]
    """
    buyers = accounts[accounts["revenue_amount"] > 0]
    if "employees" in buyers:
        buyers = buyers.assign(size=_size_band(buyers["employees"]))
    usual, rows = buyers["revenue_amount"].median(), []
    for column in (c for c in dict.fromkeys([*columns, "size"]) if c in buyers):
        spent = defaultdict(list)
        for label, stated, amount in zip(buyers[column], buyers[column].notna(), buyers["revenue_amount"], strict=True):
            if stated:
                spent[label].append(amount)
        medians = {label: float(np.median(amounts)) for label, amounts in spent.items() if len(amounts) >= MIN_CASES}
        if len(medians) >= 2:
            spread = max(medians.values()) / min(medians.values())
            rows += [(spread, column, label, len(spent[label]), median, median / usual) for label, median in medians.items()]
    if not rows:
        return Answer("3.2", withheld=f"no trait divides the customers into two groups of at least {MIN_CASES}")
    rows = sorted(rows, key=lambda row: (-row[0], row[1], -row[4], row[2]))
    table = pd.DataFrame([row[1:] for row in rows], columns=["cut", "label", "customers_n", "median_amount", "times"])
    return Answer("3.2", table, notes={"customers_n": len(buyers)})


@answers("3.4", PENETRATION, POTENTIAL, SHARE_OF_WALLET, WHITE_SPACE, accounts=["account_id"])
def summarise_penetration(*, accounts: pd.DataFrame, together: bool = True) -> Answer:
    """How far we are in: penetration, share of wallet, and where white space lies, largest first.

    accounts: from ``score_potential``. together: branches stand with their ultimate parent. Returns customer_id,
    account_name, accounts_n, status, revenue_amount, potential_amount, wallet_share, white_space_amount, peers,
    last_touch_date.

    >>> who = pd.DataFrame({"account_id": list("abcde"), "account_name": list("ABCDE"),
    ...     "status": ["customer"] * 2 + ["prospect"] * 3,
    ...     "revenue_amount": [6.0, 4.0, 0.0, 0.0, 0.0], "potential_amount": 10.0, "white_space_amount": [4.0, 6.0,
    ...     10.0, 10.0, 10.0],
    ...     "peers": "X", "last_touch_date": pd.NaT})
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
    measures = (
        penetration,
        POTENTIAL.measure(sums["potential_amount"], **details),
        SHARE_OF_WALLET.ratio(total(buying["revenue_amount"].clip(lower=0)), total(buying["potential_amount"]),
                              n=len(buying), source="accounts, sales", if_none="no account is a customer"),
        WHITE_SPACE.measure(sums["white_space_amount"], **details),
    )  # fmt: skip
    return Answer("3.4", table, measures, {"unknown_n": n - len(known)})


def _gather(accounts: pd.DataFrame, together: bool) -> pd.DataFrame:
    """One row per ultimate parent (or account), its largest account first in everything that is text."""
    key = accounts["ultimate_parent_id"] if together and "ultimate_parent_id" in accounts else accounts["account_id"]
    rank = accounts["status"].map({"customer": 0, "lapsed": 1, "prospect": 2})
    frame = accounts.assign(customer_id=key, rank=rank, main=accounts["account_id"] != key)
    frame = frame.sort_values(["rank", "main", "potential_amount", "account_id"], ascending=[True, True, False, True])
    by = frame.groupby("customer_id")
    table = by[["account_name", "status", "peers"]].first()
    table["accounts_n"], table["last_touch_date"] = by.size(), by["last_touch_date"].max()
    for name in ("revenue_amount", "potential_amount", "white_space_amount"):
        table[name] = sum_money(frame[name], frame["customer_id"])
    table["wallet_share"] = (
        (table["revenue_amount"] / table["potential_amount"]).where(table["potential_amount"] > 0).clip(0, 1)
    )
    return table.reset_index().sort_values("white_space_amount", ascending=False, kind="stable", ignore_index=True)


@answers("3.4", sales=["product"], accounts=["account_id"])
def summarise_missing_products(
    *, sales: pd.DataFrame, accounts: pd.DataFrame, period: Period, products: pd.DataFrame | None = None
) -> Answer:
    """White space by product: which product each customer does not buy though most like it are bought by the others.

    accounts: customers from ``score_accounts``. Products are put together by family where known. Returns account_id,
    account_name, product (the commonest among the book's customers that this one lacks), buyers_share (of the
    customers), revenue_amount.

    >>> sold = pd.DataFrame({"account_id": list("abcde") + ["a"], "product": ["P"] * 4 + ["Q"] * 2, "amount": 1.0,
    ...     "sale_date": pd.Timestamp("2026-05-05")})
    >>> who = pd.DataFrame({"account_id": list("abcde"), "account_name": list("ABCDE"), "status": "customer",
    ...     "revenue_amount": 1.0})
    >>> answer = summarise_missing_products(sales=sold, accounts=who, period=Period.ending(date(2026, 9, 30)))
    >>> answer.table[["account_name", "product", "buyers_share"]].values.tolist()[0]
    ['E', 'P', 0.8]
    """
    family = {}
    if products is not None and products["family"].notna().any():
        named = products[products["family"].notna()]
        family = dict(zip(named["product"], named["family"], strict=True))
    who = accounts[accounts["status"] == "customer"]
    sold = sales[period.holds(sales["sale_date"]) & sales["product"].notna() & sales["account_id"].isin(who["account_id"])]
    bought = {(account, family.get(p, p)) for account, p in zip(sold["account_id"], sold["product"], strict=True)}
    buyers, n = {account for account, _ in bought}, Counter(product for _, product in bought)
    if len(buyers) < MIN_CASES or len(n) < 2:
        return Answer(
            "3.4", withheld=f"fewer than {MIN_CASES} customers bought in the period, or they all bought one product"
        )
    rows, common = [], sorted(n, key=lambda product: (-n[product], product))
    for account, name, revenue in zip(who["account_id"], who["account_name"], who["revenue_amount"], strict=True):
        product = next((product for product in common if (account, product) not in bought), None)
        if account in buyers and product is not None:
            rows.append((account, product, n[product] / len(buyers), name, revenue))
    rows = sorted(rows, key=lambda row: (-row[2], -row[4], row[0]))
    table = pd.DataFrame(rows, columns=["account_id", "product", "buyers_share", "account_name", "revenue_amount"])
    return Answer("3.4", table, notes={"family": bool(family)})


def summarise_size(*, market: Answer, penetration: Answer) -> Answer:
    """How big the market is, by the ways that can be gone: way, amount (a year), largest first. notes: spread.

    market: ``summarise_market``; penetration: ``summarise_penetration``. Which part can be won is for people to say.

    >>> space = Answer("3.4", measures=(POTENTIAL.measure(50.0),))
    >>> summarise_size(market=Answer("3.1", measures=(MARKET_SPEND.measure(100.0),)), penetration=space).notes["spread"]
    2.0
    """
    ways = {"top-down: what the areas of the book spend": (market, "market_spend"),
            "bottom-up: what the accounts of the book could spend": (penetration, "potential")}  # fmt: skip
    known = [(way, answer[name].value) for way, (answer, name) in ways.items() if answer[name].value]
    if not known:
        return Answer("3.3", withheld="neither the market table nor comparable customers tell it")
    table = pd.DataFrame(known, columns=["way", "amount"]).sort_values("amount", ascending=False, ignore_index=True)
    return Answer("3.3", table, notes={"spread": float(table["amount"].max() / table["amount"].min())})


# --- 3.6, 3.7: the right targets --------------------------------------------------------------------------------------


def _traits(accounts: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of text by which accounts are alike: the company's own, and the size band."""
    traits = accounts[[c for c in dict.fromkeys(columns) if c in accounts and accounts[c].notna().any()]].astype(object)
    if "employees" in accounts and accounts["employees"].notna().any():
        traits = traits.assign(size=_size_band(accounts["employees"]))
    return traits


def learn_best_traits(
    *, accounts: pd.DataFrame | None, sales: pd.DataFrame | None, as_of: date, period: Period, company: Any
) -> pd.DataFrame:
    """Traits that set the team's best customers (the top fifth by revenue in the period) apart from all its accounts.

    Traits: the columns ``company.segments`` and ``company.peers`` and the band of employees. Returns cut, label,
    best_n, accounts_n, reps_n, lift: share of best among the accounts with the trait, shrunk by its number of accounts,
    ÷ share of best among all. Method: ideal customer profile by lift. It says who the best are, not why.

    >>> from types import SimpleNamespace
    >>> who = pd.DataFrame({"account_id": list("abcdefghij"), "rep_id": "r", "industry": ["X"] * 5 + ["Y"] * 5})
    >>> sold = pd.DataFrame({"account_id": list("abcde"), "amount": [9.0, 1.0, 1.0, 1.0, 1.0],
    ...     "sale_date": pd.Timestamp("2026-05-05")})
    >>> traits = learn_best_traits(accounts=who, sales=sold, as_of=date(2026, 9, 30), period=Period.ending(date(2026,
    ...     9, 30)),
    ...     company=SimpleNamespace(segments=["industry"], peers=[]))
    >>> traits[["label", "best_n", "accounts_n", "lift"]].round(2).values.tolist()
    [['X', 1.0, 5.0, 1.2], ['Y', 0.0, 5.0, 0.8]]
    """
    columns = ["cut", "label", "best_n", "accounts_n", "reps_n", "lift"]
    if accounts is None or sales is None or accounts.empty:
        return pd.DataFrame(columns=columns)
    inside = sales[period.holds(sales["sale_date"])]
    spent = accounts["account_id"].map(sum_money(inside["amount"], inside["account_id"])).astype(float).fillna(0.0)
    return _summarise_traits(accounts, spent, [*company.segments, *company.peers])


def _summarise_traits(accounts: pd.DataFrame, spent: pd.Series, columns: Sequence[str]) -> pd.DataFrame:
    names = ["cut", "label", "best_n", "accounts_n", "reps_n", "lift"]
    if (spent > 0).sum() < MIN_CASES:
        return pd.DataFrame(columns=names)
    best = (spent > 0) & (spent >= spent[spent > 0].quantile(1 - BEST_SHARE))
    base, parts = float(best.mean()), []
    traits = _traits(accounts, columns)
    for cut in traits:
        by = pd.DataFrame({"label": traits[cut], "best": best, "rep_id": accounts["rep_id"]}).groupby("label")
        part = by.agg(best_n=("best", "sum"), accounts_n=("best", "size"), reps_n=("rep_id", "nunique")).astype(float)
        part["lift"] = estimate_shrunk_rate(part["best_n"], part["accounts_n"], BetaPrior(base, TRAIT_STRENGTH)) / base
        parts.append(part.reset_index().assign(cut=cut).sort_values(["lift", "label"], ascending=[False, True]))
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


@answers("3.6", accounts=["account_id"])
def rank_targets(
    *, accounts: pd.DataFrame, best_traits: pd.DataFrame | None, columns: Sequence[str], together: bool = True
) -> Answer:
    """Which prospects to open: those most like the best customers, and with most to spend, first.

    accounts: from ``score_potential``. best_traits: the team's ``learn_best_traits``; without one the rep's own
    accounts teach it. Prospects with an open deal are being opened already and are left out. together: branches stand
    with their ultimate parent. Returns account_id, account_name, accounts_n (prospects of that parent), score
    (geometric mean of the lifts of its traits; 1 is an average account), why (its strongest traits), sister (a customer
    of the same parent, or None), potential_amount, worth_amount (score × potential, the order), last_touch_date. notes:
    profile (traits with the highest lift), in_work_n.

    >>> who = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"], "status": "prospect",
    ...     "industry": ["X", "Y"], "open_n": 0.0,
    ...     "potential_amount": 10.0, "last_touch_date": pd.NaT})
    >>> best = pd.DataFrame({"cut": "industry", "label": ["X", "Y"], "best_n": [9.0, 0.0], "accounts_n": 20.0,
    ...     "lift": [2.0, 0.5]})
    >>> rank_targets(accounts=who, best_traits=best, columns=["industry"]).table[["account_name", "score", "why",
    ...     "worth_amount"]].values.tolist()
    [['A', 2.0, 'X, 2.0 times as common among the best customers', 20.0], ['B', 0.5, '', 5.0]]
    """
    if best_traits is None or best_traits.empty:
        own = accounts if "rep_id" in accounts else accounts.assign(rep_id="")
        best_traits = _summarise_traits(own, accounts["revenue_amount"], columns)
    prospects = accounts[(accounts["status"] == "prospect")].sort_values("account_id", ignore_index=True)
    if prospects.empty:
        return Answer("3.6", withheld="the book holds no prospect (an account that never bought)")
    traits = _traits(prospects, columns)
    lifts = {(r.cut, r.label): float(r.lift) for r in best_traits.itertuples()}
    if not any((cut, label) in lifts for cut in traits for label in traits[cut].dropna().unique()):
        return Answer("3.6", withheld=f"no trait of the prospects is known among at least {MIN_CASES} customers")
    each = pd.DataFrame(
        {c: [lifts.get((c, label), np.nan) for label in traits[c]] for c in traits}, index=prospects.index
    )
    prospects["score"] = np.exp(np.log(each).mean(axis=1)).fillna(1.0)
    pairs = zip(traits.itertuples(index=False, name=None), each.itertuples(index=False, name=None), strict=True)
    prospects["why"] = [_say_traits(*pair) for pair in pairs]
    key = "ultimate_parent_id" if together and "ultimate_parent_id" in accounts else "account_id"
    buying = accounts[accounts["status"] == "customer"].sort_values("account_id").drop_duplicates(key)
    prospects["sister"] = prospects[key].map(buying.set_index(key)["account_name"].to_dict()).astype(object)
    prospects["worth_amount"] = (prospects["score"] * prospects["potential_amount"]).round(2)
    free = prospects[prospects["open_n"] == 0]
    free = free.sort_values(["worth_amount", "score", "account_id"], ascending=[False, False, True])
    by = free.groupby(key, sort=False)
    table = by.head(1).assign(accounts_n=by["account_id"].size().to_numpy())
    shown = [
        "account_id",
        "account_name",
        "accounts_n",
        "score",
        "why",
        "sister",
        "potential_amount",
        "worth_amount",
        "last_touch_date",
    ]
    strong = best_traits[(best_traits["lift"] > 1.1) & (best_traits["best_n"] >= MIN_CASES)].sort_values(
        ["lift", "cut", "label"], ascending=[False, True, True]
    )
    notes = {
        "profile": [f"{r.label} ({r.lift:.1f} times as common)" for r in strong.head(3).itertuples()],
        "in_work_n": len(prospects) - len(free),
    }
    if table.empty:
        return Answer("3.6", notes=notes, withheld="every prospect of the book has an open deal already")
    return Answer("3.6", table[shown].reset_index(drop=True), notes=notes)


def _say_traits(labels: Sequence[str], lifts: Sequence[float]) -> str:
    known = [(label, lift) for label, lift in zip(labels, lifts, strict=True) if lift > 1.1]
    strong = sorted(known, key=lambda pair: -pair[1])[:2]
    if not strong:
        return ""
    names, times = " and ".join(str(label) for label, _ in strong), " and ".join(f"{lift:.1f}" for _, lift in strong)
    return f"{names}, {times} times as common among the best customers"


@answers("3.7", leads=["lead_id", "wants_it"])
def summarise_leads(*, leads: pd.DataFrame, as_of: date) -> Answer:
    """Is a lead qualified: wants it, uses it well, has a date to act by? Leads and their conversion, qualified beside
    the rest.

    wants_it, uses_it_well: yes, true, 1, y or x means yes. Returns label (qualified, not qualified), leads_n,
    converted_n, converted_share (missing below five), low_share, high_share.

    >>> leads = pd.DataFrame({"lead_id": list("abcdef"), "wants_it": ["yes"] * 5 + ["no"], "uses_it_well": "yes",
    ...     "event_date": pd.Timestamp("2026-12-01"), "converted_date": pd.to_datetime(["2026-05-05"] + [None] * 5)})
    >>> summarise_leads(leads=leads, as_of=date(2026, 9, 30)).table[["label", "leads_n",
    ...     "converted_share"]].values.tolist()
    [['qualified', 5, 0.2], ['not qualified', 1, nan]]
    """
    if leads.empty:
        return Answer("3.7", withheld="the rep has no leads")
    yes = leads[["wants_it", "uses_it_well"]].apply(
        lambda c: c.astype(str).str.strip().str.lower().isin(["yes", "true", "1", "1.0", "y", "x"])
    )
    qualified = yes.all(axis=1) & leads["event_date"].notna()
    converted = leads["converted_date"] <= pd.Timestamp(as_of)
    rows = []
    for label, inside in (("qualified", qualified), ("not qualified", ~qualified)):
        n, hits = int(inside.sum()), int((converted & inside).sum())
        low, high = estimate_wilson_interval(hits, n) if n >= MIN_CASES else (np.nan, np.nan)
        rows.append((label, n, hits, hits / n if n >= MIN_CASES else np.nan, low, high))
    names = ["label", "leads_n", "converted_n", "converted_share", "low_share", "high_share"]
    return Answer("3.7", pd.DataFrame(rows, columns=names))


#: What the team teaches this step: name -> (function, frames it needs).
LEARNED = {
    "peer_spend": (learn_peer_spend, ("accounts", "sales")),
    "best_traits": (learn_best_traits, ("accounts", "sales")),
}
