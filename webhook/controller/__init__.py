"""`podworthy controller`: the only part that writes to the cluster."""
