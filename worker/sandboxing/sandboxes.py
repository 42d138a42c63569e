"""The sandboxes that this machine has: tried at the start, and put around commands."""

import errno
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from worker.errors import SandboxMissing
from worker.sandboxing import bubblewrap, launching, sandbox_exec
from worker.sandboxing.confines import PROFILES, Confines, Profile, Wrapped
from worker.sandboxing.handing import handed
from worker.sandboxing.views import Doors

log = logging.getLogger(__name__)

_TRIAL_S = 10.0
_NEEDS_BUBBLEWRAP = "bubblewrap is not installed; on Debian: sudo apt install bubblewrap"
_NEEDS_SHELL = "limits and sandboxes need the shell bash in /bin or /usr/bin"


class Sandboxes:
    """What can be put around a command here. Any thread may call it.

    Before the first ``probe`` no sandbox is there; what a later one finds takes effect as a whole.
    """

    def __init__(self, env: Mapping[str, str], hidden: Iterable[Path] = ()) -> None:
        """Take the variables that every command gets, and the worker's own files, which none may see."""
        self._env = env
        self._doors = Doors(env, hidden)
        self._shell = launching.find_shell()
        self._nested = False
        self._why_not: dict[Profile, str] = dict.fromkeys(PROFILES, "it was not tried yet")

    @property
    def names(self) -> list[Profile]:
        """The profiles that work here, the narrowest first."""
        return [profile for profile in PROFILES if profile not in self._why_not]

    @property
    def why_not(self) -> Mapping[Profile, str]:
        """The profiles that do not work here, each with the reason."""
        return self._why_not

    def tree(self, folder: Path, *, named: bool) -> Path | None:
        """Give *folder*, a real path, if a run may work in it, else None: it is not shown then.

        *named* says whether the policy names it, or whoever asks has chosen it.
        """
        return folder if self._doors.may_work_in(folder, named=named) else None

    def missing(self, confines: Confines | None) -> str | None:
        """Say why *confines* cannot be had, None when they can."""
        if confines is None:
            return None
        if self._shell is None:
            return _NEEDS_SHELL
        reason = self._why_not.get(confines.profile)
        return None if reason is None else f"the sandbox {confines.profile} does not work here: {reason}"

    def probe(self) -> None:
        """Try each profile with a real process, and tell the log what works and why the rest does not."""
        self._shell = launching.find_shell()
        tried = {profile: self._try(profile) for profile in PROFILES}
        failed = {profile: reason for profile, reason in tried.items() if reason is not None}
        self._why_not = failed
        fields = {"works": ", ".join(self.names) or "none"}
        log.info("sandboxes", extra={"fields": fields})
        for reason in dict.fromkeys(failed.values()):
            named = ", ".join(profile for profile, why in failed.items() if why == reason)
            log.warning(
                "no sandbox; what asks for it is refused", extra={"fields": {"sandbox": named, "why": reason}}
            )
        if os.getuid() == 0:
            log.info("runs as root: the system holds root to no [limits] processes")

    def confined(self, confines: Confines, plain: Wrapped, *, cwd: Path) -> Wrapped:
        """Give what to start instead of *plain*, so that it runs in *cwd* and within *confines*.

        Raises ``SandboxMissing``, and what starting it plainly would raise.
        """
        reason = self.missing(confines)
        if reason is not None:
            raise SandboxMissing(reason)
        tree = confines.tree
        if tree is not None and os.path.realpath(tree) != str(tree):
            raise SandboxMissing(f"{tree} was swapped for a link since the decision")
        program = plain.program or _found(plain.argv[0], cwd, plain.env)
        if not cwd.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(cwd))
        return self._wrapped(confines, Wrapped(plain.argv, program, plain.env), cwd, nested=self._nested)

    def _wrapped(self, confines: Confines, plain: Wrapped, cwd: Path, *, nested: bool) -> Wrapped:
        assert self._shell is not None  # noqa: S101 - whoever calls has looked
        assert plain.program is not None  # noqa: S101 - the same
        inside, env = confines.profile != "none", plain.env
        words = launching.launched(
            plain.argv, plain.program, shell=self._shell, limits=confines.limits, apart=inside
        )
        if not inside:
            return Wrapped(words, self._shell, env)
        if sys.platform == "darwin":
            text = sandbox_exec.text(confines, program=plain.program, env=env, doors=self._doors)
            return Wrapped(("sandbox-exec", "-p", text, *words), sandbox_exec.PROGRAM, env)
        if env.get("TMPDIR") == self._env.get("TMPDIR"):
            env = {**env, "TMPDIR": "/tmp"}  # noqa: S108 - a private one
        options = bubblewrap.options(
            confines, program=plain.program, cwd=cwd, env=env, doors=self._doors, nested=nested
        )
        return Wrapped(("bwrap", "--", *words), bubblewrap.find() or bubblewrap.PLACES[0], {}, options)

    def _try(self, profile: Profile) -> str | None:
        """Start something that does nothing; say why that failed, None when it did not."""
        if self._shell is None:
            return _NEEDS_SHELL
        if sys.platform == "darwin":
            return self._runs(profile, nested=False) if sandbox_exec.PROGRAM.exists() else "no sandbox-exec"
        if not sys.platform.startswith("linux"):
            return f"there is none for {sys.platform}"
        if bubblewrap.find() is None:
            return _NEEDS_BUBBLEWRAP
        said = self._runs(profile, nested=self._nested)
        if said is not None and "userns" in said and not self._nested:
            self._nested = True  # it is too old, or may not
            said = self._runs(profile, nested=True)
        return said

    def _runs(self, profile: Profile, *, nested: bool) -> str | None:
        trial = Wrapped(("bash", "-c", ":"), self._shell, self._env)
        wrapped = self._wrapped(Confines(profile), trial, Path("/"), nested=nested)
        try:
            with handed(wrapped.argv, wrapped.options) as (argv, descriptors):
                done = subprocess.run(
                    argv,
                    executable=wrapped.program,
                    env=dict(wrapped.env),
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_TRIAL_S,
                    check=False,
                )
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        if done.returncode == 0:
            return None
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return said[0] if said else f"a trial ended with exit code {done.returncode}"


def _found(word: str, cwd: Path, env: Mapping[str, str]) -> Path:
    """Find what *word* would start. Raises ``OSError`` as starting it would."""
    if "/" in word:
        path = cwd / word
        number = None if os.access(path, os.X_OK) else errno.EACCES if path.exists() else errno.ENOENT
        if number is not None:
            raise OSError(number, os.strerror(number), word)
        return Path(os.path.realpath(path))
    found = shutil.which(word, path=env.get("PATH"))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), word)
    return Path(os.path.realpath(found))
