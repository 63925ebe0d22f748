const zone = { dateStyle: "medium", timeStyle: "short" };

function localTimes(root) {
  for (const one of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(one.dateTime);
    one.title = one.textContent;
    one.textContent = moment.toLocaleString(undefined, zone);
  }
}

async function renew(part) {
  if (document.hidden) return;
  try {
    const answer = await fetch(part.dataset.live, { headers: { "if-none-match": part.dataset.tag, accept: "text/html" } });
    if (answer.redirected) location.reload();
    if (answer.status !== 200) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    part.replaceChildren(...fresh.body.childNodes);
    part.dataset.tag = answer.headers.get("etag") ?? "";
    localTimes(part);
  } catch {
    // The gateway is away for a moment; the next turn asks again.
  }
}

localTimes(document);
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(renew, 5000, part);
  document.addEventListener("visibilitychange", () => renew(part));
}
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    const doing = event.submitter?.getAttribute("aria-label");
    if (!confirm(doing ? `${doing}? ${form.dataset.confirm}` : form.dataset.confirm)) event.preventDefault();
  });
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
if (!isSecureContext) for (const one of document.querySelectorAll("[data-insecure]")) one.hidden = false;
