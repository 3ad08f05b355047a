"""What a caller does about each reason. A reason without advice stops the generator."""

_AFTER_DELAY = (
    "Wait as long as `RetryInfo` says, and repeat; after a few times give up, or wait longer and longer."
)
_FIX = "Set the fields right that `BadRequest` names, and call anew. No repeat of the same request helps."
_TELL = "Tell whoever runs the service:"
_OWN = "the service sees those of its own account at 1688."
_CALLERS = "see [access control](../access-control.md)."

ADVICE = {
    "INVALID_REQUEST": _FIX,
    "REQUIRED_IN_DIALECT": _FIX,
    "NOT_IN_DIALECT": "Leave out the fields that `BadRequest` names: nothing of 1688's stands for them here.",
    "REQUEST_ID_REUSED": "Give each new request a UUID of its own, and only a repeat of it the same one.",
    "REQUEST_IN_PROGRESS": f"{_AFTER_DELAY} The repeat, with the same id, gets the first call's answer.",
    "OUTCOME_UNKNOWN": "Do not repeat. Look first whether it was done, by an RPC that reads it or at 1688.",
    "UPSTREAM_ARGUMENT": "Read the metadata `code` and `message` for what 1688 dislikes, and change it.",
    "OFFER_NOT_FOUND": "Take the offer for gone: drop it from lists, and do not ask again at once.",
    "ORDER_NOT_FOUND": f"Check the id, and whose order it is: {_OWN}",
    "REFUND_NOT_FOUND": f"Check the id, and whose refund it is: {_OWN}",
    "ACCOUNT_EXISTS": "Take the buyer for registered.",
    "UPSTREAM_STATE": "Read the object's state, and decide anew. No repeat helps while it stays as it is.",
    "UPSTREAM_NOT_OWNED": f"Use a service that runs with that account's token: {_OWN}",
    "UPSTREAM_REFUSED": "Read the metadata `code` and `message`: 1688's own words. Do not count on a repeat.",
    "UPSTREAM_PERMISSION": f"{_TELL} the app needs a permission at 1688.",
    "UPSTREAM_CREDENTIAL": f"{_TELL} its token at 1688 is no longer good, or cannot be renewed.",
    "UPSTREAM_SIGNATURE": f"{_TELL} the app's secret is wrong.",
    "UPSTREAM_GATEWAY": f"{_TELL} the metadata has 1688's code.",
    "UPSTREAM_UNREADABLE": f"{_TELL} 1688 has changed an answer, or the service has a fault.",
    "INTERNAL_FAULT": f"{_TELL} the cause is in the service's log, and not in the answer.",
    "UPSTREAM_UNSUPPORTED": "Do without this RPC, or use a service that speaks the other dialect.",
    "STORE_REQUIRED": "Call without a `request_id`, or have the service set up with a store.",
    "UPSTREAM_RATE": f"{_AFTER_DELAY} The service has waited and repeated already: call less often.",
    "UPSTREAM_QUOTA": f"Stop calling. {_TELL} the quota has to be topped up at 1688.",
    "OVERLOADED": f"{_AFTER_DELAY} Where it lasts, call less at once.",
    "UPSTREAM_UNAVAILABLE": _AFTER_DELAY,
    "UPSTREAM_FAULT": _AFTER_DELAY,
    "DRAINING": "Repeat after the delay, on another connection: it leads to another replica.",
    "STORE_UNAVAILABLE": f"{_AFTER_DELAY} Keep the `request_id`, where there is one.",
    "DEADLINE": "Repeat with more time, if the answer is still wanted.",
    "DELIVERY_NOT_FOUND": "Check the id; a finished delivery is kept for 30 days.",
    "SUBSCRIPTION_NOT_FOUND": "Check the name; one that nobody uses for 7 days is gone. A use makes it.",
    "DELIVERY_PENDING": "Put the sync behind the pending one, by EnqueueSync; or cancel that one first.",
    "DELIVERY_OVERTAKEN": "Enqueue what is true now, instead of the old state.",
    "DELIVERY_STATE": "Read it by GetDelivery: it is finished, or just being sent.",
    "SUBSCRIPTION_MISMATCH": "Use it without topics, or delete it, or give the new one another name.",
    "NO_FULL_SYNC": "Sync the whole order or parcel, with its new status in it.",
    "CALLER_UNKNOWN": f"Call with a certificate, or through the mesh: {_CALLERS}",
    "CALLER_FORBIDDEN": f"Ask the operator for a rule in the policy: {_CALLERS}",
}
"""Reason without its prefix -> what to do."""
