"""A keyring of the operating system for tests, in memory."""

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class Ring(KeyringBackend):
    """What a desktop would have."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Give a value."""
        return self._kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a value."""
        self._kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget a value."""
        if self._kept.pop((service, username), None) is None:
            raise PasswordDeleteError("there is none")
