import { MongoServer } from '../../standin/mongo/server.ts'

/** A listener that a driver takes for a mongod, on an address and a port, until it is ended. */
const [, , host = '127.0.0.1', port = '27017'] = process.argv
await new MongoServer({ pose: '8.0', host, port: Number(port) }).start()
console.log('listens')
