"""All workloads by name."""

from benchmarks import discriminants, imports, linear, networks, optimizers
from benchmarks.workload import Workload

WORKLOADS: dict[str, Workload] = {
    **networks.WORKLOADS,
    **linear.WORKLOADS,
    **discriminants.WORKLOADS,
    **optimizers.WORKLOADS,
    **imports.WORKLOADS,
}
