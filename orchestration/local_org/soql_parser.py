"""From SOQL text to a small tree; says where it stopped understanding, as Salesforce does."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

from orchestration.local_org.errors import ApiError

_GRAMMAR = Path(__file__).with_name("soql.lark")
_SNIPPET = 60
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True)
class Literal:
    """A value as written; `kind` is the terminal's name (STRING, NUMBER, DATE_LITERAL, …)."""

    kind: str
    token: Token


@dataclass(frozen=True)
class FieldItem:
    """A selected field, possibly through relationships."""

    path: Token


@dataclass(frozen=True)
class FunctionItem:
    """A selected aggregate such as `count(Id)`."""

    name: Token
    argument: Token | None
    alias: Token | None


@dataclass(frozen=True)
class Comparison:
    """`field <operator> value`, also for LIKE."""

    path: Token
    operator: str
    value: Literal


@dataclass(frozen=True)
class Membership:
    """`field [not] in (…)`, of values or of another query."""

    path: Token
    is_negated: bool
    choices: "tuple[Literal, ...] | Select"


@dataclass(frozen=True)
class Negation:
    """`not …`."""

    condition: "Condition"


@dataclass(frozen=True)
class Junction:
    """Conditions that must all hold (`and`), or of which one must (`or`)."""

    word: str
    conditions: "tuple[Condition, ...]"


Condition = Comparison | Membership | Negation | Junction


@dataclass(frozen=True)
class OrderItem:
    """One term of ORDER BY."""

    path: Token
    is_descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Select:
    """A whole query."""

    items: tuple[FieldItem | FunctionItem, ...]
    sobject: Token
    alias: Token | None
    where: Condition | None
    order: tuple[OrderItem, ...]
    limit: int | None
    offset: int | None


def parse(soql: str) -> Select:
    """Parse a query.

    Raises:
        ApiError: MALFORMED_QUERY with the place, the way Salesforce shows it.
    """
    try:
        tree = _parser().parse(soql)
    except UnexpectedToken as error:
        shown = "<EOF>" if error.token.type == "$END" else str(error.token)
        position = len(soql) if error.token.type == "$END" else error.token.start_pos or 0
        raise malformed(soql, position, f"unexpected token: '{shown}'") from error
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        raise malformed(soql, position, f"unexpected token: '{soql[position]}'") from error
    except UnexpectedEOF as error:
        raise malformed(soql, len(soql), "unexpected token: '<EOF>'") from error
    select: Select = _ToTree().transform(tree)
    return select


def malformed(soql: str, position: int, message: str) -> ApiError:
    """Return MALFORMED_QUERY for a place in the query."""
    return located("MALFORMED_QUERY", soql, position, message)


def located(code: str, soql: str, position: int, message: str) -> ApiError:
    """Return an error that shows the query, a caret under the place, row and column [R]."""
    before = soql[:position]
    row = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1)
    line = soql.split("\n")[row - 1]
    start = max(0, column - _SNIPPET // 2)
    snippet = line[start : start + _SNIPPET]
    caret = " " * (column - start) + "^"
    place = f"ERROR at Row:{row}:Column:{column + 1}"
    return ApiError(400, code, f"\n{snippet}\n{caret}\n{place}\n{message}")


def unescape(token: Token, *, for_like: bool = False) -> str:
    r"""Return the text of a quoted string; for LIKE, `\%` and `\_` stay escaped.

    Raises:
        ValueError: an escape that SOQL does not know.
    """

    def replacement(match: re.Match[str]) -> str:
        mark = match.group(1)
        if mark in {"%", "_"}:
            return f"\\{mark}" if for_like else mark
        if mark.startswith("u") and len(mark) == 5:
            return chr(int(mark[1:], 16))
        if mark.lower() not in _ESCAPES:
            raise ValueError(f"Illegal escape sequence: \\{mark}")
        text = _ESCAPES[mark.lower()]
        return "\\\\" if for_like and text == "\\" else text

    return _ESCAPE.sub(replacement, str(token)[1:-1])


@cache
def _parser() -> Lark:
    return Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=True,
        propagate_positions=False,
    )


class _ToTree(Transformer[Token, Select]):
    """Turns lark's tree into ours, bottom up."""

    def start(self, parts: list[Any]) -> Select:
        at = next(index for index, part in enumerate(parts) if _is(part, "FROM"))
        sobject, alias, where, order, limit, offset = parts[at + 1 :]
        return Select(tuple(parts[1:at]), sobject, alias, where, order or (), limit, offset)

    def alias(self, parts: list[Token]) -> Token:
        return parts[0]

    def field(self, parts: list[Token]) -> FieldItem:
        return FieldItem(parts[0])

    def function(self, parts: list[Token]) -> FunctionItem:
        name, argument, alias = parts
        return FunctionItem(name, argument, alias)

    def where(self, parts: list[Any]) -> Any:
        return parts[1]

    def all_of(self, parts: list[Any]) -> Junction:
        return Junction("and", tuple(part for part in parts if not _is(part, "AND")))

    def any_of(self, parts: list[Any]) -> Junction:
        return Junction("or", tuple(part for part in parts if not _is(part, "OR")))

    def negation(self, parts: list[Any]) -> Negation:
        return Negation(parts[1])

    def comparison(self, parts: list[Any]) -> Comparison:
        path, operator, value = parts
        return Comparison(path, "!=" if operator == "<>" else str(operator), value)

    def like(self, parts: list[Token]) -> Comparison:
        return Comparison(parts[0], "like", Literal("STRING", parts[2]))

    def member(self, parts: list[Any]) -> Membership:
        return Membership(parts[0], False, parts[-1])

    def not_member(self, parts: list[Any]) -> Membership:
        return Membership(parts[0], True, parts[-1])

    def values(self, parts: list[Literal]) -> tuple[Literal, ...]:
        return tuple(parts)

    def subquery(self, parts: list[Select]) -> Select:
        return parts[0]

    def value(self, parts: list[Token]) -> Literal:
        return Literal(parts[0].type, parts[0])

    def order(self, parts: list[Any]) -> tuple[OrderItem, ...]:
        return tuple(parts[2:])

    def order_item(self, parts: list[Token | None]) -> OrderItem:
        words = {part.type for part in parts if part is not None}
        path = parts[0]
        if path is None:
            raise ValueError("An ORDER BY term always begins with a field.")
        return OrderItem(path, "DESC" in words, "LAST" in words)

    def limit(self, parts: list[Token]) -> int:
        return int(float(parts[1]))

    def offset(self, parts: list[Token]) -> int:
        return int(float(parts[1]))


def _is(part: object, kind: str) -> bool:
    return isinstance(part, Token) and part.type == kind
