// Makes a figure of sliders.py live: a range for each knob, and the drawing of the place where they stand. No kernel.
for (const figure of document.querySelectorAll("figure.ol-sliders:not([data-on])")) {
  figure.dataset.on = "1";
  figure.dataset.lmSuppressShortcuts = "true";
  const bytes = Uint8Array.from(atob(figure.dataset.all), letter => letter.charCodeAt(0));
  const all = JSON.parse(new TextDecoder().decode(bytes));
  const live = document.createElement("div");
  live.innerHTML = all.style + all.svg + '<div class="ol-knobs"></div>';
  figure.querySelector("img").style.display = "none";
  figure.append(live);
  const paths = live.querySelectorAll(".d");
  const finding = live.querySelector(".finding");
  const inputs = all.knobs.map(([name, values, start]) => {
    const label = document.createElement("label");
    label.innerHTML = "<span></span><input type=range min=0 step=1><output></output>";
    const [word, input, output] = label.children;
    word.textContent = name;
    output.style.minWidth = Math.max(...values.map(value => value.length)) + "ch";
    input.max = values.length - 1;
    input.value = start;
    const say = () => { output.textContent = values[input.value]; input.setAttribute("aria-valuetext", values[input.value]); };
    say();
    input.onkeydown = event => event.stopPropagation(); // an arrow moves the slider, not JupyterLab's active cell
    input.oninput = () => { say(); draw(); };
    live.lastChild.append(label);
    return input;
  });
  const draw = () => {
    const [said, ...shapes] = all.frames[inputs.map(input => input.value).join()];
    finding.textContent = said;
    live.querySelector("svg").setAttribute("aria-label", said);
    shapes.forEach((shape, number) => paths[number].setAttribute("d", shape));
  };
}
