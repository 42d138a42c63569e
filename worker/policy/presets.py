"""The policies that come with the worker."""

from importlib.resources import files

ALLOW_ALL = """\
# ALLOWS EVERYTHING: whoever may submit tasks can do on this machine whatever the worker's user can.
# That is how openclaw-worker was. `clawtrail policy init --careful` writes a policy that is not like that.

default = "allow"

[shell]
verdict = "allow"
"""


def careful() -> bytes:
    """Give the careful policy, which is the example in ``config``; it holds where there is no policy file."""
    return files("config").joinpath("policy.example.toml").read_bytes()
