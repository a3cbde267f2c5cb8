import { crc32 } from 'node:zlib'
import { errors, type S3Error } from './errors.ts'

/**
 * The content of a body that was sent in chunks with a checksum behind them (`content-encoding: aws-chunked`), as the SDKs send streams:
 * `<hex size>[;…]\r\n<bytes>\r\n … 0\r\n<trailer>: <value>\r\n\r\n`. Only the checksum CRC-32 is known.
 */
export function contentOfChunks(body: Buffer): { readonly content: Buffer } | { readonly error: S3Error } {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at)
    if (lineEnd < 0) return { error: errors.incompleteBody }
    const size = Number.parseInt(body.toString('latin1', at, lineEnd).split(';')[0] ?? '', 16)
    if (!Number.isInteger(size) || size < 0) return { error: errors.incompleteBody }
    at = lineEnd + 2
    if (size === 0) break
    if (at + size + 2 > body.length) return { error: errors.incompleteBody }
    parts.push(body.subarray(at, at + size))
    at += size + 2
  }
  const content = Buffer.concat(parts)
  for (const line of body.toString('latin1', at).split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*/, 2)
    if (name.toLowerCase() !== 'x-amz-checksum-crc32') continue
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE(crc32(content))
    if (checksum.toString('base64') !== value.trim()) return { error: errors.badDigest }
  }
  return { content }
}
