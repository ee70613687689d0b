"""The back door to the org's metadata: deploying a package, assigning permission sets."""

from pathlib import Path
from typing import Any

from orchestration.local_org import deploy as deployment
from orchestration.local_org import metadata
from orchestration.local_org.admin import bad
from orchestration.local_org.calls import Call, Reply
from orchestration.local_org.deploy import CHANGED, CREATED, DeployError, Outcome, SourceError
from orchestration.local_org.org import INTEGRATION_USERNAME, left_out


def deploy(call: Call) -> Reply:
    """Deploy a package: `{"folder": "<Salesforce project>"}`; the answer is a DeployResult.

    As with Salesforce, a refused deployment is no error of the request: `success` is false then.
    """
    folder = call.record().get("folder")
    if not isinstance(folder, str):
        raise bad('Give {"folder": "<folder with sfdx-project.json>"}.')
    root = Path(folder)
    try:
        outcomes = deployment.deploy(call.org, root)
    except SourceError as error:
        raise bad(str(error)) from error
    except DeployError as error:
        failures = [_failure(each, root) for each in error.failures]
        return Reply(content=_result(failures=failures))
    return Reply(content=_result(successes=[_success(each, root) for each in outcomes]))


def assign(call: Call) -> Reply:
    """Assign a permission set to the API user: `{"permission_set": "Touchline_Integration"}`."""
    name = call.record().get("permission_set")
    with call.org.store.writing() as connection:
        if not isinstance(name, str) or not metadata.assign(connection, name):
            known = ", ".join(metadata.sets(connection)) or "none: deploy a package first"
            raise bad(f"The org has no permission set {name!r}. It has {known}.")
        call.org.apply_rules(connection)
    return Reply(content={"permission_set": name, "username": INTEGRATION_USERNAME})


def get(call: Call) -> Reply:
    """Say whether the org began bare, and what was deployed to it."""
    with call.org.store.reading() as connection:
        fields = sorted(f"{name}.{each.name}" for name, each in metadata.fields(connection))
        sets = {name: each.is_assigned for name, each in metadata.sets(connection).items()}
        content = {
            "bare": metadata.is_bare(connection),
            "left_out_of_seed": left_out(connection),
            "deployed_fields": fields,
            "permission_sets": sets,
        }
    return Reply(content=content)


def _result(
    successes: list[dict[str, Any]] | None = None, failures: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {
        "success": not failures,
        "status": "Failed" if failures else "Succeeded",
        "numberComponentsDeployed": len(successes or ()),
        "numberComponentErrors": len(failures or ()),
        "details": {
            "componentSuccesses": successes or [],
            "componentFailures": failures or [],
        },
    }


def _success(outcome: Outcome, root: Path) -> dict[str, Any]:
    return {
        **_named(outcome, root),
        "success": True,
        "created": outcome.state == CREATED,
        "changed": outcome.state in {CREATED, CHANGED},
    }


def _failure(outcome: Outcome, root: Path) -> dict[str, Any]:
    return {
        **_named(outcome, root),
        "success": False,
        "problemType": "Error",
        "problem": outcome.problem,
    }


def _named(outcome: Outcome, root: Path) -> dict[str, Any]:
    component = outcome.component
    return {
        "componentType": component.kind,
        "fullName": component.name,
        "fileName": component.file.relative_to(root.resolve()).as_posix(),
    }
