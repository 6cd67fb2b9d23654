"""The stored results as a table and a plot, for a page of the book.

`benchmarks/results.json` is what was measured; `benchmarks/results.md` is made from it alone and
shown by ``book/benchmarks.md``. A test makes it anew and compares.
"""

from __future__ import annotations

import json
from html import escape
from math import log10
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.workload import Target, Workload
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "benchmarks" / "results.md"
NUMBA, NUMPY = "with numba", "without numba"

Results = dict[str, Any]


def ways(workload: Workload) -> tuple[str, ...]:
    """Return the ways in which a workload is measured."""
    return (NUMBA, NUMPY) if workload.compiled_loops else (NUMPY,)


class Line(NamedTuple):
    """A target, and what was measured."""

    workload: Workload
    way: str
    target: Target
    minima: float
    medians: float
    memory: tuple[int | None, int | None]

    @property
    def most(self) -> float:
        return self.target.at_most(self.way == NUMBA)

    @property
    def verdict(self) -> str:
        """Whether the target was met, in words; the ratios as they are, not as they are rounded."""
        by_minima, by_medians = self.minima <= self.most, self.medians <= self.most
        if by_minima and by_medians:
            return "met"
        if by_minima or by_medians:
            met, missed = ("minima", "medians") if by_minima else ("medians", "minima")
            return f"met by the {met}, missed by the {missed}"
        return "missed"

    @property
    def title(self) -> str:
        if self.workload.compiled_loops:
            return f"{self.workload.title}, {self.way}"
        return self.workload.title

    def shown(self, ratio: float) -> str:
        """Return a ratio, or the share of a ceiling."""
        return f"{100 / ratio:.0f} %" if self.target.as_share else f"{ratio:.3g}"

    @property
    def wanted(self) -> str:
        return ("≥ " if self.target.as_share else "≤ ") + self.shown(self.most)

    def in_words(self) -> str:
        return (
            f"{self.way}: {self.target.ours} / {self.target.peer}: {self.shown(self.minima)} "
            f"(medians {self.shown(self.medians)}), target {self.wanted}: {self.verdict}"
        )


def lines(key: str, entry: Results) -> list[Line]:
    """Return a line for every target of a workload."""
    workload, found = WORKLOADS[key], []
    for target in workload.targets:
        for way in ways(workload):
            contenders = entry["measured"][way]["contenders"]
            ours, peer = contenders[target.ours], contenders[target.peer]
            minima, medians = (ours[of] / peer[of] for of in ("minimum", "median"))
            memory = ours["memory"], peer["memory"]
            found.append(Line(workload, way, target, minima, medians, memory))
    return found


def stored() -> Results:
    """Return the stored results by workload, in the order of the workloads."""
    if not RESULTS.exists():
        return {}
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    return {key: found[key] for key in WORKLOADS if key in found}


def store(results: Results) -> None:
    ordered = {key: results[key] for key in WORKLOADS if key in results}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def write(results: Results) -> None:
    PAGE.write_text(text(results), encoding="utf-8")


def text(results: Results) -> str:
    """Return the part of the page that depends on the results."""
    all_lines = [line for key, entry in results.items() for line in lines(key, entry)]
    parts = [summary(all_lines), *accuracy(results), conditions(results), plot(all_lines)]
    parts += ["## Targets", targets_table(all_lines)]
    parts += ["## Every contender", contenders_table(results)]
    return "\n\n".join(parts) + "\n"


def summary(all_lines: list[Line]) -> str:
    missed = [line for line in all_lines if line.verdict != "met"]
    n_met = len(all_lines) - len(missed)
    if not missed:
        return f"All {n_met} targets were met."
    told = "; ".join(
        f"{line.title}, beside {line.target.peer} ({line.verdict}: {line.shown(line.minima)}, by "
        f"the medians {line.shown(line.medians)}, wanted {line.wanted})"
        for line in missed
    )
    return f"Of {len(all_lines)} targets {n_met} were met. The others: {told}."


def accuracy(results: Results) -> list[str]:
    """Return a sentence for every workload that is to be done no less accurately."""
    said = []
    for key, entry in results.items():
        workload = WORKLOADS[key]
        if workload.no_less_accurate is None:
            continue
        for measured in entry["measured"].values():
            errors = [measured["contenders"][n]["reached"] for n in workload.no_less_accurate]
            verdict = "met" if errors[0] <= errors[1] else "**missed**"
            ours, peer = workload.no_less_accurate
            said.append(
                f"{workload.title}: the {workload.reached[0]} was {errors[0]:.1e} ({ours}) and "
                f"{errors[1]:.1e} ({peer}); that ours be no larger is {verdict}."
            )
    return said


def conditions(results: Results) -> str:
    """Return where and when it was measured, and what else went on there."""
    machines: dict[str, list[str]] = {}
    for key, entry in results.items():
        machines.setdefault(json.dumps(entry["machine"]), []).append(key)
    several, said = len(machines) > 1, []
    for machine, keys in machines.items():
        m = json.loads(machine)
        versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
        which = f" ({', '.join(f'`{key}`' for key in keys)})" if several else ""
        said.append(
            f"Measured on {m['date']}{which}: {m['processor']}, {m['cores']} cores, "
            f"{m['system']}; Python {m['python']}, {versions}; {m['blas']}."
        )
    measured = [way for entry in results.values() for way in entry["measured"].values()]
    threads = max(way["threads"] for way in measured)
    said.append(f"Numerical libraries ran on {threads} thread{'s' if threads > 1 else ''}.")
    loads = [way["load"] for way in measured if way["load"] is not None]
    if loads:
        busiest = max(loads)
        # One of those who wanted a processor was the benchmark.
        other = "Other programs ran on the machine meanwhile" if busiest > 1.5 else "It was idle"
        said.append(
            f"{other}: between {min(loads):.1f} and {busiest:.1f} programs wanted a processor."
        )
    return "\n".join(said)


def targets_table(all_lines: list[Line]) -> str:
    rows = []
    for line in all_lines:
        verdict = "met" if line.verdict == "met" else f"**{line.verdict}**"
        ours, peer = (size(memory) for memory in line.memory)
        rows.append(
            f"| {line.title} | {line.target.ours} / {line.target.peer} | {line.wanted} "
            f"| {line.shown(line.minima)} | {line.shown(line.medians)} | {verdict} "
            f"| {ours} / {peer} |"
        )
    head = "| work | ours / peer | target | of minima | of medians | verdict | peak memory |"
    return "\n".join([head, "|---|---|---:|---:|---:|---|---:|", *rows])


def contenders_table(results: Results) -> str:
    rows = []
    for key, entry in results.items():
        workload = WORKLOADS[key]
        for way, measured in entry["measured"].items():
            title = f"{workload.title}, {way}" if workload.compiled_loops else workload.title
            rounds = f"{measured['rounds']} rounds"
            reached = f", {workload.reached[0]}" if workload.reached else ""
            for i, (name, m) in enumerate(measured["contenders"].items()):
                value = f"{m['reached']:.6g}" if m.get("reached") == m.get("reached", 0) else ""
                value = value if workload.reached else ""
                rows.append(
                    f"| {'' if i else f'{title} ({rounds}{reached})'} | {name} "
                    f"| {duration(m['minimum'])} | {duration(m['median'])} | {size(m['memory'])} "
                    f"| {value} |"
                )
    head = "| work | contender | minimum | median | peak memory | reached |"
    return "\n".join([head, "|---|---|---:|---:|---:|---:|", *rows])


def duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def size(n_bytes: int | None) -> str:
    return "–" if n_bytes is None else f"{n_bytes / 2**20:.1f} MiB"


# The plot: a column of labels and tracks, so that it can be read on a phone too.
WIDTH, MARGIN, TOP, ROW, FOOT = 460, 12, 26, 50, 60
LEAST, MOST = 0.005, 10.0
TICKS = (0.01, 0.1, 1.0, 10.0)


def plot(all_lines: list[Line]) -> str:
    """Return every ratio beside its target, as a picture in the page."""
    n_met = sum(line.verdict == "met" for line in all_lines)
    told = (
        f"Ratios of our CPU time to the peer's, on a logarithmic axis, one row a target: "
        f"{n_met} of {len(all_lines)} dots lie left of the mark of their target. The table below "
        "has every number."
    )
    bottom = TOP + ROW * len(all_lines)
    parts = [
        f'<figure class="benchmarks"><svg viewBox="0 0 {WIDTH} {bottom + FOOT}" '
        f'xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(told)}" '
        'style="width:100%;max-width:40rem;font-family:var(--dh-sans,sans-serif);font-size:11px">'
    ]
    for tick in TICKS:
        x = _x(tick)
        dashes = "" if tick == 1 else ' stroke-dasharray="2 3"'
        parts.append(
            f'<line x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{bottom}" '
            f'stroke="var(--dh-{"muted" if tick == 1 else "line"})"{dashes}/>'
            + _text(x, TOP - 13, f"{tick:g}", anchor="middle")
        )
    for i, line in enumerate(all_lines):
        parts.append(_row(line, TOP + ROW * i))
    parts.append(_key(bottom + 18))
    parts.append(
        f"</svg><figcaption>Our CPU time divided by the peer's (ratio of minima): {n_met} of "
        f"{len(all_lines)} targets are met, by the minima and by the medians. At 1 both take the "
        "same time.</figcaption></figure>"
    )
    return "\n".join(["```{raw} html", *parts, "```"])


def _row(line: Line, y: float) -> str:
    met = line.verdict == "met"
    track, target, ratio = y + 38, _x(line.most), _x(line.minima)
    colour = "var(--dh-good)" if met else "var(--dh-bad)"
    shape = (
        f'<circle cx="{ratio}" cy="{track}" r="5" fill="{colour}"/>'
        if met
        else f'<path d="M{ratio - 5} {track - 5}l10 10m0 -10l-10 10" stroke="{colour}" '
        'stroke-width="3"/>'
    )
    beside = f"{line.shown(line.minima)} {line.verdict if met else 'not met'}"
    return (
        _text(MARGIN, y + 14, line.title)
        + _text(MARGIN, y + 27, f"{line.target.ours} / {line.target.peer}", colour="muted")
        + f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{track}" y2="{track}" '
        'stroke="var(--dh-line)"/>'
        + f'<line x1="{target}" x2="{target}" y1="{track - 7}" y2="{track + 7}" '
        'stroke="var(--dh-ink)" stroke-width="2"/>'
        + shape
        + _text(WIDTH - MARGIN, y + 27, beside, anchor="end", colour="ink" if met else "bad")
    )


def _key(y: float) -> str:
    return (
        f'<circle cx="{MARGIN + 5}" cy="{y - 4}" r="5" fill="var(--dh-good)"/>'
        + _text(MARGIN + 16, y, "ratio, target met")
        + f'<path d="M{MARGIN + 130} {y - 9}l10 10m0 -10l-10 10" stroke="var(--dh-bad)" '
        'stroke-width="3"/>'
        + _text(MARGIN + 146, y, "ratio, target not met")
        + f'<line x1="{MARGIN + 276}" x2="{MARGIN + 276}" y1="{y - 11}" y2="{y + 3}" '
        'stroke="var(--dh-ink)" stroke-width="2"/>'
        + _text(MARGIN + 284, y, "target: no further right")
        + _text(MARGIN, y + 22, "our time / the peer's: the further left, the faster we are")
    )


def _x(ratio: float) -> float:
    share = log10(min(max(ratio, LEAST), MOST) / LEAST) / log10(MOST / LEAST)
    return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = "ink") -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="var(--dh-{colour})" '
        'style="paint-order:stroke;stroke:var(--dh-paper);stroke-width:3px">'
        f"{escape(words)}</text>"
    )
