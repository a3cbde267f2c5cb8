/** How long a note or a proof may be, in bytes. Longer ones are refused before they are looked at. */
export const MAX_TEXT_BYTES = 1_000_000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of the input, or undefined when it is too long, not UTF-8, or has a lone surrogate. A byte order mark is kept. */
export function readText(input: string | Uint8Array): string | undefined {
  if (typeof input === 'string') {
    return input.length > MAX_TEXT_BYTES || Buffer.byteLength(input) > MAX_TEXT_BYTES || /\p{Surrogate}/u.test(input) ? undefined : input
  }
  if (!(input instanceof Uint8Array) || input.length > MAX_TEXT_BYTES) return undefined
  try {
    return utf8.decode(input)
  } catch {
    return undefined
  }
}

/** Whether the text has an ASCII control character other than a newline: the ones that a signed note must not have. */
export function hasControlCharacter(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that the rule names
  return /[\u0000-\u0009\u000b-\u001f]/.test(text)
}

/** The bytes in standard base64 with padding (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** The bytes that canonical base64 spells, or undefined: one sequence of bytes has one spelling (RFC 4648 section 3.5). */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}
