// Requests to the server of this page.

import { showConnection, showError } from "./shell.js";

const token = document.querySelector('meta[name="token"]').content;
const listeners = new Map();
let source = null;

/** Milliseconds until a refused stream is requested again. */
const RETRY = 3000;

/** Sends a GET request. */
export async function get(path) {
  return jsonOf(await answer(path));
}

/** Sends a POST request; throws an Error with the message of the server. */
export async function post(path, body) {
  return jsonOf(await answerTo(path, body));
}

/** Sends a POST request for a file; returns its name and its content as a Blob. */
export async function postForFile(path, body) {
  const response = await answerTo(path, body);
  if (!response.ok) await jsonOf(response);
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("content-disposition")) ?? [];
  return { name, content: await response.blob() };
}

function answerTo(path, body) {
  const headers = { "content-type": "application/json", "nn-token": token };
  return answer(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The response; without one, the page shows that the server has gone. */
async function answer(path, request) {
  try {
    const response = await fetch(path, request);
    showConnection(true);
    return response;
  } catch (error) {
    showConnection(false);
    error.isConnection = true;
    throw error;
  }
}

async function jsonOf(response) {
  const body = await response.json();
  if (response.ok) return body;
  const { error: message, ...details } = body;
  throw Object.assign(new Error(message), details, { status: response.status });
}

/** Calls `listener` with every event of this name: session, progress, pictures. */
export function listen(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

/** Starts the stream of events. A hidden page closes its connection. */
export function watch() {
  document.addEventListener("visibilitychange", connect);
  connect();
}

function connect() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource("/api/events");
    source.addEventListener("open", () => showConnection(true));
    source.addEventListener("error", whenBroken);
    for (const [name, all] of listeners) {
      source.addEventListener(name, (event) => {
        const value = JSON.parse(event.data);
        all.forEach((listener) => listener(value));
      });
    }
  }
}

/**
 * The browser reopens a stream that breaks, but not one that is refused. Another
 * request gives the reason: the server has gone, or after its restart this page has an
 * old cookie, and no retry helps.
 */
async function whenBroken() {
  const isRefused = source?.readyState === EventSource.CLOSED;
  if (isRefused) source = null;
  try {
    await get("/api/state");
  } catch (error) {
    showError(error);
    if (error.status === 401) return;
  }
  if (isRefused) setTimeout(connect, RETRY);
}
