"""Proving that the database is what its record says: leaves, tree, signatures, tables and content."""
