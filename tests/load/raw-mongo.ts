import mongoose from 'mongoose'

/** The database as the raw driver sees it: for ceilings, and for reading what services wrote. */
export type Mongo = mongoose.Connection

/** Connects with the write concern that the hub uses. */
export function openMongo(uri: string): Promise<Mongo> {
  return mongoose.createConnection(uri, { writeConcern: { w: 'majority', journal: true }, maxPoolSize: 20, autoIndex: false }).asPromise()
}

/** Closes it. */
export function closeMongo(mongo: Mongo): Promise<void> {
  return mongo.close()
}

/** Documents a second that unordered `insertMany` of 100 takes, four at a time, with the journal's own indexes: the ceiling of intake. */
export async function rawInsertRate(
  mongo: Mongo,
  like: { readonly database: string; readonly collection: string },
  ms: number,
): Promise<number> {
  const source = mongo.useDb(like.database).collection(like.collection)
  const sample = (await source.findOne({})) ?? {}
  const indexes = await source.indexes()
  const target = mongo.useDb('heed_bench_raw').collection(`raw_${Date.now()}`)
  for (const { key, name, unique, partialFilterExpression } of indexes) {
    if (name !== '_id_')
      await target.createIndex(key, { ...(unique ? { unique } : {}), ...(partialFilterExpression ? { partialFilterExpression } : {}) })
  }
  let inserted = 0
  const startedAt = performance.now()
  const one = async (worker: number) => {
    for (let batch = 0; performance.now() - startedAt < ms; batch += 1) {
      const documents = Array.from({ length: 100 }, (_, index) => renamed(sample, `${worker}-${batch}-${index}`))
      await target.insertMany(documents, { ordered: false })
      inserted += documents.length
    }
  }
  await Promise.all([0, 1, 2, 3].map(one))
  const rate = (inserted * 1000) / (performance.now() - startedAt)
  await target.drop()
  return rate
}

/** The same document under ids of its own, of the same length or nearly so. */
function renamed(sample: Record<string, unknown>, unique: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(sample)) {
    if (name === '_id' || name === 'subjectId' || name === 'requestId')
      copy[name] = typeof value === 'string' ? `${value.slice(0, Math.max(0, value.length - unique.length))}${unique}` : value
    else if (name !== 'position') copy[name] = value
  }
  if (typeof sample._id !== 'string') delete copy._id
  return copy
}
