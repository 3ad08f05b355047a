"""OrderSyncService: syncs orders to 1688, pays and refunds purchase orders, delivers 1688's messages."""
