"""A company of six reps with every table filled, small enough to run whole; each rep's own texts carry a canary."""

from __future__ import annotations

import random
from datetime import date, timedelta

from conftest import Rows

AS_OF = date(2026, 5, 31)
REPS = [f"R{n}" for n in range(1, 7)]
STAGES = ["Qualify", "Develop", "Propose", "Close"]


def canary(rep: str) -> str:
    return f"canary{rep}yranac"


def hostile(rep: str) -> str:
    """Text that would run, render, compute or name a path if anything let it."""
    return f'<script>alert("{canary(rep)}")</script> =1+1 $a$ ../../x **b** [x](javascript:alert(1)) \u202egnp.exe'


def six_reps(seed: int = 7) -> dict[str, Rows]:
    """Two and a half years up to 31 July 2026, two months more than the as-of date."""
    rng = random.Random(seed)
    tables: dict[str, list[dict]] = {
        "reps": [
            {"rep_id": r, "rep_name": f"Rep {canary(r)}", "role": "farmer", "manager_id": "M1", "team": "East",
             "active_from": "2026-05-25" if r == "R6" else "2020-01-06", "active_to": "", "selling_hours_per_year": "1200",
             "home_latitude": "40.1", "home_longitude": "-75.2", "base_salary": "70000", "on_target_earnings": "120000"}
            for r in REPS
        ]
    }  # fmt: skip
    for name in ("accounts", "account_owners", "opportunities", "stage_history", "orders", "contracts", "quotas",
                 "activities", "contacts", "leads", "territories", "rep_skills"):  # fmt: skip
        tables[name] = []
    for n, rep in enumerate(REPS):
        _add_book(tables, rng, n, rep)
    tables["products"] = [{"product": p, "family": f, "list_price": "100"} for p, f in (("Gloves", "PPE"), ("Masks", "PPE"), ("Scan", "Gear"))]
    tables["market"] = [
        {"area": area, "industry": industry, "establishments_n": "40", "spend": "900000"}
        for area in ("North", "South")
        for industry in ("Clinics", "Labs")
    ]
    tables["periods"] = [{"period": "2026", "period_start": "2026-01-01", "period_end": "2026-12-31"}]
    return tables


def _add_book(tables: dict[str, list[dict]], rng: random.Random, n: int, rep: str) -> None:
    new = rep == "R6"
    tables["territories"].append({"territory_id": f"T{n}", "territory_name": f"Land {canary(rep)}", "rep_id": rep, "valid_from": "2020-01-06"})
    tables["rep_skills"].append({"rep_id": rep, "skill": "Clinics", "level": str(1 + n % 5), "source": "self", "rated_date": "2026-01-10"})
    tables["quotas"] += [
        {"rep_id": rep, "period_start": f"2026-{m:02}-01", "period_end": f"2026-{m + 2:02}-{d}", "quota": "30000.10"}
        for m, d in ((1, 31), (4, 30), (7, 30), (10, 31))
    ]
    for k in range(8):
        account = f"{n}{k:02}"
        mark = hostile(rep) if k == 0 else f"{canary(rep)} {k}"
        tables["accounts"].append(
            {"account_id": account, "account_name": mark, "rep_id": rep, "industry": ("Clinics", "Labs")[k % 2], "region": ("North", "South")[n % 2],
             "city": canary(rep), "lead_source": ("Web", "Referral")[k % 2], "employees": str(10 * (k + 1)), "created_date": "2023-01-02",
             "latitude": str(40 + k / 10), "longitude": "-75.0", "parent_account_id": f"{n}00" if k == 1 else "", "remark": canary(rep)}
        )  # fmt: skip
        tables["account_owners"].append({"account_id": account, "rep_id": rep, "valid_from": "2023-01-02", "valid_to": ""})
        tables["contacts"].append({"contact_id": f"C{account}", "account_id": account, "role": canary(rep), "active_from": "2023-01-02"})
        if k < 6 and not new:
            for month in range(31):
                day = date(2024, 1, 5) + timedelta(days=30 * month + k)
                amount = f"{rng.lognormvariate(7, 0.4):.2f}"
                tables["orders"].append({"order_id": f"O{account}{month:02}", "account_id": account, "order_date": day.isoformat(), "amount": amount,
                                         "rep_id": rep, "product": rng.choice(["Gloves", "Masks", "Scan"]), "quantity": "2"})  # fmt: skip
        if k == 2:
            tables["contracts"].append({"account_id": account, "start_date": "2025-10-01", "end_date": "2026-09-30", "amount_per_year": "1200", "rep_id": rep})
    for k in range(0 if new else 24):
        _add_deal(tables, rng, n, rep, k)


def _add_deal(tables: dict[str, list[dict]], rng: random.Random, n: int, rep: str, k: int) -> None:
    deal, account = f"D{n}{k:02}", f"{n}{k % 8:02}"
    created = date(2025, 3, 1) + timedelta(days=18 * k + n)
    reached = rng.randrange(1, 5)
    closed = created + timedelta(days=20 * reached + 5)
    outcome = "Open" if closed > date(2026, 7, 31) else ("Won" if reached == 4 else "Lost")
    due = closed if outcome != "Open" else date(2026, 10, 15)
    tables["opportunities"].append(
        {"opportunity_id": deal, "rep_id": rep, "stage": STAGES[reached - 1], "outcome": outcome, "amount": f"{1000 + 137 * k}.50",
         "created_date": created.isoformat(), "close_date": due.isoformat(), "account_id": account, "kind": "new", "product": "Scan",
         "lead_source": rng.choice(["Web", "Referral"]), "win_reason": canary(rep) if outcome == "Won" else "",
         "loss_reason": canary(rep) if outcome == "Lost" else "", "competitor": canary(rep) if k % 3 == 0 else "", "pain_point": canary(rep),
         "next_step": hostile(rep) if k % 5 == 0 else ""}
    )  # fmt: skip
    for step in range(reached):
        day = created + timedelta(days=20 * step)
        if day <= date(2026, 7, 31):
            tables["stage_history"].append(
                {"opportunity_id": deal, "stage": STAGES[step], "entered_date": day.isoformat(), "amount": f"{1000 + 137 * k}.50",
                 "close_date": (created + timedelta(days=90)).isoformat(), "probability": "0.3"}
            )  # fmt: skip
    for touch in range(3):
        day = created + timedelta(days=6 * touch)
        tables["activities"].append({"activity_date": day.isoformat(), "activity_type": ("call", "visit", "email")[touch], "rep_id": rep,
                                     "account_id": account, "opportunity_id": deal, "outcome": canary(rep), "team": "sales"})  # fmt: skip
    tables["leads"].append({"lead_id": f"L{n}{k:02}", "created_date": created.isoformat(), "lead_source": "Web", "rep_id": rep, "account_id": account,
                            "wants_it": "yes", "converted_date": created.isoformat()})  # fmt: skip
