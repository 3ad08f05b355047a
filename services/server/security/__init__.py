"""Who calls, over what, and what they may call: TLS, peer identity, policy. Must not import interceptors."""
