"""`lodeline-server roles`: who may do what in the database, on PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from service.config import Settings, SettingsError
from service.console import JsonOption, answer, opened


def roles(
    ctx: typer.Context,
    api: Annotated[str, typer.Option(help="Role that the service runs as: it appends, and can change no entry.")] = "",
    reader: Annotated[str, typer.Option(help="Role that reads the log and its index, and nothing private.")] = "",
    create: Annotated[
        bool, typer.Option("--create", help="Make roles that are not there, without a password.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Give the roles of a PostgreSQL database their rights. Run it as the owner of the tables.

    `migrate` and `rebuild` keep these rights up; nothing has to be done again after them.
    """
    from service.storage.roles import Roles, create_roles, grant_rights
    from service.usecases.reference import check_step

    settings: Settings = ctx.obj
    wanted = Roles(api, reader)
    if not any(wanted) or api == reader:
        raise SettingsError("Name one role with --api, another with --reader, or both.")
    with opened(settings) as (store, _):
        if store.sqlite:
            raise SettingsError(
                "Roles are for PostgreSQL: set LODELINE_DATABASE. On SQLite the file's mode says who may."
            )
        check_step(store)
        with store.writing() as conn:
            made = create_roles(conn, wanted) if create else []
            grant_rights(conn, wanted)
    answer({"api": api, "reader": reader, "created": ", ".join(made)}, as_json)
