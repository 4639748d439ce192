import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { openFilesNeeded, openFilesWarning } from '../../src/linux/open-files.ts'

const config = configSchema.parse({ proxy: { maxConnections: 100 }, discovery: { maxSessions: 50 } })
const limits = (hard: string) =>
  `Limit   Soft Limit  Hard Limit  Units\nMax open files            20        ${hard}  files\n`

describe('openFilesWarning', () => {
  it('warns with both numbers below what the bounds need, and not at it', () => {
    const needed = openFilesNeeded(config)
    expect(openFilesWarning(config, () => limits(String(needed)))).toEqual([])
    expect(openFilesWarning(config, () => limits('unlimited'))).toEqual([])
    const [warning] = openFilesWarning(config, () => limits(String(needed - 1)))
    expect(warning).toMatchObject({ code: 'OPEN_FILES_LOW', message: expect.stringContaining(String(needed - 1)) })
    expect(warning?.remedy).toContain(`LimitNOFILE=${needed}`)
  })
})
