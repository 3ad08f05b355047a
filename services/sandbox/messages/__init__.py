"""What the platform tells unasked: messages about orders, pushed to a callback, and kept for replay if
nobody took them. Only the pusher and its requests know HTTP.
"""
