/* Repairs that the theme's pages need for keyboards and screen readers. Loads nothing. */
(() => {
  "use strict";

  const SCROLLABLE = [
    "div.math", "span.math", ".highlight pre", ".cell_output .output", ".output pre",
    ".pst-scrollable-table-container", ".dh-scroll", "figure",
  ].join(",");

  /* Where there is more to see; the style draws a shade on those edges. */
  function markEdges(box) {
    const hidden = box.scrollWidth - box.clientWidth - box.scrollLeft;
    const more = [box.scrollLeft > 1 ? "left" : "", hidden > 1 ? "right" : ""].join(" ").trim();
    if (more) box.dataset.dhMore = more;
    else delete box.dataset.dhMore;
  }

  const whenScrolled = (event) => markEdges(event.currentTarget);

  /* A box that scrolls must be reachable by keyboard, say what it is, and show that it goes on. */
  function labelScrollable(box) {
    const scrolls = contentWidth(box) > box.clientWidth + 1;
    if (scrolls && !("dhScrolls" in box.dataset)) {
      /* The theme has looked already, and takes a box out of the order that did not scroll then. */
      box.tabIndex = 0;
      if (!box.hasAttribute("role")) {
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", nameOf(box) + ", scrolls sideways");
      }
      box.dataset.dhScrolls = "";
      box.addEventListener("scroll", whenScrolled, { passive: true });
    } else if (!scrolls && "dhScrolls" in box.dataset) {
      ["tabindex", "role", "aria-label", "data-dh-scrolls"].forEach((a) => box.removeAttribute(a));
    }
    if (scrolls) markEdges(box);
    else delete box.dataset.dhMore;
  }

  /* The slant of a letter is no reason to scroll a formula in a line of text. */
  function contentWidth(box) {
    const formula = box.matches("span.math") && box.querySelector("mjx-container");
    return formula ? formula.getBoundingClientRect().width : box.scrollWidth;
  }

  function nameOf(box) {
    if (box.matches(".math")) return "Equation";
    if (box.matches("figure")) return "Figure";
    if (box.querySelector("table") || box.matches("table")) return "Table";
    return box.closest(".cell_output") ? "Output" : "Code";
  }

  function watchScrollables() {
    const boxes = [...document.querySelectorAll(SCROLLABLE)];
    const observer = new ResizeObserver((entries) => entries.forEach((e) => labelScrollable(e.target)));
    boxes.forEach((box) => {
      observer.observe(box);
      /* An equation grows when it is typeset, which leaves the size of its box alone. */
      [...box.children].forEach((child) => observer.observe(child));
    });
    const again = () => boxes.forEach(labelScrollable);
    again();
    document.fonts?.ready.then(again);
    /* MathJax has finished only some time after the page has loaded, and its letters come later. */
    window.addEventListener("load", () => {
      window.MathJax?.startup?.promise?.then(() => {
        again();
        document.fonts?.ready.then(again);
      });
    });
  }

  function repairTheme() {
    const sidebar = document.getElementById("pst-primary-sidebar");
    if (sidebar) {
      sidebar.setAttribute("role", "complementary");
      sidebar.setAttribute("aria-label", "Book");
    }
    /* The arrows that unfold a part of the contents have no name of their own. */
    document.querySelectorAll("nav.bd-links details > summary").forEach((summary) => {
      const link = summary.closest("li").querySelector(":scope > a");
      summary.setAttribute("aria-label", "Pages below " + (link ? link.textContent.trim() : "this"));
      summary.querySelectorAll("[role=presentation]").forEach((e) => e.removeAttribute("role"));
    });
    /* Buttons and links that consist of a picture are named by their tooltip. */
    document.querySelectorAll("button[title], a[title], button[data-bs-original-title]").forEach((control) => {
      if (!control.textContent.trim() && !control.hasAttribute("aria-label")) {
        control.setAttribute("aria-label", control.title || control.dataset.bsOriginalTitle);
      }
    });
    document.querySelectorAll("a.headerlink").forEach((link) => {
      const heading = link.parentElement.textContent.replace(link.textContent, "").trim();
      link.setAttribute("aria-label", "Link to " + (heading.slice(0, 60) || "this place"));
    });
    /* The corner of a table that has row names is no heading. */
    document.querySelectorAll("table.table thead th").forEach((cell) => {
      if (!cell.textContent.trim() && !cell.querySelector("img")) {
        const corner = document.createElement("td");
        corner.className = cell.className;
        cell.replaceWith(corner);
      }
    });
    /* Boxes to tick in a list: the text beside them is their name. */
    document.querySelectorAll("input.task-list-item-checkbox").forEach((box) => {
      box.setAttribute("aria-label", box.parentElement.textContent.trim() || "task");
    });
  }

  function start() {
    repairTheme();
    watchScrollables();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
