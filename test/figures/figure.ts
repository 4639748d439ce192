/** One thing that was measured. Of all of them less is better. */
export interface Figure {
  readonly name: string
  readonly unit: 's' | 'ms' | 'MB' | '% of a core'
  readonly value: number
}

/** The middle one: a machine that did something else for a moment spoils one of three. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** How long `work` takes, in seconds. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** What `work` comes to, one after the other. */
export async function times(count: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  while (values.length < count) values.push(await work())
  return values
}
