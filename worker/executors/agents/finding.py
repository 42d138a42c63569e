"""Which agents this machine has: those that are configured, and those that the PATH leads to."""

import logging
import shutil
from pathlib import Path

from config.worker import WorkerSettings
from worker.executors.agents.cli import CLIS
from worker.executors.agents.planning import Installed

log = logging.getLogger(__name__)


def find(settings: WorkerSettings, *, search_path: str) -> dict[str, Installed]:
    """Give the agents by kind, and say in the log which there are.

    One that is configured counts as there: its tasks fail with a sentence rather than wait for it in vain.
    """
    found: dict[str, Installed] = {}
    said: dict[str, str] = {}
    for cli in CLIS:
        named: str | None = getattr(settings, cli.name)
        command = cli.name if named is None else str(Path(named).expanduser()) if "/" in named else named
        place = shutil.which(command, path=search_path)
        said[cli.name] = place or ("not found" if named is None else f"{named}: not found")
        if named is not None and place is None:
            fields = {"agent": cli.name, "configured": named}
            log.warning(
                "an agent that is configured is not there: its tasks will fail", extra={"fields": fields}
            )
        if named is not None or place is not None:
            found[cli.kind] = Installed(command, tuple(getattr(settings, f"{cli.name}_models")))
    log.info("agents", extra={"fields": said})
    return found
