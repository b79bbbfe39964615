"""The customer that a sale belongs to: branches count with their ultimate parent, in every step alike."""

from __future__ import annotations

import pandas as pd


def find_customers(accounts: pd.DataFrame | None, sold: pd.DataFrame, together: bool = True) -> tuple[pd.Series, dict[str, str]]:
    """The customer of each row (its ultimate parent, or the account alone) and the customers' names by id.

    sold: account_id, and account_name for accounts that are not in ``accounts``. together: branches count with their parent.

    >>> accounts = pd.DataFrame({"account_id": ["a", "b"], "account_name": ["A", "B"], "ultimate_parent_id": "a"})
    >>> customer, names = find_customers(accounts, pd.DataFrame({"account_id": ["b", "z"]}))
    >>> customer.tolist(), names["a"]
    (['a', 'z'], 'A')
    """
    account_ids, names = sold["account_id"], {}
    if "account_name" in sold:  # accounts sold to that are not, or no longer, this book's
        foreign = sold.drop_duplicates("account_id").dropna(subset=["account_id", "account_name"])
        names = dict(zip(foreign["account_id"], foreign["account_name"], strict=True))
    if accounts is None:
        return account_ids, names
    known = accounts.drop_duplicates("account_id")
    own = dict(zip(known["account_id"], known["account_name"], strict=True))
    if not together or "ultimate_parent_id" not in known:
        return account_ids, names | own
    parent = dict(zip(known["account_id"], known["ultimate_parent_id"], strict=True))
    names |= {parent[i]: own[i] for i in sorted(own, reverse=True)}
    return account_ids.map({i: parent.get(i, i) for i in account_ids.unique()}), names | own
