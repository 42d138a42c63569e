"""A server that was taken over, against a real worker that runs signed tasks only."""
