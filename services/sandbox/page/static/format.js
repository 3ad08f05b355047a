// Amounts, times and the names of states, as the page shows them.
import { element } from "./dom.js";

export const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
export const toFen = (text) => Math.round(Number(text) * 100);
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// hh:mm:ss in the time zone of the browser.
export const clockTime = (time) => new Date(time).toLocaleTimeString("en-GB");

// [text, tone] of each state. The tone is a class: wait, good, bad or quiet.
const STATES = {
  waitbuyerpay: ["waits for payment", "wait"],
  waitsellersend: ["waits for shipment", "wait"],
  waitbuyerreceive: ["shipped", "wait"],
  confirm_goods_and_has_subsidy: ["received", "good"],
  success: ["complete", "good"],
  cancel: ["closed", "quiet"],
  waitselleragree: ["waits for the seller", "wait"],
  waitbuyermodify: ["rejected", "bad"],
  waitbuyersend: ["waits for ReturnGoods", "wait"],
  waitsellerreceive: ["goods sent back", "wait"],
  refundsuccess: ["refunded", "good"],
  refundclose: ["closed", "quiet"],
  queued: ["waiting", "wait"],
  pushed: ["pushed", "good"],
  failed: ["failed", "bad"],
  confirmed: ["confirmed", "quiet"],
  expired: ["expired", "quiet"],
};

// A state in plain words; its name at 1688 is the tooltip.
export function pill(state) {
  const [text, tone] = STATES[state] ?? [state, "quiet"];
  return element("span", { class: `pill ${tone}`, title: state }, text);
}
