
const REFRESH_MS = 2000;
const element = (id) => document.getElementById(id);
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;
const count = (number) => (number ?? 0).toLocaleString("en");

function show(id, visible) {
  element(id).hidden = !visible;
}

const MAX_BARS = 20; // the most probable ones, of models with more labels

function make(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// In memory only: it is gone when the page is closed.
let key = "";
let unanswered = null; // the image that waits for a key

function ask(path, options = {}) {
  return fetch(path, key ? { ...options, headers: { Authorization: `Bearer ${key}` } } : options);
}

// One image at a time: the answer for an earlier image is dropped.
let latest = 0;

async function classify(file) {
  const turn = ++latest;
  preview(file);
  for (const id of ["waiting", "problem", "answer", "bars", "facts"]) show(id, false);
  show("busy", true);
  const body = new FormData();
  body.append("image", file);
  const started = performance.now();
  let outcome;
  try {
    const response = await ask("predict", { method: "POST", body });
    outcome = { response, document: await response.json(), milliseconds: performance.now() - started };
  } catch {
    outcome = null;
  }
  if (turn !== latest) return;
  show("busy", false);
  askForKey(outcome?.response.status === 401, file);
  if (outcome?.response.ok) showAnswer(outcome);
  else showProblem(outcome);
}

function askForKey(needed, file) {
  unanswered = needed ? file : null;
  show("key-form", needed);
  if (needed) element("key").focus();
}

function preview(file) {
  const image = element("preview");
  if (image.src) URL.revokeObjectURL(image.src);
  element("drop").classList.add("filled");
  element("choose").textContent = "Choose another";
  element("file-name").textContent = `${file.name} · ${count(Math.ceil(file.size / 1024))} KiB`;
  show("invitation", false);
  show("no-preview", false);
  show("preview", true);
  image.alt = `Preview of ${file.name}`;
  image.onerror = () => {
    show("preview", false);
    show("no-preview", true);
    element("no-preview-text").textContent = "The browser cannot preview this file. It is classified all the same.";
  };
  image.src = URL.createObjectURL(file);
}

function showAnswer({ response, document: answer, milliseconds }) {
  const named = answer.findings ?? [answer.prediction];
  element("prediction").textContent = named.join(", ") || "No finding";
  element("confidence").className = answer.findings ? "of-findings" : "";
  element("confidence").textContent = answer.findings ? overThreshold(answer) : `${percent(answer.confidence)} probability`;
  element("bars").replaceChildren(...shown(answer.probabilities).map(([label, probability]) => bar(label, probability, named)));
  const digest = response.headers.get("X-Model-Digest");
  facts([
    ["Model version", String(answer.model_version)],
    ["Model digest", digest, "mono"],
    ["Latency", `${answer.latency_ms.toFixed(1)} ms in the service, ${milliseconds.toFixed(0)} ms as seen here`],
    ["Request id", response.headers.get("X-Request-Id"), "mono"],
  ]);
  for (const id of ["answer", "bars", "facts"]) show(id, true);
}

// Of a model that looks for several findings: their probabilities do not sum to 1.
function overThreshold({ findings, probabilities, prediction, confidence }) {
  const all = Object.keys(probabilities).length;
  const nearest = findings.length ? "" : ` The most probable is ${prediction}, ${percent(confidence)}.`;
  return `${findings.length} of ${all} findings over their thresholds.${nearest}`;
}

function shown(probabilities) {
  const all = Object.entries(probabilities);
  return all.length <= MAX_BARS ? all : all.sort(([, one], [, other]) => other - one).slice(0, MAX_BARS);
}

function bar(label, probability, named) {
  const item = make("li", named.includes(label) ? "top" : "");
  const track = make("div", "track");
  const fill = make("div", "fill");
  fill.style.width = `${100 * probability}%`;
  track.append(fill);
  track.setAttribute("aria-hidden", "true");
  item.append(make("span", "", label), make("span", "value", percent(probability)), track);
  return item;
}

function showProblem(outcome) {
  const problem = outcome?.document ?? {
    detail: "The service cannot be reached. Check the connection and retry.",
  };
  element("problem-detail").textContent = problem.detail ?? "Retry; if this persists, contact the platform team.";
  const id = outcome?.response.headers.get("X-Request-Id");
  if (id) facts([["Request id", id, "mono"]]);
  show("facts", Boolean(id));
  show("problem", true);
}

function facts(rows) {
  element("facts").replaceChildren(
    ...rows.filter(([, value]) => value).flatMap(([name, value, className]) => [make("dt", "", name), make("dd", className, value)]),
  );
}

async function pollRollout() {
  try {
    const response = await ask("status", { cache: "no-store" });
    if (response.ok) showRollout(await response.json());
    else if ([401, 403].includes(response.status)) showLocked(response.status, await response.json());
    else throw new Error(response.statusText);
  } catch {
    service("bad", "Service not reachable");
  }
  setTimeout(pollRollout, REFRESH_MS);
}

function service(className, text) {
  element("service").className = `pill ${className}`;
  if (element("service-text").textContent !== text) element("service-text").textContent = text;
}

function showLocked(status, problem) {
  service("good", "In service");
  element("rollout-text").textContent = problem.detail;
  show("versions", false);
  if (status === 401) show("key-form", true);
}

function showRollout({ stable, canary, draining }) {
  service(draining ? "bad" : stable ? "good" : "", draining ? "Shutting down" : stable ? "In service" : "Waiting for a model");
  element("rollout-text").textContent = sentence(stable, canary);
  const served = [[stable, "stable"], [canary, "canary"]].filter(([share]) => share);
  element("shares").replaceChildren(...served.map(([share, role]) => {
    const piece = make("div", role);
    piece.style.width = `${share.weight}%`;
    return piece;
  }));
  element("version-rows").replaceChildren(...served.map(([share, role]) => row(share, role)));
  show("versions", served.length > 0);
}

function sentence(stable, canary) {
  if (!stable) return "No model version is in service yet.";
  if (!canary) return `Version ${stable.version} answers every request.`;
  if (!canary.weight) return `Version ${stable.version} answers every request; version ${canary.version} is loaded but gets no traffic.`;
  return `Version ${canary.version} is being released: it answers ${canary.weight}\u00a0% of the requests, version ${stable.version} the others.`;
}

function row({ version, weight }, role) {
  const line = document.createElement("tr");
  const head = make("th");
  head.scope = "row";
  head.append(make("span", `swatch ${role}`), `Version ${version}`);
  line.append(head, make("td", "", role), make("td", "", `${weight}\u00a0%`));
  return line;
}

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = element("key").value.replace(/[^\x21-\x7e]/g, ""); // spaces and line ends that were copied with it
  element("key").value = "";
  if (unanswered) classify(unanswered);
  else show("key-form", false);
});
element("file").addEventListener("change", ({ target }) => {
  if (target.files.length) classify(target.files[0]);
  target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) classify(event.dataTransfer.files[0]);
  });
}
pollRollout();
