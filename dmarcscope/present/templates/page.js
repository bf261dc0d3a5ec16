// Sorts and filters tables, copies lines, changes the theme, and draws the charts once they come into view.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = (text) => { document.getElementById("said").textContent = text; };

  // Tables: a press on a head sorts, another turns the order.
  const value = (row, place, figures) => {
    const text = row.cells[place].textContent.trim();
    if (!figures) return text.toLowerCase();
    if (text === "new") return Infinity;
    const found = parseFloat(text.replace(/[,<>±\s]/g, ""));
    return Number.isNaN(found) ? -Infinity : found;
  };
  const sort = (table, head) => {
    const place = head.cellIndex, figures = head.classList.contains("n");
    const now = head.getAttribute("aria-sort");
    const up = now ? now === "descending" : !figures;
    all("th[aria-sort]", table.tHead).forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, place, figures), row]);
    const turn = up ? 1 : -1;
    rows.sort(([a], [b]) => turn * (figures ? (a === b ? 0 : a < b ? -1 : 1) : a.localeCompare(b)));
    table.tBodies[0].append(...rows.map(([, row]) => row));
    say(`Sorted by ${head.textContent}, ${up ? "ascending" : "descending"}`);
  };
  all("table[data-sort]").forEach((table) => {
    if (table.tBodies[0].rows.length < 2) return;
    all("th", table.tHead).forEach((head) => {
      if (head.hasAttribute("data-plain")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head));
    });
  });
  all("input[data-filter]").forEach((input) => {
    const table = document.getElementById(input.dataset.filter), told = input.parentElement.querySelector("output");
    let texts = null;
    input.addEventListener("input", () => {
      texts = texts || [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      texts.forEach(([row, text]) => {
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      });
      told.textContent = words.length ? `${shown} of ${texts.length} lines` : "";
    });
  });

  // Lines to copy.
  all("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      const range = document.createRange(), selected = getSelection();
      range.selectNodeContents(code);
      selected.removeAllRanges();
      selected.addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }));

  // Charts: plotly.js comes packed, and runs as the one script that the page's policy knows by its hash.
  const packed = document.getElementById("plotly");
  const places = all("[data-figure]");
  let loading = null;
  const load = () => loading || (loading = (async () => {
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    packed.remove();
    const script = document.createElement("script");
    script.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(script);
  })());
  const colours = () => {
    const style = getComputedStyle(root), of = (name) => style.getPropertyValue(name).trim();
    return { text: of("--text"), line: of("--line"), ground: of("--card"), strong: of("--dim") };
  };
  // Where it is narrow, every second day is named, and long names are cut.
  const cut = (text) => { const letters = text.match(/&[a-z]+;|./gu) || []; return letters.length > 17 ? `${letters.slice(0, 16).join("")}…` : text; };
  const thinned = (one) => {
    const keep = (_, at) => one.tickvals.length <= 5 || at % 2 === 0;
    return one.tickvals && one.side !== "top" ? { tickvals: one.tickvals.filter(keep), ticktext: one.ticktext.filter(keep) } : {};
  };
  const named = (one) => (one.ticktext ? { ticktext: one.ticktext.map(cut) } : {});
  const themed = (layout, printed, narrow) => {
    const found = printed ? { text: "#1d2430", line: "#d9dee6", ground: "#ffffff", strong: "#5a6474" } : colours();
    const axis = (one) => ({ ...one, gridcolor: found.line, linecolor: found.line, tickcolor: found.line });
    return {
      ...layout,
      showlegend: false,
      font: { ...layout.font, color: found.text, size: narrow ? 11 : 13 },
      xaxis: { ...axis(layout.xaxis), ...(narrow ? thinned(layout.xaxis) : {}) },
      yaxis: { ...axis(layout.yaxis), ...(narrow ? named(layout.yaxis) : {}) },
      hoverlabel: { bgcolor: found.ground, bordercolor: found.strong, font: { color: found.text } },
      shapes: (layout.shapes || []).map((one) => ({ ...one, line: { ...one.line, color: found.strong } })),
      annotations: (layout.annotations || []).map((one) => ({ ...one, font: { color: found.text }, bgcolor: found.ground })),
    };
  };
  const drawn = new Map();
  const draw = (place, printed = false) => {
    const told = drawn.get(place) || JSON.parse(document.getElementById(place.dataset.figure).textContent);
    drawn.set(place, told);
    const layout = JSON.parse(JSON.stringify(told.layout));
    return Plotly.react(place, told.data, themed(layout, printed, place.clientWidth < 420), { displayModeBar: false, responsive: true });
  };
  const again = (printed) => drawn.forEach((_, place) => draw(place, printed));
  if (places.length) {
    const watcher = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(async (one) => {
      watcher.unobserve(one.target);
      await load();
      await draw(one.target);
    }), { rootMargin: "800px" });
    places.forEach((place) => watcher.observe(place));
    addEventListener("beforeprint", () => { if (window.Plotly) places.forEach((place) => draw(place, true)); });
    addEventListener("afterprint", () => again(false));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again(false));
    // What is printed at once must be there: the rest is drawn when the browser has nothing else to do.
    const rest = async () => { await load(); for (const place of places) if (!drawn.has(place)) { watcher.unobserve(place); await draw(place); } };
    if (places.length <= 30) addEventListener("load", () => setTimeout(rest, 50));
  }

  // The theme: as the system has it, or as the reader wants it.
  const button = document.querySelector("[data-theme-button]"), themes = ["automatic", "light", "dark"];
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme || "automatic") + 1) % themes.length];
    if (next === "automatic") delete root.dataset.theme; else root.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
    again(false);
  });
})();
