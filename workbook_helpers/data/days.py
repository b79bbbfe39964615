"""Which days the exports tell of: the first and the last one, slips, the edges of fiscal periods, and what may be asked for."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from workbook_helpers.data.convert import text
from workbook_helpers.data.history import is_closed
from workbook_helpers.data.schemas import EVENT_DATES, TABLES
from workbook_helpers.data.settings import Company
from workbook_helpers.errors import ParameterError

#: When a date is taken for a slip: so many days of silence before it, in exports of at least so many events.
STRAY_GAP_DAYS, STRAY_LEAST = 366, 20

_STRAY = "lies more than a year after everything else"

#: So many days after the exports end, a plan may still speak from a day.
MAX_AHEAD_DAYS = 366


def _events(company: Company) -> list[tuple[str, str, str]]:
    """Table, date and condition of all that happened; never an expected close, a quota or a validity."""
    found = [(table, column, f"{column} IS NOT NULL") for table, column in EVENT_DATES.items() if company.has(table)]
    if company.has("opportunities"):
        found.append(("opportunities", "close_date", f"close_date IS NOT NULL AND {is_closed(company)}"))
    return found


def find_days(con: duckdb.DuckDBPyConnection, company: Company) -> tuple[date, date] | None:
    """The first and the last day on which something happened in the exports; the last one is the default as-of date."""
    first, last = con.execute(f"SELECT min(day), max(day) FROM ({_all_days(company)})").fetchone()
    return (first, last) if last else None


def _all_days(company: Company) -> str:
    return " UNION ALL ".join(f"SELECT {column} AS day FROM {table} WHERE {condition}" for table, column, condition in _events(company))


def find_edges(con: duckdb.DuckDBPyConnection) -> list[date]:
    """The days on which the company's own fiscal periods begin, the day after the last one included."""
    edges = "SELECT period_start AS day FROM periods UNION SELECT period_end + 1 FROM periods"
    return [day for (day,) in con.execute(f"SELECT day::DATE FROM ({edges}) ORDER BY 1").fetchall()]


def set_aside_strays(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """Sets the few rows aside that are dated long after all others: a slip, which would move the as-of date to a day nobody meant.

    A day is stray when nothing happened in the ``STRAY_GAP_DAYS`` before it, and one event in a hundred, or two, lie on it or
    after it. With fewer than ``STRAY_LEAST`` events nothing can be said. A stray account stays; its date counts as missing.
    """
    stray, last = con.execute(
        f"""SELECT min(day), min_by(before, day) FROM (
              SELECT day, lag(day) OVER (ORDER BY day) AS before, sum(n) OVER (ORDER BY day DESC) AS rest, sum(n) OVER () AS whole
              FROM (SELECT day, count(*) AS n FROM ({_all_days(company)}) GROUP BY day))
            WHERE day - before > {STRAY_GAP_DAYS} AND rest <= greatest(2, whole // 100) AND whole >= {STRAY_LEAST}"""
    ).fetchone()
    if stray is None:
        return
    for name, column, condition in _events(company):
        table = TABLES[name]
        key = f"concat_ws(' / ', {', '.join(table.named_by)})" if table.named_by else "NULL"
        rep, amount = ("rep_id" if "rep_id" in table.names else "NULL"), table.amount or "NULL"
        filled = table.column(column).filled or column == "close_date"
        late = f"{condition} AND {column} >= DATE '{stray}'"
        con.execute(
            f"""INSERT INTO problems SELECT '{"set_aside" if filled else "finding"}', '{name}', _file, _row, '{column}', {column}::VARCHAR,
                {text(f'{_STRAY} in the exports, which end on {last}')}, 'Mend the date.',
                {key}, {rep}, {amount}, DATE '{last}' FROM {name} WHERE {late} ORDER BY _file, _row"""
        )
        con.execute(f"DELETE FROM {name} WHERE {late}" if filled else f"UPDATE {name} SET {column} = NULL WHERE {late}")


def say_strays(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The remark on rows set aside for their date, if that is known on the as-of date."""
    n, day = con.execute(f"SELECT count(*), max(val) FROM problems WHERE starts_with(what, {text(_STRAY)})").fetchone()
    return [f"Dates far after all others (up to {day}) do not count: {n:,}; the command workbook check names them."] if n else []


def check_day(day: date, first: date, last: date) -> None:
    """Refuses an as-of date of which the exports say nothing.

    >>> check_day(date(2026, 6, 30), date(2025, 1, 1), date(2026, 5, 31))
    """
    latest = last + timedelta(days=MAX_AHEAD_DAYS)
    if not first <= day <= latest:
        raise ParameterError(
            f"The as-of date {day} is {'before the first' if day < first else 'more than a year after the last'} row of the exports.",
            allowed=f"They reach from {first} to {last}.",
            do=f"Name a day between {first} and {latest}.",
        )
