"""Floor 3: HTTP. Parse, call one act, present; one module of routes per subject."""
