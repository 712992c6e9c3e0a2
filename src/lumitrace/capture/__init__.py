"""Inside the Lambda: the standard library and wrapt, nothing else."""
