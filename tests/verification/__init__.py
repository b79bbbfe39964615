"""Figures that others published, reproduced by the product's own functions: ``make verify``, docs/verification.md."""
