"""The policy at work: asked for each task, read anew when its file changes."""

import logging
import os
import shlex
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from pydantic import ValidationError

from worker.answers import Claim
from worker.executors.agents.planning import Planner, on_trial
from worker.orders import Beneath, Plan
from worker.own_file import fingerprint, others_can_write
from worker.policy import asked as asking
from worker.policy import digesting
from worker.policy.agent_verdicts import judge
from worker.policy.asked import Asked, NotUnderstood
from worker.policy.confining import confines_of
from worker.policy.deciding import Finding, decide
from worker.policy.loading import Policy, PolicyFaulty, load
from worker.policy.plain import guessed_commands
from worker.policy.presets import careful
from worker.policy.programs import Programs
from worker.sandboxing.sandboxes import Sandboxes
from worker.vault import Vault
from worker.verdicts import Verdict

log = logging.getLogger(__name__)


class Guard:
    """Gives the verdict on each task. Any thread may call it; ``_lock`` guards reading the file anew."""

    def __init__(
        self,
        file: Path,
        *,
        env: Mapping[str, str],
        shell: str,
        must_exist: bool,
        planner: Planner | None = None,
        sandboxes: Sandboxes | None = None,
        vault: Vault | None = None,
    ) -> None:
        """Read the policy *file*; where there is none, the careful one that we ship holds.

        *planner* plans tasks for agents; without one no session is known. Without *sandboxes* no sandbox is
        there, and what asks for one is refused. With a *vault*, what names a secret that is not
        in it is denied.

        Raises ``PolicyFaulty`` and ``OSError``: a worker does not start with a policy that it cannot read.
        """
        self._file = file
        self._planner = planner
        self._vault = vault
        self._env = {name: digesting.of_text(value) for name, value in env.items()}
        self._shell = shlex.split(shell)
        self._lock = threading.Lock()
        self._sandboxes = sandboxes or Sandboxes(env)
        self.programs = Programs(env["PATH"])
        unsafe = self.programs.unsafe_folders()
        if unsafe:
            fields = {"folders": ":".join(unsafe)}
            log.warning(
                "others can write folders of the PATH; rules find no program there", extra={"fields": fields}
            )
        self._seen = fingerprint(file)
        if self._seen is None and not must_exist:
            self.policy = load(careful())
            log.warning(
                "no policy file: the careful policy that comes with the worker holds",
                extra={"fields": {"file": str(file), "policy": self.policy.digest}},
            )
        else:
            self.policy = load(read(file))
            log.info("policy read", extra={"fields": {"file": str(file), "policy": self.policy.digest}})

    def reload(self) -> None:
        """Read the file again, and try the sandboxes again.

        A file that cannot be used is told in the log, and the old policy goes on.
        """
        with self._lock:
            self._read_anew()
            self._sandboxes.probe()

    def _read_anew(self) -> None:
        self._seen = fingerprint(self._file)
        fields = {"file": str(self._file)}
        try:
            self.policy = load(read(self._file))
        except (OSError, PolicyFaulty) as error:
            said = f"{fields['file']}: {error}".replace("\n", "; ")
            log.error("new policy not taken, the old one goes on: %s", said, extra={"fields": fields})  # noqa: TRY400 - its faults are the whole story
            return
        log.info("policy read anew", extra={"fields": fields | {"policy": self.policy.digest}})

    def __call__(self, claim: Claim, signer: str | None = None) -> Verdict:
        """Give the verdict on *claim* as things are at this moment; *signer* is whose signature is on it."""
        if fingerprint(self._file) != self._seen:
            self.reload()
        policy = self.policy
        try:
            if claim.kind in policy.agents:
                with on_trial() if self._planner is None else nullcontext(self._planner) as planner:
                    return judge(claim, policy, planner, self.programs, self._env, signer=signer)
            asked = asking.read(
                claim.kind, claim.payload, claim.submitted_by, signer, home_folder=policy.home_folder
            )
        except (NotUnderstood, ValidationError):
            # The executor reads the payload by the same model, and ends the task with what is wrong.
            digest = digesting.of_other(Asked(claim.kind, "", claim.payload), policy.digest)
            return Verdict("allow", "not understood: nothing runs", digesting.digest(digest), policy.digest)
        finding = decide(policy, asked, self.programs)
        if self._vault is not None and asked.secrets and finding.answer != "deny":
            fault = self._vault.fault_of(asked.secrets)
            finding = finding if fault is None else Finding("deny", fault, "it names that secret")
        return self._verdict(policy, asked, finding)

    def _verdict(self, policy: Policy, asked: Asked, finding: Finding) -> Verdict:
        plan, files, missing = None, {}, None
        if asked.kind == "command":
            plan = self._plan(policy, asked, finding)
            missing = self._sandboxes.missing(plan.confines)
            content = digesting.of_command(asked, plan, self._env, self.programs, policy.digest)
        else:
            content = digesting.of_other(asked, policy.digest)
        if plan is not None and finding.answer == "ask":
            words = [word for guess in guessed_commands(asked.text or "") for word in guess]
            files = digesting.files_named((*plan.argv[1:], *words), plan.cwd, self.programs)
            content["files"] = files
            if len(files) > digesting.MOST_FILES:
                why = f"it names more than {digesting.MOST_FILES} files, and nobody can say yes to so many"
                finding = Finding("deny", "too many files", why)
        asks = finding.answer == "ask" and missing is None
        return Verdict(
            finding.answer if missing is None else "deny",
            finding.rule,
            digesting.digest(content),
            policy.digest,
            why=finding.why if missing is None else missing,
            refusal=None if missing is None or finding.answer == "deny" else f"Refused: {missing}",
            describe=digesting.describe(asked, plan, f"{finding.rule}: {finding.why}", files)
            if asks
            else None,
            plan=plan,
            beneath=_beneath(asked, finding),
            timeout_ms=policy.timeout_ms,
            output_bytes=policy.output_bytes,
        )

    def _plan(self, policy: Policy, asked: Asked, finding: Finding) -> Plan:
        cwd = asked.cwd or Path.home()
        confines = confines_of(policy.confining, finding.matched, cwd, self._sandboxes)
        if finding.words is not None:
            # What no rule allows may lie anywhere: as it would be found, it is told and run.
            search = (asked.env or {}).get("PATH")
            program = finding.program or self.programs.find_anywhere(finding.words[0], cwd, search)
            return Plan(finding.words, None if program is None else program.path, cwd, confines=confines)
        shell = self.programs.find(self._shell[0], Path("/"))
        argv = (*self._shell, asked.text or "")
        return Plan(argv, None if shell is None else shell.path, cwd, confines=confines)


def _beneath(asked: Asked, finding: Finding) -> Beneath | None:
    if finding.tree is None or asked.path is None:
        return None
    name = finding.tree.beneath(asked.path)
    return None if name is None else Beneath(finding.tree.root, name)


def read(file: Path) -> bytes:
    """Read a policy file. Raises ``OSError`` and, where others could have written it, ``PolicyFaulty``."""
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        if others_can_write(status):
            raise PolicyFaulty([(1, f"others can write this file; chmod 600 {file}")])
        return opened.read()
