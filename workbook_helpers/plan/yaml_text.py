"""YAML as people write it: every value is read as the text that stands there, and a save touches only what changed.

``010``, ``NO``, ``1e5`` and ``00123`` stay what was typed; the model converts them by its own rules. Writing takes
the old text section by section (a section is one top-level key): what did not change keeps its bytes, and no comment
is ever lost.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionStartEvent
from ruamel.yaml.resolver import VersionedResolver, implicit_resolvers
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from workbook_helpers.plan.model import write_value

_DEEPEST = 20
_PLAIN = re.compile(r"[^\W_](?:[\w .,;/()+%&'’–-]*[\w.)%])?")


class YamlTextError(Exception):
    """The text is no YAML that people write: where (counted from 1; None if unknown) and why."""

    def __init__(self, line: int | None, why: str) -> None:
        self.line, self.why = line, why
        super().__init__(f"line {line}: {why}")


class _TextResolver(VersionedResolver):
    """Takes every value for text, and only what is empty (or ``~``, ``null``) for nothing."""

    @property
    def versioned_resolver(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
        empty = re.compile(r"(?:~|null|Null|NULL|)$")
        return {first: [("tag:yaml.org,2002:null", empty)] for first in ("", "~", "n", "N")}


class _PlainComposer(Composer):
    """Refuses what nobody needs: aliases, tags, deep nesting."""

    _level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise YamlTextError(line, f"*{event.anchor} points elsewhere; write the value itself")
        if getattr(event, "tag", None):
            raise YamlTextError(line, f"{event.tag} is a tag; leave it out")
        if self._level == _DEEPEST and isinstance(event, CollectionStartEvent):
            raise YamlTextError(line, "is nested too deeply; close the brackets")
        self._level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver, yaml.Composer = _TextResolver, _PlainComposer
    yaml.preserve_quotes, yaml.width, yaml.allow_unicode = True, 100_000, True
    return yaml


def read_tree(text: str) -> CommentedMap:
    """The text as a map of maps, lists and texts that knows its comments and lines.

    Raises YamlTextError for broken YAML, a key given twice, and for what nobody needs: aliases, tags, deep nesting.

    >>> read_tree("rep_id: 00123\\nwhy: NO  # never") == {"rep_id": "00123", "why": "NO"}
    True
    """
    try:
        tree = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = str(error.problem or error.context).split("\n")[0].split(" with value ")[0]
        fix = "keep one of the two" if isinstance(error, DuplicateKeyError) else "look for a missing quote or space"
        raise YamlTextError(mark.line + 1 if mark else None, f"is not YAML ({why}); {fix}") from None
    except (YAMLError, ValueError) as error:
        place = getattr(error, "position", None)
        line = text[:place].count("\n") + 1 if isinstance(place, int) else None
        raise YamlTextError(line, "holds a character that YAML does not allow; delete it and type it anew") from None
    if tree is None:
        return CommentedMap()
    if not isinstance(tree, CommentedMap):
        raise YamlTextError(1, "is no list of keys; start each line with a key and a colon, as in 'name: value'")
    return tree


#: The same for those who change nothing in it: one chapter after another opens the same settings and plan.
known_tree = lru_cache(maxsize=8)(read_tree)


def plain(node: Any) -> Any:
    """The same without comments and styles: dict, list, str, None. Raises YamlTextError for a key that is no text."""
    if isinstance(node, CommentedMap):
        for key in node:
            if not isinstance(key, str):
                raise YamlTextError(
                    node.lc.line + 1, "has an empty key, or one that is a list; a key is a word before a colon"
                )
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    return None if node is None else str(node)


def find_line(tree: CommentedMap, place: tuple[str | int, ...]) -> int | None:
    """The line (counted from 1) of a key or list item; of what holds it where it is missing; None for an empty file.

    >>> find_line(read_tree("goal:\\n  amount: 3\\nleave: [x, y]"), ("goal", "amount"))
    2
    """
    line, node = None, tree
    for step in place:
        try:
            line = (node.lc.item(step) if isinstance(node, CommentedSeq) else node.lc.key(step))[0] + 1
            node = node[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _reads_as_text(text: str) -> bool:
    """Whether every reader of YAML, old or new, takes the bare text for text."""
    return bool(_PLAIN.fullmatch(text)) and not any(form.match(text) for _, _, form, _ in implicit_resolvers)


def _node(value: Any) -> Any:
    """A new value as the writer wants it: quoted wherever a reader could take text for something else."""
    if isinstance(value, Mapping):
        return CommentedMap((_node(str(key)), _node(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return CommentedSeq(_node(inner) for inner in value)
    if value is None or isinstance(value, (bool, int, float, date)):
        return None if value is None else write_value(value)
    lines = value.removesuffix("\n").split("\n")
    if len(lines) > 1 and all(_PLAIN.fullmatch(line) for line in lines):
        return LiteralScalarString(value)
    return value if _reads_as_text(value) else DoubleQuotedScalarString(value)


def _name_of(item: Any) -> str:
    own = item.get("id") if isinstance(item, Mapping) else None
    return json.dumps(["id", own] if own else item, default=write_value, sort_keys=True)


def _merge(node: Any, old: Any, new: Any) -> Any:
    """The node of ``old`` changed into ``new``, keeping everything that is the same."""
    if old == new:
        return node
    if isinstance(node, CommentedMap) and isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [key for key in node if key in old and key not in new]:
            del node[key]
        for key, value in new.items():
            node[key if key in node else _node(key)] = _merge(node.get(key), old.get(key), value)
        return node
    if isinstance(node, CommentedSeq) and isinstance(old, list) and isinstance(new, list) and len(node) == len(old):
        return _merge_list(node, old, new)
    return _node(new)


def _merge_list(node: CommentedSeq, old: list[Any], new: list[Any]) -> CommentedSeq:
    """Items are the same when their id is, or all they hold; else the one at the same position was edited."""
    free = {position: _name_of(item) for position, item in enumerate(old)}
    origin: dict[int, int] = {}
    for position, item in enumerate(new):
        match = next((at for at, name in free.items() if name == _name_of(item)), None)
        if match is not None:
            origin[position] = match
            del free[match]
    origin |= {at: at for at in range(len(new)) if at not in origin and at in free and '["id"' not in free[at]}
    items, comments = list(node), dict(node.ca.items)
    node[:] = [
        _merge(items[origin[at]], old[origin[at]], value) if at in origin else _node(value)
        for at, value in enumerate(new)
    ]
    node.ca.items.clear()
    node.ca.items.update({at: comments[came] for at, came in origin.items() if came in comments})
    return node


def _dump(tree: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    _yaml().dump(tree, stream)
    return stream.getvalue()


def find_comments(text: str) -> list[str]:
    """Every comment of the text, without its place.

    >>> find_comments("# mine\\na: 1  # one\\nb: |\\n  # is text\\n")
    ['# mine', '# one']
    """
    found: list[str] = []

    def collect(part: Any) -> None:
        if isinstance(part, list):
            for inner in part:
                collect(inner)
        elif part is not None:
            found.extend(line.strip() for line in part.value.splitlines() if line.strip())

    if text.strip() and all(line.lstrip().startswith("#") for line in text.splitlines() if line.strip()):
        return [line.strip() for line in text.splitlines() if line.strip()]
    for token in _yaml().scan(text):
        collect(getattr(token, "_comment", None))
    return found


def _with_comments(written: str, before: str) -> str:
    """The new text, led by every comment of the old one that it no longer holds."""
    lost = Counter(find_comments(before)) - Counter(find_comments(written) if written else [])
    return "".join(f"{comment}\n" for comment in lost.elements()) + written


def _rewrite(section: str, key: str, old: Any, new: Any) -> str:
    """One section with its new value, in its own style where that reads back truly, else in ours."""
    tree = read_tree(section)
    tree[key] = _merge(tree[key], old, new)
    wanted = plain(tree)
    written = _dump(tree)
    try:
        faithful = plain(read_tree(written)) == wanted
    except YamlTextError:
        faithful = False
    return _with_comments(written if faithful else _dump(_node({key: new})), section)


def _split(text: str, tree: CommentedMap) -> tuple[str, dict[str, tuple[str, str]]]:
    """What stands before the first key; then each key's own lines, and the comments and empty lines that follow them.

    Raises YamlTextError where keys are no lines of their own: ``{a: 1, b: 2}``.
    """
    lines = text.splitlines(keepends=True)
    starts = [(key, tree.lc.key(key)[0]) for key in tree]
    if len({line for _, line in starts}) < len(starts) or any(tree.lc.key(key)[1] for key in tree):
        raise YamlTextError(None, "has keys that do not start a line")
    ends = [*(line for _, line in starts[1:]), len(lines)]
    sections = {}
    for (key, start), end in zip(starts, ends, strict=False):
        last = end
        while last > start + 1 and (not lines[last - 1].strip() or lines[last - 1].startswith("#")):
            last -= 1
        sections[key] = ("".join(lines[start:last]), "".join(lines[last:end]))
    return "".join(lines[: starts[0][1] if starts else len(lines)]), sections


def write_changes(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The text of a file that held ``old`` and shall hold ``new``.

    old, new: what is filled in (``content_of``). A key of the text that is in neither stays: it holds a default.

    >>> old = {"goal": {"amount": 5.0}, "vision": "North"}
    >>> new = {"goal": {"amount": 6.0}, "vision": "North", "leave": ["NO"]}
    >>> print(write_changes("goal: {amount: 5}  # bold\\nvision: North\\n", old, new), end="")
    goal: {amount: 6}  # bold
    vision: North
    leave:
    - "NO"
    """
    if text and not text.endswith("\n"):
        text += "\n"
    tree = read_tree(text)
    added = {key: value for key, value in new.items() if key not in tree}
    wanted = {key: value for key, value in plain(tree).items() if key in new or key not in old}
    try:
        head, sections = _split(text, tree)
        for key, (own, after) in sections.items():
            if key in new and (key not in old or old[key] != new[key]):
                own = _rewrite(own, key, old.get(key), new[key])
            elif key in old and key not in new:
                own = _with_comments("", own)
            head += own + after
        first = {"format": added.pop("format")} if "format" in added else {}
        lead = _dump(_node(first)) if first else ""
        written = lead + head + (_dump(_node(added)) if added else "")
        if set(plain(read_tree(written))) == set(wanted) | set(new):
            return _with_comments(written, text)
    except YamlTextError:
        pass
    return _with_comments(
        _dump(_node({**new, **{key: value for key, value in wanted.items() if key not in new}})), text
    )
