"""Floor 0 of the Task API: states, kinds, event types, roles and errors. Standard library only."""
