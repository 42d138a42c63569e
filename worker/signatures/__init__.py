"""Signatures that the worker checks by itself: of tasks, and of people's yes."""
