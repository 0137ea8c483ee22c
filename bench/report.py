"""Results: rows of numbers, medians over rounds, tables in Markdown, files in JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Table:
    """One scenario: a row for each form, a column for each measure.

    ``measures`` are (key, heading, digits); ``compared`` is the key whose ratio to ``baseline``'s
    is shown.
    """

    name: str
    title: str
    measures: Sequence[tuple[str, str, int]]
    compared: str | None = None
    baseline: str | None = None
    smaller_is_better: bool = False
    samples: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, form: str, sample: dict[str, float], faults: Sequence[str] = ()) -> None:
        """Note one run of a form."""
        self.samples.setdefault(form, []).append(sample)
        self.faults += [f"{form}: {fault}" for fault in faults]

    def median(self, form: str, key: str) -> float:
        """The median of a measure over the rounds."""
        return statistics.median(sample[key] for sample in self.samples[form])

    def ratio(self, form: str) -> float | None:
        """How many times the baseline's, the better the larger."""
        if self.compared is None or self.baseline not in self.samples:
            return None
        own, base = self.median(form, self.compared), self.median(self.baseline, self.compared)
        above, below = (base, own) if self.smaller_is_better else (own, base)
        return above / below if below else None

    def markdown(self) -> str:
        """The table, with what went wrong under it."""
        compares = self.compared is not None and self.baseline in self.samples
        headings = ["form", *(heading for _, heading, _ in self.measures)]
        headings += ["ratio"] if compares else []
        lines = [
            f"### {self.title}",
            "",
            f"| {' | '.join(headings)} |",
            f"|---|{'---:|' * (len(headings) - 1)}",
            *(self._row(form, compares) for form in self.samples),
            "",
        ]
        lines += [f"{note}\n" for note in self.notes]
        if self.faults:
            lines += ["**Not exact:**", "", *(f"- {fault}" for fault in self.faults), ""]
        return "\n".join(lines)

    def _row(self, form: str, compares: bool) -> str:
        cells = [form]
        cells += [self._cell(form, key, digits) for key, _, digits in self.measures]
        if compares:
            ratio = self.ratio(form)
            cells.append("" if ratio is None else f"{ratio:.2f}")
        return f"| {' | '.join(cells)} |"

    def _cell(self, form: str, key: str, digits: int) -> str:
        values = sorted(sample[key] for sample in self.samples[form])
        middle = f"{statistics.median(values):,.{digits}f}"
        if key != self.compared or len(values) < 2:
            return middle
        return f"{middle} ({values[0]:,.{digits}f}-{values[-1]:,.{digits}f})"

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured."""
        return {
            "name": self.name,
            "title": self.title,
            "samples": self.samples,
            "faults": self.faults,
            "notes": self.notes,
            "ratios": {form: self.ratio(form) for form in self.samples},
        }


def save(folder: Path, head: dict[str, Any], tables: Sequence[Table]) -> Path:
    """Write the run as JSON and Markdown; the path of the JSON file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{head['began'].replace(':', '')}.json"
    body = {**head, "scenarios": [table.as_json() for table in tables]}
    file.write_text(json.dumps(body, indent=1))
    file.with_suffix(".md").write_text("\n".join(table.markdown() for table in tables))
    return file
