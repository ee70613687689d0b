"""The Salesforce org of the environment, and how to get a client for it."""

from dataclasses import dataclass, replace

from orchestration.crm.client import Crm
from orchestration.crm.salesforce import connect
from orchestration.local_org import process
from orchestration.settings import Settings, SettingsError


@dataclass(frozen=True)
class Org:
    """The org of the environment. A plain object, so that no secret becomes Dagster config."""

    settings: Settings

    def connect(self) -> Crm:
        """Return a client that logs in at its first call; the local org is started if need be.

        Raises:
            SettingsError: the private key's file is not there.
        """
        login = self.settings.salesforce
        if login.private_key_file and not login.private_key_file.is_file():
            raise SettingsError(
                f"SALESFORCE_PRIVATE_KEY_FILE={str(login.private_key_file)!r} is no file. Give "
                f"the path of the PEM file whose certificate the connected app has."
            )
        if self.settings.environment.is_local:
            running = process.start(
                self.settings.org, self.settings.org_port, self.settings.org_seed
            )
            login = replace(login, host=f"127.0.0.1:{running.port}")
        return connect(login)
