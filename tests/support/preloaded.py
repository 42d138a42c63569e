"""What the commands under test load, loaded once, for processes to begin with: see ``forking``."""

import gc
from importlib import import_module

from clawtrail.cli import ENTRIES

for _name in (
    *{entry.module for entry in ENTRIES.values()},
    "app.cli.audit_export",
    "app.cli.audit_log",
    "app.cli.audit_redact",
    "app.cli.audit_verify",
    "app.serving",
    "app.factory",
):
    import_module(_name)

gc.freeze()
