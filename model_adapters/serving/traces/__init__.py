"""`cml view`: traces on a page, without a model."""
