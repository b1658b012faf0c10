import { byId, element } from "./dom.js";
import { download, fileName, fromJson, toJson, toMarkdown } from "./files.js";
import { offerUndo, toast } from "./toast.js";

const WHEN = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** The conversations that are kept: to open, name, save as files and delete. */
export class ConversationsView {
  #store;
  #keeper;

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./keeper.js").Keeper} keeper
   */
  constructor(store, keeper) {
    this.#store = store;
    this.#keeper = keeper;
    byId("conversations").addEventListener("click", () => (byId("saved").hidden ? this.#open() : this.#close()));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !byId("saved").hidden) {
        event.preventDefault(); // closes the list only
        this.#close();
      }
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (!target.closest("#saved, #conversations, #toast")) {
        this.#show(false);
      }
    });
    byId("new-conversation").addEventListener("click", () => this.#do(() => keeper.begin()));
    byId("close-conversations").addEventListener("click", () => this.#close());
    byId("import").addEventListener("click", () => byId("import-file").click());
    byId("import-file").addEventListener("change", ({ target }) => this.#import(target));
  }

  async #open() {
    this.#show(true);
    await this.#update();
    byId("close-conversations").focus();
  }

  #close() {
    this.#show(false);
    byId("conversations").focus();
  }

  #show(isOpen) {
    byId("saved").hidden = !isOpen;
    byId("conversations").setAttribute("aria-expanded", String(isOpen));
  }

  /** Do something, and leave the list. */
  async #do(action) {
    await action();
    this.#show(false);
    byId("prompt").focus();
  }

  async #update() {
    await this.#keeper.keep();
    const all = await this.#store.all();
    byId("conversations-empty").hidden = all.length > 0;
    byId("conversations-empty").textContent = (await this.#store.isAvailable())
      ? "Nothing is kept yet."
      : "This browser keeps nothing here, as in a private window. Export what you need as a file.";
    byId("conversations-list").replaceChildren(...all.map((saved) => this.#row(saved)));
  }

  #row(saved) {
    const isCurrent = saved.id === this.#keeper.id;
    const name = element("button", { type: "button", class: "plain name", "aria-current": isCurrent && "true",
      onclick: () => this.#do(() => this.#keeper.open(saved.id)) }, saved.name);
    const row = element("li", {}, name, element("span", { class: "quiet" }, WHEN.format(saved.changed)));
    row.append(element("div", { class: "actions" },
      action("Rename", saved.name, () => this.#rename(saved, row, name)),
      action("Export as JSON", saved.name, () => download(toJson(saved), `${fileName(saved.name)}.json`, "application/json")),
      action("Export as Markdown", saved.name, () => download(toMarkdown(saved), `${fileName(saved.name)}.md`, "text/markdown")),
      action("Delete", saved.name, () => this.#delete(saved))));
    return row;
  }

  #rename(saved, row, name) {
    const field = element("input", { type: "text", value: saved.name, "aria-label": "Name of the conversation", maxlength: 200 });
    const end = async (isKept) => {
      if (isKept && field.value.trim() !== saved.name) {
        await this.#keeper.rename(saved.id, field.value.trim());
      }
      const now = await this.#store.get(saved.id);
      const hadFocus = field === document.activeElement;
      row.replaceWith(this.#row(now ?? saved));
      if (hadFocus) {
        byId("conversations-list").querySelectorAll(".name")[index]?.focus();
      }
    };
    const index = Array.from(row.parentNode.children).indexOf(row);
    field.addEventListener("change", () => end(true)); // Enter, or the focus goes elsewhere
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) {
        event.preventDefault();
        event.stopPropagation(); // it would close the list
        end(false);
      } else if (event.key === "Enter" && field.value === saved.name) {
        end(false); // nothing has changed, so there is no event
      }
    });
    name.replaceWith(field);
    field.select();
  }

  async #delete(saved) {
    const bringBack = await this.#keeper.delete(saved.id);
    await this.#update();
    offerUndo(`“${saved.name}” is deleted.`, bringBack, false);
  }

  async #import(field) {
    const [file] = field.files;
    field.value = ""; // the same file can be chosen again
    if (!file) {
      return;
    }
    try {
      const { name, turns } = fromJson(await file.text(), file.name);
      await this.#do(() => this.#keeper.begin(turns, name));
    } catch (error) {
      toast(error.message);
    }
  }
}

const action = (label, name, onclick) => element("button", { type: "button", class: "plain", "aria-label": `${label}: ${name}`, onclick }, label);
