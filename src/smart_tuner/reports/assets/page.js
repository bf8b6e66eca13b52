"use strict";
// Without this script every picture of a viewer stands below the others; with it one is shown at a time.
document.documentElement.classList.add("scripted");
for (const viewer of document.querySelectorAll(".viewer")) {
  const frames = [...viewer.querySelectorAll(".frame")];
  const slider = viewer.querySelector("input");
  const output = viewer.querySelector("output");
  const show = (index) => {
    const at = Math.max(0, Math.min(frames.length - 1, index));
    frames.forEach((frame, place) => frame.classList.toggle("current", place === at));
    slider.value = String(at);
    output.textContent = frames[at].querySelector("figcaption").textContent;
    slider.setAttribute("aria-valuetext", output.textContent);
    viewer.querySelector(".earlier").disabled = at === 0;
    viewer.querySelector(".later").disabled = at === frames.length - 1;
  };
  slider.addEventListener("input", () => show(Number(slider.value)));
  viewer.querySelector(".earlier").addEventListener("click", () => show(Number(slider.value) - 1));
  viewer.querySelector(".later").addEventListener("click", () => show(Number(slider.value) + 1));
  show(Number(viewer.dataset.start));
}
// One voice at a time.
const sounds = [...document.querySelectorAll("audio")];
for (const sound of sounds) {
  sound.addEventListener("play", () => sounds.filter((other) => other !== sound).forEach((other) => other.pause()));
}
