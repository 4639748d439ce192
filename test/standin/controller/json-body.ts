import type { IncomingMessage } from 'node:http'

const maxBodyBytes = 65_536

/** A request's body as a JSON object. @throws BodyError with an HTTP status when it is too long or none */
export async function readObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new BodyError(413, `the body is over ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BodyError(400, 'the body is not a JSON object')
  }
  return value as Record<string, unknown>
}

/** What a body lacks, with the HTTP status to answer. */
export class BodyError extends Error {
  override readonly name = 'BodyError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
