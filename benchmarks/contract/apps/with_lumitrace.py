"""lumitrace, by its decorator."""

from lumitrace import traced as wrap  # noqa: F401  # app.py calls it
