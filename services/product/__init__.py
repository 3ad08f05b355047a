"""ProductService: searches 1688's offers by words and picture, and reads details, filters and categories."""
