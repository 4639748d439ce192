import { MongoClient, MongoServerError } from 'mongodb'

/** The controller's own watch gives a server no longer; its real period is not known. */
const answerMilliseconds = 30_000

/** Source: MongoDB's error codes. */
const commandNotFound = 59

interface Start {
  readonly at: Date
  readonly version: string
}

/** What the controller keeps in a database that can keep something: each of its starts, and a beat that it writes over. */
export class Store {
  readonly #client: MongoClient

  /** @throws MongoParseError for a URI that the driver does not accept */
  constructor(uri: string) {
    this.#client = new MongoClient(uri, {
      appName: 'standin',
      serverSelectionTimeoutMS: answerMilliseconds,
      socketTimeoutMS: answerMilliseconds,
      retryWrites: false,
    })
  }

  /**
   * Keeps this start. Returns how many the database knows, this one included; undefined where it keeps nothing.
   * @throws what the driver says
   */
  async start(version: string): Promise<number | undefined> {
    const starts = this.#client.db('omada').collection<Start>('starts')
    try {
      await starts.insertOne({ at: new Date(), version })
      return await starts.countDocuments()
    } catch (error) {
      if (keepsNothing(error)) return undefined
      throw error
    }
  }

  /** Writes once. @throws what the driver says */
  async beat(): Promise<void> {
    const beats = this.#client.db('omada').collection<{ _id: string; at: Date }>('beats')
    await beats.updateOne({ _id: 'controller' }, { $set: { at: new Date() } }, { upsert: true })
  }

  /** Whether it answers a question that has to be looked up. One that keeps nothing answers by saying so. */
  async answers(): Promise<boolean> {
    return await this.#client
      .db('omada')
      .collection('starts')
      .findOne()
      .then(() => true, keepsNothing)
  }

  async close(): Promise<void> {
    await this.#client.close(true)
  }
}

function keepsNothing(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === commandNotFound
}
