"""Text of strangers made fit for a log: one line, no control characters, no secrets."""

import re
import unicodedata
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from exporter.log import redact

_HARMLESS_KEYS = frozenset(
    ("n", "last", "digest", "mount", "from", "artifactType", "service", "scope", "account")
)
_UPLOAD = re.compile(r"(/blobs/uploads/).+")
_URL = re.compile(r"https?://[^\s\"'<>]+")
_CREDENTIAL = re.compile(r"\b(bearer|basic)(\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_LONGEST_LINE = 300


def one_line(text: str, limit: int = _LONGEST_LINE) -> str:
    """The text as one line of at most ``limit`` characters that no CI takes for a command.

    Control and format characters become spaces, ``::`` and ``##`` are broken up; URLs, registered
    secrets and what follows ``Bearer`` or ``Basic`` are redacted.
    """
    text = text[: 8 * limit]
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = " ".join(text.split())
    text = redact(_URL.sub(lambda found: redact_url(found.group()), text))
    text = _CREDENTIAL.sub(r"\1\2***", text)
    while "::" in text or "##" in text:
        text = text.replace("::", ": :").replace("##", "# #")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def redact_url(url: str) -> str:
    """The URL without user information, upload session, and values of unknown query keys."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "(not a URL)"
    shown = "&".join(
        f"{quote(key)}={quote(value, safe='/:@,*') if key in _HARMLESS_KEYS else '***'}"
        for key, value in query
    )
    path = _UPLOAD.sub(r"\1…", parts.path)
    return redact(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, shown, "")))
