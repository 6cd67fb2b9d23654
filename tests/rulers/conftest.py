"""The library against PyTorch, JAX and optax, which `make test` installs."""

from importlib.util import find_spec

# test_installed.py is left, and says whether they could be here.
PEERS = ("torch", "jax", "optax", "numba", "autograd", "mpmath")
collect_ignore_glob = [] if all(map(find_spec, PEERS)) else ["test_*_against_*.py"]
