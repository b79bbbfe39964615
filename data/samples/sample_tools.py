"""What the generators of the samples share: random streams by name, planted truths, YAML and CSV written the same way each time."""

from __future__ import annotations

import argparse
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq


def read_options(about: str, here: Path) -> argparse.Namespace:
    """seed and out, from the command line of a generator. about: its docstring; here: the company's folder."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7, help="another seed gives another company of the same kind")
    parser.add_argument("--out", type=Path, default=here, help="the company's folder (default: the bundled one)")
    return parser.parse_args()


def rng_for(seed: int, part: str) -> np.random.Generator:
    """One stream of random numbers per part, so that a change in one part leaves the others as they were."""
    return np.random.default_rng([seed, *part.encode()])


def inline(value):
    """The same list or map, written on one line (wrapped) so that the file stays short."""
    kept = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    kept.fa.set_flow_style()
    return kept


def truth(value, unit: str, where: str, size: str, **more) -> dict:
    """One planted truth."""
    return {"value": value, "unit": unit, "where": where, "size": size, **more}


def write_yaml(content: dict, path: Path) -> None:
    """The content in its own order, without blanks at line ends."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(content, text)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """CSV with commas, UTF-8; whole amounts without decimals."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, frame in tables.items():
        frame = frame.copy()
        for name in frame.columns:
            if frame[name].dtype.kind == "f":
                frame[name] = frame[name].map(lambda value: "" if pd.isna(value) else f"{value:.10g}")
        frame.to_csv(folder / f"{stem}.csv", index=False, lineterminator="\n", encoding="utf-8")
