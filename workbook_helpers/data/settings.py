"""``workbook.yml``: what the company is, and where each of its tables comes from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from workbook_helpers.data.schemas import TABLES
from workbook_helpers.errors import SettingsError
from workbook_helpers.measure import Period

FILE_NAME = "workbook.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where one table comes from: a file whose columns are renamed, or a SELECT over the exports.

    dates, decimal, encoding, delimiter: where this file differs from the company's other files, or where it cannot be detected.
    """

    file: str | None = None
    sheet: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    select: str | None = None
    dates: str | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    delimiter: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if (self.file is None) == (self.select is None):
            raise ValueError("give either `file:` or `select:`")
        return self

    @property
    def stem(self) -> str:
        """The name under which the exports hold this file's rows."""
        stem = Path(self.file or "").stem
        return f"{stem}__{self.sheet}" if self.sheet else stem

    @property
    def file_decimal(self) -> str | None:
        """Numbers that a file holds as numbers come out with a point, whatever the company writes."""
        return "." if Path(self.file or "").suffix.lower() in (".xlsx", ".xlsm", ".parquet") else None


class Outcomes(_Strict):
    """Which texts in ``outcome`` mean won or lost; everything else is open."""

    won: tuple[str, ...] = ("Won",)
    lost: tuple[str, ...] = ("Lost",)


class Company(_Strict):
    """The settings of one company. Every key but ``tables`` has a default."""

    folder: Path = Field(exclude=True)
    format: Literal[1] = 1
    name: str = Field(default="", alias="company")
    currency: str = "USD"
    fiscal_year_start: str = "01-01"
    quota_counts: Literal["bookings", "revenue", "margin", "recurring", "units"] = "bookings"
    credit: Literal["own", "account", "table"] = "own"
    dates: str | None = None
    decimal: Literal[".", ","] | None = None
    stages: tuple[str, ...] = ()
    outcomes: Outcomes = Outcomes()
    lapsed_after_days: int = Field(default=365, gt=0)
    exports: str = "exports"
    tables: dict[str, Source]
    company_target: dict[int, float] = Field(default_factory=dict)
    segments: tuple[str, ...] = ("industry", "region", "lead_source")
    peers: tuple[str, ...] = ("industry",)
    potential_quantile: float = Field(default=0.8, gt=0, lt=1)
    weights: dict[str, float] = Field(
        default_factory=lambda: {
            "potential": 0.30,
            "revenue": 0.20,
            "win_rate": 0.15,
            "workload": 0.15,
            "competition": 0.10,
            "funnel": 0.10,
        }
    )
    calls: dict[str, float] = Field(default_factory=lambda: {"A": 24, "B": 12, "C": 4})
    hours_per_call: float = Field(default=1.0, gt=0)
    calls_per_trip: float = Field(default=4.0, ge=1)
    road_factor: float = Field(default=1.3, ge=1)
    speed_km_per_hour: float = Field(default=60.0, gt=0)
    goal_paths: int = Field(default=10_000, ge=1_000)
    seed: int = 7

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
        return {name: {"file": source} if isinstance(source, str) else source for name, source in tables.items()}

    @field_validator("tables")
    @classmethod
    def _enough(cls, tables: dict[str, Source]) -> dict[str, Source]:
        if "reps" not in tables or not {"opportunities", "orders"} & set(tables):
            raise ValueError("the least that works is `reps` with `opportunities` or `orders`")
        for name, source in tables.items():
            unknown = [c for c in source.columns if c not in TABLES[name].names and not TABLES[name].own_columns]
            if unknown:
                hints = "; ".join(_unknown("column", c, TABLES[name].names) for c in unknown)
                raise ValueError(f"{name}: {hints}")
        return tables

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

    def fiscal_year(self, day: date) -> Period:
        """The fiscal year that holds the day.

        >>> company = Company(folder=Path("x"), fiscal_year_start="04-01", tables={"reps": "r.csv", "orders": "o.csv"})
        >>> company.fiscal_year(date(2026, 3, 31)).start
        datetime.date(2025, 4, 1)
        """
        month, first = map(int, self.fiscal_year_start.split("-"))
        start = date(day.year, month, first)
        start = start if start <= day else start.replace(year=day.year - 1)
        return Period(start, start.replace(year=start.year + 1) - timedelta(days=1))

    def plan_year(self, day: date) -> int:
        """The year that names the plan's file: the one in which the fiscal year ends.

        >>> company = Company(folder=Path("x"), fiscal_year_start="04-01", tables={"reps": "r.csv", "orders": "o.csv"})
        >>> company.plan_year(date(2026, 4, 1))
        2027
        """
        return self.fiscal_year(day).end.year


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
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f" line {place.line + 1}" if place else ""
        raise SettingsError(f"{path}{line}: this is not YAML.", do="Mend that line: a missing quote, colon or indent.") from None
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path}: it holds no `key: value` lines.", do="Start from data/samples/field_sales/workbook.yml.")
    try:
        company = Company(folder=folder.resolve(), **{str(k): v for k, v in loaded.items() if k != "folder"})
    except ValidationError as error:
        raise SettingsError(f"{path}: " + "; ".join(_say(e) for e in error.errors()) + ".") from None
    return company if company.name else company.model_copy(update={"name": company.folder.name})


def _find(folder: Path) -> Path:
    """The folder as it is named from here, or from a folder above: notebooks name the sample from the project's root."""
    places = [folder, *(parent / folder for parent in Path.cwd().parents if not folder.is_absolute())]
    return next((place for place in places if (place / FILE_NAME).is_file()), folder)


def _say(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = Source.model_fields if str(error["loc"][0]) == "tables" else _known_keys()
        return _unknown("key", place.split(".")[-1], known)
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" + (f" (found {error['input']!r})" if not isinstance(error["input"], dict) else "")


def _known_keys() -> list[str]:
    return ["company" if name == "name" else name for name in Company.model_fields if name != "folder"]


def _unknown(what: str, name: str, known: Any) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})")
