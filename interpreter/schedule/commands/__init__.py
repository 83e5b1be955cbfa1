"""`cml simulate`, `cml timeline` and `cml advise`."""
