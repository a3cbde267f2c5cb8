import { Readable } from 'node:stream'
import busboy from 'busboy'

/** What the body of a POST to an unsubscribe link asks for. */
export type BodyMeaning =
  /** `List-Unsubscribe=One-Click` (RFC 8058 §3.1). */
  | 'one-click'
  /** The button of our own page. */
  | 'confirm'
  /** Nothing at all: some mail programs send no body; the token is the authority. */
  | 'empty'
  /** Anything else: nothing is done. */
  | 'other'
  | 'too-large'

/** The longest body that is read, in bytes. */
export const maxBodyBytes = 4096
const maxParts = 10

/**
 * The meaning of a body of at most `maxBodyBytes`. Both encodings of RFC 8058 are read, names and values compare exactly, extra fields are ignored,
 * file parts are refused (`other`). Never throws.
 */
export async function meaningOf(body: Buffer, contentType: string | undefined): Promise<BodyMeaning> {
  if (body.length > maxBodyBytes) return 'too-large'
  if (body.length === 0) return 'empty'
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  switch (type) {
    case undefined:
    case '':
    case 'application/x-www-form-urlencoded':
      return fromFields([...new URLSearchParams(body.toString('latin1'))])
    case 'multipart/form-data':
      return fromMultipart(body, contentType ?? '')
    default:
      return 'other'
  }
}

function fromFields(fields: readonly (readonly [string, string])[]): BodyMeaning {
  if (fields.length > maxParts) return 'too-large'
  if (fields.some(([name, value]) => name === 'List-Unsubscribe' && value === 'One-Click')) return 'one-click'
  if (fields.some(([name, value]) => name === 'confirm' && value === '1')) return 'confirm'
  return 'other'
}

function fromMultipart(body: Buffer, contentType: string): Promise<BodyMeaning> {
  return new Promise((resolve) => {
    const fields: [string, string][] = []
    let refused: BodyMeaning | undefined
    let parser: busboy.Busboy
    try {
      parser = busboy({
        headers: { 'content-type': contentType },
        limits: { fields: maxParts, files: 1, parts: maxParts, fieldNameSize: 100, fieldSize: maxBodyBytes },
      })
    } catch {
      // no boundary, or one that cannot be: the sender's fault, told as such
      resolve('other')
      return
    }
    parser.on('field', (name, value) => fields.push([name, value]))
    parser.on('file', (_name, stream) => {
      refused ??= 'other'
      stream.resume()
    })
    parser.on('partsLimit', () => {
      refused = 'too-large'
    })
    parser.on('fieldsLimit', () => {
      refused = 'too-large'
    })
    parser.on('error', () => resolve('other'))
    parser.on('close', () => resolve(refused ?? fromFields(fields)))
    Readable.from([body]).pipe(parser)
  })
}
