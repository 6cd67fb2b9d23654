// Makes quizzes answer on request, announces the answer and keeps the score. The script travels
// with every quiz: each copy wakes those that sleep.
(() => {
  const wake = (root) => {
    root.dataset.ready = "";
    const score = root.querySelector(".score");
    const fieldsets = [...root.querySelectorAll("fieldset")];

    const count = () => {
      const right = fieldsets.filter((fieldset) => fieldset.dataset.answered === "right").length;
      score.textContent = `${right} of ${score.dataset.total} answered correctly`;
    };

    for (const fieldset of fieldsets) {
      const choices = [...fieldset.querySelectorAll(".choice")];
      const verdict = fieldset.querySelector(".verdict");
      const chosen = (choice) => choice.querySelector("input").checked;
      const isRight = (choice) => choice.dataset.verdict === "right";

      // A new choice takes the old answer back: think again, then check.
      fieldset.addEventListener("change", () => {
        choices.forEach((choice) => choice.classList.remove("shown"));
        verdict.textContent = "";
        delete fieldset.dataset.answered;
        count();
      });

      fieldset.querySelector("button").addEventListener("click", () => {
        const picked = choices.filter(chosen);
        verdict.textContent = "";
        if (!picked.length) {
          verdict.textContent = "Choose an answer first.";
          return;
        }
        const right = choices.every((choice) => chosen(choice) === isRight(choice));
        fieldset.dataset.answered = right ? "right" : "wrong";
        choices.forEach((choice) => choice.classList.toggle("shown", chosen(choice)));
        count();
        if (!right && picked.every(isRight)) verdict.textContent = "Right so far, but not all of it.";
        // Seen beside the choice; heard from here.
        const ears = document.createElement("span");
        ears.className = "for-ears";
        const feedback = picked.map((choice) => choice.querySelector(".feedback").textContent);
        ears.textContent = ` ${feedback.join(" ")} ${score.textContent}.`;
        verdict.append(ears);
      });
    }
    count();
  };
  document.querySelectorAll(".dh-quiz:not([data-ready])").forEach(wake);
})();
