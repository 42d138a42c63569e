"""Runs a program on discord.py as it is, but with Discord at another address: ``HOST:PORT PROGRAM``."""

import runpy
import sys

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

if __name__ == "__main__":
    address, program = sys.argv[1:]
    Route.BASE = f"http://{address}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://{address}/gateway")
    runpy.run_path(program, run_name="__main__")
