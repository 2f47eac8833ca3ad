// Requests to the server of this page.

const token = document.querySelector('meta[name="token"]').content;
const listeners = new Map();
let source = null;

/** Milliseconds until a refused stream is requested again. */
const RETRY = 3000;

/** Sends a GET request. */
export async function get(path) {
  return jsonOf(await fetch(path));
}

/** Sends a POST request; throws an Error with the message of the server. */
export async function post(path, body) {
  const headers = { "content-type": "application/json", "nn-token": token };
  return jsonOf(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function jsonOf(response) {
  const body = await response.json();
  if (response.ok) return body;
  const error = new Error(body.error);
  error.help = body.help;
  error.status = response.status;
  throw error;
}

/** Calls `listener` with every event of this name: session, progress, pictures. */
export function listen(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

/**
 * Starts the stream of events. A hidden page closes its connection. `showError` is
 * called with the reason if the server refuses the stream.
 */
export function watch(showError) {
  const reconnect = () => connect(showError);
  document.addEventListener("visibilitychange", reconnect);
  reconnect();
}

function connect(showError) {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource("/api/events");
    source.addEventListener("error", () => whenRefused(showError));
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
 * request gives the reason: after a restart of the server, this page has an old
 * cookie, and no retry helps.
 */
async function whenRefused(showError) {
  if (source?.readyState !== EventSource.CLOSED) return;
  source = null;
  try {
    await get("/api/state");
  } catch (error) {
    showError(error);
    if (error.status === 401) return;
  }
  setTimeout(() => connect(showError), RETRY);
}
