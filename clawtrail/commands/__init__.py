"""The commands that need nothing but HTTP, a file for each subject."""
