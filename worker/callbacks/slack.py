"""The sink ``slack``: a message by a bot, else by an incoming webhook."""

import re

from worker.callbacks import posting, wording
from worker.callbacks.ended import Ended
from worker.callbacks.sink import NotSent

API = "https://slack.com/api"
MOST = 3500
"""Slack asks for at most 4,000 characters in a message."""

_CHANNEL = re.compile(r"[A-Z][A-Z0-9]{2,20}")
_AGAIN = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


class Slack:
    """Posts as a bot: the one whose token came with the task, else the worker's own; else by the webhook.

    A webhook belongs to one channel, whatever the client names.
    """

    name = "slack"

    def __init__(self, token: str | None, *, webhook: str | None = None, api: str = API) -> None:
        self._token = token
        self._webhook = webhook
        self._api = api.rstrip("/")

    def refuses(self, channel: str) -> str | None:
        """Take the ids of channels: capital letters and digits."""
        return None if _CHANNEL.fullmatch(channel) else "a channel of Slack is an id such as C0123456789"

    def send(self, ended: Ended, token: str | None) -> None:
        """Post one message; nobody is mentioned, links show no previews. Raises ``NotSent``."""
        text = _escaped(wording.worded(ended, MOST))
        said = {"text": text, "unfurl_links": False, "unfurl_media": False}
        # Any other token is for another chat.
        token = token if token is not None and token.startswith("xox") else self._token
        if token is not None:
            self._post(token, said | {"channel": ended.channel})
        elif self._webhook is not None:
            answer = posting.post(self._webhook, headers={}, json=said)
            posting.judge(answer, self._webhook)
            if answer.body.strip() != b"ok":
                raise NotSent("what answered is not Slack")
        else:
            raise NotSent("there is no token: set CLAWTRAIL_WORKER_SLACK_TOKEN", again=False)

    def _post(self, token: str, said: dict[str, object]) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = posting.post(f"{self._api}/chat.postMessage", headers=headers, json=said)
        posting.judge(answer, token)
        # A no has the status 200, too.
        if answer.json.get("ok") is True:
            return
        error = answer.json.get("error")
        if not isinstance(error, str):
            raise NotSent("what answered is not Slack")
        pause = posting.retry_after(answer)
        raise NotSent(f"Slack says {error.replace(token, '***')[:100]}", again=error in _AGAIN, pause=pause)


def _escaped(text: str) -> str:
    """Take their meaning from the signs by which Slack mentions people, channels and everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
