"""Floor 0, shared by everybody: the exact bytes that the record and its proofs are made of."""
