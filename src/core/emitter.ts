/** One kind of event with any number of listeners. A listener that throws is a defect and is left to the process to see. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>()

  /** Returns the function that unsubscribes. */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) listener(value)
  }
}
