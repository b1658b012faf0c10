"""The tables of a results file."""

from __future__ import annotations

#: increased with each change of the tables
VERSION = 2

#: what each version added
ADDED = {
    1: (
        """CREATE TABLE study (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            key TEXT NOT NULL UNIQUE,   -- what makes it the same study, as JSON
            about TEXT NOT NULL,        -- what else is known of it, as JSON
            started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
        )""",
        """CREATE TABLE vergence (
            study INTEGER NOT NULL REFERENCES study (id),
            site TEXT NOT NULL,
            window TEXT NOT NULL,
            layer INTEGER NOT NULL,
            angle REAL NOT NULL,        -- radians
            seed INTEGER NOT NULL,
            kl REAL NOT NULL,           -- KL(sober || dosed), nats
            top INTEGER NOT NULL,       -- the most likely token
            cosine BLOB NOT NULL,       -- cosine distance of each hidden state, float32 little-endian
            relative_l2 BLOB NOT NULL,  -- length of the difference over the sober length, likewise
            probs BLOB NOT NULL,        -- probabilities of the sober top tokens, likewise
            PRIMARY KEY (study, site, window, layer, angle, seed)
        ) WITHOUT ROWID""",
    ),
    2: (
        """CREATE TABLE model (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,   -- SHA-256 of the file; of imported texts "imported:" and their model's name
            name TEXT NOT NULL,
            quantization TEXT NOT NULL,
            architecture TEXT NOT NULL
        )""",
        """CREATE TABLE prompt (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,   -- messages and text, as JSON
            name TEXT NOT NULL
        )""",
        """CREATE TABLE setting (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE    -- all of it, as JSON
        )""",
        """CREATE TABLE origin (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE    -- build, upstream's commit, CPU, as JSON
        )""",
        """CREATE TABLE text (
            model INTEGER NOT NULL REFERENCES model (id),
            prompt INTEGER NOT NULL REFERENCES prompt (id),
            setting INTEGER NOT NULL REFERENCES setting (id),
            seed INTEGER NOT NULL,
            origin INTEGER NOT NULL REFERENCES origin (id),
            tokens BLOB NOT NULL,       -- int32 little-endian; empty where they are not known
            text TEXT NOT NULL,
            ending TEXT NOT NULL,       -- "stop", "length", or "" where it is not known
            log_likelihood REAL,        -- mean of the tokens under the sober model, nats
            parted INTEGER,             -- where its tokens first differ from the sober text's; NULL: nowhere
            compressibility REAL,       -- bytes compressed over bytes
            repeated REAL,              -- share of the 4-grams of words that were there before
            embedding BLOB NOT NULL,    -- float16 little-endian; empty where there is none
            seconds REAL NOT NULL,      -- from its first token to its last, beside other texts
            written_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
            UNIQUE (model, prompt, setting, seed)
        )""",
        """CREATE TABLE cell (
            model INTEGER NOT NULL REFERENCES model (id),
            prompt INTEGER NOT NULL REFERENCES prompt (id),
            setting INTEGER NOT NULL REFERENCES setting (id),
            key TEXT NOT NULL,          -- number of texts and what measured them
            measures TEXT NOT NULL,     -- as JSON
            PRIMARY KEY (model, prompt, setting)
        ) WITHOUT ROWID""",
    ),
}
