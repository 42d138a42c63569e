"""A Slack bot: !run COMMAND, !claude PROMPT, !new PROMPT, !cancel. README.md says how to set it up."""

from __future__ import annotations

import html
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import waitress
from flask import Flask, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from clawtrail import Client
from clawtrail.chat import Answer, Chat, Message
from clawtrail.tasks import PromptOptions

USERS = set(os.environ["BOT_USERS"].split(","))
CHANNELS = set(filter(None, os.environ.get("BOT_CHANNELS", "").split(",")))
APPROVER = os.environ.get("BOT_APPROVER")
WORKING, GOOD, BAD = "hourglass_flowing_sand", "white_check_mark", "x"
LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>")

slack = WebClient(
    os.environ["SLACK_BOT_TOKEN"], base_url=os.environ.get("SLACK_API_URL", "https://slack.com/api/")
)
# Each answer that is waited for has a thread. Slack hears at once that an event came, else it sends it again.
app = App(
    client=slack,
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    listener_executor=ThreadPoolExecutor(64),
)
OPTIONS: PromptOptions = {"max_cost_usd": float(os.environ.get("BOT_MAX_COST_USD", "1"))}
if "BOT_CWD" in os.environ:
    OPTIONS["cwd"] = os.environ["BOT_CWD"]
chat = Chat(Client(), os.environ.get("BOT_NAME", "slack"), prefix="!", longest=3500, **OPTIONS)


@app.event("message")
def attend(event: dict[str, Any]) -> None:
    """Put what those who may ask for on the record, and say what comes of it in the message's thread."""
    channel, author = event["channel"], event.get("user")
    if author not in USERS or "subtype" in event or (CHANNELS and channel not in CHANNELS):
        return
    thread = event.get("thread_ts", event["ts"])
    typed = html.unescape(LINK.sub(r"\1", event.get("text", "")))  # as it was before Slack dressed it
    answers = chat.hear(Message(f"{channel}-{thread}", event["ts"], author, typed))
    if answers is None:
        return
    react(event, WORKING)
    for answer in answers:
        say(channel, thread, answer)
        if not answer.asks:
            react(event, GOOD if answer.ok else BAD)


def say(channel: str, thread: str, answer: Answer) -> None:
    """Answer in a thread; nobody is mentioned but the approver, and links are not looked up."""
    mention = f"<@{APPROVER}> " if answer.asks and APPROVER else ""
    text = mention + html.escape(answer.text, quote=False)
    if answer.file is None:
        slack.chat_postMessage(
            channel=channel, thread_ts=thread, text=text, unfurl_links=False, unfurl_media=False
        )
    else:
        slack.files_upload_v2(
            channel=channel,
            thread_ts=thread,
            initial_comment=text,
            content=answer.file,
            filename="answer.txt",
        )


def react(event: dict[str, Any], emoji: str) -> None:
    """Put a sign on a message; where the bot may not, there is none."""
    with suppress(SlackApiError):
        slack.reactions_add(channel=event["channel"], timestamp=event["ts"], name=emoji)


web = Flask(__name__)
handler = SlackRequestHandler(app)


@web.post("/slack/events")
def events() -> Response:
    """Take an event, if Slack has signed it."""
    return handler.handle(request)


if __name__ == "__main__":
    waitress.serve(web, host="127.0.0.1", port=int(os.environ.get("PORT", "3000")))
