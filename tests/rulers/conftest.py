"""The library against PyTorch, JAX and optax: run by ``make rulers``, which installs them."""

from importlib.util import find_spec

# Without the rulers there is nothing to measure with; `make test` has rulers of its own.
collect_ignore_glob = [] if find_spec("torch") and find_spec("jax") else ["test_*.py"]
