"""Errors whose message already says what to do: the command line shows it without a traceback."""

from orchestration.crm.client import CrmError
from orchestration.local_org.process import OrgProcessError
from orchestration.settings import SettingsError
from orchestration.sync_lock import SyncLockedError
from orchestration.warehouse import WarehouseLockedError
from orchestration.writeback.apply import PlanNotApplicableError
from orchestration.writeback.mapping import MappingError
from orchestration.writeback.plan import NothingToPlanError

KNOWN_ERRORS = (
    CrmError,
    FileNotFoundError,
    MappingError,
    NothingToPlanError,
    OrgProcessError,
    PlanNotApplicableError,
    SettingsError,
    SyncLockedError,
    WarehouseLockedError,
)
