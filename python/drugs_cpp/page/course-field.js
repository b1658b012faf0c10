import { courseIn, textOf } from "./course.js";
import { byId } from "./dom.js";
import { choose } from "./fields.js";
import { MODES } from "./settings.js";

/** The course as text, and what it does between two points. A text that is not a course is ignored, and replaced in the end. */
export class CourseField {
  #settings;

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
    byId("course").addEventListener("input", ({ target }) => this.#type(target));
    byId("course").addEventListener("change", ({ target }) => this.#show(target));
    byId("course-mode").addEventListener("change", ({ target }) => {
      settings.change({ course: { ...settings.values.course, mode: target.value } });
    });
  }

  #type(field) {
    const course = field.value.trim() === "" ? null : courseIn(field.value, this.#settings.values.course?.mode ?? MODES[0]);
    field.setAttribute("aria-invalid", String(course === undefined));
    if (course !== undefined) {
      this.#settings.change({ course });
    }
  }

  #update() {
    const { course } = this.#settings.values;
    if (byId("course") !== document.activeElement) { // what is being typed may be half a course
      this.#show(byId("course"));
    }
    choose(byId("course-mode"), course?.mode ?? MODES[0]);
    byId("course-mode").disabled = !course;
  }

  #show(field) {
    const { course } = this.#settings.values;
    field.value = course ? textOf(course) : "";
    field.setAttribute("aria-invalid", "false");
  }
}
