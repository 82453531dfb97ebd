"""A downloader for pooch that goes on where an earlier one stopped.

pooch downloads into a temporary file that it removes when the connection breaks. This one keeps what has arrived in a
file of its own, asks the server for the rest (RFC 9110, range requests) when the file there is still the same, and
hands the whole to pooch.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Resuming"]

_PIECE = 2**20
# Seconds before the second attempt; twice as many before each further one.
PAUSE = 1.0


class Resuming:
    """Downloads over HTTP, in as many attempts as it may take; what has arrived is kept between them and for later.

    Parameters
    ----------
    partial
        The file for what has arrived; another beside it, ``….json``, tells which version of the file it is of.
    attempts
        How often to try, going on each time.
    timeout
        Seconds without an answer or a byte, after which an attempt is given up.
    progress
        Called with the bytes that have arrived and those that there will be, 0 when the server does not tell.
    """

    def __init__(
        self,
        partial: Path,
        *,
        attempts: int = 4,
        timeout: float = 30.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.partial = partial
        self._version = partial.with_name(f"{partial.name}.json")
        self._attempts = attempts
        self._timeout = timeout
        self._progress = progress or (lambda here, whole: None)

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Download a file, as pooch asks for it.

        Raises
        ------
        requests.RequestException
            The last attempt failed.
        """
        import requests

        for attempt in range(1, self._attempts + 1):
            try:
                self._go_on(url)
                break
            except requests.HTTPError as error:
                if attempt == self._attempts or not _may_pass(error):
                    raise
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt == self._attempts:
                    raise
            time.sleep(PAUSE * 2 ** (attempt - 1))
        if hasattr(output_file, "write"):
            with self.partial.open("rb") as stream:
                shutil.copyfileobj(stream, output_file)
        else:
            shutil.move(self.partial, output_file)
        self.discard()

    def discard(self) -> None:
        """Remove what has arrived."""
        self.partial.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    def _go_on(self, url: str) -> None:
        import requests
        from urllib3.exceptions import HTTPError as BrokenError

        # Lengths and digests are those of the file as it lies there; nothing may be unpacked on the way.
        headers = {"Accept-Encoding": "identity"}
        here, version = self._state(url)
        if here:
            headers |= {"Range": f"bytes={here}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=self._timeout) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.discard()
                raise requests.ConnectionError("the file there is shorter than what has arrived")
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            begin = here if goes_on else 0
            whole = begin + int(answer.headers.get("Content-Length") or 0)
            if not goes_on:
                self._remember(url, answer.headers)
            with self.partial.open("ab" if goes_on else "wb") as stream:
                arrived = begin
                try:
                    for piece in answer.raw.stream(_PIECE, decode_content=False):
                        stream.write(piece)
                        arrived += len(piece)
                        self._progress(arrived, whole if whole > begin else 0)
                except (BrokenError, OSError) as error:
                    if isinstance(error, OSError) and error.errno is not None and not _is_of_network(error):
                        raise
                    raise requests.ConnectionError(f"the connection broke after {arrived:,} bytes") from error
            if whole > begin and arrived != whole:
                raise requests.ConnectionError(f"{arrived:,} of {whole:,} bytes arrived")

    def _state(self, url: str) -> tuple[int, str]:
        """Return how much has arrived of which version; nothing when that is not known."""
        try:
            known = json.loads(self._version.read_text(encoding="utf-8"))
            if known["url"] == url and known["version"]:
                return self.partial.stat().st_size, str(known["version"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, ""

    def _remember(self, url: str, headers: Any) -> None:
        tag = str(headers.get("ETag", ""))
        # A weak tag does not promise the same bytes.
        version = tag if tag and not tag.startswith("W/") else str(headers.get("Last-Modified", ""))
        self._version.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")


def _may_pass(error: Any) -> bool:
    """Return whether a refusal may be gone in a moment."""
    return error.response is not None and error.response.status_code in (429, 500, 502, 503, 504)


def _is_of_network(error: OSError) -> bool:
    return isinstance(error, ConnectionError | TimeoutError)
