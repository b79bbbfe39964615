"""What holds for the whole company: dates and decimals, ids, currency, stages. Settled where the values tell, else asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from workbook_helpers.draft import vocabulary
from workbook_helpers.draft.evidence import Evidence, Sheet
from workbook_helpers.draft.proposal import NAMED, Plan, Proposal, Question, text_yaml, yaml_list
from workbook_helpers.draft.vocabulary import bare, words


def settle(evidence: Evidence, proposal: Proposal) -> None:
    """Adds to a proposal, whose tables stand, the settings of the company and the questions about them."""
    settler = _Settler(evidence, proposal)
    settler.settle_writing()
    settler.settle_ids()
    settler.settle_company()


class _Settler:
    def __init__(self, evidence: Evidence, proposal: Proposal) -> None:
        self.evidence, self.out = evidence, proposal

    def settle_writing(self) -> None:
        """How dates and decimals are written: for the company where one reading fits all, else table by table."""
        for key, kinds, count in (
            ("dates", ("date",), self.evidence.formats),
            ("decimal", ("money", "number", "share"), self.evidence.decimals),
        ):
            fields = {plan.table: [f for f in plan.fields(*kinds) if key == "dates" or not f[0].is_typed] for plan in self.out.plans}
            hits = {table: _add(count(*field) for field in fields[table]) for table in fields}
            hits = {table: ways for table, ways in hits.items() if any(ways.values())}
            total = _add(hits.values())
            if hits and max(total.values()) == sum(max(ways.values()) for ways in hits.values()):
                self._settle(key, total, [field for table in hits for field in fields[table]], None)
            else:
                for table in hits:
                    self._settle(key, hits[table], fields[table], self.out.plan(table))

    def _settle(self, key: str, hits: dict[str, int], fields: list[tuple[Sheet, str]], plan: Plan | None) -> None:
        """Writes down the only way that reads the most values, for one table or (plan None) for the company, or asks."""
        best = [way for way, n in hits.items() if n == max(hits.values())]
        doubtful = [(sheet, name, text) for sheet, name in fields if (text := self._doubt(key, sheet, name))]
        if not doubtful:  # every day is written as 2026-09-30, every number without a mark: any way will do
            best = best[:1]
        if len(best) == 1 and plan:
            setattr(plan, key, best[0])
        elif len(best) == 1:
            read, filled = hits[best[0]], sum(self.evidence.filled(*field) for field in fields)
            self.out.settings[key] = (text_yaml(best[0]), f"reads {read:,} of {filled:,} values")
        else:
            sheet, name, text = doubtful[0]
            lines = tuple((f"{key}: {text_yaml(way)}", _say_way(key, way)) for way in best)
            question = Question(plan.table if plan else "", f"How is {text} to be read ({sheet.said}, column {name})?", lines=lines)
            (plan.questions if plan else self.out.questions).append(question)

    def _doubt(self, key: str, sheet: Sheet, name: str) -> str | None:
        """A value of this column that can be read in several ways."""
        if key == "decimal":
            return self.evidence.marked(sheet, name)
        hits = self.evidence.formats(sheet, name)
        is_open = 1 < sum(n == max(hits.values()) for n in hits.values()) < len(hits)
        return self.evidence.example(sheet, name) if is_open else None

    def settle_ids(self) -> None:
        """Salesforce ids of one kind in both lengths are completed to the longer one."""
        places: dict[tuple[str, int], str] = {}
        for plan in self.out.plans:
            for sheet, name in plan.fields("id"):
                for kind in sorted(self.evidence.ids(sheet, name)):
                    places.setdefault(kind, f"{sheet.said}, column {name}")
        both = [(places[kind, 15], place) for (kind, length), place in places.items() if length == 18 and (kind, 15) in places]
        if both:
            why = f"ids of 15 characters in {both[0][0]}, and of 18 in {both[0][1]}: the short ones are completed"
            self.out.settings["ids"] = ("salesforce", why)

    def settle_company(self) -> None:
        deals, orders = self.out.plan("opportunities"), self.out.plan("orders")
        codes: dict[str, None] = {}
        for plan in (p for p in (deals, orders) if p and "currency" in p.columns):
            currency = plan.columns["currency"]
            codes |= dict.fromkeys(self.evidence.values(currency.sheet or plan.sheet, currency.name))
        rates = self.out.plan("rates")
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
        if self.out.plan("credits"):
            self.out.settings["credit"] = ("table", "shared as table credits says")
        if deals and "stage" in deals.columns:
            self._settle_stages(deals)

    def _settle_stages(self, deals: Plan) -> None:
        name = deals.columns["stage"].name
        by = deals.columns["probability"].name if "probability" in deals.columns else ""
        values = self.evidence.ranked(deals.sheet, name, by) if by else sorted(self.evidence.values(deals.sheet, name))
        stages = [v for v in values if bare(v) not in words(vocabulary.WON) | words(vocabulary.LOST)]
        numbers = {stage: re.match(r"\d+", stage) for stage in stages}
        if stages and all(numbers.values()):
            in_order = sorted(stages, key=lambda stage: (int(numbers[stage][0]), stage))
            self.out.settings["stages"] = (yaml_list(in_order), "in the order of their numbers")
        elif stages:
            lines = ((f"stages: {yaml_list(stages)}", "as their probability rises" if by else "put them in order, first to last"),)
            self.out.questions.append(
                Question("", "In which order do deals go through the stages? (No order until you say.)", lines=lines, needed=False)
            )


def _add(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts of the same ways, added up way by way (the order of the ways is kept)."""
    total: dict[str, int] = {}
    for ways in counts:
        total = {way: total.get(way, 0) + n for way, n in ways.items()}
    return total


def _say_way(key: str, way: str) -> str:
    if key == "decimal":
        return "a decimal point" if way == "." else "a decimal comma"
    return f"as in {date(2026, 9, 30).strftime(way)} for 30 September 2026"
