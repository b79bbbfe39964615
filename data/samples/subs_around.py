"""What stands around the deals: leads with their web visits, touches, people, quotas, skills, the market. Touches cause nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import subs_world as w
from sample_tools import rng_for
from subs_life import HORIZON, day_of, keeper_on, seller_on, to_weekday

LEAD_CONVERSION = {"Referral": 0.34, "Partner": 0.26, "Event": 0.20, "Outbound": 0.15, "Website": 0.09}
VISITS_LOG_ODDS, VISITS_SATURATE_AT = 0.18, 12
LEAD_SHARE = 0.55  # of the new-business deals that began as a lead
TOUCHES_PER_YEAR = 3.2  # of a customer, outside deals


def draw_leads(deals: pd.DataFrame, accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Leads by source: log-odds of conversion rise with web visits up to a point; each that converts is one of the deals."""
    rng = rng_for(seed, "leads")
    new = deals[(deals["kind"] == "new") & (deals["created_day"] >= 20)]
    prospects = accounts[~accounts["is_customer"]]
    rows = []
    for source, rate in LEAD_CONVERSION.items():
        of_source = new.index[new["lead_source"] == source]
        became = new.loc[np.sort(rng.permutation(of_source)[: int(LEAD_SHARE * len(of_source))])]
        count = int(round(len(became) / rate))
        visits = rng.negative_binomial(1.6, 1.6 / (1.6 + 7.0), count)
        pull = VISITS_LOG_ODDS * np.minimum(visits, VISITS_SATURATE_AT)
        base = _level(pull, rate)
        score = base + pull + rng.logistic(0, 1, count)
        converts = np.zeros(count, bool)
        converts[np.argsort(-score, kind="stable")[: len(became)]] = True  # the same as drawing, with the number fixed
        deal = iter(became.itertuples())
        for seen, hit in zip(visits, converts, strict=True):
            if hit:
                one = next(deal)
                came = max(0, one.created_day - int(rng.integers(2, 50)))
                event = one.created_day + int(rng.integers(20, 160)) if rng.random() < 0.6 else np.nan
                fits = (rng.random() < 0.85, rng.random() < 0.8)
                rows.append((came, source, one.account_id, one.rep_id, seen, *fits, event, one.created_day))
                continue
            account, came = prospects.iloc[rng.integers(len(prospects))], int(rng.integers(0, HORIZON + 1))
            named = rng.random() < 0.4 and account["created_day"] <= came
            rep = seller_on(account["territory_id"], account["region"], HORIZON)
            event = came + int(rng.integers(20, 240)) if rng.random() < 0.2 else np.nan
            fits = (rng.random() < 0.4, rng.random() < 0.45)
            rows.append((came, source, account["account_id"] if named else "", rep, seen, *fits, event, np.nan))
    columns = ["created_day", "lead_source", "account_id", "rep_id", "visits", "wants", "uses", "event_day", "converted_day"]
    leads = pd.DataFrame(rows, columns=columns).sort_values(["created_day", "lead_source", "visits"], kind="stable", ignore_index=True)
    leads.insert(0, "lead_id", [f"00Q5e{number:06d}" for number in range(1, len(leads) + 1)])
    return leads


def _level(pull: np.ndarray, rate: float) -> float:
    """The constant at which the mean chance is the rate."""
    low, high = -12.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-middle - pull))).mean() < rate else (low, middle)
    return middle


def draw_contacts(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One to three people per account; some have left."""
    rng = rng_for(seed, "contacts")
    rows = []
    for account in accounts.itertuples():
        for role in rng.choice(w.CONTACT_ROLES, 1 + rng.binomial(2, 0.3), replace=False):
            since = min(account.created_day + int(rng.integers(0, 200)), HORIZON - 5)
            until = since + int(rng.exponential(2400))
            rows.append((account.account_id, role, since, until if until < HORIZON else np.nan))
    frame = pd.DataFrame(rows, columns=["account_id", "role", "first_day", "last_day"])
    frame.insert(0, "contact_id", [f"0035e{number:05d}" for number in range(1, len(frame) + 1)])
    return frame


def draw_activities(accounts: pd.DataFrame, deals: pd.DataFrame, began: dict[int, float], seed: int) -> pd.DataFrame:
    """Touches around deals and customers, by day."""
    rng = rng_for(seed, "activities")
    rows: list[tuple] = []
    kinds = {"call": ("spoke", "no answer", "meeting set"), "email": ("replied", "no reply"),
             "meeting": ("held", "held", "moved"), "demo": ("well received", "questions open"),
             "webinar": ("attended", "registered"), "check-in": ("held", "no answer")}  # fmt: skip

    def touch(day: float, kind: str, rep: str, account: str, deal: str, team: str) -> None:
        day = to_weekday(day)
        if 0 <= day <= HORIZON:
            minutes = {"email": np.nan, "webinar": 45.0}.get(kind, float(5 * rng.integers(2, 13)))
            rows.append((day, kind, rep, account, deal, kinds[kind][rng.integers(len(kinds[kind]))], minutes, team))

    for deal in deals.itertuples():
        end = min(deal.closed_day, HORIZON) - (int(rng.integers(31, 80)) if deal.is_open and rng.random() < 0.25 else 0)
        renewal = deal.kind == "renewal"
        count = 1 + rng.poisson(max(end - deal.created_day, 3) / (24 if renewal else 13))
        for day in np.sort(rng.integers(deal.created_day, max(end, deal.created_day + 1) + 1, count)):
            kind = ("call", "email", "meeting", "demo")[rng.choice(4, p=(0.4, 0.4, 0.2, 0.0) if renewal else (0.36, 0.32, 0.2, 0.12))]
            who = seller_on if deal.kind == "new" else keeper_on
            rep = who(deal.territory_id, deal.region, day)
            touch(day, kind, rep, deal.account_id, deal.opportunity_id, "presales" if kind == "demo" and rng.random() < 0.5 else "sales")
    for account in accounts.itertuples():
        since = max(0, account.created_day)
        rate = TOUCHES_PER_YEAR if account.Index in began else 1.1
        for day in since + rng.integers(0, max(1, HORIZON - since), rng.poisson(rate * (HORIZON - since) / 365)):
            customer = began.get(account.Index, 99_999) <= day
            rep = (keeper_on if customer else seller_on)(account.territory_id, account.region, day)
            touch(day, "check-in" if customer else ("call", "email")[rng.integers(2)], rep, account.account_id, "", "sales")
        for day in since + rng.integers(0, max(1, HORIZON - since), rng.poisson(0.3 * (HORIZON - since) / 365)):
            touch(day, "webinar", "", account.account_id, "", "marketing")
    columns = ["day", "activity_type", "rep_id", "account_id", "opportunity_id", "outcome", "minutes", "team"]
    frame = pd.DataFrame(rows, columns=columns)
    hired = frame["rep_id"].map({rep: day_of(card[3]) for rep, card in w.PEOPLE.items()}).fillna(-9999)
    frame = frame[frame["day"] >= hired]
    return frame.sort_values(["day", "account_id", "activity_type", "opportunity_id"], kind="stable", ignore_index=True)


def set_quotas(deals: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Yearly contract value to sign, by rep and fiscal quarter: between last year and what this one brings, with some misjudgement."""
    rng = rng_for(seed, "quotas")
    won = deals[deals["later_won"] & deals["closed_day"].between(0, HORIZON)]
    won = won.assign(book=won["rep_id"].replace({"M1": w.NEW_HIRE, w.LEAVER: w.NEW_HIRE}), year=won["closed_day"].map(fiscal_year))
    sold = won.groupby(["book", "year"])["amount"].sum().unstack().fillna(0.0)
    sold[2027] /= 0.74  # nine months of it are known
    rows = []
    for rep in (rep for rep, card in w.PEOPLE.items() if card[1] in (w.NEW_BUSINESS, w.ACCOUNT_MANAGER) and rep != w.LEAVER):
        for year in (2025, 2026, 2027):
            plan = (0.6 * sold.at[rep, year] + 0.4 * sold.at[rep, max(2025, year - 1)]) * 1.05 * rng.lognormal(0, 0.06) / 4
            if rep == w.FEW_DEALS:
                plan = 20_000.0
            for quarter in range(4):
                start = pd.Timestamp(year - 1, 2, 1) + pd.DateOffset(months=3 * quarter)
                end = start + pd.DateOffset(months=3) - pd.Timedelta(days=1)
                holder, relief, reason = rep, 0, ""
                if rep == w.NEW_HIRE:
                    if year < 2027 or quarter < 2:
                        holder = w.LEAVER
                    elif quarter == 2:
                        continue
                    else:
                        relief, reason = round(plan * 0.5, -3), "Ramp: first full quarter"
                if (rep, year, quarter) == ("A3", 2027, 0):
                    relief, reason = 15_000, "Two customers bankrupt in February"
                rows.append((holder, start, end, round(plan, -3), relief, reason))
    return pd.DataFrame(rows, columns=["Rep", "From", "To", "Quota", "Relief", "Reason"])


def fiscal_year(day: float) -> int:
    """The year in which the fiscal year (February to January) of a day ends."""
    when = pd.Timestamp(w.START) + pd.Timedelta(days=int(day))
    return when.year + (when.month >= 2)


def list_territories() -> pd.DataFrame:
    """Who holds what since when: every territory has a seller and an account manager; T5 gave its West to T7; T8 changed hands."""
    rows = []
    first, recut, day = pd.Timestamp("2022-02-01"), pd.Timestamp(w.RECUT), pd.Timedelta(days=1)
    for territory, (industry, sizes, seller, keeper) in w.TERRITORIES.items():
        name = f"{industry}, {' and '.join(sizes).lower()}"
        later = {"T5": f"{name}, without the West", "T7": f"{name}, and small Healthcare in the West"}.get(territory)
        for rep in (seller, keeper):
            if rep == w.NEW_HIRE:
                rows += [(territory, name, w.LEAVER, first, pd.Timestamp(w.LEFT)),
                         (territory, name, w.CARRIER, pd.Timestamp(w.LEFT) + day, pd.Timestamp(w.HIRED) - day),
                         (territory, name, rep, pd.Timestamp(w.HIRED), None)]  # fmt: skip
            elif later:
                rows += [(territory, name, rep, first, recut - day), (territory, later, rep, recut, None)]
            else:
                rows.append((territory, name, rep, first, None))
    return pd.DataFrame(rows, columns=["Territory", "Name", "Rep", "From", "To"])


def draw_market(accounts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What all organisations of a region and industry spend on such software in a year; the known accounts are about a quarter."""
    rng = rng_for(seed, "market")
    rows = []
    for (region, industry), known in accounts.groupby(["region", "industry"]):
        spend = round(known["worth"].sum() * 4 * rng.lognormal(0, 0.1), -3)
        heads = int(known["employees"].sum() * 4.3)
        rows.append((region, industry, int(len(known) * 4.6), heads, int(spend)))
    return pd.DataFrame(rows, columns=["area", "industry", "establishments_n", "employees_n", "spend"])


def rate_skills(effects: dict[str, float], seed: int) -> pd.DataFrame:
    """Each February, levels 1 to 5 by the rep and by the manager."""
    rng = rng_for(seed, "skills")
    rows = []
    for rep, card in w.PEOPLE.items():
        if card[1] not in (w.NEW_BUSINESS, w.ACCOUNT_MANAGER) or rep in (w.NEW_HIRE, w.LEAVER):
            continue
        own = rng.normal(3.2 + 2 * effects.get(rep, 0.0), 0.8, len(w.SKILLS))
        for source, day in (("self", "02/09/2026"), ("manager", "02/13/2026")):
            levels = np.clip(np.round(own + (0.2 if source == "self" else -0.1) + rng.normal(0, 0.4, len(own))), 1, 5).astype(int)
            rows += [(rep, skill, level, source, day) for skill, level in zip(w.SKILLS, levels, strict=True)]
    return pd.DataFrame(rows, columns=["rep_id", "skill", "level", "source", "rated_date"])
