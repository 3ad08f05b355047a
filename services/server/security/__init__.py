"""TLS, the identity of callers, and the policy of what they may call. Must not import interceptors."""
