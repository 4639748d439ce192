import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const here = { os: [process.platform], cpu: [process.arch] }

/** What is named for a directory with these packages in its lock file, of which those that are `installed` are there. */
function missing(packages: Record<string, object>, installed: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'omada-host-missing-parts-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify({ packages }))
  for (const name of installed) {
    mkdirSync(join(directory, 'node_modules', name), { recursive: true })
    writeFileSync(join(directory, 'node_modules', name, 'package.json'), '{}')
  }
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lib/missing-parts.cjs', directory], {
    encoding: 'utf8',
  })
  return { code: status, named: stderr.split('\n').filter((line) => line !== '') }
}

test('what npm left out of what this machine needs is named', () => {
  const packages = {
    'node_modules/tool': {},
    'node_modules/@tool/here': { ...here, optional: true, engines: { node: '>=22' } },
    'node_modules/@tool/there': { ...here, optional: true },
    'node_modules/@tool/not-windows': { os: ['!win32'], optional: true },
  }
  expect(missing(packages, ['tool', '@tool/there'])).toEqual({
    code: 1,
    named: ['npm left out @tool/here', 'npm left out @tool/not-windows'],
  })
  expect(missing(packages, ['tool', '@tool/there', '@tool/here', '@tool/not-windows'])).toEqual({
    code: 0,
    named: [],
  })
})

test('what is for other machines, or has no native part, is not asked for', () => {
  const packages = {
    'node_modules/@tool/darwin': { os: ['darwin'], cpu: [process.arch], optional: true },
    'node_modules/@tool/s390x': { os: [process.platform], cpu: ['s390x'], optional: true },
    'node_modules/@tool/other-libc': { ...here, libc: ['another'], optional: true },
    'node_modules/@tool/not-linux': { os: [`!${process.platform}`], optional: true },
    'node_modules/pretty': { optional: true },
  }
  expect(missing(packages, [])).toEqual({ code: 0, named: [] })
})
