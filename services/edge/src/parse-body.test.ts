import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { maxBodyBytes, meaningOf } from './parse-body.ts'

const form = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=xyz'
const parts = (...fields: [string, string][]) =>
  Buffer.from(
    `${fields.map(([name, value]) => `--xyz\r\nContent-Disposition: form-data; ${name}\r\n\r\n${value}\r\n`).join('')}--xyz--\r\n`,
  )

describe('a body', () => {
  it.each([
    ['the form that mail programs send', form, Buffer.from('List-Unsubscribe=One-Click'), 'one-click'],
    ['the multipart form of the RFC', multipart, parts(['name="List-Unsubscribe"', 'One-Click']), 'one-click'],
    ['a charset beside the type', `${form}; charset=UTF-8`, Buffer.from('List-Unsubscribe=One-Click'), 'one-click'],
    ['no type at all', undefined, Buffer.from('List-Unsubscribe=One-Click'), 'one-click'],
    ['more fields than needed', form, Buffer.from('a=b&List-Unsubscribe=One-Click&c=d'), 'one-click'],
    ['our own button', form, Buffer.from('confirm=1'), 'confirm'],
    ['our own button as multipart', multipart, parts(['name="confirm"', '1']), 'confirm'],
    ['nothing', undefined, Buffer.alloc(0), 'empty'],
    ['nothing with a type', form, Buffer.alloc(0), 'empty'],
    ['another value', form, Buffer.from('List-Unsubscribe=one-click'), 'other'],
    ['another name', form, Buffer.from('list-unsubscribe=One-Click'), 'other'],
    ['JSON', 'application/json', Buffer.from('{"List-Unsubscribe":"One-Click"}'), 'other'],
    ['a file part', multipart, parts(['name="List-Unsubscribe"; filename="a.txt"', 'One-Click']), 'other'],
    ['multipart without a boundary', 'multipart/form-data', parts(['name="confirm"', '1']), 'other'],
    ['multipart that ends too soon', multipart, Buffer.from('--xyz\r\nContent-Disp'), 'other'],
    ['more than ten fields', form, Buffer.from(`${'a=b&'.repeat(11)}List-Unsubscribe=One-Click`), 'too-large'],
    ['more than ten parts', multipart, parts(...Array.from({ length: 11 }, (): [string, string] => ['name="a"', 'b'])), 'too-large'],
    ['more than four kilobytes', form, Buffer.alloc(maxBodyBytes + 1, 'a'), 'too-large'],
  ])('means what it says: %s', async (_, type, body, meaning) => {
    expect(await meaningOf(body, type)).toBe(meaning)
  })

  test.prop([fc.uint8Array({ maxLength: 300 }), fc.constantFrom(form, multipart, undefined, 'text/plain')])(
    'never throws, and garbage never acts',
    async (bytes, type) => {
      const meaning = await meaningOf(Buffer.from(bytes), type)
      if (bytes.length > 0) expect(['other', 'too-large']).toContain(meaning)
    },
  )
})
