import { morph } from './morph.ts'
import { Refresher } from './refresher.ts'

// The page's script. On every event it fetches the page again and changes only what differs. Without it the page reloads
// itself.

/** Ages go on when nothing happens, and a stream that was refused is asked for again. */
const rhythmMilliseconds = 15_000

const refresher = new Refresher({ refresh, wanted: () => !document.hidden })
follow(subscribe())
document.addEventListener('visibilitychange', () => refresher.request())

function follow(source: EventSource): void {
  setTimeout(() => {
    refresher.request()
    follow(source.readyState === EventSource.CLOSED ? subscribe() : source)
  }, rhythmMilliseconds)
}

function subscribe(): EventSource {
  const source = new EventSource('/api/v1/events')
  source.addEventListener('status', () => refresher.request())
  source.addEventListener('error', () => refresher.request())
  return source
}

async function refresh(): Promise<void> {
  try {
    const response = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(rhythmMilliseconds) })
    const next = new DOMParser().parseFromString(await response.text(), 'text/html')
    const [here, there] = [document, next].map((page) => page.querySelector('main'))
    if (!response.ok || here == null || there == null) throw new Error('not the page')
    // Another version of the program serves another page.
    if (next.documentElement.dataset.build !== document.documentElement.dataset.build) return location.reload()
    document.title = next.title
    morph(here, there)
    say('Live')
  } catch {
    say('Connection lost, trying again')
  }
}

function say(text: 'Live' | 'Connection lost, trying again'): void {
  const live = document.getElementById('live')
  if (live === null) return
  // Set again it would be read aloud again.
  if (live.textContent !== text) live.textContent = text
  live.classList.toggle('lost', text !== 'Live')
}
