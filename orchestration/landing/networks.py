"""Network lists given as files (C1): addresses of the team, of clouds, of privacy relays."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from orchestration.landing.piece import Frames
from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse

#: What a list may be of: the name of its file or folder says it.
KINDS = ("own", "datacenter", "privacy_relay")
SUFFIXES = (".csv", ".txt")

_AS_MODELS_READ_IT = re.compile(r"[0-9A-Fa-f:.]+(/\d+)?")

_SCHEMA = {"network_kind": pl.String, "cidr": pl.String, "file": pl.String, "line": pl.Int64}

_IS_AS_KNOWN = """
select count(*) = 0
from (
    (select network_kind, cidr, file, line from raw.networks
        except all select network_kind, cidr, file, line from lists)
    union all
    (select network_kind, cidr, file, line from lists
        except all select network_kind, cidr, file, line from raw.networks)
)
"""

_REPLACE = """
insert into raw.networks (network_kind, cidr, file, line, problem, loaded_at)
select network_kind, cidr, file, line, problem, ?
from judged
"""


@dataclass(frozen=True)
class NetworkLists:
    """How many networks the lists name, in how many files, and which lines name none."""

    files: int
    networks: int
    problems: tuple[str, ...]


def load_networks(warehouse: Warehouse, folder: Path) -> NetworkLists:
    """Take the lists as they are now: raw.networks holds their lines and nothing of earlier ones.

    A list is `<kind>.csv`, `<kind>.txt` or any such file in a folder `<kind>`. Its lines begin with
    a network (CIDR) or an address; what follows a comma or a # is passed over, so that Apple's
    `egress-ip-ranges.csv` can be used as it is. A line that names no network is kept with its
    problem, and the rest counts.

    Raises:
        OSError: a list cannot be read.
        WarehouseLockedError: another process kept the warehouse for too long.
    """
    files = sorted(_lists(folder)) if folder.is_dir() else []
    lines = [row for kind, path in files for row in _lines(kind, path, folder)]
    lists = pl.DataFrame(lines, schema=_SCHEMA, orient="row")
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        frames = Frames(connection)
        frames.put("lists", lists)
        if connection.execute(_IS_AS_KNOWN).fetchall() != [(True,)]:
            judged = [_problem(cidr) for cidr in lists["cidr"]]
            frames.put("judged", lists.with_columns(pl.Series("problem", judged, pl.String)))
            now = datetime.now(UTC).replace(tzinfo=None)
            connection.execute("begin")
            connection.execute("delete from raw.networks")
            connection.execute(_REPLACE, [now])
            connection.execute("commit")
        problems = network_problems(connection, folder)
    return NetworkLists(len(files), lists.height - len(problems), problems)


def network_problems(connection: DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    """Return, for each line of the lists that names no network, where it is and what to do."""
    rows = connection.execute(
        "select file, line, cidr, problem from raw.networks where problem is not null "
        "order by file, line"
    ).fetchall()
    return tuple(
        f"{folder / file}, line {line}: {cidr!r} {problem}" for file, line, cidr, problem in rows
    )


def _lists(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.suffix.lower() in SUFFIXES and not place.name.startswith("."):
            kind = place.parts[0] if len(place.parts) > 1 else place.stem
            if kind in KINDS:
                yield kind, path


def _lines(kind: str, path: Path, folder: Path) -> Iterator[tuple[str, str, str, int]]:
    file = str(path.relative_to(folder))
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        network = line.partition("#")[0].partition(",")[0].strip().strip('"')
        is_header = number == 1 and not any(letter in network for letter in ".:")
        if network and not is_header:
            yield kind, network, file, number


def _problem(network: str) -> str | None:
    try:
        named = ipaddress.ip_network(network, strict=False)
    except ValueError:
        named = None
    # Masks, and IPv4 within IPv6, are networks to Python, and none to the models.
    if named is None or not _AS_MODELS_READ_IT.fullmatch(network) or _is_mapped(named):
        return "is no network. Write it as 192.0.2.0/24 or 2001:db8::/32."
    return None


def _is_mapped(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    first = network.network_address
    return isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped is not None
