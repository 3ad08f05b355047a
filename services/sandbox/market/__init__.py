"""What the sandbox sells: categories, offers, pictures. Knows nothing of HTTP, signatures or dialects."""
