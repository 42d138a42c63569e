"""The schema's history; every migration says what and why, and goes down as well as up."""
