"""What went wrong in a run: Dagster's events turned into lines that say what to do next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.known_errors import known_names, message

#: Dagster's record of an exception; it does not export the class.
Error = Any

#: What each step does, in words for somebody who watches it.
STEPS = {
    "load_landing_files": "Loading landing files",
    "raw__networks": "Reading network lists",
    "take_salesforce_snapshot": "Reading Salesforce",
    "build_models": "Building and testing models",
    "writeback__plan": "Planning the writeback",
    "apply_plan": "Writing differences to Salesforce",
    "published__read_copy": "Publishing the read copy",
}


def problems(result: dg.ExecuteInProcessResult, log: Path) -> Iterator[str]:
    """Yield one text per problem of a run; whatever has a traceback leaves it in `log`.

    A run that did not succeed always has one.
    """
    found = False
    for event in result.all_events:
        if event.is_step_failure:
            step = STEPS.get(event.step_key or "", event.step_key)
            yield f"{step} failed: {_told(event.step_failure_data.error, log)}"
        elif event.event_type == dg.DagsterEventType.RESOURCE_INIT_FAILURE:
            yield _told(event.engine_event_data.error, log)
        else:
            continue
        found = True
    if not (found or result.success):
        yield _told(result.get_run_failure_event().job_failure_data.error, log)


def was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Tell whether somebody ended the run by Ctrl-C or by ending its process kindly."""
    return any(
        event.event_type == dg.DagsterEventType.RUN_FAILURE
        and event.job_failure_data.failure_reason is not None
        and event.job_failure_data.failure_reason.value == "UNEXPECTED_TERMINATION"
        for event in result.all_events
    )


def _told(error: Error | None, log: Path) -> str:
    """Return the message of an error that says what to do; of any other, and where to look."""
    if error is None:
        return f"it gave no reason. See {log}."
    cause = error.cause or error
    with log.open("a", encoding="utf-8") as words:
        words.write(error.to_string())
    text = str(cause.message).strip()
    if cause.cls_name in known_names() | {dg.Failure.__name__}:
        return message(cause.cls_name, text.partition(": ")[2])
    return f"{text}. This is a fault of Touchline's; {log} has the traceback."
