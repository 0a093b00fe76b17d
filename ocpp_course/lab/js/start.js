// START's points, without a kernel: JupyterLab serves exercises/my_stack/progress.json, which each check writes.
// Without it, and outside JupyterLab, the page stays as it is: of somebody who has not begun.
(() => {
  const FULL = 20
  let base
  try {
    base = JSON.parse(document.getElementById('jupyter-config-data').textContent).baseUrl
  } catch {
    return
  }
  const got = async (path) => {
    const answer = await fetch(base + path, { cache: 'no-store' })
    if (!answer.ok) throw new Error(answer.status)
    return answer
  }
  // The folder is listed first: asking for a file that is not there would be an error in the browser's console.
  const progress = async () => {
    const listed = await (await got('api/contents/exercises?content=1')).json()
    if (!listed.content.some((each) => each.name === 'my_stack')) return {}
    return (await got('files/exercises/my_stack/progress.json')).json()
  }
  const points = (told, milestone) =>
    Object.entries(told)
      .filter(([step, known]) => step.split('.')[0] === String(milestone) && known.how === 'mine')
      .reduce((sum, [, known]) => sum + (known.points || 0), 0)

  const lightCard = (card, points, here) => {
    const passed = points >= FULL
    const words = points + ' of ' + FULL + ' points'
    card.classList.toggle('here', here)
    card.classList.toggle('passed', passed)
    card.querySelector('.points').textContent = words
    card.querySelectorAll('.bar, .tag').forEach((old) => old.remove())
    card.querySelector('.nums').insertAdjacentHTML('afterend', '<div class="bar"><i></i></div>')
    card.querySelector('.bar i').style.width = Math.min(points, FULL) * 100 / FULL + '%'
    const tag = here ? '<span class="tag pill up">you are here</span>' : '<span class="tag pill done">done</span>'
    if (here || passed) card.querySelector('.top').insertAdjacentHTML('beforeend', tag)
    card.querySelector('.read').classList.toggle('next', here && !points)
    card.querySelector('.build').classList.toggle('next', here && points > 0)
  }

  const lightRoad = async (picture, all, here) => {
    picture.dataset.dark ??= await (await fetch(picture.src)).text()
    const road = new DOMParser().parseFromString(picture.dataset.dark, 'image/svg+xml')
    const [on, off] = [road.querySelectorAll('.on'), road.querySelectorAll('.off')]
    all.forEach((points, place) => {
      const lit = points >= FULL || place === here
      ;[on, off].forEach((groups, which) => {
        if ((which === 0) === lit) groups[place].removeAttribute('display')
        else groups[place].setAttribute('display', 'none')
      })
    })
    const step = (road.documentElement.viewBox.baseVal.width - 60) / all.length
    const at = here < 0 ? all.length - 1 : here
    road.querySelector('.here').setAttribute('transform', 'translate(' + (36 + at * step) + ' 0)')
    const text = new TextEncoder().encode(new XMLSerializer().serializeToString(road))
    picture.src = 'data:image/svg+xml;base64,' + btoa(String.fromCharCode(...text))
  }

  const light = async (page) => {
    const told = await progress()
    const cards = [...page.querySelectorAll('.card')]
    const all = cards.map((_, place) => points(told, place + 1))
    const here = all.findIndex((each) => each < FULL)
    cards.forEach((card, place) => lightCard(card, all[place], place === here))
    const [sum, lamps] = page.querySelectorAll('.sum b')
    sum.textContent = all.reduce((a, b) => a + b, 0)
    lamps.textContent = all.filter((each) => each >= FULL).length
    const go = page.querySelector('.go')
    const card = cards[Math.max(here, 0)]
    const time = card.querySelector('.top b').textContent
    const begun = all.some((each) => each > 0)
    go.querySelector('b').textContent = here < 0 ? 'All lamps are lit' : (begun ? 'Go on at ' : 'Begin at ') + time
    // JupyterLab has rewritten the links: the click is handed on.
    go.onclick = (click) => {
      click.preventDefault()
      click.stopPropagation()
      ;(card.querySelector('.next') || card.querySelector('.read')).click()
    }
    await lightRoad(page.querySelector('.road'), all, here)
  }

  // The page is drawn after this script, and drawn anew whenever JupyterLab likes. It is lit when it is drawn, and when
  // somebody comes back to it: JupyterLab only scales a hidden tab away, so focus and pointer tell, and no observer.
  const again = (page) => light(page).catch(() => {})
  const find = () =>
    document.querySelectorAll('.ol.start:not([data-on])').forEach((page) => {
      page.dataset.on = 1
      page.addEventListener('pointerenter', () => again(page))
      again(page)
    })
  document.addEventListener('focusin', ({ target }) => {
    const page = target.closest('.jp-NotebookPanel')?.querySelector('.ol.start')
    if (page && !page.contains(target)) again(page)
  })
  new MutationObserver(find).observe(document.body, { childList: true, subtree: true })
  find()
})()
