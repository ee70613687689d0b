"""The server's open connections, so that one can be cut before its answer."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Connections:
    """What the server holds open; `protocols` is the server's own set, filled once it runs."""

    protocols: set[Any] = field(default_factory=set)

    def cut(self, client: tuple[str, int] | None) -> bool:
        """Close the connection of a client at once, without a word; False if there is none."""
        found = [each for each in tuple(self.protocols) if each.client == client]
        for protocol in found:
            protocol.transport.abort()
        return bool(found)
