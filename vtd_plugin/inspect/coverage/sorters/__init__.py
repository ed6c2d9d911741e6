"""Who counts: each sorter puts the events of one subject into the bins of its covergroups."""
