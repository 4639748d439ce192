import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NotPassed, TestCounts } from './count-reporter.ts'

// test-summary.ts DIRECTORY FAILED_STEPS: adds up the projects' files, such as unit.json, of scripts/test and prints the closing lines.
const [directory = '', failedSteps = ''] = process.argv.slice(2)
const sum = { passed: 0, failed: [] as NotPassed[], skipped: [] as NotPassed[] }
const missing: string[] = []
const notRun = join(directory, 'not-run.json')
const withoutRoot = existsSync(notRun)

for (const project of withoutRoot ? ['unit'] : ['unit', 'system', 'host']) {
  const file = join(directory, `${project}.json`)
  if (!existsSync(file)) {
    missing.push(`the ${project} tests did not run to their end`)
    continue
  }
  const counts = JSON.parse(readFileSync(file, 'utf8')) as TestCounts
  sum.passed += counts.passed
  sum.failed.push(...counts.failed)
  sum.skipped.push(...counts.skipped)
}
if (withoutRoot) {
  const tests = JSON.parse(readFileSync(notRun, 'utf8')) as { name: string }[]
  sum.skipped.push(...tests.map(({ name }) => ({ name, reason: 'needs root' })))
}

for (const { name, reason } of sum.skipped) console.log(`skipped: ${name}: ${reason}`)
// Here again with its error, as what the runner said of it may lie thousands of lines above.
for (const { name, reason } of sum.failed) console.log(`failed: ${name}: ${reason}`)
for (const step of failedSteps.split(' ').filter((name) => name !== '')) console.log(`failed step: ${step}`)
for (const message of missing) console.log(`failed: ${message}`)
console.log(`${sum.passed} passed, ${sum.failed.length} failed, ${sum.skipped.length} skipped`)
if (sum.failed.length > 0 || sum.passed === 0 || failedSteps.trim() !== '' || missing.length > 0) process.exitCode = 1
