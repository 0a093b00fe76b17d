// Put the SVG itself in place of its image, so that it follows the theme of the page. If anything fails, the image stays.
for (const figure of document.querySelectorAll("figure.ol-vector:not([data-on])")) (async figure => {
  figure.dataset.on = 1
  const image = figure.querySelector("img"), packed = image.dataset.svg
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
  const svg = packed
    ? await new Response(new Blob([bytes(packed)]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text()
    : new TextDecoder().decode(bytes(image.src.split(",")[1]))
  image.insertAdjacentHTML("afterend", svg)
  figure.querySelector("svg").classList.remove("still")
  image.remove()
})(figure)
