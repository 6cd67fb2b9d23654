"""The page about speed is made from what was measured, and leaves nothing out."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory, report, timing
from benchmarks.__main__ import in_fresh_process
from benchmarks.report import NUMBA, NUMPY, Line
from benchmarks.workload import SelfMeasured, Target, Workload
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]
RESULTS = report.stored()

# What was set as targets before anything was measured: workload, ours, peer, ratio with numba and
# without.
SET = [
    ("digits-32", "float32", "MLPClassifier, float64", 0.33, 0.33),
    ("digits-32", "float64", "MLPClassifier, float64", 0.50, 0.50),
    ("digits-32", "float32", "PyTorch", 0.30, 0.30),
    ("digits-200", "float32", "MLPClassifier, float64", 0.40, 0.40),
    ("digits-200", "float64", "MLPClassifier, float64", 0.65, 0.65),
    ("large-network", "float32", "PyTorch", 1.15, 1.15),
    ("large-network", "float32", "matrix products", 1 / 0.55, 1 / 0.55),
    ("tape", "float32", "PyTorch eager, float32", 0.7, 0.7),
    ("tape", "float64", "PyTorch eager, float64", 0.7, 0.7),
    ("tape", "float64", "HIPS", 0.25, 0.25),
    ("logistic-by-sample", "ours", "SGDClassifier", 0.6, 6.0),
    ("hinge-by-sample", "ours", "SGDClassifier", 0.6, 6.0),
    ("logistic-mini-batch", "ours", "SGDClassifier", 1.0, 1.0),
    ("logistic-full-batch", "ours", "lbfgs", 0.9, 0.9),
    ("lda", "float64", "svd", 0.15, 0.15),
    ("lda-hard", "float64", "svd", 0.15, 0.15),
    ("pca", "float64", "covariance_eigh", 1.1, 1.1),
    ("adam-10000-float32", "ours", "fused", 0.25, 0.6),
    ("adam-10000-float64", "ours", "fused", 0.25, 0.6),
    ("adam-1000000-float32", "ours", "fused", 0.7, 2.5),
    ("adam-1000000-float64", "ours", "fused", 0.7, 2.5),
    ("import", "import course_lib", "numpy", 1.5, 1.5),
]


@pytest.mark.parametrize(("key", "ours", "peer", "most", "without_numba"), SET)
def test_every_target_that_was_set_is_measured(key, ours, peer, most, without_numba):
    found = [
        target for target in WORKLOADS[key].targets if ours in target.ours and peer in target.peer
    ]
    assert len(found) == 1
    assert found[0].at_most(compiled=True) == most
    assert found[0].at_most(compiled=False) == without_numba


def test_every_workload_and_contender_has_a_stored_result():
    assert list(RESULTS) == list(WORKLOADS)
    for key, workload in WORKLOADS.items():
        measured = RESULTS[key]["measured"]
        assert tuple(measured) == report.ways(workload)
        for way in measured.values():
            assert set(way["contenders"]) == set(workload.contenders)
            assert way["threads"] == 1


def test_page_is_made_from_the_stored_results():
    assert report.PAGE.read_text(encoding="utf-8") == report.text(RESULTS), (
        "run python -m benchmarks --write"
    )
    page = (ROOT / "book" / "benchmarks.md").read_text(encoding="utf-8")
    assert "```{include} ../benchmarks/results.md" in page


def test_page_shows_every_target_and_every_miss():
    text = report.text(RESULTS)
    for key, entry in RESULTS.items():
        for line in report.lines(key, entry):
            row = f"| {line.title} | {line.target.ours} / {line.target.peer} |"
            [shown] = [found for found in text.splitlines() if found.startswith(row)]
            assert line.shown(line.minima) in shown
            assert line.shown(line.medians) in shown
            assert line.verdict in shown


def a_line(minima: float, medians: float, most: float = 1.0, as_share: bool = False) -> Line:
    target = Target("ours", "theirs", most, as_share=as_share)
    workload = Workload("some work", lambda tiny: None, {}, (target,))
    return Line(workload, NUMPY, target, minima, medians, (2**20, None))


def test_verdict_is_in_words_and_is_not_rounded():
    assert a_line(0.9, 1.0).verdict == "met"
    assert a_line(1.0001, 1.2).verdict == "missed"
    assert a_line(0.9, 1.1).verdict == "met by the minima, missed by the medians"
    assert a_line(1.1, 0.9).verdict == "met by the medians, missed by the minima"


def test_share_of_a_ceiling_is_told_as_a_share():
    line = a_line(2.0, 2.0, most=1 / 0.55, as_share=True)
    assert (line.shown(line.minima), line.wanted, line.verdict) == ("50 %", "≥ 55 %", "missed")


def test_no_loss_is_hidden():
    told = report.summary([a_line(0.5, 0.5), a_line(1.5, 1.6)])
    assert told.startswith("Of 2 targets 1 were met. The others: some work, beside theirs (missed")
    row = report.targets_table([a_line(1.5, 1.6)]).splitlines()[-1]
    assert "**missed**" in row
    assert "not met" in report.plot([a_line(1.5, 1.6)])
    assert "1.0 MiB / –" in row


def test_less_accurate_is_said():
    workload = WORKLOADS["lda-hard"]
    ours, peer = workload.no_less_accurate
    for error, word in ((1e-9, "**missed**"), (1e-14, "is met")):
        contenders = {ours: {"reached": error}, peer: {"reached": 1e-10}}
        found = {"lda-hard": {"measured": {NUMPY: {"contenders": contenders}}}}
        [said] = report.accuracy(found)
        assert word in said


@pytest.mark.parametrize(
    ("key", "name"),
    [(key, name) for key, w in WORKLOADS.items() for name in w.contenders if "ours" in name],
)
def test_our_side_of_a_workload_runs(key, name):
    workload = WORKLOADS[key]
    data = workload.data(True)
    result = workload.contenders[name](data)()
    assert result is not None
    if workload.reached is not None:
        assert np.isfinite(workload.reached[1](data, result))


def test_contenders_take_turns():
    turns = []
    contenders = {
        name: lambda data, name=name: lambda: turns.append(name) or len(turns)
        for name in ("ours", "theirs")
    }
    workload = Workload("", lambda tiny: None, contenders, reached=("count", lambda d, n: n))
    result = timing.measure(workload, seconds=0.0, tiny=True)
    assert result["rounds"] == timing.FEWEST_ROUNDS
    # One warm-up each, then one each a round.
    for k in range(0, len(turns), 2):
        assert set(turns[k : k + 2]) == {"ours", "theirs"}
    assert {m["reached"] for m in result["contenders"].values()} == {1, 2}


def test_slow_is_measured_as_slow():
    def busy(n):
        return lambda data: lambda: sum(range(n))

    workload = Workload("", lambda tiny: None, {"ours": busy(20_000), "theirs": busy(200_000)})
    result = timing.measure(workload, seconds=0.1)["contenders"]
    assert 5 < result["theirs"]["minimum"] / result["ours"]["minimum"] < 20
    assert result["ours"]["calls"] > result["theirs"]["calls"]


def test_a_process_that_measures_itself_is_believed():
    workload = Workload("", lambda tiny: None, {"ours": lambda data: lambda: SelfMeasured(3.0, 7)})
    [found] = timing.measure(workload, seconds=0.1)["contenders"].values()
    assert found["minimum"] == found["median"] == 3.0
    assert memory.peak_of(workload, "ours") == 7


@pytest.mark.skipif(sys.platform != "linux", reason="peaks can be forgotten on Linux alone")
def test_peak_memory_counts_what_a_run_takes_and_not_its_data():
    def prepare(data):
        return lambda: np.ones(0 if data is None else 4 * data.size).sum()

    workload = Workload("", lambda tiny: None if tiny else np.ones(2**20), {"ours": prepare})
    assert 31 < memory.peak_of(workload, "ours") / 2**20 < 36


def test_measures_in_fresh_processes():
    found = in_fresh_process("timing", ["pca", "--tiny"], NUMPY)
    assert found["threads"] == 1
    assert set(found["contenders"]) == set(WORKLOADS["pca"].contenders)
    assert in_fresh_process("memory", ["pca", "ours, float64", "--tiny"], NUMBA) is not None
