"""Where in Salesforce Setup an admin finds what a finding is about."""

from collections.abc import Mapping, Sequence

#: Where Object Settings list an object under another word than its name with an s.
_PLURALS: Mapping[str, str] = {"EmailMessage": "Email Messages", "CampaignMember": "Campaigns"}

#: What the login may do to these hangs on others' rights, or on rights of the user.
_INDIRECT: Mapping[str, str] = {
    "Task": "System Permissions: enable Access Activities and Edit Tasks",
    "EmailMessage": "System Permissions: enable Access Activities and Edit Tasks",
    "EmailMessageRelation": "System Permissions: enable Access Activities and Edit Tasks",
    "CampaignMember": "Object Settings > Campaigns: enable Read and Edit",
    "User": "System Permissions: enable View All Users",
}

_SET = "Setup > Permission Sets > Touchline Integration"


def object_access(name: str, rights: Sequence[str]) -> str:
    """Say where the login is given rights to an object."""
    if name in _INDIRECT:
        return f"{_SET} > {_INDIRECT[name]}."
    return f"{_SET} > Object Settings > {_plural(name)}: enable {', '.join(rights)}."


def field_access(name: str, field: str) -> str:
    """Say where the login is given access to a field."""
    return (
        f"{_SET} > Object Settings > {_plural(name)} > Field Permissions: enable Read and Edit "
        f"Access for {field}."
    )


def new_field(name: str, field: str) -> str:
    """Say how a field comes to be: by our package, by hand, or by being shown."""
    if not field.endswith("__c"):
        return field_access(name, field)
    package = "Deploy the package (salesforce/README.md), or " if "Touchline_" in field else ""
    made = f"{package}create it: Setup > Object Manager > {manager(name)} > Fields & Relationships"
    return f"{made[0].upper()}{made[1:]} > New. If it is there: {field_access(name, field)}"


def values_of(name: str, label: str) -> str:
    """Say where a field is edited."""
    return f"Setup > Object Manager > {manager(name)} > Fields & Relationships > {label}"


def manager(name: str) -> str:
    """Return the object as the Object Manager names it: custom fields of tasks are Activity's."""
    return {"Task": "Activity", "EmailMessage": "Email Message"}.get(name, name)


def _plural(name: str) -> str:
    return _PLURALS.get(name, f"{name}s")
