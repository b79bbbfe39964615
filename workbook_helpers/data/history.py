"""What CRMs overwrite, taken from the imports that were kept: stage and ownership history, and records as they stood.

Every import is kept under its own day, the last day on which something happened in it. A run for that day speaks from that import; a run
for a day between two imports speaks from the newest one, with what was overwritten since taken from the last import before the day; a run
for a day after all of them from the last, also where older exports stand in the folder again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from workbook_helpers.data.convert import SQL_TYPES, quote, text
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import Company
from workbook_helpers.measure import say_date

#: Tables whose rows a CRM overwrites in place; their key finds a row again in another import. Deals have rules of their own (``known``).
OVERWRITTEN_TABLES = {"reps": "rep_id", "accounts": "account_id", "contacts": "contact_id", "leads": "lead_id"}

#: An account's first owner on record counts for all days before: exports say nothing of them.
_ALWAYS = date(1900, 1, 1)


class Import(NamedTuple):
    """One import: its own day, and the folder of its checked tables."""

    day: date
    folder: Path

    def has(self, table: str) -> bool:
        return self.path(table).is_file()

    def path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def rows(self, table: str) -> str:
        """The table as SQL."""
        return f"read_parquet({text(str(self.path(table)))})"


def load_tables(con: duckdb.DuckDBPyConnection, company: Company, base: Import, known: Sequence[Import]) -> tuple[Company, list[str]]:
    """Creates a view of each table that the base import holds, and the histories that the imports together tell.

    base: the import to speak from. known: the imports up to the as-of date, oldest first; the base is the last of them, or later than all.
    Returns the company with the tables there are, and the remarks that every page must carry.
    """
    last = known[-1] if known and known[-1] != base else None
    names = [name for name in company.tables if base.has(name)]
    for name in names:
        # an import of an older version may lack a column
        rows, key = f"{no_rows(name)} UNION ALL BY NAME SELECT * FROM {base.rows(name)}", OVERWRITTEN_TABLES.get(name)
        if last and key and last.has(name):
            rows += f" WHERE {key} NOT IN (SELECT {key} FROM {last.rows(name)}) UNION ALL BY NAME SELECT * FROM {last.rows(name)}"
        con.execute(f"CREATE VIEW {name} AS {rows}")
    built = []
    if len(known) > 1 or last:
        if "stage_history" not in names and "opportunities" in names:
            con.execute(f"CREATE TABLE stage_history AS {_stages(known, company)}")
            built.append("stage_history")
        if "account_owners" not in names and "accounts" in names:
            con.execute(f"CREATE TABLE account_owners AS {_owners(known)}")
            built.append("account_owners")
    return company.with_tables([*names, *built]), _say(known, last, built)


def no_rows(table: str) -> str:
    """SQL: a table of the contract with its columns and no row."""
    columns = ", ".join(f"NULL::{SQL_TYPES[c.kind]} AS {quote(c.name)}" for c in TABLES[table].columns)
    return f"(SELECT {columns}, NULL::VARCHAR AS _file, NULL::BIGINT AS _row LIMIT 0)"


def is_closed(company: Company) -> str:
    """SQL: whether a deal's outcome is one of those that mean won or lost."""
    words = ", ".join(text(word.lower()) for word in (*company.won, *company.lost)) or "NULL"
    return f"coalesce(lower(outcome) IN ({words}), false)"


def open_deals(of: Import, company: Company) -> str:
    """SQL: the deals that were open in an import, as they stood in it."""
    return f"SELECT * FROM {of.rows('opportunities')} WHERE NOT {is_closed(company)}"


def _stages(known: Sequence[Import], company: Company) -> str:
    """An entry for each open deal when an import first shows it, and for each change of stage, amount, date or probability."""
    state = "stage, amount, close_date, probability"
    seen = " UNION ALL ".join(
        f"SELECT opportunity_id, {state}, DATE '{one.day}' AS entered_date FROM ({open_deals(one, company)}) WHERE stage IS NOT NULL"
        for one in known
        if one.has("opportunities")
    )
    return f"""SELECT opportunity_id, stage, entered_date, amount, close_date, probability, 'imports' AS _file, NULL::BIGINT AS _row
               FROM ({seen}) WINDOW w AS (PARTITION BY opportunity_id ORDER BY entered_date)
               QUALIFY lag(entered_date) OVER w IS NULL OR ({state}) IS DISTINCT FROM lag(({state})) OVER w"""


def _owners(known: Sequence[Import]) -> str:
    """Each account's owners, a change dated to the import that first shows it."""
    seen = " UNION ALL ".join(
        f"SELECT account_id, rep_id, DATE '{one.day}' AS day FROM {one.rows('accounts')}" for one in known if one.has("accounts")
    )
    changes = f"""SELECT *, lag(day) OVER w IS NULL AS first FROM ({seen}) WINDOW w AS (PARTITION BY account_id ORDER BY day)
                  QUALIFY first OR rep_id IS DISTINCT FROM lag(rep_id) OVER w"""
    return f"""SELECT account_id, rep_id, CASE WHEN first THEN DATE '{_ALWAYS}' ELSE day END AS valid_from, 'imports' AS _file,
                      (lead(day) OVER (PARTITION BY account_id ORDER BY day) - 1)::DATE AS valid_to, NULL::BIGINT AS _row
               FROM ({changes}) QUALIFY rep_id IS NOT NULL"""


def _say(known: Sequence[Import], last: Import | None, built: list[str]) -> list[str]:
    said = []
    if built:
        what = " and ".join({"stage_history": "Stages", "account_owners": "owners"}[name] for name in built)
        many = f"{len(known)} imports since {say_date(known[0].day)}" if len(known) > 1 else f"the import of {say_date(known[0].day)}"
        said.append(f"{what[0].upper()}{what[1:]} on earlier days come from {many}: a change counts from the import that first shows it.")
    if last:
        said.append(f"Open deals, reps, accounts, contacts and leads stand as the import of {say_date(last.day)} had them.")
    return said
