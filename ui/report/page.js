"use strict";
// Draws the figures in #figures with the plotly.js in #plotly, keeps their time axes together, and fits prices to what is seen.
(async () => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const drawn = new Map();
  const still = new Set();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const number = (value) => (typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`));
  let following = false;
  let range = null;

  // --- the library

  async function library() {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const source = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
    const script = document.createElement("script");
    script.textContent = source;
    document.head.append(script);
  }

  // --- colours

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return { paper: colour("paper"), ink: colour("ink"), soft: colour("soft"), line: colour("line"), grid: colour("grid") };
  }

  function dressed(layout) {
    const { paper, ink, soft, line, grid } = theme();
    const narrow = innerWidth < 640;
    const full = {
      ...layout, paper_bgcolor: paper, plot_bgcolor: paper, hovermode: "x unified", hoversubplots: "axis", dragmode: coarse ? false : "zoom",
      font: { color: soft, size: narrow ? 10 : 12, family: getComputedStyle(document.body).fontFamily },
      margin: { l: 12, r: narrow ? 56 : 68, t: narrow ? 62 : 48, b: 42 }, showlegend: true, bargap: 0.15, hoverdistance: 24,
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.035, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { color: ink } },
      hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: ink } },
    };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
      full[name] = { ...layout[name], gridcolor: grid, linecolor: line, zerolinecolor: line, tickcolor: line };
    }
    Object.assign(full.xaxis, { showspikes: true, spikemode: "across", spikethickness: 1, spikecolor: soft, spikedash: "dot" });
    return full;
  }

  // --- drawing and zooming

  async function draw(id) {
    const box = document.getElementById(id);
    if (!box || !figures[id] || drawn.has(id)) return;
    const { data, layout, plain } = figures[id];
    if (plain) return drawPlain(box, data, layout);
    drawn.set(id, { home: layout.xaxis.range.slice() });
    await Plotly.newPlot(box, data, dressed(layout), {
      responsive: true, displaylogo: false, displayModeBar: coarse ? false : "hover", showTips: false, doubleClick: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d"],
    });
    box.on("plotly_relayout", (change) => { if (!following) moved(id, change); });
    box.on("plotly_doubleclick", () => go(null));
    if (range && overlaps(id, range)) await move(id, range);
    await fit(id);
  }

  async function repaint() {
    for (const id of drawn.keys()) await Plotly.relayout(id, dressed({ ...document.getElementById(id).layout }));
    for (const id of still) await Plotly.relayout(id, quiet({ ...document.getElementById(id).layout }));
  }

  // A figure without a time axis, which the others do not move.
  async function drawPlain(box, data, layout) {
    still.add(box.id);
    await Plotly.newPlot(box, data, quiet(layout), { responsive: true, displayModeBar: false });
  }

  function quiet(layout) {
    const full = { ...dressed(layout), showlegend: false, hovermode: "closest", dragmode: false, bargap: 0.08 };
    full.margin = { ...full.margin, t: 12, b: 30 };
    return full;
  }

  function overlaps(id, [from, to]) {
    const [first, last] = drawn.get(id).home;
    return from < last && to > first;
  }

  function moved(id, change) {
    if (change["xaxis.range[0]"] !== undefined) go([number(change["xaxis.range[0]"]), number(change["xaxis.range[1]"])]);
    else if (change["xaxis.range"]) go(change["xaxis.range"].map(number));
    else if (change["xaxis.autorange"]) go(null);
  }

  async function go(to) {
    range = to;
    for (const button of all("[data-range]")) button.setAttribute("aria-pressed", String(!to && button.dataset.range === "0"));
    for (const id of drawn.keys()) {
      if (to && !overlaps(id, to)) continue;
      await move(id, to || drawn.get(id).home);
      await fit(id);
    }
  }

  async function move(id, to) {
    following = true;
    await Plotly.relayout(id, { "xaxis.range": to });
    following = false;
  }

  async function fit(id) {
    const box = document.getElementById(id);
    const [from, to] = box.layout.xaxis.range.map(number);
    const change = {};
    for (const axis of ["y", "y2", "y3", "y4", "y5"]) {
      const name = axis.replace("y", "yaxis");
      if (!box.layout[name] || box.layout[name].visible === false) continue;
      const seen = reach(box.data, axis, from, to);
      if (!seen) continue;
      const pad = (seen[1] - seen[0]) * 0.06 || Math.abs(seen[1]) * 0.01 || 1;
      const bars = axis === "y2" && id !== "equity";
      change[`${name}.range`] = bars ? [0, seen[1] * 1.05] : [seen[0] - pad, seen[1] + pad];
    }
    following = true;
    await Plotly.relayout(id, change);
    await enlarge(box, from, to);
    following = false;
  }

  // Markers grow where few are seen.
  async function enlarge(box, from, to) {
    const places = box.data.flatMap((trace, place) => (trace.mode === "markers" ? [place] : []));
    if (!places.length) return;
    const seen = places.reduce((sum, place) => sum + box.data[place].x.filter((x) => x >= from && x <= to).length, 0);
    const factor = seen > 60 ? (innerWidth < 640 ? 0.6 : 0.8) : seen > 20 ? 1 : 1.35;
    const own = drawn.get(box.id);
    if (own.factor === factor) return;
    own.sizes ??= places.map((place) => box.data[place].marker.size);
    own.factor = factor;
    await Plotly.restyle(box, { "marker.size": own.sizes.map((sizes) => sizes.map((size) => size * factor)) }, places);
  }

  function reach(data, axis, from, to) {
    let low = Infinity;
    let high = -Infinity;
    for (const trace of data) {
      if ((trace.yaxis || "y") !== axis || trace.visible === false || trace.visible === "legendonly" || trace.type === "heatmap") continue;
      if (trace.name === "start" || trace.name?.startsWith("trades ")) continue;
      const lows = trace.low || trace.y;
      const highs = trace.high || trace.y;
      let before = null;
      for (let i = 0; i < trace.x.length; i += 1) {
        if (trace.x[i] === null || trace.x[i] > to) continue;
        if (trace.x[i] < from) { before = trace.mode === "lines" ? i : null; continue; }
        low = Math.min(low, lows[i]);
        high = Math.max(high, highs[i]);
      }
      if (before !== null) { low = Math.min(low, lows[before]); high = Math.max(high, highs[before]); }
    }
    return high < low ? null : [low, high];
  }

  // --- controls

  function timeframe(box, wanted) {
    const id = box.querySelector(".figure").id;
    for (const button of all("[data-timeframe]", box)) button.setAttribute("aria-pressed", String(button.dataset.timeframe === wanted));
    const places = figures[id].data.flatMap((trace, place) => (trace.meta ? [place] : []));
    return Plotly.restyle(id, { visible: places.map((place) => figures[id].data[place].meta === wanted) }, places).then(() => fit(id));
  }

  async function symbol(id) {
    for (const box of all(".symbol")) box.hidden = box.id !== `box-${id}`;
    await draw(id);
    Plotly.Plots.resize(id);
  }

  function wire() {
    for (const box of all(".symbol")) {
      const shown = figures[box.querySelector(".figure").id].data.find((trace) => trace.meta && trace.visible);
      for (const button of all("[data-timeframe]", box)) {
        button.setAttribute("aria-pressed", String(button.dataset.timeframe === shown?.meta));
        button.addEventListener("click", () => timeframe(box, button.dataset.timeframe));
      }
    }
    const select = document.getElementById("symbol");
    select?.addEventListener("change", () => symbol(select.value));
    const lengths = Object.values(figures).flatMap((figure) => figure.data.map((trace) => trace.xperiod || Infinity));
    const shortest = lengths.some(isFinite) ? Math.min(...lengths) : 60e3;
    for (const button of all("[data-range]")) {
      const hours = Number(button.dataset.range);
      const spans = Object.values(figures).filter((figure) => !figure.plain).map((figure) => figure.layout.xaxis.range);
      const longest = Math.max(...spans.map(([first, last]) => last - first));
      button.hidden = hours > 0 && (hours * 3600e3 > longest || hours * 3600e3 < 10 * shortest);
      button.addEventListener("click", async () => {
        const last = drawn.get(document.querySelector(".symbol:not([hidden]) .figure")?.id || "equity").home[1];
        await go(hours ? [last - hours * 3600e3, last] : null);
        for (const other of all("[data-range]")) other.setAttribute("aria-pressed", String(other === button));
      });
    }
    for (const row of all("tr[data-symbol]")) {
      row.addEventListener("click", () => jump(row));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") jump(row); });
    }
  }

  async function jump(row) {
    const box = all(".symbol").find((one) => one.dataset.symbol === row.dataset.symbol);
    if (!box) return;
    const id = box.querySelector(".figure").id;
    const select = document.getElementById("symbol");
    if (select) select.value = id;
    await symbol(id);
    const [from, to] = [Number(row.dataset.from), Number(row.dataset.to)];
    const pad = Math.max(to - from, 30 * 60e3);
    await go([from - pad, to + pad]);
    box.scrollIntoView({ behavior: "smooth", block: "center" });
  }

  function sortable(table) {
    all("thead th", table).forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const key = (row) => { const cell = row.cells[column]; return cell.dataset.v ?? cell.textContent; };
      const rows = all("tbody tr", table).sort((a, b) => {
        const [left, right] = [key(a), key(b)];
        const order = isNaN(left) || isNaN(right) ? left.localeCompare(right) : left - right;
        return down ? order : -order;
      });
      table.tBodies[0].append(...rows);
    }));
  }

  all("table[data-sortable]").forEach(sortable);
  if (!Object.keys(figures).length) return;
  try {
    await library();
  } catch (error) {
    const trouble = document.getElementById("trouble");
    trouble.textContent = `This browser could not unpack the charts (${error.message}); every number also stands in the tables.`;
    trouble.hidden = false;
    return;
  }
  wire();
  const first = all(".symbol .figure")[0]?.id;
  if (first) await draw(first);
  await draw("equity");
  for (const id of Object.keys(figures).filter((key) => figures[key].plain)) await draw(id);
  dark.addEventListener("change", async () => { await repaint(); });
  document.documentElement.dataset.drawn = "yes";
})();
