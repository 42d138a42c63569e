"""The sink ``discord``: a message by Discord's own API, a long answer as a file."""

import hashlib
import json
import re

from worker.callbacks import posting, wording
from worker.callbacks.ended import Ended
from worker.callbacks.posting import Answer
from worker.callbacks.sink import NotSent

API = "https://discord.com/api/v10"
MOST = 2000
"""Of UTF-16 units in a message; bots are refused above it."""

_SUPPRESS_EMBEDS = 1 << 2
_CHANNEL = re.compile(r"[0-9]{1,20}")


class Discord:
    """Posts as a bot: the one whose token came with the task, else the worker's own."""

    name = "discord"

    def __init__(self, token: str | None, *, api: str = API, proxy: str | None = None) -> None:
        self._token = token
        self._api = api.rstrip("/")
        self._proxy = proxy

    def refuses(self, channel: str) -> str | None:
        """Take the ids of channels, which are digits."""
        return None if _CHANNEL.fullmatch(channel) else "a channel of Discord is a number"

    def send(self, ended: Ended, token: str | None) -> None:
        """Post one message. Raises ``NotSent``.

        Nobody is mentioned by it, and links in it show no previews: whatever an agent was made to write, it
        calls nobody, and nothing is fetched. The same message tried again is not posted twice.
        """
        # A token of Slack is for Slack alone.
        token = self._token if token is None or token.startswith("xox") else token
        if token is None:
            raise NotSent("there is no token: set DISCORD_BOT_TOKEN", again=False)
        message = {
            "content": wording.worded(ended, MOST),
            "allowed_mentions": {"parse": []},
            "flags": _SUPPRESS_EMBEDS,
            "nonce": hashlib.sha256(ended.id.encode()).hexdigest()[:25],
            "enforce_nonce": True,
        }
        url = f"{self._api}/channels/{ended.channel}/messages"
        headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (clawtrail, 1)"}
        whole = wording.harmless(ended.output).strip()
        if wording.size(whole) > (MOST if ended.plain else wording.MOST_OUTPUT):
            file = ("answer.md", whole.encode(), "text/markdown; charset=utf-8")
            message["attachments"] = [{"id": 0, "filename": "answer.md"}]
            fields = {"payload_json": json.dumps(message)}
            answer = posting.post(
                url, headers=headers, fields=fields, files={"files[0]": file}, proxy=self._proxy
            )
        else:
            answer = posting.post(url, headers=headers, json=message, proxy=self._proxy)
        posting.judge(answer, token, pause=_pause(answer))
        if "id" not in answer.json:
            raise NotSent("what answered is not Discord")


def _pause(answer: Answer) -> float:
    """Give the seconds that a rate limit asks for, in the answer or in its header, with fractions."""
    said = answer.json.get("retry_after")
    told = float(said) if isinstance(said, int | float) and not isinstance(said, bool) else 0.0
    told = told if 0 < told < float("inf") else 0.0
    return max(told, posting.retry_after(answer)) if answer.status == 429 else 0.0
