import { type Document, deserialize, serialize } from 'bson'

/** A request in either form that a driver sends. */
export interface Request {
  readonly requestId: number
  readonly form: 'query' | 'message'
  /** The command and its arguments; the first key is its name. */
  readonly command: Document
  readonly database: string
  /** The client sends no answer-wait: it must not be answered. */
  readonly moreToCome: boolean
  /** The client takes more than one answer to this (streaming hello). */
  readonly exhaustAllowed: boolean
}

const opReply = 1
const opQuery = 2004
const opMessage = 2013
const flagChecksum = 1
const flagMoreToCome = 1 << 1
const flagExhaustAllowed = 1 << 16

/** Far more than a handshake, a ping or an endSessions needs. */
const maxRequestBytes = 256 * 1024

/** Cuts a byte stream into MongoDB wire protocol requests. Bounded; throws on what it does not understand. */
export class RequestReader {
  #pending: Buffer = Buffer.alloc(0)

  /** @throws Error when the peer does not speak the protocol or sends too much */
  push(chunk: Buffer): Request[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const requests: Request[] = []
    while (this.#pending.length >= 16) {
      const length = this.#pending.readInt32LE(0)
      if (length < 21 || length > maxRequestBytes) throw new Error(`a message of ${length} bytes is not accepted`)
      if (this.#pending.length < length) break
      requests.push(decode(this.#pending.subarray(0, length)))
      this.#pending = this.#pending.subarray(length)
    }
    return requests
  }
}

function decode(bytes: Buffer): Request {
  const requestId = bytes.readInt32LE(4)
  const opcode = bytes.readInt32LE(12)
  if (opcode === opQuery) return decodeQuery(requestId, bytes)
  if (opcode === opMessage) return decodeMessage(requestId, bytes)
  throw new Error(`opcode ${opcode} is not spoken here`)
}

/** OP_QUERY: header, flags, collection name, skip, count, document. */
function decodeQuery(requestId: number, bytes: Buffer): Request {
  const end = bytes.indexOf(0, 20)
  if (end < 0) throw new Error('a query without a collection name')
  const collection = bytes.toString('utf8', 20, end)
  const command = deserialize(bytes.subarray(end + 9))
  const database = collection.replace(/\..*$/, '')
  return { requestId, form: 'query', command, database, moreToCome: false, exhaustAllowed: false }
}

/** OP_MSG: header, flags, then sections; the one of kind 0 is the command, kind 1 is a batch of documents. */
function decodeMessage(requestId: number, bytes: Buffer): Request {
  const flags = bytes.readUInt32LE(16)
  const end = bytes.length - ((flags & flagChecksum) === 0 ? 0 : 4)
  let command: Document | undefined
  for (let offset = 20; offset < end; ) {
    const kind = bytes.readUInt8(offset)
    const size = bytes.readInt32LE(offset + 1)
    if (size < 5 || offset + 1 + size > end || kind > 1) throw new Error('a malformed section')
    if (kind === 0) command = deserialize(bytes.subarray(offset + 1, offset + 1 + size))
    offset += 1 + size
  }
  if (command === undefined) throw new Error('a message without a command')
  return {
    requestId,
    form: 'message',
    command,
    database: typeof command.$db === 'string' ? command.$db : 'admin',
    moreToCome: (flags & flagMoreToCome) !== 0,
    exhaustAllowed: (flags & flagExhaustAllowed) !== 0,
  }
}

/** The answer in the form of the request. `responseTo` is the request's id, or in a stream that of the answer before. */
export function encodeReply(reply: {
  form: Request['form']
  id: number
  responseTo: number
  document: Document
  moreToCome: boolean
}): Buffer {
  const document = serialize(reply.document)
  const prefix = Buffer.alloc(reply.form === 'query' ? 36 : 21)
  prefix.writeInt32LE(prefix.length + document.length, 0)
  prefix.writeInt32LE(reply.id, 4)
  prefix.writeInt32LE(reply.responseTo, 8)
  if (reply.form === 'query') {
    prefix.writeInt32LE(opReply, 12)
    prefix.writeInt32LE(8, 16) // AwaitCapable, as every mongod says
    prefix.writeInt32LE(1, 32) // one document
  } else {
    prefix.writeInt32LE(opMessage, 12)
    prefix.writeUInt32LE(reply.moreToCome ? flagMoreToCome : 0, 16)
  }
  return Buffer.concat([prefix, document])
}
