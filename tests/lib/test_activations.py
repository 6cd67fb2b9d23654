"""Activations: derivatives by complex step and differences, extremes, and the derivative trap."""

from __future__ import annotations

import pickle
from math import erfc, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.activations import (
    ACTIVATIONS,
    ELU,
    SELU,
    Activation,
    LeakyReLU,
    Softmax,
    Swish,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    mish,
    named_activation,
    relu,
    sigmoid,
    softmax,
    softplus,
    step,
    swish,
    tanh,
)

RNG = np.random.default_rng(5)
Z = np.r_[RNG.normal(scale=2.0, size=40), -30.0, 30.0, 1e-8, -1e-8]
EXTREME = np.array([-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
ELEMENTWISE = {
    **{name: f for name, f in ACTIVATIONS.items() if name != "softmax"},
    "leaky_relu 0.2": LeakyReLU(0.2),
    "elu 0.5": ELU(0.5),
    "swish 3": Swish(3.0),
}
FROM_OUTPUT = {name: f for name, f in ELEMENTWISE.items() if f.saves == "activation"}
ALL = [pytest.param(f, id=name) for name, f in ELEMENTWISE.items()]


class TestEveryActivation:
    @pytest.mark.parametrize("f", ALL)
    def test_derivative_by_differences(self, f):
        z = Z[np.abs(Z) > 1e-6]  # Not across a kink.
        h = 1e-6
        measured = (f(z + h) - f(z - h)) / ((z + h) - (z - h))
        assert_allclose(f.derivative(pre_activation=z), measured, rtol=1e-7, atol=2e-8)

    @pytest.mark.parametrize("f", [pytest.param(f, id=name) for name, f in FROM_OUTPUT.items()])
    def test_both_spellings_agree(self, f):
        from_input = f.derivative(pre_activation=Z)
        assert_allclose(f.derivative(activation=f(Z)), from_input, rtol=1e-12, atol=2e-16)

    @pytest.mark.parametrize("f", ALL)
    def test_backward_multiplies_by_the_derivative(self, f):
        upstream = RNG.normal(size=Z.shape)
        saved = f(Z) if f.saves == "activation" else Z
        expected = upstream * f.derivative(pre_activation=Z)
        assert_allclose(f.backward(upstream, saved), expected, rtol=1e-12, atol=1e-15)
        result = f.backward(upstream, saved, out=upstream)
        assert result is upstream
        assert_allclose(upstream, expected, rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("f", [*ALL, pytest.param(softmax, id="softmax")])
    def test_writes_where_it_is_told(self, f):
        out = np.full((4, 11), np.nan)
        z = Z.reshape(4, 11)
        assert f(z, out=out) is out
        assert_array_equal(out, f(z))
        here = z.copy()
        assert f(here, out=here) is here
        assert_array_equal(here, out)

    @pytest.mark.parametrize("f", ALL)
    def test_extreme_inputs_raise_no_warning_and_give_no_nan(self, f):
        for dtype in (np.float64, np.float32):
            z = EXTREME.astype(dtype)
            a = f(z)
            slope = f.derivative(pre_activation=z)
            saved = a if f.saves == "activation" else z
            carried = f.backward(np.ones_like(z), saved)
            for array in (a, slope, carried):
                assert np.isfinite(array).all()
                assert array.dtype == dtype
            low, high = f.limits
            assert (a >= np.float64(low) * (1 + 1e-6)).all()
            assert (a <= high).all()

    @pytest.mark.parametrize("f", [*ALL, pytest.param(softmax, id="softmax")])
    def test_numbers_lists_and_integers(self, f):
        assert np.isscalar(f([[1.0]])[0, 0])
        assert_allclose(f([1, 2]), f(np.array([1.0, 2.0])))
        assert f([1, 2]).dtype == np.float64
        if f is not softmax:
            assert isinstance(f(0.5), float)
            assert isinstance(f.derivative(pre_activation=0.5), float)
            assert f(0.5) == f(np.array([0.5]))[0]

    @pytest.mark.parametrize("f", [*ALL, pytest.param(Softmax(axis=0), id="softmax")])
    def test_can_be_kept_and_compared(self, f):
        again = pickle.loads(pickle.dumps(f))
        assert again == f
        assert repr(again) == repr(f)


class TestTheTrap:
    def test_the_derivative_must_be_told_what_it_is_given(self):
        with pytest.raises(TypeError):
            sigmoid.derivative(0.5)
        with pytest.raises(TypeError, match=r"Sigmoid\(\) takes one of.*got both or neither"):
            sigmoid.derivative()
        with pytest.raises(TypeError, match="got both or neither"):
            sigmoid.derivative(pre_activation=0.0, activation=0.5)

    @pytest.mark.parametrize(
        ("f", "output", "between"),
        [
            (sigmoid, -9.0, "0 and 1"),
            (sigmoid, 1.1, "0 and 1"),
            (tanh, 1.5, "-1 and 1"),
            (relu, -2.0, "0 and inf"),
            (softplus, -0.1, "0 and inf"),
            (elu, -1.5, "-1 and inf"),
            (ELU(2.0), -2.1, "-2 and inf"),
            (SELU(), -1.8, "-1.7581 and inf"),
            (step, 2.0, "0 and 1"),
        ],
    )
    def test_an_impossible_output_is_an_input(self, f, output, between):
        with pytest.raises(ValueError, match=f"between {between}.*got {output:g}: is it what went"):
            f.derivative(activation=[0.0, output])

    @pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "swish", "mish"])
    def test_where_the_output_does_not_tell_the_slope(self, name):
        with pytest.raises(ValueError, match=r"does not determine the derivative: give pre_act"):
            ACTIVATIONS[name].derivative(activation=0.1)
        with pytest.raises(NotImplementedError, match="differentiated at its input"):
            ACTIVATIONS[name]._slope_at_output(np.array([0.1]))

    def test_how_wrong_the_confusion_would_be(self):
        z = -8.0
        right = sigmoid.derivative(pre_activation=z)
        assert z * (1.0 - z) - right == pytest.approx(-72.0, abs=1e-3)

    def test_the_limits_of_every_activation_are_limits(self):
        z = np.linspace(-50, 50, 10001)
        for f in FROM_OUTPUT.values():
            f.derivative(activation=f(z))
            f.derivative(activation=f(z.astype(np.float32)))

    def test_saturated_outputs_have_forgotten_their_inputs(self):
        z = np.array([40.0])
        assert sigmoid.derivative(activation=sigmoid(z)) == 0.0
        assert_allclose(sigmoid.derivative(pre_activation=z), np.exp(-40.0), rtol=1e-14)
        assert tanh.derivative(activation=tanh(z)) == 0.0
        assert_allclose(tanh.derivative(pre_activation=z), 4 * np.exp(-80.0), rtol=1e-14)


class TestFunctions:
    def test_sigmoid_by_the_complex_step(self):
        h = 1e-30
        z = RNG.normal(scale=3.0, size=50)
        assert_allclose(
            sigmoid.derivative(pre_activation=z), sigmoid(z + 1j * h).imag / h, rtol=1e-13
        )
        assert_allclose(tanh.derivative(pre_activation=z), np.tanh(z + 1j * h).imag / h, rtol=1e-11)

    def test_sigmoid_keeps_its_tail(self):
        assert sigmoid(-1e4) == 0.0
        assert sigmoid(1e4) == 1.0
        assert sigmoid(-700.0) == pytest.approx(np.exp(-700.0), rel=1e-13)
        assert sigmoid.derivative(pre_activation=10.0) == pytest.approx(4.5e-5, abs=5e-7)
        assert sigmoid.derivative(pre_activation=0.0) == 0.25

    def test_tanh_is_a_sigmoid_in_disguise(self):
        assert_allclose(tanh(Z), 2 * sigmoid(2 * Z) - 1, atol=1e-15)

    def test_slopes_at_the_kink_come_from_the_left(self):
        for f, left in ((relu, 0.0), (leaky_relu, 0.01), (LeakyReLU(0.2), 0.2), (ELU(0.5), 0.5)):
            assert f.derivative(pre_activation=0.0) == pytest.approx(left)
            assert f.derivative(activation=f(0.0)) == pytest.approx(left)
        selu_slope = ACTIVATIONS["selu"].derivative(pre_activation=0.0)
        assert selu_slope == pytest.approx(1.0507009873554805 * 1.6732632423543772)

    def test_values_by_hand(self):
        z = np.array([-2.0, 0.0, 3.0])
        assert_array_equal(relu(z), [0.0, 0.0, 3.0])
        assert_allclose(leaky_relu(z), [-0.02, 0.0, 3.0])
        assert_allclose(elu(z), [np.exp(-2) - 1, 0.0, 3.0])
        assert_allclose(ELU(2.0)(z), [2 * (np.exp(-2) - 1), 0.0, 3.0])
        assert_array_equal(step([-2.0, 0.0, 0.5]), [0.0, 0.0, 1.0])
        assert_allclose(softplus(z), np.log(1 + np.exp(z)))
        assert_allclose(gelu(z), [x * 0.5 * erfc(-x / sqrt(2.0)) for x in z], rtol=1e-14)

    def test_a_dead_unit_stays_dead_and_a_leaky_one_does_not(self):
        z = RNG.normal(size=100) - 20.0
        assert not relu.backward(np.ones(100), relu(z)).any()
        assert_allclose(leaky_relu.backward(np.ones(100), leaky_relu(z)), 0.01)

    def test_nan_is_not_hidden(self):
        assert np.isnan(relu([np.nan, 1.0])[0])
        assert np.isnan(leaky_relu([np.nan, 1.0])[0])

    def test_where_swish_and_mish_turn(self):
        z = np.linspace(-3, 0, 3_000_001)
        for f, where, low in ((swish, -1.278465, -0.278465), (mish, -1.192431, -0.308843)):
            a = f(z)
            assert z[a.argmin()] == pytest.approx(where, abs=2e-5)
            assert a.min() == pytest.approx(low, abs=5e-7)

    def test_mean_of_elu_and_relu_under_the_normal_distribution(self):
        nodes, weights = np.polynomial.hermite_e.hermegauss(200)
        weights = weights / weights.sum()
        assert weights @ elu(nodes) == pytest.approx(0.160521, abs=2e-3)
        assert weights @ relu(nodes) == pytest.approx(0.398942, abs=4e-3)

    def test_selu_keeps_mean_zero_and_variance_one(self):
        z = np.linspace(-12, 12, 400_001)
        density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
        a = ACTIVATIONS["selu"](z)
        assert np.trapezoid(density * a, z) == pytest.approx(0.0, abs=1e-9)
        assert np.trapezoid(density * a * a, z) == pytest.approx(1.0, abs=1e-9)


class TestSoftmax:
    def test_probabilities(self):
        a = softmax(RNG.normal(size=(6, 4)))
        assert_allclose(a.sum(axis=1), 1.0)
        assert_allclose(softmax([0.0, np.log(3.0)]), [0.25, 0.75])
        assert_array_equal(softmax([[1e4, -1e4], [-1e4, -1e4]]), [[1, 0], [0.5, 0.5]])

    def test_axis(self):
        z = RNG.normal(size=(4, 6))
        assert_allclose(Softmax(axis=0)(z), softmax(z.T).T)
        delta = RNG.normal(size=(4, 6))
        across = Softmax(axis=0).backward(delta, Softmax(axis=0)(z))
        assert_allclose(across, softmax.backward(delta.T, softmax(z.T)).T)
        down = Softmax(axis=0).jacobian(activation=Softmax(axis=0)(z))
        assert_allclose(down, softmax.jacobian(activation=softmax(z.T)))

    def test_jacobian_by_differences(self):
        z = RNG.normal(size=5)
        h = 1e-6
        columns = [(softmax(z + e) - softmax(z - e)) / (2 * h) for e in h * np.eye(5)]
        assert_allclose(softmax.jacobian(activation=softmax(z)), np.transpose(columns), atol=1e-9)

    def test_backward_is_the_jacobian_times_the_vector(self):
        z, delta = RNG.normal(size=(3, 5)), RNG.normal(size=(3, 5))
        a = softmax(z)
        expected = np.einsum("nij,nj->ni", softmax.jacobian(activation=a), delta)
        assert_allclose(softmax.backward(delta, a), expected, atol=1e-15)
        assert softmax.backward(delta, a, out=delta) is delta
        assert_allclose(delta, expected, atol=1e-15)

    def test_there_is_no_elementwise_derivative(self):
        assert not hasattr(softmax, "derivative")

    def test_log_softmax(self):
        z = RNG.normal(size=(6, 4))
        assert_allclose(log_softmax(z), np.log(softmax(z)))
        assert_allclose(log_softmax(z, axis=0), np.log(Softmax(axis=0)(z)))
        assert_array_equal(log_softmax([0.0, 1e4]), [-1e4, 0.0])
        assert log_softmax(z.astype(np.float32)).dtype == np.float32


class TestNames:
    def test_by_name(self):
        for name, f in ACTIVATIONS.items():
            assert named_activation(name) is f
        assert named_activation(relu) is relu
        with pytest.raises(ValueError, match="unknown activation 'RELU': choose one of 'identity'"):
            named_activation("RELU")

    def test_a_new_activation_needs_two_lines_of_mathematics(self):
        class Square(type(relu).__mro__[1]):
            def _write(self, z, out):
                np.multiply(z, z, out=out)

            def _slope_at_input(self, z):
                return 2.0 * z

        assert isinstance(Square(), Activation)
        assert Square()(3.0) == 9.0
        assert Square().derivative(pre_activation=3.0) == 6.0

    @pytest.mark.parametrize(
        "bad", [lambda: LeakyReLU(0.0), lambda: LeakyReLU(1.0), lambda: ELU(-1.0), lambda: Swish(0)]
    )
    def test_settings(self, bad):
        with pytest.raises(ValueError, match="must be a finite number"):
            bad()

    def test_softmax_axis(self):
        with pytest.raises(TypeError, match="axis must be a whole number"):
            Softmax(axis=0.5)
