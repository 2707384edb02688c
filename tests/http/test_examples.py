"""The examples in the documentation run."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import trigger_falcon

MODULES = [module.name for module in pkgutil.iter_modules(trigger_falcon.__path__, "trigger_falcon.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_answer_what_they_show(name: str) -> None:
    """Each docstring's example gives the output that it shows."""
    assert doctest.testmod(import_module(name), raise_on_error=True).failed == 0


@pytest.mark.parametrize("name", trigger_falcon.__all__)
def test_public_names_have_an_example(name: str) -> None:
    """Each public name's docstring has an example."""
    assert doctest.DocTestParser().get_examples(getattr(trigger_falcon, name).__doc__ or "")
