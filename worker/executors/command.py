"""Kind ``command``: a program with its arguments, or text for a shell."""

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from worker.errors import SandboxMissing, SecretMissing, SecretsFaulty
from worker.executors import tree
from worker.executors.child import Child
from worker.executors.paths import FileTrouble, resolve
from worker.items import Ending
from worker.orders import Listener, Order
from worker.references import named_in
from worker.sandboxing.confines import Wrapped
from worker.sandboxing.endings import told_of
from worker.sandboxing.sandboxes import Sandboxes

NOT_EXECUTABLE = 126
NOT_FOUND = 127


class Payload(BaseModel, strict=True):
    """What a task of this kind may ask for."""

    command: str | None = None
    argv: Annotated[list[str], Field(min_length=1)] | None = None
    cwd: str | None = None
    env: dict[str, str] = {}
    stdin: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets of this machine that stand for values of *env* and for *stdin*."""
        named = (named_in(value) for value in (*self.env.values(), self.stdin))
        return tuple(sorted({name for name in named if name is not None}))

    @model_validator(mode="after")
    def _well_named(self) -> Self:
        assert self.secrets is not None  # noqa: S101 - it raises ValueError for a name that is none
        return self

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.command is None) == (self.argv is None):
            raise ValueError("either command or argv")
        return self


class Commands:
    """Runs commands with the one environment of this worker. Any thread may call ``run``."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        shell: str,
        sandboxes: Sandboxes | None = None,
        reveal: Callable[[str], str] = lambda value: value,
    ) -> None:
        """Take *env* as what every command gets, and *shell* as what runs text, such as ``/bin/sh -c``.

        Without *sandboxes* nothing runs that is to be confined. *reveal* gives the secret that a value names,
        or the value; it may raise errors of the worker.
        """
        self._reveal = reveal
        self._env = env
        self._sandboxes = sandboxes or Sandboxes(env)
        self._home = Path.home()
        self._shell = shlex.split(shell)
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def run(self, order: Order, run: Listener) -> Ending:
        """Run a command to its end.

        The exit code is what a shell would say: 126 and 127 where nothing could be started, 128 and
        the number of the signal that ended it, 124 for a timeout. Raises pydantic's ``ValidationError``.
        """
        payload = Payload.model_validate(order.payload)
        plan = order.plan
        argv = list(plan.argv) if plan else payload.argv or [*self._shell, payload.command or ""]
        try:
            cwd = plan.cwd if plan else self._home if payload.cwd is None else resolve(payload.cwd)
            given = {name: self._reveal(value) for name, value in payload.env.items()}
            env = {**self._env, **given, tree.MARK: order.task_id}
            wrapped = Wrapped(tuple(argv), plan.program if plan else None, env)
            if plan is not None and plan.confines is not None:
                wrapped = self._sandboxes.confined(plan.confines, wrapped, cwd=cwd)
            child = Child(
                wrapped.argv,
                program=wrapped.program,
                cwd=cwd,
                env=wrapped.env,
                stdin=self._reveal(payload.stdin).encode(errors="surrogatepass"),
                null=self._null,
                task_id=order.task_id,
                options=wrapped.options,
            )
        except FileTrouble as error:
            return Ending(NOT_FOUND, f"Working directory: {error}", "failed")
        except SandboxMissing as error:
            return Ending(NOT_EXECUTABLE, f"Refused: {error}", "policy")
        except (SecretMissing, SecretsFaulty) as error:
            return Ending(NOT_EXECUTABLE, f"Not run: {error}", "failed")
        except (OSError, ValueError) as error:
            return _not_started(error, argv[0], payload.cwd)
        ending = child.watch(run, timeout_ms=order.timeout_ms)
        return ending if plan is None or plan.confines is None else told_of(plan.confines, ending)


def _not_started(error: OSError | ValueError, program: str, cwd: str | None) -> Ending:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if cwd is not None and not resolve(cwd).is_dir():
            return Ending(NOT_FOUND, f"Working directory not found: {cwd}", "failed")
        return Ending(NOT_FOUND, f"Command not found: {program}", "failed")
    said = error.strerror if isinstance(error, OSError) else error
    return Ending(NOT_EXECUTABLE, f"Cannot run {program}: {said}", "failed")
