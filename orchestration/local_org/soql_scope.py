"""What the names in one SELECT mean: its object, its fields, and the joins its paths need."""

from lark import Token

from orchestration.local_org import soql_parser
from orchestration.local_org.schema import Field, Schema, SObject
from orchestration.local_org.soql_parser import Select
from orchestration.local_org.store import quoted

MAX_RELATIONSHIPS = 5
_REFERENCE_HINT = "Please reference your WSDL or the describe call for the appropriate names."


class Scope:
    """The names of one SELECT; joins are made on first use.

    Raises:
        ApiError: INVALID_TYPE when the org has no such object.
    """

    def __init__(self, schema: Schema, soql: str, select: Select, root: str) -> None:
        self.root = root
        self._schema = schema
        self._soql = soql
        self._joins: dict[tuple[str, ...], tuple[str, SObject]] = {}
        self._join_sql: list[str] = []
        self.sobject = self._find_object(select)
        self._names = {self.sobject.name.lower()}
        if select.alias is not None:
            self._names.add(select.alias.lower())

    @property
    def joins(self) -> str:
        """The joins that the names resolved so far need."""
        return " ".join(self._join_sql)

    def _find_object(self, select: Select) -> SObject:
        found = self._schema.find(select.sobject)
        if found is None or found.union_of:
            raise soql_parser.located(
                "INVALID_TYPE",
                self._soql,
                select.sobject.start_pos or 0,
                f"sObject type '{select.sobject}' is not supported. If you are attempting to use a "
                f"custom object, be sure to append the '__c' after the entity name. "
                f"{_REFERENCE_HINT}",
            )
        return found

    def path(self, token: Token) -> tuple[str, ...]:
        """Split a path, without the object's name or alias in front."""
        parts = token.split(".")
        return tuple(parts[1:] if len(parts) > 1 and parts[0].lower() in self._names else parts)

    def resolve(self, token: Token, *, use: str = "selected") -> tuple[str, Field]:
        """Return the column and the field behind a path, to be selected, filtered or sorted.

        Raises:
            ApiError: INVALID_FIELD, with the place in the query.
        """
        parts = self.path(token)
        alias, sobject = self.root, self.sobject
        if len(parts) > 1:
            alias, sobject, _ = self.join(parts[:-1], token)
        found = sobject.find(parts[-1])
        if found is None:
            raise soql_parser.located(
                "INVALID_FIELD",
                self._soql,
                token.start_pos or 0,
                f"No such column '{parts[-1]}' on entity '{sobject.name}'. If you are attempting "
                f"to use a custom field, be sure to append the '__c' after the custom field name. "
                f"{_REFERENCE_HINT}",
            )
        if use != "selected" and not found.is_filterable:
            raise soql_parser.located(
                "INVALID_FIELD",
                self._soql,
                token.start_pos or 0,
                f"field '{found.name}' can not be {use} in a query call",
            )
        return f"{alias}.{quoted(found.name)}", found

    def join(self, parts: tuple[str, ...], token: Token) -> tuple[str, SObject, Field]:
        """Return alias and object at the end of a relationship path, joined on first use."""
        alias, sobject = self.root, self.sobject
        reference: Field | None = None
        for depth, part in enumerate(parts, start=1):
            reference = sobject.find_relationship(part)
            target = self._target(reference)
            if reference is None or target is None or depth > MAX_RELATIONSHIPS:
                raise soql_parser.located(
                    "INVALID_FIELD",
                    self._soql,
                    token.start_pos or 0,
                    f"Didn't understand relationship '{part}' in field path. If you are attempting "
                    f"to use a custom relationship, be sure to append the '__r' after the custom "
                    f"relationship name. {_REFERENCE_HINT}",
                )
            key = tuple(each.lower() for each in parts[:depth])
            if key not in self._joins:
                joined = f"{self.root}j{len(self._joins)}"
                self._joins[key] = (joined, target)
                self._join_sql.append(
                    f"left join {quoted(target.name)} as {joined} "
                    f'on {joined}."Id" = {alias}.{quoted(reference.name)}'
                )
            alias, sobject = self._joins[key]
        if reference is None:
            raise ValueError("A relationship path has at least one part.")
        return alias, sobject, reference

    def _target(self, reference: Field | None) -> SObject | None:
        if reference is None:
            return None
        # What may refer to several objects is seen through what they share: the Name object.
        name = "Name" if len(reference.references) > 1 else reference.references[0]
        return self._schema.find(name)
