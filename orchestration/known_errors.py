"""Errors whose message already says what to do: the command line shows it without a traceback."""

from collections.abc import Mapping

import duckdb
import httpx

from orchestration.crm.client import CrmError
from orchestration.explain.identity import UnknownPersonError
from orchestration.explain.moments import MomentError
from orchestration.explain.tell import NotExplainableError
from orchestration.landing.names import NoSuchFileError
from orchestration.landing.storage_errors import StorageError
from orchestration.local_org.process import OrgProcessError
from orchestration.rule_changes import RuleChangeError
from orchestration.settings import SettingsError
from orchestration.standby import NoStandbyError
from orchestration.sync_lock import SyncLockedError
from orchestration.warehouse import (
    NoWarehouseError,
    WarehouseDamagedError,
    WarehouseLockedError,
)
from orchestration.what_if import WhatIfError
from orchestration.writeback.apply import PlanNotApplicableError
from orchestration.writeback.approval import NotApprovableError
from orchestration.writeback.mapping import MappingError
from orchestration.writeback.plan import NothingToPlanError
from orchestration.writeback.undo import NothingToUndoError, NotSettledError

#: Others' errors that are no fault of ours, and what to add for somebody to know what to do.
_ADVICE: Mapping[type[Exception], str] = {
    PermissionError: "Access was refused: {}. Mend the rights, or run as who owns the file.",
    duckdb.IOException: "The warehouse could not be read or written: {}",
    httpx.HTTPError: "The local org gave no answer: {}. Start it anew: `touchline org stop`, then "
    "`touchline org start`.",
}

KNOWN_ERRORS: tuple[type[Exception], ...] = (
    CrmError,
    MappingError,
    MomentError,
    NoSuchFileError,
    NoStandbyError,
    NoWarehouseError,
    NotApprovableError,
    NotExplainableError,
    NothingToPlanError,
    NothingToUndoError,
    NotSettledError,
    OrgProcessError,
    PlanNotApplicableError,
    RuleChangeError,
    SettingsError,
    StorageError,
    SyncLockedError,
    UnknownPersonError,
    WarehouseDamagedError,
    WarehouseLockedError,
    WhatIfError,
    *_ADVICE,
)


def known_names() -> set[str]:
    """Return the names of all known errors, for where only the name of an error is left."""
    return {each.__name__ for error in KNOWN_ERRORS for each in _family(error)}


def message(name: str, text: str) -> str:
    """Return what to tell people of a known error of that name."""
    for error, advice in _ADVICE.items():
        if name in {each.__name__ for each in _family(error)}:
            return advice.format(text)
    return text


def _family(error: type[BaseException]) -> list[type[BaseException]]:
    return [error, *(below for each in error.__subclasses__() for below in _family(each))]
