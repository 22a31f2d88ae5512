// Reads values off the loss curves, by pointer and by keys. The page says the same without it.
"use strict";
for (const figure of document.querySelectorAll("figure.curve")) {
  const { yours, true: reference, left, right } = figure.dataset;
  const curves = { yours: JSON.parse(yours), reference: JSON.parse(reference) };
  const steps = Math.max(curves.yours.length, curves.reference.length);
  const drawing = figure.querySelector("svg");
  const cursor = figure.querySelector(".cursor");
  const slider = figure.querySelector("input");
  const output = figure.querySelector("output");

  const said = (values, step) => {
    if (step > values.length) return "none";
    const value = values[step - 1];
    return value === null ? "not a number" : value.toFixed(6);
  };
  const read = (step, isAsked = true) => {
    const x = Number(left) + (right - left) * (step - 1) / Math.max(steps - 1, 1);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    if (isAsked) cursor.setAttribute("visibility", "visible");
    const text = `step ${step}: yours ${said(curves.yours, step)}, reference ${said(curves.reference, step)}`;
    slider.value = step;
    slider.setAttribute("aria-valuetext", text);
    output.textContent = text;
  };
  const follow = (event) => {
    const box = drawing.getBoundingClientRect();
    const x = (event.clientX - box.left) * drawing.viewBox.baseVal.width / box.width;
    const share = Math.min(Math.max((x - left) / (right - left), 0), 1);
    read(1 + Math.round(share * (steps - 1)));
  };
  drawing.addEventListener("pointermove", follow);
  drawing.addEventListener("pointerdown", follow);
  slider.addEventListener("input", () => read(Number(slider.value)));
  figure.querySelector(".reader").hidden = false;
  read(Number(slider.value), false);
}
// A link to a task opens it.
const open = () => {
  const task = document.getElementById(location.hash.slice(1));
  if (task && task.matches(".task")) task.querySelector("details").open = true;
};
addEventListener("hashchange", open);
open();
