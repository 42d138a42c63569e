"""The worker's own policy: which tasks run on this machine, which need a human's yes, which never run."""
