"""Exports to checked tables, to one rep's book. ``open_book`` is the one door."""

from workbook_helpers.data.book import SHARED, Book, RepCard, find_rep, open_book, open_company, parse_day
from workbook_helpers.data.prepared import Prepared
from workbook_helpers.data.store import UnusableError, code_fingerprint, prepare

__all__ = [
    "SHARED", "Book", "Prepared", "RepCard", "UnusableError",
    "code_fingerprint", "find_rep", "open_book", "open_company", "parse_day", "prepare",
]  # fmt: skip
