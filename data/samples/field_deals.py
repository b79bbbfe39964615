"""How deals go: created, passed from stage to stage, pushed, won or lost; and the leads they came from.

Winning: log-odds = base + traits (see LOG_ODDS) + the rep's own effect. A deal that would be lost is lost at the stage
that the company's pass rates name; for four reps a further share of the deals that would leave Propose is lost there.
Closing days follow the season of the year; the creation day is the closing day less a lognormal cycle.
"""

from __future__ import annotations

import math

import field_world as w
import numpy as np
import pandas as pd
from field_accounts import HORIZON, day_of

SEASON = (0.92, 0.88, 1.04, 0.98, 1.02, 0.95, 0.75, 0.80, 1.10, 1.25, 1.16, 1.15)  # January … December, mean 1
LOG_ODDS = {"base": -0.80, "competitor": -1.0, "referral": 0.8, "website": -0.5, "icp": 0.5, "amount_per_e": -0.25}
TYPICAL_AMOUNT = 16_000.0
PASS_RATES = (0.78, 0.74, 0.65, 0.80)  # of the deals in Qualify, Discover, Propose, Close; their product is 0.30
LEAK_STAGE, LEAK_PASS, LEAK_REPS = 2, 0.40, ("R02", "R11", "R16", "R21")
RECUT_LIFT, RECUT_TERRITORIES = 1.20, ("T03", "T12", "T17", "T22")
DEALS_PER_MONTH = 3.45  # per ordinary territory, new and expansion together
COMPETITOR_SHARE_STRONG, COMPETITOR_SHARE_ELSEWHERE = 0.52, 0.07
STAGE_PROBABILITY = (0.10, 0.25, 0.50, 0.75)


def season_of(day: float) -> float:
    """The seasonal index of the month that holds the day."""
    return SEASON[month_of(day) - 1]


def month_of(day: float) -> int:
    return (np.datetime64(w.START) + int(day)).astype(object).month


def to_weekday(day: int) -> int:
    """A Saturday or Sunday becomes the Friday before."""
    return day - max(0, (w.START.weekday() + day) % 7 - 4)


def draw_calendar(accounts: pd.DataFrame, truths: pd.DataFrame, seed: int) -> pd.DataFrame:
    """When deals are created and closed in each territory, and of which kind, before anybody knows how they end."""
    rng = w.rng_for(seed, "deal calendar")
    first, last = 0, HORIZON + 330
    days = np.arange(first, last)
    season = np.array([season_of(day) for day in days])
    rows = []
    for territory, (_, rep, _) in w.TERRITORIES.items():
        if rep == w.NO_DEALS:
            continue
        size = 0.4 if territory == "T00" else math.exp(0.3 * truths.loc[rep, "territory_effect"])
        weights = season * np.where((days >= day_of(w.RECUT)) & (territory in RECUT_TERRITORIES), RECUT_LIFT, 1.0)
        expected = DEALS_PER_MONTH * size * weights.sum() / 30.4
        closes = rng.choice(days, int(round(expected)), p=weights / weights.sum())
        cycles = np.maximum(6, rng.lognormal(np.log(84), 0.55, len(closes)).round().astype(int))
        kinds = rng.choice(["new", "expansion"], len(closes), p=[0.42, 0.58])
        rows += [
            (territory, close - cycle, close, kind) for close, cycle, kind in zip(closes, cycles, kinds, strict=True)
        ]
    frame = pd.DataFrame(rows, columns=["territory_id", "created_day", "closed_day", "kind"])
    frame["created_day"], frame["closed_day"] = (
        frame["created_day"].map(to_weekday),
        frame["closed_day"].map(to_weekday),
    )
    frame = frame[(frame["created_day"] <= HORIZON) & (frame["closed_day"] >= 0)]
    return frame.sort_values(["created_day", "closed_day", "territory_id", "kind"], ignore_index=True)


def choose_account(deal, pool: pd.DataFrame, state: dict, rng: np.random.Generator):
    """The row of the account that a deal is about: prospects for new business, living customers for expansion."""
    if deal.kind == "new":
        ready = [row for row in pool.index if state["free_from"].get(row, -9999) <= deal.created_day]
        ready = [row for row in ready if row in state["prospects"] and state["known_from"][row] <= deal.created_day]
        fresh = [row for row in ready if row not in state["tried"]]
        ready = fresh if fresh and rng.random() < 0.75 else ready
        return ready[rng.integers(len(ready))] if ready else None
    alive = pool[pool["is_customer"] & (pool["lifetime_days"] > deal.closed_day)]
    weights = alive["potential"].to_numpy() ** 0.45
    return rng.choice(alive.index.to_numpy(), p=weights / weights.sum())


def describe_deal(deal, account, kind: str, rng: np.random.Generator) -> dict:
    """What is known of a deal at its creation: source, product, amount, competitor, pain."""
    strong = account.region in w.STRONG_REGIONS
    met = rng.random() < (COMPETITOR_SHARE_STRONG if strong else COMPETITOR_SHARE_ELSEWHERE)
    other = w.OTHER_COMPETITORS[rng.integers(4)] if rng.random() < 0.45 else ""
    sources = list(w.LEAD_SOURCES)
    drawn = sources[rng.choice(5, p=list(w.LEAD_SOURCES.values()))]
    keeps = kind == "new" and rng.random() < 0.8
    options = w.EQUIPMENT_BY_INDUSTRY[account.industry]
    product = options[rng.integers(len(options))]
    pull = 0.45 * math.log(w.PRODUCTS[product][2] / 9000) + 0.16 * math.log(account.potential / 12_000)
    amount = TYPICAL_AMOUNT * math.exp(pull + 0.55 * rng.standard_normal())
    pains = w.PAINS[account.industry]
    return {
        "account": account.Index, "account_id": account.account_id, "industry": account.industry, "kind": kind,
        "region": account.region, "product": product, "amount": max(900.0, round(amount / 50) * 50.0),
        "lead_source": account.lead_source if keeps else drawn,
        "competitor": w.STRONG_COMPETITOR if met else other,
        "pain_point": pains[rng.integers(len(pains))],
        "currency": "CAD" if account.country == "CA" else "USD",
    }  # fmt: skip


def win_log_odds(deal: dict, win_effect: float) -> float:
    """Log-odds of winning from the traits known at creation."""
    odds = LOG_ODDS["base"] + win_effect + LOG_ODDS["amount_per_e"] * math.log(deal["amount"] / TYPICAL_AMOUNT)
    odds += LOG_ODDS["competitor"] * (deal["competitor"] == w.STRONG_COMPETITOR and deal["region"] in w.STRONG_REGIONS)
    odds += LOG_ODDS["referral"] * (deal["lead_source"] == "Referral")
    odds += LOG_ODDS["website"] * (deal["lead_source"] == "Website")
    return odds + LOG_ODDS["icp"] * (deal["industry"] in w.ICP)


def draw_end(odds: float, leaks: bool, rng: np.random.Generator) -> tuple[bool, int]:
    """Whether a deal is won, and the last stage it reached (0 … 3)."""
    if rng.random() < 1 / (1 + math.exp(-odds)):
        won, stage = True, 3
    else:
        lost_at = np.cumprod((1.0, *PASS_RATES[:3])) * (1 - np.array(PASS_RATES))
        won, stage = False, int(rng.choice(4, p=lost_at / lost_at.sum()))
    if leaks and stage > LEAK_STAGE and rng.random() < 1 - LEAK_PASS / PASS_RATES[LEAK_STAGE]:
        return False, LEAK_STAGE
    return won, stage


def play_deals(
    calendar: pd.DataFrame, accounts: pd.DataFrame, truths: pd.DataFrame, owner_on, seed: int
) -> pd.DataFrame:
    """One row per deal with its traits, its owner and its end; prospects that buy become customers on that day.

    Renewals stand in the calendar with the account already named.
    """
    rng = w.rng_for(seed, "deals")
    pools = dict(list(accounts.groupby("territory_id", sort=False)))
    looks = {row.Index: row for row in accounts.itertuples()}
    state = {"free_from": {}, "tried": set(), "known_from": accounts["created_day"].to_dict(),
             "prospects": set(accounts.index[~accounts["is_customer"]])}  # fmt: skip
    rows = []
    for deal in calendar.itertuples():
        row = deal.account if deal.kind == "renewal" else choose_account(deal, pools[deal.territory_id], state, rng)
        if row is None:
            continue
        facts = describe_deal(deal, looks[row], deal.kind, rng)
        if deal.kind == "renewal":
            facts |= {
                "product": "Service plan",
                "amount": deal.amount,
                "competitor": "",
                "lead_source": "Outbound call",
            }
        rep = w.TERRITORIES[deal.territory_id][1]
        facts["log_odds"] = win_log_odds(facts, truths.loc[rep, "win_effect"])
        won, stage = draw_end(facts["log_odds"], rep in LEAK_REPS, rng)
        if deal.kind == "renewal":
            won, stage = deal.is_renewed, 3 if deal.is_renewed else 2
        if deal.kind == "new":
            state["tried"].add(row)
            state["free_from"][row] = 99_999 if won else deal.closed_day + 90
        seen_on = min(deal.closed_day, HORIZON)
        rows.append({**facts, "rep_id": owner_on(facts["account_id"], seen_on) or ("M4" if rep == w.LEAVER else rep),
                     "territory_id": deal.territory_id, "created_day": deal.created_day, "closed_day": deal.closed_day,
                     "later_won": won, "last_stage": stage})  # fmt: skip
    deals = pd.DataFrame(rows)
    deals.insert(0, "opportunity_id", [f"D{number:05d}" for number in range(1001, 1001 + len(deals))])
    deals["is_open"] = deals["closed_day"] > HORIZON
    stale = ~deals["is_open"] & ~deals["later_won"] & deals["closed_day"].between(HORIZON - 280, HORIZON - 45)
    deals["is_dead"] = stale & (rng.random(len(deals)) < 0.045)  # lost in truth, still open in the CRM
    deals.loc[deals["is_dead"], "is_open"] = True
    return deals


def turn_prospects_into_customers(accounts: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """The day from which an account orders: at once for customers, after the first won deal for prospects."""
    accounts = accounts.copy()
    won = deals[deals["later_won"] & ~deals["is_open"] & (deals["kind"] == "new")]
    accounts["first_day"] = accounts["first_day"].fillna(
        accounts.index.to_series().map(won.groupby("account")["closed_day"].min() + 10)
    )
    return accounts


def trace_stages(deals: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every entry into a stage and every push of the expected close, with what was believed on that day."""
    rng = w.rng_for(seed, "stages")
    rows = []
    for deal in deals.itertuples():
        closed = deal.closed_day
        cycle = max(closed - deal.created_day, 4)
        parts = np.cumsum(rng.dirichlet(np.full(deal.last_stage + 1, 4.0)))[:-1]
        entries = [(deal.created_day, 0)] + [(deal.created_day + int(round(part * cycle)), number + 1)
                                             for number, part in enumerate(parts)]  # fmt: skip
        if deal.last_stage >= 2 and rng.random() < 0.06:
            entries = [entry for entry in entries if entry[1] != 1]  # skipped Discover
        ends = min(closed, HORIZON) if not deal.is_dead else closed
        expected = snap_to_month_end(
            deal.created_day + min(210, max(10, int(0.9 * cycle * rng.lognormal(0, 0.35)))), rng
        )
        forgets = deal.is_open and rng.random() < 0.30  # does not touch the expected close again
        stage, points = 0, []
        for day, stage in entries:
            while expected < day and not forgets:
                pushed_on = max(expected + int(rng.integers(-4, 11)), points[-1][0] + 1)
                if pushed_on >= day:
                    expected = max(expected, day + int(rng.integers(10, 50)))
                    break
                expected = snap_to_month_end(pushed_on + int(rng.integers(18, 60)), rng)
                points.append((pushed_on, points[-1][1], expected))
            points.append((day, stage, expected))
        while expected < ends and not forgets:
            pushed_on = max(expected + int(rng.integers(-4, 11)), points[-1][0] + 1)
            if pushed_on >= ends:
                break
            expected = snap_to_month_end(pushed_on + int(rng.integers(18, 60)), rng)
            points.append((pushed_on, points[-1][1], expected))
        guess = rng.lognormal(0, 0.16)
        for day, stage, expected in points:
            if day > ends:
                break
            believed = deal.amount if stage >= 2 else round(deal.amount * guess / 100) * 100.0
            odds = STAGE_PROBABILITY[stage] + 0.05 * int(rng.integers(-1, 2))
            rows.append((deal.opportunity_id, stage, day, believed, expected, round(odds, 2)))
    columns = ["opportunity_id", "stage_n", "entered_day", "amount", "expected_day", "probability"]
    return pd.DataFrame(rows, columns=columns)


def snap_to_month_end(day: int, rng: np.random.Generator) -> int:
    """Two in five expected closes stand at the end of a month."""
    if rng.random() >= 0.4:
        return int(day)
    month = (np.datetime64(w.START) + int(day)).astype("datetime64[M]") + 1
    return int((month.astype("datetime64[D]") - np.datetime64(w.START)).astype(int)) - 1


def export_deals(deals: pd.DataFrame, history: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The deals as the CRM shows them on the last day: reasons when closed, next step and category when open."""
    rng = w.rng_for(seed, "deal texts")
    latest = history.groupby("opportunity_id").last()
    rows = []
    for deal in deals.itertuples():
        seen = latest.loc[deal.opportunity_id]
        won, lost = deal.later_won and not deal.is_open, not deal.later_won and not deal.is_open
        beaten = deal.competitor and rng.random() < 0.55
        reason = w.LOST_TO_COMPETITOR if beaten else w.LOSS_REASONS
        category = ["Pipeline", "Pipeline", "Best case", "Commit"][int(seen["stage_n"])]
        rows.append({
            "opportunity_id": deal.opportunity_id, "account_id": deal.account_id, "rep_id": deal.rep_id,
            "stage": w.STAGES[int(seen["stage_n"])], "outcome": "Won" if won else "Lost" if lost else "Open",
            "amount": seen["amount"] if deal.is_open else deal.amount, "currency": deal.currency,
            "created_day": deal.created_day, "close_day": seen["expected_day"] if deal.is_open else deal.closed_day,
            "kind": deal.kind, "product": deal.product, "lead_source": deal.lead_source,
            "probability": seen["probability"] if deal.is_open else float(won),
            "forecast_category": "Closed" if not deal.is_open else "Omitted" if rng.random() < 0.06 else category,
            "competitor": deal.competitor, "pain_point": deal.pain_point if rng.random() < 0.85 else "",
            "win_reason": w.WIN_REASONS[rng.integers(len(w.WIN_REASONS))] if won and rng.random() < 0.9 else "",
            "loss_reason": reason[rng.integers(len(reason))] if lost and rng.random() < 0.92 else "",
            "next_step": w.NEXT_STEPS[rng.integers(len(w.NEXT_STEPS))] if deal.is_open and rng.random() < 0.72 else "",
            "discount_share": [0.0, 0.0, 0.05, 0.08, 0.1, 0.15][rng.integers(6)] if seen["stage_n"] >= 2 else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def draw_leads(deals: pd.DataFrame, accounts: pd.DataFrame, owner_on, seed: int) -> pd.DataFrame:
    """Leads by source: those that became deals, and as many more as the source's conversion rate asks for."""
    rng = w.rng_for(seed, "leads")
    rows = []
    new = deals[(deals["kind"] == "new") & (deals["created_day"] >= 20)]
    for deal in new[rng.random(len(new)) < 0.42].itertuples():
        came = max(0, deal.created_day - int(rng.integers(2, 55)))
        event = deal.created_day + int(rng.integers(30, 200)) if rng.random() < 0.6 else np.nan
        rows.append((came, deal.lead_source, deal.account_id, rng.poisson(7), rng.random() < 0.85, rng.random() < 0.8,
                     event, deal.created_day))  # fmt: skip
    converted = pd.Series([row[1] for row in rows]).value_counts()
    prospects = accounts[accounts["first_day"].isna()]
    for source, rate in w.LEAD_CONVERSION.items():
        for came in rng.integers(0, HORIZON + 1, int(round(converted[source] * (1 / rate - 1)))):
            account = prospects.iloc[rng.integers(len(prospects))] if rng.random() < 0.35 else None
            named = account is not None and account["created_day"] <= came
            event = came + int(rng.integers(30, 300)) if rng.random() < 0.2 else np.nan
            rows.append((came, source, account["account_id"] if named else "", rng.poisson(3),
                         rng.random() < 0.4, rng.random() < 0.45, event, np.nan))  # fmt: skip
    columns = ["created_day", "lead_source", "account_id", "web_visits_n", "wants_it", "uses_it_well", "event_day",
               "converted_day"]  # fmt: skip
    leads = pd.DataFrame(rows, columns=columns).sort_values(
        ["created_day", "lead_source"], kind="stable", ignore_index=True
    )
    reps = [rep for rep in w.REPS if rep not in (w.LEAVER, w.NEW_HIRE)]
    leads.insert(0, "lead_id", [f"L{number:05d}" for number in range(1, len(leads) + 1)])
    leads["rep_id"] = [
        owner_on(lead.account_id, lead.created_day) or reps[rng.integers(len(reps))] for lead in leads.itertuples()
    ]
    return leads


def split_credit(deals: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Deals on which two reps of one team share the credit, and some that a manager stood beside (overlay)."""
    rng = w.rng_for(seed, "credit")
    team = {
        rep: name
        for name, (_, _, _, first, last) in w.MANAGERS.items()
        for rep in w.REPS
        if first <= int(rep[1:]) <= last
    }
    rows = []
    for deal in deals[(deals["kind"] != "renewal") & deals["rep_id"].isin(list(team))].itertuples():
        draw = rng.random()
        others = [rep for rep in team if team[rep] == team[deal.rep_id] and rep not in
                  (deal.rep_id, w.LEAVER, w.NEW_HIRE, w.NO_DEALS)]  # fmt: skip
        if draw < 0.035 and deal.rep_id != w.NEW_HIRE:
            share = float(rng.choice([0.5, 0.6, 0.7, 0.75]))
            rows.append((deal.opportunity_id, deal.rep_id, share, "revenue"))
            rows.append((deal.opportunity_id, others[rng.integers(len(others))], round(1 - share, 2), "revenue"))
        elif draw < 0.055:
            rows.append((deal.opportunity_id, deal.rep_id, 1.0, "revenue"))
            rows.append((deal.opportunity_id, team[deal.rep_id], 0.25, "overlay"))
    return pd.DataFrame(rows, columns=["source_id", "rep_id", "credit_share", "kind"])
