"""What a task for an agent may ask for, and what of it can be no answer of an agent."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class AgentTrouble(Exception):
    """This task cannot be given to an agent; the message is for the submitter."""


class Payload(BaseModel):
    """What a worker reads of it; what is for the service and for callbacks is left alone.

    *is_new* says that *session_id* was made for this task, so that it means no older session.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=True, extra="ignore")

    prompt: Annotated[str, Field(min_length=1)]
    session_id: Annotated[str, Field(max_length=200)] | None = None
    is_new: bool | None = None
    # What begins with a dash would be an option of the command line.
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.:/@\[\]-]{0,99}$")] | None = None
    max_cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    resume_latest: bool | None = None
    cwd: str | None = None
