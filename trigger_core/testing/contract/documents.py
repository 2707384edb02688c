"""Comparison of JSON documents in tests."""

from typing import Any


def assert_covers(expected: Any, actual: Any, path: str = "$") -> None:
    """Fail unless everything in the expected document stands in the actual one, which may say more.

    Objects may have further keys; lists must have the same length and scalars must be equal. The failure
    names the path of the first difference.
    """
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{path}: expected an object, found {actual!r}"
        for key, value in expected.items():
            assert key in actual, f"{path}.{key}: missing"
            assert_covers(value, actual[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{path}: expected a list, found {actual!r}"
        assert len(actual) == len(expected), f"{path}: expected {len(expected)} items, found {len(actual)}"
        for index, value in enumerate(expected):
            assert_covers(value, actual[index], f"{path}[{index}]")
    else:
        # True == 1 in Python, but they are two values in JSON.
        same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
        assert same, f"{path}: expected {expected!r}, found {actual!r}"
