"""What the org says about itself: versions, resources, limits, and tokens."""

from urllib.parse import parse_qsl

from orchestration.local_org import auth
from orchestration.local_org.calls import Call, Reply
from orchestration.local_org.errors import ApiError

OLDEST, RETIRED_BELOW, NEWEST = 31, 31, 68


def versions(_call: Call) -> Reply:
    """Answer `/services/data`, the one address that needs no session."""
    return Reply(
        content=[
            {"label": f"v{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(OLDEST, NEWEST + 1)
        ]
    )


def check_version(version: str) -> None:
    """Refuse versions that Salesforce retired (410) or never had (404).

    Raises:
        ApiError: with that status.
    """
    major = int(version.partition(".")[0])
    if major < RETIRED_BELOW:
        raise ApiError(
            410, "UNSUPPORTED_API_VERSION", "The requested resource is no longer available"
        )
    if major > NEWEST or not version.endswith(".0"):
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def resources(call: Call) -> Reply:
    """Answer `/services/data/vXX.X`."""
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
    return Reply(content={name: f"{call.base}/{name}" for name in names})


def limits(call: Call) -> Reply:
    """Answer `/limits`."""
    most = call.org.usage.limit
    remaining = max(0, most - call.org.usage.used())
    return Reply(
        content={
            "DailyApiRequests": {"Max": most, "Remaining": remaining},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        }
    )


def token(call: Call) -> Reply:
    """Answer `/services/oauth2/token`."""
    form = dict(parse_qsl(call.body.decode(errors="replace")))
    with call.org.store.writing() as connection:
        content = auth.issue_token(
            connection,
            form,
            call.headers.get("authorization", ""),
            instance_url=call.instance_url,
            lifetime_seconds=call.org.settings.session_seconds,
        )
    return Reply(content=content, headers={"Cache-Control": "no-store"})
