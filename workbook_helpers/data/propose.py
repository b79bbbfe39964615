"""From the evidence in the exports to a proposal of ``workbook.yml``: what is certain is taken, what is not is asked.

A column is certain when exactly one column of the export has a name that means it (``vocabulary``) and values that fit (``evidence``).
Nothing is guessed in silence: several candidates, or none for a column that must be there, become a question that names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workbook_helpers.data import vocabulary
from workbook_helpers.data.convert import quote, text
from workbook_helpers.data.evidence import ENOUGH, FORMATS, Evidence, Sheet
from workbook_helpers.data.schemas import TABLES, Column
from workbook_helpers.data.vocabulary import bare, names_of, words

#: The tables whose ids other tables name.
KEYS = {"rep_id": "reps", "account_id": "accounts", "opportunity_id": "opportunities", "contact_id": "contacts"}

#: The least that works is reps with one of these.
RESULTS = ("opportunities", "orders")

#: Candidates that a question names at most.
NAMED = 6

#: Columns that may stand in a table of their own, joined by an id.
LOOKED_UP = ("industry", "product", "lead_source", "family", "country", "region", "city", "postal_code")


@dataclass(frozen=True)
class Answer:
    """One of our columns, as an export has it. name: the export's column; sql: how a SELECT writes it, where it is more than that."""

    column: str
    name: str = ""
    sql: str = ""
    says: str = ""

    @property
    def written(self) -> str:
        return self.sql or f"t.{quote(self.name)}"


@dataclass(frozen=True)
class Question:
    """What a person must say. place: the table it stands in, or "" for the company; needed: nothing runs without the answer.

    answers: candidates, each as a column; lines: candidates, each as whole lines of workbook.yml with what speaks for it.
    """

    place: str
    asks: str
    answers: tuple[Answer, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    needed: bool = True


@dataclass
class Plan:
    """Where one table comes from. joins: what the SELECT adds to its sheet; select: a whole SELECT instead."""

    table: str
    sheet: Sheet
    columns: dict[str, Answer] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    select: str = ""
    questions: list[Question] = field(default_factory=list)
    dates: str | None = None
    decimal: str | None = None
    notes: list[str] = field(default_factory=list)

    def is_open(self) -> bool:
        return any(question.needed for question in self.questions)

    def needs_select(self) -> bool:
        answers = [*self.columns.values(), *(a for q in self.questions for a in q.answers)]
        return bool(self.select or self.joins or any(a.sql for a in answers))

    def lacks(self) -> list[str]:
        """Required columns that nothing answers and nobody is asked for."""
        asked = {answer.column for question in self.questions for answer in question.answers}
        return [c.name for c in TABLES[self.table].columns if c.required and c.name not in self.columns and c.name not in asked]

    def names(self, *kinds: str) -> list[str]:
        """The export's columns that are read as one of these kinds."""
        return [
            a.name
            for c, a in self.columns.items()
            if c in TABLES[self.table].names and TABLES[self.table].column(c).kind in kinds and a.name
        ]


@dataclass
class Proposal:
    """What ``workbook.yml`` will say. settings: key and value, as YAML, with what speaks for it; unused: sheets and why."""

    plans: list[Plan] = field(default_factory=list)
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    unused: list[tuple[str, str]] = field(default_factory=list)

    def all_questions(self) -> list[Question]:
        """All questions, those first without whose answers nothing runs."""
        found = [*self.questions, *(q for plan in self.plans for q in plan.questions)]
        return sorted(found, key=lambda question: not self.must_answer(question))

    def must_answer(self, question: Question) -> bool:
        """Whether nothing runs without the answer: what is open in a table that others can do without only leaves that table out."""
        plan = next((p for p in self.plans if question in p.questions), None)
        return question.needed and (plan is None or not self.is_left_out(plan))

    def is_left_out(self, plan: Plan) -> bool:
        """Whether a table waits as comments until its questions are answered, because the rest runs without it."""
        ready = {p.table for p in self.plans if not p.is_open()}
        return plan.is_open() and plan.table != "reps" and bool(plan.table not in RESULTS or ready & set(RESULTS))

    def place(self, question: Question) -> str:
        return next((p.sheet.said for p in self.plans if question in p.questions), "")


def propose(evidence: Evidence, sheets: list[Sheet]) -> Proposal:
    """The proposal for these sheets.

    evidence: their values. Returns every table that is certain or can be asked for; sheets that fit none are listed with the reason.
    """
    return _Proposer(evidence, sheets).propose()


class _Proposer:
    def __init__(self, evidence: Evidence, sheets: list[Sheet]) -> None:
        self.evidence, self.sheets, self.out = evidence, sheets, Proposal()
        self.keys: dict[str, tuple[Sheet, str]] = {}  # by id column: where it names the rows
        self.open_keys: dict[str, list[tuple[Sheet, str]]] = {}  # where several columns could, and nothing tells
        self.owners: dict[Sheet, dict[bool, list[str]]] = {}  # without a file of reps: columns that name them by id, and by name
        self.joined: set[Sheet] = set()  # sheets that stand in another table's SELECT
        self.likely = {sheet: self._likely_table(sheet) for sheet in sheets}

    def propose(self) -> Proposal:
        for id_column in KEYS:
            self._choose_key(id_column)
        self._choose_owners()
        taken = {sheet for sheet, _ in self.keys.values()}
        for table in TABLES:
            sheets = [s for s in self.sheets if self.likely[s] == table and (table not in KEYS.values() or s in taken)]
            self._plan_table(table, sheets)
        if not any(self._plan(table) for table in RESULTS):
            self._plan_nearest()
        self._look_up_all()
        if not self._plan("reps"):
            self._reps_from_owners()
        self._settle_writing()
        self._settle_ids()
        self._settle_company()
        self._list_unused()
        return self.out

    def _plan(self, table: str) -> Plan | None:
        return next((plan for plan in self.out.plans if plan.table == table), None)

    # ------------------------------------------------------------------------------------------------- which table, which key

    def _likely_table(self, sheet: Sheet) -> str | None:
        """The table that its name says, if its columns do not contradict; else the one whose columns it has, by names that say so."""
        named = vocabulary.table_of_file(sheet.stems[0].replace("__", " "))
        fits = {name: self._fit(sheet, name) for name in TABLES}
        if named and fits[named] >= 0.5:
            return named
        whole = {name: fit for name, fit in fits.items() if fit == 1 and self._speaks(sheet, name)}
        best = [name for name in whole if len(self._required(name)) == max(len(self._required(n)) for n in whole)]
        return best[0] if len(best) == 1 else None

    @staticmethod
    def _required(table: str) -> list[Column]:
        return [c for c in TABLES[table].columns if c.required and c.name != "outcome"]

    def _fit(self, sheet: Sheet, table: str) -> float:
        """The share of the required columns that have a candidate."""
        required = self._required(table)
        found = [c for c in required if self._candidates(sheet, table, c) or (c.name == "rep_name" and self._person(sheet))]
        key = TABLES[table].key
        if len(key) == 1 and not any(
            self.evidence.is_key(sheet, name) for name in self._candidates(sheet, table, TABLES[table].column(key[0]))
        ):
            return 0.0
        if table == "orders" and self._priced(sheet):
            return 1.0
        return len(found) / len(required)

    def _speaks(self, sheet: Sheet, table: str) -> bool:
        """Whether the columns alone tell the table: its own id by name, or three required columns and more."""
        own = words(vocabulary.OWN_IDS) | words("name, date, type, start, end, amount, value")
        speaking = [
            c
            for c in self._required(table)
            if any(bare(n) not in own and n != c.name for n in self._candidates(sheet, table, c)) or c.name in sheet.columns
        ]
        return 2 <= min(3, len(self._required(table))) <= len(speaking)

    def _choose_key(self, id_column: str) -> None:
        """The sheet and column whose values other sheets name; asked where several could be meant."""
        table = KEYS[id_column]
        options = []
        for sheet in (s for s in self.sheets if self.likely[s] == table):
            names = [n for n in self._candidates(sheet, table, TABLES[table].column(id_column), own=True) if self.evidence.is_key(sheet, n)]
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
            lines = tuple(
                (f"{table}: {{file: {s.said}}}", f"rows named by {n}, for example {self.evidence.example(s, n)}") for s, n in kept
            )
            self.out.questions.append(Question("tables", f"Which file holds {table}?", lines=lines, needed=table == "reps"))

    def _choose_owners(self) -> None:
        """Where no file lists the reps: whether rows name them by id, as all must then, or by name."""
        column = TABLES["opportunities"].column("rep_id")
        for sheet, table in self.likely.items():
            if table in ("opportunities", "orders", "accounts") and "rep_id" not in self.keys:
                names = self._candidates(sheet, table, column)
                endings = tuple(words(vocabulary.ENDINGS))
                self.owners[sheet] = {is_id: [n for n in names if bare(n).endswith(endings) is is_id] for is_id in (True, False)}
        self.by_id = all(found[True] or not found[False] for found in self.owners.values())

    def _links(self, id_column: str, key_sheet: Sheet, key: str) -> tuple[int, int]:
        """How many other sheets name these ids: in a column of the same name, and in any that may mean it."""
        same, any_name = 0, 0
        for sheet in self.sheets:
            if sheet is key_sheet:
                continue
            names = [n for n in sheet.columns if bare(n) in _reference_names(id_column) or bare(n) == bare(key) != "name"]
            hits = [n for n in names if self.evidence.filled(sheet, n) and self.evidence.inside(sheet, n, key_sheet, key) >= 0.8]
            if self.likely[sheet]:
                same += any(bare(n) == bare(key) for n in hits)
                any_name += bool(hits)
        return same, any_name

    # ----------------------------------------------------------------------------------------------------------------- columns

    def _candidates(self, sheet: Sheet, table: str, column: Column, *, own: bool = False) -> list[str]:
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

    def _plan_table(self, table: str, sheets: list[Sheet]) -> None:
        if table == "orders":
            sheets = self._join_lines(sheets)
        plans = [self._map(table, sheet) for sheet in sheets]
        if len(plans) > 1:
            fewest = min(len(plan.lacks()) for plan in plans)
            plans = [plan for plan in plans if len(plan.lacks()) == fewest]
        whole = [plan for plan in plans if not plan.lacks()]
        if len(whole) > 1:
            lines = tuple((f"{table}: {{file: {p.sheet.said}}}", f"{p.sheet.rows_n:,} rows") for p in whole)
            question = Question("tables", f"Which of these files holds {table}?", lines=lines, needed=table in ("opportunities", "orders"))
            self.out.questions.append(question)
        elif plans and (whole or table in ("reps", "opportunities", "orders")):
            plan = (whole or plans)[0]
            plan.questions += [self._ask_for_missing(plan, TABLES[table].column(name)) for name in plan.lacks()]
            self.out.plans.append(plan)
        for plan in plans if not whole else []:
            if plan.table not in ("reps", "opportunities", "orders"):
                self.out.unused.append((plan.sheet.said, f"looks like {table}, but has no column for {', '.join(plan.lacks())}"))

    def _map(self, table: str, sheet: Sheet) -> Plan:
        plan = Plan(table, sheet)
        for column in TABLES[table].columns:
            if table == "opportunities" and column.name == "outcome":
                continue
            if column.name == "rep_name" and (person := self._person(sheet)):
                plan.columns["rep_name"] = person
                continue
            self._map_column(plan, column)
        if table == "opportunities":
            self._map_outcome(plan)
        return plan

    def _map_column(self, plan: Plan, column: Column) -> None:
        table, sheet = plan.table, plan.sheet
        if (table, column.name) in vocabulary.FIRST_ELSE and (both := self._first_else(sheet, table, column)):
            plan.columns[column.name] = both
            return
        names = self._candidates(sheet, table, column)
        key = self.keys.get(column.name)
        if key and key[0] is sheet and KEYS[column.name] == table:
            several = self.open_keys.get(column.name, [key])
            names = [name for _, name in several]
        elif key:
            names = [n for n in names if self.evidence.inside(sheet, n, *key) >= 0.5]
        elif column.name == "rep_id" and sheet in self.owners:
            names = self.owners[sheet][self.by_id]
        elif column.name == "parent_account_id" and "account_id" in self.keys:
            names = [n for n in names if self.evidence.inside(sheet, n, *self.keys["account_id"]) >= 0.5]
        if column.name in ("rep_name", "account_name", "territory_name") and len(names) > 1:
            names = [n for n in names if n not in {a.name for a in plan.columns.values()}]
        distinct: list[str] = []
        for name in names:
            if not any(self.evidence.same(sheet, quote(name), quote(other)) for other in distinct):
                distinct.append(name)
        answers = tuple(self._answer(sheet, column, name) for name in distinct)
        if len(answers) == 1:
            plan.columns[column.name] = answers[0]
        elif answers:
            needed = column.required
            plan.questions.append(Question(table, f"Which column is {_said(table, column.name)}?", answers, needed=needed))

    def _answer(self, sheet: Sheet, column: Column, name: str) -> Answer:
        example = self.evidence.example(sheet, name)
        if column.kind == "share" and column.high == 1 and self.evidence.is_percent(sheet, name):
            return Answer(column.name, name, f"rtrim(t.{quote(name)}, '% ') || '%'", f"percent, for example {example}")
        return Answer(column.name, name, says=f"for example {example}")

    def _first_else(self, sheet: Sheet, table: str, column: Column) -> Answer | None:
        first, second = vocabulary.FIRST_ELSE[table, column.name]
        ones = [n for n in sheet.columns if bare(n) in words(first) and self.evidence.reads(sheet, n, column)]
        others = [n for n in sheet.columns if bare(n) in words(second) and self.evidence.reads(sheet, n, column)]
        if len(ones) != 1 or len(others) > 1:
            return Answer(column.name, others[0], says="") if not ones and len(others) == 1 else None
        if not others:
            return None
        sql = f"coalesce(nullif(trim(t.{quote(ones[0])}), ''), t.{quote(others[0])})"
        return Answer(column.name, ones[0], sql, f"{ones[0]}, and where that is empty {others[0]}")

    def _person(self, sheet: Sheet) -> Answer | None:
        first = [n for n in sheet.columns if bare(n) in words(vocabulary.FIRST_NAMES)]
        last = [n for n in sheet.columns if bare(n) in words(vocabulary.LAST_NAMES) and n not in first]
        if len(first) != 1 or len(last) != 1 or "rep_name" in sheet.columns:
            return None
        return Answer("rep_name", "", f"concat_ws(' ', t.{quote(first[0])}, t.{quote(last[0])})", f"{first[0]} and {last[0]} joined")

    def _ask_for_missing(self, plan: Plan, column: Column) -> Question:
        """Nothing is called so: every column whose values could be it is named."""
        used = {answer.name for answer in plan.columns.values()}
        names = [n for n in plan.sheet.columns if n not in used and self.evidence.reads(plan.sheet, n, column)]
        unread = [n for n in plan.sheet.columns if bare(n) in names_of(plan.table, column.name) and n not in names and n not in used]
        if column.kind == "money" and unread:
            sql = f"regexp_replace(t.{quote(unread[0])}, '[^0-9,.+-]', '', 'g')"
            example = self.evidence.example(plan.sheet, unread[0])
            answer = Answer(column.name, unread[0], sql, f"{unread[0]} without its letters and signs, for example {example}")
            return Question(plan.table, f"{unread[0]} holds more than numbers: is it {_said(plan.table, column.name)}?", (answer,))
        if column.name in self.keys:
            names = [n for n in names if self.evidence.inside(plan.sheet, n, *self.keys[column.name]) >= 0.5]
        elif column.name in ("stage", "outcome"):
            few = [n for n in plan.sheet.columns if 2 <= self.evidence.distinct(plan.sheet, n) <= 20]
            answers = tuple(Answer(column.name, n, says=", ".join(self.evidence.values(plan.sheet, n, NAMED))) for n in few[:NAMED])
            hint = " Write its values into outcomes: too." if column.name == "outcome" else ""
            return Question(plan.table, f"Which column is {_said(plan.table, column.name)}?{hint}", answers or _nothing(column))
        elif (column.name,) == TABLES[plan.table].key:
            names = [n for n in names if self.evidence.is_key(plan.sheet, n)]
        answers = tuple(self._answer(plan.sheet, column, n) for n in names[:NAMED])
        return Question(plan.table, f"No column is called so: which one is {_said(plan.table, column.name)}?", answers or _nothing(column))

    def _plan_nearest(self) -> None:
        """No file holds deals or orders for certain: the one that comes nearest is asked about, column by column."""
        fits = [(self._nearness(sheet, table), table, sheet) for table in RESULTS for sheet in self.sheets if not self.likely[sheet]]
        nearest = max(fits, default=(0, "", None), key=lambda fit: fit[0])
        if nearest[0] >= 2:
            _, table, sheet = nearest
            plan = self._map(table, sheet)
            plan.questions += [self._ask_for_missing(plan, TABLES[table].column(name)) for name in plan.lacks()]
            plan.notes.append(f"Nothing says that these are {table}; no other file comes nearer.")
            self.out.plans.append(plan)

    def _nearness(self, sheet: Sheet, table: str) -> int:
        """How many of the dates and amounts of such a table it has, where it has one of each."""
        found = [c.kind for c in self._required(table) if c.kind in ("date", "money") and self._candidates(sheet, table, c)]
        return len(found) if len(set(found)) == 2 else 0

    # ------------------------------------------------------------------------------------------------------ how a deal stands

    def _map_outcome(self, plan: Plan) -> None:
        sheet, kept = plan.sheet, []
        won_flag, closed_flag = (
            next((n for n in sheet.columns if bare(n) in words(line) and self.evidence.reads(sheet, n, Column(n, "flag"))), None)
            for line in (vocabulary.WON_FLAGS, vocabulary.CLOSED_FLAGS)
        )
        if won_flag and closed_flag:
            yes = "('true', '1', 'yes', 'y', 't')"
            won, closed = (f"lower(t.{quote(flag)}) IN {yes}" for flag in (won_flag, closed_flag))
            sql = f"CASE WHEN {won} THEN 'Won' WHEN {closed} THEN 'Lost' ELSE 'Open' END"
            plan.columns["outcome"] = Answer("outcome", "", sql, f"from the flags {won_flag} and {closed_flag}")
            self.out.settings["outcomes"] = ("{won: [Won], lost: [Lost]}", "")
            return
        stage = plan.columns.get("stage")
        for name in [
            *self._candidates(sheet, "opportunities", TABLES["opportunities"].column("outcome")),
            *([stage.name] if stage else []),
        ]:
            won, lost, _ = self._split_values(sheet, name)
            if won and not any(self.evidence.same(sheet, self._status(sheet, name), self._status(sheet, other)) for other in kept):
                kept.append(name)
        both = [name for name in kept if self._split_values(sheet, name)[1]]
        kept = both or kept
        answers = tuple(Answer("outcome", name, says=self._say_split(sheet, name)) for name in kept)
        if len(answers) == 1:
            won, lost, other = self._split_values(sheet, kept[0])
            plan.columns["outcome"] = answers[0]
            self.out.settings["outcomes"] = (
                f"{{won: {_yaml_list(won)}, lost: {_yaml_list(lost)}}}",
                f"every other counts as open: {', '.join(other) or 'none'}",
            )
            if stage and kept[0] == stage.name:
                plan.notes.append("A lost deal's stage is the one it is lost in, not the one it reached: the export does not tell.")
        elif answers:
            plan.questions.append(Question("opportunities", "Which column says whether a deal is won, lost or open?", answers))

    def _split_values(self, sheet: Sheet, name: str) -> tuple[list[str], list[str], list[str]]:
        """Its values that mean won, lost, and all others."""
        values = sorted(self.evidence.values(sheet, name))
        won = [v for v in values if bare(v) in words(vocabulary.WON)]
        lost = [v for v in values if bare(v) in words(vocabulary.LOST)]
        return won, lost, [v for v in values if v not in won and v not in lost][:NAMED]

    def _status(self, sheet: Sheet, name: str) -> str:
        won, lost, _ = self._split_values(sheet, name)
        listed = [", ".join(map(text, values)) or "NULL" for values in (won, lost)]
        return f"(CASE WHEN {quote(name)} IN ({listed[0]}) THEN 1 WHEN {quote(name)} IN ({listed[1]}) THEN 2 ELSE 3 END)"

    def _say_split(self, sheet: Sheet, name: str) -> str:
        won, lost, other = (", ".join(part) or "none" for part in self._split_values(sheet, name))
        return f"won: {won}; lost: {lost}; open: {other}"

    # ------------------------------------------------------------------------------------------------------------- several sheets

    def _priced(self, sheet: Sheet) -> list[str]:
        """The columns for price, quantity and discount of an order line, where the sheet has the first two and names its order."""
        orders = [n for n in sheet.columns if bare(n) in names_of("orders", "order_id")]
        found = [
            next((n for n in sheet.columns if bare(n) in words(line)), "")
            for line in (vocabulary.PRICE, vocabulary.QUANTITY, vocabulary.DISCOUNT)
        ]
        return [*orders[:1], *found] if orders and all(found[:2]) and not self.evidence.is_key(sheet, orders[0]) else []

    def _join_lines(self, sheets: list[Sheet]) -> list[Sheet]:
        """Orders in two files, heads and lines: one SELECT where the lines hold the amount, a question where it must be computed."""
        column = TABLES["orders"].column
        for lines in sheets:
            amounts = self._candidates(lines, "orders", column("amount"))
            for head in (s for s in sheets if s is not lines):
                for key in (
                    n
                    for n in head.columns
                    if self.evidence.is_key(head, n) and bare(n) in names_of("orders", "order_id") | words(vocabulary.OWN_IDS)
                ):
                    mine = [
                        n
                        for n in lines.columns
                        if (bare(n) == bare(key) or bare(n) in names_of("orders", "order_id")) and not self.evidence.is_key(lines, n)
                    ]
                    mine = [n for n in mine if self.evidence.inside(lines, n, head, key) >= 0.5]
                    if mine and (amounts or self._priced(lines)) and not self._candidates(head, "orders", column("amount")):
                        self._plan_lines(head, key, lines, mine[0], amounts)
                        return [s for s in sheets if s not in (head, lines)]
        return sheets

    def _plan_lines(self, head: Sheet, key: str, lines: Sheet, mine: str, amounts: list[str]) -> None:
        plan = Plan("orders", lines)
        plan.joins.append(f"LEFT JOIN {head.relation} h ON {self._joined_on(head, 'h', key, lines, mine)}")
        plan.columns["order_id"] = Answer("order_id", mine, says=f"joins {lines.said} to {head.said}")
        for column in TABLES["orders"].columns:
            if column.name in ("order_id", "amount"):
                continue
            for sheet, alias in ((lines, "t"), (head, "h")):
                names = self._candidates(sheet, "orders", column)
                if column.name in self.keys:
                    names = [n for n in names if self.evidence.inside(sheet, n, *self.keys[column.name]) >= 0.5]
                if len(names) == 1 and column.name not in plan.columns:
                    sql = "" if alias == "t" else f"h.{quote(names[0])}"
                    plan.columns[column.name] = Answer(column.name, names[0], sql, f"{names[0]} of {sheet.said}")
        if len(amounts) == 1:
            plan.columns["amount"] = self._answer(lines, TABLES["orders"].column("amount"), amounts[0])
        elif amounts:
            answers = tuple(self._answer(lines, TABLES["orders"].column("amount"), name) for name in amounts)
            plan.questions.append(Question("orders", "Which column is the amount of an order line?", answers))
        else:
            plan.questions.append(self._ask_for_price(lines))
        self.out.plans.append(plan)
        plan.notes.append(f"{lines.said} holds the lines, {head.said} the orders that they belong to.")
        self.joined.add(head)

    def _ask_for_price(self, lines: Sheet) -> Question:
        _, price, quantity, discount = self._priced(lines)
        hits = self.evidence.decimals(lines, [n for n in (price, quantity, discount) if n])
        comma = hits[","] > hits["."]

        def number(name: str) -> str:
            plain = f"replace(replace(t.{quote(name)}, '.', ''), ',', '.')" if comma else f"t.{quote(name)}"
            return f"try_cast({plain} AS DECIMAL(18,4))"

        def rounded(product: str) -> str:
            return f"replace(round({product}, 2)::VARCHAR, '.', ',')" if comma else f"round({product}, 2)"

        product = f"{number(price)} * {number(quantity)}"
        answers = [Answer("amount", price, rounded(product), f"{price} × {quantity}")]
        if discount:
            less = rounded(f"{product} * (1 - coalesce({number(discount)}, 0))")
            answers.insert(0, Answer("amount", price, less, f"{price} × {quantity} × (1 − {discount})"))
        return Question("orders", "No column holds the amount of an order line: how is it computed?", tuple(answers))

    def _look_up_all(self) -> None:
        for plan in self.out.plans:
            for column in (c for c in LOOKED_UP if c in TABLES[plan.table].names and c not in plan.columns and not plan.select):
                self._look_up(plan, column)

    def _look_up(self, plan: Plan, column: str) -> None:
        """A column that stands in another sheet, to which an id of the same name leads."""
        found = []
        if any(answer.column == column for question in plan.questions for answer in question.answers):
            return
        for other in (s for s in self.sheets if s is not plan.sheet and self.likely[s] in (None, "products")):
            owner = next((p for p in self.out.plans if p.sheet is other and column in p.columns), None)
            names = [owner.columns[column].name] if owner else [n for n in other.columns if bare(n) in names_of(plan.table, column)]
            for key in (k for k in other.columns if k not in names and self.evidence.is_key(other, k)):
                mine = [n for n in plan.sheet.columns if bare(n) == bare(key) and self.evidence.inside(plan.sheet, n, other, key) >= ENOUGH]
                found += [(other, key, n, name) for n in mine for name in names if self.evidence.filled(plan.sheet, n)]
        if len({way[:3] for way in found}) != 1:
            return
        other, key, mine, _ = found[0]
        alias = f"l{self.sheets.index(other)}"
        join = f"LEFT JOIN {other.relation} {alias} ON {self._joined_on(other, alias, key, plan.sheet, mine)}"
        plan.joins += [join] if join not in plan.joins else []
        answers = tuple(Answer(column, "", f"{alias}.{quote(name)}", f"{name} of {other.said}, by {mine}") for *_, name in found)
        if len(answers) == 1:
            plan.columns[column] = answers[0]
        else:
            plan.questions.append(Question(plan.table, f"Which column is {_said(plan.table, column)}?", answers, needed=False))
        self.joined.add(other)

    def _joined_on(self, other: Sheet, alias: str, key: str, sheet: Sheet, mine: str) -> str:
        lengths = {length for kind, length in self.evidence.ids(other, key) | self.evidence.ids(sheet, mine)}
        form = "left({}, 15)" if lengths == {15, 18} else "{}"
        return f"{form.format(f'{alias}.{quote(key)}')} = {form.format(f't.{quote(mine)}')}"

    def _reps_from_owners(self) -> None:
        """No file lists the reps: they are those who own a deal, an order or an account."""
        parts, first = [], None
        for table in ("opportunities", "orders", "accounts"):
            plan = self._plan(table)
            if plan and "rep_id" in plan.columns and not plan.joins:
                owner = plan.columns["rep_id"]
                named = [n for n in self.owners.get(plan.sheet, {}).get(False, []) if self.by_id]
                name = f"t.{quote(named[0])}" if named else "NULL" if self.by_id else f"t.{quote(owner.name)}"
                parts.append(f"SELECT t.{quote(owner.name)} AS rep_id, {name} AS rep_name, t._file, t._row FROM {plan.sheet.relation} t")
                first = first or (plan, owner)
        if first is None:
            return
        plan, owner = first
        rows = "\nUNION ALL ".join(parts)
        select = "SELECT rep_id, coalesce(min(rep_name), rep_id) AS rep_name, min(_file) AS _file, min(_row) AS _row\n"
        select += f"FROM ({rows})\nWHERE trim(rep_id) != '' GROUP BY rep_id ORDER BY rep_id"
        said = f"no file lists them: they are those who own a deal, an order or an account ({owner.name} in {plan.sheet.said})"
        reps = Plan("reps", plan.sheet, {"rep_id": Answer("rep_id", owner.name, "x", said)}, select=select, notes=[said])
        self.out.plans.insert(0, reps)

    # ------------------------------------------------------------------------------------------------------------- the company

    def _settle_writing(self) -> None:
        """How dates and decimals are written: for the company where one reading fits all, else table by table."""
        for key, kinds, count in (
            ("dates", ("date",), self.evidence.formats),
            ("decimal", ("money", "number", "share"), self.evidence.decimals),
        ):
            plans = [p for p in self.out.plans if not p.select and p.names(*kinds) and not (key == "decimal" and p.sheet.is_typed)]
            hits = {plan.table: count(plan.sheet, [n for n in plan.names(*kinds) if n in plan.sheet.columns]) for plan in plans}
            hits = {table: ways for table, ways in hits.items() if max(ways.values())}
            if not hits:
                continue
            total = {way: sum(ways[way] for ways in hits.values()) for way in next(iter(hits.values()))}
            if max(total.values()) == sum(max(ways.values()) for ways in hits.values()):
                self._settle(key, total, plans, None)
            else:
                for plan in (p for p in plans if p.table in hits):
                    self._settle(key, hits[plan.table], [plan], plan)

    def _settle(self, key: str, hits: dict[str, int], plans: list[Plan], plan: Plan | None) -> None:
        best = [way for way, n in hits.items() if n == max(hits.values())]
        kinds = ("date",) if key == "dates" else ("money", "number", "share")
        if len(best) == len(FORMATS):  # every day is written as 2026-09-30
            best = best[:1]
        if key == "decimal" and len(best) == 2:
            marked = next(
                ((p, n, m) for p in plans for n in p.names(*kinds) if n in p.sheet.columns and (m := self.evidence.marked(p.sheet, n))),
                None,
            )
            best = best if marked else best[:1]
        if len(best) == 1:
            if plan is None:
                self.out.settings[key] = (text_yaml(best[0]), "fits every value")
            else:
                setattr(plan, key, best[0])
            return
        where, name = next((p, n) for p in plans for n in p.names(*kinds) if n in p.sheet.columns and len(self._open_ways(key, p, n)) > 1)
        example = self.evidence.marked(where.sheet, name) if key == "decimal" else self.evidence.example(where.sheet, name)
        lines = tuple((f"{key}: {text_yaml(way)}", _say_way(key, way)) for way in best)
        place = plan.table if plan else ""
        question = Question(place, f"How is {example} to be read ({where.sheet.said}, column {name})?", lines=lines)
        (plan.questions if plan else self.out.questions).append(question)

    def _open_ways(self, key: str, plan: Plan, name: str) -> list[str]:
        hits = (self.evidence.formats if key == "dates" else self.evidence.decimals)(plan.sheet, [name])
        return [way for way, n in hits.items() if n == max(hits.values()) and n]

    def _settle_ids(self) -> None:
        """Salesforce ids of one kind in both lengths are completed to the longer one."""
        places: dict[tuple[str, int], str] = {}
        for plan in self.out.plans:
            for name in (n for n in plan.names("id") if n in plan.sheet.columns):
                for kind in sorted(self.evidence.ids(plan.sheet, name)):
                    places.setdefault(kind, f"{plan.sheet.said}, column {name}")
        both = [(places[kind, 15], place) for (kind, length), place in places.items() if length == 18 and (kind, 15) in places]
        if both:
            why = f"ids of 15 characters in {both[0][0]}, and of 18 in {both[0][1]}: the short ones are completed"
            self.out.settings["ids"] = ("salesforce", why)

    def _settle_company(self) -> None:
        deals, orders = self._plan("opportunities"), self._plan("orders")
        codes = {}
        for plan in (p for p in (deals, orders) if p and "currency" in p.columns and p.columns["currency"].name in p.sheet.columns):
            codes |= dict.fromkeys(self.evidence.values(plan.sheet, plan.columns["currency"].name))
        rates = self._plan("rates")
        converted = self.evidence.values(rates.sheet, rates.columns["currency"].name) if rates else []
        own = [code for code in codes if code not in converted]
        if len(own) == 1:
            self.out.settings["currency"] = (text_yaml(own[0]), "the only one" + (" without a rate" if converted else " in the exports"))
        elif codes:
            lines = tuple((f"currency: {text_yaml(code)}", "") for code in list(codes)[:NAMED])
            self.out.questions.append(Question("", "Which is the company's own currency? (USD until you say.)", lines=lines, needed=False))
        if orders and not deals:
            self.out.settings["quota_counts"] = ("revenue", "there are orders and no deals")
        elif orders and deals:
            lines = (("quota_counts: bookings", "won deals"), ("quota_counts: revenue", "order lines"))
            self.out.questions.append(Question("", "What do quotas and goals count? (Bookings until you say.)", lines=lines, needed=False))
        if self._plan("credits"):
            self.out.settings["credit"] = ("table", "shared as table credits says")
        if deals and "stage" in deals.columns:
            self._settle_stages(deals)

    def _settle_stages(self, deals: Plan) -> None:
        name = deals.columns["stage"].name
        by = deals.columns["probability"].name if "probability" in deals.columns else ""
        values = self.evidence.ranked(deals.sheet, name, by) if by else sorted(self.evidence.values(deals.sheet, name))
        stages = list(v for v in values if bare(v) not in words(vocabulary.WON) | words(vocabulary.LOST))
        if stages and all(s[0].isdigit() for s in stages):
            self.out.settings["stages"] = (
                _yaml_list(sorted(stages, key=lambda s: (int("".join(_leading_digits(s))), s))),
                "in the order of their numbers",
            )
        elif stages:
            lines = ((f"stages: {_yaml_list(stages)}", "as their probability rises" if by else "put them in order, first to last"),)
            self.out.questions.append(
                Question("", "In which order do deals go through the stages? (No order until you say.)", lines=lines, needed=False)
            )

    def _list_unused(self) -> None:
        used = {plan.sheet for plan in self.out.plans} | self.joined
        told = {said for said, _ in self.out.unused}
        asked = " ".join(line for question in self.out.questions for line, _ in question.lines)
        for sheet in self.sheets:
            if sheet not in used and sheet.said not in told and sheet.said not in asked:
                self.out.unused.append((sheet.said, self._why_unused(sheet)))
        if not (self._plan("opportunities") or self._plan("orders")) and not any(
            q.place == "tables" and q.needed for q in self.out.questions
        ):
            asks = "No file holds deals or orders, and nothing can be planned without. Export them, or name the file."
            lines = tuple(
                (f"{table}: {{file: {table}.csv}}", "with " + ", ".join(c.name for c in TABLES[table].columns if c.required))
                for table in RESULTS
            )
            self.out.questions.append(Question("tables", asks, lines=lines))
        if not self._plan("reps"):
            lines = (("reps: {file: reps.csv}", "one row per rep, with rep_id and rep_name"),)
            asks = "Who are the reps? No file lists them, and no column says who sold or owns a row."
            self.out.questions.append(Question("tables", asks, lines=lines))

    def _why_unused(self, sheet: Sheet) -> str:
        table = vocabulary.table_of_file(sheet.stems[0].replace("__", " "))
        if table and self.likely[sheet] == table:
            return f"looks like {table}, but another file holds them"
        if table:
            missing = [c.name for c in self._required(table) if not self._candidates(sheet, table, c)]
            return (
                f"its name says {table}, but it has no column for {', '.join(missing)}"
                if missing
                else f"its name says {table}, but its values do not fit"
            )
        return "neither its name nor its columns fit a table"


def _reference_names(id_column: str) -> frozenset[str]:
    """The names of a column that names such a record; a name counts where the record goes by its name."""
    records = words(vocabulary.RECORDS[id_column])
    return names_of("*", id_column) | {record + ending for record in records for ending in ("name", "fullname")}


def _said(table: str, column: str) -> str:
    return f"{column} in table {table}"


def _nothing(column: Column) -> tuple[Answer]:
    return (Answer(column.name, "…", says="no column fits: export it too, and name it here"),)


def _leading_digits(value: str) -> Iterable[str]:
    for letter in value:
        if not letter.isdigit():
            return
        yield letter


def text_yaml(value: str) -> str:
    """A text as YAML that reads back as that text.

    >>> text_yaml("Close Date"), text_yaml("%d.%m.%Y"), text_yaml("no"), text_yaml("1-Qualify: x")
    ('Close Date', '"%d.%m.%Y"', '"no"', '"1-Qualify: x"')
    """
    import json
    import re

    plain = re.fullmatch(r"[A-Za-z][\w ./()-]*[\w.)]|[A-Za-z]", value) and value.lower() not in (
        "no",
        "yes",
        "on",
        "off",
        "true",
        "false",
        "null",
        "y",
        "n",
    )
    return value if plain else json.dumps(value, ensure_ascii=False)


def _yaml_list(values: Iterable[str]) -> str:
    return "[" + ", ".join(map(text_yaml, values)) + "]"


def _say_way(key: str, way: str) -> str:
    if key == "decimal":
        return "a decimal point" if way == "." else "a decimal comma"
    from datetime import date

    return f"as in {date(2026, 9, 30).strftime(way)} for 30 September 2026"
