"""Killing server and worker again and again, and counting what was lost: nothing may be."""
