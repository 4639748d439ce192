import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Figure } from '../test/figures/figure.ts'
import { measureFleet } from '../test/figures/fleet.ts'
import { measureForeground } from '../test/figures/foreground.ts'
import { measureReaders } from '../test/figures/readers.ts'
import { measureService } from '../test/figures/service.ts'
import { dist } from '../test/system/support/build-output.ts'

const usage = `usage: npm run figures -- [--json FILE] [--against FILE] [foreground|service|fleet|readers …]

Measures what is built in dist (npm run build, scripts/package) and prints each figure with the last one's and their ratio.
Another checkout's build is measured with TESTED_DIST=ITS/dist. No figure fails: two runs differ by what else the machine
does, so compare by ratio, in runs of the same day.
  --json FILE     where the figures are kept; dist/figures.json when it is not given
  --against FILE  what they are compared with; by default what FILE held before
`

/** What is kept of a run. */
interface Report {
  readonly at: string
  readonly commit: string
  readonly processors: string
  readonly figures: readonly Figure[]
}

const parts = {
  foreground: measureForeground,
  service: measureService,
  fleet: measureFleet,
  readers: measureReaders,
} as const
const root = join(import.meta.dirname, '..')

function read(file: string): Report | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

function show(figures: readonly Figure[], last: Report | undefined): void {
  const before = new Map(last?.figures.map(({ name, value }) => [name, value]))
  const width = Math.max(...figures.map(({ name }) => name.length))
  if (last !== undefined) console.log(`compared with ${last.commit} of ${last.at}`)
  for (const { name, unit, value } of figures) {
    const than = before.get(name)
    const ratio = than === undefined ? '' : `   last ${than.toFixed(2)}, ratio ${(value / than).toFixed(2)}`
    console.log(`${name.padEnd(width)} ${value.toFixed(2).padStart(8)} ${unit}${ratio}`)
  }
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, against: { type: 'string' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const wanted = positionals.length === 0 ? Object.keys(parts) : positionals
if (values.help || wanted.some((name) => !Object.hasOwn(parts, name))) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else {
  const file = values.json ?? join(root, 'dist/figures.json')
  const last = read(values.against ?? file)
  const figures: Figure[] = []
  for (const name of wanted) figures.push(...(await parts[name as keyof typeof parts]()))
  show(figures, last)
  const report: Report = {
    at: new Date().toISOString(),
    commit: execFileSync('git', ['-C', dist, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim(),
    processors: `${cpus().length} of ${cpus()[0]?.model}`,
    figures,
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`kept in ${file}`)
}
