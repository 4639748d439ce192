export { MongoClient, MongoServerSelectionError } from 'mongodb-3.6'
