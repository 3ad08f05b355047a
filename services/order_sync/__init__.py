"""OrderSyncService: tells 1688 of a national site's orders, and pays and refunds its purchase orders."""
