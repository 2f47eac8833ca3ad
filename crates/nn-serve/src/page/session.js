// The session: the training runs of the server. All pages share it, so a page asks before
// it stops the training of another one.

import { listen, post } from "./api.js";

const KEY = "session";

/** The number of the session that this page started, also after a reload. */
let own = Number(sessionStorage.getItem(KEY));

/** The number of the session, 0 if there is none. */
let current = 0;
const observers = [];

listen("session", (number) => {
  // A server that was started again counts from 1.
  if (number < own) own = 0;
  current = number;
  notify();
});

/** Starts training runs; returns false if the user prefers the training of another page. */
export async function startTrainings(trainings) {
  try {
    await start(trainings, own);
  } catch (error) {
    if (error.status !== 409) throw error;
    const [first, ...rest] = error.message;
    const question = `${first.toUpperCase()}${rest.join("")}.\n\nStop that training run and start this one? Results that are not saved are lost.`;
    if (!confirm(question)) return false;
    await start(trainings, error.session);
  }
  return true;
}

/** Starts training runs unless a training is under way. */
export async function startIfIdle(trainings) {
  try {
    await start(trainings, null);
  } catch (error) {
    if (error.status !== 409) throw error;
  }
}

/** Starts training runs, even if session `mayStop` is training. */
async function start(trainings, mayStop) {
  const { session } = await post("/api/start", { trainings, may_stop: mayStop });
  own = session;
  sessionStorage.setItem(KEY, own);
  notify();
}

/** Calls `observer`, now and later, with whether the session was started on another page. */
export function observeOwner(observer) {
  observers.push(observer);
  observer(isOther());
}

function notify() {
  observers.forEach((observer) => observer(isOther()));
}

function isOther() {
  return current > 0 && current !== own;
}
