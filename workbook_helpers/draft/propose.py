"""From the evidence in the exports to a proposal of ``workbook.yml``: what is certain is taken, what is not is asked.

A column is certain when exactly one column of the export has a name that means it (``vocabulary``) and values that fit (``evidence``).
Nothing is guessed in silence: several candidates, or none for a column that must be there, become a question that names them.
"""

from __future__ import annotations

from workbook_helpers.data.convert import quote, text
from workbook_helpers.data.schemas import TABLES, Column
from workbook_helpers.draft import vocabulary
from workbook_helpers.draft.evidence import ENOUGH, Evidence, Sheet
from workbook_helpers.draft.proposal import NAMED, RESULTS, Answer, Plan, Proposal, Question, yaml_list
from workbook_helpers.draft.recognise import KEYS, Recognised
from workbook_helpers.draft.settle import settle
from workbook_helpers.draft.vocabulary import bare, names_of, words

#: Columns that may stand in a table of their own, joined by an id.
LOOKED_UP = ("industry", "product", "lead_source", "family", "country", "region", "city", "postal_code")


def propose(evidence: Evidence, sheets: list[Sheet]) -> Proposal:
    """The proposal for these sheets.

    evidence: their values. Returns every table that is certain or can be asked for; sheets that fit none are listed with the reason.
    """
    return _Proposer(evidence, sheets).propose()


class _Proposer:
    def __init__(self, evidence: Evidence, sheets: list[Sheet]) -> None:
        self.evidence, self.sheets, self.out = evidence, sheets, Proposal()
        self.known = Recognised(evidence, sheets)
        self.joined: set[Sheet] = set()  # sheets that stand in another table's SELECT

    def propose(self) -> Proposal:
        self._ask_for_rivals()
        taken = {sheet for sheet, _ in self.known.keys.values()}
        for table in TABLES:
            sheets = [s for s in self.sheets if self.known.likely[s] == table and (table not in KEYS.values() or s in taken)]
            self._plan_table(table, sheets)
        if not any(self.out.plan(table) or self.out.rivals(table) for table in RESULTS):
            self._plan_nearest()
        for plan in self.out.plans:
            for column in LOOKED_UP:
                self._look_up(plan, column)
        if reps := self.out.plan("reps"):
            self._note_idle(reps)
        elif not self.out.rivals("reps"):
            self._reps_from_owners()
        settle(self.evidence, self.out)
        self._list_unused()
        return self.out

    def _ask_for_rivals(self) -> None:
        for id_column, rivals in self.known.rivals.items():
            plans = []
            for rival in rivals:
                self.known.keys[id_column] = rival
                plans.append(self._map(KEYS[id_column], rival[0]))
            del self.known.keys[id_column]
            self._ask_which(KEYS[id_column], plans)

    def _ask_which(self, table: str, plans: list[Plan]) -> None:
        needed = table in ("reps", *RESULTS)
        self.out.questions.append(Question("tables", f"Which of these files holds {table}?", plans=tuple(plans), needed=needed))

    # ----------------------------------------------------------------------------------------------------------------- columns

    def _plan_table(self, table: str, sheets: list[Sheet]) -> None:
        if table == "orders":
            sheets = self._join_lines(sheets)
        plans = [self._map(table, sheet) for sheet in sheets]
        if len(plans) > 1:
            fewest = min(len(plan.lacks()) for plan in plans)
            plans = [plan for plan in plans if len(plan.lacks()) == fewest]
        whole = [plan for plan in plans if not plan.lacks()]
        if len(whole) > 1:
            self._ask_which(table, whole)
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
            if column.name == "rep_name" and (person := self.known.person(sheet)):
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
        names = self.known.candidates(sheet, table, column)
        key = self.known.keys.get(column.name)
        if key and key[0] is sheet and KEYS[column.name] == table:
            several = self.known.open_keys.get(column.name, [key])
            names = [name for _, name in several]
        elif key:
            names = [n for n in names if self.evidence.inside(sheet, n, *key) >= 0.5]
        elif column.name == "rep_id" and sheet in self.known.owners:
            names = self.known.owners[sheet][self.known.by_id]
        elif column.name == "parent_account_id" and "account_id" in self.known.keys:
            names = [n for n in names if self.evidence.inside(sheet, n, *self.known.keys["account_id"]) >= 0.5]
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
        if column.name in self.known.keys:
            names = [n for n in names if self.evidence.inside(plan.sheet, n, *self.known.keys[column.name]) >= 0.5]
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
        fits = [(self._nearness(sheet, table), table, sheet) for table in RESULTS for sheet in self.sheets if not self.known.likely[sheet]]
        nearest = max(fits, default=(0, "", None), key=lambda fit: fit[0])
        if nearest[0] >= 2:
            _, table, sheet = nearest
            plan = self._map(table, sheet)
            plan.questions += [self._ask_for_missing(plan, TABLES[table].column(name)) for name in plan.lacks()]
            plan.notes.append(f"Nothing says that these are {table}; no other file comes nearer.")
            self.out.plans.append(plan)

    def _nearness(self, sheet: Sheet, table: str) -> int:
        """How many of the dates and amounts of such a table it has, where it has one of each."""
        found = [c.kind for c in self.known.required(table) if c.kind in ("date", "money") and self.known.candidates(sheet, table, c)]
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
            *self.known.candidates(sheet, "opportunities", TABLES["opportunities"].column("outcome")),
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
                f"{{won: {yaml_list(won)}, lost: {yaml_list(lost)}}}",
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

    def _join_lines(self, sheets: list[Sheet]) -> list[Sheet]:
        """Orders in two files, heads and lines: one SELECT where the lines hold the amount, a question where it must be computed."""
        column = TABLES["orders"].column
        for lines in sheets:
            amounts = self.known.candidates(lines, "orders", column("amount"))
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
                    if mine and (amounts or self.known.priced(lines)) and not self.known.candidates(head, "orders", column("amount")):
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
                names = self.known.candidates(sheet, "orders", column)
                if column.name in self.known.keys:
                    names = [n for n in names if self.evidence.inside(sheet, n, *self.known.keys[column.name]) >= 0.5]
                if len(names) == 1 and column.name not in plan.columns:
                    sql = "" if alias == "t" else f"h.{quote(names[0])}"
                    plan.columns[column.name] = Answer(column.name, names[0], sql, f"{names[0]} of {sheet.said}", sheet)
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
        _, price, quantity, discount = self.known.priced(lines)
        hits = self.evidence.decimals(lines, price)
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

    def _look_up(self, plan: Plan, column: str) -> None:
        """A column that stands in another sheet, to which an id of the same name leads."""
        found = []
        if column not in TABLES[plan.table].names or column in plan.columns or column in plan.asked():
            return
        for other in (s for s in self.sheets if s is not plan.sheet and self.known.likely[s] in (None, "products")):
            owner = next((p for p in self.out.plans if p.sheet is other and column in p.columns), None)
            names = [owner.columns[column].name] if owner else [n for n in other.columns if bare(n) in names_of(plan.table, column)]
            for key in (k for k in other.columns if k not in names and self.evidence.is_key(other, k)):
                mine = [n for n in plan.sheet.columns if bare(n) == bare(key) and self.evidence.inside(plan.sheet, n, other, key) >= ENOUGH]
                found += [(other, key, n, name) for n in mine for name in names if self.evidence.filled(plan.sheet, n)]
        by_id = [way for way in found if bare(way[1]).endswith((*words(vocabulary.ENDINGS), "sku"))]
        found = by_id or found  # an id leads there more surely than an address
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
        parts, first, lengths = [], None, set()
        for table in ("opportunities", "orders", "accounts"):
            plan = self.out.plan(table)
            if plan and "rep_id" in plan.columns and not plan.joins:
                owner = plan.columns["rep_id"]
                lengths |= {length for _, length in self.evidence.ids(plan.sheet, owner.name)}
                named = [n for n in self.known.owners.get(plan.sheet, {}).get(False, []) if self.known.by_id]
                name = f"t.{quote(named[0])}" if named else "NULL" if self.known.by_id else f"t.{quote(owner.name)}"
                parts.append(f"SELECT t.{quote(owner.name)} AS rep_id, {name} AS rep_name, t._file, t._row FROM {plan.sheet.relation} t")
                first = first or (plan, owner)
        if first is None:
            return
        plan, owner = first
        rows = "\nUNION ALL ".join(parts)
        same = "left(rep_id, 15)" if lengths == {15, 18} else "rep_id"
        select = "SELECT max(rep_id) AS rep_id, coalesce(min(rep_name), max(rep_id)) AS rep_name, min(_file) AS _file, min(_row) AS _row\n"
        select += f"FROM ({rows})\nWHERE trim(rep_id) != '' GROUP BY {same} ORDER BY 1"
        said = f"no file lists them: they are those who own a deal, an order or an account ({owner.name} in {plan.sheet.said})"
        reps = Plan("reps", plan.sheet, {"rep_id": Answer("rep_id", owner.name, "x", said)}, select=select, notes=[said])
        self.out.plans.insert(0, reps)

    def _note_idle(self, reps: Plan) -> None:
        """A file of all employees gives most of them an empty report: that is said."""
        owners = [
            (p.columns["rep_id"].sheet or p.sheet, p.columns["rep_id"].name)
            for p in self.out.plans
            if "rep_id" in p.columns and p is not reps
        ]
        busy = max((self.evidence.distinct(*owner) for owner in owners), default=0)
        if 0 < 2 * busy < reps.sheet.rows_n:
            reps.notes.append(
                f"{reps.sheet.rows_n:,} people, but no table names more than {busy:,} of them: all get a report, most an empty one."
            )

    def _list_unused(self) -> None:
        asked = {plan.sheet for question in self.out.questions for plan in question.plans}
        used = {plan.sheet for plan in self.out.plans} | self.joined | asked
        told = {said for said, _ in self.out.unused}
        for sheet in self.sheets:
            if sheet not in used and sheet.said not in told:
                self.out.unused.append((sheet.said, self._why_unused(sheet)))
        if not any(self.out.plan(table) or self.out.rivals(table) for table in RESULTS):
            asks = "No file holds deals or orders, and nothing can be planned without. Export them, or name the file."
            lines = tuple(
                (f"{table}: {{file: {table}.csv}}", "with " + ", ".join(c.name for c in TABLES[table].columns if c.required))
                for table in RESULTS
            )
            self.out.questions.append(Question("tables", asks, lines=lines))
        if not self.out.plan("reps") and not self.out.rivals("reps"):
            lines = (("reps: {file: reps.csv}", "one row per rep, with rep_id and rep_name"),)
            asks = "Who are the reps? No file lists them, and no column says who sold or owns a row."
            self.out.questions.append(Question("tables", asks, lines=lines))

    def _why_unused(self, sheet: Sheet) -> str:
        table = vocabulary.table_of_file(sheet.stems[0].replace("__", " "))
        if table and self.known.likely[sheet] == table:
            return f"looks like {table}, but another file holds them"
        if table:
            missing = [c.name for c in self.known.required(table) if not self.known.candidates(sheet, table, c)]
            return (
                f"its name says {table}, but it has no column for {', '.join(missing)}"
                if missing
                else f"its name says {table}, but its values do not fit"
            )
        return "neither its name nor its columns fit a table"


def _said(table: str, column: str) -> str:
    return f"{column} in table {table}"


def _nothing(column: Column) -> tuple[Answer]:
    return (Answer(column.name, "…", says="no column fits: export it too, and name it here"),)
