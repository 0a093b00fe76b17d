// A ladder to step through: the SVG in place of its image, with buttons, a slider, keys, and each frame's parts named.
// No ids, nothing from outside, no kernel. If anything fails, the image stays.
for (const figure of document.querySelectorAll("figure.ol-ladder:not([data-on])")) (async figure => {
  figure.dataset.on = 1
  const image = figure.querySelector("img"), packed = image.dataset.svg
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
  const source = packed
    ? await new Response(new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text()
    : new TextDecoder().decode(bytes(image.src.split(",")[1]))
  const icon = path => `<svg class="i" viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`
  const PLAY = icon('<path d="M7 4.5v15l12-7.5z" fill="currentColor"/>'), PAUSE = icon('<path d="M8 5v14M16 5v14" stroke-width="3.2"/>')
  const box = document.createElement("div")
  box.className = "ol steps"
  box.innerHTML = `<div class="two"><div>${source}</div><div class="side"><div class="bar">
<button class="b" aria-label="Step back" title="Step back (←)">${icon('<path d="m14.5 5-7 7 7 7" stroke-width="2.4"/>')}</button>
<button class="p"></button>
<button class="f" aria-label="Step on" title="Step on (→)">${icon('<path d="m9.5 5 7 7-7 7" stroke-width="2.4"/>')}</button>
<input type="range" min="0" value="0" aria-label="Step"><span class="count"></span></div>
<div class="lamp"></div><div aria-live="polite"><p class="what"></p><p class="when"></p></div><div class="json" tabindex="0" role="region" aria-label="The frame"></div></div></div>`
  const $ = name => box.querySelector(name)
  const svg = $("svg.vec"), steps = [...svg.querySelectorAll(".step")], range = $("input"), button = $(".p")
  const KINDS = {2: "Call", 3: "CallResult", 4: "CallError"}
  const PARTS = {2: ["action", "payload"], 3: ["payload"], 4: ["error code", "error description", "error details"]}
  let at = 0, timer = 0
  svg.classList.remove("still")
  svg.setAttribute("role", "group")
  range.max = steps.length

  const add = (to, tag, text, name = "") => {
    const made = to.appendChild(document.createElement(tag))
    made.textContent = text
    made.className = name
    return made
  }
  const read = text => {
    $(".json").textContent = ""
    if (!text) return
    let frame = null
    try { frame = JSON.parse(text) } catch {}
    const names = ["message type id", "unique id", ...(PARTS[frame?.[0]] ?? [])]
    const parts = Array.isArray(frame) && KINDS[frame[0]] ? frame : [text]
    parts.forEach((part, i) => {
      const row = add($(".json"), "div", "", "part")
      add(row, "i", parts === frame ? names[i] ?? "too much" : "no frame")
      const code = add(row, "b", parts === frame ? JSON.stringify(part, null, 2) : text)
      if (parts === frame && !i) add(code, "u", ` ${KINDS[part]}`)
    })
  }
  const tell = n => {
    const facts = n ? steps[n - 1].dataset : {}, lamp = $(".lamp")
    lamp.textContent = ""
    if (facts.s) {
      add(lamp, "span", "charge point")
      add(lamp, "span", facts.s, `pill ${facts.l ?? ""}`)
    }
    $(".what").textContent = n ? facts.w : `${steps.length} steps`
    $(".when").textContent = n
      ? [`at ${facts.t}`, facts.a && `answers after ${facts.a}`, facts.d && `${facts.d} on the way`].filter(Boolean).join(" · ")
      : "Click a frame, move the slider, or press ← → and space."
    read(facts.f)
  }
  const go = (n, focus) => {
    at = Math.max(0, Math.min(steps.length, n))
    range.value = at
    svg.classList.toggle("on", at > 0)
    steps.forEach((step, i) => {
      step.classList.toggle("past", i < at)
      step.classList.toggle("now", i == at - 1)
      step.setAttribute("tabindex", i == Math.max(0, at - 1) ? 0 : -1)
    })
    const tall = svg.viewBox.baseVal.height, seen = at ? Math.min(tall - 2, +steps[at - 1].dataset.y + 9) : tall - 2
    $(".veil").setAttribute("y", seen)
    $(".veil").setAttribute("height", tall - 2 - seen)
    $(".count").textContent = at ? `${at} of ${steps.length}` : "all"
    range.setAttribute("aria-valuetext", at ? `${at} of ${steps.length}: ${steps[at - 1].dataset.w}` : "all of it")
    tell(at)
    if (focus && at) steps[at - 1].focus({preventScroll: false})
  }
  const play = on => {
    clearInterval(timer)
    timer = 0
    button.innerHTML = on ? PAUSE : PLAY
    button.title = `${on ? "Pause" : "Play"} (space)`
    button.setAttribute("aria-label", on ? "Pause" : "Play")
    if (!on) return
    go(at >= steps.length ? 1 : at + 1)
    timer = setInterval(() => box.isConnected && at < steps.length ? go(at + 1) : play(false), 900)
  }
  const stop = (n, focus) => { play(false); go(n, focus) }
  range.oninput = () => stop(+range.value)
  $(".b").onclick = () => stop(at - 1)
  $(".f").onclick = () => stop(at + 1)
  button.onclick = () => play(!timer)
  steps.forEach((step, i) => {
    step.setAttribute("role", "button")
    step.setAttribute("aria-description", step.dataset.w)
    step.onclick = () => stop(i + 1, true)
    step.onmouseenter = step.onfocus = () => timer || tell(i + 1)
    step.onmouseleave = step.onblur = () => tell(at)
  })
  box.addEventListener("keydown", event => {
    const on = event.target, inside = svg.contains(on), key = event.key
    const to = {ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowDown: at + 1, Home: 1, End: steps.length, Escape: 0}[key]
    if (to === undefined && key != " " && !(key == "Enter" && inside)) return
    event.stopPropagation()
    if (on.className == "json" || key == " " && on.tagName == "BUTTON" || to !== undefined && on == range) return
    event.preventDefault()
    if (key == " ") play(!timer)
    else if (key == "Enter") stop(steps.indexOf(on) + 1, true)
    else stop(to, inside)
  })
  // JupyterLab would take the keys for its own
  figure.dataset.lmSuppressShortcuts = "true"
  play(false)
  go(0)
  image.replaceWith(box)
})(figure)
