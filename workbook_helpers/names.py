"""Ids become file and folder names here, and nowhere else: no id can name a path, a device or another id's file."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_PORTABLE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def safe_name(text: str) -> str:
    """A file or folder name for an id: a readable slug and a short hash of the id.

    Different ids have different names, also where upper and lower case are the same; every name is legal on Linux,
    macOS and Windows, at most 49 characters long, and starts with a letter or a digit.

    >>> safe_name("R01"), safe_name("../../x")
    ('r01-e0a64b0b', 'x-9cdf6a50')
    >>> safe_name("Rep") == safe_name("rep")
    False
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "id"
    return f"{slug}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def is_safe_name(text: str) -> bool:
    """Whether an id can be a file or folder name as it stands, on every system (apart from its case).

    >>> is_safe_name("R01"), is_safe_name("anna.smith"), is_safe_name("CON"), is_safe_name("a:b"), is_safe_name("..")
    (True, True, False, False, False)
    """
    return bool(_PORTABLE.fullmatch(text)) and text.split(".")[0].lower() not in _DEVICES
