"""Plain data as a JSON tree and raw bytes: all that crosses the border to a student's code.

A value is turned into a tree of JSON and a list of byte strings, one for each array. Reading one
makes numbers, texts, containers and arrays of numbers, and nothing else: no class is looked up, no
constructor called, no header parsed. What comes from a student is read with bounds that are checked
before memory is taken.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Kinds of numbers that arrays may hold, as they are written: little-endian.
DTYPES = {
    f"{order}{kind}": np.dtype(f"{order}{kind}")
    for order, kinds in (
        ("|", ("b1", "i1", "u1")),
        ("<", ("i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16")),
    )
    for kind in kinds
}
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
INTEGER_BITS = 1024
DIMENSIONS = 32
# What may be said about an answer that is not plain: words that a student cannot choose.
KINDS_OF_OBJECTS = {
    "generator": "a generator: return its values as a list or an array",
    "function": "a function",
    "type": "a class",
    "module": "a module",
    "coroutine": "a coroutine: the function must not be async",
    "set": "a set",
    "bytes": "bytes",
    "range": "a range: make it a list or an array",
    "dict_keys": "the keys of a dict: make it a list",
    "dict_values": "the values of a dict: make it a list",
    "zip": "a zip: make it a list",
    "map": "a map: make it a list",
    "iterator": "an iterator: make it a list",
    "key": "a dict whose keys are not all texts",
    "array of object": "an array of objects; rows of different length make one",
    "array of text": "an array of texts",
    "masked array": "a masked array",
    "longdouble": "numbers of a precision that this course does not use: use float64",
    "dates": "an array of dates or durations",
    "records": "an array of records",
    "surrogates": "a text that is not Unicode",
    "data frame": "a data frame: use its .to_numpy()",
}


class NotPlainError(TypeError):
    """A value, or a part of it, is not plain data.

    Parameters
    ----------
    what
        What it is: one of `KINDS_OF_OBJECTS`, or the name of its type.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"not plain data: {KINDS_OF_OBJECTS.get(what, what)}")
        self.what = what


class TooLargeError(ValueError):
    """A value has too many parts, is nested too deeply, or takes too many bytes."""


class MalformedError(ValueError):
    """What came does not describe plain data."""


@dataclass(frozen=True)
class Bounds:
    """How much one message may hold.

    Attributes
    ----------
    text_bytes : int
        Length of the JSON text.
    array_bytes : int
        Length of all arrays together.
    parts : int
        Number of values, containers among them.
    depth : int
        Containers within containers.
    letters : int
        Length of one text.
    """

    text_bytes: int = 4 << 20
    array_bytes: int = 32 << 20
    parts: int = 100_000
    depth: int = 32
    letters: int = 4 << 20


#: An array of texts gives each the room of the longest: a check that makes one of an answer with
#: many short texts and a long one would need gigabytes.
ANSWER_LETTERS = 1000
#: What a student's code may hand to a function of a check: grids of 100 000 points, not of
#: millions, since what is made of them can be many thousand times as large.
FROM_CALLBACK = Bounds(array_bytes=1 << 20, parts=5_000, letters=ANSWER_LETTERS)


def answer_bounds(answer_mib: int, output_chars: int) -> Bounds:
    """Return how much an answer of a student's code may hold; both sides must agree."""
    # A letter can take twelve bytes of JSON, and a cell has both outputs and a result.
    text_bytes = max(Bounds.text_bytes, 30 * output_chars)
    return Bounds(text_bytes=text_bytes, array_bytes=answer_mib << 20, letters=ANSWER_LETTERS)


def encode(
    value: Any, bounds: Bounds | None = None, functions: list[Callable] | None = None
) -> tuple[Any, list[bytes | memoryview]]:
    """Return the tree of a value and the bytes of its arrays.

    Parameters
    ----------
    value
        Plain data.
    bounds
        How much it may hold.
    functions
        A list that takes up the functions found, which are written as their place in it, and which
        allows random generators too. Without it they are not plain.

    Raises
    ------
    NotPlainError
        If a part is something else.
    TooLargeError
        If a bound is passed.
    """
    writer = _Writer(bounds or Bounds(), functions)
    return writer.tree(value, 0), writer.buffers


@dataclass
class _Writer:
    bounds: Bounds
    functions: list[Callable] | None
    buffers: list[bytes | memoryview] = field(default_factory=list)
    parts: int = 0
    bytes_left: int = 0
    text_left: int = 0

    def __post_init__(self) -> None:
        self.bytes_left = self.bounds.array_bytes
        self.text_left = self.bounds.text_bytes

    def tree(self, value: Any, depth: int) -> Any:
        self.parts += 1
        if self.parts > self.bounds.parts:
            raise TooLargeError(f"more than {self.bounds.parts} values; an array would do")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, np.generic) and not isinstance(value, np.str_):
            return ["s", *self.array(np.asarray(value))[1:]]
        if isinstance(value, int):
            return self.integer(int.__int__(value))
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, str):
            return self.text(str.__str__(value))
        if isinstance(value, complex):
            return ["c", complex.__complex__(value).real, complex.__complex__(value).imag]
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, list | tuple | dict):
            if depth >= self.bounds.depth:
                raise TooLargeError(f"lists within lists, more than {self.bounds.depth} deep")
            return self.container(value, depth + 1)
        if self.functions is not None and isinstance(value, np.random.Generator):
            return ["g", self.tree(value.bit_generator.state, depth + 1)]
        if self.functions is not None and callable(value):
            self.functions.append(value)
            return ["f", len(self.functions) - 1]
        raise NotPlainError(_what(value))

    def container(self, value: list | tuple | dict, depth: int) -> list:
        if isinstance(value, dict):
            pairs = []
            for key, entry in dict.items(value):
                if not isinstance(key, str):
                    raise NotPlainError("key")
                pairs.append([self.text(str.__str__(key)), self.tree(entry, depth)])
            return ["d", pairs]
        base = list if isinstance(value, list) else tuple
        if base.__len__(value) > self.bounds.parts:
            raise TooLargeError(f"more than {self.bounds.parts} values; an array would do")
        return [base.__name__[0], [self.tree(entry, depth) for entry in base.__iter__(value)]]

    def integer(self, value: int) -> int:
        if value.bit_length() > INTEGER_BITS:
            raise TooLargeError(f"a whole number of more than {INTEGER_BITS} bits")
        return value

    def text(self, value: str) -> str:
        self.text_left -= len(value)
        if self.text_left < 0:
            raise TooLargeError(f"more than {self.bounds.text_bytes} characters of text")
        _refuse_long(value, self.bounds)
        if not _is_unicode(value):
            raise NotPlainError("surrogates")
        return value

    def array(self, value: np.ndarray) -> list:
        if isinstance(value, np.ma.MaskedArray):
            raise NotPlainError("masked array")
        value = np.ndarray.view(value, np.ndarray)
        if value.dtype.kind not in "biufc" or value.dtype.newbyteorder("<").str not in DTYPES:
            raise NotPlainError(_what_dtype(value.dtype))
        dtype = value.dtype.newbyteorder("<")
        # Before the copy: a broadcast array claims more memory than it has.
        self.bytes_left -= value.nbytes
        if self.bytes_left < 0:
            raise TooLargeError(_too_many_bytes(self.bounds))
        self.buffers.append(value.astype(dtype, copy=False).tobytes())
        return ["a", dtype.str, list(value.shape), len(self.buffers) - 1]


def _refuse_long(text: str, bounds: Bounds) -> None:
    if len(text) > bounds.letters:
        raise TooLargeError(f"a text of more than {bounds.letters} characters")


def _too_many_bytes(bounds: Bounds) -> str:
    return f"arrays of more than {bounds.array_bytes >> 10} KiB"


def _is_unicode(text: str) -> bool:
    # Halves of letters would stop whoever writes the text to a file.
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _what_dtype(dtype: np.dtype) -> str:
    names = {"O": "array of object", "M": "dates", "m": "dates", "V": "records"}
    names |= {"U": "array of text", "S": "array of text", "T": "array of text"}
    return names.get(dtype.kind, "longdouble")


def _what(value: Any) -> str:
    name = type(value).__name__
    if name in KINDS_OF_OBJECTS:
        return name
    if isinstance(value, frozenset):
        return "set"
    if isinstance(value, type):
        return "type"
    if name in ("DataFrame", "Series"):
        return "data frame"
    if callable(value):
        return "function"
    return "iterator" if hasattr(value, "__next__") else name[:60]


def decode(
    tree: Any,
    buffers: Sequence[bytes | bytearray | memoryview],
    bounds: Bounds | None = None,
    function: Callable[[int], Callable] | None = None,
) -> Any:
    """Return the value of a tree and the bytes of its arrays.

    Parameters
    ----------
    tree
        What `encode` returned, or what a stranger sent.
    buffers
        The bytes of the arrays.
    bounds
        How much it may hold.
    function
        Makes the stub of a function from its number, and allows random generators. Without it, a
        tree that holds either is malformed.

    Raises
    ------
    MalformedError
        If it does not describe plain data.
    TooLargeError
        If a bound is passed.
    """
    bounds = bounds or Bounds()
    left = sum(memoryview(buffer).nbytes for buffer in buffers)
    if left > bounds.array_bytes:
        raise TooLargeError(_too_many_bytes(bounds))
    return _Reader(bounds, buffers, function).value(tree, 0)


@dataclass
class _Reader:
    bounds: Bounds
    buffers: Sequence[bytes | bytearray | memoryview]
    function: Callable[[int], Callable] | None
    parts: int = 0
    used: set[int] = field(default_factory=set)

    def value(self, tree: Any, depth: int) -> Any:
        self.parts += 1
        if self.parts > self.bounds.parts:
            raise TooLargeError(f"more than {self.bounds.parts} values")
        if tree is None or isinstance(tree, bool | float):
            return tree
        if isinstance(tree, str):
            return self.text(tree)
        if isinstance(tree, int):
            if tree.bit_length() > INTEGER_BITS:
                raise TooLargeError(f"a whole number of more than {INTEGER_BITS} bits")
            return tree
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise MalformedError("a value has no kind")
        if depth >= self.bounds.depth + 2:
            raise TooLargeError(f"lists within lists, more than {self.bounds.depth} deep")
        kind, *rest = tree
        if kind in ("l", "t") and len(rest) == 1 and isinstance(rest[0], list):
            entries = [self.value(entry, depth + 1) for entry in rest[0]]
            return entries if kind == "l" else tuple(entries)
        if kind == "d" and len(rest) == 1 and isinstance(rest[0], list):
            return self.mapping(rest[0], depth + 1)
        if kind == "c" and len(rest) == 2 and all(isinstance(part, float) for part in rest):
            return complex(*rest)
        if kind == "a" and len(rest) == 3:
            return self.array(*rest)
        if kind == "s" and len(rest) == 3 and rest[1] == []:
            return self.array(*rest)[()]
        if kind == "g" and len(rest) == 1 and self.function is not None:
            return self.generator(self.value(rest[0], depth + 1))
        if kind == "f" and self.function is not None and rest and type(rest[0]) is int:
            return self.function(rest[0])
        raise MalformedError("a value is of no known kind")

    def mapping(self, pairs: list, depth: int) -> dict[str, Any]:
        answer = {}
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
                raise MalformedError("an entry of a dict is not a pair")
            answer[self.text(pair[0])] = self.value(pair[1], depth)
        return answer

    def text(self, text: str) -> str:
        _refuse_long(text, self.bounds)
        if not _is_unicode(text):
            raise MalformedError("a text is not Unicode")
        return text

    def array(self, name: Any, shape: Any, number: Any) -> np.ndarray:
        dtype = DTYPES.get(name) if isinstance(name, str) else None
        if dtype is None or not isinstance(shape, list) or len(shape) > DIMENSIONS:
            raise MalformedError("an array of no known kind")
        if not all(type(length) is int and 0 <= length < 1 << 40 for length in shape):
            raise MalformedError("an array with an impossible shape")
        # Each is used once: a short message must not become many arrays.
        if type(number) is not int or not 0 <= number < len(self.buffers) or number in self.used:
            raise MalformedError("an array without its bytes")
        self.used.add(number)
        buffer = self.buffers[number]
        if math.prod(shape) * dtype.itemsize != memoryview(buffer).nbytes:
            raise MalformedError("an array whose shape does not fit its bytes")
        try:
            array = np.frombuffer(buffer, dtype).reshape(shape)
        except ValueError:
            raise MalformedError("an array with an impossible shape") from None
        if dtype.kind == "b":
            # A byte that is neither 0 nor 1 would be a bool that equals neither.
            return np.frombuffer(buffer, np.uint8).reshape(shape).astype(bool)
        native = dtype if sys.byteorder == "little" else dtype.newbyteorder("=")
        return array.astype(native)

    def generator(self, state: Any) -> np.random.Generator:
        name = state.get("bit_generator") if isinstance(state, dict) else None
        if name not in BIT_GENERATORS:
            raise MalformedError("a generator of no known kind")
        bits = getattr(np.random, name)()
        try:
            bits.state = state
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise MalformedError("a generator in an impossible state") from error
        return np.random.Generator(bits)
