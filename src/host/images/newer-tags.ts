interface FullVersion {
  readonly numbers: readonly number[]
  /** Flavour of the image, such as `-openj9`. */
  readonly suffix: string
}

const maxShown = 10

function parseVersion(tag: string): FullVersion | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,6}){0,5})(-[a-z0-9-]+)?$/.exec(tag)
  return match?.[1] === undefined ? undefined : { numbers: match[1].split('.').map(Number), suffix: match[2] ?? '' }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * Tags of the same minor version and flavour that are newer than `tag`, newest first. A tag that names a minor version
 * only (`6.2`) moves by itself, so there is none newer.
 */
export function newerTags(tag: string, all: readonly string[]): readonly string[] {
  const current = parseVersion(tag)
  if (current === undefined || current.numbers.length < 3) return []
  return all
    .flatMap((name) => {
      const version = parseVersion(name)
      return version === undefined ? [] : [{ name, ...version }]
    })
    .filter(
      ({ numbers, suffix }) =>
        suffix === current.suffix &&
        numbers[0] === current.numbers[0] &&
        numbers[1] === current.numbers[1] &&
        compare(numbers, current.numbers) > 0,
    )
    .sort((a, b) => compare(b.numbers, a.numbers))
    .slice(0, maxShown)
    .map(({ name }) => name)
}
