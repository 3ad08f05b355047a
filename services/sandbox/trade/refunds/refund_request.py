"""What a buyer writes to get his money back, and what it must satisfy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from services.sandbox.trade.orders import Order, OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, GoodsStatus, Refund
from services.sandbox.trade.refunds.refund_reasons import Reason, find_reason

MAX_VOUCHERS = 5
DESCRIPTION_CHARACTERS = range(2, 151)


class Problem(StrEnum):
    """What is wrong with an application."""

    ENTRIES = auto()
    STATE = auto()
    REASON = auto()
    VOUCHER = auto()
    TOO_MANY_VOUCHERS = auto()
    CARRIAGE = auto()
    AMOUNT = auto()
    DESCRIPTION = auto()
    COUNT = auto()


class ApplicationRefused(Exception):
    """An application that breaks a rule."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What the buyer writes."""

    entry_ids: tuple[int, ...]
    dispute_request: DisputeRequest
    goods_status: GoodsStatus
    payment_fen: int
    carriage_fen: int
    reason_id: int
    description: str
    vouchers: tuple[str, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    """(entry id, pieces that go back); only when goods go back that were received in sale."""
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What an order must be for goods to be where the buyer says."""

    statuses: frozenset[OrderStatus]
    shipped: bool


def _where(*statuses: OrderStatus, shipped: bool = True) -> Whereabouts:
    return Whereabouts(statuses=frozenset(statuses), shipped=shipped)


WHEREABOUTS: Mapping[GoodsStatus, Whereabouts] = {
    GoodsStatus.WAIT_SELLER_SEND: _where(OrderStatus.WAIT_SELLER_SEND, shipped=False),
    # An order that is shipped in part still waits for the seller.
    GoodsStatus.WAIT_BUYER_RECEIVE: _where(OrderStatus.WAIT_SELLER_SEND, OrderStatus.WAIT_BUYER_RECEIVE),
    GoodsStatus.RECEIVED: _where(OrderStatus.RECEIVED),
    GoodsStatus.AFTER_SALE_NOT_RECEIVED: _where(OrderStatus.SUCCESS),
    GoodsStatus.AFTER_SALE_RECEIVED: _where(OrderStatus.SUCCESS),
}
RETURNABLE = frozenset({GoodsStatus.RECEIVED, GoodsStatus.AFTER_SALE_RECEIVED})


def goods_are_there(order: Order, entry_ids: tuple[int, ...], goods_status: GoodsStatus) -> bool:
    """Whether some entries of an order are where the buyer says."""
    where = WHEREABOUTS[goods_status]
    return order.status in where.statuses and all(
        (entry_id in order.shipped) is where.shipped for entry_id in entry_ids
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What the rules judge."""

    order: Order
    asked: Application
    others: Sequence[Refund]
    """The order's refunds that can still change."""

    @property
    def reason(self) -> Reason | None:
        return find_reason(self.asked.goods_status, self.asked.reason_id)


def _entries(case: _Case) -> bool:
    ids = case.asked.entry_ids
    return bool(ids) and len(set(ids)) == len(ids) and set(ids) <= set(case.order.entry_ids)


def _state(case: _Case) -> bool:
    asked = case.asked
    return (
        goods_are_there(case.order, asked.entry_ids, asked.goods_status)
        and set(asked.entry_ids) <= set(case.order.left)
        and all(set(asked.entry_ids).isdisjoint(other.entry_ids) for other in case.others)
        and (asked.dispute_request is DisputeRequest.REFUND or asked.goods_status in RETURNABLE)
    )


def _reason(case: _Case) -> bool:
    return case.reason is not None


def _voucher(case: _Case) -> bool:
    return case.reason is None or not case.reason.needs_voucher or bool(case.asked.vouchers)


def _vouchers(case: _Case) -> bool:
    return len(case.asked.vouchers) <= MAX_VOUCHERS


def _carriage(case: _Case) -> bool:
    return case.reason is None or case.reason.refunds_carriage or case.asked.carriage_fen == 0


def _amount(case: _Case) -> bool:
    order, asked = case.order, case.asked
    left_fen = order.left_fen(asked.entry_ids)
    whole = asked.goods_status is GoodsStatus.WAIT_SELLER_SEND
    claimed_carriage_fen = sum(other.apply_carriage_fen for other in case.others)
    carriage_left_fen = order.carriage_fen - order.refunded_carriage_fen - claimed_carriage_fen
    return (
        (asked.payment_fen == left_fen if whole else 0 <= asked.payment_fen <= left_fen)
        and 0 <= asked.carriage_fen <= carriage_left_fen
        and asked.payment_fen + asked.carriage_fen > 0
    )


def _description(case: _Case) -> bool:
    return len(case.asked.description) in DESCRIPTION_CHARACTERS


def _count(case: _Case) -> bool:
    asked = case.asked
    if not asked.counts:
        return True
    if (asked.dispute_request, asked.goods_status) != (DisputeRequest.RETURN_REFUND, GoodsStatus.RECEIVED):
        return False
    bought = {entry.entry_id: entry.quantity for entry in case.order.chosen(asked.entry_ids)}
    ids = [entry_id for entry_id, _ in asked.counts]
    return len(set(ids)) == len(ids) and all(
        1 <= count <= bought.get(entry_id, 0) for entry_id, count in asked.counts
    )


# In this order: a later rule may rely on the earlier ones.
RULES: tuple[tuple[Problem, Callable[[_Case], bool]], ...] = (
    (Problem.ENTRIES, _entries),
    (Problem.STATE, _state),
    (Problem.REASON, _reason),
    (Problem.VOUCHER, _voucher),
    (Problem.TOO_MANY_VOUCHERS, _vouchers),
    (Problem.CARRIAGE, _carriage),
    (Problem.AMOUNT, _amount),
    (Problem.DESCRIPTION, _description),
    (Problem.COUNT, _count),
)


def check(order: Order, asked: Application, others: Sequence[Refund]) -> None:
    """Raises ApplicationRefused for the first rule that an application breaks.

    `others` are the refunds of the order that can still change.
    """
    case = _Case(order=order, asked=asked, others=others)
    for problem, holds in RULES:
        if not holds(case):
            raise ApplicationRefused(problem)


def shares_fen(order: Order, asked: Application) -> dict[int, int]:
    """The amount asked for, spread over the entries in their order, none above what is left of it."""
    shares, rest_fen = {}, asked.payment_fen
    for entry_id in asked.entry_ids:
        shares[entry_id] = min(rest_fen, order.left_fen([entry_id]))
        rest_fen -= shares[entry_id]
    return shares
