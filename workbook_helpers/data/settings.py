"""``workbook.yml``: what the company is, and where each of its tables comes from."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from workbook_helpers.data.schemas import TABLES
from workbook_helpers.errors import SettingsError
from workbook_helpers.measure import FiscalYear, nearest_day
from workbook_helpers.plan.yaml_text import YamlTextError, find_line, known_tree, plain

FILE_NAME = "workbook.yml"

#: What each component counts in a territory's grade, unless the company says otherwise.
WEIGHTS = {"potential": 0.30, "revenue": 0.20, "win_rate": 0.15, "workload": 0.15, "competition": 0.10, "funnel": 0.10}



def _check_dates(text: str) -> str:
    """A way to write a day: it must name day, month and year, and no time of day."""
    form = text.replace("%-", "%")
    try:
        names_a_day = all(datetime.strptime(day.strftime(form), form) == day for day in (datetime(2026, 12, 31), datetime(1999, 2, 3)))
    except ValueError:
        names_a_day = False
    if not names_a_day or re.search("%[HIMSfpzZcX]", form):
        raise ValueError('say where day (%d), month (%m) and year (%Y) stand, without the time of day, for example "%d.%m.%Y"')
    return text


def _check_once(words: tuple[str, ...]) -> tuple[str, ...]:
    twice = [word for word, n in Counter(word.strip().lower() for word in words).items() if n > 1 or not word]
    if twice:
        raise ValueError(f"{', '.join(map(repr, twice))} stands twice or is empty; name each once (capitals do not count)")
    return words


_Dates = Annotated[str, AfterValidator(_check_dates)]
_Once = Annotated[tuple[str, ...], AfterValidator(_check_once)]
_Filled = Annotated[str, Field(min_length=1, max_length=200)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where one table comes from: files whose columns are renamed, or a SELECT over the exports.

    file: a file's name, a list of them, or a pattern such as ``deals_*.csv``; several are read one under the other.
    dates, decimal, encoding, delimiter: where this file differs from the company's other files, or where it cannot be detected.
    """

    file: str | tuple[str, ...] | None = None
    sheet: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    select: str | None = None
    dates: _Dates | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    delimiter: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if bool(self.file) == bool(self.select):
            raise ValueError("give either `file:` or `select:`")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The files' names, and patterns, as workbook.yml has them."""
        return (self.file,) if isinstance(self.file, str) else self.file or ()

    @property
    def said(self) -> str:
        """What messages call it."""
        return ", ".join(self.files) or "its SELECT"

    def stems(self, found: Iterable[str]) -> list[str]:
        """The names under which the exports hold these files' rows. found: the names of the files that are there.

        >>> Source(file="deals_*.csv").stems(["reps.csv", "deals_2026.csv", "deals_2025.csv"])
        ['deals_2025', 'deals_2026']
        """
        names = [n for f in self.files for n in (sorted(n for n in found if fnmatchcase(n, f)) if "*" in f else [f])]
        return list(dict.fromkeys(f"{Path(n).stem}__{self.sheet}" if self.sheet else Path(n).stem for n in names))

    @property
    def file_decimal(self) -> str | None:
        """Numbers that a file holds as numbers come out with a point, whatever the company writes."""
        kinds = {Path(name).suffix.lower() for name in self.files}
        return "." if kinds and kinds <= {".xlsx", ".xlsm", ".parquet"} else None


class Outcomes(_Strict):
    """Which texts in ``outcome`` mean won or lost; everything else is open."""

    won: _Once = ("Won",)
    lost: _Once = ("Lost",)

    @model_validator(mode="after")
    def _one_meaning(self) -> Outcomes:
        both = {word.lower() for word in self.won} & {word.lower() for word in self.lost}
        if both:
            raise ValueError(f"{', '.join(map(repr, sorted(both)))} cannot mean won and lost; keep it in one of the two")
        return self


class Company(_Strict):
    """The settings of one company. Every key but ``tables`` has a default."""

    folder: Path = Field(exclude=True)
    format: Annotated[Literal[1], BeforeValidator(lambda value: 1 if value == "1" else value)] = 1
    name: str = Field(default="", alias="company")
    currency: _Filled = "USD"
    fiscal_year_start: str = "01-01"
    quota_counts: Literal["bookings", "revenue", "margin", "recurring", "units"] = "bookings"
    credit: Literal["own", "account", "table"] = "own"
    account_owner: Literal["recorded", "seller"] = "recorded"
    dates: _Dates | None = None
    decimal: Literal[".", ","] | None = None
    ids: Literal["salesforce"] | None = None
    stages: _Once = ()
    outcomes: Outcomes = Outcomes()
    lapsed_after_days: int = Field(default=365, gt=0, le=36_500)
    exports: _Filled = "exports"
    tables: dict[str, Source]
    company_target: dict[Annotated[int, Field(ge=1900, le=2199)], _Amount] = Field(default_factory=dict)
    segments: _Once = ("industry", "region", "lead_source")
    peers: _Once = ("industry",)
    potential_quantile: float = Field(default=0.8, gt=0, lt=1)
    weights: dict[str, _Amount] = Field(default_factory=lambda: dict(WEIGHTS))
    calls: dict[str, _Amount] = Field(default_factory=lambda: {"A": 24, "B": 12, "C": 4}, min_length=1)
    hours_per_call: float = Field(default=1.0, gt=0, le=24)
    calls_per_trip: float = Field(default=4.0, ge=1, le=100)
    road_factor: float = Field(default=1.3, ge=1, le=10)
    speed_km_per_hour: float = Field(default=60.0, gt=0, le=1_000)
    goal_paths: int = Field(default=10_000, ge=1_000, le=1_000_000)
    seed: int = Field(default=7, ge=0)

    _edges: tuple[date, ...] = PrivateAttr(default=())

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @field_validator("tables", mode="before")
    @classmethod
    def _short_form(cls, tables: Any) -> Any:
        """``reps: owners.csv`` means ``reps: {file: owners.csv}``."""
        if not isinstance(tables, dict) or not tables:
            raise ValueError("name at least `reps`, and `opportunities` or `orders`")
        unknown = [name for name in tables if name not in TABLES]
        if unknown:
            raise ValueError("; ".join(_unknown("table", name, TABLES) for name in unknown))
        return {name: {"file": source} if isinstance(source, str | list) else source for name, source in tables.items()}

    @field_validator("tables")
    @classmethod
    def _enough(cls, tables: dict[str, Source]) -> dict[str, Source]:
        if "reps" not in tables or not {"opportunities", "orders"} & set(tables):
            raise ValueError("the least that works is `reps` with `opportunities` or `orders`")
        for name, source in tables.items():
            unknown = [c for c in source.columns if c not in TABLES[name].names and (not TABLES[name].own_columns or c.startswith("_"))]
            if unknown:
                hints = "; ".join(_unknown("column", c, TABLES[name].names) for c in unknown)
                raise ValueError(f"{name}: {hints}")
        return tables

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, weights: dict[str, float]) -> dict[str, float]:
        unknown = [name for name in weights if name not in WEIGHTS]
        if unknown:
            raise ValueError("; ".join(_unknown("component", name, WEIGHTS) for name in unknown))
        if not sum(weights.values()):
            raise ValueError("they add up to 0; give at least one component some weight")
        return weights

    @model_validator(mode="after")
    def _credits_to_share_by(self) -> Company:
        if self.credit == "table" and "credits" not in self.tables:
            raise ValueError("credit: table needs table `credits`; name its export under tables:, or write credit: own")
        return self

    @field_validator("fiscal_year_start")
    @classmethod
    def _a_day(cls, text: str) -> str:
        if not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", text):
            raise ValueError("write month and day as MM-DD, for example 04-01 (at most day 28)")
        return text

    @property
    def won(self) -> tuple[str, ...]:
        return self.outcomes.won

    @property
    def lost(self) -> tuple[str, ...]:
        return self.outcomes.lost

    def has(self, table: str) -> bool:
        return table in self.tables

    def with_tables(self, names: Iterable[str]) -> Company:
        """The same company with just these tables; those it does not export are made from its imports."""
        made = Source(select="made from the imports")
        return self.model_copy(update={"tables": {name: self.tables.get(name, made) for name in names}})

    def with_periods(self, edges: Iterable[date]) -> Company:
        """The same company with the first days of its own fiscal periods, as table ``periods`` has them."""
        company = self.model_copy()
        company._edges = tuple(sorted(set(edges)))
        return company

    def fiscal_year(self, day: date) -> FiscalYear:
        """The fiscal year that holds the day. It begins with the company's period nearest to ``fiscal_year_start``, else on that day.

        >>> company = Company(folder=Path("x"), fiscal_year_start="04-01", tables={"reps": "r.csv", "orders": "o.csv"})
        >>> company.fiscal_year(date(2026, 3, 31)).start
        datetime.date(2025, 4, 1)
        """
        year = self._first_year(day)
        return FiscalYear(self._begin(year), self._begin(year + 1) - timedelta(days=1), self._edges)

    def plan_year(self, day: date) -> int:
        """The year that names the plan's file: the one in which the fiscal year ends, by ``fiscal_year_start``.

        >>> company = Company(folder=Path("x"), fiscal_year_start="04-01", tables={"reps": "r.csv", "orders": "o.csv"})
        >>> company.plan_year(date(2026, 4, 1))
        2027
        """
        year = self._first_year(day)
        return year if self.fiscal_year_start == "01-01" else year + 1

    def _first_year(self, day: date) -> int:
        """The calendar year in which the fiscal year that holds the day nominally begins."""
        return max(year for year in (day.year - 1, day.year, day.year + 1) if self._begin(year) <= day)

    def _begin(self, year: int) -> date:
        month, first = map(int, self.fiscal_year_start.split("-"))
        return nearest_day(date(year, month, first), self._edges)


def load_company(folder: Path) -> Company:
    """The settings in ``<folder>/workbook.yml``.

    Raises SettingsError that names every wrong key together, what is allowed and the nearest known key.
    """
    folder = _find(Path(folder))
    path = folder / FILE_NAME
    if not path.is_file():
        raise SettingsError(
            f"{path}: there is no such file.",
            allowed="A company is a folder with a workbook.yml, as data/samples/field_sales has.",
            do="Name that folder, or write the file.",
        )
    try:
        tree = known_tree(path.read_text(encoding="utf-8"))
        loaded = plain(tree)
    except YamlTextError as error:
        raise SettingsError(f"{path} line {error.line}: {error.why}." if error.line else f"{path}: {error.why}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: this is not UTF-8 text.", do="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", do="See that you may read it.") from None
    if not loaded:
        raise SettingsError(f"{path}: it holds no `key: value` lines.", do="Start from data/samples/field_sales/workbook.yml.")
    try:
        company = Company(folder=folder.resolve(), **{k: v for k, v in loaded.items() if k != "folder"})
    except ValidationError as error:
        raise SettingsError("\n".join(f"{_place(path, tree, e['loc'])}: {_say(e)}." for e in error.errors())) from None
    return company if company.name else company.model_copy(update={"name": company.folder.name})


def _find(folder: Path) -> Path:
    """The folder as it is named from here, or from a folder above: notebooks name the sample from the project's root."""
    places = [folder, *(parent / folder for parent in Path.cwd().parents if not folder.is_absolute())]
    return next((place for place in places if (place / FILE_NAME).is_file()), folder)


_SAY = {
    "missing": "this key must be there",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "too_short": "must name at least one",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:.10g}",
    "greater_than_equal": "must be {ge:.10g} or more",
    "less_than": "must be less than {lt:.10g}",
    "less_than_equal": "must be {le:.10g} or less",
    "literal_error": "must be {expected}",
    "tuple_type": "must be a list, as in [one, two]",
    "dict_type": "must hold `key: value` pairs",
}


def _place(path: Path, tree: Any, place: Iterable[Any]) -> str:
    line = find_line(tree, tuple(place))
    return f"{path} line {line}" if line else str(path)


def _say(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        known = Source.model_fields if str(error["loc"][0]) == "tables" else _known_keys()
        return _unknown("key", place.split(".")[-1], known)
    message = _SAY.get(error["type"], error["msg"]).format(**error.get("ctx", {})).removeprefix("Value error, ")
    found = f" (found {repr(error['input'])[:60]})" if isinstance(error["input"], (str, list)) and error["input"] else ""
    return f"{place}: {message}{found}" if place else message


def _known_keys() -> list[str]:
    return ["company" if name == "name" else name for name in Company.model_fields if name != "folder"]


def _unknown(what: str, name: str, known: Any) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})")
