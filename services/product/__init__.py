"""ProductService: searches 1688's offers by keyword and image, and reads details, filters and categories."""
