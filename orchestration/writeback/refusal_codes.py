"""What each of Salesforce's error codes means for a write, and what to do about it (K5, K7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration.crm.client import Operation


class Handling(StrEnum):
    """What becomes of a record, or of the run, after a refusal."""

    AGAIN = "sent again in the same run, a few times"
    RESTS = "rests until its value, a mapped field of it, or the metadata changes"
    NEXT_BUILD = "left to the next build, which looks for the record that took its place"
    EXISTS = "looked up: it is in Salesforce already"
    STOP = "ends the run; what was not reached is planned again"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one code is dealt with, and the line that the report has for it."""

    handling: Handling
    remedy: str

    @property
    def is_transient(self) -> bool:
        """Whether the same write may succeed later, unchanged."""
        return self.handling in (Handling.AGAIN, Handling.STOP)


_AGAIN, _RESTS, _STOP = Handling.AGAIN, Handling.RESTS, Handling.STOP

_NO_RIGHT = (
    "The integration user may not edit this record: give it access by sharing, or by the "
    "permission set, and run again."
)
_LOCKED = "Somebody else was writing. Nothing to do: the next run tries again."
_LOGIN = "See that the login still works (`touchline doctor`), and run again."
_DOWN = "Salesforce did not answer in time. Nothing to do: the next run tries again."

CODES: Mapping[str, Refusal] = {
    # Rows that pass by themselves.
    "UNABLE_TO_LOCK_ROW": Refusal(_AGAIN, _LOCKED),
    "SERVER_UNAVAILABLE": Refusal(_AGAIN, _DOWN),
    "REQUEST_RUNNING_TOO_LONG": Refusal(_AGAIN, _DOWN),
    "QUERY_TIMEOUT": Refusal(_AGAIN, _DOWN),
    "UNAVAILABLE": Refusal(_AGAIN, _DOWN),
    "OVERTAKEN": Refusal(
        _AGAIN, "Somebody changed the record while we wrote. The next run looks at it afresh."
    ),
    # Rows that stay refused until somebody changes something.
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Refusal(
        _RESTS, "A validation rule of the org objects: exempt the integration user from the rule."
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Refusal(
        _RESTS, "Add the value to the picklist (and to the record type), or map another one."
    ),
    "STRING_TOO_LONG": Refusal(_RESTS, "Make the field longer in Setup, or map another field."),
    "NUMBER_OUTSIDE_VALID_RANGE": Refusal(_RESTS, "Give the field more digits in Setup."),
    "REQUIRED_FIELD_MISSING": Refusal(
        _RESTS, "Fill the fields that the record lacks, or give them defaults in the mapping."
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Refusal(
        _RESTS, "Make the field editable for the integration user (permission set, page layout)."
    ),
    "INVALID_FIELD": Refusal(
        _RESTS, "Make the field visible to the integration user, or take it out of the mapping."
    ),
    "INVALID_TYPE": Refusal(_STOP, "Give the integration user access to the object."),
    "INVALID_EMAIL_ADDRESS": Refusal(_RESTS, "Mend the record's email address in Salesforce."),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": Refusal(
        _RESTS, "The field has another type than the metric: map a field of the right type."
    ),
    "DUPLICATES_DETECTED": Refusal(
        _RESTS, "A duplicate rule objects: merge the records, or exempt the integration user."
    ),
    "DUPLICATE_VALUE": Refusal(
        _RESTS,
        "Another record has this value in a field that takes each value once, an external id "
        "perhaps: mend it there, merge the two, or map another field.",
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": Refusal(_RESTS, _NO_RIGHT),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Refusal(_RESTS, _NO_RIGHT),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Refusal(
        _RESTS, "A trigger or flow of the org failed on the record: its text says which."
    ),
    "INVALID_CROSS_REFERENCE_KEY": Refusal(
        Handling.NEXT_BUILD, "The record, or one that it points to, is gone or hidden."
    ),
    "CANNOT_UPDATE_CONVERTED_LEAD": Refusal(
        Handling.NEXT_BUILD, "The lead was converted. Nothing to do: its contact takes over."
    ),
    "ENTITY_IS_DELETED": Refusal(
        Handling.NEXT_BUILD, "Deleted or merged. Nothing to do: a winner takes over, if any."
    ),
    # What ends a run: it is not about the record at all.
    "REQUEST_LIMIT_EXCEEDED": Refusal(
        _STOP, "The org's calls are used up. Run again later, or less often."
    ),
    "LIMIT": Refusal(_STOP, "The day's API calls are used up. Run again later, or less often."),
    "STORAGE_LIMIT_EXCEEDED": Refusal(_STOP, "The org's storage is full: free some of it."),
    "INVALID_SESSION_ID": Refusal(_STOP, _LOGIN),
    "LOGIN": Refusal(_STOP, _LOGIN),
    "FORBIDDEN": Refusal(_STOP, _LOGIN),
    "API_CURRENTLY_DISABLED": Refusal(_STOP, "Enable the API for the org and the user."),
    "API_DISABLED_FOR_ORG": Refusal(_STOP, "Enable the API for the org and the user."),
    "MISSING_OBJECT": Refusal(_STOP, "Give the integration user access to the object."),
}

#: What means something else where a record was to be created.
_ON_CREATIONS: Mapping[str, Refusal] = {
    "DUPLICATE_VALUE": Refusal(
        Handling.EXISTS, "Another record has this unique value: find it, and merge or mend it."
    ),
}

_UNKNOWN = Refusal(
    _RESTS, "Salesforce's own words say what it objects to; see `touchline ledger --failed`."
)


def refusal(code: str, operation: Operation = "update") -> Refusal:
    """Return how a code is dealt with; one that nobody foresaw rests."""
    known = CODES.get(code, _UNKNOWN)
    return _ON_CREATIONS.get(code, known) if operation == "create" else known
