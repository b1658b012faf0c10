"use strict";

/** What the browser keeps for the next visit. Where it keeps nothing, as in some private windows, all works but that. */
explorer.kept = (() => {
  function read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function write(key, value) {
    try {
      localStorage.setItem(key, value);
      return true;
    } catch {
      return false;
    }
  }

  return { read, write };
})();
