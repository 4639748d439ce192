import * as z from 'zod'
import { sentence } from '../core/format.ts'
import { configSchema } from './schema.ts'

/** The configuration's JSON Schema (draft 2020-12), with titles, descriptions and defaults, for editors and tools. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      const name = path.at(-2) === 'properties' ? path.at(-1) : undefined
      // `stopGraceSeconds` as `Stop grace seconds`.
      const words = name?.toString().replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      if (words !== undefined) jsonSchema.title = sentence(words)
      if (path.length === 0) jsonSchema.title = 'omada-host configuration'
      // What JSON Schema has no word for gets the prefix that other readers skip.
      for (const key of ['accepts', 'needs', 'secret', 'asWritten']) {
        if (!(key in jsonSchema)) continue
        jsonSchema[`x-${key}`] = jsonSchema[key]
        delete jsonSchema[key]
      }
    },
  })
}
