"""The tables that the workbook understands: what one row is, which columns it has, and what a value may be.

Column names stand here once for the whole product. ``check`` turns these declarations into one conversion per table.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """One column. kind: id, text, money, number, count, share, date, or flag.

    required: the company's table must have it. filled: a row without it cannot be used and is set aside.
    A value that cannot be converted sets its row aside where the column is ``filled``; elsewhere the cell counts as missing and is
    reported. low, high: bounds of a number. allowed: the only texts that mean something. empty: the value that an empty cell stands for.
    """

    name: str
    kind: str = "text"
    required: bool = False
    filled: bool = False
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()
    empty: str | None = None


@dataclass(frozen=True)
class Table:
    """One table. key: the columns that name a row; known: the date that makes a row known (None: shown as exported).

    rep: the column that names the rep, account: the one that names the account, for saying whose row was set aside.
    own_columns: whether columns of the company's own are kept beside these.
    """

    name: str
    columns: tuple[Column, ...]
    one_row_per: str
    key: tuple[str, ...] = ()
    known: str | None = None
    rep: str | None = "rep_id"
    amount: str | None = None
    own_columns: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(c.name for c in self.columns))

    @property
    def named_by(self) -> tuple[str, ...]:
        """The columns by which people know a row: its key, else its first id."""
        return self.key or tuple(c.name for c in self.columns if c.kind == "id" and c.filled)[:1]

    def column(self, name: str) -> Column:
        return self.columns[self.names.index(name)]


def _id(name: str, **more: bool) -> Column:
    return Column(name, "id", **more)


def _key(name: str) -> Column:
    return Column(name, "id", required=True, filled=True)


def _date(name: str, **more: bool) -> Column:
    return Column(name, "date", **more)


def _since() -> Column:
    """Valid from that day; from the beginning where no day is given."""
    return Column("valid_from", "date", filled=True, empty=ALWAYS)


def _money(name: str, **more: bool) -> Column:
    return Column(name, "money", **more)


def _count(name: str) -> Column:
    return Column(name, "count", low=0)


def _share(name: str, **more: bool) -> Column:
    return Column(name, "share", low=0, high=1, **more)


def _place() -> tuple[Column, Column]:
    return Column("latitude", "number", low=-90, high=90), Column("longitude", "number", low=-180, high=180)


#: The day before all others: what an empty ``valid_from`` means.
ALWAYS = "1900-01-01"

_DEAL_TEXTS = ("kind", "product", "lead_source", "forecast_category", "win_reason", "loss_reason", "competitor")

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        Table(
            "reps",
            (
                _key("rep_id"),
                Column("rep_name", required=True, filled=True),
                _id("manager_id"),
                Column("role"),
                Column("team"),
                _date("active_from"),
                _date("active_to"),
                Column("full_time_share", "share", low=0, high=1.5),
                Column("home_latitude", "number", low=-90, high=90),
                Column("home_longitude", "number", low=-180, high=180),
                Column("selling_hours_per_year", "number", low=0, high=8784),
                _money("base_salary"),
                _money("on_target_earnings"),
            ),
            "rep",
            key=("rep_id",),
            known="active_from",
        ),
        Table(
            "accounts",
            (
                _key("account_id"),
                Column("account_name", required=True, filled=True),
                _id("rep_id"),
                _id("parent_account_id"),
                Column("industry"),
                _count("employees"),
                _money("annual_revenue"),
                Column("country"),
                Column("region"),
                Column("city"),
                _id("postal_code"),
                *_place(),
                Column("lead_source"),
                _count("web_visits_n"),
                _id("territory_id"),
                _date("created_date"),
            ),
            "organisation",
            key=("account_id",),
            known="created_date",
            own_columns=True,
        ),
        Table(
            "account_owners",
            (_key("account_id"), _key("rep_id"), _since(), _date("valid_to")),
            "account, rep and period",
            key=("account_id", "rep_id", "valid_from"),
            known="valid_from",
        ),
        Table(
            "opportunities",
            (
                _key("opportunity_id"),
                _id("rep_id", required=True),
                Column("stage", required=True),
                Column("outcome", required=True),
                _money("amount", required=True),
                _date("created_date", required=True, filled=True),
                _date("close_date", required=True),
                _id("account_id"),
                *(Column(name) for name in _DEAL_TEXTS),
                _share("probability"),
                Column("pain_point"),
                Column("next_step"),
                _share("discount_share"),
                Column("currency"),
            ),
            "deal",
            key=("opportunity_id",),
            known="created_date",
            amount="amount",
        ),
        Table(
            "stage_history",
            (
                _key("opportunity_id"),
                Column("stage", required=True, filled=True),
                _date("entered_date", required=True, filled=True),
                _money("amount"),
                _date("close_date"),
                _share("probability"),
            ),
            "deal and entry",
            known="entered_date",
            rep=None,
        ),
        Table(
            "orders",
            (
                _key("order_id"),
                _key("account_id"),
                _date("order_date", required=True, filled=True),
                _money("amount", required=True, filled=True),
                _id("rep_id"),
                Column("product"),
                Column("quantity", "number"),
                _money("margin"),
                Column("currency"),
            ),
            "order line",
            known="order_date",
            amount="amount",
        ),
        Table(
            "contracts",
            (
                _key("account_id"),
                _date("start_date", required=True, filled=True),
                _date("end_date", required=True, filled=True),
                _money("amount_per_year", required=True, filled=True),
                _id("rep_id"),
                Column("product"),
            ),
            "contract",
            known="start_date",
            amount="amount_per_year",
        ),
        Table(
            "credits",
            (
                _key("source_id"),
                _key("rep_id"),
                _share("credit_share", required=True, filled=True),
                Column("kind", allowed=("revenue", "overlay")),
            ),
            "deal or order, and rep",
            key=("source_id", "rep_id", "kind"),
        ),
        Table(
            "products",
            (Column("product", required=True, filled=True), Column("family"), _money("list_price"), Column("solves")),
            "product",
            key=("product",),
            rep=None,
        ),
        Table(
            "quotas",
            (
                _key("rep_id"),
                _date("period_start", required=True, filled=True),
                _date("period_end", filled=True),
                _money("quota", required=True, filled=True),
                _money("relief"),
                Column("reason"),
            ),
            "rep and period",
            key=("rep_id", "period_start", "period_end"),
            amount="quota",
        ),
        Table(
            "activities",
            (
                _date("activity_date", required=True, filled=True),
                Column("activity_type", required=True, filled=True),
                _id("rep_id"),
                _id("account_id"),
                _id("opportunity_id"),
                _id("contact_id"),
                Column("outcome"),
                Column("minutes", "number", low=0),
                Column("team"),
            ),
            "touch",
            known="activity_date",
        ),
        Table(
            "contacts",
            (_key("contact_id"), _key("account_id"), Column("role"), _date("active_from"), _date("active_to")),
            "person",
            key=("contact_id",),
            known="active_from",
            rep=None,
        ),
        Table(
            "leads",
            (
                _key("lead_id"),
                _date("created_date", required=True, filled=True),
                Column("lead_source"),
                _id("rep_id"),
                _id("account_id"),
                _count("web_visits_n"),
                Column("wants_it", "flag"),
                Column("uses_it_well", "flag"),
                _date("event_date"),
                _date("converted_date"),
            ),
            "lead",
            key=("lead_id",),
            known="created_date",
        ),
        Table(
            "territories",
            (
                _key("territory_id"),
                Column("territory_name", required=True, filled=True),
                _key("rep_id"),
                _since(),
                _date("valid_to"),
            ),
            "territory, rep and period",
            key=("territory_id", "rep_id", "valid_from"),
            known="valid_from",
        ),
        Table(
            "market",
            (
                Column("area", required=True, filled=True),
                Column("industry", required=True, filled=True),
                *(_count(name) for name in ("establishments_n", "employees_n", "population_n")),
                _money("income"),
                _money("spend"),
            ),
            "area and industry",
            key=("area", "industry"),
            rep=None,
        ),
        Table(
            "rep_skills",
            (
                _key("rep_id"),
                Column("skill", required=True, filled=True),
                Column("level", "number", required=True, filled=True, low=1, high=5),
                Column("source", allowed=("self", "manager")),
                _date("rated_date"),
            ),
            "rep and skill",
            known="rated_date",
        ),
        Table(
            "rates",
            (
                Column("currency", required=True, filled=True),
                _date("rate_date", required=True, filled=True),
                Column("rate", "number", required=True, filled=True, low=1e-9),
            ),
            "currency and day",
            key=("currency", "rate_date"),
            known="rate_date",
            rep=None,
        ),
        Table(
            "periods",
            (
                Column("period", required=True, filled=True),
                _date("period_start", required=True, filled=True),
                _date("period_end", required=True, filled=True),
            ),
            "fiscal period",
            key=("period",),
            rep=None,
        ),
    )
}

#: The dates of what happened, which decide what "the last day the exports know" is. Never an expected close, a quota or a validity.
EVENT_DATES = {
    "opportunities": "created_date",
    "stage_history": "entered_date",
    "orders": "order_date",
    "activities": "activity_date",
    "leads": "created_date",
    "accounts": "created_date",
}

#: The rep_id under which the books hold rows that name no rep, or one who is not in table reps.
NOBODY = ""
