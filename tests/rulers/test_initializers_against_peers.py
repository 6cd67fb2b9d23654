"""Initialisers against the bounds and deviations that PyTorch and JAX compute."""

from __future__ import annotations

import jax
import numpy as np
import pytest
import torch

from course_lib.initializers import INITIALIZERS, fan_in_and_out

N_IN, N_OUT = 400, 250
PYTORCH = {
    "glorot_normal": torch.nn.init.xavier_normal_,
    "glorot_uniform": torch.nn.init.xavier_uniform_,
    "he_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "he_uniform": lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "lecun_normal": lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear"),
    "lecun_uniform": lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear"),
}


@pytest.mark.parametrize("name", PYTORCH)
def test_deviation_and_range(name):
    torch.manual_seed(0)
    theirs = PYTORCH[name](torch.empty(N_OUT, N_IN, dtype=torch.float64)).numpy()
    ours = INITIALIZERS[name]((N_IN, N_OUT), 0)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.01)
    if name.endswith("uniform"):
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-4)


def test_leaky_rectifier():
    gain = torch.nn.init.calculate_gain("leaky_relu", 0.2)
    ours = INITIALIZERS["he_uniform"]((N_IN, N_OUT), 0, slope=0.2)
    assert np.abs(ours).max() == pytest.approx(gain * np.sqrt(3.0 / N_IN), rel=1e-4)


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (16, 8, 5)])
def test_fans_of_filters(shape):
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert fan_in_and_out(shape) == theirs


@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform", "lecun_uniform"])
def test_jax(name):
    theirs = getattr(jax.nn.initializers, name)()(jax.random.key(0), (N_IN, N_OUT))
    ours = INITIALIZERS[name]((N_IN, N_OUT), 0)
    assert np.abs(ours).max() == pytest.approx(float(abs(theirs).max()), rel=1e-4)
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.01)
