"""CloudWatch Logs and CloudWatch on the loopback: what the sources send, and nothing else."""
