"""What a date knows, and whose row it is: checked tables to the books of all reps on the as-of date.

The one place that holds the as-of, credit and currency rules (docs: contract). Whatever it leaves out, nobody downstream can see:
reps' books and the team's figures are both read from what it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from workbook_helpers.data.convert import text
from workbook_helpers.data.history import Import, is_closed, load_tables, no_rows, open_deals
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import Company

#: What a CRM overwrites in a deal as it goes on, so that an export says nothing of it about an earlier day.
REBUILT = ("stage", "close_date", "amount", "probability")
OVERWRITTEN = ("outcome", "forecast_category", "win_reason", "loss_reason", "competitor", "pain_point", "next_step", "discount_share")

_SALE = ("sale_id", "account_id", "sale_date", "amount", "product", "quantity", "margin", "source")
#: Only in the book of who sold: whom it was sold to, also where the account is another's now.
_SOLD_TO = "account_name"


def build_books(
    con: duckdb.DuckDBPyConnection, company: Company, as_of: date, base: Import, imports: Sequence[Import]
) -> tuple[Company, list[str]]:
    """Creates a view ``book_<table>`` for each table of the company, with the book's rep in ``rep_id``.

    base: the import to speak from. imports: those up to the as-of date, oldest first.
    Returns the company with the tables there are on that day, and the remarks that every page must carry.
    """
    con.execute(f"CREATE OR REPLACE MACRO as_of() AS DATE '{as_of.isoformat()}'")
    company, remarks = load_tables(con, company, base, imports)
    for name in TABLES:
        if not company.has(name):
            con.execute(f"CREATE OR REPLACE TABLE {name} AS {no_rows(name)}")
    _know_rows(con)
    _know_owners(con, company)
    remarks += _remark_owners(con, company)
    remarks += _know_deals(con, company, base, imports)
    remarks += _convert_money(con, company)
    _credit(con, company)
    _fill_books(con, company)
    return company, remarks


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(text(w.lower()) for w in words) or "NULL"


def _know_rows(con: duckdb.DuckDBPyConnection) -> None:
    """k_<table>: the rows known on the as-of date; what ended later has not ended."""
    for name, table in TABLES.items():
        ends = [c for c in ("active_to", "valid_to", "converted_date") if c in table.names]
        hidden = ", ".join(f"CASE WHEN {c} <= as_of() THEN {c} END AS {c}" for c in ends)
        known = f"WHERE {table.known} IS NULL OR {table.known} <= as_of()" if table.known else ""
        con.execute(f"CREATE OR REPLACE TEMP VIEW k_{name} AS SELECT *{f' REPLACE ({hidden})' if hidden else ''} FROM {name} {known}")


def _know_owners(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """k_owned: each account with its owner on the as-of date and its ultimate parent; owner_spans: who owned when."""
    spans = "SELECT account_id, valid_from, min(rep_id) AS rep_id, min_by(valid_to, rep_id) AS valid_to FROM k_account_owners GROUP BY ALL"
    if company.account_owner == "seller":
        sold = f"""SELECT account_id, day AS valid_from, max_by(rep_id, (sold, rep_id)) AS rep_id, NULL::DATE AS valid_to
                   FROM (SELECT account_id, day, rep_id, sum(amount) AS sold FROM ({_sales(company)})
                         WHERE rep_id IS NOT NULL GROUP BY ALL) GROUP BY account_id, day"""
        spans = f"WITH sold AS ({sold}) FROM sold UNION ALL BY NAME SELECT * FROM ({spans}) ANTI JOIN sold USING (account_id)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE owner_spans AS {spans}")
    con.execute(
        """CREATE OR REPLACE TEMP TABLE tops AS WITH RECURSIVE up(account_id, top, depth) AS (
             SELECT account_id, account_id, 0 FROM k_accounts
             UNION ALL SELECT up.account_id, a.parent_account_id, depth + 1 FROM up JOIN k_accounts a ON a.account_id = up.top
             WHERE a.parent_account_id IS NOT NULL AND a.parent_account_id != a.account_id AND depth < 20)
           SELECT account_id, max_by(top, depth) AS ultimate_parent_id FROM up GROUP BY account_id"""
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE k_owned AS SELECT a.* REPLACE (o.owner AS rep_id), t.ultimate_parent_id
            FROM k_accounts a JOIN tops t USING (account_id)
            JOIN ({_with_owner("(SELECT account_id, as_of() AS day FROM k_accounts)", company)}) o USING (account_id)"""
    )
    con.execute(  # a chain may climb through accounts of other reps: their ids group, and are not told
        """CREATE OR REPLACE TEMP TABLE k_owned AS SELECT a.* REPLACE (
             CASE WHEN t.rep_id = a.rep_id OR a.ultimate_parent_id IN (a.account_id, a.parent_account_id) THEN a.ultimate_parent_id
                  ELSE 'group ' || left(md5(a.ultimate_parent_id), 8) END AS ultimate_parent_id)
           FROM k_owned a LEFT JOIN (SELECT account_id, rep_id FROM k_owned) t ON t.account_id = a.ultimate_parent_id"""
    )


def _sales(company: Company) -> str:
    """Orders known on the as-of date, else deals won by then: account_id, day, rep_id, amount."""
    if company.has("orders"):
        return "SELECT account_id, order_date AS day, rep_id, amount FROM k_orders"
    won = f"lower(outcome) IN ({_listed(company.won)}) AND close_date <= as_of()"
    return f"SELECT account_id, close_date AS day, rep_id, amount FROM k_opportunities WHERE {won}"


def _remark_owners(con: duckdb.DuckDBPyConnection, company: Company) -> list[str]:
    """How many accounts the latest sale gives to another rep than is recorded."""
    if company.account_owner == "recorded":
        return []
    n = con.execute("SELECT count(*) FROM k_owned o JOIN k_accounts a USING (account_id) WHERE a.rep_id != o.rep_id").fetchone()[0]
    return [f"An account belongs to the rep who sold to it last; for {n:,} of them the export names another."] if n else []


def _with_owner(rows: str, company: Company) -> str:
    """These rows (account_id, day, …) with ``owner``: who owned the account on that day.

    The ownership history where the account has one; else the owner in the accounts table, as exported.
    """
    if company.account_owner == "recorded" and not company.has("account_owners"):
        return f"SELECT x.*, a.rep_id AS owner FROM {rows} x LEFT JOIN k_accounts a ON a.account_id = x.account_id"
    return f"""SELECT x.*, CASE WHEN w.account_id IS NOT NULL THEN (CASE WHEN w.valid_to IS NULL OR x.day <= w.valid_to THEN w.rep_id END)
                           WHEN h.account_id IS NULL THEN a.rep_id END AS owner
               FROM {rows} x ASOF LEFT JOIN owner_spans w ON x.account_id = w.account_id AND x.day >= w.valid_from
               LEFT JOIN (SELECT DISTINCT account_id FROM owner_spans) h ON h.account_id = x.account_id
               LEFT JOIN k_accounts a ON a.account_id = x.account_id"""


def _know_deals(con: duckdb.DuckDBPyConnection, company: Company, base: Import, imports: Sequence[Import]) -> list[str]:
    """k_deals: each deal created by the as-of date, as it stood on it, with status won, lost or open.

    Where some of these deals went on after the as-of date, the base is an import of a later day: what a CRM overwrites is then taken from
    the company's own stage_history or else from the last import before, or it is not known, for every open deal alike.
    """
    later = con.execute(
        f"""SELECT count(*) FROM k_opportunities d WHERE ({is_closed(company)} AND close_date > as_of())
            OR EXISTS (SELECT 1 FROM stage_history h WHERE h.opportunity_id = d.opportunity_id AND h.entered_date > as_of())"""
    ).fetchone()[0]
    status = f"""CASE WHEN lower(outcome) IN ({_listed(company.won)}) AND close_date <= as_of() THEN 'won'
                      WHEN lower(outcome) IN ({_listed(company.lost)}) AND close_date <= as_of() THEN 'lost' ELSE 'open' END"""
    con.execute(f"CREATE OR REPLACE TEMP VIEW deals_then AS SELECT *, {status} AS status FROM k_opportunities")
    last = imports[-1] if imports and imports[-1] != base and imports[-1].has("opportunities") else None
    if not (later or last):
        con.execute("CREATE OR REPLACE TEMP TABLE k_deals AS SELECT *, true AS state_known FROM deals_then")
        return []
    stood = state = open_deals(last, company) if last else "SELECT * FROM opportunities LIMIT 0"
    if base.has("stage_history"):
        order = "list_position([" + ", ".join(text(s) for s in company.stages) + "]::VARCHAR[], stage)"
        latest = ", ".join(f"last({c} ORDER BY entered_date, {order}, stage) FILTER ({c} IS NOT NULL) AS {c}" for c in REBUILT)
        state = f"SELECT opportunity_id, {latest} FROM k_stage_history GROUP BY opportunity_id"
    rebuilt = [f"CASE WHEN d.status = 'open' THEN h.{c} ELSE d.{c} END AS {c}" for c in REBUILT]
    rebuilt += [f"CASE WHEN d.status = 'open' THEN o.{c} ELSE d.{c} END AS {c}" for c in OVERWRITTEN]
    rebuilt += ["CASE WHEN d.status = 'open' AND o.opportunity_id IS NOT NULL THEN o.rep_id ELSE d.rep_id END AS rep_id"]
    con.execute(
        f"""CREATE OR REPLACE TEMP VIEW deals_stood AS SELECT d.* REPLACE ({", ".join(rebuilt)}),
            d.status != 'open' OR h.opportunity_id IS NOT NULL AS state_known,
            d.status = 'open' AND o.opportunity_id IS NULL AS by_owner, as_of() AS day
            FROM deals_then d LEFT JOIN ({state}) h USING (opportunity_id) LEFT JOIN ({stood}) o USING (opportunity_id)"""
    )
    con.execute(  # who owns an open deal is overwritten too: where no import says it, the deal was its account's owner's
        f"""CREATE OR REPLACE TEMP TABLE k_deals AS SELECT * EXCLUDE (by_owner, day, owner)
            REPLACE (CASE WHEN by_owner THEN coalesce(owner, rep_id) ELSE rep_id END AS rep_id)
            FROM ({_with_owner("deals_stood", company)})"""
    )
    unknown = con.execute("SELECT count(*) FROM k_deals WHERE NOT state_known").fetchone()[0]
    if not unknown:
        return []
    if last:
        return ["Deals created since then show no amount, stage or date."]
    return ["What stood in open deals on that day cannot be rebuilt from these exports: their amounts, stages and dates are not shown."]


def _convert_money(con: duckdb.DuckDBPyConnection, company: Company) -> list[str]:
    """money_orders and money_deals: amounts in the company's currency, by the rate of the day, and who owned the account on it."""
    home = text(company.currency.upper())
    for name, source, day, columns in (
        ("money_orders", "(SELECT * EXCLUDE (_file, _row) FROM k_orders)", "order_date", ("amount", "margin")),
        ("money_deals", "k_deals", "CASE WHEN status = 'open' THEN as_of() ELSE close_date END", ("amount",)),
    ):
        rows = f"SELECT *, {day} AS day FROM {source}"
        if company.has("rates"):
            converted = ", ".join(f"round(x.{c} * coalesce(r.rate, 1), 4)::DECIMAL(18,4) AS {c}" for c in columns)
            rows = f"""SELECT x.* EXCLUDE (code) REPLACE ({converted})
                FROM (SELECT *, upper(coalesce(currency, {home})) AS code FROM ({rows})) x
                ASOF LEFT JOIN (SELECT upper(currency) AS code, rate_date, rate FROM k_rates WHERE upper(currency) != {home}) r
                ON x.code = r.code AND x.day >= r.rate_date"""
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * EXCLUDE (day) FROM ({_with_owner(f'({rows})', company)})")
    n, codes = con.execute(
        f"""SELECT count(*), string_agg(DISTINCT upper(currency), ', ' ORDER BY upper(currency))
            FROM (SELECT currency, order_date AS day FROM k_orders
                  UNION ALL SELECT currency, close_date FROM k_deals WHERE status != 'open') x
            WHERE upper(currency) != {home} AND NOT EXISTS (
              SELECT 1 FROM k_rates r WHERE upper(r.currency) = upper(x.currency) AND r.rate_date <= x.day)"""
    ).fetchone()
    if not n:
        return []
    return [f"Amounts in {codes} ({n:,}) have no rate for their day and are summed as they stand, as if they were {company.currency}."]


def _credit(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """credited_orders and credited_deals: one row per line and credited rep, amounts shared to the cent."""
    con.execute(
        """CREATE OR REPLACE TEMP VIEW shares AS SELECT source_id, rep_id, credit_share FROM k_credits
            WHERE coalesce(lower(kind), 'revenue') = 'revenue'
            QUALIFY abs(sum(credit_share) OVER (PARTITION BY source_id) - 1) < 1e-6"""
    )
    for name, source, key, columns in (
        ("credited_orders", "money_orders", "order_id", ("amount", "margin")),
        ("credited_deals", "money_deals", "opportunity_id", ("amount",)),
    ):
        owned = f"SELECT rowid AS _n, * REPLACE ({_own_rep(company)} AS rep_id) FROM {source}"
        if company.credit != "table":
            con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT *, 1.0 AS credit_share FROM ({owned})")
            continue
        parts = [f"round({c} * credit_share, 2)::DECIMAL(18,4)" for c in columns]
        shared = ", ".join(
            f"CASE WHEN credit_share = 1 THEN {c} WHEN _last THEN {c} - (sum({p}) OVER line - {p}) ELSE {p} END::DECIMAL(18,4) AS {c}"
            for c, p in zip(columns, parts, strict=True)
        )
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {name} AS SELECT * EXCLUDE (_last) REPLACE ({shared}) FROM (
                  SELECT o.* REPLACE (coalesce(s.rep_id, o.rep_id) AS rep_id), coalesce(s.credit_share, 1) AS credit_share,
                         row_number() OVER (PARTITION BY o._n ORDER BY s.credit_share DESC, s.rep_id DESC) = 1 AS _last
                  FROM ({owned}) o LEFT JOIN shares s ON s.source_id = o.{key})
                WINDOW line AS (PARTITION BY _n)"""
        )


def _own_rep(company: Company) -> str:
    """SQL: the rep whom an order or a deal names, or to whom its account belonged."""
    return "owner" if company.credit == "account" else "coalesce(rep_id, owner)"


def _fill_books(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """book_<table>: every row under the rep whose book it stands in; NULL where it is nobody's."""
    deal = ", ".join(f"d.{c}" for c in TABLES["opportunities"].names if c != "rep_id")
    order = ", ".join(c for c in TABLES["orders"].names if c != "rep_id")
    if company.has("orders"):
        sale = "order_id AS sale_id, account_id, order_date AS sale_date, amount, product, quantity, margin, 'order' AS source"
        credited, whole, won = "credited_orders", "money_orders", "true"
    else:
        sale = (
            "opportunity_id AS sale_id, account_id, close_date AS sale_date, amount, product, "
            "NULL::DOUBLE AS quantity, NULL::DECIMAL(18,4) AS margin, 'deal' AS source"
        )
        credited, whole, won = "credited_deals", "money_deals", "status = 'won'"
    by_owner = "JOIN k_owned a USING (account_id)"
    inherited = "s.seller IS DISTINCT FROM a.rep_id OR a.rep_id IS NULL"
    if company.credit == "table":  # several may have sold it
        inherited = f"NOT EXISTS (SELECT 1 FROM {credited} c WHERE c._n = s._n AND c.rep_id = a.rep_id)"
    selects = {
        "accounts": "SELECT * EXCLUDE (_file, _row) FROM k_owned",
        "opportunities": f"SELECT d.rep_id, {deal}, d.status, d.state_known, d.credit_share FROM credited_deals d",
        "orders": f"SELECT rep_id, {order}, credit_share FROM credited_orders",
        "stage_history": "SELECT c.rep_id, h.* EXCLUDE (_file, _row) FROM k_stage_history h JOIN credited_deals c USING (opportunity_id)",
        "sales": f"""SELECT s.*, a.account_name FROM (SELECT rep_id, {sale} FROM {credited} WHERE {won}) s
                     LEFT JOIN k_accounts a USING (account_id)""",
        "account_sales": f"""SELECT a.rep_id, s.*, {inherited} AS inherited
                             FROM (SELECT {sale}, rowid AS _n, {_own_rep(company)} AS seller FROM {whole} WHERE {won}) s {by_owner}""",
        "contracts": f"""SELECT * EXCLUDE (_file, _row, owner, day) REPLACE (coalesce(owner, rep_id) AS rep_id)
                         FROM ({_with_owner("(SELECT *, as_of() AS day FROM k_contracts)", company)})""",
        "activities": f"""SELECT * EXCLUDE (_file, _row, owner, day) REPLACE (coalesce(rep_id, owner) AS rep_id)
                          FROM ({_with_owner("(SELECT *, activity_date AS day FROM k_activities)", company)})""",
        "leads": f"""SELECT * EXCLUDE (_file, _row, owner, day) REPLACE (coalesce(rep_id, owner) AS rep_id)
                     FROM ({_with_owner("(SELECT *, as_of() AS day FROM k_leads)", company)})""",
        "contacts": f"SELECT a.rep_id, c.* EXCLUDE (_file, _row) FROM k_contacts c {by_owner}",
    }
    for name in TABLES:
        if name in ("credits", "rates"):
            continue
        con.execute(f"CREATE OR REPLACE TEMP VIEW book_{name} AS {selects.get(name, f'SELECT * EXCLUDE (_file, _row) FROM k_{name}')}")
    for name in ("sales", "account_sales"):
        columns = ", ".join(("rep_id", *_SALE, "inherited" if name == "account_sales" else _SOLD_TO))
        con.execute(f"CREATE OR REPLACE TEMP VIEW book_{name} AS SELECT {columns} FROM ({selects[name]})")


def list_books(company: Company) -> list[str]:
    """The tables of a rep's book that this company has."""
    return [name for name in TABLES if company.has(name) and name not in ("credits", "rates")] + ["sales", "account_sales"]
