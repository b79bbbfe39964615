"""What a plan is: one model, three files. Plan is shared; PrivatePlan is the rep's alone, ManagerPlan the manager's.

Nothing is required but whose plan it is, so that a plan can grow. An empty value means "not answered yet". Keys that
the model does not know survive as text, and are named as a hint because most of them are slips of the pen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

#: The format that this version writes; older ones are migrated, newer ones refused.
FORMAT = 1


def check_text(text: str) -> str:
    """The text itself; refuses what no file can hold (NUL, half of a surrogate pair).

    >>> check_text("NO"), check_text("=1+1")
    ('NO', '=1+1')
    """
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        raise ValueError("holds a character that cannot be written to a file; delete it and type it anew")
    return text


def write_value(value: Any) -> str:
    """A number, date, yes or no, or text as a plan file holds it.

    >>> write_value(1200000.0), write_value(0.08), write_value(date(2026, 3, 15)), write_value(True), write_value("010")
    ('1200000', '0.08', '2026-03-15', 'true', '010')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _check_day(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        return date.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("is not a day; write it as 2026-03-15")


def _check_unknown(value: Any) -> Any:
    """What stands under an unknown key, as text, lists and maps: as a file would give it back."""
    if isinstance(value, dict):
        return {check_text(str(key)): _check_unknown(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_check_unknown(inner) for inner in value]
    return None if value is None else check_text(write_value(value))


def _check_ids(items: list[Any]) -> list[Any]:
    ids = [item.id for item in items]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(f"has the id {', '.join(twice)} more than once; give each its own")
    return items


Text = Annotated[str, AfterValidator(check_text)]
Name = Annotated[str, Field(min_length=1), AfterValidator(check_text)]
Day = Annotated[date, BeforeValidator(_check_day)]
Money = Annotated[float, Field(ge=0)]
Count = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
_ANY_CASE = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)
Verdict = Annotated[Literal["open", "accepted", "edited", "rejected"], _ANY_CASE]


class Part(BaseModel):
    """A piece of a plan: knows its own keys, keeps the others."""

    model_config = ConfigDict(
        extra="allow",
        validate_assignment=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_answered(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        defaults = {name: known.get_default() for name, known in cls.model_fields.items() if not known.is_required()}
        return {key: defaults.get(key) if value is None else value for key, value in data.items()}

    @model_validator(mode="after")
    def _unknown_keys_are_text(self) -> Part:
        for key, value in (self.__pydantic_extra__ or {}).items():
            self.__pydantic_extra__[key] = _check_unknown(value)
        return self


class Goal(Part):
    amount: Money | None = None
    """What I plan to bring in this year, in the company's currency."""
    why: Text = ""
    """Why this much."""


class Assumptions(Part):
    """What the plan takes for granted; each stands beside what the past shows (5.4)."""

    attrition_share: Share | None = None
    """Share of last year's revenue that will be lost."""
    new_business_share: Share | None = None
    """Share of the goal that is new business; the rest is renewal and repeat."""
    mean_won_amount: Money | None = None
    """Size of a won deal."""
    win_rate: Share | None = None
    """Won deals as a share of won and lost ones."""
    cycle_days: Count | None = None
    """Days from the first talk to the signature."""
    why: Text = ""
    """Where an assumption differs from the past: why it will be so."""


class SwotLine(Part):
    id: Name
    quadrant: Annotated[Literal["strength", "weakness", "opportunity", "threat"], _ANY_CASE]
    text: Text = ""
    evidence: Text = ""
    """The measure that it rests on."""
    evidence_value: float | None = None
    """What that measure was when the verdict was given; a line whose measure has moved since is marked."""
    seen: Day | None = None
    """The day of the report on which the verdict was given."""
    verdict: Verdict = "open"


class Pairing(Part):
    """What follows from two lines of the SWOT (2.5): SO, WO, ST or WT."""

    id: Name
    pair: Annotated[Literal["so", "wo", "st", "wt"], _ANY_CASE]
    lines: list[Text] = []
    """Ids of the SWOT lines that it rests on."""
    rests_on: list[Text] = []
    """The evidence of a proposed move that it answers, as the chapter shows it."""
    text: Text = ""
    verdict: Verdict = "open"


class Pain(Part):
    segment: Text = ""
    """Which customers."""
    pain: Text = ""
    """What hurt them before they bought."""
    solved_by: Text = ""
    """What took it away."""


class Remark(Part):
    about: Text = ""
    """An account, a deal, a product or a segment."""
    text: Text = ""


class Market(Part):
    definition: Text = ""
    """Who belongs to my market: place, size, kind."""
    helped: list[Text] = []
    """How we have helped this market."""
    unique: list[Text] = []
    """What only we offer, in the order in which the market wants it now: most wanted first."""
    industries: list[Text] = []
    """Industries that I can serve; empty means those with five customers of mine (3.3)."""
    areas: list[Text] = []
    """Areas that I can serve, as table market or the accounts' region names them; empty means those with five customers of mine."""
    smallest_employees: Count | None = None
    """Accounts with fewer employees than this are too small to serve."""


class Qualification(Part):
    """Whether a lead is worth the time (3.7)."""

    wants_it: bool | None = None
    uses_it_well: bool | None = None
    """Whether they will use it well."""
    reason_to_act: Text = ""
    """The event that makes them decide."""
    event_date: Day | None = None
    note: Text = ""


class TerritoryRating(Part):
    value: Annotated[Literal["high", "medium", "low"], _ANY_CASE] | None = None
    """My own grade of my territory."""
    why: Text = ""
    not_in_data: Text = ""
    """What I know about it that no export shows."""


class Target(Part):
    account_id: Name
    why: Text = ""
    next_step: Text = ""
    due: Day | None = None


class Bucket(Part):
    """My own view of an open deal, beside the model's."""

    bucket: Annotated[Literal["flow", "likely", "stretch"], _ANY_CASE] | None = None
    effort: Annotated[Literal["routine", "focused"], _ANY_CASE] | None = None
    note: Text = ""


class Move(Part):
    """A named way to close the shortfall (5.14)."""

    id: Name
    kind: Annotated[Literal["white space", "save", "target", "new pipeline"], _ANY_CASE] | None = None
    account_id: Text = ""
    what: Text = ""
    amount: Money | None = None
    probability: Share | None = None
    verdict: Verdict = "open"


class Conversion(Part):
    """A conversion that must rise here (5.16)."""

    stage: Text = ""
    from_share: Share | None = None
    to_share: Share | None = None
    behaviour: Text = ""
    """What I will do differently."""


class Obstacle(Part):
    what: Text = ""
    answer: Text = ""
    """How I get past it."""


class Initiative(Part):
    """A method: a bundle of actions that serves the goal."""

    what: Text = ""
    metric: Text = ""
    owner: Text = ""
    due: Day | None = None


class Action(Part):
    id: Name
    what: Text = ""
    why: Text = ""
    """The gap, or the line of the SWOT, that it answers."""
    owner: Text = "rep"
    due: Day | None = None
    metric: Text = ""
    """How we will know that it worked."""
    resource: Text = ""
    status: Annotated[Literal["open", "done", "dropped"], _ANY_CASE] = "open"
    done: Day | None = None
    """The day on which it was done."""


class Resource(Part):
    what: Text = ""
    from_whom: Text = ""
    due: Day | None = None


class CrewMember(Part):
    """Orchestration: who works with whom."""

    who: Text = ""
    role: Text = ""
    how: Text = ""
    """How we work together."""


class Coverage(Part):
    calls_by_tier: dict[Text, Count] = {}
    """Calls a year for each account of the tier."""
    new_contacts_per_week: Count | None = None
    first_meetings_per_week: Count | None = None
    prospecting_hours_per_week: Count | None = None
    where: Text = ""
    """Where I look for business that nobody has found yet."""


class AccountPlan(Part):
    aim: Text = ""
    amount: Money | None = None
    strengths: list[Text] = []
    vulnerabilities: list[Text] = []
    people: list[Text] = []
    next_step: Text = ""
    owner: Text = "rep"
    due: Day | None = None


class OpportunityPlan(Part):
    strengths: list[Text] = []
    vulnerabilities: list[Text] = []
    people: list[Text] = []
    must_be_true: list[Text] = []
    """What must be true for us to win."""
    next_move: Text = ""
    owner: Text = "rep"
    due: Day | None = None


class CallPlan(Part):
    id: Name
    account_id: Text = ""
    opportunity_id: Text = ""
    day: Day | None = None
    purpose: Text = ""
    questions: list[Text] = []
    proof: Text = ""
    next_step: Text = ""


class Feedback(Part):
    to: Annotated[Literal["product", "supply", "marketing"], _ANY_CASE] | None = None
    text: Text = ""
    """What buyers want, and when."""
    product: Text = ""


class WrongData(Part):
    table: Text
    id: Text
    wrong: Text
    """What is wrong about the row."""
    date: Day


class Review(Part):
    date: Day
    promised: list[Text] = []
    """Ids of the actions that had been promised for this day."""
    kept: list[Text] = []
    """Ids of those that were kept."""
    decisions: list[Text] = []


class Session(Part):
    """The planning session (M.9)."""

    day: Day | None = None
    present: list[Text] = []
    brought: list[Text] = []
    decided: list[Text] = []


class Comment(Part):
    who: Text
    date: Day
    text: Text


class Signature(Part):
    who: Text
    date: Day
    sha256: Text


@dataclass(frozen=True)
class Source:
    """Where a plan was read from: the file, what it held (None: there was no file) and what looked like a slip."""

    path: Path
    sha256: str | None
    hints: tuple[str, ...] = ()


class PlanFile(Part):
    """What the three files of a rep and year have in common."""

    kind: ClassVar[str]

    format: int = FORMAT
    rep_id: Name
    year: Annotated[int, Field(ge=1900, le=2200)]
    saved: Day | None = None
    """The day of the last save."""
    _source: Source | None = PrivateAttr(None)

    @property
    def hints(self) -> tuple[str, ...]:
        """What looked like a slip of the pen when the file was read: one sentence each."""
        return self._source.hints if self._source else ()


class Plan(PlanFile):
    """A rep's plan of one year, as rep, manager and report read it.

    >>> plan = Plan(rep_id="R01", year=2026, goal={"amount": "1200000"})
    >>> plan.goal.amount, plan.vision, plan.actions
    (1200000.0, '', [])
    """

    kind: ClassVar[str] = ""

    vision: Text = ""
    """Where I want this territory to be."""
    core_values: list[Text] = []
    """What we stand for, whatever the quarter."""
    works_best: Text = ""
    """How I win best: in person, by e-mail, by phone, with whom."""
    goal: Goal = Goal()
    assumptions: Assumptions = Assumptions()
    pains: list[Pain] = []
    """Why they buy: the pain that was solved."""
    tipped: list[Remark] = []
    """What led to the final purchase."""
    stopped: list[Remark] = []
    """What stopped the others."""
    swot: Annotated[list[SwotLine], AfterValidator(_check_ids)] = []
    pairings: Annotated[list[Pairing], AfterValidator(_check_ids)] = []
    """What follows from the SWOT."""
    threats: list[Text] = []
    """What endangers success here that the data does not show."""
    market: Market = Market()
    qualification: dict[Text, Qualification] = {}
    """By lead id."""
    territory_rating: TerritoryRating = TerritoryRating()
    pursue: list[Text] = []
    """What I pursue this year."""
    leave: list[Text] = []
    """What I leave on purpose."""
    targets: list[Target] = []
    """Customers and prospects to win."""
    buckets: dict[Text, Bucket] = {}
    """By opportunity id."""
    moves: Annotated[list[Move], AfterValidator(_check_ids)] = []
    """What closes the shortfall."""
    conversions: list[Conversion] = []
    """Which conversion must rise, and how."""
    obstacles: list[Obstacle] = []
    initiatives: list[Initiative] = []
    actions: Annotated[list[Action], AfterValidator(_check_ids)] = []
    resources: list[Resource] = []
    """What I need, and from whom."""
    crew: list[CrewMember] = []
    coverage: Coverage = Coverage()
    key_accounts: dict[Text, AccountPlan] = {}
    """By account id."""
    opportunities: dict[Text, OpportunityPlan] = {}
    """By opportunity id."""
    calls: Annotated[list[CallPlan], AfterValidator(_check_ids)] = []
    """Meetings that matter."""
    feedback: list[Feedback] = []
    """What product, supply and marketing should hear."""
    wrong_data: list[WrongData] = []
    """Rows of the exports that are wrong."""
    session: Session = Session()
    reviews: list[Review] = []
    comments: list[Comment] = []
    signed: list[Signature] = []


class Income(Part):
    this_year: Money | None = None
    next_year: Money | None = None
    year_after: Money | None = None


class PrivatePlan(PlanFile):
    """What is the rep's alone: in the rep's own report only where share_in_own_report says so; nowhere else, ever."""

    kind: ClassVar[str] = ".private"

    income: Income = Income()
    """The income I wish for, this year and the next two."""
    aims: list[Text] = []
    """What I want it for."""
    share_in_own_report: bool = False


class Note(Part):
    date: Day
    text: Text


class CoachingAnswer(Part):
    question: Text
    answer: Text = ""
    date: Day | None = None


class Agreement(Part):
    what: Text
    due: Day | None = None
    kept: bool | None = None


class ManagerPlan(PlanFile):
    """What is the manager's alone: never in a rep's report, never in the team's facts."""

    kind: ClassVar[str] = ".manager"

    skill_or_will: Annotated[Literal["skill", "will", "both", "neither"], _ANY_CASE] | None = None
    to_learn: Text = ""
    """Skill: what to learn, and whether it can be."""
    in_the_way: Text = ""
    """Will: not bought in, delaying, or what else."""
    coaching: list[Note] = []
    answers: list[CoachingAnswer] = []
    """What the rep said to the coaching questions."""
    skills: dict[Text, Annotated[int, Field(ge=1, le=5)]] = {}
    """The manager's rating of each skill, 1 to 5."""
    agreed: list[Agreement] = []
    """What was agreed, and by when."""


def content_of(part: Part) -> dict[str, Any]:
    """Everything that somebody has filled in, as plain values; what stands at its default is left out.

    >>> content_of(Plan(rep_id="R01", year=2026, buckets={"O-771": {"bucket": "stretch"}}))
    {'rep_id': 'R01', 'year': 2026, 'buckets': {'O-771': {'bucket': 'stretch'}}}
    """
    return part.model_dump(exclude_defaults=True, warnings=False)


def find_unknown_keys(
    part: Part, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str | None]]:
    """Each key that the model does not know, and the known key nearest to it (None where none is near).

    >>> list(find_unknown_keys(Plan(rep_id="R01", year=2026, visoin="North", goal={"motto": "on"})))
    [(('visoin',), 'vision'), (('goal', 'motto'), None)]
    """
    known = list(type(part).model_fields)
    for key in part.model_extra or {}:
        yield (*place, key), next(iter(get_close_matches(key, known, 1, 0.7)), None)
    for name in known:
        value = getattr(part, name)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        if isinstance(value, Part):
            yield from find_unknown_keys(value, (*place, name))
        for key, item in items:
            if isinstance(item, Part):
                yield from find_unknown_keys(item, (*place, name, key))
