"""From notebooks to reports: every rep's, the team's index, and the command that makes them."""

import sys

# jsonschema, which nbformat loads, would build a grammar for a format that notebooks do not have: two seconds of every process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
