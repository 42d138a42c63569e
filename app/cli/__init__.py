"""The commands of the server, one a module, each loaded when somebody types it."""
