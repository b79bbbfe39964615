"""The tables of one or several books, read when they are first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import pandas as pd

from workbook_helpers.data.prepared import Prepared
from workbook_helpers.data.schemas import TABLES
from workbook_helpers.data.settings import Company
from workbook_helpers.measure import Period

#: Tables that are the same for every rep.
COMPANY_WIDE = ("products", "market", "periods")


def _table(name: str) -> cached_property:
    return cached_property(lambda self: self._read(name))


@dataclass(frozen=True)
class Tables:
    """The rows of these reps, as known on the as-of date, filtered where they are read.

    A table that the company does not have is None; else a frame with every column of the contract, by rep_id and then by its other columns.
    Money is in the company's currency; a row credited to several reps holds each one's part.
    """

    company: Company
    as_of: date
    _prepared: Prepared = field(repr=False)
    _rep_ids: tuple[str, ...] = field(repr=False)

    def _read(self, name: str) -> pd.DataFrame | None:
        if name in TABLES and not self.company.has(name):
            return None
        return self._prepared.read(name, None if name in COMPANY_WIDE else self._rep_ids)

    reps = _table("reps")
    accounts = _table("accounts")
    account_owners = _table("account_owners")
    opportunities = _table("opportunities")
    stage_history = _table("stage_history")
    orders = _table("orders")
    contracts = _table("contracts")
    quotas = _table("quotas")
    activities = _table("activities")
    contacts = _table("contacts")
    leads = _table("leads")
    territories = _table("territories")
    rep_skills = _table("rep_skills")
    products = _table("products")
    market = _table("market")
    periods = _table("periods")
    #: What counts as revenue, credited to the rep: orders, or won deals where the company has no orders.
    sales = _table("sales")
    #: The same for the accounts that the rep owns now, whoever sold: for measures of customers only.
    account_sales = _table("account_sales")

    @property
    def last_year(self) -> Period:
        """The 365 days that end on the as-of date: results and rates."""
        return Period.ending(self.as_of)

    @property
    def fiscal_year(self) -> Period:
        """The fiscal year that holds the as-of date: goal, quota, pace and forecast."""
        return self.company.fiscal_year(self.as_of)
