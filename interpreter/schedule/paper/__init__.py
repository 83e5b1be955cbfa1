"""The evaluation and the theorems of arXiv 2412.07017 beside ours."""
