"""Floor 2: what the service does, one function per act. Each takes a connection and never commits."""
