"""A Discord bot: !run COMMAND, !claude PROMPT, !new PROMPT, !cancel. README.md says how to set it up."""

from __future__ import annotations

import asyncio
import io
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import discord

from clawtrail import Client
from clawtrail.chat import Answer, Chat, Message
from clawtrail.tasks import PromptOptions

USERS = {int(user) for user in os.environ["BOT_USERS"].split(",")}
CHANNELS = {int(channel) for channel in os.environ.get("BOT_CHANNELS", "").split(",") if channel}
APPROVER = int(os.environ.get("BOT_APPROVER", "0"))
WORKING, GOOD, BAD = "⏳", "✅", "❌"
NOBODY = discord.AllowedMentions.none()


class Bot(discord.Client):
    """Hears what is said, and answers it in the same channel or thread."""

    def __init__(self, chat: Chat) -> None:
        """Be told what is written, which Discord has to be asked for, and mention nobody."""
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
        super().__init__(intents=intents, allowed_mentions=NOBODY)
        self.chat = chat

    async def setup_hook(self) -> None:
        """Have enough threads: each answer that is waited for has one."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))

    async def on_message(self, message: discord.Message) -> None:
        """Put what those who may ask for on the record, and say what comes of it."""
        channel, author = message.channel.id, message.author.id
        if author not in USERS or (CHANNELS and channel not in CHANNELS):
            return
        heard = Message(str(channel), str(message.id), str(author), message.content)
        answers = await asyncio.to_thread(self.chat.hear, heard)
        if answers is None:
            return
        await self.react(message, WORKING)
        while answer := await asyncio.to_thread(next, answers, None):
            await self.say(message, answer)
            if not answer.asks:
                await self.react(message, GOOD if answer.ok else BAD)

    async def say(self, message: discord.Message, answer: Answer) -> None:
        """Answer a message; nobody is mentioned but the approver, and links show no preview."""
        mention = f"<@{APPROVER}> " if answer.asks and APPROVER else ""
        allowed = discord.AllowedMentions(users=[discord.Object(APPROVER)]) if mention else NOBODY
        files = [] if answer.file is None else [discord.File(io.BytesIO(answer.file.encode()), "answer.txt")]
        await message.reply(
            mention + answer.text,
            files=files,
            allowed_mentions=allowed,
            mention_author=False,
            suppress_embeds=True,
        )

    async def react(self, message: discord.Message, emoji: str) -> None:
        """Put a sign on a message; where the bot may not, there is none."""
        with suppress(discord.HTTPException):
            await message.add_reaction(emoji)


def main() -> None:
    """Connect, and stay connected."""
    options: PromptOptions = {"max_cost_usd": float(os.environ.get("BOT_MAX_COST_USD", "1"))}
    if "BOT_CWD" in os.environ:
        options["cwd"] = os.environ["BOT_CWD"]
    chat = Chat(Client(), os.environ.get("BOT_NAME", "discord"), prefix="!", longest=1900, **options)
    Bot(chat).run(os.environ["DISCORD_BOT_TOKEN"])


if __name__ == "__main__":
    main()
