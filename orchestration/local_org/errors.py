"""The two shapes in which the org says no: for a whole request, and for one row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """A request that fails as a whole: `[{"message", "errorCode"}]` under an HTTP status."""

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, Any]]:
        """Return the JSON body; `fields` appears only where Salesforce names fields."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]


class OAuthError(Exception):
    """A refused token request: `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


@dataclass(frozen=True)
class RowError:
    """Why one row was not saved: `{"statusCode", "message", "fields"}`."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """Return the row's error as Collections report it."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


def unwritable(names: Iterable[str]) -> RowError:
    """Return the error for fields that exist but may not be written."""
    fields = tuple(names)
    return RowError(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings "
        f"of this field and verify that it is read/write for your profile or permission set.",
        fields,
    )


class RowRejected(Exception):  # noqa: N818 - a verdict on one row, collected and reported
    """Raised while one value or row is checked; carries the row error to report."""

    def __init__(self, error: RowError) -> None:
        super().__init__(error.message)
        self.error = error


def reject(code: str, message: str, *fields: str) -> RowRejected:
    """Return the exception that fails one row."""
    return RowRejected(RowError(code, message, fields))
