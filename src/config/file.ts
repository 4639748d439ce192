import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { ApplianceError, systemCode } from '../core/errors.ts'
import { decodeText } from './decode.ts'
import { maxConfigBytes, tooLarge } from './parse-yaml.ts'

/**
 * The configuration file's text; undefined when `path` is not there and need not be.
 * @throws ApplianceError CONFIG_UNREADABLE, or CONFIG_SYNTAX for a file that is too large or is not a text in UTF-8
 */
export async function readConfigFile(path: string, options: { required: boolean }): Promise<string | undefined> {
  try {
    // Without O_NONBLOCK a named pipe would wait for its writer for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const facts = await file.stat()
    if (!facts.isFile()) throw unreadable(path, facts.isDirectory() ? 'it is a directory' : 'it is not a plain file')
    if (facts.size > maxConfigBytes) throw new ApplianceError(tooLarge(path, facts.size))
    return decodeText(await file.readFile(), path)
  } catch (error) {
    if (error instanceof ApplianceError) throw error
    const code = systemCode(error)
    if (code === 'ENOENT' && !options.required) return undefined
    throw unreadable(path, reasons[code ?? ''] ?? `the system says ${code ?? String(error)}`, error)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a directory',
  EACCES: 'this user may not read it',
}

function unreadable(path: string, why: string, cause?: unknown): ApplianceError {
  return new ApplianceError(
    {
      code: 'CONFIG_UNREADABLE',
      message: `the configuration ${path} cannot be read: ${why}`,
      remedy:
        systemCode(cause) === 'EACCES'
          ? 'run it as root (sudo), or name a readable file with --config'
          : `name a readable file with --config, or make ${path} one`,
    },
    { cause },
  )
}
