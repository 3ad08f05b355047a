// Shipments (1688: logistics orders). The statuses that a shipment does not have yet are buttons.
import { get, post } from "./api.js";
import { byId, element, updateList } from "./dom.js";
import { action } from "./feedback.js";

const MAX_SHIPMENTS = 100;
const STATUSES = {
  CONSIGN: "handed over",
  ACCEPT: "collected",
  TRANSPORT: "in transit",
  DELIVERING: "out for delivery",
  AGENT_SIGN: "at a pick-up point",
  SIGN: "signed",
  FAILED: "not delivered",
};
const ENDS = ["SIGN", "FAILED"];

const isUnderWay = ({ statuses }) => !ENDS.some((end) => statuses.includes(end));

export async function refresh() {
  const { logistics } = await get(`logistics?limit=${MAX_SHIPMENTS}`);
  const newestFirst = logistics.reverse();
  const underWay = newestFirst.filter(isUnderWay);
  const ended = newestFirst.filter((each) => !isUnderWay(each));
  byId("shipment-count").textContent = underWay.length || "";
  updateList(
    byId("shipment-list"),
    [...underWay, ...ended],
    (each) => each.logistics_id,
    (each) => renderShipment(each, { withOrder: true }),
  );
}

export function renderShipment(shipment, { withOrder = false } = {}) {
  const { logistics_id: id, order_id: orderId, cp_code: carrier, mail_no: waybill } = shipment;
  return element(
    "li",
    { class: withOrder ? "card shipment" : "shipment" },
    element(
      "p",
      {},
      "Shipment ",
      element("code", {}, id),
      element("span", { class: "muted" }, ` · ${carrier} ${waybill}`),
      withOrder && element("span", { class: "muted" }, " · order ", element("code", {}, `${orderId}`)),
    ),
    element(
      "ol",
      { class: "steps" },
      Object.entries(STATUSES).map(([status, text]) => renderStatus(shipment, status, text)),
    ),
  );
}

function renderStatus({ logistics_id: id, statuses }, status, text) {
  if (statuses.includes(status)) return element("li", { class: "done", title: status }, text);
  const set = action(async () => {
    await post(`logistics/${id}/${status}`, {});
    return `Shipment ${id}: ${text}`;
  });
  return element(
    "li",
    {},
    element(
      "button",
      { "data-name": status, title: status, "aria-label": `${text}: shipment ${id}`, onclick: set },
      text,
    ),
  );
}
