"""Keeps secrets out of whatever leaves this machine."""
