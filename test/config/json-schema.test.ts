import { expect, test } from 'vitest'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { configKeys } from '../../src/config/keys.ts'

test('every key has a title, a description and its default', () => {
  const sections = configJsonSchema().properties
  for (const { section, key, meta, ...rest } of configKeys) {
    const described = sections?.[section]
    const property = typeof described === 'object' ? described.properties?.[key] : undefined
    expect(property, `${section}.${key}`).toMatchObject({
      title: expect.stringMatching(/^[A-Z]/),
      description: meta.description,
      ...('default' in rest ? { default: rest.default } : {}),
    })
  }
})

test('it refuses unknown keys and says what a change of a key needs', () => {
  const schema = configJsonSchema()
  expect(schema.additionalProperties).toBe(false)
  expect(JSON.stringify(schema)).toContain('"x-needs":"container"')
})
