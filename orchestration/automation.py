"""When things run: the sync job, its schedule, and the sensor on the landing folder."""

import hashlib
from pathlib import Path

import dagster as dg

from orchestration.killed_runs import close_killed_runs
from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.place import Place, place_of
from orchestration.settings import Settings
from orchestration.sync_lock import SyncLock

sync_job = dg.define_asset_job(
    "sync",
    selection=dg.AssetSelection.all(),
    description="Files and Salesforce in, models built and tested, differences written back.",
)

#: L1. Off until somebody turns it on, in the UI or by `dagster schedule start`: a fresh checkout
#: must not begin to write to an org by itself.
every_quarter_hour = dg.ScheduleDefinition(
    name="every_quarter_hour",
    job=sync_job,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)


#: A look at a folder is free, at a bucket it costs a request per 1,000 objects.
FOLDER_SECONDS, BUCKET_SECONDS = 30, 300


def landing_state(place: Place) -> str | None:
    """Return a digest of names, sizes and times in the landing folder; it moves when files do.

    It looks at what the loader loads: drafts (`.x`) and links out of the folder start nothing. A
    folder that is missing or without files has none.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    digest, has_files = hashlib.sha256(), False
    for found in place.files():
        looks = (found.file, found.size, found.modified_ns, found.version)
        digest.update(f"{looks}\n".encode())
        has_files = True
    return digest.hexdigest() if has_files else None


def watch(landing: Path | BucketUrl) -> dg.SensorDefinition:
    """Return the sensor on a landing folder; how often it looks depends on where that is."""

    @dg.sensor(
        name="landing_files_arrived",
        job=sync_job,
        minimum_interval_seconds=FOLDER_SECONDS if isinstance(landing, Path) else BUCKET_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Starts a sync when files arrive in the landing folder or grow there, once "
        "per change: a sync that fails is not tried again for the same files. The next change or "
        "the schedule does that, or whoever mends the cause, by `touchline run`.",
    )
    def landing_files_arrived(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        """Ask for one run per state of the landing folder."""
        state = landing_state(place_of(settings.landing, settings.data))
        if state is None or state == context.cursor:
            return dg.SkipReason("Nothing new in the landing folder.")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=state)], cursor=state)

    return landing_files_arrived


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts nothing: closes runs whose process was killed, so that the queue goes on.",
)
def runs_were_killed(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason:
    """Do for the queue what the next run would do: it never leaves the queue otherwise."""
    lock = SyncLock(settings.locks, settings.wait_seconds)
    closed = close_killed_runs(context.instance, lock)
    return dg.SkipReason(f"Closed: {', '.join(closed)}." if closed else "No run was killed.")
