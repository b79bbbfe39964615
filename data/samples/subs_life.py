"""How the company's customers live: they are won, begin a contract, grow, renew or leave. Days count from the first day of the exports.

New business: deals arrive by territory and close by the month of the fiscal quarter; each is won with log-odds that are a
sum over what is known at its creation. A win begins a yearly contract and, 30 days on, hands the account to the account manager.
Contracts: each ends after a year; 60 to 100 days before, a renewal deal is created. A lost one ends the contract, a won one
begins the next. Expansion deals come at a constant rate once the customer is older than six months; a won one adds a
contract that ends with the running one, so that the next renewal holds both.
"""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pandas as pd
import subs_world as w
from sample_tools import rng_for

HORIZON = (w.AS_OF - w.START).days
CUSTOMERS, PROSPECTS, HOUSE_CUSTOMERS = 46, 120, 50
DEALS_PER_MONTH, FEW_DEALS_PER_MONTH = 4.6, 0.14
LOG_ODDS = {"base": -0.72, "competitor": -1.0, "Referral": 0.7, "Website": -0.4, "amount_per_e": -0.2}
REP_SD, COMPETITOR_SHARE = 0.2, 0.28
PASS_RATES = (0.76, 0.72, 0.65, 0.80)
LEAK_STAGE, LEAK_PASS, LEAK_REPS = 2, 0.38, ("N2", "N6")
QUARTER_WEIGHTS = (0.60, 0.80, 1.60)  # of closing in the first, second and last month of a fiscal quarter
RECUT_LIFT = 1.35  # on the deals of the territory that was cut smaller, from that day
CHURN = {"Starter": 0.30, "Team": 0.15, "Enterprise": 0.15}  # share of ending contracts that is not renewed
CONTRACTION, CONTRACTED_TO = 0.08, 0.8
EXPANSION_AFTER_DAYS, EXPANSION_PER_YEAR, EXPANSION_WON = 182, 0.55, 0.48
QUIET_BEFORE_RENEWAL = 25  # an expansion that would close later than that is left to the renewal
HANDOVER_DAYS = 30


def day_of(day) -> int:
    return (day - w.START).days


def say_day(day) -> str:
    """The calendar date of a day number, as the exports write it: month/day/year."""
    return "" if pd.isna(day) else (w.START + timedelta(days=int(day))).strftime("%m/%d/%Y")


def to_weekday(day: float) -> int:
    """A Saturday or Sunday becomes the Friday before."""
    return int(day) - max(0, (w.START.weekday() + int(day)) % 7 - 4)


def quarter_month(day: float) -> int:
    """0, 1 or 2: which month of the fiscal quarter (Feb–Apr, May–Jul, Aug–Oct, Nov–Jan) holds the day."""
    return ((w.START + timedelta(days=int(day))).month - 2) % 3


def build_accounts(seed: int) -> pd.DataFrame:
    """Customers and prospects of every territory, and the small customers of the desk."""
    rng = rng_for(seed, "accounts")
    rows = []
    for territory, (industry, sizes, _, _) in w.TERRITORIES.items():
        few = territory == f"T{w.FEW_DEALS[1]}"
        for is_customer, count in ((True, CUSTOMERS - 20 * few), (False, PROSPECTS - 60 * few)):
            rows += [(territory, industry, size, is_customer)
                     for size in rng.choice(sizes, count, p=[w.SIZES[s][0] for s in sizes])]  # fmt: skip
    rows += [("T0", w.INDUSTRIES[n % 4], "Small", True) for n in range(HOUSE_CUSTOMERS)]
    accounts = pd.DataFrame(rows, columns=["territory_id", "industry", "size_band", "is_customer"])
    n = len(accounts)
    accounts["region"] = rng.choice(list(w.REGIONS), n, p=list(w.REGIONS.values()))
    accounts["tier"] = [rng.choice(list(w.TIERS), p=w.TIER_SHARES[size]) for size in accounts["size_band"]]
    accounts["employees"] = [max(8, int(w.SIZES[size][1] * rng.lognormal(0, 0.5))) for size in accounts["size_band"]]
    accounts["annual_revenue"] = (accounts["employees"] * rng.lognormal(np.log(160_000), 0.3, n)).round(-4).astype(int)
    accounts["lead_source"] = rng.choice(list(w.LEAD_SOURCES), n, p=list(w.LEAD_SOURCES.values()))
    accounts["web_visits_n"] = rng.poisson(4 + 3 * np.log10(accounts["employees"]))
    accounts["worth"] = [w.SIZES[size][2] * rng.lognormal(0, 0.45) for size in accounts["size_band"]]
    accounts.loc[accounts["territory_id"] == "T0", "worth"] *= 0.35
    is_old, old, recent = rng.random(n) < 0.5, -rng.integers(400, 1600, n), rng.integers(0, HORIZON - 90, n)
    accounts["created_day"] = np.where(accounts["is_customer"] | is_old, old, recent)
    accounts["account_id"] = [f"0015e{number:07d}" for number in 40_211 + rng.permutation(n)]
    accounts["account_name"] = _name_accounts(accounts, rng)
    return accounts


FIRST = (
    "Alder", "Anvil", "Beacon", "Birch", "Bluff", "Bridge", "Canyon", "Cedar", "Cinder", "Coral", "Crest", "Delta",
    "Elm", "Ember", "Fable", "Falcon", "Fern", "Flint", "Garnet", "Glen", "Granite", "Harbor", "Haven", "Hollow",
    "Ivory", "Juniper", "Keystone", "Lantern", "Laurel", "Linden", "Magnet", "Maple", "Meridian", "Mesa", "Mill",
    "North", "Oak", "Onyx", "Orchard", "Osprey", "Pebble", "Pioneer", "Prairie", "Quarry", "Raven", "Ridge", "River",
    "Saffron", "Sable", "Sierra", "Silver", "Slate", "Summit", "Tern", "Thistle", "Timber", "Union", "Vale", "Willow",
    "Zephyr",
)  # fmt: skip
LAST = {"Manufacturing": ("Castings", "Tool Works", "Plastics", "Packaging", "Components", "Mills"),
        "Logistics": ("Freight", "Cold Chain", "Parcel", "Haulage", "Warehousing", "Carriers"),
        "Healthcare": ("Clinics", "Care Group", "Hospitals", "Home Care", "Rehab Centers", "Senior Living"),
        "Services": ("Facility Care", "Security", "Field Repair", "Landscapes", "Elevators", "Cleaning")}  # fmt: skip


def _name_accounts(accounts: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    names: list[str] = []
    taken: set[str] = set()
    for industry in accounts["industry"]:
        name = ""
        while not name or name in taken:
            name = f"{rng.choice(FIRST)} {rng.choice(LAST[industry])}"
            if name in taken:
                name = f"{rng.choice(FIRST)} {name}"
        taken.add(name)
        names.append(name)
    return names


def seller_on(territory: str, region: str, day: float) -> str:
    """The new-business rep who works a territory's prospects on a day."""
    if territory == "T0":
        return w.HOUSE
    if territory == "T8":
        return w.LEAVER if day <= day_of(w.LEFT) else w.CARRIER if day < day_of(w.HIRED) else w.NEW_HIRE
    return w.TERRITORIES[_cut(territory, region, day)][2]


def keeper_on(territory: str, region: str, day: float) -> str:
    """The account manager who keeps a territory's customers on a day."""
    return w.HOUSE if territory == "T0" else w.TERRITORIES[_cut(territory, region, day)][3]


def _cut(territory: str, region: str, day: float) -> str:
    return "T7" if territory == "T5" and region == "West" and day >= day_of(w.RECUT) else territory


def draw_rep_effects(seed: int) -> dict[str, float]:
    """What each seller adds to the log-odds of winning."""
    rng = rng_for(seed, "reps")
    sellers = [*(t[2] for t in w.TERRITORIES.values()), w.LEAVER]
    return dict(zip(sellers, rng.normal(0, REP_SD, len(sellers)).round(3), strict=True))


def sell_new(accounts: pd.DataFrame, effects: dict[str, float], seed: int) -> pd.DataFrame:
    """Every new-business deal with what is known at its creation and how it ends."""
    rng = rng_for(seed, "new business")
    days = np.arange(0, HORIZON + 240)
    season = np.array([QUARTER_WEIGHTS[quarter_month(day)] for day in days])
    planned = []
    for territory, (_, _, rep, _) in w.TERRITORIES.items():
        rate = FEW_DEALS_PER_MONTH if rep == w.FEW_DEALS else DEALS_PER_MONTH
        weights = season * np.where((territory == "T5") & (days >= day_of(w.RECUT)), RECUT_LIFT, 1.0)
        closes = np.sort(rng.choice(days, int(round(rate * weights.sum() / 30.4)), p=weights / weights.sum()))
        cycles = np.maximum(9, rng.lognormal(np.log(70), 0.5, len(closes)).round().astype(int))
        planned += [(to_weekday(close - cycle), to_weekday(close), territory) for close, cycle in zip(closes, cycles, strict=True)]
    free_from = dict.fromkeys(accounts.index[~accounts["is_customer"]], -9999)
    rows = []
    for created, closed, territory in sorted(planned):
        if created > HORIZON:
            continue
        pool = accounts[(accounts["territory_id"] == territory) & accounts.index.isin(list(free_from))]
        pool = [row for row in pool.index if free_from[row] <= created and accounts.at[row, "created_day"] <= created]
        if not pool:
            continue
        row = pool[rng.integers(len(pool))]
        deal = _describe(accounts.loc[row], rng)
        rep = seller_on(territory, accounts.at[row, "region"], min(closed, HORIZON))
        if rep == w.NEW_HIRE and closed <= HORIZON:
            rep = w.CARRIER  # who carried the territory finished what was nearly done
        skill = effects.get(rep, 0.0)
        odds = LOG_ODDS["base"] + skill + LOG_ODDS["amount_per_e"] * math.log(deal["amount"] / 14_000)
        odds += LOG_ODDS["competitor"] * (deal["competitor"] == w.COMPETITOR) + LOG_ODDS.get(deal["lead_source"], 0.0)
        won, stage = _end(odds, rep in LEAK_REPS, rng)
        free_from[row] = 99_999 if won else closed + 60
        rows.append({**deal, "account": row, "kind": "new", "rep_id": rep, "created_day": created, "closed_day": closed, "later_won": won,
                     "first_stage": 0, "last_stage": stage})  # fmt: skip
    return pd.DataFrame(rows)


def _describe(account: pd.Series, rng: np.random.Generator) -> dict:
    draw = rng.random()
    competitor = w.COMPETITOR if draw < COMPETITOR_SHARE else w.OTHER_COMPETITORS[rng.integers(3)] if draw < 0.55 else ""
    amount = max(1_500.0, round(account["worth"] * rng.lognormal(0, 0.25) / 100) * 100.0)
    pains = w.PAINS[account["industry"]]
    return {"amount": amount, "product": w.TIERS[account["tier"]], "lead_source": account["lead_source"], "competitor": competitor,
            "pain_point": pains[rng.integers(len(pains))]}  # fmt: skip


def _end(odds: float, leaks: bool, rng: np.random.Generator) -> tuple[bool, int]:
    """Whether a deal is won, and the last stage it reached; a leaking rep loses a further share in Proposal."""
    lost_at = np.cumprod((1.0, *PASS_RATES[:3])) * (1 - np.array(PASS_RATES))
    won = bool(rng.random() < 1 / (1 + math.exp(-odds)))
    stage = 3 if won else int(rng.choice(4, p=lost_at / lost_at.sum()))
    if leaks and stage > LEAK_STAGE and rng.random() < 1 - LEAK_PASS / PASS_RATES[LEAK_STAGE]:
        return False, LEAK_STAGE
    return won, stage


def keep_customers(accounts: pd.DataFrame, new: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, float]]:
    """Contracts, the renewal and expansion deals around them, and the day on which each customer's first contract began."""
    rng = rng_for(seed, "contracts")
    begun = {row: (-int(rng.integers(1, 365)), accounts.at[row, "worth"], -9999) for row in accounts.index[accounts["is_customer"]]}
    for deal in new[new["later_won"] & (new["closed_day"] <= HORIZON)].itertuples():
        begun[deal.account] = (deal.closed_day + int(rng.integers(1, 11)), deal.amount, deal.closed_day)
    contracts: list[dict] = []
    deals: list[dict] = []
    for row, (start, amount, _) in sorted(begun.items()):
        account, first, amount = accounts.loc[row], start, round(amount / 100) * 100.0
        older = -9999 if account["is_customer"] else first
        while True:
            end = start + 364
            contracts.append(_contract(row, start, end, amount, w.TIERS[account["tier"]]))
            added, amount = _expand(row, account, older, start, end, amount, deals, rng), amount
            contracts += added
            amount += sum(c["amount"] for c in added)
            closed = to_weekday(end - int(rng.integers(0, 21)))
            created = to_weekday(closed - int(rng.integers(60, 101)))
            renewed = bool(rng.random() >= CHURN[account["tier"]])
            factor = CONTRACTED_TO if rng.random() < CONTRACTION else float(rng.choice([1.0, 1.03, 1.05]))
            after = round(amount * factor / 10) * 10.0
            if created > HORIZON:
                break
            if closed >= 0:
                deals.append({"account": row, "kind": "renewal", "created_day": created, "closed_day": closed, "later_won": renewed,
                              "amount": after if renewed and closed <= HORIZON else amount, "asked": amount,
                              "product": w.TIERS[account["tier"]], "first_stage": 2,
                              "last_stage": 3 if renewed or rng.random() < 0.35 else 2})  # fmt: skip
            if closed > HORIZON or not renewed:
                break
            start, amount = end + 1, after
    frame = pd.DataFrame(deals)
    frame["rep_id"] = [keeper_on(accounts.at[d.account, "territory_id"], accounts.at[d.account, "region"], min(d.closed_day, HORIZON))
                       for d in frame.itertuples()]  # fmt: skip
    frame["lead_source"], frame["competitor"], frame["pain_point"] = "Customer", "", ""
    return pd.DataFrame(contracts), frame, {row: start for row, (start, _, _) in begun.items()}


def _contract(row: int, start: int, end: int, amount: float, product: str) -> dict:
    return {"account": row, "start_day": start, "end_day": end, "amount": amount, "product": product}


def _expand(row, account, older: float, start: int, end: int, amount: float, deals: list[dict], rng: np.random.Generator) -> list[dict]:
    """Expansion deals created within one contract, and the contracts that the won ones add."""
    added = []
    for day in np.sort(start + rng.integers(0, 365, rng.poisson(EXPANSION_PER_YEAR))):
        created, cycle = to_weekday(day), int(max(8, rng.lognormal(np.log(40), 0.5)))
        closed = to_weekday(created + cycle)
        if created - older < EXPANSION_AFTER_DAYS or created > HORIZON or closed < 0:
            continue
        if closed > end - QUIET_BEFORE_RENEWAL:
            continue
        won = bool(rng.random() < EXPANSION_WON)
        more = max(600.0, round(amount * rng.uniform(0.1, 0.4) / 100) * 100.0)
        product = w.ADD_ONS[rng.integers(3)]
        lost_at = int(rng.choice([0, 2, 3], p=[0.5, 0.35, 0.15]))
        deals.append({"account": row, "kind": "expansion", "created_day": created, "closed_day": closed, "later_won": won, "amount": more,
                      "product": product, "first_stage": 0, "last_stage": 3 if won else lost_at})  # fmt: skip
        if won and closed <= HORIZON:
            added.append(_contract(row, closed + 1, end, more, product))
    return added


def number_deals(new: pd.DataFrame, kept: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """All deals in the order of their creation, with ids and the account's own columns."""
    deals = pd.concat([new, kept], ignore_index=True)
    deals = deals.sort_values(["created_day", "closed_day", "account", "kind"], kind="stable", ignore_index=True)
    deals.insert(0, "opportunity_id", [f"0065e{number:06d}" for number in range(1001, 1001 + len(deals))])
    for column in ("account_id", "territory_id", "region", "tier", "industry"):
        deals[column] = deals["account"].map(accounts[column])
    deals["asked"] = deals["asked"].fillna(deals["amount"])
    deals["is_open"] = deals["closed_day"] > HORIZON
    return deals


def trace_stages(deals: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Entries into stages, and pushes of the expected close, with what was believed that day."""
    rng = rng_for(seed, "stages")
    rows = []
    for deal in deals.itertuples():
        stages = [s for s in range(deal.first_stage, deal.last_stage + 1) if not (deal.kind == "expansion" and s == 1)]
        cycle = max(deal.closed_day - deal.created_day, 4)
        parts = np.cumsum(rng.dirichlet(np.full(len(stages), 4.0)))[:-1]
        entries = [deal.created_day, *(deal.created_day + int(round(part * cycle)) for part in parts)]
        renewal, seen = deal.kind == "renewal", min(deal.closed_day, HORIZON)
        expected = deal.closed_day if renewal else deal.created_day + int(cycle * rng.lognormal(-0.05, 0.3))
        guess = 1.0 if renewal else rng.lognormal(0, 0.15)
        for day, stage in zip(entries, stages, strict=True):
            while expected < min(day, seen):
                expected += int(rng.integers(15, 50))
            if day <= seen:
                believed = deal.asked if stage >= 2 else round(deal.asked * guess / 100) * 100.0
                rows.append((deal.opportunity_id, stage, day, believed, expected, (0.1, 0.3, 0.5, 0.75)[stage]))
        last = rows[-1]
        if last[4] < seen and rng.random() < 0.7:  # pushed once more; the others are left past their date
            pushed = max(last[4] + int(rng.integers(-5, 6)), last[2] + 1)
            if pushed <= seen:
                rows.append((deal.opportunity_id, last[1], pushed, last[3], max(deal.closed_day, pushed + 10), last[5]))
    return pd.DataFrame(rows, columns=["opportunity_id", "stage_n", "entered_day", "amount", "expected_day", "probability"])


def draw_owners(accounts: pd.DataFrame, began: dict[int, float], seed: int) -> pd.DataFrame:
    """Who owned each account and when: the seller until 30 days into the first contract, then the account manager."""
    rows = []
    turns = sorted({day_of(w.RECUT), day_of(w.LEFT) + 1, day_of(w.HIRED)})
    for account in accounts.itertuples():
        taken_over = began.get(account.Index, 99_999) + HANDOVER_DAYS if not account.is_customer else account.created_day
        first = max(account.created_day, -700)
        days = sorted({first, *(d for d in (*turns, taken_over) if first < d <= HORIZON)})
        spans: list[list] = []
        for day in days:
            who = keeper_on if day >= taken_over else seller_on
            rep = who(account.territory_id, account.region, day)
            if not spans or spans[-1][1] != rep:
                spans.append([account.account_id, rep, day])
        ends = [span[2] - 1 for span in spans[1:]] + [np.nan]
        rows += [(*span, end) for span, end in zip(spans, ends, strict=True)]
    return pd.DataFrame(rows, columns=["account_id", "rep_id", "first_day", "last_day"])
