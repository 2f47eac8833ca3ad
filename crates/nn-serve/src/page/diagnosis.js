// The diagnosis of a training run that has ended, and the settings to try.

import { listen, post } from "./api.js";
import { card, make } from "./dom.js";
import { button } from "./panel.js";

const ENDED = ["done", "stopped", "failed"];

/** The problems of a run; `use` is called with the settings of a cure that is chosen. */
export class Diagnosis {
  constructor(use) {
    this.use = use;
    this.body = make("div", { role: "status" });
    this.element = card("Diagnosis", this.body);
    this.element.id = "diagnosis";
    this.element.hidden = true;
    // A short training may begin and end between two events, so that the page never sees
    // it run.
    this.session = 0;
    listen("session", (number) => {
      this.session = number;
      this.isAsked = false;
    });
  }

  /** Diagnoses the run once when it has ended. */
  update(training) {
    const hasEnded = ENDED.includes(training.phase);
    if (hasEnded && !this.isAsked) this.diagnose();
    if (!hasEnded) this.element.hidden = true;
    this.isAsked = hasEnded;
  }

  async diagnose() {
    this.body.replaceChildren(make("p", { class: "muted" }, "Looking for problems …"));
    this.element.hidden = false;
    const { session } = this;
    try {
      const diagnosis = await post("/api/diagnose", { training: 0 });
      if (session === this.session) this.show(diagnosis);
    } catch (error) {
      if (session !== this.session) return;
      this.body.replaceChildren(make("p", {}, [error.message, error.help].filter(Boolean).join("; ")));
    }
  }

  show({ checks, cures }) {
    const problems = checks.filter((check) => check.verdict === "problem");
    const causes = problems.filter((check) => !check.explained_by);
    if (causes.length === 0) {
      this.body.replaceChildren(make("p", {}, "No problem found."));
      return;
    }
    this.body.replaceChildren(
      ...causes.flatMap((cause) => describe(cause, problems)),
      make("h3", {}, cures.length > 1 ? "Try one thing at a time, in this order" : "Try this"),
      make("ol", {}, ...cures.map((cure, index) => this.cure(cure, index, causes.length > 1))),
    );
  }

  cure({ flags, what, problem, settings }, index, namesProblem) {
    const effect = namesProblem ? `${problem}: ${what}` : what;
    if (settings.length === 0) return make("li", {}, effect);
    const look = index === 0 ? "primary" : "";
    return make(
      "li",
      {},
      make("code", {}, flags),
      ` (${effect}) `,
      button("Use in the form", `cure-${index}`, () => this.use(settings), look),
    );
  }
}

/** A problem with its evidence, and the problems that it explains. */
function describe(cause, problems) {
  const symptoms = problems.filter((check) => check.explained_by === cause.check);
  const explained = symptoms.map((check) => make("li", {}, `${check.check}: ${check.evidence}`));
  return [
    make("h3", {}, capitalized(cause.check)),
    make("p", {}, `${capitalized(cause.evidence)}.`),
    explained.length ? make("p", { class: "muted" }, "Possible cause of:") : null,
    explained.length ? make("ul", { class: "muted" }, ...explained) : null,
  ].filter(Boolean);
}

function capitalized(text) {
  return text[0].toUpperCase() + text.slice(1);
}
