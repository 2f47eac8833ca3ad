// What all views write outside themselves: the address and the notice.

/** Says what went wrong, until something else is done. */
export function complain(error) {
  const notice = document.getElementById("notice");
  notice.hidden = !error;
  notice.textContent = error ? [error.message, error.help].filter(Boolean).join("; ") : "";
}

/** Puts what a view holds into the address. */
export function remember(id, parameters) {
  const text = parameters.toString();
  const hash = `#${id}${text ? `?${text}` : ""}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
  const link = document.querySelector(`#tabs a[data-view="${id}"]`);
  if (link) link.href = hash;
}
