"""What is readable and yet would mislead a plan: owners missing, deals past their date, amounts out of range.

Each rule is one SELECT over what is known on the as-of date, of: file, row, the row's id, the value shown, the rep concerned.
A finding changes no figure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from workbook_helpers.data.convert import PROBLEMS, SHORT_ID, text
from workbook_helpers.data.schemas import EVENT_DATES
from workbook_helpers.data.settings import FILE_NAME, Company
from workbook_helpers.errors import Problem


@dataclass(frozen=True)
class Rule:
    """table and column: where the reader finds it. needs: tables without which the rule is not asked.

    rows: SELECT of _file, _row, key, val, rep_id.
    """

    table: str
    column: str
    what: str
    fix: str
    rows: str
    needs: tuple[str, ...] = ()


_DATED = "SELECT _file, _row, opportunity_id AS key, close_date::VARCHAR AS val, rep_id FROM k_deals WHERE "
_KNOWN_REP = "(SELECT rep_id FROM k_reps)"
_KNOWN_ACCOUNT = "(SELECT account_id FROM k_accounts)"


_HELD = "(SELECT * FROM k_territories WHERE valid_to IS NULL OR valid_to >= as_of())"

#: lies_in: each account and the territories in which it lies, as far as one of its places is a territory's id or name.
_LIES_IN = f"""CREATE OR REPLACE TEMP TABLE lies_in AS
    SELECT DISTINCT a.account_id, a.rep_id, a.country, t.territory_id, t.rep_id AS held_by
    FROM (SELECT account_id, rep_id, country, lower(unnest([territory_id, country, region, city, postal_code])) AS place FROM k_owned) a
    JOIN (SELECT lower(unnest([territory_id, territory_name])) AS place, territory_id, rep_id FROM {_HELD}) t USING (place)"""


def _orphans(table: str, rows: str, key: str) -> Rule:
    return Rule(
        table,
        "rep_id",
        "names a rep who is not in table reps",
        "Add the rep, or give the row to somebody; until then it stands under nobody in the index.",
        f"""SELECT _file, _row, {key} AS key, rep_id AS val, NULL AS rep_id FROM {rows}
            WHERE rep_id IS NOT NULL AND rep_id NOT IN {_KNOWN_REP}""",
        (table,),
    )


def _twins(table: str, column: str) -> Rule:
    folded = f"lower(ltrim(regexp_replace({column}, '[^0-9A-Za-z]', '', 'g'), '0'))"
    bare = f"CASE WHEN regexp_full_match({column}, '{SHORT_ID}(...)?') THEN {column} ELSE {folded} END"  # capitals matter in these
    return Rule(
        table,
        column,
        "looks like another id (they differ only in case, zeros, blanks or punctuation)",
        "If both mean the same, use one of them throughout.",
        f"SELECT _file, _row, {column} AS key, {column} AS val, NULL AS rep_id FROM k_{table} "
        f"QUALIFY count(DISTINCT {column}) OVER (PARTITION BY {bare}) > 1",
        (table,),
    )


RULES = (
    Rule(
        "accounts",
        "rep_id",
        "has no owner",
        "Give it an owner; until then it stands under nobody in the index.",
        "SELECT _file, _row, account_id AS key, NULL AS val, NULL AS rep_id FROM k_owned WHERE rep_id IS NULL",
        ("accounts",),
    ),
    Rule(
        "account_owners",
        "valid_from",
        "belongs to two reps at once",
        "End the first ownership before the next begins; the later one counts.",
        """SELECT _file, _row, account_id AS key, valid_from::VARCHAR AS val, rep_id FROM k_account_owners
           WINDOW w AS (PARTITION BY account_id ORDER BY valid_from, rep_id)
           QUALIFY lead(valid_from) OVER w <= coalesce(valid_to, as_of()) AND lead(rep_id) OVER w != rep_id""",
        ("account_owners",),
    ),
    _orphans("accounts", "k_owned", "account_id"),
    _orphans("opportunities", "k_deals", "opportunity_id"),
    _orphans("orders", "k_orders", "order_id"),
    Rule(
        "reps",
        "rep_id",
        "has no deals and no orders",
        "Nothing to do if the rep is new; else check who owns this rep's rows.",
        """SELECT _file, _row, rep_id AS key, rep_id AS val, rep_id FROM k_reps
           WHERE coalesce(lower(role), '') NOT IN ('manager', 'house', 'vacant')
           AND rep_id NOT IN (SELECT rep_id FROM book_sales WHERE rep_id IS NOT NULL)
           AND rep_id NOT IN (SELECT rep_id FROM book_opportunities WHERE rep_id IS NOT NULL)""",
    ),
    *(_twins(table, column) for table, column in (("reps", "rep_id"), ("accounts", "account_id"), ("opportunities", "opportunity_id"))),
    Rule(
        "orders",
        "account_id",
        "names an account that is not in table accounts",
        "Export that account too; its sales count for the rep, but stand in no segment.",
        f"SELECT _file, _row, order_id AS key, account_id AS val, rep_id FROM k_orders WHERE account_id NOT IN {_KNOWN_ACCOUNT}",
        ("orders", "accounts"),
    ),
    Rule(
        "opportunities",
        "account_id",
        "names an account that is not in table accounts",
        "Export that account too; the deal counts for the rep, but stands in no segment.",
        f"SELECT _file, _row, opportunity_id AS key, account_id AS val, rep_id FROM k_deals WHERE account_id NOT IN {_KNOWN_ACCOUNT}",
        ("opportunities", "accounts"),
    ),
    Rule(
        "contracts",
        "account_id",
        "names an account that is not in table accounts",
        "Export that account too; until then nobody's book holds the contract.",
        f"SELECT _file, _row, account_id AS key, account_id AS val, rep_id FROM k_contracts WHERE account_id NOT IN {_KNOWN_ACCOUNT}",
        ("contracts", "accounts"),
    ),
    Rule(
        "contracts",
        "end_date",
        "ends before it starts",
        "Mend one of the two dates; it counts for no day.",
        "SELECT _file, _row, account_id AS key, end_date::VARCHAR AS val, rep_id FROM k_contracts WHERE end_date < start_date",
        ("contracts",),
    ),
    Rule(
        "opportunities",
        "close_date",
        "was closed before it was created",
        "Mend one of the two dates; its days to close are not counted.",
        _DATED + "status != 'open' AND close_date < created_date",
        ("opportunities",),
    ),
    Rule(
        "opportunities",
        "amount",
        "was won without an amount",
        "Fill the amount in; the deal counts as won with nothing.",
        """SELECT _file, _row, opportunity_id AS key, amount::VARCHAR AS val, rep_id FROM k_deals
           WHERE status = 'won' AND coalesce(amount, 0) = 0""",
        ("opportunities",),
    ),
    Rule(
        "opportunities",
        "close_date",
        "is open past its close date",
        "Close it, or give it a date that somebody believes.",
        _DATED + "status = 'open' AND close_date < as_of()",
        ("opportunities",),
    ),
    *(
        Rule(
            table,
            "amount",
            "is far out of the range of the others (more than 20 times the 99th percentile)",
            "Check the amount: a slipped decimal point or another currency?",
            f"SELECT _file, _row, {key} AS key, amount::VARCHAR AS val, rep_id FROM {rows} "
            f"WHERE amount::DOUBLE > 20 * (SELECT quantile_cont(amount::DOUBLE, 0.99) FROM {rows} WHERE amount > 0)",
            (table,),
        )
        for table, rows, key in (("opportunities", "k_deals", "opportunity_id"), ("orders", "k_orders", "order_id"))
    ),
    Rule(
        "opportunities",
        "rep_id",
        "belongs to another rep than its account does",
        "Nothing to do if that is meant; the deal counts for its own rep.",
        """SELECT d._file, d._row, d.opportunity_id AS key, d.rep_id AS val, d.rep_id FROM k_deals d JOIN k_owned a USING (account_id)
           WHERE d.status = 'open' AND d.rep_id != a.rep_id""",
        ("opportunities", "accounts"),
    ),
    Rule(
        "territories",
        "territory_name",
        "is the name of several territories with different ids",
        "If they are one territory, use one id; else give each a name of its own.",
        f"""SELECT _file, _row, territory_id AS key, territory_name AS val, rep_id FROM {_HELD}
            WINDOW w AS (PARTITION BY lower(territory_name)) QUALIFY min(territory_id) OVER w != max(territory_id) OVER w""",
        ("territories",),
    ),
    Rule(
        "accounts",
        "territory_id",
        "names a territory that is not in table territories",
        "Add the territory, or give the account to another; its sales count for its own rep.",
        """SELECT _file, _row, account_id AS key, territory_id AS val, rep_id FROM k_owned
           WHERE territory_id NOT IN (SELECT territory_id FROM k_territories)""",
        ("accounts", "territories"),
    ),
    Rule(
        "accounts",
        "country",
        "lies in a country where no account lies in any territory",
        "Draw a territory there, or say who looks after it; its sales count for its own rep.",
        """SELECT _file, _row, account_id AS key, country AS val, rep_id FROM k_owned
           WHERE country NOT IN (SELECT country FROM lies_in WHERE country IS NOT NULL) AND EXISTS (FROM lies_in)""",
        ("accounts", "territories"),
    ),
    Rule(
        "reps",
        "rep_id",
        "has territories in which none of the rep's accounts is known to lie",
        "See whether accounts or territories stand under the wrong rep.",
        f"""SELECT _file, _row, rep_id AS key, rep_id AS val, rep_id FROM k_reps
            WHERE rep_id IN (SELECT rep_id FROM {_HELD}) AND rep_id IN (SELECT rep_id FROM k_owned) AND EXISTS (FROM lies_in)
            AND rep_id NOT IN (SELECT rep_id FROM lies_in WHERE rep_id = held_by)""",
        ("accounts", "territories"),
    ),
    Rule(
        "periods",
        "period_end",
        "ends before it begins",
        "Mend one of the two dates.",
        "SELECT _file, _row, period AS key, period_end::VARCHAR AS val, NULL AS rep_id FROM k_periods WHERE period_end < period_start",
        ("periods",),
    ),
    Rule(
        "credits",
        "credit_share",
        "belongs to a source whose revenue shares do not total 1",
        "Mend the shares; until then the row's own rep is credited.",
        """SELECT _file, _row, source_id AS key, credit_share::VARCHAR AS val, rep_id FROM k_credits
           WHERE coalesce(lower(kind), 'revenue') = 'revenue'
           QUALIFY abs(sum(credit_share) OVER (PARTITION BY source_id) - 1) >= 1e-6""",
        ("credits",),
    ),
)


def find_problems(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """Adds what the rules find among the rows known on the as-of date to ``problems``, as findings.

    con: holds what ``build_books`` left behind.
    """
    con.execute(PROBLEMS)
    con.execute(_LIES_IN)
    for rule in RULES:
        if all(company.has(table) for table in rule.needs):
            con.execute(
                f"""INSERT INTO problems SELECT 'finding', {text(rule.table)}, _file, _row, {text(rule.column)}, val,
                    {text(rule.what)}, {text(rule.fix)}, key, rep_id, NULL, NULL FROM ({rule.rows}) ORDER BY _file, _row, key"""
            )


def check_tables(con: duckdb.DuckDBPyConnection, company: Company, usable: Collection[str]) -> Iterator[Problem]:
    """What shows only in whole tables: tables without rows, and settings that name columns which accounts do not have.

    con: holds the tables named in usable, as they were converted.
    """
    rows_n = {name: con.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in usable}
    needed = [name for name in ("reps",) if rows_n.get(name) == 0]
    happened = [name for name in EVENT_DATES if name in company.tables and name != "accounts"]
    if not any(rows_n.get(name, 1) for name in happened):
        needed += happened
    for name, n in rows_n.items():
        if n == 0:
            file, what = company.tables[name].file or FILE_NAME, "holds no row that can be used"
            severity, but = ("unusable", "Nothing can be planned without.") if name in needed else ("finding", "Go on if there are none.")
            yield Problem(severity, name, file, None, None, None, what, f"Export it with its rows. {but}")
    for setting in ("segments", "peers"):
        tables = [t for t in ("accounts", *(["opportunities"] if setting == "segments" else [])) if t in usable]
        known = {row[0]: None for table in tables for row in con.execute(f"DESCRIBE {table}").fetchall() if not row[0].startswith("_")}
        for column in getattr(company, setting):
            if "accounts" in usable and column not in known:
                what = f"`{setting}` names a column that accounts do not have; they have {', '.join(known)}"
                yield Problem("unusable", "accounts", FILE_NAME, None, setting, column, what, "Name one of these, or map the column.")


def check_calendar(company: Company, day: date) -> Iterator[Problem]:
    """Whether table periods says where the fiscal year of the day begins and ends; where it does not, the calendar counts.

    company: with its periods.
    """
    year = company.fiscal_year(day)
    for first in (year.start, year.end + timedelta(days=1)):
        if company.has("periods") and first not in year.edges:
            what = "is where a fiscal year would begin by fiscal_year_start, and no period begins or ends near; the calendar counts instead"
            fix = f"Add the periods of that year, or mend fiscal_year_start: in {FILE_NAME}."
            yield Problem("finding", "periods", company.tables["periods"].file or "", None, "period_start", first.isoformat(), what, fix)
