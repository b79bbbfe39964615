"""Words around numbers that every chapter uses."""

from __future__ import annotations

from collections.abc import Sequence

from workbook_helpers.measure import say_number


def as_money(value: float, currency: str) -> str:
    """Money in a sentence: three figures are enough.

    >>> as_money(1234567, "USD")
    '1.23 million USD'
    """
    return f"{say_number(value, 'money', short=True)} {currency}"


def as_share(value: float) -> str:
    """A share (0-1) in a sentence.

    >>> as_share(0.25)
    '25 %'
    """
    return say_number(value, "share")


def as_count(n: float, one: str, many: str | None = None) -> str:
    """
    >>> as_count(1, "customer"), as_count(1200, "customer"), as_count(2, "branch", "branches")
    ('1 customer', '1,200 customers', '2 branches')
    """
    return f"{n:,.0f} {one if n == 1 else many or one + 's'}"


def as_list(words: Sequence[str]) -> str:
    """
    >>> as_list(["flow"]), as_list(["flow", "likely", "stretch"])
    ('flow', 'flow, likely and stretch')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def say_cut(cut: str, label: str) -> str:
    """A cut in words.

    >>> say_cut("lead_source", "Web"), say_cut("all", "all")
    ('lead source Web', 'all deals')
    """
    return "all deals" if cut == "all" else f"{cut.replace('_', ' ')} {label}"
