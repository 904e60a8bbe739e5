"""The experiments behind docs/correctness.md, each a function that returns its figures.

benchmarks/correctness.py runs them at full size, tests/core/test_correctness.py smaller. All use
the engine's own posterior, observations, noise, walks and trainer.
"""
