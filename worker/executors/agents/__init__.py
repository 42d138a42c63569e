"""The agents whose command lines a worker may run: Claude Code, Codex, Gemini."""
