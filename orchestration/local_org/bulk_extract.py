"""What a query job finds: run once, flattened into rows of text, and kept for its pages."""

from collections.abc import Iterator, Sequence

from orchestration.local_org import bulk_csv, bulk_jobs, faults, soql_compiler
from orchestration.local_org.bulk_csv import JobError
from orchestration.local_org.bulk_jobs import Job, Row
from orchestration.local_org.org import Org
from orchestration.local_org.soql_compiler import Compiled, Shape

#: A column of the results: its name, where its value is in a row, and the value's type.
Column = tuple[str, int, str]


def compiled(org: Org, job: Job) -> Compiled:
    """Return the query of a job, ready to run."""
    return soql_compiler.compile_query(
        org.schema, job.soql or "", include_deleted=job.operation == "queryAll", now=org.now()
    )


def columns(shape: Shape) -> list[Column]:
    """Return the columns of a query in the order in which it selects them."""
    return sorted(_leaves(shape, ""), key=lambda column: column[1])


def extract(org: Org, job: Job) -> None:
    """Run the query of a job and keep all that it finds.

    Raises:
        JobError: a fault has the job fail.
    """
    for fault in faults.load(job.faults):
        if fault.kind in {"job_fails", "job_partly"}:
            raise JobError(f"InternalServerError : {fault.message}")
    query = compiled(org, job)
    wanted = columns(query.shape)
    with org.querying() as connection:
        rows = connection.execute(query.select(), query.parameters).fetchall()
    found = (Row(at, bulk_jobs.FOUND, _cells(wanted, row)) for at, row in enumerate(rows))
    with org.store.writing() as connection:
        current = bulk_jobs.find(connection, job.job_id)
        if current is None or current.state != bulk_jobs.RUNNING:
            return  # aborted meanwhile, or completed by another thread
        bulk_jobs.keep_rows(connection, job, found)
        bulk_jobs.change(connection, job, processed=len(rows))


def _cells(wanted: Sequence[Column], row: tuple[object, ...]) -> list[str]:
    return [bulk_csv.shown(row[at], kind) for _, at, kind in wanted]


def _leaves(shape: Shape, prefix: str) -> Iterator[Column]:
    for name, at, kind in shape.leaves:
        yield f"{prefix}{name}", at, kind
    for name, child in shape.children.items():
        yield from _leaves(child, f"{prefix}{name}.")
