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
 * Tags of the same major version and flavour that are newer than `tag`, newest first: of the same minor version the builds
 * (`6.2.14.11`), of later ones the tags that name a minor version alone (`6.3`), which move with their builds. A tag that
 * names a minor version only moves by itself, so it has no newer builds.
 */
export function newerTags(tag: string, all: readonly string[]): readonly string[] {
  const current = parseVersion(tag)
  if (current === undefined || current.numbers.length < 2) return []
  const minor = current.numbers.slice(0, 2)
  const isNewer = ({ numbers, suffix }: FullVersion) => {
    if (suffix !== current.suffix || numbers[0] !== minor[0]) return false
    if (numbers.length === 2) return compare(numbers, minor) > 0
    return current.numbers.length > 2 && numbers[1] === minor[1] && compare(numbers, current.numbers) > 0
  }
  return all
    .flatMap((name) => {
      const version = parseVersion(name)
      return version === undefined ? [] : [{ name, ...version }]
    })
    .filter(isNewer)
    .sort((a, b) => compare(b.numbers, a.numbers))
    .slice(0, maxShown)
    .map(({ name }) => name)
}
