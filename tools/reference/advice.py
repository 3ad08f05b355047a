"""Advice to callers about each reason. A reason without advice stops the generator."""

_RETRY = "Retry after the delay in `RetryInfo`, a few times, with growing delays."
_FIX = "Correct the fields that `BadRequest` names. A retry of the same request does not help."
_OPERATOR = "Inform the operator of the service:"
_OWN = "the service can access only those of its own account at 1688."
_ACCESS = "see [access control](../access-control.md)."

ADVICE = {
    "INVALID_REQUEST": _FIX,
    "REQUIRED_IN_DIALECT": _FIX,
    "NOT_IN_DIALECT": "Do not set the fields that `BadRequest` names: this dialect has no equivalent.",
    "REQUEST_ID_REUSED": "Use a new UUID for each request, and the same one only to retry it.",
    "REQUEST_IN_PROGRESS": f"{_RETRY} With the same id, you get the response of the first call.",
    "OUTCOME_UNKNOWN": "Do not retry. First check, by a read or at 1688, whether the operation was executed.",
    "UPSTREAM_ARGUMENT": "The metadata `code` and `message` say what 1688 rejects. Correct it.",
    "OFFER_NOT_FOUND": "The offer does not exist, or is not visible to this app. Remove it from your lists.",
    "PURCHASE_ORDER_NOT_FOUND": f"Check the id and the owner of the order: {_OWN}",
    "REFUND_NOT_FOUND": f"Check the id and the owner of the refund: {_OWN}",
    "ACCOUNT_EXISTS": "Treat the buyer as registered.",
    "UPSTREAM_STATE": "Read the object's state, and decide again. A retry in the same state does not help.",
    "UPSTREAM_NOT_OWNED": f"Use a service with the token of that account: {_OWN}",
    "UPSTREAM_REFUSED": "Read the metadata `code` and `message`, which are 1688's. A retry rarely helps.",
    "UPSTREAM_PERMISSION": f"{_OPERATOR} the app needs a permission at 1688.",
    "UPSTREAM_CREDENTIAL": f"{_OPERATOR} its token for 1688 is invalid, or cannot be renewed.",
    "UPSTREAM_SIGNATURE": f"{_OPERATOR} the app secret is wrong.",
    "UPSTREAM_GATEWAY": f"{_OPERATOR} the metadata has 1688's code.",
    "UPSTREAM_UNREADABLE": f"{_OPERATOR} 1688 has changed a response, or the service has a bug.",
    "INTERNAL_FAULT": f"{_OPERATOR} the cause is in the log of the service, not in the error.",
    "UPSTREAM_UNSUPPORTED": "Do not use this RPC, or use a service with the other dialect.",
    "STORE_REQUIRED": "Call without a `request_id`, or ask the operator to configure a store.",
    "UPSTREAM_RATE": f"{_RETRY} The service has already waited and retried: call less often.",
    "UPSTREAM_QUOTA": f"Stop calling. {_OPERATOR} more quota must be purchased at 1688.",
    "OVERLOADED": f"{_RETRY} If it lasts, make fewer concurrent calls.",
    "UPSTREAM_UNAVAILABLE": _RETRY,
    "UPSTREAM_FAULT": _RETRY,
    "DRAINING": "Retry after the delay on a new connection, which leads to another replica.",
    "STORE_UNAVAILABLE": f"{_RETRY} Keep the `request_id`, if the request has one.",
    "DEADLINE": "Retry with a longer deadline, if you still need the response.",
    "DELIVERY_NOT_FOUND": "Check the id. A finished delivery is stored for 30 days.",
    "SUBSCRIPTION_NOT_FOUND": "Check the name. It is deleted after 7 unused days; the next use creates it.",
    "DELIVERY_PENDING": "Enqueue the sync with EnqueueSync, or cancel the pending one first.",
    "DELIVERY_OVERTAKEN": "Enqueue the current state instead of the old one.",
    "DELIVERY_STATE": "Read it with GetDelivery: it is finished, or is being sent.",
    "SUBSCRIPTION_MISMATCH": "Use it without topics, delete it, or use another name.",
    "NO_FULL_SYNC": "Sync the complete order or logistics order, with its new status.",
    "CALLER_UNKNOWN": f"Call with a client certificate, or through the mesh: {_ACCESS}",
    "CALLER_FORBIDDEN": f"Ask the operator for a rule in the policy: {_ACCESS}",
}
"""Reason without its prefix -> what a caller does."""
