// The parts of the page outside the views: the address and the error message.

/** Shows an error, or removes it if `error` is null. */
export function showError(error) {
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
