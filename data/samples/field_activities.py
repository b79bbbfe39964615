"""What people did: visits, calls, mails, demos and proposals by sales, and the touches of the other teams.

Activity causes nothing in this company: it follows accounts and deals, and no sale depends on it.
"""

from __future__ import annotations

import field_world as w
import numpy as np
import pandas as pd
from field_accounts import HORIZON, day_of
from field_deals import to_weekday

TOUCHES_PER_YEAR = 2.6  # of an ordinary customer, outside deals
NO_DEALS_TERRITORY = "T18"  # its rep keeps customers in supplies and leaves equipment alone
UNDERSERVED_TOUCH_SHARE = 0.3  # of the touches an account would have elsewhere
OUTCOMES = {
    "visit": ["met", "met", "met", "not in", "order taken"],
    "call": ["spoke", "spoke", "no answer", "voicemail", "meeting set"],
    "email": ["replied", "no reply", "no reply", "meeting set"],
    "demo": ["well received", "well received", "questions open", "rescheduled"],
    "proposal": ["sent", "sent", "revised"],
    "sample": ["left", "left", "tested"],
}
MINUTES = {
    "visit": (25, 70),
    "call": (4, 20),
    "email": (3, 12),
    "demo": (45, 120),
    "proposal": (40, 150),
    "sample": (5, 15),
}


def draw_touch(rows: list, day: int, kind: str, rep: str, account_id: str, deal_id: str, team: str, rng) -> None:
    """Append one touch on a weekday that is known by the last day."""
    day = to_weekday(int(day))
    if 0 <= day <= HORIZON and (rep or team != "sales"):
        low, high = MINUTES.get(kind, (0, 0))
        minutes = int(round(rng.integers(low, high) / 5) * 5) if high and kind not in ("email",) else ""
        outcome = OUTCOMES[kind][rng.integers(len(OUTCOMES[kind]))] if kind in OUTCOMES else ""
        rows.append((day, kind, rep, account_id, deal_id, outcome, minutes, team))


def touch_deals(rows: list, deals: pd.DataFrame, owner_on, rng: np.random.Generator) -> None:
    """About one touch a fortnight while a deal is open; a third of the open deals have been left alone of late."""
    for deal in deals.itertuples():
        end = min(deal.closed_day, HORIZON)
        if deal.is_dead or (deal.is_open and rng.random() < 0.33):
            end -= int(rng.integers(31, 90))
        count = rng.poisson(max(end - deal.created_day, 3) / 17) + 1
        days = np.sort(rng.integers(deal.created_day, max(end, deal.created_day + 1) + 1, count))
        for number, day in enumerate(days):
            late = number >= 0.6 * count
            kinds = ["visit", "call", "email", "demo", "proposal"]
            kind = kinds[rng.choice(5, p=[0.24, 0.3, 0.22, 0.10, 0.14] if late else [0.28, 0.38, 0.26, 0.08, 0.0])]
            if deal.kind == "renewal" and kind in ("demo", "proposal"):
                kind = "call"
            rep = owner_on(deal.account_id, day) or deal.rep_id
            team = "presales" if kind == "demo" and rng.random() < 0.4 else "sales"
            draw_touch(rows, day, kind, rep, deal.account_id, deal.opportunity_id, team, rng)


def touch_accounts(rows: list, accounts: pd.DataFrame, owner_on, rng: np.random.Generator) -> None:
    """Rounds at customers by size, a few cold calls at prospects, and what marketing and service do on their own."""
    for account in accounts.itertuples():
        since = max(0, account.created_day)
        years = (HORIZON - since) / 365.25
        buys = not pd.isna(account.first_day)
        rate = TOUCHES_PER_YEAR * min(5.0, (account.potential / 15_000) ** 0.35) if buys else 0.7
        rate *= UNDERSERVED_TOUCH_SHARE if account.region == w.UNDERSERVED_REGION else 1.0
        rate *= 3.5 if account.territory_id == NO_DEALS_TERRITORY else 1.0
        for day in since + rng.integers(0, HORIZON - since + 1, rng.poisson(rate * years)):
            rep = owner_on(account.account_id, to_weekday(int(day)))
            kind = ["visit", "call", "email", "sample"][
                rng.choice(4, p=[0.46, 0.26, 0.2, 0.08] if buys else [0.2, 0.45, 0.3, 0.05])
            ]
            kind = {"visit": "call", "sample": "email"}.get(kind, kind) if rep in ("H1", "M4") else kind
            draw_touch(rows, day, kind, rep, account.account_id, "", "sales", rng)
        for team, kinds, per_year in (
            ("marketing", ["mailing", "webinar"], 0.35),
            ("service", ["install", "repair"], 0.3 * buys),
        ):
            for day in since + rng.integers(0, HORIZON - since + 1, rng.poisson(per_year * years)):
                draw_touch(rows, day, kinds[rng.integers(2)], "", account.account_id, "", team, rng)


def introduce_new_hire(rows: list, accounts: pd.DataFrame, owner_on, rng: np.random.Generator) -> None:
    """The new hire's first week: calls on the largest customers of the book she was given."""
    hers = [row for row in accounts.itertuples() if owner_on(row.account_id, HORIZON) == w.NEW_HIRE]
    for account in sorted(hers, key=lambda row: (-row.potential, row.account_id))[:11]:
        day = day_of(w.HIRED) + int(rng.integers(0, 8))
        draw_touch(rows, day, ["visit", "call"][rng.integers(2)], w.NEW_HIRE, account.account_id, "", "sales", rng)


def draw_activities(accounts, deals, contacts, owner_on, seed: int) -> pd.DataFrame:
    """All touches by day, half of them with the person who was met."""
    rng = w.rng_for(seed, "activities")
    rows: list = []
    touch_deals(rows, deals, owner_on, rng)
    touch_accounts(rows, accounts, owner_on, rng)
    introduce_new_hire(rows, accounts, owner_on, rng)
    columns = ["day", "activity_type", "rep_id", "account_id", "opportunity_id", "outcome", "minutes", "team"]
    frame = pd.DataFrame(rows, columns=columns)
    hired = frame["rep_id"].map({rep: day_of(card[2]) for rep, card in w.REPS.items()}).fillna(-9999)
    frame = frame[frame["day"] >= hired].sort_values(
        ["day", "account_id", "activity_type"], kind="stable", ignore_index=True
    )
    people = contacts.groupby("account_id")["contact_id"].agg(list)
    known = contacts.set_index("contact_id")["first_day"].to_dict()
    met = []
    for row, draw in zip(frame.itertuples(), rng.random(len(frame)), strict=True):
        choice = people[row.account_id][int(draw * 1e6) % len(people[row.account_id])]
        met.append(choice if draw < 0.5 and row.team == "sales" and known[choice] <= row.day else "")
    frame["contact_id"] = met
    return frame
