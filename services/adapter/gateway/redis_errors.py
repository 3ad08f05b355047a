"""What a use of the shared Redis raises. It is apart from redis_client, which imports redis-py."""


class RedisUnavailable(Exception):
    """Redis failed now, or less than `PAUSE_S` of redis_client ago."""
