"""The back door for trials: faults on demand, jobs that are held, and the proof of writes."""

from orchestration.local_org import bulk_jobs, bulk_worker, faults, record_writes
from orchestration.local_org.admin import bad, filtered
from orchestration.local_org.calls import Call, Reply, not_found


def add_faults(call: Call) -> Reply:
    """Arm faults, one or a list of them; all or, if one of them makes no sense, none."""
    data = call.json()
    try:
        wanted = [faults.read(each) for each in (data if isinstance(data, list) else [data])]
    except (TypeError, ValueError) as error:
        raise bad(str(error)) from error
    call.org.faults.add(wanted)
    return list_faults(call)


def list_faults(call: Call) -> Reply:
    """Return every fault with how many requests it met and how often it fired."""
    return Reply(content=call.org.faults.listed())


def clear_faults(call: Call) -> Reply:
    """Forget all faults, and let go of the jobs that one of them holds."""
    return Reply(content={"removed": call.org.faults.clear(), "resumed": _release(call)})


def resume_job(call: Call) -> Reply:
    """Let go of one job that a fault holds."""
    if not _release(call, call.path["job"]):
        raise not_found()
    return Reply(content={"resumed": 1})


def writes(call: Call) -> Reply:
    """Return what was really written, record by record."""
    with call.org.store.reading() as connection:
        return filtered(call, connection, record_writes.read)


def writes_summary(call: Call) -> Reply:
    """Return it in figures, with what was written twice."""
    with call.org.store.reading() as connection:
        return filtered(call, connection, record_writes.summary)


def clear_writes(call: Call) -> Reply:
    """Empty the proof of writes."""
    with call.org.store.writing() as connection:
        removed = connection.execute("delete from record_writes").rowcount
    return Reply(content={"removed": removed})


def _release(call: Call, job_id: str | None = None) -> int:
    with call.org.store.writing() as connection:
        held = [
            bulk_jobs.change(connection, job, faults=bulk_worker.without_hold(job))
            for job in bulk_jobs.unfinished(connection)
            if bulk_worker.is_held(job) and job_id in {None, job.job_id}
        ]
    for job in held:
        bulk_worker.begin(call.org, job.job_id)
    return len(held)
