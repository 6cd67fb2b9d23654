"""Plain data survives the channel, and nothing else does any harm to the side that reads it."""

import contextlib
import enum
import json
import socket
import struct
import threading
import time
import tracemalloc
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.grading.channel import Channel, ChannelError, pack, unpack
from course_lib.grading.plain import (
    DTYPES,
    INTEGER_BITS,
    Bounds,
    MalformedError,
    NotPlainError,
    TooLargeError,
    decode,
    encode,
)

DTYPE = st.sampled_from([dtype.newbyteorder("=") for dtype in DTYPES.values()])
ARRAYS = DTYPE.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)
SCALARS = DTYPE.flatmap(lambda dtype: hnp.arrays(dtype, ())).map(lambda array: array[()])
INTEGERS = st.integers(-(2**INTEGER_BITS) + 1, 2**INTEGER_BITS - 1)
LEAVES = (st.none() | st.booleans() | INTEGERS | st.floats() | st.complex_numbers() | st.text()) | (
    ARRAYS | SCALARS
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, np.ndarray | np.generic):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    elif isinstance(a, complex):
        assert_same([a.real, a.imag], [b.real, b.imag])
    elif a != a:
        assert b != b
    else:
        assert a == b
        assert str(a) == str(b)


def through_json(value, bounds=None, functions=None, function=None):
    tree, buffers = encode(value, bounds, functions)
    return decode(json.loads(json.dumps(tree)), buffers, bounds, function)


@pytest.fixture
def ends():
    """Two connected channels, and the bare socket of the first."""
    a, b = socket.socketpair()
    yield Channel(a), Channel(b), a
    a.close()
    b.close()


class TestPlainData:
    @given(value=PLAIN)
    def test_comes_back_as_it_was(self, value):
        assert_same(through_json(value), value)

    @given(array=ARRAYS)
    def test_of_arrays_the_layout_does_not_matter(self, array):
        for view in (array.T, np.asfortranarray(array), array[..., ::-1] if array.ndim else array):
            assert_same(through_json(view), np.array(view, order="C"))
        assert_same(through_json(array.astype(array.dtype.newbyteorder(">"))), array)

    def test_arrays_that_come_back_can_be_written_to_and_share_nothing(self):
        tree, buffers = encode([np.ones(3), np.ones(3)])
        first, second = decode(tree, [bytearray(b) for b in buffers])
        first[:] = 7
        assert second.tolist() == [1, 1, 1]
        assert buffers[0] == np.ones(3).tobytes()

    def test_of_subclasses_the_base_arrives(self):
        class Loud(float):
            def __float__(self):
                raise AssertionError("must not be asked")

            __repr__ = __add__ = __float__

        class Marked(np.ndarray):
            def __array__(self, *args, **kwargs):
                raise AssertionError("must not be asked")

        class Level(enum.IntEnum):
            LOW = 3

        pair = namedtuple("pair", "a b")
        came = through_json(
            [Loud(0.5), Level.LOW, pair(1, 2), OrderedDict(a=1), np.arange(3.0).view(Marked)]
        )
        assert_same(came, [0.5, 3, (1, 2), {"a": 1}, np.arange(3.0)])

    @pytest.mark.parametrize(
        ("value", "what"),
        [
            ((i for i in "ab"), "generator"),
            (len, "function"),
            (int, "type"),
            (np, "module"),
            ({1, 2}, "set"),
            (b"raw", "bytes"),
            (range(3), "range"),
            ({1: 2}, "key"),
            (np.array([None]), "array of object"),
            (np.array(["a"]), "array of text"),
            (np.ma.array([1.0]), "masked array"),
            (np.array([0], "M8[s]"), "dates"),
            (np.zeros(2, [("a", float)]), "records"),
            (np.longdouble(1), "longdouble"),
            ("\ud800", "surrogates"),
            (np.random.default_rng(0), "Generator"),
            (object(), "object"),
        ],
    )
    def test_of_what_is_not_plain_it_says_what_it_is(self, value, what):
        with pytest.raises(NotPlainError) as caught:
            encode(["x", value])
        assert caught.value.what == what

    @pytest.mark.parametrize(
        "value",
        [
            [0] * 101,
            [[0] * 10] * 11,
            "x" * 1001,
            ["x" * 600] * 2,
            np.zeros(126),
            [np.zeros(70), np.zeros(70)],
            np.broadcast_to(np.zeros(1), (10**6, 10**6)),
            2**INTEGER_BITS,
            [[[[[[0]]]]]],
        ],
        ids=["list", "lists", "text", "texts", "array", "arrays", "broadcast", "integer", "depth"],
    )
    def test_bounds_hold_where_it_is_written(self, value):
        with pytest.raises(TooLargeError):
            encode(value, Bounds(text_bytes=1000, array_bytes=1000, parts=100, depth=5))

    def test_a_list_that_holds_itself_is_too_deep(self):
        circle = []
        circle.append(circle)
        with pytest.raises(TooLargeError):
            encode(circle)

    @pytest.mark.parametrize("name", ["PCG64", "MT19937", "Philox", "SFC64"])
    def test_a_generator_goes_on_where_it_was(self, name):
        rng = np.random.Generator(getattr(np.random, name)(3))
        rng.normal(size=5)
        came = through_json(rng, functions=[], function=lambda number: len)
        assert_same(came.normal(size=4), rng.normal(size=4))

    def test_functions_go_as_their_place(self):
        functions = []
        came = through_json([len, {"a": sum}], functions=functions, function=lambda n: functions[n])
        assert came == [len, {"a": sum}]
        assert functions == [len, sum]


class TestStrangers:
    @pytest.mark.parametrize(
        "tree",
        [
            {},
            [],
            [1],
            ["x"],
            ["l"],
            ["l", 3],
            ["l", [], []],
            ["d", [["a"]]],
            ["d", [[1, 2]]],
            ["d", {"a": 1}],
            ["c", 1, 2],
            ["c", "1", "2"],
            ["a"],
            ["a", "<f8", [2], 1],
            ["a", "<f8", [2], -1],
            ["a", "<f8", [2], True],
            ["a", "<f8", [2], "0"],
            ["a", "<f8", [3], 0],
            ["a", "<f8", [-2], 0],
            ["a", "<f8", [-1, -2], 0],
            ["a", "<f8", [2.0], 0],
            ["a", "<f8", [True, 2], 0],
            ["a", "<f8", "2", 0],
            ["a", "<f8", [1] * 33, 0],
            ["a", "|O", [2], 0],
            ["a", "O", [2], 0],
            ["a", "<U4", [1], 0],
            ["a", ["<f8"], [2], 0],
            ["a", "<f8, <f8", [1], 0],
            ["a", "<m8[s]", [2], 0],
            ["s", "<f8", [2], 0],
            ["l", [["a", "<f8", [2], 0], ["a", "<f8", [2], 0]]],
            ["g", ["d", [["bit_generator", "PCG64"]]]],
            ["f", 0],
            "\ud800",
            ["d", [["\udfff", 1]]],
        ],
        ids=str,
    )
    def test_malformed_trees_are_refused(self, tree):
        with pytest.raises(MalformedError):
            decode(tree, [bytes(16)])

    @pytest.mark.parametrize(
        "state",
        [
            ["d", [["bit_generator", "PCG64"]]],
            ["d", [["bit_generator", "Generator"]]],
            ["d", [["bit_generator", "PCG64"], ["state", ["d", [["state", -1], ["inc", 1]]]]]],
            ["l", []],
            5,
        ],
    )
    def test_generators_in_impossible_states_are_refused(self, state):
        with pytest.raises(MalformedError):
            decode(["g", state], [], function=lambda number: len)

    @pytest.mark.parametrize(
        ("tree", "buffers"),
        [
            (["l", [0] * 101], []),
            (["l", [["l", []]] * 101], []),
            (2**INTEGER_BITS, []),
            (["l", [["l", [["l", [["l", [["l", [["l", [["l", []]]]]]]]]]]]]], []),
            (["a", "|u1", [1001], 0], [bytes(1001)]),
        ],
    )
    def test_bounds_hold_where_it_is_read(self, tree, buffers):
        with pytest.raises(TooLargeError):
            decode(tree, buffers, Bounds(text_bytes=1000, array_bytes=1000, parts=100, depth=4))

    def test_an_impossible_shape_takes_no_memory(self):
        for shape in ([1 << 39, 1 << 39], [1 << 39, 1 << 39, 0], [0] * 32, [1 << 62, 0]):
            tracemalloc.start()
            with contextlib.suppress(MalformedError):
                decode(["a", "<f8", shape, 0], [b""])
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 100_000

    def test_bytes_of_a_bool_are_true_or_false(self):
        came = decode(["a", "|b1", [3], 0], [bytes([0, 1, 2])])
        assert came.view(np.uint8).tolist() == [0, 1, 1]

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from("ltdcasgf"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=20,
    )

    @given(tree=JSON, buffers=st.lists(st.binary(max_size=16), max_size=3))
    def test_any_tree_is_plain_or_refused(self, tree, buffers):
        try:
            value = decode(tree, buffers)
        except (MalformedError, TooLargeError):
            return
        assert_same(through_json(value), value)


def received(data, bounds=None):
    """Return what a channel makes of some bytes after which the other side is gone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=_send_all, args=(theirs, data))
        writer.start()
        try:
            return Channel(ours, bounds).receive(deadline=time.monotonic() + 5)
        finally:
            ours.close()
            writer.join()


def _send_all(connection, data):
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def frame(head, body=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack(">4sIQ", b"dhf1", len(text), len(body)) + text + body


class TestFrames:
    @given(value=PLAIN)
    def test_carry_plain_data(self, value):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            trees, buffers = pack({"value": value, "other": [1, 2]})
            Channel(ours).send({"op": "value", **trees}, buffers)
            head, came = Channel(theirs).receive(deadline=time.monotonic() + 5)
            assert head["op"] == "value"
            assert_same(unpack(head, ("value", "other"), came), [value, [1, 2]])

    def test_large_ones_arrive_while_both_sides_work(self, ends):
        a, b, _ = ends
        array = np.random.default_rng(0).normal(size=500_000)
        trees, buffers = pack({"value": array})
        deadline = time.monotonic() + 10
        sender = threading.Thread(
            target=a.send, args=({"op": "x", **trees}, buffers), kwargs={"deadline": deadline}
        )
        sender.start()
        head, came = b.receive(deadline=deadline)
        sender.join()
        assert_same(unpack(head, ("value",), came)[0], array)

    @given(data=st.binary(max_size=200))
    def test_random_bytes_are_refused(self, data):
        with pytest.raises(ChannelError):
            received(data)

    @given(data=st.binary(max_size=200), mark=st.integers(0, 200))
    def test_random_bytes_that_begin_as_a_frame_are_refused(self, data, mark):
        with pytest.raises(ChannelError):
            received(struct.pack(">4sIQ", b"dhf1", mark, 0) + data)

    @given(value=PLAIN, place=st.integers(0, 10_000), byte=st.integers(0, 255))
    def test_a_frame_with_a_wrong_byte_is_plain_or_refused(self, value, place, byte):
        trees, buffers = pack({"value": value})
        body = b"".join(buffers)
        lengths = [len(buffer) for buffer in buffers]
        data = bytearray(frame({"op": "value", **trees, "buffers": lengths}, body))
        data[place % len(data)] = byte
        try:
            head, came = received(bytes(data))
            (read,) = unpack(head, ("value",), came)
        except ChannelError:
            return
        encode(read)

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (b"", "closed"),
            (b"dhf1", "closed"),
            (frame({"op": "x", "buffers": []})[:-1], "closed"),
            (frame({"op": "x", "buffers": [3]}, b"abc")[:-1], "closed"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "refused"),
            (struct.pack(">4sIQ", b"dhf1", 2**32 - 1, 0), "too-large"),
            (struct.pack(">4sIQ", b"dhf1", 10, 2**64 - 1), "too-large"),
            (frame(b"[" * 5000 + b"]" * 5000), "refused"),
            (frame(b"[" + b"[]," * 200_000 + b"[]]"), "too-large"),
            (frame(b'{"a":' * 5000), "refused"),
            (frame(b'{"op":"x","n":' + b"9" * 5000 + b',"buffers":[]}'), "refused"),
            (frame(b"\xff\xfe"), "refused"),
            (frame(b"[]"), "refused"),
            (frame({"buffers": []}), "refused"),
            (frame({"op": 3, "buffers": []}), "refused"),
            (frame({"op": "x"}), "refused"),
            (frame({"op": "x", "buffers": {}}), "refused"),
            (frame({"op": "x", "buffers": [-1, 1]}), "refused"),
            (frame({"op": "x", "buffers": [True]}, b"a"), "refused"),
            (frame({"op": "x", "buffers": [2]}, b"a"), "refused"),
            (frame({"op": "x", "buffers": [0] * 20_000}), "refused"),
        ],
    )
    def test_what_is_no_frame_is_refused(self, data, kind):
        with pytest.raises(ChannelError) as caught:
            received(data)
        assert caught.value.kind == kind

    def test_memory_grows_with_what_came_and_not_with_what_was_announced(self):
        bounds = Bounds(text_bytes=1 << 30, array_bytes=1 << 40)
        tracemalloc.start()
        for lengths in ((1 << 29, 0), (40, 1 << 39)):
            with pytest.raises(ChannelError):
                received(struct.pack(">4sIQ", b"dhf1", *lengths) + b"x" * 100, bounds)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2_000_000

    @pytest.mark.parametrize(
        "begun", [b"", b"dh", frame({"op": "x", "buffers": [9]}, b"123456789")]
    )
    def test_waiting_for_a_frame_ends_in_time(self, ends, begun):
        a, b, _ = ends
        b._write(begun[:-1], None)
        started = time.monotonic()
        with pytest.raises(ChannelError, match="no answer in time"):
            a.receive(deadline=started + 0.1)
        assert time.monotonic() - started < 2

    def test_one_byte_at_a_time_does_not_put_off_the_end(self, ends):
        a, b, _ = ends
        done = threading.Event()

        def drip():
            data = frame({"op": "x", "buffers": []})
            while not done.wait(0.02):
                b._write(data[:1], None)
                data = data[1:] or b"."

        slow = threading.Thread(target=drip)
        slow.start()
        started = time.monotonic()
        with pytest.raises(ChannelError, match="no answer in time"):
            a.receive(deadline=started + 0.3)
        done.set()
        slow.join()
        assert time.monotonic() - started < 2

    def test_sending_to_someone_who_does_not_read_ends_in_time(self, ends):
        a, _, _ = ends
        started = time.monotonic()
        with pytest.raises(ChannelError) as caught:
            a.send({"op": "x"}, [bytes(4 << 20)], deadline=started + 0.2)
        assert caught.value.kind == "timeout"
        assert time.monotonic() - started < 2

    def test_sending_to_someone_who_is_gone_says_so(self, ends):
        a, b, _ = ends
        b.close()
        with pytest.raises(ChannelError) as caught:
            a.send({"op": "x"}, [bytes(4 << 20)], deadline=time.monotonic() + 5)
        assert caught.value.kind == "closed"

    def test_what_would_be_too_long_is_not_begun(self, ends):
        a, b, _ = ends
        a.text_bytes = 100
        with pytest.raises(TooLargeError):
            a.send({"op": "x", "text": "y" * 100})
        a.send({"op": "x"})
        assert b.receive(deadline=time.monotonic() + 5)[0] == {"op": "x"}

    def test_a_value_that_is_missing_or_too_large_is_said_to_be(self):
        for head, buffers, kind in (
            ({}, [], "refused"),
            ({"value": ["x"]}, [], "refused"),
            ({"value": 2**INTEGER_BITS}, [], "too-large"),
        ):
            with pytest.raises(ChannelError) as caught:
                unpack(head, ("value",), buffers)
            assert caught.value.kind == kind
