"""Which alarms and forwarders of an account would take our lines for something else."""
