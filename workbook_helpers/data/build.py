"""Exports to checked tables, and checked tables to the books of all reps on a day: what the store keeps is written here."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import parquet

from workbook_helpers.data import days, known
from workbook_helpers.data.convert import PROBLEMS, convert_table, quote
from workbook_helpers.data.findings import check_calendar, check_tables, find_problems
from workbook_helpers.data.history import Import
from workbook_helpers.data.imports import FileOptions, load_exports
from workbook_helpers.data.prepared import Prepared, find_shelf, shelf_folder
from workbook_helpers.data.readers import shorten
from workbook_helpers.data.schemas import NOBODY, TABLES
from workbook_helpers.data.settings import Company, Source
from workbook_helpers.data.team import learn_team
from workbook_helpers.errors import InputDataError, Problem, SettingsError

#: So many problems of one book are named in its report; all stand in the file that ``workbook check`` writes.
NAMED_PROBLEMS = 20

#: So many reps share a shelf. A rep's report opens one shelf only, so that it costs the same in a company of any size.
SHELF_REPS = 50

#: So many rows stand in one group of a shelf's file; a rep's book is read in whole groups. Smaller ones cost more to write than they save.
_GROUP_ROWS = 4096

#: What DuckDB may hold in memory; what is more waits on the disk. So ten million rows stay under 4 GB: while exports are read, their text
#: stands beside it (about 1.5 GB); while a view is written, only the rows on their way into files.
_MEMORY_OF_IMPORT, _MEMORY_OF_VIEW = "2GB", "3GB"


def import_tables(company: Company, files: list[str], place: Path) -> None:
    """Writes every table of the company as checked Parquet, and what was wrong with the rest. files: the exports to read."""
    options = {stem: FileOptions(s.encoding, s.delimiter) for s in company.tables.values() for stem in s.stems(files)}
    imported = load_exports(company.folder / company.exports, options=options, only={Path(name).stem for name in files})
    broken = {p.table for p in imported.problems if p.severity == "unusable"}
    usable = []
    with _connect(place, _MEMORY_OF_IMPORT) as con:
        con.execute(PROBLEMS)
        _insert(con, imported.problems)
        for name, table in TABLES.items():
            source = company.tables.get(name)
            if source is None or broken.intersection(source.stems(files)):
                continue
            try:
                con.register(f"raw_{name}", _relation(name, source, imported.tables, files))
                convert_table(con, table, source, company)
                con.unregister(f"raw_{name}")
                usable.append(name)
            except InputDataError as error:
                what = " ".join(filter(None, (error.seen, error.allowed))).rstrip(".")
                _insert(con, [Problem("unusable", name, ", ".join(source.files), None, None, None, what, error.do)])
        imported.tables.clear()
        pa.default_memory_pool().release_unused()
        whole = set(company.tables) <= set(usable)
        if whole:
            days.set_aside_strays(con, company)
        reach = days.find_days(con, company) if whole else None
        edges = days.find_edges(con) if "periods" in usable else []
        _insert(con, check_tables(con, company, usable))
        for name in usable:
            con.execute(f"COPY {name} TO '{_sql_path(place / name)}.parquet' (FORMAT parquet)")
        con.execute(f"COPY problems TO '{_sql_path(place)}/problems.parquet' (FORMAT parquet)")
        unusable = con.execute("SELECT count(*) FROM problems WHERE severity = 'unusable'").fetchone()[0]
    (place / "days.json").write_text(json.dumps({"events": reach, "periods": edges, "unusable_n": unusable}, default=date.isoformat))


def _insert(con: Any, problems: Iterable[Problem]) -> None:
    rows = [(*astuple(p), None, None, None) for p in problems]
    if rows:
        con.executemany(f"INSERT INTO problems VALUES ({', '.join('?' * 12)})", rows)


def _relation(name: str, source: Source, exported: dict[str, Any], files: list[str]) -> Any:
    """The table's rows as text under the workbook's column names, as an Arrow table with ``_file`` and ``_row``.

    files: the names of the exports that were read. Rows of several files stand one under the other, by column name.
    """
    if source.select is not None:
        return _select(name, source.select, exported)
    stems = source.stems(files)
    absent = [stem for stem in stems if stem not in exported]
    if absent or not stems:
        raise InputDataError(
            f"Table {name}: there is no export {', '.join(map(repr, absent)) or source.said}"
            + (f" with a sheet {source.sheet!r}." if source.sheet else "."),
            allowed=f"Found: {', '.join(sorted(exported)) or 'nothing'}.",
            do=f"Mend tables: {name}: file: in workbook.yml, or add the file.",
        )
    parts = [exported[stem] for stem in stems]
    needed = set(source.columns.values()) | {c for part in parts for c in part.column_names if c in TABLES[name].names}
    for stem, part in zip(stems, parts, strict=True):
        _check_has(name, part["_file"][0].as_py() if len(part) else stem, part.column_names, sorted(needed))
    rows = pa.concat_tables(parts, promote_options="default")
    taken = set(source.columns.values())
    pairs = [(ours, theirs) for ours, theirs in source.columns.items()]
    pairs += [(c, c) for c in rows.column_names if c not in taken and c not in source.columns]
    return rows.select([theirs for _, theirs in pairs]).rename_columns([ours for ours, _ in pairs])


def _check_has(name: str, file: str, found: list[str], needed: list[str]) -> None:
    absent = [column for column in needed if column not in found]
    if absent:
        raise InputDataError(
            f"Table {name}: {file} has no column {', '.join(map(repr, absent))}.",
            allowed=f"Found: {', '.join(c for c in found if not c.startswith('_'))}.",
            do=f"Mend tables: {name}: columns: in workbook.yml.",
        )


def _select(name: str, sql: str, exported: dict[str, Any]) -> Any:
    """The result of the company's SELECT, run where it can reach nothing but the exports."""
    with _connect() as con:
        for stem, rows in exported.items():
            con.register(stem, rows)
        con.execute("SET enable_external_access = false; SET lock_configuration = true")
        try:
            statements = con.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise SettingsError(f"Table {name}: `select:` must hold one SELECT and nothing else.", do="Mend it in workbook.yml.")
            found = [d[0] for d in con.execute(f"DESCRIBE {sql}").fetchall()]
            times = Counter(c.lower() for c in found if c not in ("_file", "_row"))
            twice = [c for c in found if times[c.lower()] > 1]
            if twice:
                raise SettingsError(
                    f"Table {name}: the SELECT in workbook.yml gives several columns the name {', '.join(map(repr, twice))}.",
                    do="Give each its own name with AS (capitals do not count).",
                )
            columns = [f"{quote(c)}::VARCHAR AS {quote(c)}" for c in found if c not in ("_file", "_row")]
            columns.append("_file" if "_file" in found else f"'{name}' AS _file")
            columns.append("_row" if "_row" in found else "NULL::BIGINT AS _row")
            return con.execute(f"SELECT {', '.join(columns)} FROM ({sql.strip().rstrip(';')}\n)").to_arrow_table()
        except duckdb.Error as error:
            first = shorten(str(error).splitlines()[0], 300)
            raise SettingsError(
                f"Table {name}: the SELECT in workbook.yml fails: {first}",
                allowed=f"It can read: {', '.join(sorted(exported))}.",
                do="Mend the SELECT.",
            ) from None


def write_view(company: Company, as_of: date, base: Import, imports: Sequence[Import], place: Path) -> None:
    """Writes the books of all reps on the as-of date, and the problems known then.

    base: the import to speak from. imports: those up to the as-of date, oldest first.
    """
    with _connect(place, _MEMORY_OF_VIEW) as con:
        con.execute(f"CREATE TABLE problems AS SELECT * FROM {base.rows('problems')}")
        company, remarks = known.build_books(con, company, as_of, base, imports)
        find_problems(con, company)
        _insert(con, check_calendar(company, as_of))
        con.execute("DELETE FROM problems WHERE known > as_of()")
        remarks += days.say_strays(con)
        con.execute(f"COPY problems TO '{_sql_path(place)}/problems.parquet' (FORMAT parquet)")
        reps = _describe_reps(con)
        shelves = ["", *(rep["rep_id"] for rep in reps[SHELF_REPS::SHELF_REPS])]
        for number in range(len(shelves)):
            shelf_folder(place, number).mkdir()
        counts, marks = _write_books(con, company, place, shelves)
        rows = {rep["rep_id"]: _digest([*marks[None], *marks.get(rep["rep_id"], [])]) for rep in reps}
        _write_shelves(place, shelves, {"reps": reps, "rows": rows, "counts": counts, **_summarise_problems(con)})
    view = {"as_of": as_of.isoformat(), "tables": list(company.tables), "remarks": remarks, "shelves": shelves}
    (place / "view.json").write_text(json.dumps(view, sort_keys=True), encoding="utf-8")


def _write_books(
    con: Any, company: Company, place: Path, shelves: Sequence[str]
) -> tuple[dict[str, dict[str, int]], dict[str | None, list[str]]]:
    """Writes the books, rep by rep, and returns each rep's number of rows and a mark of them; None: of company-wide tables.

    shelves: the rep_id from which each of them holds the books, up to the next one's.
    """
    counts: dict[str, dict[str, int]] = {}
    marks: dict[str | None, list[str]] = {None: []}
    for name in known.list_books(company):
        rows, owner = f"SELECT * FROM book_{name}", "NULL"
        if any(column == "rep_id" for column, *_ in con.execute(f"DESCRIBE book_{name}").fetchall()):
            # What belongs to nobody we know stands under NOBODY, so that totals close.
            known_rep = f"CASE WHEN rep_id IN (SELECT rep_id FROM k_reps) THEN rep_id ELSE '{NOBODY}' END AS rep_id"
            rows, owner = f"SELECT {known_rep}, * EXCLUDE (rep_id) FROM book_{name}", "rep_id"
        con.execute(f"CREATE OR REPLACE TEMP TABLE _book AS {rows} ORDER BY ALL")
        mark = "md5(concat(bit_xor(hash(_book)), sum(hash(_book) % 1000000007)))"
        sizes = [0] * len(shelves)
        for rep_id, n, content in con.execute(f"SELECT {owner}, count(*), {mark} FROM _book GROUP BY 1").fetchall():
            marks.setdefault(rep_id, []).append(f"{name}:{n}:{content}")
            if rep_id is not None:
                counts.setdefault(rep_id, {})[name] = n
                sizes[find_shelf(shelves, rep_id)] += n
        if owner == "NULL":
            con.execute(f"COPY _book TO '{_sql_path(place / name)}.parquet' (FORMAT parquet)")
            continue
        files = [shelf_folder(place, number) / f"{name}.parquet" for number in range(len(shelves))]
        _write_files(files, _cut(con.execute("FROM _book").to_arrow_reader(100_000), sizes))
    return counts, marks


def _write_files(files: Iterable[Path], parts: Iterable[pa.Table]) -> None:
    """Writes one part into each file, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        writing: deque[Future] = deque()
        for file, part in zip(files, parts, strict=True):
            if len(writing) == 2:
                writing.popleft().result()
            writing.append(pool.submit(_write_file, file, part))
        for written in writing:
            written.result()


def _write_file(file: Path, part: pa.Table) -> None:
    parquet.write_table(part, file, row_group_size=_GROUP_ROWS, compression="zstd", write_statistics=["rep_id"])


def _cut(rows: pa.RecordBatchReader, sizes: Iterable[int]) -> Iterator[pa.Table]:
    """Tables of so many rows each, from the first row on."""
    rest = rows.schema.empty_table()
    for size in sizes:
        parts, n = [rest], len(rest)
        while n < size:
            parts.append(pa.Table.from_batches([rows.read_next_batch()]))
            n += len(parts[-1])
        whole = pa.concat_tables(parts)
        yield whole.slice(0, size)
        rest = whole.slice(size)


def _write_shelves(place: Path, shelves: Sequence[str], of_reps: Mapping[str, Any]) -> None:
    """Writes what each shelf says of its reps. of_reps: lists of values that name a rep_id first or by name, and values by rep_id."""
    told: list[dict[str, Any]] = [{key: type(values)() for key, values in of_reps.items()} for _ in shelves]
    for key, values in of_reps.items():
        if isinstance(values, dict):
            for rep_id, value in values.items():
                told[find_shelf(shelves, rep_id)][key][rep_id] = value
        else:
            for value in values:
                told[find_shelf(shelves, value["rep_id"] if isinstance(value, dict) else value[0])][key].append(value)
    for number, shelf in enumerate(told):
        (shelf_folder(place, number) / "reps.json").write_text(json.dumps(shelf, sort_keys=True), encoding="utf-8")


def _digest(marks: Iterable[str]) -> str:
    return hashlib.sha256("|".join(sorted(marks)).encode()).hexdigest()


def _summarise_problems(con: Any) -> dict[str, Any]:
    """set_aside: rep, table, rows, amount, why. findings: their number by rep. problems: the first of each rep, in full.

    A row of totals is no money that went missing: it is counted, its amount is not.
    """
    aside = con.execute(
        """SELECT coalesce(rep_id, ''), tbl, count(*), coalesce(sum(amount) FILTER (what NOT LIKE 'is a row of totals%'), 0)::DOUBLE,
                  string_agg(DISTINCT what, '; ' ORDER BY what)
           FROM (SELECT DISTINCT ON (tbl, file, line, key) * FROM problems WHERE severity = 'set_aside' ORDER BY ALL)
           GROUP BY 1, 2 ORDER BY ALL"""
    ).fetchall()
    found = "SELECT coalesce(rep_id, ''), count(*) FROM problems WHERE severity = 'finding' GROUP BY 1 ORDER BY ALL"
    named = con.execute(
        f"""SELECT coalesce(rep_id, '') AS rep, severity, tbl, coalesce(key, ''), coalesce(col, ''), coalesce(val, ''), what, fix
            FROM problems QUALIFY row_number() OVER (PARTITION BY rep ORDER BY severity DESC, tbl, what, key, col, val)
                                  <= {NAMED_PROBLEMS} ORDER BY ALL"""
    ).fetchall()
    problems: dict[str, list] = {}
    for rep_id, *problem in named:
        problems.setdefault(rep_id, []).append(problem)
    return {"set_aside": [list(row) for row in aside], "findings": dict(con.execute(found).fetchall()), "problems": problems}


def _describe_reps(con: Any) -> list[dict[str, Any]]:
    """Every rep as plain values: the columns of table reps, the territories held on the day, tenure, and what kind of owner it is."""
    names = TABLES["reps"].names
    rows = con.execute(
        f"""SELECT {", ".join(f"CASE WHEN r.{n} IS NULL THEN NULL ELSE r.{n} END AS {n}" for n in names)},
               (SELECT string_agg(DISTINCT t.territory_name, ', ' ORDER BY t.territory_name) FROM k_territories t
                WHERE t.rep_id = r.rep_id AND (t.valid_to IS NULL OR t.valid_to >= as_of())) AS territory,
               date_diff('day', r.active_from, as_of()) AS tenure_days,
               CASE WHEN r.active_to < as_of() THEN 'leaver'
                    WHEN lower(r.role) IN ('house', 'vacant', 'manager') THEN lower(r.role) ELSE 'rep' END AS kind
            FROM k_reps r ORDER BY r.rep_id"""
    ).fetchall()
    columns = [*names, "territory", "tenure_days", "kind"]

    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else float(value) if hasattr(value, "as_tuple") else value

    return [{c: plain(v) for c, v in zip(columns, row, strict=True)} for row in rows]


def write_team(prepared: Prepared) -> None:
    """What the team teaches on that day, beside the view it was learned from."""
    place = prepared.folder / f".team-{os.getpid()}.json"
    place.write_text(json.dumps(learn_team(prepared), sort_keys=True), encoding="utf-8")
    os.replace(place, prepared.folder / "team.json")


@contextmanager
def _connect(place: Path | None = None, memory: str = "") -> Iterator[Any]:
    """place: the folder in which tables wait that are larger than the memory."""
    con = duckdb.connect()
    try:
        con.execute("SET preserve_insertion_order = true; SET python_enable_replacements = false")
        if place:
            con.execute(f"SET memory_limit = '{memory}'; SET temp_directory = '{_sql_path(place)}/.waiting'")
        yield con
    finally:
        con.close()


def _sql_path(path: Path) -> str:
    return str(path).replace("'", "''")
