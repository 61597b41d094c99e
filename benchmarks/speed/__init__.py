"""Speed of the hot paths, measured with pytest-benchmark, and a gate that says whether a change has slowed them.

    python -m pytest benchmarks/speed --benchmark-columns=min,median,iqr,rounds

The suite asserts no times; :mod:`benchmarks.speed.gate` judges them. Imports ``profiling``, ``engines``, ``running``, ``tables`` and
``methods.algorithms``. Loads torch, but for ``gate``.
"""
