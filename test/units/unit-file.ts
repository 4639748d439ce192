import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../architecture/sources.ts'

/** A unit file's settings, each with its values in order: `get('Service', 'ExecReload')`. */
export class UnitFile {
  readonly path: string
  readonly #settings = new Map<string, string[]>()

  constructor(name: string) {
    this.path = join(root, 'units', name)
    let section = ''
    for (const line of readFileSync(this.path, 'utf8').replaceAll('\\\n', ' ').split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const [, head] = /^\[(\w+)\]$/.exec(line) ?? []
      const [, key, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
      if (head !== undefined) section = head
      else if (key === undefined) throw new Error(`${name}: not a setting: ${line}`)
      else this.#settings.set(`${section}.${key}`, [...this.all(section, key), value])
    }
  }

  all(section: string, key: string): readonly string[] {
    return this.#settings.get(`${section}.${key}`) ?? []
  }

  /** The words of a setting that is a list. */
  words(section: string, key: string): readonly string[] {
    return this.all(section, key)
      .flatMap((value) => value.split(/\s+/))
      .filter((word) => word !== '')
  }

  /** The last value; undefined when it is not set. */
  get(section: string, key: string): string | undefined {
    return this.all(section, key).at(-1)
  }

  get names(): readonly string[] {
    return [...this.#settings.keys()]
  }
}

/** `2min`, `3s`, `200ms` in milliseconds (systemd.time(7)). */
export function milliseconds(span: string | undefined): number {
  const [, amount, unit] = /^(\d+)(ms|s|min)$/.exec(span ?? '') ?? []
  const units: Record<string, number> = { ms: 1, s: 1000, min: 60_000 }
  return Number(amount) * (units[unit ?? ''] ?? Number.NaN)
}
