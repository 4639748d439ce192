import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** What one run of Vitest came to. A test file that could not be loaded, and an error outside any test, count as failed. */
export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

/** Counts the tests of some modules; Vitest's own JSON report does not say why a test was skipped. */
export function countTests(modules: readonly TestModule[], unhandledErrors: number): TestCounts {
  let passed = 0
  let failed = unhandledErrors
  const skipped: { name: string; reason: string }[] = []
  for (const module of modules) {
    failed += module.errors().length
    for (const suite of module.children.allSuites()) failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'failed') failed += 1
      else {
        const note = result.state === 'skipped' ? result.note : 'it did not run to its end'
        const cause =
          module.state() === 'failed' ? 'something before it in its file failed' : 'the test gives no reason'
        skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: note ?? cause })
      }
    }
  }
  return { passed, failed, skipped }
}

/** Writes the counts to the file that TEST_COUNTS_FILE names. Vitest takes a reporter as the default export. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env.TEST_COUNTS_FILE
    if (file !== undefined) writeFileSync(file, JSON.stringify(countTests(modules, unhandledErrors.length)))
  }
}
