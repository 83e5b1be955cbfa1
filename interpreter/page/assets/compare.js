// Runs side by side: on one axis of time, and chosen together as long as they are the same.

/**
 * Let runs follow each other.
 * @param {import("./run.js").RunView[]} views
 * @param {(?number)[]} partsAt The row from which on each differs from another, if it does.
 * @returns {number} How much time all of them show, in microseconds.
 */
export function compare(views, partsAt) {
  const totalUs = Math.max(...views.map((view) => view.nowUs));
  for (const view of views) view.showTime(totalUs);
  views.forEach((view, at) => {
    if (partsAt[at] !== null) view.choose(partsAt[at]);
    view.element.addEventListener("choose", ({ detail }) => {
      for (const [other, one] of views.entries()) if (other !== at) follow(one, detail, partsAt[other] ?? Infinity);
    });
  });
  return totalUs;
}

/** Before the runs part, a row of one is a row of the other; from there on only the moment is. */
function follow(view, { row, atUs }, partsAt) {
  if (row === null) view.clear({ quietly: true });
  else if (row < partsAt) view.choose(row, { quietly: true });
  else view.point(atUs);
}
