import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultConfig } from '../../scripts/lib/package/default-config.ts'
import { configKeys } from '../../src/config/keys.ts'

const installed = defaultConfig()

test('the installed configuration sets nothing', () => {
  expect(parse(installed)).toBeNull()
})

test('without the first # of its lines it sets every key that has a default to that', () => {
  const opened = installed.replace(/^#(?! )/gm, '').replace(/^#(?= {2}\S)/gm, '')
  const found = parse(opened) as Record<string, Record<string, unknown>>
  for (const { section, key, ...rest } of configKeys) {
    expect.soft(found[section], `${section}.${key}`).toHaveProperty(key)
    expect.soft(found[section]?.[key], `${section}.${key}`).toEqual('default' in rest ? rest.default : null)
  }
})

test('each key stands below what it is for and what it accepts', () => {
  for (const { key, accepts, meta } of configKeys) {
    expect
      .soft(installed)
      .toMatch(new RegExp(`^#  # ${escaped(meta.description)}\\n#  # accepted: ${escaped(accepts)}\\n#  ${key}:`, 'm'))
  }
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
