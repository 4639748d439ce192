export { MongoClient, MongoServerSelectionError } from 'mongodb'
