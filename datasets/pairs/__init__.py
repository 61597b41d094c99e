"""One file a question: a labelled source, an unlabelled target, a labelled test set.

Imports ``sets``, ``files`` and the contract. Loads torch.
"""
