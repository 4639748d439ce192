import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../src/core/errors.ts'
import { command } from './command.ts'
import { exclusively } from './exclusively.ts'
import { endProcess, isSameProcess, type ProcessMark, processMark } from './process-mark.ts'

/** Something that was made and how it is undone. Undoing what is gone already must do no harm. */
type Entry =
  | {
      readonly what: string
      readonly undo: readonly string[]
      readonly environment?: NodeJS.ProcessEnv
    }
  | {
      readonly what: string
      readonly process: ProcessMark
      /** How long it may take to end by itself after SIGTERM before SIGKILL. */
      readonly graceMilliseconds: number
    }

/** An undo may be the orderly stop of a container. */
const undoMilliseconds = 180_000

/**
 * A directory of one's own with a record of everything made outside it (namespaces, processes, containers), so that one
 * and the same list cleans up after an orderly end and, at the next start, after a crash. What is made last is undone
 * first; an undo that fails does not keep the others from being done.
 */
export class Ledger {
  readonly directory: string
  readonly #record: string
  readonly #entries: Entry[]

  private constructor(directory: string, entries: Entry[]) {
    this.directory = directory
    this.#record = join(directory, 'ledger.jsonl')
    this.#entries = entries
  }

  /**
   * First undoes what crashed owners of the same prefix left behind, then makes a directory `<prefix><random>`. Whoever
   * opens one at the same time waits: what it finds is owned or is left behind, and never just being made.
   * @param parent where the directory is made; the system's temporary directory when absent
   */
  static async open(prefix: string, parent = tmpdir()): Promise<Ledger> {
    return await exclusively(parent, async () => {
      await undoCrashed(prefix, parent)
      const directory = mkdtempSync(join(parent, prefix))
      writeFileSync(join(directory, 'owner.json'), JSON.stringify(processMark(process.pid)))
      return new Ledger(directory, [])
    })
  }

  /** Call it before making the thing: a crash in between then leaves nothing unrecorded. */
  willMake(what: string, undo: readonly string[], environment?: NodeJS.ProcessEnv): void {
    this.#add({ what, undo, ...(environment === undefined ? {} : { environment }) })
  }

  started(what: string, pid: number, graceMilliseconds: number): void {
    const process = processMark(pid)
    if (process !== undefined) this.#add({ what, process, graceMilliseconds })
  }

  #add(entry: Entry): void {
    appendFileSync(this.#record, `${JSON.stringify(entry)}\n`)
    this.#entries.push(entry)
  }

  /** Undoes everything, last first, and removes the directory. @throws AggregateError of what could not be undone */
  async close(): Promise<void> {
    const errors: Error[] = []
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      try {
        if ('undo' in entry)
          await command(entry.undo, { environment: entry.environment ?? {}, timeoutMilliseconds: undoMilliseconds })
        else await endProcess(entry.process, entry.graceMilliseconds)
      } catch (error) {
        errors.push(new Error(`${entry.what}: ${messageOf(error)}`, { cause: error }))
      }
    }
    await rm(this.directory, { recursive: true, force: true }).catch((error: Error) => errors.push(error))
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('\n'))
  }

  /** What a crashed owner recorded. A line that was cut short by the crash stands for something that was not made yet. */
  static resume(directory: string): Ledger {
    let text = ''
    try {
      text = readFileSync(join(directory, 'ledger.jsonl'), 'utf8')
    } catch {}
    const entries = text.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Entry]
      } catch {
        return []
      }
    })
    return new Ledger(directory, entries)
  }
}

/** Cleans up after every owner of this prefix that is not running any more. Errors are shown and do not stop it. */
export async function sweep(prefix: string, parent = tmpdir()): Promise<void> {
  await exclusively(parent, () => undoCrashed(prefix, parent))
}

async function undoCrashed(prefix: string, parent: string): Promise<void> {
  const names = await readdir(parent)
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    const directory = join(parent, name)
    let owner: ProcessMark | undefined
    try {
      owner = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8')) as ProcessMark
    } catch {}
    if (owner !== undefined && isSameProcess(owner)) continue
    await Ledger.resume(directory)
      .close()
      .catch((error: Error) => console.error(`cleaning up ${directory}: ${error.message}`))
  }
}
