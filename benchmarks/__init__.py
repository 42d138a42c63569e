"""Measurements of the service beside references of the same machine and the same minute."""
