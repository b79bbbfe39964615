"""The Book: one rep's book of business on one day. The one door between a notebook and the data."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from workbook_helpers.data.choice import choose, first_rep
from workbook_helpers.data.outlook import Outlook, project_outlook
from workbook_helpers.data.prepared import OfRep, Prepared
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.store import prepare
from workbook_helpers.data.tables import COMPANY_WIDE, Tables
from workbook_helpers.data.team import Team, open_team_figures, score_accounts
from workbook_helpers.errors import ParameterError, UnknownRepError
from workbook_helpers.measure import Answer
from workbook_helpers.plan import Plan, PrivatePlan, load_plan, load_private, plan_fingerprint, plan_path
from workbook_helpers.steps import customers, pipeline_health


@dataclass(frozen=True)
class RepCard:
    """Who the rep is. tenure_days: since active_from; None when unknown. kind: rep, manager, house, vacant or leaver."""

    rep_id: str
    rep_name: str
    manager_id: str | None = None
    role: str | None = None
    team: str | None = None
    active_from: date | None = None
    active_to: date | None = None
    full_time_share: float | None = None
    home_latitude: float | None = None
    home_longitude: float | None = None
    selling_hours_per_year: float | None = None
    base_salary: float | None = None
    on_target_earnings: float | None = None
    territory: str | None = None
    tenure_days: int | None = None
    kind: str = "rep"

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> RepCard:
        days = {k: date.fromisoformat(values[k]) if values.get(k) else None for k in ("active_from", "active_to")}
        return cls(**{**values, **days})


#: What several chapters read: computed once in a process, by whoever asks first.
SHARED = ("scored_accounts", "retention", "pipeline", "outlook")


@dataclass(frozen=True)
class Book(Tables):
    """Only this rep's rows, only what was known on the as-of date, and the team's figures that name nobody.

    Rows and shared answers are kept for the next chapter that opens the same book in this process; every chapter gets frames of its own.
    """

    rep: RepCard
    team: Team
    plan: Plan
    private: PrivatePlan
    plan_exists: bool
    remarks: tuple[str, ...]
    findings_n: int
    problems: pd.DataFrame = field(repr=False)
    read: pd.DataFrame = field(repr=False)
    assumed: tuple[str, ...] = ()
    _rows_mark: str = field(default="", repr=False)
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def _once(self, name: str, compute: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = compute()
        kept = self._kept[name]
        return kept.copy(deep=False) if isinstance(kept, pd.DataFrame) else kept

    def _read(self, name: str) -> pd.DataFrame | None:
        read = super()._read
        return self._once(name, lambda: read(name))

    @property
    def left(self) -> date | None:
        """The day on which the rep left; None for everybody else."""
        return (self.rep.active_to or self.as_of) if self.rep.kind == "leaver" else None

    @property
    def bought(self) -> pd.DataFrame:
        """What the book's customers bought, whoever sold it; what the rep sold where the company has no accounts."""
        return self.sales if self.accounts is None else self.account_sales

    @property
    def scored_accounts(self) -> pd.DataFrame | None:
        """Every account with what it bought and is worked, and its potential: what chapters 2 to 6 rank and count."""
        return self._once("scored_accounts", lambda: score_accounts(self, self.team.tables))

    @property
    def retention(self) -> Answer:
        """Who buys again, and who is at risk: answer 1.9."""
        return self._once("retention", self._summarise_retention)

    @property
    def pipeline(self) -> Answer:
        """The open deals and what is wrong with them: answer 2.6."""
        return self._once("pipeline", self._summarise_pipeline)

    @property
    def outlook(self) -> Outlook:
        """Where the year stands: goal, flow, open deals and the chance of the goal."""
        return self._once("outlook", self._project_outlook)

    def _summarise_retention(self) -> Answer:
        days = self.company.lapsed_after_days
        return customers.summarise_retention(
            sales=self.account_sales, accounts=self.accounts, as_of=self.as_of, lapsed_after_days=days
        )

    def _summarise_pipeline(self) -> Answer:
        return pipeline_health.summarise_pipeline(
            opportunities=self.opportunities,
            stage_history=self.stage_history,
            activities=self.activities,
            stage_rates=self.team.tables.get("stage_rates"),
            as_of=self.as_of,
        )

    def _project_outlook(self) -> Outlook:
        return project_outlook(
            self,
            self.team.tables,
            bought=self.bought,
            goal_amount=self.plan.goal.amount,
            in_team=self.rep.kind == "rep",
            left=self.left is not None,
        )

    def beside_team(self, answer: Answer) -> Answer:
        """The answer with the team's figure beside each measure of the whole book."""
        measures = tuple(m.with_team(self.team.values.get(m.id)) if m.cut is None else m for m in answer.measures)
        return dataclasses.replace(answer, measures=measures)

    @property
    def provenance(self) -> dict[str, str]:
        """What this book stands on, in words that are the same wherever the company's folder lies."""
        return {
            "company": self.company.name,
            "as_of": self.as_of.isoformat(),
            "known_rows": self._rows_mark[:16],
            "team_figures": self._prepared.team_fingerprint(self.rep.role)[:16],
            "workbook_version": _version(),
        }


def open_book(company: str | Path = "", rep_id: str = "", as_of: str | date = "") -> Book:
    """The book of business of one rep on one day.

    company: the company's folder. rep_id: as the exports write it. as_of: YYYY-MM-DD.
    Empty means what was chosen with ``workbook lab``; without a choice the bundled sample, its first selling rep, and the last day
    the exports know. ``assumed`` says so.
    Raises UnknownRepError naming the nearest ids; ParameterError for a day that is none.
    """
    chosen = choose(company, rep_id, as_of)
    prepared, assumed = prepare(chosen.company, as_of=parse_day(chosen.as_of)), list(chosen.said)
    rep_id = chosen.rep_id
    if not rep_id:
        rep_id, said = first_rep(prepared)
        assumed.append(said)
    prepared = _same(prepared)
    known = _find(prepared, rep_id)
    rep, settings = RepCard.from_values(known.card), prepared.company
    year = settings.plan_year(prepared.as_of)
    return Book(
        company=settings,
        as_of=prepared.as_of,
        _prepared=prepared,
        _rep_ids=(rep.rep_id,),
        rep=rep,
        team=open_team_figures(prepared, rep.role),
        plan=load_plan(settings.folder, rep.rep_id, year),
        plan_exists=plan_path(settings.folder, rep.rep_id, year).is_file(),
        private=load_private(settings.folder, rep.rep_id, year),
        remarks=tuple(prepared.remarks),
        findings_n=known.findings_n,
        problems=pd.DataFrame(known.problems, columns=["severity", "table", "key", "column", "value", "what", "fix"]),
        read=_summarise_rows(known),
        assumed=tuple(assumed),
        _rows_mark=known.rows,
        _kept=_keep(prepared, rep.rep_id, plan_fingerprint(settings.folder, rep.rep_id, year)),
    )


@lru_cache(maxsize=1)
def _same(prepared: Prepared) -> Prepared:
    """The view as it was opened before in this process, with all that was read of it."""
    return prepared


@lru_cache(maxsize=1)
def _keep(prepared: Prepared, rep_id: str, plan: str) -> dict[str, Any]:
    """What the chapters of one book share in this process: nothing of it outlives another rep, day, import, setting or plan."""
    return {}


@cache
def _version() -> str:
    return version("territory-planning-workbook")


def open_company(company: str | Path = "", as_of: str | date = "") -> Prepared:
    """The whole company on one day, for whoever prepares its data. Empty parameters mean what they mean to ``open_book``."""
    chosen = choose(company, "", as_of)
    return prepare(chosen.company, as_of=parse_day(chosen.as_of))


def parse_day(text: str | date) -> date | None:
    """The day that YYYY-MM-DD names; None for an empty text.

    >>> parse_day("2026-09-30"), parse_day("")
    (datetime.date(2026, 9, 30), None)
    """
    if not text or isinstance(text, date):
        return text or None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"as_of {text!r} is not a day.", allowed="Write it as YYYY-MM-DD, for example 2026-09-30.") from None


def find_rep(prepared: Prepared, rep_id: str) -> dict[str, Any]:
    """The rep's values in the view, or UnknownRepError with the nearest ids."""
    return _find(prepared, rep_id).card


def _find(prepared: Prepared, rep_id: str) -> OfRep:
    found = prepared.of_rep(rep_id)
    if found is None:
        raise _unknown_rep(prepared, rep_id)
    return found


def _unknown_rep(prepared: Prepared, rep_id: str) -> UnknownRepError:
    known = [values["rep_id"] for values in prepared.reps]
    alike = [other for other in known if _bare(other) == _bare(rep_id)]
    if alike:
        return UnknownRepError(
            f"No rep {rep_id!r} is known on {prepared.as_of.isoformat()}.",
            allowed=f"It looks like {', '.join(alike)}.",
            do="Ids are text: keep zeros, capitals and punctuation.",
        )
    near = difflib.get_close_matches(rep_id, known, n=3, cutoff=0.4) or known[:5]
    return UnknownRepError(
        f"No rep {rep_id!r} is known on {prepared.as_of.isoformat()}.",
        allowed=f"Nearest ids: {', '.join(near)}.",
        do="Ids are text: keep zeros.",
    )


def _bare(rep_id: str) -> str:
    return re.sub(r"[\W_]", "", rep_id).lstrip("0").casefold()


def _summarise_rows(known: OfRep) -> pd.DataFrame:
    """What the data covers: per table, rows known, used and set aside in this book."""
    used, aside = known.counts, {table: (n, amount, why) for table, n, amount, why in known.set_aside}
    rows = []
    for name in TABLES:
        if name not in COMPANY_WIDE and (name in used or name in aside):
            n, amount, why = aside.get(name, (0, 0.0, ""))
            rows.append((name, used.get(name, 0) + n, used.get(name, 0), n, amount, why))
    return pd.DataFrame(rows, columns=["table", "read_n", "used_n", "set_aside_n", "set_aside_amount", "why"])
