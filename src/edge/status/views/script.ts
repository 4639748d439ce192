/**
 * The page's script. On every event it fetches the page again and changes only what differs, in place: scroll
 * positions, focus, selections and opened details stay. Without it the page reloads itself (see page.ts).
 * `data-key` tells the children of an element apart that come, go and move.
 */
export const script = `
'use strict'
const live = document.getElementById('live')
let timer
let fetching = false
let pending = false
let cost = 0
let source

function morph(from, to) {
  if (from.isEqualNode(to)) return
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(to)
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.data = to.data
    return
  }
  for (const { name } of [...from.attributes]) {
    if (name !== 'open' && !to.hasAttribute(name)) from.removeAttribute(name)
  }
  for (const { name, value } of [...to.attributes]) {
    if (name !== 'open' && from.getAttribute(name) !== value) from.setAttribute(name, value)
  }
  morphChildren(from, [...to.childNodes])
}

const keyOf = (node) => node?.dataset?.key

function morphChildren(parent, wanted) {
  const keys = new Set(wanted.map(keyOf))
  const keyed = new Map()
  for (const child of [...parent.children]) {
    const key = keyOf(child)
    if (key === undefined) continue
    if (keys.has(key)) keyed.set(key, child)
    else child.remove()
  }
  let place = parent.firstChild
  for (const child of wanted) {
    const key = keyOf(child)
    const match = key === undefined ? (keyOf(place) === undefined ? place : null) : keyed.get(key)
    if (!match) {
      parent.insertBefore(child, place)
      continue
    }
    if (match !== place) parent.insertBefore(match, place)
    place = match.nextSibling
    morph(match, child)
  }
  while (place) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}

async function refresh() {
  timer = undefined
  if (document.hidden) return
  fetching = true
  pending = false
  const begun = performance.now()
  try {
    const response = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(15000) })
    const next = new DOMParser().parseFromString(await response.text(), 'text/html')
    const main = next.querySelector('main')
    if (!response.ok || !main) throw new Error('not the page')
    // Another version of the program serves another page.
    if (next.documentElement.dataset.build !== document.documentElement.dataset.build) return location.reload()
    document.title = next.title
    morph(document.querySelector('main'), main)
    say(true)
  } catch {
    say(false)
  }
  cost = performance.now() - begun
  fetching = false
  if (pending) schedule()
}

// A page that is expensive to fetch is fetched less often.
function schedule() {
  pending = true
  if (timer === undefined && !fetching) timer = setTimeout(refresh, Math.max(500, 4 * cost))
}

function say(connected) {
  const text = connected ? 'Live' : 'Connection lost, trying again'
  if (live.textContent !== text) live.textContent = text
  live.classList.toggle('lost', !connected)
}

function subscribe() {
  source = new EventSource('/api/v1/events')
  source.addEventListener('status', schedule)
  source.onerror = schedule
}

subscribe()
// Ages go on when nothing happens, and a stream that was refused is asked for again.
setInterval(() => {
  if (source.readyState === EventSource.CLOSED) subscribe()
  schedule()
}, 15000)
document.addEventListener('visibilitychange', schedule)
`
