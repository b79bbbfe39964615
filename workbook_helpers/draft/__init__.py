"""``workbook new``: an unknown folder of exports to a first ``workbook.yml``.

``vocabulary`` holds the names that mean our columns, ``evidence`` what values say of them; ``recognise`` tells which file is
which table, ``propose`` takes what is certain and asks the rest (``proposal``), ``settle`` finds what holds for the company,
``company`` writes and says it.
"""

from workbook_helpers.draft.company import Draft, draft_company

__all__ = ["Draft", "draft_company"]
