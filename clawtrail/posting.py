"""Posting a text to an address of the user's choice: no token, no redirects, one try."""

from __future__ import annotations

import requests

from clawtrail import __version__
from clawtrail.errors import BadAnswer, Unreachable
from clawtrail.unreachable import reason_of

SECONDS = 30.0


def post(url: str, text: str) -> None:
    """Post *text* as plain text to *url*; return when it was taken (any status 2xx).

    Raises ``Unreachable`` without an answer, ``BadAnswer`` for another status, a redirect too. Neither the
    environment's proxies nor passwords in ``~/.netrc`` are used.
    """
    headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": f"clawtrail/{__version__}"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                url, data=text.encode(), headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
            )
            status = answer.status_code
            answer.close()
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unreachable(
            f"The checkpoint was not posted, no answer from {url}: {reason_of(error)}."
        ) from None
    if not 200 <= status < 300:
        raise BadAnswer(f"The checkpoint was not posted: {url} answers with HTTP {status}.")
