// A file that is dropped here goes to the upload button of the same card: to its own input, as if it had been chosen.
for (const zone of document.querySelectorAll(".ol.drop:not([data-on])")) {
  zone.dataset.on = 1
  const card = zone.closest(".ol-drop") ?? zone.parentElement
  const stop = event => { event.preventDefault(); event.stopPropagation() }
  const input = () => {
    // the button makes its input itself and keeps it out of the page: it is caught when the button is pressed
    let found = null
    const click = HTMLInputElement.prototype.click
    HTMLInputElement.prototype.click = function () { found = this }
    try { card.querySelector(".widget-upload")?.click() } finally { HTMLInputElement.prototype.click = click }
    return found
  }
  card.addEventListener("dragover", event => { stop(event); zone.classList.add("over") })
  card.addEventListener("dragleave", () => zone.classList.remove("over"))
  card.addEventListener("drop", event => {
    stop(event)
    zone.classList.remove("over")
    const target = input()
    if (!target || !event.dataTransfer.files.length) return
    target.files = event.dataTransfer.files
    target.dispatchEvent(new Event("change"))
  })
}
