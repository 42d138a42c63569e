"""What confines a command: what it sees of the machine, and how much of it it may use."""
