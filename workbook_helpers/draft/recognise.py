"""Which sheet of the exports is which table, which of its columns may be ours, and by which ids the tables name each other."""

from __future__ import annotations

from workbook_helpers.data.convert import quote
from workbook_helpers.data.schemas import TABLES, Column
from workbook_helpers.draft import vocabulary
from workbook_helpers.draft.evidence import Evidence, Sheet
from workbook_helpers.draft.proposal import Answer
from workbook_helpers.draft.vocabulary import bare, names_of, words

#: The tables whose ids other tables name.
KEYS = {"rep_id": "reps", "account_id": "accounts", "opportunity_id": "opportunities", "contact_id": "contacts"}


class Recognised:
    """What the names and the values together tell.

    likely: the table that each sheet looks like, or None. keys: by id column, the sheet and column whose values other sheets name.
    open_keys: where several columns could be that, and nothing tells. rivals: where several sheets could.
    owners: without a file of reps, the columns that name them, by id (True) and by name (False); by_id: whether all rows have the id.
    """

    def __init__(self, evidence: Evidence, sheets: list[Sheet]) -> None:
        self.evidence, self.sheets = evidence, sheets
        self.keys: dict[str, tuple[Sheet, str]] = {}
        self.open_keys: dict[str, list[tuple[Sheet, str]]] = {}
        self.rivals: dict[str, list[tuple[Sheet, str]]] = {}
        self.owners: dict[Sheet, dict[bool, list[str]]] = {}
        self.likely = {sheet: self._likely_table(sheet) for sheet in sheets}
        for id_column in KEYS:
            self._choose_key(id_column)
        self._choose_owners()

    def _likely_table(self, sheet: Sheet) -> str | None:
        """The table that its name says, if its columns do not contradict; else the one whose columns it has, by names that say so."""
        named = vocabulary.table_of_file(sheet.stems[0].replace("__", " "))
        fits = {name: self._fit(sheet, name) for name in TABLES}
        if named and fits[named] >= 0.5:
            return named
        whole = {name: fit for name, fit in fits.items() if fit == 1 and self._speaks(sheet, name)}
        best = [name for name in whole if len(self.required(name)) == max(len(self.required(n)) for n in whole)]
        return best[0] if len(best) == 1 else None

    @staticmethod
    def required(table: str) -> list[Column]:
        return [c for c in TABLES[table].columns if c.required and c.name != "outcome"]

    def _fit(self, sheet: Sheet, table: str) -> float:
        """The share of the required columns that have a candidate."""
        required = self.required(table)
        found = [c for c in required if self.candidates(sheet, table, c) or (c.name == "rep_name" and self.person(sheet))]
        key = TABLES[table].key
        if len(key) == 1 and not any(
            self.evidence.is_key(sheet, name) for name in self.candidates(sheet, table, TABLES[table].column(key[0]))
        ):
            return 0.0
        if table == "orders" and self.priced(sheet):
            return 1.0
        return len(found) / len(required)

    def _speaks(self, sheet: Sheet, table: str) -> bool:
        """Whether the columns alone tell the table: its own id by name, or three required columns and more."""
        own = words(vocabulary.OWN_IDS) | words("name, date, type, start, end, amount, value")
        speaking = [
            c
            for c in self.required(table)
            if any(bare(n) not in own and n != c.name for n in self.candidates(sheet, table, c)) or c.name in sheet.columns
        ]
        return 2 <= min(3, len(self.required(table))) <= len(speaking)

    def _choose_key(self, id_column: str) -> None:
        """The sheet and column whose values other sheets name; asked where several could be meant."""
        table = KEYS[id_column]
        options = []
        for sheet in (s for s in self.sheets if self.likely[s] == table):
            names = [n for n in self.candidates(sheet, table, TABLES[table].column(id_column), own=True) if self.evidence.is_key(sheet, n)]
            options += [(sheet, name) for name in names]
        links = {option: self._links(id_column, *option) for option in options}
        best = [option for option in options if links[option] == max(links.values())]
        best = [o for o in best if o[1] == id_column] or best
        kept: list[tuple[Sheet, str]] = []
        for sheet, name in best:
            if not any(sheet is s and self.evidence.same(s, quote(n), quote(name)) for s, n in kept):
                kept.append((sheet, name))
        speaking = [(s, n) for s, n in kept if bare(n) in names_of(table, id_column) | words(vocabulary.OWN_IDS)]
        kept = speaking or kept
        if len({sheet.said for sheet, _ in kept}) == 1:
            self.keys[id_column] = kept[0]
            if len(kept) > 1:  # nothing refers to any of them: any will do, the first is said
                self.open_keys[id_column] = kept
        elif kept:
            self.rivals[id_column] = kept

    def _choose_owners(self) -> None:
        """Where no file lists the reps: whether rows name them by id, as all must then, or by name."""
        column = TABLES["opportunities"].column("rep_id")
        for sheet, table in self.likely.items():
            if table in ("opportunities", "orders", "accounts") and "rep_id" not in self.keys:
                names = self.candidates(sheet, table, column)
                endings = tuple(words(vocabulary.ENDINGS))
                self.owners[sheet] = {is_id: [n for n in names if bare(n).endswith(endings) is is_id] for is_id in (True, False)}
        self.by_id = all(found[True] or not found[False] for found in self.owners.values())

    def _links(self, id_column: str, key_sheet: Sheet, key: str) -> tuple[int, int]:
        """How many sheets of other tables name these ids: in a column of the same name, and in any that may mean it."""
        same, any_name = 0, 0
        for sheet in self.sheets:
            if self.likely[sheet] in (None, KEYS[id_column]):
                continue
            names = [n for n in sheet.columns if bare(n) in _reference_names(id_column) or bare(n) == bare(key) != "name"]
            hits = [n for n in names if self.evidence.filled(sheet, n) and self.evidence.inside(sheet, n, key_sheet, key) >= 0.8]
            same += any(bare(n) == bare(key) for n in hits)
            any_name += bool(hits)
        return same, any_name

    def candidates(self, sheet: Sheet, table: str, column: Column, *, own: bool = False) -> list[str]:
        """The sheet's columns whose names mean this column and whose values fit. own: also names of people and firms, for a key."""
        if column.name in sheet.columns and self.evidence.reads(sheet, column.name, column):
            return [column.name]
        is_key = TABLES[table].key == (column.name,) or (table, column.name) == ("orders", "order_id")
        names = names_of(table, column.name)
        if own and table in ("reps", "accounts"):
            names |= names_of(table, "rep_name" if table == "reps" else "account_name")
        if column.name in KEYS and not is_key:
            names |= _reference_names(column.name)
        own_ids = words(vocabulary.OWN_IDS) if is_key and column.kind == "id" else frozenset()
        named = [n for n in sheet.columns if bare(n) in names or (bare(n) in own_ids and self.evidence.is_key(sheet, n))]
        return [n for n in named if self.evidence.reads(sheet, n, column)]

    def person(self, sheet: Sheet) -> Answer | None:
        first = [n for n in sheet.columns if bare(n) in words(vocabulary.FIRST_NAMES)]
        last = [n for n in sheet.columns if bare(n) in words(vocabulary.LAST_NAMES) and n not in first]
        if len(first) != 1 or len(last) != 1 or "rep_name" in sheet.columns:
            return None
        return Answer("rep_name", "", f"concat_ws(' ', t.{quote(first[0])}, t.{quote(last[0])})", f"{first[0]} and {last[0]} joined")

    def priced(self, sheet: Sheet) -> list[str]:
        """The columns for price, quantity and discount of an order line, where the sheet has the first two and names its order."""
        orders = [n for n in sheet.columns if bare(n) in names_of("orders", "order_id")]
        found = [
            next((n for n in sheet.columns if bare(n) in words(line)), "")
            for line in (vocabulary.PRICE, vocabulary.QUANTITY, vocabulary.DISCOUNT)
        ]
        return [*orders[:1], *found] if orders and all(found[:2]) and not self.evidence.is_key(sheet, orders[0]) else []


def _reference_names(id_column: str) -> frozenset[str]:
    """The names of a column that names such a record; a name counts where the record goes by its name."""
    records = words(vocabulary.RECORDS[id_column])
    return names_of("*", id_column) | {record + ending for record in records for ending in ("name", "fullname")}
