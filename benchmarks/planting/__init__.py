"""Secrets planted by real tasks, and then looked for in every byte that was kept or sent."""
