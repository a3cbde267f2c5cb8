import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileStore } from './file-store.ts'

/** A store to be tried, and how to look into it from outside. */
export interface StoreFixture {
  readonly store: FileStore
  /** The names of all files, parts included, below the root. */
  list(): Promise<string[]>
  end(): Promise<void>
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

/** Registers the tests that every driver passes. `open` makes an empty store. */
export function testFileStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`${name} keeps the contract of a file store`, () => {
    let fixture: StoreFixture
    beforeEach(async () => {
      fixture = await open()
    })
    afterEach(() => fixture.end())

    it('gives back what was put, byte for byte', async () => {
      const content = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256)
      await fixture.store.put([{ path: 'in/list.csv.gz', content }])
      expect(Buffer.from((await fixture.store.get('in/list.csv.gz')) ?? []).equals(content)).toBe(true)
    })

    it('takes files together, and one that is larger than what is sent at once', async () => {
      const large = Uint8Array.from({ length: 3_000_001 }, (_, index) => (index * 31) % 251)
      await fixture.store.put([
        { path: 'in/a.csv', content: large },
        { path: 'in/a.csv.manifest.json', content: bytes('{}') },
      ])
      expect(Buffer.from((await fixture.store.get('in/a.csv')) ?? []).equals(large)).toBe(true)
      expect((await fixture.list()).toSorted()).toEqual(['in/a.csv', 'in/a.csv.manifest.json'])
    })

    it('answers that a file is not there', async () => {
      expect(await fixture.store.get('in/none.ack.json')).toBeUndefined()
    })

    it('replaces, and leaves no part behind', async () => {
      await fixture.store.put([{ path: 'in/a.json', content: bytes('first') }])
      await fixture.store.put([{ path: 'in/a.json', content: bytes('second, and longer') }])
      expect(Buffer.from((await fixture.store.get('in/a.json')) ?? []).toString()).toBe('second, and longer')
      expect(await fixture.list()).toEqual(['in/a.json'])
    })

    it('takes the same bytes again', async () => {
      await fixture.store.put([{ path: 'in/a.json', content: bytes('same') }])
      await fixture.store.put([{ path: 'in/a.json', content: bytes('same') }])
      expect(await fixture.list()).toEqual(['in/a.json'])
    })

    it('takes an empty file', async () => {
      await fixture.store.put([{ path: 'in/empty', content: bytes('') }])
      expect((await fixture.store.get('in/empty'))?.length).toBe(0)
    })

    it('does several things at once as if one after the other', async () => {
      const names = Array.from({ length: 8 }, (_, index) => `in/${index}.txt`)
      await Promise.all(names.map((path) => fixture.store.put([{ path, content: bytes(path) }])))
      const contents = await Promise.all(names.map((path) => fixture.store.get(path)))
      expect(contents.map((content) => Buffer.from(content ?? []).toString())).toEqual(names)
    })

    it('never leads out of its root', async () => {
      for (const path of ['../up', '/etc/passwd', 'in/../../up', 'in//a', '', 'in/\u0000', 'in\\a']) {
        await expect(fixture.store.put([{ path, content: bytes('x') }])).rejects.toThrow(RangeError)
        await expect(fixture.store.get(path)).rejects.toThrow(RangeError)
      }
    })

    it('works again after it was closed', async () => {
      await fixture.store.put([{ path: 'in/a.json', content: bytes('kept') }])
      await fixture.store.close()
      expect(Buffer.from((await fixture.store.get('in/a.json')) ?? []).toString()).toBe('kept')
    })
  })
}
