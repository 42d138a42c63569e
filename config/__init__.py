"""Settings, read once at the edge of each program. Imports nothing of ours."""
