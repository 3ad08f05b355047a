"""URLs of Redis and of Sentinel."""

import pytest

from services.adapter.gateway.redis_url import build_redis


def test_sentinels():
    url = "redis+sentinel://us%40er:p%2Fw@one:1,two,[::1]:3/shop/2?sentinel_password=s%26p&socket_keepalive=true"
    redis, sentinel = build_redis(url)
    nodes = [each.connection_pool.connection_kwargs for each in sentinel.sentinels]
    assert [(node["host"], node["port"]) for node in nodes] == [("one", 1), ("two", 26379), ("::1", 3)]
    assert {node["password"] for node in nodes} == {"s&p"}
    options = redis.connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("us@er", "p/w", 2)
    assert options["socket_keepalive"] is True
    assert redis.connection_pool.service_name == "shop"
    assert "sentinel_password" not in options


def test_tls():
    redis, sentinel = build_redis("rediss+sentinel://one/shop?ssl_ca_certs=/ca.pem")
    assert redis.connection_pool.connection_kwargs["ssl_ca_certs"] == "/ca.pem"
    assert redis.connection_pool.connection_class.__name__ == "SentinelManagedSSLConnection"
    (node,) = sentinel.sentinels
    assert node.connection_pool.connection_class.__name__ == "SSLConnection"
    assert node.connection_pool.connection_kwargs["ssl_ca_certs"] == "/ca.pem"


@pytest.mark.parametrize("url", ["redis://host:6379/0", "rediss://:password@host", "unix:///tmp/redis.sock"])
def test_a_single_server(url):
    assert build_redis(url)[1] is None


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one",
        "redis+sentinel://one/",
        "redis+sentinel:///shop",
        "redis+sentinel://one,,two/shop",
        "redis+sentinel://one:x/shop",
        "redis+sentinel://one/shop/db",
        "redis+cluster://one/0",
        "http://one",
    ],
)
def test_invalid_urls(url):
    with pytest.raises(ValueError):  # noqa: PT011 # the text is redis-py's, and is not shown
        build_redis(url)
