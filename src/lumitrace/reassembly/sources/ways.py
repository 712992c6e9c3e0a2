"""How log groups can be read, as ``--by`` names it; apart, as each command line says it."""

AUTO, INSIGHTS, FILTER = "auto", "insights", "filter-log-events"
WAYS = (AUTO, INSIGHTS, FILTER)
