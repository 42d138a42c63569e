"""The sink ``openclaw-cli``: OpenClaw's own command line, in the container where the bot lives."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping

from worker.callbacks import wording
from worker.callbacks.ended import Ended
from worker.callbacks.sink import NotSent

LONGEST_S = 30.0
MOST = 2000
_CHANNEL = re.compile(r"[0-9]{1,20}")
_MOST_SAID = 200


class OpenClawCli:
    """Runs ``docker exec``, found on the PATH of *env*. The token of a task is of no use here."""

    name = "openclaw-cli"

    def __init__(self, container: str, *, env: Mapping[str, str]) -> None:
        self._container = container
        self._env = env

    def refuses(self, channel: str) -> str | None:
        """Take the ids of channels of Discord, which are digits."""
        return None if _CHANNEL.fullmatch(channel) else "a channel of Discord is a number"

    def send(self, ended: Ended, _token: str | None) -> None:
        """Have OpenClaw post one message. Raises ``NotSent``.

        No shell is involved. OpenClaw cannot be told to mention nobody, so mentions are broken.
        """
        said = wording.worded(wording.silenced(ended), MOST)
        message = [
            "message",
            "send",
            "--channel",
            "discord",
            "--target",
            f"channel:{ended.channel}",
            "-m",
            said,
        ]
        try:
            process = subprocess.Popen(
                ["docker", "exec", self._container, "node", "openclaw.mjs", *message],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=dict(self._env),
                start_new_session=True,
            )
        except OSError as error:
            raise NotSent(f"docker cannot be started: {error.strerror}", again=False) from None
        with process:
            try:
                _, complaint = process.communicate(timeout=LONGEST_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise NotSent(f"docker did not end within {LONGEST_S:.0f} s") from None
        if process.returncode:
            last = wording.harmless(complaint.decode(errors="replace")).strip().rpartition("\n")[2]
            raise NotSent(f"docker ended with {process.returncode}: {last[:_MOST_SAID]}")
