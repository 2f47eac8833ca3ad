// Talking to the server that the page came from.

const token = document.querySelector('meta[name="token"]').content;
const listeners = new Map();
let source = null;

/** Milliseconds until a refused stream is asked for again. */
const RETRY = 3000;

/** Asks for something that changes nothing. */
export async function get(path) {
  return answerOf(await fetch(path));
}

/** Has something done; the answer, or an Error with the server's words. */
export async function post(path, body) {
  const headers = { "content-type": "application/json", "nn-token": token };
  return answerOf(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answerOf(response) {
  const answer = await response.json();
  if (response.ok) return answer;
  const error = new Error(answer.error);
  error.help = answer.help;
  error.status = response.status;
  throw error;
}

/** Calls `listener` with every event of this name: session, progress, pictures. */
export function listen(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

/**
 * Starts to watch. A page that nobody sees lets go of its connection.
 * `complain` is told why the server refuses to be watched.
 */
export function watch(complain) {
  const connectAgain = () => connect(complain);
  document.addEventListener("visibilitychange", connectAgain);
  connectAgain();
}

function connect(complain) {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource("/api/events");
    source.addEventListener("error", () => whenRefused(complain));
    for (const [name, all] of listeners) {
      source.addEventListener(name, (event) => {
        const value = JSON.parse(event.data);
        all.forEach((listener) => listener(value));
      });
    }
  }
}

/**
 * A stream that breaks is opened again by the browser; one that is refused is
 * not. Any other request tells why: after a restart of the server, this page
 * has an old cookie, and asking again does not help.
 */
async function whenRefused(complain) {
  if (source?.readyState !== EventSource.CLOSED) return;
  source = null;
  try {
    await get("/api/state");
  } catch (error) {
    complain(error);
    if (error.status === 401) return;
  }
  setTimeout(() => connect(complain), RETRY);
}
