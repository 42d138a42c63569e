"""What the worker can do: one file per kind of task, and the one table of them."""
