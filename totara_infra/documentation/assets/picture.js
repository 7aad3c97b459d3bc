// Zoom, and the answer to "what does this module need, and what needs it".
(() => {
  const root = document.querySelector(".picture");
  if (!root) return;
  const modules = JSON.parse(root.querySelector(".picture-data").textContent);
  const svg = root.querySelector("svg");
  const canvas = root.querySelector(".picture-canvas");
  const panel = root.querySelector(".picture-panel");
  const controls = root.querySelector(".picture-controls");
  const chosenLines = svg.querySelector(".chosen-lines");
  const find = controls.querySelector("input[type=search]");
  const through = controls.querySelector("[data-do=through]");
  const boxes = new Map([...svg.querySelectorAll(".module")].map((b) => [b.dataset.module, b]));
  const boxWidth = Number(root.dataset.boxWidth);
  const boxHeight = Number(root.dataset.boxHeight);
  const { width: fullWidth, height: fullHeight } = svg.viewBox.baseVal;
  let view = { x: 0, y: 0, width: fullWidth };
  let chosen = null;

  const neededBy = new Map(Object.keys(modules).map((id) => [id, []]));
  for (const [id, module] of Object.entries(modules)) {
    for (const edge of module.needs) neededBy.get(edge.id).push({ ...edge, id });
  }

  // --- what is seen: the left upper corner, and a width; the height follows the frame ----------

  const READABLE = 0.42; // pixels for a unit, at which a module's number can still be read

  function frame() {
    const { width, height } = canvas.getBoundingClientRect();
    return { pixels: width, tall: height / width };
  }

  function show() {
    const { pixels, tall } = frame();
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.width * tall}`);
    // Titles would be specks: the number alone is shown, large enough to read.
    svg.classList.toggle("far", pixels / view.width < 0.75);
  }

  function showWhole() {
    const { tall } = frame();
    const width = Math.max(fullWidth, fullHeight / tall);
    view = { x: (fullWidth - width) / 2, y: Math.min(0, (fullHeight - width * tall) / 2), width };
    show();
  }

  function showFirst() {
    showWhole();
    const { pixels } = frame();
    // On a small screen the whole would be unreadable: begin at the first phase.
    if (pixels / view.width < READABLE / 1.5) {
      view = { x: 0, y: 0, width: pixels / READABLE };
      show();
    }
  }

  // Buttons and keys go towards what is picked, else towards the middle.
  function step(factor) {
    if (chosen) centre(chosen);
    zoom(factor);
  }

  function zoom(factor, clientX, clientY) {
    const at = clientX === undefined ? middle() : pointAt(clientX, clientY);
    const width = Math.min(fullWidth * 2, Math.max(400, view.width / factor));
    const ratio = width / view.width;
    view = { x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio, width };
    show();
  }

  function middle() {
    return { x: view.x + view.width / 2, y: view.y + (view.width * frame().tall) / 2 };
  }

  function pointAt(clientX, clientY) {
    return new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
  }

  function move(byX, byY) {
    view.x += byX;
    view.y += byY;
    show();
  }

  function placeOf(id) {
    const { x, y } = boxes.get(id).dataset;
    return { x: Number(x), y: Number(y) };
  }

  function bringIntoView(id) {
    const { x, y } = placeOf(id);
    const inside =
      x > view.x &&
      y > view.y &&
      x + boxWidth < view.x + view.width &&
      y + boxHeight < view.y + view.width * frame().tall;
    if (inside) return;
    centre(id);
    show();
  }

  function centre(id) {
    const { x, y } = placeOf(id);
    view.x = x + boxWidth / 2 - view.width / 2;
    view.y = y + boxHeight / 2 - (view.width * frame().tall) / 2;
  }

  // --- what is picked ---------------------------------------------------------------------

  function reach(id, edgesOf) {
    const found = new Set();
    const waiting = [id];
    while (waiting.length) {
      for (const edge of edgesOf(waiting.pop())) {
        if (!found.has(edge.id)) {
          found.add(edge.id);
          waiting.push(edge.id);
        }
      }
    }
    return found;
  }

  const needsOf = (id) => modules[id].needs;
  const neededByOf = (id) => neededBy.get(id);

  function pick(id) {
    chosen = id;
    const needs = new Set(needsOf(id).map((edge) => edge.id));
    const needed = new Set(neededByOf(id).map((edge) => edge.id));
    const farNeeds = through.checked ? reach(id, needsOf) : needs;
    const farNeeded = through.checked ? reach(id, neededByOf) : needed;
    svg.classList.add("picked");
    for (const [other, box] of boxes) {
      box.classList.toggle("chosen", other === id);
      box.classList.toggle("needs", farNeeds.has(other));
      box.classList.toggle("needed", farNeeded.has(other));
      box.classList.toggle("through", !needs.has(other) && !needed.has(other));
      if (other === id) box.setAttribute("aria-current", "true");
      else box.removeAttribute("aria-current");
    }
    chosenLines.replaceChildren(
      ...needsOf(id).map((edge) => line(edge.id, id, "needs", edge.hard)),
      ...neededByOf(id).map((edge) => line(id, edge.id, "needed", edge.hard)),
    );
    const opening = panel.hidden;
    const seenWhole = view.width >= fullWidth;
    describe(id, farNeeds.size, farNeeded.size);
    // The panel takes room from the picture.
    if (opening && seenWhole) showWhole();
    focusable(id);
    bringIntoView(id);
    history.replaceState(null, "", `#${id}`);
  }

  function letGo() {
    chosen = null;
    svg.classList.remove("picked");
    for (const box of boxes.values()) {
      box.classList.remove("chosen", "needs", "needed", "through");
      box.removeAttribute("aria-current");
    }
    chosenLines.replaceChildren();
    const seenWhole = view.width >= fullWidth;
    panel.hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    if (seenWhole) showWhole();
    else show();
  }

  function line(before, after, kind, hard) {
    const from = placeOf(before);
    const to = placeOf(after);
    const x1 = from.x + boxWidth;
    const y1 = from.y + boxHeight / 2;
    const y2 = to.y + boxHeight / 2;
    const bend = Math.max(30, Math.abs(to.x - x1) / 3);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", `${kind} ${hard ? "hard" : "optional"}`);
    path.setAttribute("d", `M${x1},${y1}C${x1 + bend},${y1} ${to.x - bend},${y2} ${to.x},${y2}`);
    return path;
  }

  function element(name, content, className) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...[content].flat());
    return made;
  }

  function describe(id, allNeeds, allNeeded) {
    const module = modules[id];
    const page = element("a", `Page of ${id}`);
    page.href = module.page;
    const close = element("button", "Let go", "close");
    close.type = "button";
    close.addEventListener("click", () => {
      letGo();
      boxes.get(id).focus();
    });
    panel.replaceChildren(
      close,
      element("h2", `${id} ${module.title}`),
      element("p", [`${module.place}. `, page]),
      list("Needs", "needs", needsOf(id), allNeeds),
      list("Needed by", "needed", neededByOf(id), allNeeded),
    );
    panel.hidden = false;
    panel.scrollTop = 0;
    show();
  }

  function list(title, kind, edges, all) {
    const part = element("section", [], kind);
    const more = all > edges.length ? `, ${all} with others between` : "";
    part.append(element("h3", `${title} (${edges.length}${more})`));
    const items = edges.map((edge) => {
      const button = element("button", `${edge.id} ${modules[edge.id].title}`, "pick");
      button.type = "button";
      button.addEventListener("click", () => {
        pick(edge.id);
        panel.querySelector("button").focus();
      });
      const kindOfEdge = edge.hard ? edge.provenance : `optional, ${edge.provenance}`;
      return element("li", [button, element("p", [edge.reason, element("small", ` (${kindOfEdge})`)])]);
    });
    part.append(items.length ? element("ul", items) : element("p", "No other module."));
    return part;
  }

  // --- mouse, finger, keyboard ------------------------------------------------------------

  // One module at a time is in the order of Tab; arrow keys go to the others.
  function focusable(id) {
    for (const [other, box] of boxes) box.setAttribute("tabindex", other === id ? "0" : "-1");
  }

  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function neighbour(id, [dx, dy]) {
    const here = placeOf(id);
    let best = null;
    let least = Infinity;
    for (const other of boxes.keys()) {
      const there = placeOf(other);
      const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
      const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
      if (other !== id && along > 0 && along + 3 * aside < least) {
        least = along + 3 * aside;
        best = other;
      }
    }
    return best;
  }

  svg.addEventListener("keydown", (event) => {
    const id = event.target.closest?.(".module")?.dataset.module;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS && id) {
      const next = neighbour(id, DIRECTIONS[event.key]);
      if (next) {
        focusable(next);
        boxes.get(next).focus({ preventScroll: true });
        bringIntoView(next);
      }
    } else if (event.key === "+" || event.key === "=") step(1.25);
    else if (event.key === "-") step(0.8);
    else if (event.key === "0") showWhole();
    else if (event.key === "Escape" && chosen) letGo();
    else return;
    event.preventDefault();
    // The site's own keys (search, next page) must not answer as well.
    event.stopPropagation();
  });

  let dragged = false;
  const fingers = new Map();
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged = false;
  });
  window.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!dragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    dragged = true;
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([key]) => key !== event.pointerId).map(([, p]) => p);
      const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
      zoom(apart(now) / (apart(before) || 1), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else {
      const from = pointAt(before.x, before.y);
      const to = pointAt(now.x, now.y);
      move(from.x - to.x, from.y - to.y);
    }
    fingers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("click", (event) => {
    const box = event.target.closest(".module");
    // With Ctrl or Shift the link opens the module's page elsewhere, as links do.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (dragged) return;
    if (box) pick(box.dataset.module);
    else if (chosen) letGo();
  });
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !document.fullscreenElement) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX, event.clientY);
    },
    { passive: false },
  );

  const DOINGS = {
    in: () => step(1.4),
    out: () => step(1 / 1.4),
    whole: showWhole,
    full: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  };
  controls.addEventListener("click", (event) => DOINGS[event.target.dataset.do]?.());
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.querySelector("[data-do=lines]").addEventListener("change", (event) => {
    svg.classList.toggle("without-lines", !event.target.checked);
  });
  through.addEventListener("change", () => chosen && pick(chosen));

  const named = controls.querySelector("datalist");
  for (const [id, module] of Object.entries(modules)) {
    const option = document.createElement("option");
    option.value = `${id} ${module.title}`;
    named.append(option);
  }
  function found() {
    const wanted = find.value.trim().toLowerCase();
    const all = Object.keys(modules);
    const name = (id) => `${id} ${modules[id].title}`.toLowerCase();
    return wanted && (all.find((id) => name(id) === wanted || id.toLowerCase() === wanted) ??
      all.find((id) => name(id).includes(wanted)));
  }
  find.addEventListener("change", () => {
    const id = found();
    if (id) pick(id);
  });

  function fromAddress() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!(id in modules)) return;
    pick(id);
  }
  window.addEventListener("hashchange", fromAddress);
  window.addEventListener("resize", show);
  document.addEventListener("fullscreenchange", show);

  controls.hidden = false;
  root.classList.add("ready");
  focusable(Object.keys(modules)[0]);
  showFirst();
  fromAddress();
})();
