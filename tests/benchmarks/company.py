"""Companies of any size: every rep has the same number of rows, and the same rows, however many reps there are.

    python -m tests.benchmarks.company /tmp/big --reps 5000 --lines 2000

Every value is drawn by hashing the rep's number, the row's number and the seed: the same numbers give the same bytes.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from string import Template

LAST_DAY = date(2026, 6, 30)

SETTINGS = """format: 1
company: Alder & Birch Supply
currency: USD
quota_counts: revenue
dates: "%Y-%m-%d"
decimal: "."
stages: [Qualify, Discover, Propose, Close]
outcomes: {{won: [Won], lost: [Lost]}}
exports: exports
tables: {{{tables}}}
"""

_TEXTS = {
    "first_names": "Ana Ben Carla David Elena Farid Grace Hugo Irina Jonas Kofi Lena Mateo Nadia Omar Priya Quinn Rosa Sven Tara",
    "last_names": "Ruiz Okoye Lindgren Marsh Novak Haddad Whitfield Sato Petrov Keller Mensah Costa Brandt Ibrahim Doyle Rao Fischer Moreau",
    "places": "Cedar Harbor Maple Granite Willow Summit River Prairie Juniper Canyon Orchard Falcon Meadow Copper Aspen Lakeside",
    "cities": "Albany Boise Dayton Eugene Fresno Laredo Macon Norfolk Omaha Peoria Reno Spokane Tulsa Utica Waco Yuma",
    "regions": "North East South West",
    "industries": "Clinics Labs Dentists Schools Hotels Workshops",
    "sources": "Web Referral Fair Campaign",
    "products": "Gloves Masks Gowns Swabs Trays Filters Pumps Sensors Scanners Cabinets Lamps Carts",
    "families": "Disposables Devices Furniture",
    "competitors": "Northwind Contoso Fabrikam",
    "reasons": "price service delivery quality timing",
    "stages": "Qualify Discover Propose Close",
}

#: Table -> its rows. r: the rep's number; a, j, k: the row's number among the rep's; u(stream, r, n): a number in [0, 1).
_TABLES = {
    "reps": """
        SELECT rep(r) AS rep_id, pick($first_names, 1, r, 0) || ' ' || pick($last_names, 2, r, 0) AS rep_name, 'Account manager' AS role,
               pick($regions, 0, r, 0) AS team, $last_day - whole(700 + 2500 * u(3, r, 0)) AS active_from, 1200 AS selling_hours_per_year,
               round(32 + 14 * u(4, r, 0), 3) AS home_latitude, round(-120 + 40 * u(5, r, 0), 3) AS home_longitude
        FROM reps""",
    "accounts": """
        SELECT account(r, a) AS account_id, pick($places, 10, r, a) || ' ' || pick($cities, 11, r, a) || ' ' || pick($industries, 12, r, a) AS account_name,
               rep(r) AS rep_id, CASE WHEN a % 10 = 9 THEN account(r, a - 1) END AS parent_account_id, pick($industries, 12, r, a) AS industry,
               whole(5 + 400 * u(13, r, a) ** 3) AS employees, whole(200000 + 9000000 * u(13, r, a) ** 3) AS annual_revenue,
               'US' AS country, pick($regions, 0, r, 0) AS region, pick($cities, 11, r, a) AS city,
               round(32 + 14 * u(4, r, 0) + u(14, r, a), 3) AS latitude, round(-120 + 40 * u(5, r, 0) + u(15, r, a), 3) AS longitude,
               pick($sources, 16, r, a) AS lead_source, whole(30 * u(17, r, a)) AS web_visits_n, 'T' || rep(r) AS territory_id,
               $last_day - whole(1200 + 2000 * u(18, r, a)) AS created_date
        FROM reps, range($accounts) t(a)""",
    # three lines an order; every ninth account has bought nothing for 400 days; the last line of all is of the last day
    "orders": """
        SELECT printf('%s-%06d', rep(r), j // 3) AS order_id, account(r, a) AS account_id,
               $last_day - CASE WHEN j // 3 = 0 THEN 0 WHEN a % 9 = 8 THEN whole(400 + 690 * u(21, r, j // 3)) ELSE whole(1090 * u(21, r, j // 3)) END AS order_date,
               (exp(5 + 0.7 * normal(22, r, j) + 0.5 * normal(23, r, a)))::DECIMAL(12, 2) AS amount, rep(r) AS rep_id,
               pick($products, 24, r, a * 5 + j % 4) AS product, 1 + whole(12 * u(25, r, j)) AS quantity,
               (amount * (0.2 + 0.2 * u(26, r, j)))::DECIMAL(12, 2) AS margin
        FROM (SELECT r, j, CASE WHEN j // 3 = 0 THEN 0 ELSE whole($accounts * u(20, r, j // 3) ** 1.7) END AS a FROM reps, range($lines) t(j))""",
    "opportunities": """
        SELECT deal(r, k) AS opportunity_id, rep(r) AS rep_id, $stages[reached] AS stage, outcome, amount, created AS created_date,
               closes AS close_date, account(r, whole($accounts * u(34, r, k))) AS account_id,
               CASE WHEN u(35, r, k) < 0.6 THEN 'new' ELSE 'expansion' END AS kind, pick($products, 36, r, k) AS product,
               pick($sources, 37, r, k) AS lead_source, CASE WHEN u(38, r, k) < 0.5 THEN pick($competitors, 39, r, k) END AS competitor,
               CASE WHEN outcome = 'Won' THEN pick($reasons, 40, r, k) END AS win_reason,
               CASE WHEN outcome = 'Lost' THEN pick($reasons, 40, r, k) END AS loss_reason
        FROM deals""",
    "stage_history": """
        SELECT deal(r, k) AS opportunity_id, $stages[s] AS stage, created + whole(cycle * (s - 1) / 4) AS entered_date, amount, closes AS close_date
        FROM deals, range(1, 5) t(s) WHERE s <= reached""",
    "activities": """
        SELECT $last_day - whole(720 * u(50, r, k)) AS activity_date, ['call', 'visit', 'email', 'demo'][1 + whole(4 * u(51, r, k))] AS activity_type,
               rep(r) AS rep_id, account(r, whole($accounts * u(52, r, k))) AS account_id, 5 + whole(55 * u(53, r, k)) AS minutes, 'sales' AS team
        FROM reps, range($activities) t(k)""",
    "quotas": """
        SELECT rep(r) AS rep_id, start AS period_start, (start + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS period_end,
               ($lines * 20 * (0.8 + 0.4 * u(60, r, 0)))::DECIMAL(12, 2) AS quota
        FROM reps, (SELECT (DATE '2025-01-01' + INTERVAL (3 * q) MONTH)::DATE AS start FROM range(8) t(q))""",
    "leads": """
        SELECT printf('%s-L%03d', rep(r), k) AS lead_id, created AS created_date, pick($sources, 71, r, k) AS lead_source, rep(r) AS rep_id,
               whole(9 * u(72, r, k)) AS web_visits_n, CASE WHEN u(73, r, k) < 0.3 THEN least(created + 21, $last_day) END AS converted_date
        FROM (SELECT r, k, $last_day - whole(500 * u(70, r, k)) AS created FROM reps, range($leads) t(k))""",
    "products": """
        SELECT product, $families[1 + (n - 1) % 3] AS family, 20 * n AS list_price
        FROM (SELECT unnest($products) AS product, unnest(range(1, len($products) + 1)) AS n)""",
    "territories": "SELECT 'T' || rep(r) AS territory_id, pick($cities, 6, r, 0) || ' ' || r AS territory_name, rep(r) AS rep_id, DATE '2020-01-01' AS valid_from FROM reps",
    "market": """
        SELECT area, industry, 40 + whole(200 * u(80, length(area), length(industry))) AS establishments_n, 900000 + whole(9e6 * u(81, length(area), length(industry))) AS spend
        FROM (SELECT unnest($regions) AS area), (SELECT unnest($industries) AS industry)""",
    "rep_skills": "SELECT rep(r) AS rep_id, industry AS skill, 1 + whole(5 * u(90, r, length(industry))) AS level, 'self' AS source, DATE '2026-01-10' AS rated_date FROM reps, (SELECT unnest($industries) AS industry)",
}  # fmt: skip

_SHORTHAND = (
    "CREATE MACRO u(stream, r, n) AS (hash($seed, stream, r::BIGINT, n::BIGINT) >> 11) / 9007199254740992.0",
    "CREATE MACRO normal(stream, r, n) AS sqrt(-2 * ln(1 - u(stream, r, n))) * cos(2 * pi() * u(1000 + stream, r, n))",
    "CREATE MACRO whole(number) AS floor(number)::INTEGER",
    "CREATE MACRO pick(texts, stream, r, n) AS texts[1 + floor(len(texts) * u(stream, r, n))::INTEGER]",
    "CREATE MACRO rep(r) AS printf('R%05d', r)",
    "CREATE MACRO account(r, a) AS printf('A%05d%03d', r, a)",
    "CREATE MACRO deal(r, k) AS printf('D%05d%03d', r, k)",
    "CREATE TEMP VIEW reps AS SELECT unnest(range(1, $reps + 1)) AS r",
    """
    CREATE TEMP VIEW deals AS SELECT *, created + whole(cycle) AS closes,
        CASE WHEN created + whole(cycle) > $last_day THEN 'Open' WHEN u(32, r, k) < 0.35 THEN 'Won' ELSE 'Lost' END AS outcome,
        CASE outcome WHEN 'Won' THEN 4 WHEN 'Lost' THEN 1 + whole(4 * u(33, r, k)) ELSE 1 + whole(4 * ($last_day - created) / (cycle + 1)) END AS reached
    FROM (SELECT r, k, $last_day - whole(900 * u(30, r, k)) AS created, 20 + whole(140 * u(31, r, k)) AS cycle,
                 exp(8.5 + 0.8 * normal(41, r, k))::DECIMAL(12, 2) AS amount
          FROM reps, range($deals) t(k))""",
)  # fmt: skip


def write_company(
    folder: Path, *, reps: int, lines: int = 200, accounts: int = 40, deals: int = 40, activities: int = 120, leads: int = 24, seed: int = 7
) -> Path:
    """A company folder with every table that the six chapters ask for; no row of it is wrong.

    folder: made here. lines, accounts, deals, activities, leads: order lines and so on of each rep. Returns the folder.
    """
    import duckdb

    exports = folder / "exports"
    exports.mkdir(parents=True)
    (folder / "workbook.yml").write_text(SETTINGS.format(tables=", ".join(f"{t}: {t}.csv" for t in _TABLES)), encoding="utf-8")
    sizes = {"reps": reps, "lines": lines, "accounts": accounts, "deals": deals, "activities": activities, "leads": leads}
    values = {name: str(text.split()) for name, text in _TEXTS.items()} | {name: str(size) for name, size in sizes.items()}
    values |= {"seed": str(seed), "last_day": f"DATE '{LAST_DAY}'"}
    with duckdb.connect() as db:
        for statement in _SHORTHAND:
            db.execute(Template(statement).substitute(values))
        for name, rows in _TABLES.items():
            target = str(exports / f"{name}.csv").replace("'", "''")
            db.execute(f"COPY ({Template(rows).substitute(values)}) TO '{target}' (HEADER)")
    return folder


def main() -> None:
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("folder", type=Path)
    known.add_argument("--reps", type=int, required=True)
    known.add_argument("--lines", type=int, default=200, help="order lines of each rep")
    chosen = known.parse_args()
    write_company(chosen.folder, reps=chosen.reps, lines=chosen.lines)


if __name__ == "__main__":
    main()
