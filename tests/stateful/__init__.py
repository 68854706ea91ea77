"""Any order of anything: the product against a small model."""
