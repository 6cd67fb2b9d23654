"""The library against PyTorch, JAX and optax, which `make test` installs."""

import os
from importlib.util import find_spec

# Every formula is compiled for one call: optimizing the machine code takes longer than it saves.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# test_installed.py is left, and says whether they could be here.
PEERS = ("torch", "jax", "optax", "numba", "autograd", "mpmath")
collect_ignore_glob = [] if all(map(find_spec, PEERS)) else ["test_*_against_*.py"]
