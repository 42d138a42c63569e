"""A Telegram bot: /run COMMAND, /claude PROMPT, /new PROMPT, /cancel. README.md says how to set it up."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from clawtrail import Client
from clawtrail.chat import Answer, Chat, Message
from clawtrail.tasks import PromptOptions

API = (
    f"{os.environ.get('TELEGRAM_API_URL', 'https://api.telegram.org')}/bot{os.environ['TELEGRAM_BOT_TOKEN']}"
)
USERS = {int(user) for user in os.environ["BOT_USERS"].split(",")}
APPROVER = os.environ.get("BOT_APPROVER", "")
WORKING, GOOD, BAD = "👀", "👍", "👎"
Json = dict[str, Any]


def call(method: str, document: str | None = None, **given: Any) -> Any:  # noqa: ANN401 - JSON
    """Call a method of Telegram's API, with a text as a file if given, and return its result."""
    files = None if document is None else {"document": ("answer.txt", document)}
    said = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    answer = requests.post(f"{API}/{method}", data=said, files=files, timeout=60)
    if answer.status_code == 429:  # it says how long to wait
        time.sleep(answer.json()["parameters"]["retry_after"])
        return call(method, document, **given)
    if not answer.ok:  # never print the address: it holds the token
        raise ConnectionError(f"{method}: {answer.text[:200]}")
    return answer.json()["result"]


def say(heard: Json, answer: Answer) -> None:
    """Answer a message in one block of plain text: nothing in there mentions anybody or is a link."""
    to = {"chat_id": heard["chat"]["id"], "reply_parameters": {"message_id": heard["message_id"]}}
    mention = f"{APPROVER}\n" if answer.asks and APPROVER else ""
    begin, length = (len(text.encode("utf-16-le")) // 2 for text in (mention, answer.text))
    block = [{"type": "pre", "offset": begin, "length": length}]
    if answer.file is None:
        call("sendMessage", text=mention + answer.text, entities=block, **to)
    else:
        call("sendDocument", answer.file, caption=answer.text, caption_entities=block, **to)


def react(heard: Json, emoji: str) -> None:
    """Put a sign on a message, in the place of the one before."""
    to = {"chat_id": heard["chat"]["id"], "message_id": heard["message_id"]}
    call("setMessageReaction", reaction=[{"type": "emoji", "emoji": emoji}], **to)


def attend(heard: Json, answers: Iterator[Answer]) -> None:
    """Say what comes of a message, until its task has ended."""
    try:
        react(heard, WORKING)
        for answer in answers:
            say(heard, answer)
        react(heard, GOOD if answer.ok else BAD)
    except (OSError, ValueError) as error:  # the answer stays on the record: clawtrail tasks
        print(f"Telegram did not take an answer: {type(error).__name__}", file=sys.stderr)


def listen() -> Iterator[Json]:
    """Yield the messages of those who may. Telegram takes them for done when the next ones are asked for."""
    seen = 0
    while True:
        try:
            updates = call("getUpdates", offset=seen + 1, timeout=50, allowed_updates=["message"])
        except (OSError, ValueError) as error:
            print(f"Telegram cannot be reached: {type(error).__name__}", file=sys.stderr)
            time.sleep(3)
            continue
        for update in updates:
            seen = update["update_id"]
            if update["message"].get("from", {}).get("id") in USERS:
                yield update["message"]


def main() -> None:
    """Put what is asked for on the record, one message after the other, and answer beside."""
    options: PromptOptions = {"max_cost_usd": float(os.environ.get("BOT_MAX_COST_USD", "1"))}
    if "BOT_CWD" in os.environ:
        options["cwd"] = os.environ["BOT_CWD"]
    chat = Chat(Client(), os.environ.get("BOT_NAME", "telegram"), prefix="/", longest=4000, **options)
    with ThreadPoolExecutor(64) as threads:
        for heard in listen():
            place, author = str(heard["chat"]["id"]), str(heard["from"]["id"])
            message = Message(place, str(heard["message_id"]), author, heard.get("text", ""))
            answers = chat.hear(message)
            if answers is not None:
                threads.submit(attend, heard, answers)


if __name__ == "__main__":
    main()
