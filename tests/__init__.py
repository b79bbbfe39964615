"""A package, so that ``python -m tests.benchmarks`` finds it even where an installed package brings a ``tests`` of its own."""
