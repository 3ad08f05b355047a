"""The purchase orders of the market and what becomes of them. Knows nothing of HTTP or dialects."""
