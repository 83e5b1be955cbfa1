"""`cml dataset`, `cml train`, `cml evaluate`."""
