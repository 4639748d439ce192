import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** A test, or a file of tests, and why it did not pass: the first lines of its error, or the reason that it was skipped. */
export interface NotPassed {
  readonly name: string
  readonly reason: string
}

/** What one run of Vitest came to. A test file that could not be loaded, and an error outside any test, count as failed. */
export interface TestCounts {
  readonly passed: number
  readonly failed: readonly NotPassed[]
  readonly skipped: readonly NotPassed[]
}

/** Counts the tests of some modules; Vitest's own JSON report does not say why a test was skipped. */
export function countTests(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): TestCounts {
  let passed = 0
  const failed = unhandledErrors.map((error) => ({ name: 'outside any test', reason: firstLines([error]) }))
  const skipped: NotPassed[] = []
  for (const module of modules) {
    const file = module.relativeModuleId
    for (const error of module.errors()) failed.push({ name: file, reason: firstLines([error]) })
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors())
        failed.push({ name: `${file} > ${suite.fullName}`, reason: firstLines([error]) })
    }
    for (const test of module.children.allTests()) {
      const name = `${file} > ${test.fullName}`
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'failed') failed.push({ name, reason: firstLines(result.errors) })
      else {
        const note = result.state === 'skipped' ? result.note : 'it did not run to its end'
        const cause =
          module.state() === 'failed' ? 'something before it in its file failed' : 'the test gives no reason'
        skipped.push({ name, reason: note ?? cause })
      }
    }
  }
  return { passed, failed, skipped }
}

/** Of each error its message, cut to eight lines, and where in the tests it was thrown. */
function firstLines(errors: readonly SerializedError[]): string {
  return errors
    .map(({ message, stacks }) => {
      const lines = message.split('\n')
      const at = stacks?.map(({ file, line }) => `at ${file}:${line}`).slice(0, 1) ?? []
      return [...lines.slice(0, 8), ...(lines.length > 8 ? ['...'] : []), ...at].join('\n')
    })
    .join('\n')
}

/** Writes the counts to the file that TEST_COUNTS_FILE names. Vitest takes a reporter as the default export. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env.TEST_COUNTS_FILE
    if (file !== undefined) writeFileSync(file, JSON.stringify(countTests(modules, unhandledErrors)))
  }
}
