"""Tells a chat, or another program, how the task of an agent ended."""
