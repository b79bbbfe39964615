"""The store: each import converted once, and one view of the company per as-of date, written whole or not at all.

    <store>/inputs.json                      what the files looked like when they were last read
    <store>/<fingerprint>/checked/           typed tables and problems of one (inputs, settings)
    <store>/<fingerprint>/<as-of>/           the books of all reps on that day, the team's figures, view.json
    <store>/open_deals/<as-of>.parquet       open deals as they stood on the last day of an import
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import FILE_NAME, Company, load_company
from workbook_helpers.errors import InputDataError, Problem, SettingsError

#: Where ``open_book`` finds the store, when it is not ``<company>/.workbook``.
STORE = "WORKBOOK_STORE"

SPREADSHEETS = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class Prepared:
    """One company on one as-of date, ready to be read.

    folder: its view in the store. fingerprint: of inputs and settings; the view itself holds known rows only.
    """

    company: Company
    as_of: date
    folder: Path
    fingerprint: str

    @cached_property
    def view(self) -> dict[str, Any]:
        return json.loads((self.folder / "view.json").read_text(encoding="utf-8"))

    @cached_property
    def reps(self) -> list[dict[str, Any]]:
        """The reps known on the as-of date, as plain values, by rep_id."""
        return self.view["reps"]

    @property
    def rep_fingerprints(self) -> dict[str, str]:
        """Of each rep's known rows."""
        return self.view["rows"]

    def team_fingerprint(self, role: str | None) -> str:
        """Of the figures and tables that the team of a role teaches."""
        taught = json.dumps(self.team["roles"].get(role or ""), sort_keys=True)
        return hashlib.sha256(taught.encode()).hexdigest()

    @cached_property
    def team(self) -> dict[str, Any]:
        return json.loads((self.folder / "team.json").read_text(encoding="utf-8"))

    @property
    def remarks(self) -> list[str]:
        """What every page must say of these data."""
        return self.view["remarks"]

    @property
    def problems(self) -> list[Problem]:
        """Everything that was set aside or found, in the order of the tables and rows."""
        return read_problems(self.folder)

    def read(self, table: str, filters: list | None = None) -> pd.DataFrame:
        """Rows of one table of the books; money as float, dates as datetime64."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        # A file handle, and not the dataset reader: it starts no threads, so a forked process can use it.
        rows = pq.read_table(self.folder / f"{table}.parquet", filters=filters, use_threads=False)
        for i, field in enumerate(rows.schema):
            if pa.types.is_decimal(field.type):
                rows = rows.set_column(i, field.name, _nearest_float(rows.column(i)))
            elif pa.types.is_date(field.type):
                rows = rows.set_column(i, field.name, rows.column(i).cast(pa.timestamp("ns")))
        return rows.to_pandas(use_threads=False)


def prepare(
    folder: Path | str, *, as_of: date | None = None, store: Path | str | None = None, teach: bool = True
) -> Prepared:
    """Reads what has changed, checks it, and writes the view of the as-of date (default: the last day the exports know).

    folder: the company's folder. store: default ``<folder>/.workbook``, or what the environment variable WORKBOOK_STORE names.
    teach: False leaves out what the team teaches, which a check does not need.
    Nothing is done twice: unchanged inputs are not read again, an existing view is not rebuilt.
    Raises SettingsError or InputDataError, with everything that keeps a table from being used.
    """
    company = load_company(Path(folder))
    home = Path(store or os.environ.get(STORE) or company.folder / ".workbook").resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    fingerprint = _fingerprint(company, home)
    snapshot = home / fingerprint[:16]
    if not (snapshot / "checked").is_dir():
        _write_whole(snapshot / "checked", lambda place: _import_tables(company, place))
    unusable = [p for p in read_problems(snapshot / "checked") if p.severity == "unusable"]
    if unusable:
        raise UnusableError(read_problems(snapshot / "checked"))
    last_day = json.loads((snapshot / "checked" / "last_day.json").read_text())
    if last_day is None:
        raise InputDataError("The exports hold no usable deal, order or activity.", do="Run `workbook check` to see why.")
    day = as_of or date.fromisoformat(last_day)
    view = snapshot / day.isoformat()
    if not view.is_dir():
        open_deals = home / "open_deals" / f"{day.isoformat()}.parquet"
        keep = open_deals if day.isoformat() == last_day else None
        _write_whole(view, lambda place: _write_view(company, snapshot / "checked", day, open_deals, keep, place))
    prepared = Prepared(company, day, view, fingerprint)
    if teach and not (view / "team.json").is_file():
        _write_team(prepared)
    return prepared


def _nearest_float(money: Any) -> Any:
    """The float nearest to each amount (Arrow's own cast is off by a hair: 1234567.8900000001)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.cast(pc.multiply(money, pa.scalar(Decimal(10_000), pa.decimal128(5, 0))), pa.int64())
    return pc.divide(pc.cast(parts, pa.float64()), 10_000.0)


class UnusableError(InputDataError):
    """Some tables cannot be used; ``problems`` holds everything that was found in all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems if p.severity == "unusable"))


def read_problems(folder: Path) -> list[Problem]:
    """The problems that were written into a folder of the store."""
    frame = pd.read_parquet(folder / "problems.parquet")
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    return [
        Problem(r.severity, r.tbl, r.file or "", None if r.line is None else int(r.line), r.col, r.val, r.what, r.fix) for r in rows
    ]


@cache
def code_fingerprint() -> str:
    """Of the product's own source and notebooks: a new version redoes what an old one wrote."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(p for p in package.rglob("*") if p.suffix in (".py", ".html", ".css"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _write_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Fills a folder beside the target and moves it there in one step; a failure leaves nothing behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write(place)
        try:
            os.replace(place, target)
        except OSError:
            if not target.is_dir():  # else another run wrote the same view first
                raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _fingerprint(company: Company, home: Path) -> str:
    """Of the exports' bytes and the settings; a file whose size and time are as before is not read again."""
    cache_file, seen = home / "inputs.json", {}
    if cache_file.is_file():
        try:
            seen = json.loads(cache_file.read_text(encoding="utf-8"))
        except ValueError:
            seen = {}
    digest, now = hashlib.sha256(), {}
    for path in _export_files(company):
        name, stat = path.relative_to(company.folder / company.exports).as_posix(), path.stat()
        mark = [stat.st_size, stat.st_mtime_ns]
        known = seen.get(name)
        now[name] = known if known and known[:2] == mark else [*mark, _sha256(path)]
        digest.update(f"{name}\0{now[name][2]}\0".encode())
    if now != seen:
        place = cache_file.with_suffix(".new")
        place.write_text(json.dumps(now, sort_keys=True), encoding="utf-8")
        os.replace(place, cache_file)
    digest.update(company.model_dump_json().encode() + code_fingerprint().encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _export_files(company: Company) -> list[Path]:
    """The files that the tables of ``workbook.yml`` come from."""
    folder = company.folder / company.exports
    if not folder.is_dir():
        raise SettingsError(
            f"{company.folder / FILE_NAME}: the exports folder {company.exports!r} is not there.",
            do="Put the CRM exports there, or name their folder under `exports:`.",
        )
    wanted = _wanted_stems(company)
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~$")))
    return [p for p in files if p.stem in wanted or any(w.startswith(f"{p.stem}__") for w in wanted)]


def _wanted_stems(company: Company) -> set[str]:
    """Names of exported tables that the settings speak of."""
    wanted = {s.stem for s in company.tables.values() if s.file}
    for source in company.tables.values():
        wanted |= set(re.findall(r"[^\s\"'(),;.]+", source.select or ""))
    return wanted


@contextmanager
def _connect() -> Iterator[Any]:
    import duckdb

    con = duckdb.connect()
    try:
        con.execute("SET preserve_insertion_order = true; SET python_enable_replacements = false")
        yield con
    finally:
        con.close()


def _import_tables(company: Company, place: Path) -> None:
    """Writes every table of the company as checked Parquet, and what was wrong with the rest."""
    from workbook_helpers.data.convert import PROBLEMS, convert_table
    from workbook_helpers.data.imports import FileOptions, load_exports
    from workbook_helpers.data.known import find_last_day

    options = {s.stem: FileOptions(s.encoding, s.delimiter) for s in company.tables.values() if s.file}
    stems = {p.stem for p in _export_files(company)}
    imported = load_exports(company.folder / company.exports, options=options, only=stems)
    broken = {p.table for p in imported.problems if p.severity == "unusable"}
    usable = []
    with _connect() as con:
        con.execute(PROBLEMS)
        _insert(con, imported.problems)
        for name, table in TABLES.items():
            source = company.tables.get(name)
            if source is None or source.stem in broken:
                continue
            try:
                con.register("exported", _relation(name, source, imported.tables))
                con.execute(f"CREATE OR REPLACE TEMP TABLE raw_{name} AS SELECT * FROM exported")
                con.unregister("exported")
                convert_table(con, table, source, company)
                con.execute(f"DROP TABLE raw_{name}")
                usable.append(name)
            except InputDataError as error:
                what = " ".join(filter(None, (error.seen, error.allowed))).rstrip(".")
                _insert(con, [Problem("unusable", name, source.file or "", None, None, None, what, error.do)])
        for name in usable:
            con.execute(f"COPY {name} TO '{_sql_path(place / name)}.parquet' (FORMAT parquet)")
        con.execute(f"COPY problems TO '{_sql_path(place)}/problems.parquet' (FORMAT parquet)")
        last_day = find_last_day(con, company) if set(company.tables) <= set(usable) else None
    (place / "last_day.json").write_text(json.dumps(last_day.isoformat() if last_day else None))


def _insert(con: Any, problems: Iterable[Problem]) -> None:
    rows = [(*astuple(p), None, None, None) for p in problems]
    if rows:
        con.executemany(f"INSERT INTO problems VALUES ({', '.join('?' * 11)})", rows)


def _sql_path(path: Path) -> str:
    return str(path).replace("'", "''")


def _relation(name: str, source: Any, exported: dict[str, Any]) -> Any:
    """The table's rows as text under the workbook's column names, as an Arrow table with ``_file`` and ``_row``."""
    if source.select is not None:
        return _select(name, source.select, exported)
    rows = exported.get(source.stem)
    if rows is None:
        raise InputDataError(
            f"Table {name}: there is no export {source.file!r}" + (f" with a sheet {source.sheet!r}." if source.sheet else "."),
            allowed=f"Found: {', '.join(sorted(exported)) or 'nothing'}.",
            do=f"Mend tables: {name}: file: in workbook.yml, or add the file.",
        )
    absent = [theirs for theirs in source.columns.values() if theirs not in rows.column_names]
    if absent:
        raise InputDataError(
            f"Table {name}: {source.file} has no column {', '.join(map(repr, absent))}.",
            allowed=f"Found: {', '.join(c for c in rows.column_names if not c.startswith('_'))}.",
            do=f"Mend tables: {name}: columns: in workbook.yml.",
        )
    taken = set(source.columns.values())
    pairs = [(ours, theirs) for ours, theirs in source.columns.items()]
    pairs += [(c, c) for c in rows.column_names if c not in taken and c not in source.columns]
    return rows.select([theirs for _, theirs in pairs]).rename_columns([ours for ours, _ in pairs])


def _select(name: str, sql: str, exported: dict[str, Any]) -> Any:
    """The result of the company's SELECT, run where it can reach nothing but the exports."""
    import duckdb

    with _connect() as con:
        for stem, rows in exported.items():
            con.register(stem, rows)
        con.execute("SET enable_external_access = false; SET lock_configuration = true")
        try:
            statements = con.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise SettingsError(f"Table {name}: `select:` must hold one SELECT and nothing else.", do="Mend it in workbook.yml.")
            columns = [f'"{d[0]}"::VARCHAR AS "{d[0]}"' for d in con.execute(f"DESCRIBE {sql}").fetchall() if d[0] not in ("_file", "_row")]
            found = {d[0] for d in con.execute(f"DESCRIBE {sql}").fetchall()}
            columns.append("_file" if "_file" in found else f"'{name}' AS _file")
            columns.append("_row" if "_row" in found else "NULL::BIGINT AS _row")
            return con.execute(f"SELECT {', '.join(columns)} FROM ({sql.strip().rstrip(';')})").to_arrow_table()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise SettingsError(
                f"Table {name}: the SELECT in workbook.yml fails: {first}",
                allowed=f"It can read: {', '.join(sorted(exported))}.",
                do="Mend the SELECT.",
            ) from None


def _write_view(company: Company, checked: Path, as_of: date, open_deals: Path, keep: Path | None, place: Path) -> None:
    """Writes the books of all reps on the as-of date, and the problems known then.

    keep: where to keep the open deals as they stand today, when the as-of date is the last day of the exports.
    """
    from workbook_helpers.data import known
    from workbook_helpers.data.findings import find_problems

    with _connect() as con:
        for name in company.tables:
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{_sql_path(checked / name)}.parquet')")
        con.execute(f"CREATE TABLE problems AS SELECT * FROM read_parquet('{_sql_path(checked)}/problems.parquet')")
        remarks = known.build_books(con, company, as_of, open_deals if open_deals.is_file() and keep is None else None)
        find_problems(con, company)
        con.execute("DELETE FROM problems WHERE known > as_of()")
        con.execute(f"COPY problems TO '{_sql_path(place)}/problems.parquet' (FORMAT parquet)")
        listed = "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'book_') ORDER BY 1"
        books = [row[0] for row in con.execute(listed).fetchall()]
        rows, counts = {}, {}
        for book in books:
            name = book.removeprefix("book_")
            if not (company.has(name) or name in ("sales", "account_sales")):
                continue
            options = "FORMAT parquet, ROW_GROUP_SIZE 20480, COMPRESSION zstd"
            rows_of_book = f"SELECT * FROM {book}"
            if _has_rep(con, book):  # what belongs to nobody we know stands under NOBODY, so that totals close
                known_rep = "CASE WHEN rep_id IN (SELECT rep_id FROM k_reps) THEN rep_id ELSE '' END AS rep_id"
                rows_of_book = f"SELECT {known_rep}, * EXCLUDE (rep_id) FROM {book}"
            con.execute(f"COPY ({rows_of_book} ORDER BY ALL) TO '{_sql_path(place / name)}.parquet' ({options})")
            owner = "rep_id" if _has_rep(con, book) else "NULL"
            mark = "md5(concat(bit_xor(hash(b)), sum(hash(b)::HUGEINT % 1000000007)))"
            for rep_id, n, fingerprint in con.execute(f"SELECT {owner}, count(*), {mark} FROM ({rows_of_book}) b GROUP BY 1").fetchall():
                rows.setdefault(rep_id, []).append(f"{name}:{n}:{fingerprint}")
                counts.setdefault(rep_id, {})[name] = n
        aside = con.execute(
            """SELECT rep_id, tbl, count(*), coalesce(sum(amount), 0)::DOUBLE, string_agg(DISTINCT what, '; ' ORDER BY what)
               FROM (SELECT DISTINCT ON (tbl, file, line, val) * FROM problems WHERE severity = 'set_aside') GROUP BY 1, 2 ORDER BY ALL"""
        ).fetchall()
        findings = con.execute("SELECT rep_id, count(*) FROM problems WHERE severity = 'finding' GROUP BY 1 ORDER BY ALL").fetchall()
        reps = _describe_reps(con, company)
        if keep is not None:
            _keep_open_deals(con, keep)
    company_wide = "|".join(sorted(rows.pop(None, [])))
    marks = {
        r["rep_id"]: hashlib.sha256("|".join([company_wide, *sorted(rows.get(r["rep_id"], []))]).encode()).hexdigest() for r in reps
    }
    view = {
        "as_of": as_of.isoformat(),
        "reps": reps,
        "rows": marks,
        "counts": {k or "": v for k, v in sorted(counts.items(), key=lambda item: item[0] or "")},
        "set_aside": [[r or "", t, n, a, w] for r, t, n, a, w in aside],
        "findings": {r or "": n for r, n in findings},
        "remarks": remarks,
    }
    (place / "view.json").write_text(json.dumps(view, sort_keys=True), encoding="utf-8")


def _write_team(prepared: Prepared) -> None:
    """What the team teaches on that day, beside the view it was learned from."""
    from workbook_helpers.data.team import learn_team

    place = prepared.folder / f".team-{os.getpid()}.json"
    place.write_text(json.dumps(learn_team(prepared), sort_keys=True), encoding="utf-8")
    os.replace(place, prepared.folder / "team.json")


def _has_rep(con: Any, book: str) -> bool:
    return any(row[0] == "rep_id" for row in con.execute(f"DESCRIBE {book}").fetchall())


def _describe_reps(con: Any, company: Company) -> list[dict[str, Any]]:
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


def _keep_open_deals(con: Any, target: Path) -> None:
    from workbook_helpers.data.known import OVERWRITTEN, REBUILT

    target.parent.mkdir(parents=True, exist_ok=True)
    place = target.with_suffix(".new")
    columns = ", ".join(("opportunity_id", *REBUILT, *OVERWRITTEN))
    con.execute(f"COPY (SELECT {columns} FROM k_deals WHERE status = 'open' ORDER BY ALL) TO '{_sql_path(place)}' (FORMAT parquet)")
    os.replace(place, target)
