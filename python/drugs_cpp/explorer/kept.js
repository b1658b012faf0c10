"use strict";

/** What the browser stores for the next visit. If it stores nothing, as in some private windows, everything else still works. */
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
