"""A function whose module cannot be imported."""

import no_such_module

import lumitrace


@lumitrace.traced
def handler(_event, _context):
    """Never run."""
    return no_such_module.answer()
