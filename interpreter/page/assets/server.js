// What the page asks of its server, and the rows of a session as the server sends them.

import { parseRow } from "./interrupts.js";

/** Ask the server; what it refuses is thrown with the server's words. */
export async function ask(method, path, body = null) {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error.message);
  return document;
}

/**
 * Follow the rows of a session. A browser that lost the line comes again by itself, with the number of
 * the last row: nothing is lost, nothing comes twice.
 * @param {string} id The session.
 * @param {object} told What is called.
 * @param {(row: object) => void} told.row With the header, and each row.
 * @param {(isOpen: boolean) => void} told.line When the line is there, and when it is lost.
 * @param {(why: {reason: string, message: string}) => void} told.ended When no more rows come.
 * @returns {() => void} Stops it.
 */
export function follow(id, { row, line, ended }) {
  const source = new EventSource(`/api/sessions/${id}/rows`);
  const take = (event) => row(parseRow(event.data));
  source.addEventListener("header", take);
  source.addEventListener("row", take);
  source.addEventListener("open", () => line(true));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) ended({ reason: "lost", message: "the server does not know this session, or this browser" });
    else line(false);
  });
  source.addEventListener("ended", (event) => {
    source.close();
    ended(JSON.parse(event.data));
  });
  return () => source.close();
}
