/** Events come in bursts. */
const leastWaitMilliseconds = 500
/** A page that is expensive to fetch is fetched less often: this many times as long is waited as the last one took. */
const restFactor = 4

/** Refreshes when asked to: soon, one at a time, and once more for what was asked meanwhile. */
export class Refresher {
  readonly #options: { readonly refresh: () => Promise<void>; readonly wanted: () => boolean }
  #state: 'idle' | 'waiting' | 'busy' | 'busy, asked again' = 'idle'
  #costMilliseconds = 0

  /** `refresh` never rejects. Nothing is refreshed while it is not `wanted`, and not by itself when it is again. */
  constructor(options: { refresh: () => Promise<void>; wanted: () => boolean }) {
    this.#options = options
  }

  request(): void {
    if (this.#state === 'busy') this.#state = 'busy, asked again'
    if (this.#state !== 'idle') return
    this.#state = 'waiting'
    setTimeout(() => void this.#run(), Math.max(leastWaitMilliseconds, restFactor * this.#costMilliseconds))
  }

  async #run(): Promise<void> {
    this.#state = 'busy'
    if (this.#options.wanted()) {
      const begun = performance.now()
      await this.#options.refresh()
      this.#costMilliseconds = performance.now() - begun
    }
    const again = this.#askedAgain()
    this.#state = 'idle'
    if (again) this.request()
  }

  #askedAgain(): boolean {
    return this.#state === 'busy, asked again'
  }
}
