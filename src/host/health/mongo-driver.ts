/** What is used of the official driver, the same in both of its versions. */
export type MongoDriver = Pick<typeof import('mongodb'), 'MongoClient' | 'MongoServerSelectionError'>

/**
 * Which version of the driver. The current one wants MongoDB 4.4 or later (wire version 9). MongoDB 3.6, which v5 images
 * embed, is spoken to by 6.9.0, of 2024, the last that can (6.10 wants 4.0).
 */
export type DriverVersion = 'current' | 'for MongoDB 3.6'

/**
 * Loads the driver, and never the other one. A probe child of the built program has 74 MB of resident memory with the
 * current one and 73 MB with 6.9.0 (after 300 questions), of which bare Node.js is 43: both at once is no child's need.
 */
export async function loadDriver(version: DriverVersion): Promise<MongoDriver> {
  if (version === 'current') return await import('./mongo-driver-current.ts')
  // Their types differ in what is not used here.
  return (await import('./mongo-driver-old.ts')) as unknown as MongoDriver
}

/** Whether the driver refuses a server because it is too old for it; both versions say so in the same words. */
export function isTooOld(message: string): boolean {
  return /reports maximum wire version \d+, but this version of the Node\.js Driver requires at least/.test(message)
}
