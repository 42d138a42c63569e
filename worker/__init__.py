"""The worker: a program of its own that asks the service for tasks, runs them and tells how they ended."""
