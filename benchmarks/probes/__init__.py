"""Small experiments whose answer is known beforehand if an ingredient does what its name says; their results are committed.

    python -m benchmarks.probes results/probes

Imports ``running``, ``tables`` and ``methods.algorithms``. Loads torch.
"""
