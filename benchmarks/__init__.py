"""Benchmarks of trigger-core: ``make bench``, or ``python -m benchmarks --help``.

Each module is named like the method or the query that it measures and has a function ``run``, which yields figures; a
new one is added to ``BENCHMARKS`` in ``__main__``. ``ground`` says how big things are and lends copies of the sample
store that ``data`` makes; ``measure`` times two things in turns.
"""
