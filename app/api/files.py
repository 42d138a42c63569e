"""File work over HTTP: read, write, edit; each is a task like any other."""

from __future__ import annotations

from typing import Any

from app.api import answers, models, submissions
from app.api.routing import CLIENT, Call, Routes
from app.domain.kinds import Kind

routes = Routes("files")


@routes(
    "POST",
    "/files/read",
    roles=CLIENT,
    body=models.ReadFile,
    query=models.Wait,
    answers=answers.Accepted,
    limited=True,
)
async def read_file(call: Call[models.ReadFile, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit the reading of a file; the result's ``stdout`` is its content."""
    return await submissions.place(call, Kind.FILE_READ, call.body)


@routes(
    "POST",
    "/files/write",
    roles=CLIENT,
    body=models.WriteFile,
    query=models.Wait,
    answers=answers.Accepted,
    limited=True,
)
async def write_file(call: Call[models.WriteFile, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit the writing of a file: exactly these bytes, at once or not at all."""
    return await submissions.place(call, Kind.FILE_WRITE, call.body)


@routes(
    "POST",
    "/files/edit",
    roles=CLIENT,
    body=models.EditFile,
    query=models.Wait,
    answers=answers.Accepted,
    limited=True,
)
async def edit_file(call: Call[models.EditFile, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit an exact replacement in a file."""
    return await submissions.place(call, Kind.FILE_EDIT, call.body)
