import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFileStore } from './file-store.conformance.ts'
import { fileTransport, StoreFault } from './file-store.ts'
import { folderStore } from './folder-store.ts'

async function openFolder() {
  const root = await mkdtemp(join(tmpdir(), 'heed-store-'))
  const list = async () => {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)))
  }
  return { root, store: folderStore(root), list, end: () => rm(root, { recursive: true, force: true }) }
}

testFileStore('a folder', openFolder)

describe('a folder as a store', () => {
  it('shows a file as a whole or not at all, while it is replaced again and again', async () => {
    const { root, store, end } = await openFolder()
    const versions = [Buffer.alloc(300_000, 'a'), Buffer.alloc(300_000, 'b')]
    await store.put([{ path: 'big', content: versions[0] ?? Buffer.alloc(0) }])
    let writing = true
    const writer = (async () => {
      for (let index = 0; index < 12; index += 1) await store.put([{ path: 'big', content: versions[index % 2] ?? Buffer.alloc(0) }])
      writing = false
    })()
    let reads = 0
    while (writing) {
      const seen = await readFile(join(root, 'big'))
      expect(seen.length).toBe(300_000)
      expect(seen[0]).toBe(seen[299_999])
      reads += 1
    }
    await writer
    expect(reads).toBeGreaterThan(0)
    await end()
  })

  it('leaves what was there when the new content cannot be written', async () => {
    const { root, store, list, end } = await openFolder()
    await store.put([{ path: 'in/a', content: Buffer.from('old') }])
    // a folder where the file should be: the rename fails after the part was written
    await mkdir(join(root, 'in/b/c'), { recursive: true })
    await expect(store.put([{ path: 'in/b', content: Buffer.from('new') }])).rejects.toBeInstanceOf(StoreFault)
    expect(await list()).toEqual(['in/a'])
    await end()
  })

  it('calls a missing root a fault of the configuration', async () => {
    const store = folderStore('/nonexistent-heed-root')
    const fault = await store.put([{ path: 'a', content: Buffer.from('x') }]).catch((thrown: unknown) => thrown)
    expect(fault).toMatchObject({ outcome: 'configuration.no-such-folder', sent: false })
    expect(String(fault)).not.toContain('nonexistent')
  })

  it.skipIf(process.getuid?.() === 0)('calls a forbidden folder a fault of the configuration', async () => {
    const { root, store, end } = await openFolder()
    await chmod(root, 0o500)
    await expect(store.put([{ path: 'a', content: Buffer.from('x') }])).rejects.toMatchObject({
      outcome: 'configuration.permission-denied',
    })
    await chmod(root, 0o700)
    await end()
  })
})

describe('a transport of files', () => {
  const limit = { timeoutMs: 5_000, signal: new AbortController().signal }

  it('writes in order, then reads, and gives back both', async () => {
    const { root, store, end } = await openFolder()
    await writeFile(join(root, 'there.ack.json'), '{}')
    const answer = await fileTransport(store).send(
      {
        via: 'file',
        intent: 'assert',
        covers: [],
        name: 'delta.put',
        put: [
          { path: 'list.csv.gz', content: Buffer.from('rows') },
          { path: 'list.csv.gz.manifest.json', content: Buffer.from('{}') },
        ],
        get: ['there.ack.json', 'none.ack.json'],
      },
      limit,
    )
    expect(answer).toEqual({
      via: 'file',
      files: {
        'list.csv.gz': Buffer.from('rows'),
        'list.csv.gz.manifest.json': Buffer.from('{}'),
        'there.ack.json': Buffer.from('{}'),
        'none.ack.json': undefined,
      },
    })
    await end()
  })

  it('says that something was sent when the second file fails', async () => {
    const { root, store, end } = await openFolder()
    await mkdir(join(root, 'second/full'), { recursive: true })
    const answer = await fileTransport(store).send(
      {
        via: 'file',
        intent: 'assert',
        covers: [],
        name: 'delta.put',
        put: [
          { path: 'first', content: Buffer.from('1') },
          { path: 'second', content: Buffer.from('2') },
        ],
      },
      limit,
    )
    expect(answer).toMatchObject({ via: 'none', sent: true })
    await end()
  })

  it('gives up a store that does not answer', async () => {
    let closed = false
    const stuck = fileTransport({
      put: () => new Promise(() => undefined),
      get: () => new Promise(() => undefined),
      close: async () => {
        closed = true
      },
    })
    const request = { via: 'file', intent: 'follow', covers: [], name: 'ack.get', get: ['a'] } as const
    expect(await stuck.send(request, { ...limit, timeoutMs: 20 })).toEqual({ via: 'none', sent: false, reason: 'unavailable.timeout' })
    expect(closed).toBe(true)
  })
})
