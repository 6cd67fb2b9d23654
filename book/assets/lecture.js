/* Lecture mode: a chapter as slides, in the page itself. Nothing is moved or copied, the blocks
 * that are not on the slide are hidden, so whatever moves on the page moves on the slide as well.
 *
 * book/_ext/lecture_marks.py puts a hidden line in front of each marked cell. A cell marked
 * "slide" begins a slide, a "fragment" comes to it at the next press, "notes" are for the speaker.
 * So are running paragraphs. A heading inside a cell begins a slide of its own. Loads nothing.
 */
(() => {
  "use strict";

  const root = document.documentElement;
  const CLASSES = ["lecture", "lecture-notes", "lecture-text", "lecture-code"];
  /* [key, what it switches, name] */
  const SWITCHES = [
    ["N", "lecture-notes", "Speaker's notes, below"],
    ["T", "lecture-text", "The text, on the slide"],
    ["C", "lecture-code", "The code of a figure"],
  ];
  const KEYS = [
    ["→, space, Page Down", "next"], ["←, Shift + space, Page Up", "back"],
    ["Home, End", "first slide, last slide"], ["↑, ↓", "scroll the slide"],
    ["F", "full screen, and back"], ["?", "this list"],
    ["Esc", "leave; in a slider or an answer: give the keys back to the slides"],
  ];

  const ROUGHLY = 4;                       /* pixels of a slide that nobody misses */

  let article, slides, blocks, sections;   /* what the page consists of, read when first needed */
  let at = 0, step = 0;                    /* the slide that is shown, and how many fragments of it */
  let bar, help, opener;

  /* ------------------------------------------------------------------ reading the page */

  /* Blocks in the order of the page: what stands in sections, without the sections. */
  function readBlocks(parent, headings, state) {
    for (const node of parent.children) {
      if (node.localName === "section") {
        sections.push(node);
        readBlocks(node, [...headings], state);
      } else if (node.matches(".lecture-mark")) {
        state.mark = node.dataset.mark;
        state.cell = node.dataset.cell;
      } else {
        const kind = kindOf(node);
        if (kind === "heading") headings[+node.localName[1] - 1] = node;
        blocks.push({ node, kind, mark: state.mark, cell: state.cell, above: headings.filter(Boolean) });
      }
    }
  }

  function kindOf(node) {
    if (/^h[1-6]$/.test(node.localName)) return "heading";
    if (node.matches("span, script, style, .toctree-wrapper") || node.hidden) return "nothing";
    if (node.matches(".exercise, .solution, .dropdown, .toggle")) return "nothing";
    if (node.localName === "p") return node.matches("h1 + p") ? "shown" : "text";
    return "shown";
  }

  function readPage() {
    article = document.querySelector("article.bd-article");
    slides = [];
    blocks = [];
    sections = [];
    readBlocks(article, [], { mark: "none", cell: "" });
    const cells = new Map();
    for (const block of blocks) {
      if (block.kind === "nothing" || !["slide", "fragment", "notes"].includes(block.mark)) continue;
      if (!cells.has(block.cell)) cells.set(block.cell, []);
      cells.get(block.cell).push(block);
    }
    cells.forEach(addCell);
    slides = slides.filter(({ parts }) => parts.some(({ kind }) => kind === "shown" || kind === "text"));
    slides.forEach(giveItSomethingToSay);
  }

  function addCell(cell) {
    const { mark } = cell[0];
    splitAtHeadings(cell).forEach((parts, position, all) => {
      /* Text in front of a cell's first heading looks back at the slide before. */
      const looksBack = position === 0 && all.length > 1 && parts.every(({ kind }) => kind === "text");
      if (!slides.length || (mark === "slide" && !looksBack) || (mark === "fragment" && position > 0)) {
        slides.push({ parts: [], steps: 0 });
      } else if (mark === "fragment") {
        slides.at(-1).steps += 1;
      }
      const questions = parts.flatMap(({ node }) => [...node.querySelectorAll(".dh-quiz > ol > li")]);
      if (questions.length) {
        /* A quiz is asked one question at a time. */
        slides.pop();
        questions.forEach((only) => slides.push({ parts: parts.map((part) => ({ ...part, step: 0 })), steps: 0, only }));
        return;
      }
      const slide = slides.at(-1);
      for (const part of parts) {
        slide.parts.push({ ...part, kind: mark === "notes" ? "note" : part.kind, step: slide.steps });
      }
    });
  }

  /* A heading below a heading stays with it, any other begins something new. */
  function splitAtHeadings(cell) {
    const groups = [[]];
    let level = 0;
    for (const block of cell) {
      const rank = block.kind === "heading" ? +block.node.localName[1] : 0;
      const group = groups.at(-1);
      if (rank && group.length && (rank <= level || group.some(({ kind }) => kind !== "heading"))) groups.push([]);
      if (rank) level = rank;
      groups.at(-1).push(block);
    }
    return groups;
  }

  /* A heading alone says nothing yet: its first paragraph comes with it. */
  function giveItSomethingToSay(slide) {
    const first = slide.parts.filter(({ step: after }) => after === 0);
    if (!first.some(({ kind }) => kind === "shown")) {
      const lead = first.find(({ kind }) => kind === "text");
      if (lead) lead.kind = "shown";
    }
    const own = slide.parts.filter(({ kind }) => kind === "heading").map(({ node }) => node);
    slide.above = slide.parts[0].above.filter((heading) => !own.includes(heading));
  }

  /* -------------------------------------------------------------------- showing a slide */

  function paint(slide, upTo) {
    for (const { node } of blocks) {
      delete node.dataset.lecture;
      node.classList.remove("lecture-first");
    }
    /* The headings above a slide say where one is; the last is its title where it has none. */
    const titled = slide.parts.some(({ kind }) => kind === "heading");
    slide.above.forEach((heading, position) => {
      heading.dataset.lecture = titled || position < slide.above.length - 1 ? "path" : "above";
    });
    article.querySelectorAll("[data-lecture-asked]").forEach((node) => delete node.dataset.lectureAsked);
    if (slide.only) slide.only.dataset.lectureAsked = "";
    for (const part of slide.parts) {
      if (part.step <= upTo || part.kind === "note") part.node.dataset.lecture = part.kind;
    }
    slide.parts[0].node.classList.add("lecture-first");
  }

  function show(number, steps) {
    at = Math.max(0, Math.min(number, slides.length - 1));
    const slide = slides[at];
    step = Math.max(0, Math.min(steps, slide.steps));
    paint(slide, step);
    if (!bar.contains(document.activeElement)) article.focus({ preventScroll: true });
    fit();
    const said = `${at + 1} of ${slides.length}`;
    const more = slide.steps ? `, part ${step + 1} of ${slide.steps + 1}` : "";
    bar.querySelector("output").textContent = said + more;
    bar.querySelector(".lecture-back").disabled = at === 0 && step === 0;
    bar.querySelector(".lecture-next").disabled = at === slides.length - 1 && step === slide.steps;
    history.replaceState(null, "", `${location.pathname}#lecture-${at + 1}`);
  }

  function turnTo(number, steps) {
    show(number, steps);
    article.scrollTop = 0;
    tellWhetherThereIsMore();
  }

  /* By how many pixels a slide is too long for the window. Notes do not count. */
  function below() {
    const shown = [...article.querySelectorAll("[data-lecture]:not([data-lecture=note])")]
      .filter((node) => node.offsetParent && getComputedStyle(node).order === "0");
    const end = Math.max(0, ...shown.map((node) => node.getBoundingClientRect().bottom));
    return end + article.scrollTop - article.getBoundingClientRect().bottom;
  }

  function next() {
    if (below() - article.scrollTop > ROUGHLY) {
      article.scrollBy({ top: article.clientHeight * 0.8 });
      tellWhetherThereIsMore();
    } else if (step < slides[at].steps) {
      show(at, step + 1);
      const added = slides[at].parts.filter((part) => part.step === step && part.node.offsetParent);
      added.at(-1)?.node.scrollIntoView({ block: "nearest" });
      added[0]?.node.scrollIntoView({ block: "nearest" });
      tellWhetherThereIsMore();
    } else if (at < slides.length - 1) {
      turnTo(at + 1, 0);
    }
  }

  function back() {
    if (step > 0) show(at, step - 1);
    else if (at > 0) turnTo(at - 1, slides[at - 1].steps);
    tellWhetherThereIsMore();
  }

  function tellWhetherThereIsMore() {
    const notes = root.matches(".lecture-notes") ? article.scrollHeight - article.clientHeight - 24 : 0;
    bar.querySelector(".lecture-more").hidden = Math.max(below(), notes) - article.scrollTop <= ROUGHLY;
  }

  /* ------------------------------------------------------------------------ what fits */

  const letter = () => parseFloat(getComputedStyle(root).fontSize);

  /* Equations, printed tables, figures and explorables give way a little before they scroll. */
  function fit() {
    const nodes = slides[at].parts.map(({ node }) => node).filter((node) => node.offsetParent);
    const all = (selector) => nodes.flatMap((node) => [...node.querySelectorAll(selector)]);
    article.style.fontSize = "";
    for (const box of [...nodes.filter((node) => node.matches("div.math")), ...all("div.math")]) {
      box.style.removeProperty("--lecture-fit");
      const part = box.clientWidth / box.scrollWidth;
      const least = Math.max(0.6, 14 / letter());
      if (part < 1) box.style.setProperty("--lecture-fit", Math.max(least, part * 0.98).toFixed(3));
    }
    for (const pre of all(".cell_output pre")) {
      const lines = pre.textContent.trimEnd().split("\n");
      pre.style.setProperty("--lecture-columns", Math.max(...lines.map((line) => line.length)) + 1);
      pre.style.setProperty("--lecture-rows", lines.length + 1);
    }
    all(".cell_output img, figure img").forEach(fitImage);
    all(".dh").forEach(fitExplorable);
    if (below() > ROUGHLY) {
      const size = [0.94, 0.88, 0.82, 0.76].find((letters) => {
        article.style.fontSize = `${letters}rem`;
        return below() <= ROUGHLY;
      });
      if (!size) article.style.fontSize = "";
    }
    tellWhetherThereIsMore();
  }

  /* A picture takes what its caption and the rest of the slide leave. */
  function fitImage(image) {
    if (!image.naturalHeight) {
      image.addEventListener("load", () => root.matches(".lecture") && fit(), { once: true });
      return;
    }
    const room = article.clientHeight, least = 0.34 * room;
    image.style.setProperty("--lecture-shape", image.naturalWidth / image.naturalHeight);
    image.style.setProperty("--lecture-tall", `${least}px`);
    const tall = Math.min(0.8 * room, Math.max(least, least - below() - 10));
    image.style.setProperty("--lecture-tall", `${tall}px`);
  }

  function fitExplorable(box) {
    const least = Math.min(1, Math.max(0.5, 15 / letter()));
    let zoom = 1;
    box.style.zoom = zoom;
    while (zoom > least && below() > 0) {
      zoom = Math.max(least, zoom - 0.05);
      box.style.zoom = zoom;
    }
  }

  const FITTED = ["zoom", "--lecture-fit", "--lecture-columns", "--lecture-rows", "--lecture-shape", "--lecture-tall"];

  function unfit() {
    article.removeAttribute("style");
    article.querySelectorAll("[data-lecture-asked]").forEach((node) => delete node.dataset.lectureAsked);
    for (const { node } of blocks) {
      const boxes = [node, ...node.querySelectorAll(".dh, div.math, pre, img")];
      for (const box of boxes) {
        if (!box.hasAttribute("style")) continue;
        FITTED.forEach((name) => box.style.removeProperty(name));
        if (!box.getAttribute("style")) box.removeAttribute("style");
      }
    }
  }

  /* ------------------------------------------------------------------ coming and going */

  function enter(number) {
    if (root.matches(".lecture")) return turnTo(number, 0);
    if (!slides) readPage();
    if (!bar) build();
    root.classList.add("lecture");
    sections.forEach((section) => section.classList.add("lecture-section"));
    blocks.forEach(({ node }) => node.classList.add("lecture-block"));
    article.tabIndex = 0;
    article.setAttribute("aria-label", "Slide");
    bar.hidden = false;
    turnTo(number, 0);
    Promise.all([window.MathJax?.startup?.promise, document.fonts?.ready]).then(() => {
      if (root.matches(".lecture")) fit();
    });
  }

  function leave(target) {
    if (!root.matches(".lecture")) return;
    const place = target || slides[at].parts[0].node;
    if (document.fullscreenElement) document.exitFullscreen();
    openCode(false);
    unfit();
    root.classList.remove(...CLASSES);
    sections.forEach((section) => {
      section.classList.remove("lecture-section");
      if (!section.className) section.removeAttribute("class");
    });
    for (const { node } of blocks) {
      node.classList.remove("lecture-block", "lecture-first");
      if (!node.className) node.removeAttribute("class");
      delete node.dataset.lecture;
    }
    article.removeAttribute("tabindex");
    article.removeAttribute("aria-label");
    bar.hidden = true;
    help.close();
    /* Only now do hash and page belong to the reader again. */
    history.replaceState(null, "", location.pathname + (target ? `#${target.id}` : ""));
    place.scrollIntoView({ behavior: "instant" });
    window.scrollBy({ top: -80, behavior: "instant" });
    opener.focus({ preventScroll: true });
  }

  /* The slide that holds what is at the upper edge of the window. */
  function slideAtReader() {
    if (!slides) readPage();
    const started = slides.filter(({ parts }) => parts[0].node.getBoundingClientRect().top < 160);
    return Math.max(0, started.length - 1);
  }

  function toggle(name) {
    root.classList.toggle(name);
    if (name === "lecture-code") openCode(root.matches(".lecture-code"));
    help.querySelectorAll("button[data-switch]").forEach((button) => {
      button.setAttribute("aria-pressed", root.classList.contains(button.dataset.switch));
    });
    fit();
  }

  /* Code that the page folds is opened with the rest, and folded again as it was. */
  function openCode(open) {
    for (const fold of article.querySelectorAll(".cell > details")) {
      if (open && !fold.open) fold.dataset.lectureOpened = "";
      if (open) fold.open = true;
      else if ("lectureOpened" in fold.dataset) fold.open = false;
      if (!open) delete fold.dataset.lectureOpened;
    }
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.();
  }

  /* -------------------------------------------------------------------- keys and buttons */

  const TAKES_ARROWS = "input, select, textarea, [contenteditable], [data-dh-scrolls]";
  const TAKES_SPACE = "input, select, textarea, [contenteditable], button, summary, a[href]";

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const field = document.activeElement?.closest("input, select, textarea, [contenteditable]");
    if (!root.matches(".lecture")) {
      if (key === "l" && !field && !document.querySelector("dialog[open]")) enter(slideAtReader());
      return;
    }
    if (help.open) return;
    const focused = document.activeElement || article;
    const handled = {
      /* The two keys of a presenter's remote control always turn slides. */
      PageDown: next, PageUp: back,
      Escape: () => (field && article.contains(field) ? article.focus() : leave()),
    }[key];
    if (handled) return act(event, handled);
    if (key === " " && !focused.matches(TAKES_SPACE)) return act(event, event.shiftKey ? back : next);
    if (["ArrowRight", "ArrowLeft"].includes(key) && !focused.matches(TAKES_ARROWS)) {
      return act(event, key === "ArrowRight" ? next : back);
    }
    if (field) return;
    const plain = {
      Home: () => turnTo(0, 0), End: () => turnTo(slides.length - 1, slides.at(-1).steps),
      f: fullScreen, "?": () => help.showModal(),
    }[key] || SWITCHES.filter(([letter]) => letter.toLowerCase() === key).map(([, name]) => () => toggle(name))[0];
    if (plain) act(event, plain);
  }

  function act(event, what) {
    event.preventDefault();
    what();
  }

  function element(html) {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  }

  function build() {
    bar = element(`<nav class="lecture-bar" aria-label="Slides" hidden>
      <button type="button" class="lecture-back"><span aria-hidden="true">←</span> Back</button>
      <output aria-live="polite"></output>
      <button type="button" class="lecture-next">Next <span aria-hidden="true">→</span></button>
      <button type="button" class="lecture-more" hidden>More below <span aria-hidden="true">↓</span></button>
      <span class="lecture-space"></span>
      <button type="button" class="lecture-help">Keys</button>
      <button type="button" class="lecture-leave">Leave</button></nav>`);
    help = element(`<dialog class="lecture-keys" aria-labelledby="lecture-keys-title">
      <h2 id="lecture-keys-title">Lecture mode</h2>
      <div>${SWITCHES.map(([key, name, title]) =>
        `<button type="button" data-switch="${name}" aria-pressed="false"><kbd>${key}</kbd> ${title}</button>`
      ).join("")}<button type="button" data-full><kbd>F</kbd> Full screen</button></div>
      <dl>${KEYS.map(([keys, what]) => `<dt>${keys}</dt><dd>${what}</dd>`).join("")}</dl>
      <button type="button" data-close>Close</button></dialog>`);
    document.querySelector("main").append(bar, help);
    const on = (selector, what) => bar.querySelector(selector).addEventListener("click", what);
    on(".lecture-back", back);
    on(".lecture-next", next);
    on(".lecture-more", () => article.scrollBy({ top: article.clientHeight * 0.8 }));
    on(".lecture-help", () => help.showModal());
    on(".lecture-leave", () => leave());
    help.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button?.dataset.switch) toggle(button.dataset.switch);
      else if (button) help.close();
      if (button && "full" in button.dataset) fullScreen();
    });
    article.addEventListener("scroll", tellWhetherThereIsMore, { passive: true });
    new ResizeObserver(() => root.matches(".lecture") && fit()).observe(article);
    /* On paper there is a slide a page, with all of its parts. */
    window.addEventListener("beforeprint", () => {
      if (!root.matches(".lecture")) return;
      blocks.forEach(({ node }) => delete node.dataset.lecture);
      for (const { parts } of slides) {
        parts.forEach(({ node, kind }) => { node.dataset.lecture = kind; });
        parts[0].node.classList.add("lecture-first");
      }
    });
    window.addEventListener("afterprint", () => root.matches(".lecture") && show(at, step));
  }

  /* Links: to a slide, to something on a slide, or out of the lecture to a place of the page. */
  function onAddress() {
    const asked = /^#lecture-(\d+)$/.exec(location.hash);
    if (asked) return enter(+asked[1] - 1);
    if (!root.matches(".lecture") || !location.hash) return;
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !article.contains(target)) return;
    const number = slides.findIndex(({ parts }) => parts.some(
      ({ node, kind }) => kind !== "text" && kind !== "note" && (node.contains(target) || node.previousElementSibling === target),
    ));
    if (number < 0) leave(target);
    else turnTo(number, slides[number].steps);
  }

  function start() {
    const buttons = document.querySelector(".article-header-buttons");
    if (!buttons || !document.querySelector(".lecture-mark")) return;
    opener = element(`<button type="button" class="btn btn-sm lecture-button"
      title="Lecture: slides of this chapter (L)">Lecture</button>`);
    buttons.prepend(opener);
    opener.addEventListener("click", () => enter(slideAtReader()));
    document.addEventListener("keydown", onKey);
    window.addEventListener("hashchange", onAddress);
    if (new URLSearchParams(location.search).has("lecture") && !/^#lecture-/.test(location.hash)) enter(0);
    else onAddress();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
