// The parts of the page outside the views: the address and the messages.

/** Shows whether the server answers. */
export function showConnection(isThere) {
  document.getElementById("connection").hidden = isThere;
}

/** Shows an error, or removes it if `error` is null. */
export function showError(error) {
  if (error?.isConnection) return;
  const notice = document.getElementById("notice");
  notice.hidden = !error;
  notice.textContent = error ? [error.message, error.help].filter(Boolean).join("; ") : "";
}

/** Writes the state of a view into the address. */
export function remember(id, parameters) {
  const text = parameters.toString();
  const hash = `#${id}${text ? `?${text}` : ""}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
  const link = document.querySelector(`#tabs a[data-view="${id}"]`);
  if (link) link.href = hash;
}
