// The page of a study: a surface that steps through the dosed layers, the next token, a map, and one plot for the whole model.
"use strict";

const study = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

// float32, little-endian, in base64
function decode(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Float32Array(bytes.buffer);
}

const arrays = Object.fromEntries(Object.entries(study.arrays).map(([name, text]) => [name, decode(text)]));
const { sites, windows, angles, n_layer: nLayer } = study;
const nHidden = nLayer + 1;
const nTop = study.top.length;

const shown = { site: 0, window: 0, layer: 0, angle: 0, statistic: "mean", scale: "log" };

// index of a run's first number in an array with `n` numbers per run; layer and angle as given
const place = (site, layer, angle, n) => (((site * windows.length + shown.window) * nLayer + layer) * angles.length + angle) * n;

const finite = (value) => (Number.isFinite(value) ? value : null);

function distances(layer, angle) {
    const first = place(shown.site, layer, angle, nHidden);
    return Array.from(arrays[`cosine_${shown.statistic}`].subarray(first, first + nHidden), finite);
}

const range = (n) => Array.from({ length: n }, (_, i) => i);
// index in the arrays -> name: hidden state 0 is the embedding, i + 1 is the output of layer i
const measured = range(nHidden).map((i) => (i === 0 ? "embedding" : String(i - 1)));
const TICKS = range(nHidden).filter((i) => i === 0 || (i - 1) % 5 === 0);
const measuredAxis = { title: { text: "measured after layer" }, tickvals: TICKS, ticktext: TICKS.map((i) => (i === 0 ? "emb." : measured[i])) };

function dosedLayers() {
    const first = windows[shown.window] === "up-to" ? 0 : Math.max(0, shown.layer - 1);
    const last = windows[shown.window] === "up-to" ? shown.layer : Math.min(nLayer - 1, shown.layer + 1);
    return first === last ? `${first}` : `${first} to ${last}`;
}

function look() {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--text").trim();
    const line = style.getPropertyValue("--line").trim();
    const axis = { gridcolor: line, zerolinecolor: line, color: text };
    return { text, axis, layout: { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text }, margin: { l: 56, r: 16, t: 8, b: 44 } } };
}

const OPTIONS = { responsive: true, displayModeBar: false };

// the largest distance at a site, so that the surface keeps its scale while it moves
function highest() {
    const first = place(shown.site, 0, 0, nHidden);
    const all = arrays[`cosine_${shown.statistic}`].subarray(first, first + nLayer * angles.length * nHidden);
    return all.reduce((most, value) => (value > most ? value : most), 1e-6);
}

const narrow = () => innerWidth < 600;

function drawSurface() {
    const { axis, layout, text } = look();
    const z = angles.map((_, angle) => distances(shown.layer, angle));
    const top = highest();
    const surface = { type: "surface", x: range(nHidden), y: angles, z, cmin: 0, cmax: top, colorscale: "Viridis", showscale: !narrow(), colorbar: { len: 0.6, thickness: 12, title: { text: "distance" } },
        text: angles.map(() => measured), hovertemplate: "after layer %{text}<br>angle %{y:.2f}<br>distance %{z:.4f}<extra></extra>" };
    const line = { type: "scatter3d", mode: "lines", x: range(nHidden), y: range(nHidden).map(() => angles[shown.angle]), z: z[shown.angle],
        line: { color: text, width: 5 }, hoverinfo: "skip", showlegend: false };
    const scene = {
        uirevision: "kept", aspectratio: { x: 1.5, y: 1.1, z: 0.8 }, camera: { eye: narrow() ? { x: -2.7, y: -2.8, z: 1.5 } : { x: -1.7, y: -1.8, z: 1.0 }, center: { x: 0, y: 0, z: -0.15 } },
        xaxis: { ...axis, ...measuredAxis },
        yaxis: { ...axis, title: { text: "largest angle (radians)" } },
        zaxis: { ...axis, title: { text: "cosine distance" }, range: [0, top] },
    };
    Plotly.react("surface", [surface, line], { ...layout, margin: { l: 0, r: 0, t: 0, b: 0 }, scene }, OPTIONS);
}

function span(name, percent) {
    const bar = document.createElement("span");
    bar.className = name;
    bar.style.width = `${percent}%`;
    return bar;
}

function drawTokens() {
    const first = place(shown.site, shown.layer, shown.angle, nTop);
    const most = Math.max(...study.top.map((token) => token.prob), ...arrays.probs.subarray(first, first + nTop).filter(Number.isFinite));
    const rows = study.top.map((token, i) => {
        const dosed = arrays.probs[first + i];
        const row = document.createElement("tr");
        const [name, bars, number] = ["name", "bar", "number"].map((kind) => Object.assign(row.insertCell(), { className: kind }));
        name.textContent = JSON.stringify(token.token).slice(1, -1).replaceAll(" ", "·");
        const box = bars.appendChild(document.createElement("div"));
        const kept = Number.isFinite(dosed) ? Math.min(dosed, token.prob) : 0;
        box.append(span("kept", (100 * kept) / most), span(dosed > token.prob ? "gained" : "lost", (100 * Math.abs(dosed - token.prob)) / most || 0));
        number.textContent = Number.isFinite(dosed) ? `${(100 * token.prob).toFixed(1)} → ${(100 * dosed).toFixed(1)} %` : "not computed";
        return row;
    });
    element("tokens").tBodies[0].replaceChildren(...rows);
    const left = 1 - arrays.probs.subarray(first, first + nTop).reduce((sum, value) => sum + value, 0);
    const before = 1 - study.top.reduce((sum, token) => sum + token.prob, 0);
    element("others").textContent = Number.isFinite(left) ? `All other tokens: ${(100 * before).toFixed(1)} → ${(100 * left).toFixed(1)} %` : "";
}

function drawMap() {
    const { axis, layout } = look();
    const values = range(nLayer).map((layer) => distances(layer, shown.angle));
    const most = values.flat().reduce((a, b) => Math.max(a, b ?? 0), 1e-9);
    const log = shown.scale === "log";
    const highest = Math.log10(most);
    const powers = range(5).map((power) => Math.floor(highest) - power).filter((power) => power >= highest - 3);
    const map = { type: "heatmap", x: range(nHidden), y: range(nLayer), customdata: values, colorscale: "Viridis",
        z: log ? values.map((row) => row.map((value) => (value === null ? null : Math.log10(Math.max(value, most / 1000))))) : values,
        zmin: log ? highest - 3 : 0, zmax: log ? highest : most,
        colorbar: log ? { title: { text: "distance" }, tickvals: powers, ticktext: powers.map((power) => `1e${power}`) } : { title: { text: "distance" } },
        text: values.map(() => measured), hovertemplate: "dosed: layer %{y}, measured after layer %{text}<br>distance %{customdata:.5f}<extra></extra>" };
    const shapes = [{ type: "line", x0: -0.5, x1: nHidden - 0.5, y0: shown.layer, y1: shown.layer, line: { color: "#ffffff", width: 1, dash: "dot" } }];
    Plotly.react("map", [map], { ...layout, shapes, xaxis: { ...axis, ...measuredAxis }, yaxis: { ...axis, title: { text: "layer dosed" } } }, OPTIONS);
}

const COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#9d755d", "#72b7b2", "#eeca3b"];

function drawMatters() {
    const { axis, layout } = look();
    const x = range(nLayer);
    const traces = sites.flatMap((site, number) => {
        const at = (name) => x.map((layer) => finite(arrays[name][place(number, layer, shown.angle, 1)]));
        const mean = at("kl_mean");
        const spread = at("kl_spread");
        const colour = COLOURS[number % COLOURS.length];
        const band = { x: [...x, ...[...x].reverse()], y: [...mean.map((m, i) => m + spread[i]), ...mean.map((m, i) => Math.max(m / 10, m - spread[i])).reverse()],
            fill: "toself", fillcolor: colour, opacity: 0.15, line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: site };
        const line = { x, y: mean, name: site, legendgroup: site, line: { color: colour, width: number === shown.site ? 4 : 2 },
            hovertemplate: `${site}, layer %{x}: %{y:.4f} nats<extra></extra>` };
        return [band, line];
    });
    Plotly.react("matters", traces, { ...layout, legend: { orientation: "h", y: 1.12 }, xaxis: { ...axis, title: { text: "layer dosed" } },
        yaxis: { ...axis, title: { text: "KL (nats)" }, type: "log", dtick: 1, exponentformat: "power" } }, OPTIONS);
}

function drawAll() {
    element("layer").value = shown.layer;
    element("layer-shown").textContent = dosedLayers();
    for (const place of document.querySelectorAll(".statistic")) {
        place.textContent = shown.statistic === "spread" ? "Standard deviation over the seeds: " : "";
    }
    element("angle-shown").textContent = `${angles[shown.angle].toFixed(2)} rad`;
    drawSurface();
    drawTokens();
    drawMap();
    drawMatters();
    history.replaceState(null, "", `#${new URLSearchParams({ site: sites[shown.site], window: windows[shown.window], layer: shown.layer, angle: angles[shown.angle] })}`);
}

let timer = null;

function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => { shown.layer = (shown.layer + 1) % nLayer; drawAll(); }, 500) : null;
    element("play").textContent = on ? "Pause" : "Play";
    element("play").setAttribute("aria-pressed", String(on));
}

function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    shown.site = Math.max(0, sites.indexOf(asked.get("site")));
    shown.window = Math.max(0, windows.indexOf(asked.get("window")));
    shown.layer = Math.min(nLayer - 1, Math.max(0, Number(asked.get("layer") ?? nLayer >> 1) | 0));
    const angle = Number(asked.get("angle") ?? study.angle);
    shown.angle = angles.reduce((best, value, i) => (Math.abs(value - angle) < Math.abs(angles[best] - angle) ? i : best), 0);
}

function showChoices() {
    element("site").value = sites[shown.site];
    element("window").value = windows[shown.window];
    element("angle").value = shown.angle;
}

function start() {
    element("model").textContent = study.model;
    const last = document.createElement("strong");
    last.textContent = study.pieces.at(-1);
    last.title = study.dosed === "last" ? "the dosed position" : "the measured position";
    element("text").append(study.pieces.slice(0, -1).join(""), last);
    element("about").textContent = `${study.pieces.length} tokens, ${study.dosed === "last" ? "the last one dosed" : "all after the sink dosed"}; measured at the last one. `
        + `${study.seeds.length} seeds, ${study.n_runs} runs. drugs_cpp ${study.version}, ${study.cpu}.`;
    element("site").replaceChildren(...sites.map((site) => new Option(`${site}: ${study.meanings[site]}`, site)));
    for (const option of [...element("window").options]) {
        option.disabled = option.hidden = !windows.includes(option.value);
    }
    element("layer").max = nLayer - 1;
    element("angle").max = angles.length - 1;
    readAddress();
    showChoices();
    element("site").addEventListener("change", () => { shown.site = element("site").selectedIndex; drawAll(); });
    element("window").addEventListener("change", () => { shown.window = windows.indexOf(element("window").value); drawAll(); });
    element("layer").addEventListener("input", () => { play(false); shown.layer = Number(element("layer").value); drawAll(); });
    element("angle").addEventListener("input", () => { shown.angle = Number(element("angle").value); drawAll(); });
    element("statistic").addEventListener("change", () => { shown.statistic = element("statistic").value; drawAll(); });
    element("scale").addEventListener("change", () => { shown.scale = element("scale").value; drawAll(); });
    element("play").addEventListener("click", () => play(timer === null));
    element("controls").addEventListener("submit", (event) => event.preventDefault());
    dark.addEventListener("change", drawAll);
    addEventListener("hashchange", () => { readAddress(); showChoices(); drawAll(); });
    drawAll();
}

start();
