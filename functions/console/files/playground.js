const usd = (amount) => amount === null || amount === undefined ? "no price" : `$${Number(amount).toPrecision(3).replace(/e.*|\.?0+$/, "") || 0}`;

function made(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

class Playground {
  constructor(root) {
    this.root = root;
    this.talk = root.querySelector("[data-talk]");
    this.route = root.querySelector("[data-route]");
    this.form = root.querySelector("[data-ask]");
    this.messages = [];
    this.token = null;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.form.addEventListener("reset", () => { this.messages = []; this.talk.replaceChildren(); });
  }

  async headers() {
    if (this.token === null || Date.parse(this.token.expires_at) - Date.now() < 30_000) {
      const answer = await fetch("/playground/token", { method: "POST", headers: { "x-csrf-token": this.root.dataset.csrf } });
      if (!answer.ok) throw new Error((await answer.json()).error.message);
      this.token = await answer.json();
    }
    return { authorization: `Bearer ${this.token.token}`, "content-type": "application/json" };
  }

  async ask(path, body) {
    const answer = await fetch(this.root.dataset.gateway + path, { method: "POST", headers: await this.headers(), body: JSON.stringify(body) });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    return answer;
  }

  async send() {
    const { model, message } = Object.fromEntries(new FormData(this.form));
    const button = this.form.querySelector("button");
    this.messages.push({ role: "user", content: message });
    this.talk.append(made("div", message, "said mine"));
    const said = made("div", "", "said");
    this.talk.append(said);
    button.disabled = true;
    this.form.elements.message.value = "";
    try {
      const body = { model, messages: this.messages };
      const [route] = await Promise.all([this.ask("/api/v1/llm/route", body).then((answer) => answer.json()), this.stream(body, said)]);
      this.show(route);
    } catch (error) {
      said.className = "note bad";
      said.setAttribute("role", "alert");
      said.textContent = error.message;
      this.messages.pop();
    } finally {
      button.disabled = false;
    }
  }

  async stream(body, said) {
    const answer = await this.ask("/v1/chat/completions", { ...body, stream: true });
    this.served = `${answer.headers.get("x-switchyard-provider") ?? ""}/${answer.headers.get("x-switchyard-model") ?? ""}`;
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data: {")) continue;
        const event = JSON.parse(line.slice(6));
        if (event.error) throw new Error(event.error.message);
        said.textContent += event.choices?.[0]?.delta?.content ?? "";
      }
    }
    this.messages.push({ role: "assistant", content: said.textContent });
  }

  show(route) {
    const table = made("table");
    table.append(made("caption", "Candidates in the order they are tried"));
    const head = made("thead");
    const names = made("tr");
    for (const name of ["Candidate", "Why", "Expected"]) names.append(Object.assign(made("th", name), { scope: "col" }));
    head.append(names);
    const rows = made("tbody");
    for (const one of route.candidates.slice(0, 20)) {
      const row = made("tr");
      const name = made("td", `${one.provider}/${one.model}`, "long");
      if (this.served === `${one.provider}/${one.model}`) name.append(made("br"), made("span", "answered", "state ok"));
      row.append(name, made("td", [one.reason.replaceAll("_", " "), one.passed_over].filter(Boolean).join(", "), "quiet"), made("td", usd(one.expected_cost_usd), "num"));
      rows.append(row);
    }
    table.append(head, rows);
    const frame = made("div", undefined, "scroll");
    frame.tabIndex = 0;
    frame.append(table);
    const dropped = made("p", route.dropped.length ? `${route.dropped.length} other models are left out; POST /api/v1/llm/route says why each.` : "", "quiet small");
    this.route.replaceChildren(frame, dropped);
  }
}

for (const root of document.querySelectorAll("[data-playground]")) new Playground(root);
