// Purchase orders with entries, refunds and shipments, and a button for each step that their state allows.
import { get, post } from "./api.js";
import { byId, element, updateList } from "./dom.js";
import { action, ask } from "./feedback.js";
import { pill, plural, toFen, yuan } from "./format.js";
import { renderShipment } from "./shipments.js";

const MAX_ORDERS = 50;
const MAX_PARTS = 500;

// By transition: the text of its button, who makes it, and what it needs to know.
const STEPS = {
  pay: { text: "Pay", actor: "buyer" },
  modify_price: { text: "Change the price", actor: "seller", prepare: askPrice },
  ship: { text: "Ship", actor: "seller" },
  step_pay: { text: "Pay an instalment", actor: "buyer" },
  receive: { text: "Confirm the receipt", actor: "buyer" },
  succeed: { text: "Complete", actor: "platform" },
  close: { text: "Close", prepare: askClosing },
};
const REFUND_REQUESTS = {
  refund: { text: "Refund", actor: "buyer" },
  returnRefund: { text: "Return the goods", actor: "buyer" },
};
const REFUND_STEPS = {
  agree: { text: "Agree", actor: "seller" },
  reject: { text: "Reject", actor: "seller" },
  receive: { text: "Receive the goods", actor: "seller" },
  close: { text: "Withdraw", actor: "buyer" },
};

export function setUp() {
  byId("sample-order").addEventListener(
    "click",
    action(async () => {
      const order = await post("orders", {});
      return `Order ${order.order_id} created.`;
    }),
  );
}

export async function refresh() {
  const [{ orders }, { refunds }, { logistics }] = await Promise.all([
    get(`orders?limit=${MAX_ORDERS}`),
    get(`refunds?limit=${MAX_PARTS}`),
    get(`logistics?limit=${MAX_PARTS}`),
  ]);
  const items = orders.reverse().map((order) => ({
    order,
    refunds: refunds.filter((refund) => refund.order_id === order.order_id),
    shipments: logistics.filter((each) => each.order_id === order.order_id),
  }));
  const which = orders.length === MAX_ORDERS ? `The latest ${MAX_ORDERS}. ` : "";
  byId("order-summary").textContent = `${which}You act as the buyer, the seller and the platform.`;
  updateList(byId("order-list"), items, ({ order }) => order.order_id, renderOrder);
}

function renderOrder({ order, refunds, shipments }) {
  const id = order.order_id;
  const steps = Object.entries(STEPS).filter(([name]) => order.transitions.includes(name));
  const requests = Object.entries(REFUND_REQUESTS).filter(([name]) => order.refund_requests.includes(name));
  return element(
    "li",
    { class: "card order" },
    element(
      "header",
      {},
      element("h3", {}, element("code", {}, `${id}`)),
      pill(order.status),
      element("span", { class: "muted" }, `${order.created} in Beijing`),
      order.out_order_id && element("span", { class: "muted" }, `outOrderId ${order.out_order_id}`),
      !order.owned_by_buyer && element("span", { class: "muted" }, "of another buyer: no messages"),
      element("span", { class: "muted end" }, `with ${yuan(order.shipping_fee_fen)} shipping`),
      element("strong", {}, yuan(order.goods_fen + order.shipping_fee_fen)),
    ),
    element(
      "ul",
      { class: "plain parts" },
      order.entries.map((entry) => renderEntry(order, entry)),
    ),
    refunds.length > 0 && element("ul", { class: "plain parts" }, refunds.map(renderRefund)),
    shipments.length > 0 &&
      element(
        "ul",
        { class: "plain parts" },
        shipments.map((each) => renderShipment(each)),
      ),
    element(
      "footer",
      { class: "buttons" },
      steps.map(([name, step], index) =>
        stepButton(id, name, step, `orders/${id}/${name}`, { primary: index === 0 }),
      ),
      requests.map(([name, step]) =>
        stepButton(id, name, step, `orders/${id}/refunds`, { body: { dispute_request: name } }),
      ),
      renderEvents(order),
    ),
  );
}

function renderEntry(order, entry) {
  const marks = [
    entry.shipped && "shipped",
    entry.received && "received",
    entry.refunded_fen > 0 && `${yuan(entry.refunded_fen)} refunded`,
  ].filter(Boolean);
  const open = order.entries.filter((each) => !each.shipped && each.refunded_fen < each.sum_fen);
  const canShipAlone = order.transitions.includes("ship") && open.length > 1 && open.includes(entry);
  return element(
    "li",
    { class: "entry" },
    element("img", {
      src: `/images/${entry.offer_id}/1.jpg`,
      alt: "",
      width: 40,
      height: 40,
      loading: "lazy",
    }),
    element(
      "div",
      {},
      element("p", { lang: "zh" }, entry.product_name),
      element(
        "p",
        { class: "muted" },
        element("span", { lang: "zh" }, entry.sku_name),
        ` · ${plural(entry.quantity, "piece")} · entry `,
        element("code", {}, `${entry.entry_id}`),
        marks.length > 0 && ` · ${marks.join(", ")}`,
      ),
    ),
    element("span", { class: "end amount" }, yuan(entry.sum_fen)),
    canShipAlone &&
      stepButton(
        `entry ${entry.entry_id}`,
        "ship-entry",
        { text: "Ship only this" },
        `orders/${order.order_id}/ship`,
        { body: { entries: [entry.entry_id] } },
      ),
  );
}

function renderRefund(refund) {
  const steps = Object.entries(REFUND_STEPS).filter(([name]) => refund.transitions.includes(name));
  const what = refund.dispute_request === "returnRefund" ? "Return" : "Refund";
  return element(
    "li",
    { class: "part" },
    element("span", {}, `${what} `, element("code", {}, refund.refund_id)),
    pill(refund.status),
    element("span", { class: "muted" }, yuan(refund.apply_payment_fen + refund.apply_shipping_fee_fen)),
    element(
      "span",
      { class: "buttons end" },
      steps.map(([name, step]) =>
        stepButton(refund.refund_id, name, step, `refunds/${refund.refund_id}/${name}`),
      ),
    ),
  );
}

function renderEvents(order) {
  return element(
    "details",
    { "data-name": "events", class: "end" },
    element("summary", { "data-name": "events" }, plural(order.events.length, "event")),
    element(
      "ol",
      { class: "events" },
      order.events.map(({ event, status }) => element("li", {}, event, " → ", element("code", {}, status))),
    ),
  );
}

// A button that makes a step. Its accessible name also says which object it changes.
function stepButton(
  subject,
  name,
  { text, actor = "", prepare = async () => ({}) },
  path,
  { body = {}, primary = false } = {},
) {
  return element(
    "button",
    {
      class: primary && "primary",
      "data-name": name,
      "aria-label": [text, actor, subject].filter(Boolean).join(" "),
      onclick: action(async () => {
        const details = await prepare();
        if (!details) return "";
        await post(path, { ...body, ...details });
        return `${text}: ${subject}`;
      }),
    },
    text,
    actor !== "" && element("small", {}, ` ${actor}`),
  );
}

async function askPrice() {
  const answer = await ask(
    "Change the price",
    "Change",
    [
      {
        name: "fee",
        label: "Shipping fee, in yuan",
        type: "number",
        min: 0,
        step: 0.01,
        value: 0,
        required: true,
      },
      {
        name: "discount",
        label: "Change of the first entry, in yuan",
        type: "number",
        step: 0.01,
        value: -1,
        required: true,
      },
    ],
    { hint: "A negative change is a reduction. It replaces an earlier one." },
  );
  return answer && { shipping_fee_fen: toFen(answer.fee), discount_fen: toFen(answer.discount) };
}

async function askClosing() {
  const options = [
    ["buyer", "the buyer"],
    ["seller", "the seller"],
    ["back_office", "the platform"],
  ];
  return ask("Close the order", "Close", [{ name: "by", label: "Closed by", options }]);
}
