"""AccountService: registers the national site's buyers with 1688."""
