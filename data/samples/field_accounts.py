"""Who could buy, who owns whom, and what each account is worth: accounts, owners, territories, contacts, market.

The frame that ``build_accounts`` returns also carries the truth (potential, wallet share, order rate, churn day); the
exports take only the columns that a CRM would know. Days are whole numbers counted from the first day of the exports.
"""

from __future__ import annotations

from datetime import timedelta

import field_world as w
import numpy as np
import pandas as pd
from scipy.special import ndtri

HORIZON = (w.AS_OF - w.START).days  # the last day that anything is known
CUSTOMERS_PER_BOOK, PROSPECTS_N = 45, 700
POTENTIAL_LOG_SD, TERRITORY_LOG_SD, SKILL_SD_ORDINARY, SKILL_PLANTED = 1.68, 0.35, 0.06, 0.35
BOOK_POTENTIAL = 2_000_000.0  # yearly spend on supplies of one ordinary territory's customers, ours and competitors'
ORDER_RATE_EXPONENT, ORDERS_PER_YEAR, ORDERS_CLIP = 0.65, 9.0, (1.0, 104.0)
CHURN_PER_YEAR, CHURN_PER_YEAR_SEGMENT = 0.12, 0.24
SKILL_BY_TERRITORY = {"R05": (0.35, -0.35), "R14": (-0.35, 0.35), "R19": (0.35, 0.35), "R23": (-0.35, -0.35)}


def day_of(day) -> int:
    """Days from the first day of the exports."""
    return (day - w.START).days


def say_day(day: float) -> str:
    """The calendar date of a day number, as the exports write it."""
    return "" if pd.isna(day) else (w.START + timedelta(days=int(day))).isoformat()


def draw_rep_truths(seed: int) -> pd.DataFrame:
    """Territory potential and skill per rep, both in log points; the four planted combinations stand apart."""
    rng = w.rng_for(seed, "rep truths")
    reps = [rep for _, rep, _ in w.TERRITORIES.values()]
    ordinary = [rep for rep in reps if rep not in SKILL_BY_TERRITORY]
    scores = ndtri((np.arange(len(ordinary)) + 0.5) / len(ordinary))
    frame = pd.DataFrame(
        {
            "territory_effect": rng.permutation(scores * TERRITORY_LOG_SD).clip(-0.4, 0.4),
            "skill": rng.permutation(scores * SKILL_SD_ORDINARY),
            "win_effect": rng.permutation(scores * 0.25),
        },
        index=ordinary,
    )
    for rep, (skill, territory) in SKILL_BY_TERRITORY.items():
        frame.loc[rep] = [territory, skill, skill]
    frame.loc["H1"] = [-0.2, 0.0, 0.0]
    return frame.loc[reps].round(3)


def draw_places(rng: np.random.Generator) -> pd.DataFrame:
    """One row per account: territory, city and whether it buys at the start; Maryland has prospects, few customers."""
    rows = []
    territories = list(w.TERRITORIES)
    prospects = dict.fromkeys(territories, 28)
    prospects["T13"] += 22
    for extra in rng.choice(territories[:-1], PROSPECTS_N - sum(prospects.values()), replace=False):
        prospects[extra] += 1
    for territory, (_, _, cities) in w.TERRITORIES.items():
        weights = np.array([1.0 if city[1] != "ON" else 0.35 for city in cities]) * np.linspace(1.5, 0.8, len(cities))
        for is_customer, count in ((True, CUSTOMERS_PER_BOOK), (False, prospects[territory])):
            pull = weights.copy()
            if territory == "T13":
                few = np.array([city[1] == w.UNDERSERVED_REGION for city in cities])
                pull[few] *= 0.25 if is_customer else 6.0
            for place in rng.choice(len(cities), count, p=pull / pull.sum()):
                rows.append((territory, *cities[place], is_customer))
    columns = ["territory_id", "city", "region", "latitude", "longitude", "postal_code", "is_customer"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["country"] = np.where(frame["region"] == "ON", "CA", "US")
    frame["latitude"] = (frame["latitude"] + rng.normal(0, 0.06, len(frame))).round(4)
    frame["longitude"] = (frame["longitude"] + rng.normal(0, 0.07, len(frame))).round(4)
    return frame


def plant_potential(accounts: pd.DataFrame, truths: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Yearly potential, lognormal within each territory (80/20), and the head count that goes with it.

    The normal scores are stratified, so that every book has its few large accounts and none is all there is.
    """
    accounts = accounts.copy()
    score = np.empty(len(accounts))
    for _, rows in accounts.groupby(["territory_id", "is_customer"], sort=False).groups.items():
        strata = (rng.permutation(len(rows)) + rng.uniform(0.05, 0.95, len(rows))) / len(rows)
        score[rows] = ndtri(strata).clip(-2.6, 2.6)
    industry = accounts["industry"].map(lambda name: w.INDUSTRIES[name][1]).to_numpy()
    shape = industry * np.exp(POTENTIAL_LOG_SD * score)
    for territory, rows in accounts.groupby("territory_id", sort=False).groups.items():
        customers = accounts.loc[rows, "is_customer"].to_numpy()
        effect = truths.loc[w.TERRITORIES[territory][1], "territory_effect"]
        shape[rows] *= BOOK_POTENTIAL * np.exp(effect) / shape[rows][customers].sum()
    accounts["potential"] = shape.round(-1).clip(200)
    heads = accounts["industry"].map(lambda name: w.INDUSTRIES[name][2]).to_numpy()
    noise = 0.8 * score + 0.6 * rng.standard_normal(len(accounts))
    accounts["employees"] = np.maximum(2, (heads * np.exp(1.1 * noise)).round()).clip(max=2400).astype(int)
    accounts["annual_revenue"] = (accounts["employees"] * rng.lognormal(np.log(135_000), 0.25, len(accounts))).round(-4)
    return accounts


def plant_buying(accounts: pd.DataFrame, truths: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Share of wallet (rep's skill inside), order rate, order size, and the day on which a customer leaves for good."""
    accounts = accounts.copy()
    rep = accounts["territory_id"].map(lambda territory: w.TERRITORIES[territory][1])
    wallet = 1 / (1 + np.exp(-rng.normal(0.0, 0.35, len(accounts))))
    wallet = wallet * np.exp(rep.map(truths["skill"])) * accounts["buys_through"].map({"Buying group": 0.8}).fillna(1.0)
    accounts["wallet_share"] = wallet.clip(0.04, 0.96).round(3)
    power = accounts["potential"] ** ORDER_RATE_EXPONENT
    rate = ORDERS_PER_YEAR * power / power[accounts["is_customer"]].mean()
    accounts["orders_per_year"] = rate.clip(*ORDERS_CLIP).round(2)
    accounts["order_size"] = 0.65 * accounts["potential"] * accounts["wallet_share"] / accounts["orders_per_year"]
    hazard = np.where(accounts["industry"] == w.CHURN_SEGMENT, CHURN_PER_YEAR_SEGMENT, CHURN_PER_YEAR)
    accounts["lifetime_days"] = (rng.exponential(1 / hazard) * 365.25).round()
    accounts["first_day"] = np.where(accounts["is_customer"], 0.0, np.nan)  # prospects: set by their first won deal
    return accounts


def name_accounts(accounts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Unique names that fit industry and place, and ids that give nothing away."""
    accounts = accounts.copy()
    taken, names = set(), []
    for row in accounts.itertuples():
        endings = w.INDUSTRIES[row.industry][3]
        while True:
            word = row.city if rng.random() < 0.08 else w.PLACE_WORDS[rng.integers(len(w.PLACE_WORDS))]
            name = f"{word} {endings[rng.integers(len(endings))]}"
            if name in taken:
                name = f"{name} of {row.city}"
            if name not in taken and not (word == row.city and name.endswith(f"of {row.city}")):
                break
        taken.add(name)
        names.append(name)
    accounts["account_name"] = names
    accounts["account_id"] = [f"{number:06d}" for number in 101 + rng.permutation(len(accounts))]
    return accounts


def join_groups(accounts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Parents and branches: twelve groups inside one territory, three national ones led from the house desk."""
    accounts = accounts.copy()
    accounts["parent_account_id"] = ""
    free = accounts["is_customer"].to_numpy().copy()
    home = list(rng.choice([t for t in w.TERRITORIES if t not in ("T00", "T20")], 12, replace=False)) + ["T00"] * 3
    for group, territory in zip(w.GROUP_WORDS, home, strict=True):
        local = np.flatnonzero(free & (accounts["territory_id"] == territory))
        parent = local[rng.integers(len(local))]
        industry = accounts.at[parent, "industry"]
        alike = free & (accounts["industry"] == industry).to_numpy()
        alike &= (accounts["territory_id"] == territory).to_numpy() != (territory == "T00")
        alike[parent] = False
        pool = np.flatnonzero(alike)
        branches = rng.choice(pool, min(len(pool), 5 if territory == "T00" else int(rng.integers(2, 4))), replace=False)
        ending = w.INDUSTRIES[industry][3][0]
        accounts.at[parent, "account_name"] = f"{group} {ending} Group"
        for branch in branches:
            accounts.at[branch, "account_name"] = f"{group} {ending}, {accounts.at[branch, 'city']}"
            accounts.at[branch, "parent_account_id"] = accounts.at[parent, "account_id"]
        free[[parent, *branches]] = False
    again = accounts["account_name"].duplicated()
    accounts.loc[again, "account_name"] += " No. " + (accounts[again].groupby("account_name").cumcount() + 2).astype(
        str
    )
    return accounts


def build_accounts(seed: int, truths: pd.DataFrame) -> pd.DataFrame:
    """All accounts with their truth, one row each."""
    rng = w.rng_for(seed, "accounts")
    accounts = draw_places(rng)
    shares = [traits[0] for traits in w.INDUSTRIES.values()]
    accounts["industry"] = rng.choice(list(w.INDUSTRIES), len(accounts), p=shares)
    accounts["lead_source"] = rng.choice(list(w.LEAD_SOURCES), len(accounts), p=list(w.LEAD_SOURCES.values()))
    accounts["buys_through"] = rng.choice(["Direct", "Buying group"], len(accounts), p=[0.7, 0.3])
    accounts = plant_potential(accounts, truths, rng)
    accounts = plant_buying(accounts, truths, rng)
    accounts = join_groups(name_accounts(accounts, rng), rng)
    accounts["web_visits_n"] = rng.poisson(3 + 6 * np.sqrt(accounts["employees"] / 20))
    old = -rng.integers(420, 2900, len(accounts))
    recent = rng.integers(0, HORIZON - 60, len(accounts))
    is_recent = ~accounts["is_customer"] & (rng.random(len(accounts)) < 0.4)
    accounts["created_day"] = np.where(is_recent, recent, old)
    return accounts


def draw_owners(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Who owned each account and when; a vacant account has no row for the time in which nobody owned it."""
    rng = w.rng_for(seed, "owners")
    by_size = accounts.sort_values(["potential", "account_id"])
    recut = {t: set(by_size[by_size["is_customer"] & (by_size["territory_id"] == t)].index[4:10]) for t in w.OLD_NAMES}
    plains = by_size[(by_size["territory_id"] == "T20") & (by_size["parent_account_id"] == "")].index
    vacant = set(plains[[2, 5, 9, 12, 16, 20, 24, 29, 33]])
    never = set(
        rng.choice(by_size.index[~by_size["is_customer"] & (by_size["territory_id"] != "T20")], 4, replace=False)
    )
    rows = []
    for row in accounts.itertuples():
        rep = w.TERRITORIES[row.territory_id][1]
        since = max(row.created_day, day_of(w.REPS[rep][2]) if rep in w.REPS else row.created_day)
        if row.Index in never:
            continue
        if row.Index in recut.get(row.territory_id, ()):
            steps = [(rep, since), ("H1", day_of(w.RECUT))]
        elif row.territory_id == "T20":
            steps = [(rep, since), ("", day_of(w.HANDOVER))] if row.Index in vacant else [
                (rep, since), ("M4", day_of(w.HANDOVER)), ("R24", day_of(w.HIRED))]  # fmt: skip
        elif row.city == "Erie":
            steps = [(rep, since), ("R04", day_of(w.ERIE_MOVES))]
        else:
            steps = [(rep, since)]
        steps = [(owner, max(day, since)) for owner, day in steps]
        ends = [day - 1 for _, day in steps[1:]] + [np.nan]
        rows += [(row.account_id, owner, first, last) for (owner, first), last in zip(steps, ends, strict=True)
                 if owner and not last < first]  # fmt: skip
    return pd.DataFrame(rows, columns=["account_id", "rep_id", "first_day", "last_day"])


def owner_lookup(owners: pd.DataFrame):
    """A function (account_id, day) -> rep_id, or "" where nobody owned the account."""
    spells: dict[str, list[tuple[float, float, str]]] = {}
    for row in owners.itertuples():
        last = np.inf if pd.isna(row.last_day) else row.last_day
        spells.setdefault(row.account_id, []).append((row.first_day, last, row.rep_id))

    def owner_on(account_id: str, day: float) -> str:
        return next((rep for first, last, rep in spells.get(account_id, ()) if first <= day <= last), "")

    return owner_on


def draw_contacts(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One to three people per account; some have left."""
    rng = w.rng_for(seed, "contacts")
    rows = []
    for row in accounts.itertuples():
        for role in rng.choice(w.CONTACT_ROLES, 1 + rng.binomial(2, 0.35), replace=False):
            since = max(row.created_day, -1500) + int(rng.integers(0, 200))
            since = min(since, HORIZON - 5)
            until = since + int(rng.exponential(2600))
            rows.append((row.account_id, role, since, until if until < HORIZON else np.nan))
    frame = pd.DataFrame(rows, columns=["account_id", "role", "first_day", "last_day"])
    frame.insert(0, "contact_id", [f"C{number:05d}" for number in range(1, len(frame) + 1)])
    return frame


def list_territories() -> pd.DataFrame:
    """The dated history of the territories: the recut of four, and the Southern Plains passing from hand to hand."""
    rows = []
    for territory, (name, rep, _) in w.TERRITORIES.items():
        if territory in w.OLD_NAMES:
            rows += [(territory, w.OLD_NAMES[territory], rep, "2022-01-01", "2025-09-30"),
                     (territory, name, rep, w.RECUT.isoformat(), "")]  # fmt: skip
        elif territory == "T20":
            rows += [(territory, name, w.LEAVER, "2022-01-01", "2026-03-31"),
                     (territory, name, "M4", w.HANDOVER.isoformat(), "2026-09-22"),
                     (territory, name, w.NEW_HIRE, w.HIRED.isoformat(), "")]  # fmt: skip
        else:
            rows.append((territory, name, rep, "2022-01-01", ""))
    return pd.DataFrame(rows, columns=["territory_id", "territory_name", "rep_id", "valid_from", "valid_to"])


def draw_market(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The market inside each state's delivery zone, by industry: what all accounts there could spend, known or not.

    The known accounts are about a third of it everywhere but in the under-served state, where they are a fifteenth.
    """
    rng = w.rng_for(seed, "market")
    rows = []
    for region in sorted(accounts["region"].unique()):
        known = accounts[accounts["region"] == region]
        spend_all = known["potential"].sum() * (15.0 if region == w.UNDERSERVED_REGION else 3.0)
        weights = np.array([share * size for share, size, _, _ in w.INDUSTRIES.values()]) * rng.lognormal(0, 0.12, 6)
        population = int(round(spend_all * rng.normal(0.23, 0.015), -3))
        for (industry, (_, size, heads, _)), weight in zip(w.INDUSTRIES.items(), weights / weights.sum(), strict=True):
            spend = spend_all * weight
            offices = max(3, int(round(spend / (45_000 * size))))
            rows.append((region, industry, offices, int(offices * heads * 1.6), population,
                         w.MEDIAN_INCOME[region], int(round(spend, -3))))  # fmt: skip
    columns = ["area", "industry", "establishments_n", "employees_n", "population_n", "income", "spend"]
    return pd.DataFrame(rows, columns=columns)
