"""Text to typed tables, by declared rules. What cannot be converted is set aside with its place and its reason.

All work is done by DuckDB over whole columns; every rule writes its failures into one table, ``problems``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import duckdb

from workbook_helpers.data.schemas import Column, Table
from workbook_helpers.data.settings import Company, Source
from workbook_helpers.errors import InputDataError

#: Date formats that are tried where ``dates`` is not given. The first one needs no guess.
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y")

PROBLEMS = """CREATE TABLE IF NOT EXISTS problems (
    severity VARCHAR, tbl VARCHAR, file VARCHAR, line BIGINT, col VARCHAR, val VARCHAR, what VARCHAR, fix VARCHAR,
    key VARCHAR, rep_id VARCHAR, amount DECIMAL(18,4), known DATE)"""

#: How each kind of column is held.
SQL_TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "money": "DECIMAL(18,4)",
    "number": "DOUBLE",
    "count": "DOUBLE",
    "share": "DOUBLE",
    "date": "DATE",
    "flag": "BOOLEAN",
}

_WANTED = {
    "money": "an amount such as 1234.50",
    "number": "a number such as 12.5",
    "count": "a whole number such as 12",
    "share": "a share such as 0.4 or 40%",
    "date": "a day",
    "flag": "yes or no",
}

_NUMBERS = {
    ".": r"[+-]?((\d+|\d{1,3}(,\d{3})+)(\.\d*)?|\.\d+)",
    ",": r"[+-]?((\d+|\d{1,3}(\.\d{3})+)(,\d*)?|,\d+)",
}

#: A Salesforce id in its short form; two of them may differ only in capitals.
SHORT_ID = "[0-9A-Za-z]{15}"

_TOTALS = "(?i)(total|totals|grand total|subtotal|sub total|sum|grand totals|gesamt|summe)[: ]*"


@dataclass(frozen=True)
class Reading:
    """How one table's numbers and dates are written."""

    decimal: str
    dates: str


def quote(name: str) -> str:
    """A name as an SQL identifier.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as an SQL literal.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def convert_table(con: duckdb.DuckDBPyConnection, table: Table, source: Source, company: Company) -> None:
    """Turns relation ``raw_<name>`` (all text, with ``_file`` and ``_row``) into table ``<name>`` of typed, usable rows.

    Rows that cannot be used, and cells that cannot be read, are written into ``problems``.
    Raises InputDataError when the table lacks a required column, or when its dates or decimals can be read in two ways.

    The table holds all rows until their values are judged, each value that is no text also as it was written. A row is named by its rowid.
    """
    con.execute(PROBLEMS)
    found = [row[0] for row in con.execute(f"DESCRIBE raw_{table.name}").fetchall()]
    _check_columns(table, found, source)
    own = [c for c in found if table.own_columns and c not in table.names and not c.startswith("_")]
    columns = [*table.columns, *(Column(name) for name in own)]
    converted = [c for c in columns if c.kind not in ("id", "text")]
    whole_ids = company.ids == "salesforce"
    cleaned = ", ".join(
        f"{_clean(c.name, whole_ids and c.kind == 'id') if c.name in found else 'NULL::VARCHAR'} AS {quote(c.name)}" for c in columns
    )
    con.execute(f"CREATE OR REPLACE TEMP VIEW cleaned AS SELECT {cleaned}, _file, _row FROM raw_{table.name}")
    reading = _detect(con, table, source, company, found)
    values = ", ".join(f"{read_as(c, reading)} AS {quote(c.name)}" for c in columns)
    written = "".join(f", {quote(c.name)} AS {_written(c)}" for c in converted)
    con.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT {values}, _file, _row{written} FROM cleaned")
    if table.name == "quotas":
        _end_quotas(con, company)
    con.execute("CREATE OR REPLACE TEMP TABLE bad (_n BIGINT, col VARCHAR, val VARCHAR, what VARCHAR, fix VARCHAR)")
    _set_aside_totals(con, table)
    _check_values(con, table, columns, reading)
    if table.name == "opportunities":
        _set_aside_undated(con, company)
    _set_aside_twins(con, table, columns)
    _doubt_ids(con, table, columns if whole_ids else ())
    _report(con, table)
    con.execute(f"DELETE FROM {table.name} WHERE rowid IN (SELECT _n FROM bad)")
    for column in converted:
        con.execute(f"ALTER TABLE {table.name} DROP COLUMN {_written(column)}")
    con.execute("DROP VIEW cleaned; DROP TABLE bad; DROP TABLE blanked; DROP TABLE doubted")


def _written(column: Column) -> str:
    """SQL of a column's value as the export wrote it, cleaned."""
    return quote(column.name if column.kind in ("id", "text") else f"_written_{column.name}")


def _end_quotas(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """A quota without an end lasts until the rep's next one begins, and the last one until its fiscal year ends."""
    month, day = map(int, company.fiscal_year_start.split("-"))
    year_end = f"make_date(year(period_start) + (period_start >= make_date(year(period_start), {month}, {day}))::INT, {month}, {day})"
    con.execute(
        f"""UPDATE quotas SET period_end = next - 1, _written_period_end = (next - 1)::VARCHAR
            FROM (SELECT rowid AS _n, coalesce(min(period_start) OVER later, {year_end}) AS next FROM quotas WINDOW later AS
                  (PARTITION BY rep_id ORDER BY period_start RANGE BETWEEN INTERVAL 1 DAY FOLLOWING AND UNBOUNDED FOLLOWING)) n
            WHERE n._n = quotas.rowid AND _written_period_end IS NULL"""
    )


def _check_columns(table: Table, found: Iterable[str], source: Source) -> None:
    missing = [c.name for c in table.columns if c.required and c.name not in found]
    if missing:
        raise InputDataError(
            f"Table {table.name} from {source.said}: there is no column for {', '.join(missing)}.",
            allowed=f"Found: {', '.join(c for c in found if not c.startswith('_'))}.",
            do=f"Name the column of the export under tables: {table.name}: columns: in workbook.yml.",
        )


def _clean(column: str, whole_id: bool = False) -> str:
    """Trimmed text in one Unicode form without invisible characters; empty text is missing. whole_id: completed to 18 characters."""
    name, blanks = quote(column), "chr(9) || chr(10) || chr(13) || chr(160) || ' '"
    invisible = r"[\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}\x{ad}\x{1}-\x{8}]"
    mended = f"nullif(trim(regexp_replace(nfc_normalize({name}), '{invisible}', '', 'g'), {blanks}), '')"
    clean = f"CASE WHEN regexp_full_match({name}, '[!-~]([ -~]*[!-~])?') THEN {name} ELSE {mended} END"  # mostly clean already
    return _whole_id(f"({clean})") if whole_id else clean


def _whole_id(name: str) -> str:
    """A Salesforce id of 15 characters, in which capitals matter, with the three that say which of them are capitals.

    Each of the three stands for five characters: bit by bit from the left, which of them are capitals, written as A to Z and 0 to 5.
    """
    return f"CASE WHEN regexp_full_match({name}, '{SHORT_ID}') THEN {name} || {id_ending(name)} ELSE {name} END"


def id_ending(name: str) -> str:
    """SQL of the three characters that complete the first 15 of this SQL name.

    >>> duckdb.sql("SELECT " + id_ending("'001D000000IqhSL'")).fetchone()
    ('IAZ',)
    """
    def letter(first: int) -> str:
        bits = " + ".join(f"CASE WHEN substr({name}, {first + i}, 1) BETWEEN 'A' AND 'Z' THEN {2**i} ELSE 0 END" for i in range(5))
        return f"substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + {bits}, 1)"

    return " || ".join(letter(first) for first in (1, 6, 11))


def _doubt_ids(con: duckdb.DuckDBPyConnection, table: Table, columns: Iterable[Column]) -> None:
    """Fills ``doubted`` with Salesforce ids whose last three characters do not fit the others; their rows count all the same."""
    con.execute("CREATE OR REPLACE TEMP TABLE doubted AS FROM bad LIMIT 0")
    what = "is a Salesforce id whose last three characters do not fit the others"
    fix = "Export it again; a program may have changed capitals to small letters."
    for column in (c for c in columns if c.kind == "id"):
        name = quote(column.name)
        con.execute(
            f"""INSERT INTO doubted SELECT rowid, {text(column.name)}, {name}, {text(what)}, {text(fix)} FROM {table.name}
                WHERE regexp_full_match({name}, '{SHORT_ID}[0-9A-Za-z]{{3}}') AND regexp_matches({name}, '[A-Za-z]')
                AND substr({name}, 16) != {id_ending(name)} AND rowid NOT IN (SELECT _n FROM bad)"""
        )


def _number(name: str, decimal: str, sql_type: str) -> str:
    mark = "." if decimal == "," else ","
    plain = f"replace({name}, '{mark}', '')" + (", ',', '.')" if decimal == "," else "")
    plain = f"replace({plain}" if decimal == "," else plain
    return f"CASE WHEN regexp_full_match({name}, '{_NUMBERS[decimal]}') THEN try_cast({plain} AS {sql_type}) END"


def read_as(column: Column, reading: Reading) -> str:
    """SQL of a column's text as its kind says; NULL where it cannot be read.

    >>> print(read_as(Column("paid", "flag"), Reading(".", "%Y-%m-%d"))[:40])
    CASE WHEN lower("paid") IN ('yes','y','t
    """
    name, sql_type = quote(column.name), SQL_TYPES[column.kind]
    if column.kind in ("id", "text"):
        return name
    if column.kind == "date":
        day = _date(name, reading.dates)
        return day if column.empty is None else f"CASE WHEN {name} IS NULL THEN DATE {text(column.empty)} ELSE {day} END"
    if column.kind == "flag":
        yes, no = "('yes','y','true','t','1')", "('no','n','false','f','0')"
        return f"CASE WHEN lower({name}) IN {yes} THEN true WHEN lower({name}) IN {no} THEN false END"
    if column.kind == "share":
        bare = f"trim(rtrim({name}, '%'))"
        return f"{_number(bare, reading.decimal, sql_type)} / CASE WHEN ends_with({name}, '%') THEN 100 ELSE 1 END"
    return _number(name, reading.decimal, sql_type)


def _date(name: str, date_format: str) -> str:
    iso = f"CASE WHEN regexp_matches({name}, '^(19|20|21)\\d{{2}}-\\d{{2}}-\\d{{2}}($|[ T])') THEN try_cast(left({name}, 10) AS DATE) END"
    if date_format == DATE_FORMATS[0]:
        return iso
    bare = f"regexp_replace({name}, '[ T]\\d{{1,2}}:\\d{{2}}.*$', '')"
    day = f"try_strptime({bare}, {text(date_format)})::DATE"
    # a date as 2026-09-30 means one thing everywhere, and spreadsheets give it
    return f"coalesce({iso}, CASE WHEN year({day}) BETWEEN 1900 AND 2199 THEN {day} END)"


def _detect(con: duckdb.DuckDBPyConnection, table: Table, source: Source, company: Company, found: Collection[str]) -> Reading:
    columns = [c for c in table.columns if c.name in found]
    return Reading(
        decimal=source.decimal or source.file_decimal or company.decimal or _detect_decimal(con, table, source, columns),
        dates=source.dates or company.dates or _detect_dates(con, table, source, columns),
    )


def _best(con: duckdb.DuckDBPyConnection, table: Table, columns: list[str], tests: dict[str, str]) -> list[str]:
    """The readings that fit the most values over all these columns, by their SQL tests on ``v``."""
    if not columns:
        return list(tests)[:1]
    values = " UNION ALL ".join(
        f"SELECT DISTINCT {_clean('v')} AS v FROM (SELECT DISTINCT {quote(c)} AS v FROM raw_{table.name})" for c in columns
    )
    counts = ", ".join(f"count(*) FILTER ({test})" for test in tests.values())
    hits = con.execute(f"SELECT {counts} FROM ({values}) WHERE v IS NOT NULL").fetchone()
    return [name for name, hit in zip(tests, hits, strict=True) if hit == max(hits)]


def _detect_decimal(con: duckdb.DuckDBPyConnection, table: Table, source: Source, found: Iterable[Column]) -> str:
    """The decimal sign that fits the most values; asked for where both fit and they differ."""
    columns = [c.name for c in found if c.kind in ("money", "number", "share")]
    tests = {sign: f"regexp_full_match(trim(rtrim(v, '%')), '{pattern}')" for sign, pattern in _NUMBERS.items()}
    best = _best(con, table, columns, tests)
    if len(best) == 1:
        return best[0]
    for column in columns:
        marked = f"SELECT {quote(column)} FROM cleaned WHERE regexp_matches({quote(column)}, '^[^.,]*[.,][^.,]*$') LIMIT 1"
        example = con.execute(marked).fetchone()
        if example:
            raise InputDataError(
                f"Table {table.name} from {source.said}, column {column}: "
                f"{example[0]!r} can be read with a decimal point or a decimal comma.",
                do='Write decimal: "." or decimal: "," in workbook.yml, for the company or for this table.',
            )
    return "."


def _detect_dates(con: duckdb.DuckDBPyConnection, table: Table, source: Source, found: Iterable[Column]) -> str:
    """The date format that fits the most values; asked for where several fit equally."""
    columns = [c.name for c in found if c.kind == "date"]
    best = _best(con, table, columns, {f: f"{_date('v', f)} IS NOT NULL" for f in DATE_FORMATS})
    if len(best) in (1, len(DATE_FORMATS)):
        return best[0]
    values = " UNION ALL ".join(f"SELECT {quote(c)} AS v FROM cleaned WHERE {quote(c)} IS NOT NULL" for c in columns)
    example = con.execute(f"SELECT min(v) FROM ({values}) WHERE {_date('v', best[0])} IS NOT NULL").fetchone()[0]
    raise InputDataError(
        f"Table {table.name} from {source.said}: the date {example!r} can be read as {' or '.join(best)}.",
        do=f'Write dates: "{best[0]}" or dates: "{best[1]}" in workbook.yml, for the company or for this table.',
    )


def _set_aside_totals(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A spreadsheet's "Total" row is no deal and no order."""
    labels = [c.name for c in table.columns if c.kind in ("id", "text") and (c.filled or c.name in ("rep_id", "account_id"))]
    for column in labels:
        con.execute(
            f"INSERT INTO bad SELECT rowid, {text(column)}, {quote(column)}, 'is a row of totals, no {table.one_row_per}', "
            f"'Delete the row from the export.' FROM {table.name} "
            f"WHERE regexp_full_match({quote(column)}, '{_TOTALS}') AND rowid NOT IN (SELECT _n FROM bad)"
        )


def _check_values(con: duckdb.DuckDBPyConnection, table: Table, columns: Iterable[Column], reading: Reading) -> None:
    """Writes the rows whose values are missing, unreadable or out of bounds into ``bad``, and single cells into ``blanked``."""
    rows: dict[bool, list[str]] = {True: [], False: []}
    for column in columns:
        for condition, what, fix in _failures(column, reading):
            place = f"rowid AS _n, {text(column.name)} AS col, {_written(column)} AS val, {text(what)} AS what, {text(fix)} AS fix"
            rows[column.filled].append(f"SELECT {place} FROM {table.name} WHERE {condition}")
    if rows[True]:
        con.execute(f"INSERT INTO bad SELECT * FROM ({' UNION ALL '.join(rows[True])}) WHERE _n NOT IN (SELECT _n FROM bad)")
    cells = " UNION ALL ".join(rows[False]) or "FROM bad LIMIT 0"
    con.execute(f"CREATE OR REPLACE TEMP TABLE blanked AS SELECT * FROM ({cells}) WHERE _n NOT IN (SELECT _n FROM bad)")
    for (name,) in con.execute("SELECT DISTINCT col FROM blanked").fetchall():
        con.execute(f"UPDATE {table.name} SET {quote(name)} = NULL WHERE rowid IN (SELECT _n FROM blanked WHERE col = {text(name)})")


def _failures(column: Column, reading: Reading) -> Iterator[tuple[str, str, str]]:
    """What can be wrong with a value of this column: SQL condition, what is said, what to do."""
    name, written, mend = quote(column.name), _written(column), "Mend it in the CRM."
    if column.filled and column.empty is None:
        yield f"{written} IS NULL", "is empty", "Fill it in the CRM, or delete the row from the export."
    if column.kind in _WANTED:
        wanted = _WANTED[column.kind] + (f" of the calendar written as {reading.dates}" if column.kind == "date" else "")
        fix = f"Write {wanted}, or name how this file writes it in workbook.yml."
        yield f"{written} IS NOT NULL AND {name} IS NULL", f"is not {wanted}", fix
    if column.kind == "count":
        yield f"{name} != floor({name})", "is not a whole number", mend
    if column.low is not None:
        yield f"{name} < {column.low}", f"is below {column.low:g}", mend
    if column.high is not None:
        yield f"{name} > {column.high}", f"is above {column.high:g}", mend
    if column.allowed:
        listed = ", ".join(text(a) for a in column.allowed)
        yield f"lower({name}) NOT IN ({listed})", f"is none of {', '.join(column.allowed)}", mend


def _set_aside_undated(con: duckdb.DuckDBPyConnection, company: Company) -> None:
    """A deal that is won or lost, nobody knows when, belongs to no period."""
    closed = ", ".join(text(word.lower()) for word in (*company.won, *company.lost)) or "NULL"
    con.execute(
        f"""INSERT INTO bad
            SELECT rowid, 'close_date', opportunity_id, 'is closed without a close date', 'Fill in the day it was won or lost.'
            FROM opportunities WHERE lower(outcome) IN ({closed}) AND close_date IS NULL AND rowid NOT IN (SELECT _n FROM bad)"""
    )


def _set_aside_twins(con: duckdb.DuckDBPyConnection, table: Table, columns: Iterable[Column]) -> None:
    """One key, several rows: the same row again counts once; rows that contradict each other are all set aside."""
    if not table.key:
        return
    keys = ", ".join(quote(k) for k in table.key)
    content = "hash(" + ", ".join(quote(c.name) for c in columns) + ")"
    label = " || ' / ' || ".join(f"coalesce({quote(k)}::VARCHAR, '')" for k in table.key)
    sound = f"(SELECT rowid AS _n, * FROM {table.name} WHERE rowid NOT IN (SELECT _n FROM bad))"
    con.execute(
        f"""INSERT INTO bad SELECT _n, {text(", ".join(table.key))}, {label},
            CASE WHEN kinds = 1 THEN 'stands here again; the first one counts'
                 ELSE 'names ' || twins || ' rows that contradict each other' END,
            CASE WHEN kinds = 1 THEN 'Delete the repeated row.' ELSE 'Keep the right one in the export.' END
        FROM (SELECT *, count(*) OVER w AS twins, row_number() OVER (PARTITION BY {keys} ORDER BY _n) AS nth
              FROM {sound} SEMI JOIN (SELECT {keys} FROM {sound} GROUP BY ALL HAVING count(*) > 1)
              USING ({keys}) WINDOW w AS (PARTITION BY {keys}))
        JOIN (SELECT {keys}, count(DISTINCT {content}) AS kinds FROM {sound} GROUP BY ALL)
        USING ({keys}) WHERE kinds > 1 OR nth > 1"""
    )


def _report(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Moves what was found into ``problems``, with whose row it was, its amount and its date as far as they can be read."""
    rep = f"t.{quote(table.rep)}" if table.rep in table.names else "NULL"
    if table.rep and "account_id" in table.names and table.name != "accounts":
        rep = f"coalesce({rep}, (SELECT a.rep_id FROM accounts a WHERE a.account_id = t.account_id))" if _has(con, "accounts") else rep
    key = f"concat_ws(' / ', {', '.join(f't.{_written(table.column(k))}' for k in table.named_by)})" if table.named_by else "NULL"
    amount = f"t.{quote(table.amount)}" if table.amount else "NULL"
    known = f"t.{quote(table.known)}" if table.known else "NULL"
    for found, severity in (("bad", "set_aside"), ("blanked", "finding"), ("doubted", "finding")):
        con.execute(
            f"INSERT INTO problems SELECT '{severity}', {text(table.name)}, t._file, t._row, b.col, b.val, b.what, b.fix, "
            f"{key}, {rep}, {amount}, {known} FROM {found} b JOIN {table.name} t ON t.rowid = b._n ORDER BY t._file, t._row, b._n, b.col"
        )


def _has(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()[0])
