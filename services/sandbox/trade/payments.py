"""The payment of several orders at once."""

from enum import StrEnum


class PaymentResult(StrEnum):
    """What came of one order of a batch payment, in the platform's words and spelling."""

    PAID = "successed"
    BALANCE_NOT_ENOUGH = "ACCOUNT_BALANCE_NOT_ENOUGH"
    NO_ACCOUNT = "ACCOUNT_NOT_EXIST"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    PARAM_ILLEGAL = "PARAM_ILLEGAL"
