// Moves the explorables of a page that has no kernel. Every number was computed by Python; here
// the sliders only choose which of the stored drawings is shown. The script travels with every
// explorable: each copy wakes those that sleep, and finds none where another was quicker.
(() => {
  const wake = (root) => {
    root.dataset.ready = "";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const parts = root.querySelectorAll("[data-k]");
    const inputs = [...root.querySelectorAll("input[type=range]")];
    const outputs = root.querySelectorAll(".control output");
    const ears = root.querySelector(".for-ears");
    let timer = 0;

    // A sentence is stored once, cut where its numbers go.
    const text = (value) => {
      if (typeof value === "string") return value;
      const [sentence, ...numbers] = value;
      return data.sentences[sentence].map((piece, i) => piece + (numbers[i] ?? "")).join("");
    };

    const show = () => {
      let state = 0;
      const at = inputs.map((input) => Number(input.value));
      inputs.forEach((input, i) => {
        const labels = data.sliders[i];
        const label = labels[at[i]];
        state = state * labels.length + at[i];
        input.setAttribute("aria-valuetext", label);
        outputs[i].textContent = label;
      });
      for (const [part, attribute, values, where] of data.channels) {
        const value = text(values[Array.isArray(where) ? where[state] : where < 0 ? state : at[where]]);
        if (attribute === "text") parts[part].textContent = value;
        else parts[part].setAttribute(attribute, value);
      }
    };

    // A screen reader hears the result once the slider rests, not every step of the way.
    const tell = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const words = [...root.querySelectorAll(".readout, .target")];
        ears.textContent = words.map((p) => p.textContent).join(" ");
      }, 400);
    };

    for (const input of inputs) {
      input.disabled = false;
      input.addEventListener("input", () => { show(); tell(); });
    }
    root.querySelector("button").addEventListener("click", () => {
      inputs.forEach((input) => { input.value = input.dataset.start; });
      show();
      tell();
    });
    // A browser that comes back to a page may remember where the sliders stood.
    show();
  };
  document.querySelectorAll(".dh-explorable:not([data-ready])[data-static]").forEach(wake);
})();
