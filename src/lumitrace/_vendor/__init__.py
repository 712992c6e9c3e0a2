"""What the layer carries of others, under our own name: wrapt 1.17.3 in pure Python.

Copied from the source distribution on PyPI with its licence beside it; only ``__wrapt__.py``
differs. https://pypi.org/project/wrapt/1.17.3/
"""
