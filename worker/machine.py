"""What this machine can do for tasks and what its owner lets them do, read from settings and files."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config import logs
from config.worker import WorkerSettings
from worker import environment
from worker.executors import registry
from worker.executors.agents import finding
from worker.executors.agents.planning import Planner
from worker.executors.agents.recent import Recents
from worker.executors.agents.running import Agents
from worker.executors.agents.sessions import Sessions
from worker.executors.command import Commands
from worker.orders import Executor
from worker.policy.guarding import Guard
from worker.sandboxing.sandboxes import Sandboxes
from worker.vault import Vault


@dataclass(frozen=True)
class Machine:
    """The parts that know of no service: what runs a task, and what decides whether and how it may run."""

    env: Mapping[str, str]
    vault: Vault
    sandboxes: Sandboxes
    recents: Recents
    executors: Mapping[str, Executor]
    guard: Guard


def prepare(settings: WorkerSettings, sessions: Sessions, *, hidden: Iterable[Path]) -> Machine:
    """Read policy and secrets, try the sandboxes, look for agents; from now on logs are masked.

    No sandbox shows our own files and those that are *hidden*. Raises ``PolicyFaulty``, ``SecretsFaulty``
    and ``OSError``.
    """
    env = environment.build(search_path=settings.path)
    vault = Vault(
        settings.secrets,
        must_exist="secrets" in settings.model_fields_set,
        hidden={settings.token.get_secret_value(), *settings.callback_secrets()},
    )
    logs.mask_with(lambda line: vault.masking().text(line))
    installed = finding.find(settings, search_path=env["PATH"])
    planner = Planner(installed, sessions, own=os.environ, home=Path.home())
    recents = Recents(planner, vault.masking)
    own = [settings.state, settings.policy, settings.secrets, settings.trusted_keys]
    sandboxes = Sandboxes(env, [*own, *hidden])
    sandboxes.probe()
    commands = Commands(env=env, shell=settings.shell, sandboxes=sandboxes, reveal=vault.reveal)
    guard = Guard(
        settings.policy,
        env=env,
        shell=settings.shell,
        must_exist="policy" in settings.model_fields_set,
        planner=planner,
        sandboxes=sandboxes,
        vault=vault,
    )
    executors = registry.load(commands, Agents(planner, env=env, after=recents.changed))
    return Machine(env, vault, sandboxes, recents, executors, guard)
