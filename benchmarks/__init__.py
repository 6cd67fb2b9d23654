"""The library's speed beside its peers': ``make bench``, or ``python -m benchmarks --help``.

`benchmarks.workload` says what a workload is, `benchmarks.timing` and `benchmarks.memory` how it is
measured, `benchmarks.report` writes what came out for the page of the book. The other modules are
the workloads.
"""
