"""`touchline metadata`: the custom fields and the permission set as a Salesforce package (I9)."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.settings import Settings
from orchestration.terminal.console import Json, out, print_json, say_warning


def metadata(
    out_folder: Annotated[
        Path, typer.Option("--out", file_okay=False, help="The package's folder.")
    ],
    as_json: Json = False,
) -> None:
    """Write the custom fields and the permission set that the mapping needs, ready to deploy.

    They are in Salesforce's source format, with a README that says how to deploy them. Fields of
    your own that the mapping names are not among them.
    """
    from orchestration.writeback.mapping import load_mapping
    from orchestration.writeback.package import make_package, write_package
    from orchestration.writeback.vocabularies import read_vocabularies

    settings = Settings.from_environment()
    vocabularies = read_vocabularies(settings.dbt_project / "seeds")
    package = make_package(load_mapping(settings.mapping), vocabularies)
    write_package(package, out_folder)
    fields = sum(path.endswith(".field-meta.xml") for path in package.files)
    if as_json:
        print_json({"files": list(package.files), "left_out": list(package.left_out)})
        return
    out.print(f"{fields} fields and a permission set are in {out_folder}.")
    for each in package.left_out:
        say_warning(f"Not in the package: {each}.")
    out.print(f"How to deploy them: {out_folder / 'README.md'}")
