"""A 1688 open-platform gateway that runs on this machine.

It is written from the wire reference alone: it imports nothing of the adapter, so that a mistake
there cannot hide here. `market` is what is for sale, `trade` what was bought, and `messages` what is told
about it unasked; the first two know nothing of HTTP. Everything beside them is how the platform talks.
"""
