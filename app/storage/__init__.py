"""Floor 1: tables, engines, the ledger and the one writer. No HTTP and no decisions."""
