"""From a SOQL tree to parameterised SQLite SQL, and from its rows back to records."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from lark import Token

from orchestration.local_org import identifiers, soql_dates, soql_parser, values
from orchestration.local_org.errors import ApiError
from orchestration.local_org.schema import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, Field, Schema
from orchestration.local_org.soql_parser import (
    Comparison,
    Condition,
    FieldItem,
    FunctionItem,
    Junction,
    Literal,
    Membership,
    Negation,
    Select,
)
from orchestration.local_org.soql_scope import Scope
from orchestration.local_org.store import quoted

MAX_OFFSET = 2000
_ROOT = "t"
_AGGREGATES = {"count", "count_distinct", "min", "max", "sum", "avg"}


@dataclass
class Shape:
    """How one record is built from a row: its own leaves, and the records it refers to."""

    type_name: str
    id_at: int
    type_at: int | None = None
    leaves: list[tuple[str, int, str]] = field(default_factory=list)
    children: "dict[str, Shape]" = field(default_factory=dict)

    def build(self, row: tuple[Any, ...], base: str) -> dict[str, Any] | None:
        """Return the record as REST shows it, or None if the reference is empty."""
        identifier = row[self.id_at]
        if identifier is None:
            return None
        name = row[self.type_at] if self.type_at is not None else self.type_name
        record: dict[str, Any] = {
            "attributes": {"type": name, "url": f"{base}/sobjects/{name}/{identifier}"}
        }
        for key, at, kind in self.leaves:
            value = row[at]
            record[key] = bool(value) if kind == "boolean" else value
        for key, shape in self.children.items():
            record[key] = shape.build(row, base)
        return record


@dataclass(frozen=True)
class Compiled:
    """A query ready to run; `parameters` belong to `condition`, the only part with values."""

    columns: tuple[str, ...]
    joins: str
    table: str
    condition: str
    ordering: str
    window: str
    parameters: tuple[Any, ...]
    shape: Shape
    is_count: bool = False
    aggregates: tuple[str, ...] = ()

    def select(self) -> str:
        """Return the SQL for the records, or for their number."""
        if self.is_count:
            return f"select count(*) from (select 1 {self._source()})"
        return f"select {', '.join(self.columns)} {self._source()}"

    def select_ids(self) -> str:
        """Return the SQL for all matching ids, in the order of the records."""
        return f'select {_ROOT}."Id" {self._source()}'

    def select_page(self) -> str:
        """Return the SQL for the records of one JSON array of ids (its only parameter)."""
        return (
            f"select {', '.join(self.columns)} from json_each(?) as page "
            f'join {self.table} as {_ROOT} on {_ROOT}."Id" = page.value {self.joins} '
            f"order by page.key"
        )

    def _source(self) -> str:
        ordering = "" if self.is_count or self.aggregates else self.ordering
        return (
            f"from {self.table} as {_ROOT} {self.joins} where {self.condition} "
            f"{ordering} {self.window}"
        )


def compile_query(
    schema: Schema, soql: str, *, include_deleted: bool, now: datetime | None = None
) -> Compiled:
    """Compile a query against the schema; `include_deleted` is queryAll.

    Raises:
        ApiError: MALFORMED_QUERY, INVALID_FIELD or INVALID_TYPE, worded as Salesforce does.
    """
    moment = now or datetime.now(UTC)
    select = soql_parser.parse(soql)
    return _Compiler(schema, soql, select, include_deleted=include_deleted, now=moment).compile()


class _Compiler:
    """Compiles one SELECT; a subquery gets a compiler of its own."""

    def __init__(
        self,
        schema: Schema,
        soql: str,
        select: Select,
        *,
        include_deleted: bool,
        now: datetime,
        level: int = 0,
    ) -> None:
        root = _ROOT if level == 0 else f"{_ROOT}{level}_"
        self._schema = schema
        self._select = select
        self._scope = Scope(schema, soql, select, root)
        self._soql = soql
        self._include_deleted = include_deleted
        self._now = now
        self._level = level
        self._columns: list[str] = []
        self._parameters: list[Any] = []

    def compile(self) -> Compiled:
        select = self._select
        is_count = self._is_bare_count(select)
        functions = [item for item in select.items if isinstance(item, FunctionItem)]
        shape = Shape(self._scope.sobject.name, 0)
        aggregates: tuple[str, ...] = ()
        if functions and not is_count:
            aggregates = self._aggregates(select, functions)
        elif not is_count:
            shape = self._fields(select)
        condition = self._where(select)
        return Compiled(
            columns=tuple(self._columns),
            ordering=self._order(select),
            joins=self._scope.joins,
            table=quoted(self._scope.sobject.name),
            condition=condition,
            window=self._window(select),
            parameters=tuple(self._parameters),
            shape=shape,
            is_count=is_count,
            aggregates=aggregates,
        )

    def compile_subquery(self) -> tuple[str, list[Any]]:
        """Return the SQL of a semi-join's right side and its parameters."""
        select = self._select
        if len(select.items) != 1 or not isinstance(select.items[0], FieldItem):
            raise self._malformed(select.sobject, "a nested query must select exactly one field")
        column, _ = self._scope.resolve(select.items[0].path)
        condition = self._where(select)
        table = quoted(self._scope.sobject.name)
        sql = (
            f"select {column} from {table} as {self._scope.root} {self._scope.joins} "
            f"where ({condition}) and {column} is not null"
        )
        return sql, self._parameters

    # -- what is selected ---------------------------------------------------------------

    def _fields(self, select: Select) -> Shape:
        shape = Shape(self._scope.sobject.name, self._column(f'{self._scope.root}."Id"'))
        seen: set[str] = set()
        for item in select.items:
            if isinstance(item, FunctionItem):
                continue
            parts = self._scope.path(item.path)
            name = ".".join(parts).lower()
            if name in seen:
                raise ApiError(400, "MALFORMED_QUERY", f"duplicate field selected: {item.path}")
            seen.add(name)
            self._add_leaf(shape, parts, item.path)
        return shape

    def _add_leaf(self, shape: Shape, parts: tuple[str, ...], token: Token) -> None:
        for depth in range(1, len(parts)):
            alias, target, reference = self._scope.join(parts[:depth], token)
            key = reference.relationship or ""
            if key not in shape.children:
                child = Shape(target.name, self._column(f'{alias}."Id"'))
                if target.union_of:
                    child.type_at = self._column(f'{alias}."Type"')
                shape.children[key] = child
            shape = shape.children[key]
        column, leaf = self._scope.resolve(token)
        shape.leaves.append((leaf.name, self._column(column), leaf.type))

    def _column(self, sql: str) -> int:
        self._columns.append(sql)
        return len(self._columns) - 1

    def _aggregates(self, select: Select, functions: list[FunctionItem]) -> tuple[str, ...]:
        if len(functions) != len(select.items):
            plain = next(item for item in select.items if isinstance(item, FieldItem))
            raise self._malformed(plain.path, f"Field must be grouped or aggregated: {plain.path}")
        names = []
        for number, item in enumerate(functions):
            word = item.name.lower()
            if word not in _AGGREGATES or item.argument is None:
                raise self._malformed(item.name, f"unexpected token: '{item.name}'")
            column, _ = self._scope.resolve(item.argument)
            self._column(
                f"count(distinct {column})" if word == "count_distinct" else f"{word}({column})"
            )
            names.append(str(item.alias) if item.alias else f"expr{number}")
        return tuple(names)

    def _is_bare_count(self, select: Select) -> bool:
        item = select.items[0]
        return (
            len(select.items) == 1
            and isinstance(item, FunctionItem)
            and item.name.lower() == "count"
            and item.argument is None
        )

    # -- where --------------------------------------------------------------------------

    def _where(self, select: Select) -> str:
        conditions = []
        if select.where is not None:
            conditions.append(self._condition(select.where, exact=False))
        if self._scope.sobject.is_soft_deleted and not self._include_deleted:
            conditions.append(f'{self._scope.root}."IsDeleted" = 0')
        return " and ".join(conditions) or "1"

    def _condition(self, node: Condition, *, exact: bool) -> str:
        """Compile a condition; `exact` where SQL's third truth value would show (under NOT)."""
        if isinstance(node, Junction):
            parts = (self._condition(each, exact=exact) for each in node.conditions)
            return "(" + f" {node.word} ".join(parts) + ")"
        if isinstance(node, Negation):
            return f"not {self._condition(node.condition, exact=True)}"
        sql = self._comparison(node) if isinstance(node, Comparison) else self._membership(node)
        return f"ifnull(({sql}), 0)" if exact else f"({sql})"

    def _comparison(self, node: Comparison) -> str:
        column, found = self._scope.resolve(node.path, use="filtered")
        if node.value.kind == "DATE_LITERAL":
            return self._date_range(node, column, found)
        value = self._value(node.path, found, node.value, for_like=node.operator == "like")
        if value is None:
            if node.operator in {"=", "!="}:
                return f"{column} is {'not ' if node.operator == '!=' else ''}null"
            return "0"
        self._parameters.append(value)
        if node.operator == "like":
            return f"{column} like ? escape '\\'"
        # "Not equal" finds the empty ones too, as SOQL does.
        return f"{column} {'is not' if node.operator == '!=' else node.operator} ?"

    def _membership(self, node: Membership) -> str:
        column, found = self._scope.resolve(node.path, use="filtered")
        word = "not in" if node.is_negated else "in"
        if isinstance(node.choices, Select):
            inner = _Compiler(
                self._schema,
                self._soql,
                node.choices,
                include_deleted=self._include_deleted,
                now=self._now,
                level=self._level + 1,
            )
            sql, parameters = inner.compile_subquery()
            self._parameters.extend(parameters)
            return f"{column} {word} ({sql})"
        chosen = [self._value(node.path, found, each) for each in node.choices]
        filled = [each for each in chosen if each is not None]
        self._parameters.extend(filled)
        marks = ", ".join("?" * len(filled))
        if node.is_negated:
            return (
                f"({column} is not null and {column} not in ({marks}))"
                if None in chosen
                else f"({column} is null or {column} not in ({marks}))"
            )
        return f"({column} in ({marks}){f' or {column} is null' if None in chosen else ''})"

    def _date_range(self, node: Comparison, column: str, found: Field) -> str:
        literal = str(node.value.token)
        days = soql_dates.date_range(literal, self._now.date())
        if days is None:
            raise self._malformed(node.value.token, f"unexpected token: '{literal}'")
        if found.type not in {"date", "datetime"}:
            raise self._wrong_type(node.path, found)
        start, end = (self._day(each, found) for each in days)
        if node.operator in {"=", "!="}:
            self._parameters.extend((start, end))
            inside = f"{column} >= ? and {column} < ?"
            return inside if node.operator == "=" else f"not ifnull(({inside}), 0)"
        operator, bound = {
            "<": ("<", start),
            "<=": ("<", end),
            ">": (">=", end),
            ">=": (">=", start),
        }[node.operator]
        self._parameters.append(bound)
        return f"{column} {operator} ?"

    def _day(self, day: date, found: Field) -> str:
        if found.type == "date":
            return day.isoformat()
        return values.now_text(datetime(day.year, day.month, day.day, tzinfo=UTC))

    def _value(
        self, path: Token, found: Field, literal: Literal, *, for_like: bool = False
    ) -> str | int | float | None:
        """Return the SQL parameter for a literal; None stands for null and for ''."""
        kind, token = literal.kind, literal.token
        if kind == "NULL":
            return None
        if kind == "STRING" and (found.type in TEXT_TYPES or found.type in ID_TYPES):
            return self._text(found, token, for_like=for_like)
        if kind in {"TRUE", "FALSE"} and found.type == "boolean":
            return int(kind == "TRUE")
        if kind == "NUMBER" and found.type in NUMBER_TYPES:
            return float(token)
        if kind == "DATE" and found.type == "date":
            return str(token)
        if kind == "DATETIME" and found.type == "datetime":
            moment = values.parse_datetime(str(token))
            if moment is not None:
                return values.now_text(moment)
        raise self._wrong_type(path, found, quoted_value=kind == "STRING")

    def _text(self, found: Field, token: Token, *, for_like: bool) -> str | None:
        try:
            text = soql_parser.unescape(token, for_like=for_like)
        except ValueError as error:
            raise self._malformed(token, str(error)) from error
        if found.type in TEXT_TYPES or not text or for_like:
            return text or None
        identifier = identifiers.canonical(text)
        if identifier is None:
            raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
        return identifier

    def _wrong_type(self, path: Token, found: Field, *, quoted_value: bool = False) -> ApiError:
        kind = "dateTime" if found.type == "datetime" else found.type
        tail = " and should not be enclosed in quotes" if quoted_value else ""
        text = f"value of filter criterion for field '{path}' must be of type {kind}{tail}"
        return soql_parser.located("INVALID_FIELD", self._soql, path.start_pos or 0, text)

    # -- order, limit, offset -----------------------------------------------------------

    def _order(self, select: Select) -> str:
        terms = []
        for item in select.order:
            column, _ = self._scope.resolve(item.path, use="sorted")
            direction = "desc" if item.is_descending else "asc"
            terms.append(f"{column} {direction} nulls {'last' if item.nulls_last else 'first'}")
        # Salesforce promises no order without ORDER BY; ours is steady so that pages are, too.
        terms.append(f'{self._scope.root}."Id"')
        return f"order by {', '.join(terms)}"

    def _window(self, select: Select) -> str:
        if select.offset is not None and select.offset > MAX_OFFSET:
            raise ApiError(
                400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            )
        if select.limit is None and select.offset is None:
            return ""
        limit = -1 if select.limit is None else select.limit
        return f"limit {limit} offset {select.offset or 0}"

    def _malformed(self, token: Token, message: str) -> ApiError:
        return soql_parser.malformed(self._soql, token.start_pos or 0, message)
